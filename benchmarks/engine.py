"""The engine alone: claims, fences, events and endings of no-op tasks with durable settings (fsync each commit)."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator import worker
from claude_orchestrator.orchestrator.delegator import Delegator
from claude_orchestrator.orchestrator.engine import Engine
from claude_orchestrator.state import claims, runs, tasks
from claude_orchestrator.state.database import Database
from claude_orchestrator.state.runs import NewPhase, NewRun, NewTask
from claude_orchestrator.state.tasks import Claim
from claude_orchestrator.workspace import locks


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """1,000 tasks in 10 phases through the real loop, and single claims in a store of 10,000 tasks."""
    for limit in (3, 100):
        wall, cpu = asyncio.run(_thousand(folder / f"limit-{limit}", limit))
        yield f"1,000 no-op tasks, limit {limit}: ms wall per task", f"{wall:.2f}"
        yield f"1,000 no-op tasks, limit {limit}: ms CPU per task", f"{cpu:.2f}"
    probe = _fsync_probe(folder)
    yield "one fsync of a small write on this disk: ms (median of 200)", f"{probe:.2f}"
    median, worst = asyncio.run(_claims(folder / "claims"))
    yield "claim in a store of 10,000 tasks: ms (median of 300)", f"{median:.2f}"
    yield "claim in a store of 10,000 tasks: ms (99th percentile)", f"{worst:.2f}"


async def _create(db: Database, phases: int, tasks_each: int) -> str:
    new = NewRun(
        plan_id="p1",
        plan_version=1,
        goal="no-op",
        repository="/none",
        git_dir="/none/.git",
        base_commit="0" * 40,
        phases=[NewPhase(f"ph{n}", "", (f"ph{n - 1}",) if n else ()) for n in range(phases)],
        tasks=[
            NewTask(f"t{p}-{n}", f"ph{p}", "no-op", "{}", json.dumps([f"f{p}/{n}"]), 5, ())
            for p in range(phases)
            for n in range(tasks_each)
        ],
    )
    async with db.transaction() as tx:
        await tx.execute("INSERT INTO plan (id, number, created_at) VALUES ('p1', 1, 0)")
        await tx.execute(
            "INSERT INTO plan_version (plan_id, version, goal, document, digest, created_at)"
            " VALUES ('p1', 1, 'no-op', '{}', '', 0)"
        )
        return await runs.create(tx, new, number=1, target_ref="refs/heads/none", now=time.time())


async def _thousand(folder: Path, limit: int) -> tuple[float, float]:
    """Milliseconds of wall clock and of CPU per task."""
    settings = Settings(home=folder, max_parallel=limit)
    async with Database.open(settings.database) as db:
        run_id = await _create(db, 10, 100)
        async with worker.enlist(db, settings.workers, run_id) as me:

            async def carry(claim: Claim) -> None:
                async with db.transaction() as tx:
                    await tasks.complete(tx, claim, commit=None, now=time.time())

            delegator = Delegator(db, settings, cast(Any, None), me)
            engine = Engine(db, settings, me, delegator, carry)
            wall, cpu = time.perf_counter(), time.process_time()
            status = await engine.move(run_id)
            wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
            if status != "completed":
                raise SystemExit(f"the run ended {status}")
    return wall, cpu  # seconds for 1,000 tasks are milliseconds for one


async def _claims(folder: Path) -> tuple[float, float]:
    """Median and 99th percentile of single claims, in milliseconds; each claimed task is completed untimed."""
    settings = Settings(home=folder)
    times = []
    async with Database.open(settings.database) as db:
        run_id = await _create(db, 100, 100)
        for _ in range(300):
            started = time.perf_counter()
            async with db.transaction() as tx:
                claim = await claims.claim(
                    tx, run_id=run_id, worker="w", limit=3, overlap=locks.overlap, now=time.time()
                )
            times.append((time.perf_counter() - started) * 1000)
            if claim is None:
                raise SystemExit("nothing to claim")
            async with db.transaction() as tx:
                await tasks.complete(tx, claim, commit=None, now=time.time())
    return statistics.median(times), statistics.quantiles(times, n=100)[-1]


def _fsync_probe(folder: Path) -> float:
    """What the disk takes for one durable write: every claim and every ending needs one."""
    import os

    times = []
    with (folder / "probe").open("wb") as file:
        for _ in range(200):
            started = time.perf_counter()
            file.write(b"x" * 4096)
            file.flush()
            os.fsync(file.fileno())
            times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)
