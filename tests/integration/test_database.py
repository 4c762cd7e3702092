"""The connection: transactions that survive cancellation, change signals, migrations, clear errors."""

from __future__ import annotations

import asyncio
import sqlite3
import sys
from importlib import resources
from pathlib import Path

import pytest

from claude_orchestrator.errors import StateError
from claude_orchestrator.state import events
from claude_orchestrator.state.database import Database


async def fail(db: Database) -> None:
    async with db.transaction() as tx:
        await events.append(tx, kind="a.b")
        raise ValueError("oops")


async def count_events(db: Database) -> int:
    return len(await events.after(db, 0))


def test_an_error_inside_takes_the_transaction_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            with pytest.raises(ValueError, match="oops"):
                await fail(db)
            assert await count_events(db) == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("ticks", range(12))
def test_a_cancelled_transaction_leaves_no_lock_and_no_half(tmp_path: Path, ticks: int) -> None:
    """Cancel after every possible number of turns of the loop: all or nothing, and the next one works."""

    async def write(db: Database) -> None:
        async with db.transaction() as tx:
            await events.append(tx, kind="a.b")
            await events.append(tx, kind="a.c")

    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            task = asyncio.create_task(write(db))
            for _ in range(ticks):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
            assert await count_events(db) in (0, 2)
            await write(db)
            assert await count_events(db) in (2, 4)

    asyncio.run(scenario())


def test_changes_of_another_process_are_felt(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            await db.changed(db.revision, 0.2)
            revision = db.revision
            other = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                "import sqlite3, sys; c = sqlite3.connect(sys.argv[1]);"
                "c.execute(\"INSERT INTO event (at, kind, data) VALUES (1, 'x.y', '{}')\"); c.commit()",
                str(tmp_path / "s.db"),
            )
            assert await db.changed(revision, 20) > revision
            await other.wait()

    asyncio.run(scenario())


def test_a_newer_database_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db"):
            pass
        with sqlite3.connect(tmp_path / "s.db") as connection:
            connection.execute("INSERT INTO migration VALUES (999, 'from the future', 0)")
        connection.close()
        with pytest.raises(StateError, match="newer version"):
            async with Database.open(tmp_path / "s.db"):
                pass

    asyncio.run(scenario())


def test_costs_of_before_there_were_budgets_count(tmp_path: Path) -> None:
    schema = resources.files("claude_orchestrator.state").joinpath("schema")
    names = sorted(file.name for file in schema.iterdir() if file.name.endswith(".sql") and file.name < "004")
    with sqlite3.connect(tmp_path / "s.db") as connection:
        for name in names:
            connection.executescript(schema.joinpath(name).read_text())
        connection.execute("CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL)")
        connection.executemany("INSERT INTO migration VALUES (?, ?, 0)", list(enumerate(names, 1)))
        connection.executemany(
            "INSERT INTO cost VALUES ('a', ?, 'r1', 't', 'p', 'm', 0, 1, 1, 0, 0, ?, '')",
            [("known", 7), ("unknown", None)],
        )
    connection.close()

    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            rows = await db.fetch_all("SELECT call, micro_usd, counted FROM cost ORDER BY call")
            assert [tuple(row.values()) for row in rows] == [("known", 7, 7), ("unknown", None, 0)]

    asyncio.run(scenario())


def test_a_database_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    """With its rows: an open review keeps waiting."""
    first = resources.files("claude_orchestrator.state").joinpath("schema", "001_initial.sql").read_text()
    with sqlite3.connect(tmp_path / "s.db") as connection:
        connection.executescript(
            f"{first};"
            " CREATE TABLE migration (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL NOT NULL);"
            " INSERT INTO migration VALUES (1, '001_initial.sql', 0);"
            " INSERT INTO gate (id, number, run_id, task_id, kind, question, created_at)"
            " VALUES ('g1', 1, 'r1', 't', 'review', 'why?', 0);"
        )
    connection.close()

    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            schema = resources.files("claude_orchestrator.state").joinpath("schema")
            assert await db.schema() == sum(file.name.endswith(".sql") for file in schema.iterdir())
            gate = await db.fetch_one("SELECT * FROM gate")
            assert gate is not None
            assert (gate["status"], gate["question"], gate["channel"]) == ("open", "why?", None)
            assert await db.fetch_all("SELECT * FROM operation_gate") == []

    asyncio.run(scenario())


