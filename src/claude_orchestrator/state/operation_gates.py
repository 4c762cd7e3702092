"""Gates of operations: what an agent may not do without a human, and how the answer finds its way back to it.

A gate is found by its attempt and its key, never by who asks: a launch that goes on after a crash finds the gate
that an earlier one has opened, and the answer that came meanwhile. An approval is used up by the one operation that
it was given for, in a transaction that is committed before the operation begins.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from claude_orchestrator.state import events, gates
from claude_orchestrator.state.database import Database, Row, Transaction

MAX_RESUMES: Final = 3
"""How many launches of an attempt may die on their way to the same answer before the attempt has failed."""

_JSON: Final = ("operation", "effects", "resume", "suggestion", "pattern", "edited")
_SELECT: Final = (
    "SELECT gate.*, operation_gate.key, operation_gate.round, operation_gate.launch, operation_gate.resume,"
    " operation_gate.operation, operation_gate.effects, operation_gate.rule, operation_gate.shown,"
    " operation_gate.risk, operation_gate.suggestion, operation_gate.expires_at, operation_gate.way,"
    " operation_gate.pattern, operation_gate.edited, operation_gate.used_at"
    " FROM operation_gate JOIN gate ON gate.id = operation_gate.gate_id"
)


@dataclass(frozen=True)
class Question:
    """What an agent asks, as people are to see it: every text redacted, every trick decoded."""

    run_id: str
    task_id: str
    attempt_id: str
    key: str
    """Equal for the same operation at the same place of the same task."""
    launch: int
    resume: Mapping[str, Any] | None
    """Where the agent goes on once there is an answer; None when it waits in place."""
    text: str
    """The question in one line."""
    operation: Mapping[str, Any]
    effects: Sequence[Mapping[str, Any]]
    rule: str
    shown: str
    """The diff, or the command with what it resolves to."""
    risk: str
    suggestion: Any = None
    """The pattern that an approval for the whole run would cover; None where there is none to be had."""
    expires_at: float | None = None


async def current(source: Transaction | Database, attempt_id: str, key: str) -> Row | None:
    """The latest gate of an operation of an attempt, decoded; None before it was asked for."""
    return _decoded(
        await source.fetch_one(
            _SELECT + " WHERE operation_gate.attempt_id = :attempt AND key = :key ORDER BY round DESC LIMIT 1",
            {"attempt": attempt_id, "key": key},
        )
    )


async def denial(source: Transaction | Database, question: Question) -> Row | None:
    """A human's refusal of the same operation in an earlier attempt of the task.

    It holds until somebody approves that the task is tried again after its last attempt.
    """
    return _decoded(
        await source.fetch_one(
            _SELECT  # noqa: S608  # nosec B608 - a constant
            + " WHERE key = :key AND gate.run_id = :run AND gate.task_id = :task AND gate.status = 'denied'"
            " AND gate.number > (SELECT coalesce(max(number), 0) FROM gate AS escalation WHERE run_id = :run"
            " AND task_id = :task AND kind = 'escalation' AND status = 'approved') ORDER BY gate.number DESC LIMIT 1",
            {"key": question.key, "run": question.run_id, "task": question.task_id},
        )
    )


async def patterns(source: Transaction | Database, run_id: str) -> list[tuple[str, Any]]:
    """What humans have approved for the whole run: gate id and pattern."""
    rows = await source.fetch_all(
        "SELECT gate.id, operation_gate.pattern FROM gate JOIN operation_gate ON operation_gate.gate_id = gate.id"
        " WHERE gate.run_id = :run AND gate.status = 'approved' AND operation_gate.way = 'pattern' ORDER BY number",
        {"run": run_id},
    )
    return [(row["id"], json.loads(row["pattern"])) for row in rows]


async def ask(tx: Transaction, question: Question, now: float) -> Row:
    """The gate of the question: the one that is open or has an unused answer, else a new one. Decoded."""
    gate = await current(tx, question.attempt_id, question.key)
    if gate is None or is_spent(gate):
        return await _open(tx, question, 1 if gate is None else gate["round"] + 1, now)
    if gate["status"] == "open":
        await tx.execute(
            "UPDATE operation_gate SET launch = :launch, resume = :resume WHERE gate_id = :gate",
            {"launch": question.launch, "resume": _json(question.resume), "gate": gate["id"]},
        )
    return gate


def is_spent(gate: Row) -> bool:
    """Whether a gate answers nothing any more: withdrawn, or its approval was used."""
    return gate["status"] == "withdrawn" or (gate["status"] == "approved" and gate["used_at"] is not None)


def is_unused(gate: Row) -> bool:
    """Whether a gate has an answer that has not reached the agent yet."""
    return gate["status"] in ("approved", "denied") and gate["used_at"] is None


async def use(tx: Transaction, gate: Row, now: float) -> bool:
    """The answer reaches the agent now, for good; False when it has been used before."""
    used = await tx.execute(
        "UPDATE operation_gate SET used_at = :now WHERE gate_id = :gate AND used_at IS NULL",
        {"now": now, "gate": gate["id"]},
    )
    if used:
        await events.append(
            tx,
            kind="gate.used",
            run_id=gate["run_id"],
            task_id=gate["task_id"],
            attempt_id=gate["attempt_id"],
            data={"gate": gate["id"], "way": gate["way"]},
        )
    return bool(used)


async def pass_by(tx: Transaction, attempt_id: str, key: str, now: float) -> None:
    """The agent goes past a question for another reason than its answer: nobody has to decide it any more.

    Its place is none to go back to either: what follows may have been done.
    """
    gate = await current(tx, attempt_id, key)
    if gate is None or gate["used_at"] is not None:
        return
    await tx.execute("UPDATE operation_gate SET used_at = :now WHERE gate_id = :gate", {"now": now, "gate": gate["id"]})
    if gate["status"] == "open":
        await gates.withdraw(tx, attempt_id)


async def _open(tx: Transaction, question: Question, turn: int, now: float) -> Row:
    gate_id = await gates.open_gate(
        tx,
        run_id=question.run_id,
        task_id=question.task_id,
        attempt_id=question.attempt_id,
        kind="operation",
        question=question.text,
        subject=question.shown,
        now=now,
    )
    await tx.execute(
        "INSERT INTO operation_gate (gate_id, attempt_id, key, round, launch, resume, operation, effects, rule,"
        " shown, risk, suggestion, expires_at) VALUES (:gate, :attempt, :key, :round, :launch, :resume, :operation,"
        " :effects, :rule, :shown, :risk, :suggestion, :expires)",
        {
            "gate": gate_id,
            "attempt": question.attempt_id,
            "key": question.key,
            "round": turn,
            "launch": question.launch,
            "resume": _json(question.resume),
            "operation": _json(question.operation),
            "effects": _json(question.effects),
            "rule": question.rule,
            "shown": question.shown,
            "risk": question.risk,
            "suggestion": _json(question.suggestion),
            "expires": question.expires_at,
        },
    )
    return await get(tx, gate_id)


async def get(source: Transaction | Database, gate_id: str) -> Row:
    """The gate of an operation, decoded."""
    gate = _decoded(await source.fetch_one(_SELECT + " WHERE gate.id = :gate", {"gate": gate_id}))
    assert gate is not None, gate_id
    return gate


# -- an attempt that waits -----------------------------------------------------------------------


async def token_of_the_dead(source: Transaction | Database, attempt_id: str, launch: int) -> dict[str, Any] | None:
    """Where an attempt goes on whose runner died at a question; None when it has done something since.

    Between a question and the use of its answer an agent does nothing, so its token is as good as if the runner had
    lived to hand it over. Bounded: launches that die on their way to an answer again and again count as a failure.
    """
    row = await source.fetch_one(
        "SELECT operation_gate.* FROM operation_gate JOIN gate ON gate.id = operation_gate.gate_id"
        " WHERE operation_gate.attempt_id = :attempt ORDER BY gate.number DESC LIMIT 1",
        {"attempt": attempt_id},
    )
    if row is None or row["resume"] is None or row["used_at"] is not None or launch - row["launch"] >= MAX_RESUMES:
        return None
    token: dict[str, Any] = json.loads(row["resume"])
    return token


async def expire(db: Database, now: float) -> list[str]:
    """Deny what has waited for longer than its policy lets it; return the gates' ids."""
    due = await db.fetch_all(
        "SELECT gate.id FROM gate JOIN operation_gate ON operation_gate.gate_id = gate.id"
        " WHERE gate.status = 'open' AND operation_gate.expires_at <= :now",
        {"now": now},
    )
    if not due:
        return []
    expired = []
    async with db.transaction() as tx:
        for row in due:
            if (await get(tx, row["id"]))["status"] != "open":
                continue
            reason = "nobody answered within the time that the policy gives"
            await gates.answer(
                tx, row["id"], approve=False, reason=reason, by="policy", now=now, channel="expiry", way="expired"
            )
            expired.append(row["id"])
    return expired


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, default=str)


def _decoded(row: Row | None) -> Row | None:
    if row is None:
        return None
    return {**row, **{name: json.loads(row[name]) for name in _JSON if row[name] is not None}}
