"""Questions of an interactive session: what its agent may not do without a human, asked through the inbox.

No run of ours moves such a session, so nothing is parked: its agent waits for a while, and asks again later.
"""

from __future__ import annotations

import time

from claude_orchestrator.agents import questions
from claude_orchestrator.config import Settings
from claude_orchestrator.safety.documents import redacted
from claude_orchestrator.safety.operations import Operation, Verdict
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.safety.risk import risk_of
from claude_orchestrator.state import operation_gates
from claude_orchestrator.state.database import Database, Row
from claude_orchestrator.state.gates import SESSION
from claude_orchestrator.state.operation_gates import Question


async def gate_of(
    settings: Settings,
    session: str,
    operation: Operation,
    verdict: Verdict,
    *,
    wait_s: float,
    expire_after_s: float | None = None,
) -> Row:
    """The gate of what a session wants to do, once it is answered or after ``wait_s`` seconds.

    The same operation of the same session finds the gate that it had before. An approval is used up by this call, a
    denial holds for the session.
    """
    until = time.monotonic() + wait_s
    async with Database.open(settings.database) as db:
        await operation_gates.expire(db, time.time())
        async with db.transaction() as tx:
            gate = await operation_gates.ask(tx, _question(session, operation, verdict, expire_after_s), time.time())
        while gate["status"] == "open" and (left := until - time.monotonic()) > 0:
            revision = db.revision
            gate = await operation_gates.get(db, gate["id"])
            if gate["status"] == "open":
                await db.changed(revision, left)
        if gate["status"] == "open":
            return gate
        async with db.transaction() as tx:
            first = await operation_gates.use(tx, gate, time.time())
        # Of two equal calls at once, one has the approval.
        return gate if first or gate["status"] != "approved" else {**gate, "status": "used"}


def _question(session: str, operation: Operation, verdict: Verdict, expire_after_s: float | None) -> Question:
    return Question(
        run_id=SESSION,
        task_id=session,
        attempt_id=f"{SESSION}.{session}",
        key=questions.key_of(operation, run_id=SESSION, task_id=session, position=0),
        launch=0,
        resume=None,
        text=redact(questions.question_of(operation, verdict)),
        operation=redacted(questions.to_document(operation)),
        effects=redacted(questions.effects_of(verdict)),
        rule=verdict.rule,
        shown=redact(questions.shown_of(operation)),
        risk=risk_of(verdict.effects, str(operation.workspace)),
        expires_at=None if expire_after_s is None else time.time() + expire_after_s,
    )
