"""The store of plans in a real database: versions, approval, several processes at once."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.errors import PlanError
from claude_orchestrator.plans.models import Operation, Phase, Plan, Task
from claude_orchestrator.plans.store import PlanStore
from claude_orchestrator.state.database import Database


def with_store(path: Path, play: Callable[[PlanStore, Database], Awaitable[None]]) -> None:
    async def run() -> None:
        async with Database.open(path / "state.db") as db:
            await play(PlanStore(db), db)

    asyncio.run(run())


def a_plan(goal: str = "Do it", **fields: Any) -> Plan:
    task = Task(id="a", title="A", attempts={1: [Operation(write="é.py", content="x\n")], 2: []}, timeout="30m")
    return Plan(goal=goal, phases=[Phase(id="one", title="One", tasks=[task])], **fields)


def test_a_plan_comes_back_equal(tmp_path: Path) -> None:
    async def play(store: PlanStore, db: Database) -> None:
        saved = await store.save(a_plan())
        assert (saved.id, saved.version) == ("p1", 1)
        assert saved.phases == a_plan().phases
        assert await store.load("p1") == saved
        assert (await store.save(a_plan())).id == "p2"

    with_store(tmp_path, play)


def test_a_change_is_a_new_version_and_the_old_one_stays(tmp_path: Path) -> None:
    async def play(store: PlanStore, db: Database) -> None:
        first = await store.save(a_plan())
        assert await store.save(first) == first
        assert await store.save(a_plan(id="p1")) == first
        assert await store.save(a_plan(id="p1", version=99)) == first
        second = await store.save(a_plan("Do more", id="p1"))
        assert (second.id, second.version) == ("p1", 2)
        assert await store.load("p1") == second
        assert await store.load("p1", 1) == first
        back = await store.save(first)
        assert (back.version, back.goal) == (3, first.goal)

    with_store(tmp_path, play)


def test_a_plan_file_may_name_its_plan(tmp_path: Path) -> None:
    async def play(store: PlanStore, db: Database) -> None:
        assert (await store.save(a_plan(id="modernize"))).version == 1
        assert (await store.save(a_plan("Other", id="modernize"))).version == 2
        assert (await store.save(a_plan())).id == "p2"
        with pytest.raises(PlanError, match="no plan p7"):
            await store.save(a_plan(id="p7"))
        assert [plan.id for plan in await store.list()] == ["p2", "modernize"]

    with_store(tmp_path, play)


def test_approval_freezes_one_version(tmp_path: Path) -> None:
    async def play(store: PlanStore, db: Database) -> None:
        first = await store.save(a_plan())
        assert (await store.list())[0].approved_version is None
        assert await store.approve("p1") == first
        rows = await db.fetch_all("SELECT * FROM plan_version")
        assert await store.approve("p1", 1) == first
        await store.save(a_plan("Do more", id="p1"))
        await store.save(a_plan("Do more", id="p1"))
        after = await db.fetch_all("SELECT * FROM plan_version ORDER BY version")
        assert after[0] == rows[0]
        assert rows[0]["approved_at"] > 0
        assert [row["approved_at"] is None for row in after] == [False, True]
        (summary,) = await store.list()
        assert (summary.version, summary.approved_version, summary.goal) == (2, 1, "Do more")
        assert (await store.approve("p1")).version == 2

    with_store(tmp_path, play)


def test_what_is_not_there(tmp_path: Path) -> None:
    async def play(store: PlanStore, db: Database) -> None:
        assert await store.list() == []
        await store.save(a_plan())
        for wrong in (store.load("p2"), store.load("p1", 2), store.approve("p2"), store.approve("p1", 9)):
            with pytest.raises(PlanError, match="plan list"):
                await wrong

    with_store(tmp_path, play)


def test_a_damaged_document_is_one_clear_line(tmp_path: Path) -> None:
    async def play(store: PlanStore, db: Database) -> None:
        await store.save(a_plan())
        for document in ("{}", "not json", '{"goal": 5}'):
            async with db.transaction() as tx:
                await tx.execute("UPDATE plan_version SET document = :document", {"document": document})
            with pytest.raises(PlanError, match="p1 version 1 is not readable") as caught:
                await store.load("p1")
            assert "\n" not in str(caught.value)

    with_store(tmp_path, play)


SAVER = """
import asyncio, sys
from pathlib import Path
from claude_orchestrator.plans.models import Phase, Plan, Task
from claude_orchestrator.plans.store import PlanStore
from claude_orchestrator.state.database import Database

async def main(path, name):
    phases = [Phase(id="one", title="One", tasks=[Task(id="a", title="A", operations=[])])]
    async with Database.open(Path(path)) as db:
        store = PlanStore(db)
        for number in range(10):
            plan = await store.save(Plan(goal=f"{name} {number}", phases=phases))
            shared = await store.save(Plan(id="shared", goal=f"{name} {number}", phases=phases))
            print(plan.id, shared.version)

asyncio.run(main(*sys.argv[1:]))
"""


def test_processes_that_save_at_once_do_not_collide(tmp_path: Path) -> None:
    path = tmp_path / "state.db"
    savers = [
        subprocess.Popen([sys.executable, "-c", SAVER, str(path), name], stdout=subprocess.PIPE, text=True)
        for name in ("x", "y", "z")
    ]
    try:
        answers = [saver.communicate(timeout=60)[0].split() for saver in savers]
    finally:
        for saver in savers:
            saver.kill()
            saver.wait()
    assert [saver.returncode for saver in savers] == [0, 0, 0]
    ids = [plan_id for answer in answers for plan_id in answer[::2]]
    versions = [int(version) for answer in answers for version in answer[1::2]]
    assert len(set(ids)) == len(ids) == 30
    assert sorted(versions) == list(range(1, 31))

    async def play(store: PlanStore, db: Database) -> None:
        assert len(await store.list()) == 31
        assert (await store.load("shared")).version == 30

    with_store(tmp_path, play)


def test_a_large_plan_loads_quickly(tmp_path: Path) -> None:
    """10,000 tasks take about 0.3 s; the rest is room for a run under coverage. In processor time."""
    tasks = [
        Task(id=f"t{n}", title="T", files=[f"src/m{n}.py"], depends_on=[f"t{n - 1}"] if n else [], operations=[])
        for n in range(10_000)
    ]
    plan = Plan(goal="g", phases=[Phase(id="one", title="One", tasks=tasks)])

    async def play(store: PlanStore, db: Database) -> None:
        saved = await store.save(plan)
        started = time.process_time()
        assert await store.load("p1") == saved
        assert time.process_time() - started < 40

    with_store(tmp_path, play)
