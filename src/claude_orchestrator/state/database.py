"""One SQLite connection a process: transactions, migrations, and the signal that something changed."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any, Final

import aiosqlite

from claude_orchestrator.errors import StateError

Row = dict[str, Any]
Values = Mapping[str, Any]

BUSY_TIMEOUT_S: Final = 30.0
"""How long a writer waits for another process's transaction before it gives up."""

CHANGE_POLL_S: Final = 0.05
"""How often another process's commits are looked for; one check of ``data_version`` costs microseconds."""


class Transaction:
    """An open write transaction; made by :meth:`Database.transaction` only."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def execute(self, sql: str, values: Values | None = None) -> int:
        """Run one statement with ``:named`` parameters; return the number of rows it changed."""
        # Not closed by hand: that would be a second trip to the connection's thread for each statement.
        cursor = await self._connection.execute(sql, _storable(values or {}))
        return cursor.rowcount

    async def execute_many(self, sql: str, rows: list[Values]) -> None:
        """Run one statement once for each row of values."""
        await self._connection.executemany(sql, [_storable(row) for row in rows])

    async def fetch_one(self, sql: str, values: Values | None = None) -> Row | None:
        """The first row of a query, or None."""
        rows = await self.fetch_all(sql, values)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, values: Values | None = None) -> list[Row]:
        """All rows of a query, each a dictionary by column name."""
        rows = await self._connection.execute_fetchall(sql, _storable(values or {}))
        return [dict(row) for row in rows]


class Database:
    """The database of one home. Open it with ``async with Database.open(path) as db``."""

    def __init__(self, path: Path, connection: aiosqlite.Connection) -> None:
        self.path = path
        self._connection = connection
        self._turn = asyncio.Lock()
        self._changed = asyncio.Condition()
        self._revision = 0
        self._seen_version: int | None = None
        self._watcher: asyncio.Task[None] | None = None

    @classmethod
    @asynccontextmanager
    async def open(cls, path: Path) -> AsyncIterator[Database]:
        """Open (and create or migrate) the database. Raises StateError when it cannot be used."""
        try:
            path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        except OSError as error:
            raise StateError(
                f"cannot use {path.parent}: {error.strerror}: set CLAUDE_ORCHESTRATOR_HOME to a writable folder"
            ) from error
        with _clear_errors(path):
            connection = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT_S)
        database = cls(path, connection)
        try:
            with _clear_errors(path):
                connection.row_factory = sqlite3.Row
                await database._prepare()
            yield database
        finally:
            await database._close()

    async def _prepare(self) -> None:
        await self._write_ahead()
        await self._connection.execute("PRAGMA synchronous = FULL")
        await self._connection.execute("PRAGMA foreign_keys = ON")
        await _migrate(self)

    async def _write_ahead(self) -> None:
        """Switch a new database to WAL. SQLite does not wait by itself when several want to do so at once."""
        deadline = time.monotonic() + BUSY_TIMEOUT_S
        while True:
            try:
                await self._connection.execute("PRAGMA journal_mode = WAL")
            except sqlite3.OperationalError as error:
                if "locked" not in str(error) or time.monotonic() > deadline:
                    raise
                await asyncio.sleep(CHANGE_POLL_S)
            else:
                return

    async def _close(self) -> None:
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
        await asyncio.shield(self._connection.close())

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        """BEGIN IMMEDIATE … COMMIT; any exception rolls back. Raises StateError for a full disk and the like.

        Transactions of one process queue up behind each other; keep them short and never wait inside one
        for anything but the database.
        """
        async with self._turn:
            before = self._connection.total_changes
            try:
                with _clear_errors(self.path):
                    await self._connection.execute("BEGIN IMMEDIATE")
                    yield Transaction(self._connection)
                    await self._connection.execute("COMMIT")
            except BaseException:
                # A cancelled BEGIN still runs in the connection's thread, so this always follows it.
                await asyncio.shield(self._rollback())
                raise
            changed = self._connection.total_changes != before
        # Nobody is woken by a look: a loop that looks, then waits for a change, would never sleep.
        if changed:
            await self._announce()

    async def _rollback(self) -> None:
        with suppress(sqlite3.OperationalError):  # no transaction is active: nothing to take back
            await self._connection.execute("ROLLBACK")

    async def fetch_one(self, sql: str, values: Values | None = None) -> Row | None:
        """The first row of a query outside any transaction, or None."""
        rows = await self.fetch_all(sql, values)
        return rows[0] if rows else None

    async def fetch_all(self, sql: str, values: Values | None = None) -> list[Row]:
        """All rows of a query outside any transaction."""
        async with self._turn:
            with _clear_errors(self.path):
                return [dict(row) for row in await self._connection.execute_fetchall(sql, _storable(values or {}))]

    async def integrity(self) -> str:
        """``ok``, or the first thing that SQLite finds wrong with the file."""
        row = await self.fetch_one("PRAGMA quick_check(1)")
        return str(next(iter(row.values()))) if row else "no answer"

    async def schema(self) -> int:
        """The number of the latest migration that the database has."""
        return await _version(self)

    # -- knowing that something changed -------------------------------------------------------

    @property
    def revision(self) -> int:
        """A number that rises when something was changed, by this process or (a moment later) by any other."""
        return self._revision

    async def changed(self, since: int, timeout_s: float | None = None) -> int:
        """Wait until :attr:`revision` is above ``since`` or the time is over; return the revision."""
        if self._watcher is None or self._watcher.done():  # done: it met an error; the next may not
            self._watcher = asyncio.create_task(self._watch(), name="data-version")
        try:
            async with asyncio.timeout(timeout_s), self._changed:
                await self._changed.wait_for(lambda: self._revision > since)
        except TimeoutError:
            pass
        return self._revision

    async def _announce(self) -> None:
        async with self._changed:
            self._revision += 1
            self._changed.notify_all()

    async def _watch(self) -> None:
        """Turn other processes' commits into announcements (``PRAGMA data_version`` counts only theirs)."""
        while True:
            row = await self.fetch_one("PRAGMA data_version")
            version = next(iter(row.values())) if row else None
            # The first look is announced as well: what was committed since the caller last read is unknown.
            if version != self._seen_version:
                self._seen_version = version
                await self._announce()
            await asyncio.sleep(CHANGE_POLL_S)


