"""Gates: questions that wait for a human. The first answer wins, whatever window it comes from."""

from __future__ import annotations

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.state import events, runs
from claude_orchestrator.state.database import Database, Row, Transaction


async def open_gate(
    tx: Transaction,
    *,
    run_id: str,
    task_id: str,
    attempt_id: str,
    kind: str,
    question: str,
    subject: str,
    now: float,
) -> str:
    """Insert an open gate and return its id (``g<number>``).

    ``kind`` is ``review`` (the verifier wants a human to decide) or ``escalation`` (all attempts failed);
    ``subject`` is what exactly an approval would cover: for a review, the sorted reasons.
    """
    row = await tx.fetch_one("SELECT coalesce(max(number), 0) + 1 AS number FROM gate")
    assert row is not None
    gate_id = f"g{row['number']}"
    await tx.execute(
        "INSERT INTO gate (id, number, run_id, task_id, attempt_id, kind, question, subject, created_at)"
        " VALUES (:id, :number, :run, :task, :attempt, :kind, :question, :subject, :now)",
        {
            "id": gate_id,
            "number": row["number"],
            "run": run_id,
            "task": task_id,
            "attempt": attempt_id,
            "kind": kind,
            "question": question,
            "subject": subject,
            "now": now,
        },
    )
    await events.append(
        tx,
        kind="gate.opened",
        run_id=run_id,
        task_id=task_id,
        attempt_id=attempt_id,
        data={"gate": gate_id, "kind": kind, "question": question},
    )
    return gate_id


async def answer(tx: Transaction, gate_id: str, *, approve: bool, reason: str, by: str, now: float) -> Row:
    """Record a human's answer and move the task on; return the gate's row as answered, with the ``run_status``.

    Approved: a reviewed attempt becomes claimable again and goes to its merge; an escalated task gets a new set
    of attempts. Denied: the review counts as a failed attempt whose reason is the next prompt's evidence (or fails
    the task when it was the last); an escalated task has failed.
    Raises NotReadyError when there is no such gate or it has been answered already.
    """
    gate = await tx.fetch_one("SELECT * FROM gate WHERE id = :id", {"id": gate_id})
    if gate is None:
        raise NotReadyError(f"there is no gate '{gate_id}': 'claude-orchestrator inbox' lists the open ones")
    if gate["status"] != "open":
        raise NotReadyError(f"gate {gate_id} is already {gate['status']}")
    status = "approved" if approve else "denied"
    await tx.execute(
        "UPDATE gate SET status = :status, answer = :status, reason = :reason, answered_by = :by, answered_at = :now"
        " WHERE id = :id AND status = 'open'",
        {"status": status, "reason": reason, "by": by, "now": now, "id": gate_id},
    )
    await _move_task(tx, gate, approve=approve, reason=reason, now=now)
    await events.append(
        tx,
        kind=f"gate.{status}",
        run_id=gate["run_id"],
        task_id=gate["task_id"],
        attempt_id=gate["attempt_id"],
        data={"gate": gate_id, "reason": reason, "by": by},
    )
    run_status = await runs.settle(tx, gate["run_id"], now)
    return {**gate, "status": status, "reason": reason, "run_status": run_status}


async def _move_task(tx: Transaction, gate: Row, *, approve: bool, reason: str, now: float) -> None:
    values = {
        "run": gate["run_id"],
        "task": gate["task_id"],
        "attempt": gate["attempt_id"],
        "reason": reason,
        "now": now,
    }
    if approve and gate["kind"] == "review":
        await tx.execute("UPDATE attempt SET status = 'approved' WHERE id = :attempt AND status = 'waiting'", values)
        await tx.execute("UPDATE task SET status = 'pending', reason = '' WHERE run_id = :run AND id = :task", values)
    elif approve:
        await tx.execute(
            "UPDATE task SET status = 'pending', failures = 0, ready_at = 0, reason = ''"
            " WHERE run_id = :run AND id = :task",
            values,
        )
    elif gate["kind"] == "review":
        await tx.execute(
            "UPDATE attempt SET status = 'failed', finished_at = :now, reason = 'denied at review',"
            " feedback = 'A reviewer refused this attempt: ' || :reason WHERE id = :attempt",
            values,
        )
        await tx.execute(
            "UPDATE task SET failures = failures + 1, reason = 'denied: ' || :reason,"
            " status = CASE WHEN failures + 1 >= max_attempts THEN 'failed' ELSE 'pending' END"
            " WHERE run_id = :run AND id = :task",
            values,
        )
    else:
        await tx.execute(
            "UPDATE task SET status = 'failed', reason = 'denied: ' || :reason, finished_at = :now"
            " WHERE run_id = :run AND id = :task",
            values,
        )


async def listed(source: Transaction | Database, *, include_answered: bool = False) -> list[Row]:
    """The open gates, oldest first; with ``include_answered`` all of them."""
    return await source.fetch_all(
        "SELECT gate.*, task.title FROM gate JOIN task ON task.run_id = gate.run_id AND task.id = gate.task_id"
        " WHERE :everything OR gate.status = 'open' ORDER BY gate.number",
        {"everything": include_answered},
    )


async def waiver(source: Transaction | Database, attempt_id: str) -> Row | None:
    """The latest approved review of an attempt, or None."""
    return await source.fetch_one(
        "SELECT * FROM gate WHERE attempt_id = :attempt AND kind = 'review' AND status = 'approved'"
        " ORDER BY number DESC LIMIT 1",
        {"attempt": attempt_id},
    )
