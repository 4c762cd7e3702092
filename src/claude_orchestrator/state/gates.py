"""Gates: questions that wait for a human. The first answer wins, whatever window it comes from.

These functions trust whoever calls them; that an agent cannot is ``orchestrator/inbox.py``'s business.
"""

from __future__ import annotations

import json
from typing import Any, Final, Literal

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.state import budgets, events, runs
from claude_orchestrator.state.database import Database, Row, Transaction

Way = Literal["once", "pattern", "edited", "denied", "expired"]
"""How the gate of an operation is answered."""

SESSION: Final = "session"
"""Stands for the run in a gate of an interactive session, which no run of ours moves; its task is the session's id."""


async def open_gate(
    tx: Transaction,
    *,
    run_id: str,
    task_id: str,
    attempt_id: str | None,
    kind: str,
    question: str,
    subject: str,
    now: float,
) -> str:
    """Insert an open gate and return its id (``g<number>``).

    ``kind`` is ``review`` (the verifier wants a human to decide), ``escalation`` (all attempts failed), ``operation``
    (an agent wants to do something), ``budget`` (a limit leaves too little money) or ``drift`` (what a task rests on
    has changed since its plan was approved); ``subject`` is what exactly an approval would cover: for a review, the
    sorted reasons, for an operation, what is shown of it, for a budget, whose it is and what it would be, for a drift,
    the files as they are now.
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


async def answer(
    tx: Transaction,
    gate_id: str,
    *,
    approve: bool,
    reason: str,
    by: str,
    now: float,
    channel: str = "",
    way: Way | None = None,
    edited: str | None = None,
    alone: bool = False,
) -> Row:
    """Record an answer and move the task on; return the gate's row as answered, with the ``run_status``.

    Approved: a reviewed attempt becomes claimable again and goes to its merge; an escalated task gets a new set
    of attempts, and so do the others of its run that ask for the same fault to be put right (unless it is answered
    ``alone``); an operation may happen (``way``: ``once``, as a ``pattern`` for the whole run, or ``edited`` into
    another one); a budget is raised for all tasks that wait for it; a drifted task goes on, and rests on the files as
    they were when it was asked. Denied: the review counts as a failed attempt
    whose reason is the next prompt's evidence (or fails the task when it was the last); an escalated task has failed;
    an agent is told the reason (``denied`` by somebody, or ``expired``); a drifted task, and those that wait for a
    budget, have failed.
    Raises NotReadyError when there is no such gate, it has been answered already, or cannot be answered like that.
    """
    gate = await tx.fetch_one("SELECT * FROM gate WHERE id = :id", {"id": gate_id})
    if gate is None:
        raise NotReadyError(f"there is no gate '{gate_id}': 'claude-orchestrator inbox' lists the open ones")
    if gate["status"] != "open":
        by_whom = f" (by {gate['answered_by']})" if gate["answered_by"] else ""
        raise NotReadyError(f"gate {gate_id} is already {gate['status']}{by_whom}")
    data = await _note_way(tx, gate, approve=approve, way=way, edited=edited, now=now)
    status = "approved" if approve else "denied"
    await tx.execute(
        "UPDATE gate SET status = :status, answer = :status, reason = :reason, answered_by = :by, channel = :channel,"
        " answered_at = :now WHERE id = :id AND status = 'open'",
        {"status": status, "reason": reason, "by": by, "channel": channel, "now": now, "id": gate_id},
    )
    await _move_task(tx, gate, approve=approve, reason=reason, now=now)
    await events.append(
        tx,
        kind=f"gate.{status}",
        run_id=gate["run_id"],
        task_id=gate["task_id"],
        attempt_id=gate["attempt_id"],
        data={"gate": gate_id, "kind": gate["kind"], "reason": reason, "by": by, "channel": channel, **data},
    )
    covered = f"covered by {gate_id}"
    if data.get("way") == "pattern":
        for other in await _same_pattern(tx, gate, now):
            await answer(tx, other, approve=True, reason=covered, by=by, now=now, channel=channel, way="once")
    elif approve and gate["kind"] == "escalation" and not alone:
        for other in await _same_fault(tx, gate):
            await answer(tx, other, approve=True, reason=covered, by=by, now=now, channel=channel, alone=True)
    run_status = "" if gate["run_id"] == SESSION else await runs.settle(tx, gate["run_id"], now)
    return {**gate, "status": status, "reason": reason, "run_status": run_status}


async def _note_way(
    tx: Transaction, gate: Row, *, approve: bool, way: Way | None, edited: str | None, now: float
) -> dict[str, Any]:
    """Write down how the gate of an operation was answered; return what the journal says of it."""
    if gate["kind"] != "operation":
        if way is not None:
            raise NotReadyError(f"gate {gate['id']} is about no operation: it can only be approved or denied")
        return {}
    way = way or ("once" if approve else "denied")
    row = await tx.fetch_one("SELECT * FROM operation_gate WHERE gate_id = :id", {"id": gate["id"]})
    assert row is not None
    if way != "expired" and row["expires_at"] is not None and row["expires_at"] <= now:
        raise NotReadyError(f"gate {gate['id']} has expired: what it asks for is denied")
    if way == "pattern" and row["suggestion"] is None:
        raise NotReadyError(f"gate {gate['id']} has no pattern that an approval could cover: approve it once")
    pattern = row["suggestion"] if way == "pattern" else None
    values = {"way": way, "pattern": pattern, "edited": None if edited is None else json.dumps(edited)}
    await tx.execute(
        "UPDATE operation_gate SET way = :way, pattern = :pattern, edited = :edited WHERE gate_id = :id",
        {**values, "id": gate["id"]},
    )
    return {"way": way, **({"pattern": json.loads(pattern)} if pattern else {})}


async def _same_pattern(tx: Transaction, gate: Row, now: float) -> list[str]:
    """The open gates of the run that the pattern of this one covers word for word."""
    rows = await tx.fetch_all(
        "SELECT gate.id FROM gate JOIN operation_gate ON operation_gate.gate_id = gate.id WHERE gate.run_id = :run"
        " AND gate.status = 'open' AND suggestion = (SELECT suggestion FROM operation_gate WHERE gate_id = :gate)"
        " AND (expires_at IS NULL OR expires_at > :now) ORDER BY gate.number",
        {"run": gate["run_id"], "gate": gate["id"], "now": now},
    )
    return [row["id"] for row in rows]


async def _same_fault(tx: Transaction, gate: Row) -> list[str]:
    """The open gates of the run that ask to put right what this one asks: one wrong key stops many tasks alike."""
    rows = await tx.fetch_all(
        "SELECT gate.id FROM gate JOIN attempt ON attempt.id = gate.attempt_id"
        " JOIN attempt AS ours ON ours.id = :attempt AND ours.provider = attempt.provider"
        " WHERE gate.run_id = :run AND gate.kind = 'escalation' AND gate.status = 'open' AND question = :question"
        " AND attempt.status IN ('parked', 'interrupted') ORDER BY gate.number",
        {"run": gate["run_id"], "attempt": gate["attempt_id"], "question": gate["question"]},
    )
    return [row["id"] for row in rows]


async def _move_task(tx: Transaction, gate: Row, *, approve: bool, reason: str, now: float) -> None:
    values = {
        "run": gate["run_id"],
        "task": gate["task_id"],
        "attempt": gate["attempt_id"],
        "reason": reason,
        "now": now,
    }
    if gate["kind"] == "operation" or (approve and gate["kind"] == "drift"):
        # An attempt that has not been parked yet (its runner is still ending) sees the answer when it is.
        await tx.execute(
            "UPDATE task SET status = 'pending', ready_at = 0, reason = '' WHERE run_id = :run AND id = :task"
            " AND attempt_id = :attempt AND status = 'waiting'",
            values,
        )
    elif gate["kind"] == "budget":
        await (_raise_budget(tx, gate) if approve else budgets.give_up(tx, gate["id"], reason, now))
    elif approve and gate["kind"] == "review":
        await tx.execute("UPDATE attempt SET status = 'approved' WHERE id = :attempt AND status = 'waiting'", values)
        await tx.execute("UPDATE task SET status = 'pending', reason = '' WHERE run_id = :run AND id = :task", values)
    elif approve:
        await tx.execute(
            "UPDATE task SET status = 'pending', failures = 0, stalls = 0, ready_at = 0, reason = ''"
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
        await tx.execute(
            "UPDATE attempt SET status = 'failed', finished_at = :now WHERE id = :attempt AND status = 'parked'", values
        )


async def _raise_budget(tx: Transaction, gate: Row) -> None:
    row = await tx.fetch_one("SELECT * FROM budget_gate WHERE gate_id = :id", {"id": gate["id"]})
    assert row is not None
    await budgets.raise_to(tx, row["kind"], row["subject"], row["raised"], period=row["period"])
    await budgets.let_go_on(tx, gate["id"])


async def withdraw(tx: Transaction, attempt_id: str) -> None:
    """The attempt is over: what its agent wanted to do, nobody has to decide any more."""
    for gate in await tx.fetch_all(
        "UPDATE gate SET status = 'withdrawn' WHERE attempt_id = :attempt AND kind = 'operation' AND status = 'open'"
        " RETURNING *",
        {"attempt": attempt_id},
    ):
        await events.append(
            tx,
            kind="gate.withdrawn",
            run_id=gate["run_id"],
            task_id=gate["task_id"],
            attempt_id=attempt_id,
            data={"gate": gate["id"]},
        )


async def asking(source: Transaction | Database, attempt_id: str) -> Row | None:
    """The open gate of an operation that an attempt wants, or None."""
    return await source.fetch_one(
        "SELECT * FROM gate WHERE attempt_id = :attempt AND kind = 'operation' AND status = 'open'"
        " ORDER BY number LIMIT 1",
        {"attempt": attempt_id},
    )


async def listed(source: Transaction | Database, *, include_answered: bool = False) -> list[Row]:
    """The open gates, oldest first; with ``include_answered`` all of them."""
    return await source.fetch_all(
        "SELECT gate.*, coalesce(task.title, '') AS title FROM gate"
        " LEFT JOIN task ON task.run_id = gate.run_id AND task.id = gate.task_id"
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