def test_two_processes_may_create_the_database_at_once(tmp_path: Path) -> None:
    async def create() -> None:
        async with Database.open(tmp_path / "s.db") as db, db.transaction() as tx:
            await events.append(tx, kind="a.b")

    async def scenario() -> None:
        await asyncio.gather(*(create() for _ in range(5)))
        async with Database.open(tmp_path / "s.db") as db:
            assert await count_events(db) == 5
            assert await db.integrity() == "ok"

    asyncio.run(scenario())


def test_what_is_no_database_is_said_in_one_line(tmp_path: Path) -> None:
    (tmp_path / "s.db").write_text("this is not a database, and long enough to be read as one" * 20)

    async def scenario(path: Path) -> None:
        async with Database.open(path):
            pass

    with pytest.raises(StateError, match="damaged"):
        asyncio.run(scenario(tmp_path / "s.db"))
    with pytest.raises(StateError, match="CLAUDE_ORCHESTRATOR_HOME"):
        asyncio.run(scenario(tmp_path / "s.db" / "below a file" / "s.db"))


def test_a_full_disk_is_said_and_takes_the_transaction_back(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            pages = await db.fetch_one("PRAGMA page_count")
            assert pages is not None
            await db.fetch_all(f"PRAGMA max_page_count = {pages['page_count']}")
            with pytest.raises(StateError, match="is full or failing"):
                async with db.transaction() as tx:
                    await events.append(tx, kind="a.b", data={"text": "x" * 100_000})
            await db.fetch_all("PRAGMA max_page_count = 100000")
            async with db.transaction() as tx:
                await events.append(tx, kind="a.b")
            assert await count_events(db) == 1

    asyncio.run(scenario())


def test_a_look_wakes_nobody_and_a_change_everybody(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            before = db.revision
            async with db.transaction() as tx:
                await tx.fetch_all("SELECT * FROM event")
                await tx.execute("UPDATE event SET kind = 'x' WHERE 0")
            assert db.revision == before
            async with db.transaction() as tx:
                await events.append(tx, kind="a.b")
            assert db.revision == before + 1

    asyncio.run(scenario())


def test_what_was_committed_before_the_first_look_is_not_missed(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db, Database.open(tmp_path / "s.db") as other:
            revision = db.revision
            async with other.transaction() as tx:
                await events.append(tx, kind="a.b")
            assert await db.changed(revision, 20) > revision

    asyncio.run(scenario())


def test_a_watch_that_met_an_error_is_taken_up_again(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db, Database.open(tmp_path / "s.db") as other:
            await db.changed(db.revision, 0.2)
            assert db._watcher is not None
            db._watcher.cancel()
            await asyncio.gather(db._watcher, return_exceptions=True)
            revision = db.revision
            waiting = asyncio.create_task(db.changed(revision, 20))
            async with other.transaction() as tx:
                await events.append(tx, kind="a.b")
            assert await waiting > revision

    asyncio.run(scenario())


def test_many_may_create_the_database_at_once(tmp_path: Path) -> None:
    """SQLite does not wait when several connections switch to WAL at once; it takes some rounds to see that."""

    async def create(path: Path) -> None:
        async with Database.open(path):
            pass

    async def scenario() -> None:
        for number in range(25):
            path = tmp_path / f"{number}.db"
            await asyncio.gather(*(create(path) for _ in range(5)))

    asyncio.run(scenario())


def test_text_that_is_no_utf8_is_kept_with_escapes(tmp_path: Path) -> None:
    async def scenario() -> None:
        async with Database.open(tmp_path / "s.db") as db:
            async with db.transaction() as tx:
                await events.append(tx, kind="ünï.\udcff")
            [event] = await events.after(db, 0)
            assert event["kind"] == "ünï.\\udcff"

    asyncio.run(scenario())
