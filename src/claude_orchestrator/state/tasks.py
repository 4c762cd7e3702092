"""Tasks: who owns one, its way through its statuses, and every way in which an attempt ends.

A claim (``state/claims.py``) raises the task's fence; every later write goes through :func:`own`, which refuses a stale
fence.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from claude_orchestrator.errors import StaleFenceError
from claude_orchestrator.state import events, gates
from claude_orchestrator.state.database import Database, Row, Transaction


@dataclass(frozen=True)
class Claim:
    """The right to work on one attempt of one task, valid as long as ``fence`` is the task's fence."""

    run_id: str
    task_id: str
    attempt_id: str
    number: int
    fence: int
    worker: str
    definition: dict[str, Any]


async def active(source: Transaction | Database) -> list[Row]:
    """All tasks of all runs that hold a slot; whether their owners live, lock files say."""
    return await source.fetch_all(
        "SELECT run_id, id, owner, fence, attempt_id FROM task"
        " WHERE status IN ('delegated', 'in_progress', 'verifying')"
    )


async def set_aside(tx: Transaction, *, run_id: str, task_id: str, fence: int) -> None:
    """Take slot and locks from a task of a dead worker: ``pending`` again, its attempt to be gone on with.

    Only for a task of which no process is left. Nothing happens when somebody has taken it over meanwhile.
    """
    task = await tx.fetch_one(
        "UPDATE task SET status = 'pending', owner = NULL, fence = fence + 1 WHERE run_id = :run AND id = :task"
        " AND fence = :fence AND status IN ('delegated', 'in_progress', 'verifying') RETURNING attempt_id",
        {"run": run_id, "task": task_id, "fence": fence},
    )
    if task is None:
        return
    # What an agent made after the last checkpoint is in its worktree only, which therefore must not be swept.
    await tx.execute(
        "UPDATE attempt SET status = CASE status WHEN 'running' THEN 'parked' ELSE status END,"
        " commit_id = CASE WHEN EXISTS (SELECT 1 FROM step WHERE attempt_id = :attempt AND name = 'agent'"
        " AND status = 'done') THEN commit_id END WHERE id = :attempt",
        {"attempt": task["attempt_id"]},
    )
    await tx.execute("DELETE FROM file_lock WHERE run_id = :run AND task_id = :task", {"run": run_id, "task": task_id})
    await events.append(
        tx, kind="task.set_aside", run_id=run_id, task_id=task_id, attempt_id=task["attempt_id"], data={}
    )


async def adopt(tx: Transaction, *, run_id: str, task_id: str, fence: int, worker: str) -> Claim | None:
    """Take over the running attempt of a dead worker; None when somebody was quicker."""
    changed = await tx.execute(
        "UPDATE task SET owner = :worker, fence = fence + 1 WHERE run_id = :run AND id = :task AND fence = :fence"
        " AND status IN ('delegated', 'in_progress', 'verifying')",
        {"worker": worker, "run": run_id, "task": task_id, "fence": fence},
    )
    if not changed:
        return None
    row = await tx.fetch_one(
        "SELECT task.definition, task.attempt_id, attempt.number FROM task JOIN attempt ON attempt.id = task.attempt_id"
        " WHERE task.run_id = :run AND task.id = :task",
        {"run": run_id, "task": task_id},
    )
    assert row is not None
    await events.append(
        tx, kind="task.adopted", run_id=run_id, task_id=task_id, attempt_id=row["attempt_id"], data={"worker": worker}
    )
    return Claim(run_id, task_id, row["attempt_id"], row["number"], fence + 1, worker, json.loads(row["definition"]))


