"""``status``: what is going on, in one small answer."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Literal

from claude_orchestrator.server.calling import Call

if TYPE_CHECKING:
    from claude_orchestrator.state.database import Database


async def status(call: Call, view: Literal["summary", "health", "context"] = "summary") -> str:
    """Runs, plans in the making, what waits for a person, and what to call next."""
    if view == "context":
        return call.app.tracker.line(call.app.tier)
    db = await call.db()
    if view == "health":
        return "\n".join([line async for line in _health(db)])
    return "\n".join([*[line async for line in _summary(call, db)], call.app.tracker.line(call.app.tier)])


async def _summary(call: Call, db: Database):  # type: ignore[no-untyped-def]
    from claude_orchestrator.server.runs import moved_runs
    from claude_orchestrator.server.texts import gate_line, run_line
    from claude_orchestrator.state import gates, runs
    from claude_orchestrator.telling.words import clip

    rows = await runs.recent(db, 8)
    moved = await moved_runs(call, db)
    waiting = await gates.listed(db)
    for row in rows:
        yield run_line(row, moved=row["id"] in moved, at=call.project)
    planning = await db.fetch_all(
        "SELECT id, stage, goal FROM planning_session WHERE stage NOT IN ('approved', 'abandoned')"
        " ORDER BY number DESC LIMIT 5"
    )
    for row in planning:
        yield f"{row['id']} planning, {row['stage']}: {clip(row['goal'], 80)}"
    for gate in waiting[:8]:
        yield gate_line(gate)
    if waiting:
        yield f"next: {len(waiting)} wait for a person; inbox_list, inbox_answer"
    elif planning:
        yield f"next: plan_get({planning[0]['id']})"
    elif rows and rows[0]["status"] == "running":
        yield f"next: run_get(run={rows[0]['id']}, wait_s=50)"
    else:
        yield "next: plan_start(goal=…) makes a plan, run_start(plan=…) runs one"


async def _health(db: Database):  # type: ignore[no-untyped-def]
    from claude_orchestrator.models.health import as_breaker
    from claude_orchestrator.state import providers
    from claude_orchestrator.telling.words import clip, duration

    now = time.time()
    rows = await providers.listed(db, now, 24)
    for row in rows:
        admission = as_breaker(row, now).look(now)
        until = "" if admission.allowed else f", attempts wait {duration(admission.until - now)}"
        failed = f"; last failure: {clip(row['failure'], 120)}" if row["failed_at"] is not None else ""
        yield f"{row['name']} {'works' if admission.allowed else 'is failing'}{until}{failed}"
    if not rows:
        yield "no attempt has used a provider yet"
    yield f"database: {await db.integrity()}, schema {await db.schema()}"
