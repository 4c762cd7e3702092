"""The identity of a process that moves runs: a fresh id, and a kernel lock that says it lives."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from claude_orchestrator.state import workers
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace import liveness


@dataclass(frozen=True)
class Worker:
    """One enlisted process; ``folder`` holds the lock files of all of them."""

    id: str
    folder: Path

    def is_alive(self, worker: str) -> bool:
        """Whether another worker of this home lives."""
        return worker == self.id or is_alive(self.folder, worker)


def is_alive(folder: Path, worker: str) -> bool:
    """Whether the worker of that id lives."""
    return liveness.is_held(folder / f"{worker}.lock")


@asynccontextmanager
async def enlist(db: Database, folder: Path, run_id: str | None = None) -> AsyncIterator[Worker]:
    """Be a worker until the block ends (or the process does)."""
    worker = Worker(uuid.uuid4().hex, folder)
    path = folder / f"{worker.id}.lock"
    lock = liveness.hold(path)
    try:
        async with db.transaction() as tx:
            await workers.register(tx, worker=worker.id, pid=os.getpid(), run_id=run_id, now=time.time())
        yield worker
        async with db.transaction() as tx:
            await workers.forget(tx, worker=worker.id)
    finally:
        path.unlink(missing_ok=True)
        lock.release()


async def live_movers(db: Database, folder: Path, run_id: str) -> list[int]:
    """The process ids of the live workers that move a run."""
    return [row["pid"] for row in await workers.listed(db) if row["run_id"] == run_id and is_alive(folder, row["id"])]
