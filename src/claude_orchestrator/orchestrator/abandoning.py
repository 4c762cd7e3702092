"""Giving a run up whose repository is gone: without git nothing can be moved, but rows and processes can end."""

from __future__ import annotations

import time

from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator import worker
from claude_orchestrator.state import attempts, runs, tasks
from claude_orchestrator.state.database import Database


async def abandon(db: Database, settings: Settings, run_id: str) -> str:
    """End a run that is to be cancelled without looking at its repository; return its status.

    Runners that still live are stopped; tasks that a live process owns are left to that process.
    """
    async with worker.enlist(db, settings.workers, run_id) as me:
        for row in await tasks.active(db):
            if row["run_id"] != run_id or me.is_alive(row["owner"]):
                continue
            async with db.transaction() as tx:
                claim = await tasks.adopt(tx, run_id=run_id, task_id=row["id"], fence=row["fence"], worker=me.id)
            if claim is None:
                continue
            launch = (await attempts.get(db, claim.attempt_id))["launch"]
            if launch:
                LaunchFolder(settings.attempts / claim.attempt_id / f"launch-{launch}").kill()
            async with db.transaction() as tx:
                await tasks.cancel(tx, claim, now=time.time())
        async with db.transaction() as tx:
            return await runs.settle(tx, run_id, time.time())
