"""One run in a fresh database, for tests of the transaction functions: no process, and a clock that the test moves."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from claude_orchestrator.state import claims, gates, runs, tasks
from claude_orchestrator.state.database import Database
from claude_orchestrator.state.grants import Fund
from claude_orchestrator.state.runs import NewPhase, NewRun, NewTask
from claude_orchestrator.state.tasks import Claim

Scenario = Callable[["World"], Awaitable[None]]


class World:
    """One run in a fresh database, with a clock that the test moves."""

    def __init__(self, db: Database, run_id: str) -> None:
        self.db = db
        self.run_id = run_id
        self.now = 100.0

    async def claim(
        self, *, worker: str = "w1", limit: int = 3, only: str | None = None, fund: Fund | None = None
    ) -> Claim | None:
        async with self.db.transaction() as tx:
            return await claims.claim(
                tx,
                run_id=self.run_id,
                worker=worker,
                limit=limit,
                overlap=lambda a, b: a == b,
                now=self.now,
                only=only,
                longest_wait=60,
                fund=fund,
            )

    async def take(self, **options: Any) -> Claim:
        claim = await self.claim(**options)
        assert claim is not None
        return claim

    async def complete(self, claim: Claim, commit: str | None = "c" * 40) -> None:
        async with self.db.transaction() as tx:
            await tasks.complete(tx, claim, commit=commit, now=self.now)

    async def fail(self, claim: Claim, **options: Any) -> str:
        async with self.db.transaction() as tx:
            return await tasks.fail(
                tx, claim, reason="no", feedback="why", retry_at=self.now + 5, now=self.now, **options
            )

    async def park(self, claim: Claim, resume: dict[str, Any] | None) -> None:
        async with self.db.transaction() as tx:
            await tasks.park(tx, claim, resume=resume, now=self.now)

    async def settle(self) -> str:
        async with self.db.transaction() as tx:
            return await runs.settle(tx, self.run_id, self.now)

    async def want(self, intent: str) -> None:
        async with self.db.transaction() as tx:
            await runs.want(tx, self.run_id, intent)

    async def answer(self, gate_id: str, *, approve: bool, reason: str = "because") -> None:
        async with self.db.transaction() as tx:
            await gates.answer(tx, gate_id, approve=approve, reason=reason, by="test", now=self.now)

    async def status(self, task_id: str) -> str:
        row = await self.db.fetch_one("SELECT status FROM task WHERE id = :id", {"id": task_id})
        assert row is not None
        return str(row["status"])


def a_task(task_id: str, phase: str = "one", *, needs: tuple[str, ...] = (), lock: str | None = None) -> NewTask:
    return NewTask(task_id, phase, task_id, json.dumps({"id": task_id}), json.dumps([lock or task_id]), 2, needs)


@asynccontextmanager
async def world(path: Path, phases: list[NewPhase], new_tasks: list[NewTask]) -> AsyncIterator[World]:
    async with Database.open(path / "state.db") as db:
        async with db.transaction() as tx:
            await tx.execute("INSERT INTO plan (id, number, created_at) VALUES ('p1', 1, 0)")
            await tx.execute(
                "INSERT INTO plan_version (plan_id, version, goal, document, digest, created_at)"
                " VALUES ('p1', 1, 'goal', '{}', '', 0)"
            )
            new = NewRun("p1", 1, "goal", "/repo", "/repo/.git", "b" * 40, phases, new_tasks)
            run_id = await runs.create(tx, new, number=1, target_ref="refs/heads/x", now=0)
        yield World(db, run_id)


def play(path: Path, scenario: Scenario, new_tasks: list[NewTask], phases: list[NewPhase] | None = None) -> None:
    async def run() -> None:
        async with world(path, phases or [NewPhase("one", "", ())], new_tasks) as the_world:
            await scenario(the_world)
            await counters_agree(the_world.db)

    asyncio.run(run())


async def counters_agree(db: Database) -> None:
    """``blockers`` and ``open`` are what counting the graph anew gives."""
    wrong = await db.fetch_all(
        "SELECT t.id FROM task t WHERE t.blockers <> (SELECT count(*) FROM dependency d JOIN task n"
        " ON n.run_id = d.run_id AND n.id = d.needs WHERE d.run_id = t.run_id AND d.task_id = t.id"
        " AND n.status <> 'completed') + (SELECT count(*) FROM phase_dependency p WHERE p.run_id = t.run_id"
        " AND p.phase_id = t.phase_id AND EXISTS (SELECT 1 FROM task n WHERE n.run_id = p.run_id"
        " AND n.phase_id = p.needs AND n.status <> 'completed'))"
    )
    assert wrong == []
