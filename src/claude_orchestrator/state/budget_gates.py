"""Gates of budgets: a limit leaves too little, and a human may raise it. One for each run and limit, however many wait.

A gate also closes by itself, once its limit leaves enough again: a new day, a limit that was raised or removed.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import cast

from claude_orchestrator.state import budgets, events, gates, runs
from claude_orchestrator.state.budgets import dollars, named
from claude_orchestrator.state.database import Database, Row, Transaction
from claude_orchestrator.state.grants import Exhausted, Kind


async def wait(tx: Transaction, task: Row, attempt_id: str | None, short: Exhausted, now: float) -> None:
    """The task waits for a human, or for the limit to leave enough again. ``attempt_id``: what goes on then, if any."""
    gate_id = await _open(tx, task["run_id"], short) or await _ask(tx, task, attempt_id, short, now)
    await tx.execute(
        "UPDATE task SET status = 'waiting', budget_gate = :gate,"
        " reason = (SELECT question FROM gate WHERE id = :gate) WHERE run_id = :run AND id = :task",
        {"gate": gate_id, "run": task["run_id"], "task": task["id"]},
    )
    await events.append(
        tx,
        kind="task.budget_wait",
        run_id=task["run_id"],
        task_id=task["id"],
        attempt_id=attempt_id,
        data={
            "gate": gate_id,
            "kind": short.kind,
            "subject": short.subject,
            "spent": short.spent,
            "limit": short.limit,
        },
    )


async def _open(tx: Transaction, run_id: str, short: Exhausted) -> str | None:
    row = await tx.fetch_one(
        "SELECT gate.id FROM gate JOIN budget_gate ON gate_id = gate.id WHERE gate.run_id = :run"
        " AND gate.status = 'open' AND budget_gate.kind = :kind AND budget_gate.subject = :subject",
        {"run": run_id, "kind": short.kind, "subject": short.subject},
    )
    return None if row is None else str(row["id"])


async def _ask(tx: Transaction, task: Row, attempt_id: str | None, short: Exhausted, now: float) -> str:
    gate_id = await gates.open_gate(
        tx,
        run_id=task["run_id"],
        task_id=task["id"],
        attempt_id=attempt_id,
        kind="budget",
        question=question_of(short),
        subject=f"{named(short.kind, short.subject, short.period)}: {dollars(short.raised)}",
        now=now,
    )
    await tx.execute(
        "INSERT INTO budget_gate (gate_id, kind, subject, period, needed, raised, until)"
        " VALUES (:gate, :kind, :subject, :period, :needed, :raised, :until)",
        {
            "gate": gate_id,
            "kind": short.kind,
            "subject": short.subject,
            "period": short.period,
            "needed": short.needed,
            "raised": short.raised,
            "until": short.until,
        },
    )
    return gate_id


def question_of(short: Exhausted) -> str:
    """Which limit it is, what is spent and reserved, and what it would take to go on; one line."""
    reserved = f", {dollars(short.reserved)} more is reserved by attempts at work" if short.reserved else ""
    unknown = f" ({short.unknown} calls of unknown price count as all that they might cost)" if short.unknown else ""
    by = dollars(short.raised - short.limit)
    going_on = f"Approve raises it by {by} to {dollars(short.raised)}, deny gives up the tasks that wait for it"
    if short.until is not None:
        moment = datetime.fromtimestamp(short.until, UTC).strftime("%Y-%m-%d %H:%M UTC")
        going_on += f"; or wait until {moment}, when they can go on by themselves"
    return (
        f"too little is left of the budget of {named(short.kind, short.subject, short.period)}:"
        f" {dollars(short.spent)} of {dollars(short.limit)} is spent{unknown}{reserved}. {going_on}."
    )


async def release(db: Database, now: float) -> list[str]:
    """Close the gates whose limits leave enough again, and let their tasks go on; return the gates' ids."""
    if not await _all_open(db):
        return []
    released = []
    async with db.transaction() as tx:
        for row in await _all_open(tx):
            if not await _leaves_enough(tx, row, now):
                continue
            released.append(row["gate_id"])
            await tx.execute("UPDATE gate SET status = 'withdrawn' WHERE id = :gate", {"gate": row["gate_id"]})
            await budgets.let_go_on(tx, row["gate_id"])
            place = {name: row[name] for name in ("run_id", "task_id", "attempt_id")}
            await events.append(tx, kind="gate.withdrawn", data={"gate": row["gate_id"]}, **place)
            await runs.settle(tx, row["run_id"], now)
    return released


async def _all_open(source: Transaction | Database) -> list[Row]:
    return await source.fetch_all(
        "SELECT budget_gate.*, gate.run_id, gate.task_id, gate.attempt_id FROM gate"
        " JOIN budget_gate ON gate_id = gate.id WHERE gate.status = 'open'"
    )


async def _leaves_enough(tx: Transaction, row: Row, now: float) -> bool:
    kind = cast(Kind, row["kind"])
    limit = await budgets.limit_now(tx, kind, row["subject"], now)
    if limit is None:
        return kind in ("day", "month")  # one attempt has a limit also where nobody has set one
    state = await budgets.state_of(tx, limit)
    # A limit that was lowered since asks for less, as a claim does.
    needed = min(int(row["needed"]), max(1, limit.amount // 2))
    return limit.amount - state.spent >= needed