async def _migrate(database: Database) -> None:
    """Apply the numbered files of ``state/schema`` that the database does not have yet, under its write lock."""
    files = sorted(
        (entry for entry in resources.files(__package__).joinpath("schema").iterdir() if entry.name.endswith(".sql")),
        key=lambda entry: entry.name,
    )
    newest = int(files[-1].name.split("_")[0])
    if await _version(database) == newest:
        return
    async with database.transaction() as tx:
        await tx.execute(
            "CREATE TABLE IF NOT EXISTS migration"
            " (version INTEGER PRIMARY KEY, name TEXT NOT NULL, applied_at REAL NOT NULL)"
        )
        row = await tx.fetch_one("SELECT max(version) AS version FROM migration")
        current = (row and row["version"]) or 0
        if current > newest:
            raise StateError(
                f"{database.path} was written by a newer version (schema {current}, this program knows {newest}): "
                "upgrade claude-orchestrator"
            )
        for entry in files:
            number = int(entry.name.split("_")[0])
            if number > current:
                for statement in _statements(entry.read_text(encoding="utf-8")):
                    await tx.execute(statement)
                await tx.execute(
                    "INSERT INTO migration (version, name, applied_at) VALUES (:version, :name, :at)",
                    {"version": number, "name": entry.name, "at": time.time()},
                )


async def _version(database: Database) -> int:
    exists = await database.fetch_one("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'migration'")
    if not exists:
        return 0
    row = await database.fetch_one("SELECT max(version) AS version FROM migration")
    return int((row and row["version"]) or 0)


def _storable(values: Values) -> Values:
    """``values`` as SQLite can keep them: of a file name that is no UTF-8, the odd bytes become escapes."""
    return {
        name: value
        if not isinstance(value, str) or value.isascii()
        else value.encode(errors="backslashreplace").decode()
        for name, value in values.items()
    }


def _statements(script: str) -> Iterator[str]:
    """Split an SQL script where SQLite itself says that a statement is complete."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if sqlite3.complete_statement(statement):
            yield statement
            statement = ""


@contextmanager
def _clear_errors(path: Path) -> Iterator[None]:
    """Turn SQLite's and the file system's errors into one line that says what to do."""
    try:
        yield
    except sqlite3.Error as error:
        raise StateError(_explain(path, str(error))) from error


def _explain(path: Path, message: str) -> str:
    if "full" in message or "disk I/O" in message:
        return (
            f"the disk of {path.parent} is full or failing ({message}): free some space, "
            "then 'claude-orchestrator resume' goes on"
        )
    if "readonly" in message or "unable to open" in message:
        return f"cannot write {path}: set CLAUDE_ORCHESTRATOR_HOME to a writable folder"
    if "malformed" in message or "not a database" in message:
        return f"{path} is damaged ({message}): move it away and see 'claude-orchestrator doctor'"
    if "locked" in message:
        return f"{path} has been locked by another process for {BUSY_TIMEOUT_S:.0f} s: see 'claude-orchestrator doctor'"
    return f"the database {path} refused: {message}"