async def claimed_by(source: Transaction | Database, worker: str, task_id: str | None = None) -> Claim | None:
    """The claim that a worker holds on a task of that id; without an id, its only claim. None otherwise."""
    rows = await source.fetch_all(
        "SELECT task.run_id, task.id AS task_id, task.attempt_id, attempt.number, task.fence, task.owner AS worker,"
        " task.definition FROM task JOIN attempt ON attempt.id = task.attempt_id"
        " WHERE task.owner = :worker AND (:task IS NULL OR task.id = :task)"
        " AND task.status IN ('delegated', 'in_progress', 'verifying')",
        {"worker": worker, "task": task_id},
    )
    if len(rows) != 1:
        return None
    return Claim(**{**rows[0], "definition": json.loads(rows[0]["definition"])})


async def own(tx: Transaction, claim: Claim) -> Row:
    """The task's row, if the claim still holds. Raises StaleFenceError otherwise."""
    task = await tx.fetch_one(
        "SELECT * FROM task WHERE run_id = :run AND id = :task AND fence = :fence"
        " AND status IN ('delegated', 'in_progress', 'verifying')",
        {"run": claim.run_id, "task": claim.task_id, "fence": claim.fence},
    )
    if task is None:
        raise _stale(claim)
    return task


def _stale(claim: Claim) -> StaleFenceError:
    return StaleFenceError(f"{claim.attempt_id} has another owner now: this process stops working on it")


async def advance(tx: Transaction, claim: Claim, status: str) -> None:
    """Move the task to ``in_progress`` or ``verifying``."""
    task = await own(tx, claim)
    if task["status"] != status:
        await tx.execute(
            "UPDATE task SET status = :status WHERE run_id = :run AND id = :task",
            {"status": status, "run": claim.run_id, "task": claim.task_id},
        )
        await record(tx, claim, f"task.{status}")


async def record(tx: Transaction, claim: Claim, kind: str, data: Mapping[str, Any] | None = None) -> None:
    """Write an event of the claimed attempt."""
    await events.append(
        tx, kind=kind, run_id=claim.run_id, task_id=claim.task_id, attempt_id=claim.attempt_id, data=data
    )


# -- how an attempt ends -------------------------------------------------------------------------


async def complete(tx: Transaction, claim: Claim, *, commit: str | None, now: float) -> None:
    """The task is merged (``commit``) or had nothing to change (None): dependents may become ready."""
    task = await _leave(tx, claim, "completed", "passed", now, merge_commit=commit)
    await tx.execute(
        "UPDATE task SET blockers = blockers - 1 WHERE run_id = :run AND id IN"
        " (SELECT task_id FROM dependency WHERE run_id = :run AND needs = :task)",
        {"run": claim.run_id, "task": claim.task_id},
    )
    values = {"run": claim.run_id, "phase": task["phase_id"]}
    phase = await tx.fetch_one(
        "UPDATE phase SET open = open - 1 WHERE run_id = :run AND id = :phase RETURNING open", values
    )
    if phase is not None and phase["open"] == 0:
        await tx.execute(
            "UPDATE task SET blockers = blockers - 1 WHERE run_id = :run AND phase_id IN"
            " (SELECT phase_id FROM phase_dependency WHERE run_id = :run AND needs = :phase)",
            values,
        )
    await record(tx, claim, "task.completed", {"commit": commit})


async def fail(
    tx: Transaction, claim: Claim, *, reason: str, feedback: str, retry_at: float, now: float, final: bool = False
) -> str:
    """The attempt failed: back to ``pending`` until ``retry_at``, or ``escalated`` with a gate after the last.

    ``final`` escalates at once: for causes that another attempt cannot remove (a missing tool).
    Returns the task's new status.
    """
    task = await own(tx, claim)
    failures = task["failures"] + 1
    escalate = final or failures >= task["max_attempts"]
    status = "escalated" if escalate else "pending"
    await _leave(tx, claim, status, "failed", now, reason=reason, feedback=feedback)
    await tx.execute(
        "UPDATE task SET failures = :failures, ready_at = :ready_at, stalls = 0 WHERE run_id = :run AND id = :task",
        {
            "failures": failures,
            "ready_at": 0 if escalate else retry_at,
            "run": claim.run_id,
            "task": claim.task_id,
        },
    )
    await record(tx, claim, "task.attempt_failed", {"reason": reason, "number": claim.number, "retry_at": retry_at})
    if escalate:
        await gates.open_gate(
            tx,
            run_id=claim.run_id,
            task_id=claim.task_id,
            attempt_id=claim.attempt_id,
            kind="escalation",
            question=f"attempt {failures} of {task['max_attempts']} failed: {_first_line(reason)}."
            " Approve to try again, deny to give the task up.",
            subject=reason,
            now=now,
        )
        await record(tx, claim, "task.escalated", {"reason": reason})
    return status


