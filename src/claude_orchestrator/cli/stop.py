"""``pause`` and ``cancel``, from any terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Final

import typer

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import Row

WAIT_S: Final = 60.0
"""How long to wait until what runs has stopped; agents get a grace before they are killed."""

_OBEYED: Final = {"pause": ("paused", "cancelled", "completed"), "cancel": ("cancelled", "completed")}
"""Intent → the statuses in which there is nothing more to wait for."""

RunId = Annotated[str, typer.Argument(metavar="RUN", help="The run.")]


def pause(run_id: RunId) -> None:
    """Stop a run cleanly; 'resume' goes on where it was."""
    _stop(run_id, "pause")


def cancel(run_id: RunId) -> None:
    """End a run for good; what is merged stays merged, and every attempt's commits are kept."""
    _stop(run_id, "cancel")


def _stop(run_id: str, intent: str) -> None:
    import asyncio

    from claude_orchestrator.config import load_settings

    raise typer.Exit(asyncio.run(_obeyed(load_settings(), run_id, intent)))


async def _obeyed(settings: Settings, run_id: str, intent: str) -> int:
    """Write the intent, see to it that somebody obeys, and wait for it; return the exit code."""
    import asyncio
    import contextlib
    import time

    from claude_orchestrator.cli.moving import LOOK_S, has_repository, require_repository
    from claude_orchestrator.orchestrator.abandoning import abandon
    from claude_orchestrator.orchestrator.session import Orchestrator
    from claude_orchestrator.orchestrator.worker import live_movers
    from claude_orchestrator.state import runs
    from claude_orchestrator.state.database import Database

    async with Database.open(settings.database) as db:
        async with db.transaction() as tx:
            await runs.want(tx, run_id, intent)
        until = time.monotonic() + WAIT_S
        while True:
            revision = db.revision
            row = await runs.get(db, run_id)
            if row["status"] in _OBEYED[intent]:
                output.say(*await _kept(db, row))
                return output.COMPLETED
            if time.monotonic() > until:
                output.warn(f"{run_id} has not stopped yet: see '{output.program()} watch {run_id}'")
                return output.NOT_COMPLETED
            if await live_movers(db, settings.workers, run_id):
                await db.changed(revision, LOOK_S)
            elif intent == "cancel" and not has_repository(row):
                await abandon(db, settings, run_id)
                await db.changed(db.revision, LOOK_S)
            else:
                # Bounded: a task that somebody works on by hand ends when they are done with it.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(until - time.monotonic()):
                        await Orchestrator(require_repository(row), settings).move(run_id)


async def _kept(db: Database, row: Row) -> list[str]:
    """What the run is now, and where its work is."""
    from claude_orchestrator.cli.moving import has_repository
    from claude_orchestrator.cli.report import branch_lines
    from claude_orchestrator.state import runs
    from claude_orchestrator.telling.words import branch, counted

    progress = await runs.progress(db, row["id"])
    merged = sum(task["merge_commit"] is not None for task in progress["tasks"])
    lines = [f"{row['id']} is {row['status']}: {counted(merged, 'task')} merged on {branch(row['target_ref'])}"]
    if row["status"] == "paused":
        parked = [task["id"] for task in progress["tasks"] if task["attempt_status"] == "parked"]
        if parked:
            lines.append(f"  saved, and to go on where they were: {', '.join(parked)}")
        lines.append(f"  go on: {output.program()} resume {row['id']}")
    if not has_repository(row):
        return lines
    if any(task["attempt_id"] for task in progress["tasks"]):
        pattern = f"'refs/orchestrator/attempts/{row['id']}.*'"
        lines.append(f"  every attempt's commits: git -C {row['repository']} for-each-ref {pattern}")
    return [*lines, *(branch_lines(row) if merged else [])]
