"""How a human's pause or cancel, written by any process, reaches work that is under way here."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from claude_orchestrator.errors import OrchestratorError
from claude_orchestrator.state import runs
from claude_orchestrator.state.database import Database

T = TypeVar("T")


class RunStoppedError(OrchestratorError):
    """The run is to be paused or cancelled; ``intent`` says which."""

    def __init__(self, intent: str) -> None:
        super().__init__(f"the run is to {intent}")
        self.intent = intent


async def unless_stopped(db: Database, run_id: str, work: Coroutine[Any, Any, T]) -> T:
    """Await ``work``, but cancel it and raise RunStoppedError as soon as the run's intent is no longer ``run``."""
    task = asyncio.ensure_future(work)
    watch = asyncio.ensure_future(_stopped(db, run_id))
    try:
        await asyncio.wait({task, watch}, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            return task.result()
        intent = watch.result()
        raise RunStoppedError(intent)
    finally:
        for one in (task, watch):
            one.cancel()
        await asyncio.gather(task, watch, return_exceptions=True)


async def _stopped(db: Database, run_id: str) -> str:
    while True:
        revision = db.revision
        intent = str((await runs.get(db, run_id))["intent"])
        if intent != "run":
            return intent
        await db.changed(revision)