async def park(
    tx: Transaction,
    claim: Claim,
    *,
    resume: Mapping[str, Any] | None,
    now: float,
    retry_at: float = 0.0,
    reason: str = "",
) -> None:
    """The attempt was stopped on purpose (pause, a question), or put off until ``retry_at`` for a ``reason``.

    It does not count as failed, and frees its slot and locks. With a resume token the same attempt goes on later, when
    nothing that its agent has asked is open any more; without one the next claim starts a new attempt.
    """
    gate = await gates.asking(tx, claim.attempt_id) if resume is not None else None
    status, why = ("pending", reason) if gate is None else ("waiting", gate["question"])
    await _leave(tx, claim, status, "parked" if resume is not None else "interrupted", now, reason=why)
    await _keep_token(tx, claim, resume)
    await tx.execute(
        "UPDATE task SET ready_at = :retry_at WHERE run_id = :run AND id = :task",
        {"retry_at": retry_at, "run": claim.run_id, "task": claim.task_id},
    )
    waits_for = {} if gate is None else {"gate": gate["id"]}
    put_off = {"reason": reason, "retry_at": retry_at} if reason else {}
    await record(tx, claim, "task.parked", {"resumable": resume is not None, **waits_for, **put_off})


async def _keep_token(tx: Transaction, claim: Claim, resume: Mapping[str, Any] | None) -> None:
    await tx.execute(
        "UPDATE attempt SET resume = :resume WHERE id = :attempt",
        {"resume": json.dumps(resume) if resume is not None else None, "attempt": claim.attempt_id},
    )


async def stall(tx: Transaction, claim: Claim, *, resumable: bool, now: float) -> int:
    """Count that the task could not go on because of its provider; return how often that was so in a row.

    A launch that got something done, and left a token so that this is not lost, begins a new row.
    """
    task = await own(tx, claim)
    progress = None
    if resumable:
        values = {"run": claim.run_id, "task": claim.task_id, "attempt": claim.attempt_id, "since": task["stalled_at"]}
        progress = await tx.fetch_one(
            "SELECT 1 FROM cost WHERE run_id = :run AND task_id = :task AND at > :since UNION ALL"
            " SELECT 1 FROM event WHERE run_id = :run AND attempt_id = :attempt AND kind = 'operation.done'"
            " AND at > :since LIMIT 1",
            values,
        )
    stalls = 1 if progress else int(task["stalls"]) + 1
    await tx.execute(
        "UPDATE task SET stalls = :stalls, stalled_at = :now WHERE run_id = :run AND id = :task",
        {"stalls": stalls, "now": now, "run": claim.run_id, "task": claim.task_id},
    )
    return stalls


async def wake(tx: Transaction, provider: str) -> None:
    """The tasks that were put off because of a provider need not wait for their next try any longer."""
    await tx.execute(
        "UPDATE task SET ready_at = 0 WHERE status = 'pending' AND stalls > 0 AND ready_at > 0"
        " AND attempt_id IN (SELECT id FROM attempt WHERE provider = :provider)",
        {"provider": provider},
    )


