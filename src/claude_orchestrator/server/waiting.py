"""Waiting for a run inside one call: progress while it moves, forms for what it asks."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.server.calling import Call
from claude_orchestrator.server.inbox import answered, gate_form

if TYPE_CHECKING:
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import Row

BEAT_S: Final = 15.0
"""Seconds between two signs of progress: clients give up on calls that say nothing."""

HANDOVER_S: Final = 3.0
"""How long a run may be without anybody who moves it before it is said so."""

_LOOK_S: Final = 0.5


async def waited(call: Call, run_id: str, max_s: float) -> list[str]:
    """Return when the run is over, rests, nobody moves it, or the time is over; what was answered on the way."""
    from claude_orchestrator.orchestrator.worker import live_movers
    from claude_orchestrator.state import runs

    db = await call.db()
    until, moved_at, told_at, said = time.monotonic() + max_s, time.monotonic(), 0.0, []
    put_off: set[str] = set()
    shown = ""
    while True:
        revision = db.revision
        progress = await runs.progress(db, run_id)
        for gate in progress["gates"]:
            if gate["id"] in put_off:
                continue
            line = await _offered(call, db, gate)
            if line is None:
                put_off.add(gate["id"])
            else:
                said.append(line)
                moved_at = time.monotonic()
                break  # what was answered may have settled others
        else:
            now = time.monotonic()
            if progress["run"]["status"] != "running" or now > until:
                return said
            if await live_movers(db, call.settings.workers, run_id):
                moved_at = now
            elif now - moved_at > HANDOVER_S:
                return said
            if (words := _words(progress)) != shown or now - told_at > BEAT_S:
                shown, told_at = words, now
                await _tell(call, progress, words)
            await db.changed(revision, min(_LOOK_S, max(0.0, until - now)))


async def _offered(call: Call, db: Database, gate: Row) -> str | None:
    """What came of showing one question to the person; None where nobody has answered."""
    from claude_orchestrator.orchestrator.inbox import Inbox
    from claude_orchestrator.server.approving import CHANNEL

    if not call.forms.able or not call.principal.may("approve") or call.app.read_only:
        return None
    if await call.why_not_a_person():
        return None
    box = Inbox(db, call.settings, CHANNEL, call.by)
    row = await box.shown(gate["id"])
    if row["status"] != "open":
        return f"{row['id']} is {row['status']}"
    reply = await call.forms.ask(gate_form(row))
    try:
        return await answered(call, box, row, reply)
    except NotReadyError as error:
        return str(error)  # somebody was quicker, in another window


async def _tell(call: Call, progress: dict[str, Any], words: str) -> None:
    done = sum(task["status"] == "completed" for task in progress["tasks"])
    await call.ctx.report_progress(done, len(progress["tasks"]), words)


def _words(progress: dict[str, Any]) -> str:
    busy = [task["id"] for task in progress["tasks"] if task["status"] in ("delegated", "in_progress", "verifying")]
    waiting = [gate["id"] for gate in progress["gates"]]
    parts = [f"at work: {', '.join(busy)}"] if busy else []
    parts += [f"waits for a person: {', '.join(waiting)}"] if waiting else []
    return "; ".join(parts) or "moving"