async def ask_for_help(
    tx: Transaction, claim: Claim, *, resume: Mapping[str, Any] | None, reason: str, question: str, now: float
) -> str:
    """Only a person can put right what is in the way: ``escalated``, with a gate. Returns the gate's id.

    The attempt does not count as failed. After an approval it goes on with its token, or a new one is made.
    """
    await _leave(tx, claim, "escalated", "parked" if resume is not None else "interrupted", now, reason=reason)
    await _keep_token(tx, claim, resume)
    gate_id = await gates.open_gate(
        tx,
        run_id=claim.run_id,
        task_id=claim.task_id,
        attempt_id=claim.attempt_id,
        kind="escalation",
        question=question,
        subject=reason,
        now=now,
    )
    await record(tx, claim, "task.escalated", {"reason": reason})
    return gate_id


async def wait_for_review(tx: Transaction, claim: Claim, *, question: str, subject: str, now: float) -> str:
    """A human must decide on the evidence: the task is ``waiting`` and holds nothing. Returns the gate's id."""
    await _leave(tx, claim, "waiting", "waiting", now, reason=question)
    return await gates.open_gate(
        tx,
        run_id=claim.run_id,
        task_id=claim.task_id,
        attempt_id=claim.attempt_id,
        kind="review",
        question=question,
        subject=subject,
        now=now,
    )


async def wait_for_ground(tx: Transaction, claim: Claim, *, question: str, subject: str, now: float) -> str:
    """A human must say whether the task, which nobody has begun, still makes sense: ``waiting``. Returns the gate's id.

    The attempt is gone on with after an approval; nothing of it was made yet.
    """
    await _leave(tx, claim, "waiting", "parked", now, reason=question)
    gate_id = await gates.open_gate(
        tx,
        run_id=claim.run_id,
        task_id=claim.task_id,
        attempt_id=claim.attempt_id,
        kind="drift",
        question=question,
        subject=subject,
        now=now,
    )
    await record(tx, claim, "task.drifted", {"gate": gate_id})
    return gate_id


async def cancel(tx: Transaction, claim: Claim, *, now: float) -> None:
    """The run is being cancelled: the task ends here, its commits stay under the attempt's ref."""
    await _leave(tx, claim, "cancelled", "cancelled", now)
    await record(tx, claim, "task.cancelled")


async def _leave(
    tx: Transaction,
    claim: Claim,
    task_status: str,
    attempt_status: str,
    now: float,
    *,
    reason: str = "",
    feedback: str = "",
    merge_commit: str | None = None,
) -> Row:
    """Leave the running states: release the slot, the owner and the file locks, close the attempt's row.

    Returns the task's row. Raises StaleFenceError when the claim does not hold any more.
    """
    over = task_status in ("completed", "cancelled")
    task = await tx.fetch_one(
        "UPDATE task SET status = :status, owner = NULL, reason = :reason, merge_commit = :commit,"
        " finished_at = :finished WHERE run_id = :run AND id = :task AND fence = :fence"
        " AND status IN ('delegated', 'in_progress', 'verifying') RETURNING *",
        {
            "fence": claim.fence,
            "status": task_status,
            "reason": reason,
            "commit": merge_commit,
            "finished": now if over else None,
            "run": claim.run_id,
            "task": claim.task_id,
        },
    )
    if task is None:
        raise _stale(claim)
    await tx.execute(
        "UPDATE attempt SET status = :status, reason = :reason, feedback = :feedback, finished_at = :finished"
        " WHERE id = :attempt",
        {
            "status": attempt_status,
            "reason": reason,
            "feedback": feedback,
            "finished": None if attempt_status in ("parked", "waiting") else now,
            "attempt": claim.attempt_id,
        },
    )
    await tx.execute(
        "DELETE FROM file_lock WHERE run_id = :run AND task_id = :task", {"run": claim.run_id, "task": claim.task_id}
    )
    if attempt_status not in ("parked", "waiting"):
        await gates.withdraw(tx, claim.attempt_id)
    return task


def _first_line(text: str) -> str:
    return next(iter(text.splitlines()), "")
