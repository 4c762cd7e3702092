"""Budgets: limits of what may be spent, what has been spent of them, and what attempts at work have reserved.

All amounts are in millionths of a US dollar. A reservation is no row of its own: it is what an attempt was allowed when
it was claimed, less what it has spent since, for as long as its task is delegated or in progress. So it ends with
these states, however they end. Days and months are those of UTC.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, cast

from claude_orchestrator.state.database import Database, Row, Transaction
from claude_orchestrator.state.grants import Exhausted, Kind, Wait

MICRO: Final = 1_000_000
"""Millionths of a US dollar in one."""

MOST_USD: Final = 1e9
"""A limit of more than this many dollars holds nobody; it is written as this one, which sums have room for."""

LEAST: Final = 50_000
"""With less than this (or a tenth of a smaller limit), no attempt is begun."""

SHARED: Final = frozenset({"run", "day", "month"})
"""Kinds of limits that hold all tasks of a run with a provider alike."""

_CENT: Final = MICRO // 100
_OF: Final = {
    "attempt": "attempt_id = :subject",
    "task": "run_id = :run AND task_id = :task",
    "run": "run_id = :subject",
    "day": "provider = :subject AND at >= :since AND at < :until",
    "month": "provider = :subject AND at >= :since AND at < :until",
}
"""Kind of a limit → the calls that count against it."""


@dataclass(frozen=True)
class Limit:
    """One limit, as it is in force now."""

    kind: Kind
    subject: str
    period: str
    """The day or month that it is about; empty for the others."""
    amount: int


@dataclass(frozen=True)
class Spender:
    """An attempt, as limits see it."""

    run_id: str
    task_id: str
    attempt_id: str
    provider: str

    def subject(self, kind: Kind) -> str:
        """Whose limit of that kind holds the attempt."""
        return {"attempt": self.attempt_id, "task": f"{self.run_id}/{self.task_id}", "run": self.run_id}.get(
            kind, self.provider
        )


# -- limits ------------------------------------------------------------------------------------------


def micro(usd: float) -> int:
    """A sum of US dollars in millionths, rounded up; at most :data:`MOST_USD`."""
    return math.ceil(round(min(usd, MOST_USD) * MICRO, 3))


def period_of(kind: Kind, now: float) -> str:
    """The day or month (UTC) of a moment; empty for limits that count for ever."""
    formats = {"day": "%Y-%m-%d", "month": "%Y-%m"}
    return datetime.fromtimestamp(now, UTC).strftime(formats[kind]) if kind in formats else ""


def bounds(period: str) -> tuple[float, float]:
    """When a day or month begins, and when the next one does (seconds since the epoch)."""
    begin = datetime.strptime(period if len(period) > len("2026-11") else f"{period}-01", "%Y-%m-%d").replace(
        tzinfo=UTC
    )
    if len(period) > len("2026-11"):
        return begin.timestamp(), begin.timestamp() + 86400
    following = begin.replace(year=begin.year + begin.month // 12, month=begin.month % 12 + 1)
    return begin.timestamp(), following.timestamp()


async def put(tx: Transaction, kind: Kind, subject: str, amount: int, *, period: str = "") -> None:
    """Set a limit, whatever it was before."""
    await tx.execute(
        "INSERT INTO budget (kind, subject, period, micro_usd) VALUES (:kind, :subject, :period, :amount)"
        " ON CONFLICT (kind, subject, period) DO UPDATE SET micro_usd = excluded.micro_usd",
        {"kind": kind, "subject": subject, "period": period, "amount": amount},
    )


async def raise_to(tx: Transaction, kind: Kind, subject: str, amount: int, *, period: str) -> None:
    """Raise a limit, for the one day or month where a period is given; a higher one that is in force stays.

    One of a day or month that has been removed stays removed.
    """
    row = await tx.fetch_one(
        "SELECT max(micro_usd) AS amount FROM budget WHERE kind = :kind AND subject = :subject"
        " AND period IN ('', :period)",
        {"kind": kind, "subject": subject, "period": period},
    )
    before = None if row is None else row["amount"]
    if (not period) if before is None else before < amount:
        await put(tx, kind, subject, amount, period=period)


async def set_provider(tx: Transaction, provider: str, amounts: dict[Kind, int]) -> None:
    """Set a provider's limits of a day and of a month; what is not in ``amounts`` stays."""
    for kind, amount in amounts.items():
        await _remove(tx, provider, kind)
        await put(tx, kind, provider, amount)


async def unset_provider(tx: Transaction, provider: str) -> None:
    """Remove a provider's limits."""
    for kind in ("day", "month"):
        await _remove(tx, provider, kind)


async def _remove(tx: Transaction, provider: str, kind: str) -> None:
    await tx.execute(
        "DELETE FROM budget WHERE kind = :kind AND subject = :subject", {"kind": kind, "subject": provider}
    )


async def limits_of(source: Transaction | Database, spender: Spender, now: float) -> list[Limit]:
    """The limits that somebody has set and that hold an attempt now, the narrowest first."""
    kinds: Sequence[Kind] = ("attempt", "task", "run", "day", "month")
    values = {kind: spender.subject(kind) for kind in kinds} | {f"{kind}_is": period_of(kind, now) for kind in kinds}
    rows = await source.fetch_all(
        "SELECT * FROM budget WHERE (kind = 'attempt' AND subject = :attempt) OR (kind = 'task' AND subject = :task)"
        " OR (kind = 'run' AND subject = :run) OR (kind = 'day' AND subject = :day AND period IN ('', :day_is))"
        " OR (kind = 'month' AND subject = :month AND period IN ('', :month_is)) ORDER BY period",
        values,
    )
    found = {row["kind"]: row for row in rows}  # that of the one day after that of every day
    return [_limit(found[kind], now) for kind in kinds if kind in found]


async def limit_now(source: Transaction | Database, kind: Kind, subject: str, now: float) -> Limit | None:
    """One limit as it is in force now; None where there is none (any more)."""
    row = await source.fetch_one(
        "SELECT * FROM budget WHERE kind = :kind AND subject = :subject AND period IN ('', :period)"
        " ORDER BY period DESC LIMIT 1",
        {"kind": kind, "subject": subject, "period": period_of(kind, now)},
    )
    return None if row is None else _limit(row, now)


async def all_limits(source: Transaction | Database, now: float, run_id: str | None = None) -> list[Limit]:
    """The limits of all providers, or those of a run, its tasks and their attempts."""
    rows = await source.fetch_all(
        "SELECT * FROM budget WHERE (:run IS NULL AND kind IN ('day', 'month') AND period IN ('', :day, :month))"
        " OR (kind = 'run' AND subject = :run) OR (kind = 'task' AND subject LIKE :run || '/%')"
        " OR (kind = 'attempt' AND subject LIKE :run || '.%') ORDER BY kind, subject, period",
        {"run": run_id, "day": period_of("day", now), "month": period_of("month", now)},
    )
    found = {(row["kind"], row["subject"]): row for row in rows}
    return [_limit(row, now) for row in found.values()]


def _limit(row: Row, now: float) -> Limit:
    kind = cast(Kind, row["kind"])
    return Limit(kind, row["subject"], period_of(kind, now), row["micro_usd"])


# -- what is spent and reserved ------------------------------------------------------------------------


@dataclass(frozen=True)
class State:
    """How far a limit is used."""

    spent: int
    reserved: int
    """What attempts at work may still spend of it."""
    unknown: int
    """The calls whose price is unknown."""


async def state_of(source: Transaction | Database, limit: Limit) -> State:
    """How far a limit is used."""
    run_id, _, task_id = limit.subject.partition("/")
    since, until = bounds(limit.period) if limit.period else (0.0, 0.0)
    row = await source.fetch_one(
        "SELECT coalesce(sum(counted), 0) AS spent,"  # noqa: S608  # nosec B608 - a constant
        " coalesce(sum(micro_usd IS NULL), 0) AS unknown FROM cost WHERE " + _OF[limit.kind],
        {"subject": limit.subject, "run": run_id, "task": task_id, "since": since, "until": until},
    )
    assert row is not None
    reserved = sum(rest for spender, rest in await reservations(source) if spender.subject(limit.kind) == limit.subject)
    return State(row["spent"], reserved, row["unknown"])


async def reservations(source: Transaction | Database) -> list[tuple[Spender, int]]:
    """What each attempt at work may still spend, over all runs."""
    rows = await source.fetch_all(
        "SELECT task.run_id, task.id AS task_id, attempt.id AS attempt_id, provider, allowance + spent_before"
        " - (SELECT coalesce(sum(counted), 0) FROM cost WHERE cost.attempt_id = attempt.id) AS rest"
        " FROM task JOIN attempt ON attempt.id = task.attempt_id"
        " WHERE task.status IN ('delegated', 'in_progress') AND allowance IS NOT NULL"
    )
    return [(Spender(**row), max(0, rest)) for row in rows for rest in [row.pop("rest")]]


@dataclass(frozen=True)
class Allowance:
    """What an attempt may still spend of what was reserved for it."""

    left: int
    largest: int
    """The most that one of its calls has cost."""

    @property
    def is_enough(self) -> bool:
        """Whether another call as large as the largest so far would stay within it."""
        return self.left > 0 and self.left >= self.largest


async def allowance_of(source: Transaction | Database, attempt_id: str) -> Allowance | None:
    """What an attempt may still spend; None: no limit."""
    row = await source.fetch_one(
        "SELECT allowance + spent_before AS total, coalesce(sum(counted), 0) AS spent,"
        " coalesce(max(counted), 0) AS largest FROM attempt LEFT JOIN cost ON cost.attempt_id = attempt.id"
        " WHERE attempt.id = :attempt GROUP BY attempt.id",
        {"attempt": attempt_id},
    )
    return None if row is None or row["total"] is None else Allowance(row["total"] - row["spent"], row["largest"])


# -- reserving -----------------------------------------------------------------------------------------


async def reserve(tx: Transaction, spender: Spender, cap: int, now: float) -> int | Wait | Exhausted:
    """What an attempt that is about to be claimed may spend: ``cap``, or what the tightest limit leaves.

    ``cap`` is what one attempt may spend where nobody has said anything else. Wait where what is left is reserved
    by others, who may not need it; Exhausted where a limit leaves too little to be of use: the widest one, as many may
    wait for that. The caller writes the
    allowance to the attempt in the same transaction.
    """
    limits = await limits_of(tx, spender, now)
    if not any(limit.kind == "attempt" for limit in limits):
        limits = [Limit("attempt", spender.attempt_id, "", cap), *limits]
    largest = await _largest_call(tx, spender.attempt_id)
    wait: Wait | None = None
    free = []
    for limit in reversed(limits):
        state = await state_of(tx, limit)
        needed = max(1, min(LEAST, limit.amount // 10), min(largest, limit.amount // 2))
        if limit.amount - state.spent < needed:
            return _exhausted(limit, state, needed, cap, largest)
        free.append(limit.amount - state.spent - state.reserved)
        if free[-1] < needed:
            why = f"the rest of the budget of {named(limit.kind, limit.subject)}, which others may spend"
            wait = wait or Wait(why, shared=limit.kind in SHARED)
    return wait or min(free)


async def free_of(tx: Transaction, spender: Spender, cap: int, now: float) -> int:
    """The most that :func:`reserve` could give an attempt now; it may be less than nothing."""
    free = [cap]
    for limit in await limits_of(tx, spender, now):
        state = await state_of(tx, limit)
        free.append(limit.amount - state.spent - state.reserved)
    return min(free)


async def _largest_call(tx: Transaction, attempt_id: str) -> int:
    row = await tx.fetch_one(
        "SELECT coalesce(max(counted), 0) AS largest FROM cost WHERE attempt_id = :attempt", {"attempt": attempt_id}
    )
    return int(row["largest"]) if row else 0


def _exhausted(limit: Limit, state: State, needed: int, cap: int, largest: int) -> Exhausted:
    step = cap if limit.kind == "attempt" else min(cap, limit.amount)
    # Enough for another call as large as the largest, too: an approval after which it only asks again is none.
    raised = math.ceil((max(limit.amount, state.spent) + max(step, needed, largest)) / _CENT) * _CENT
    return Exhausted(
        kind=limit.kind,
        subject=limit.subject,
        period=limit.period,
        limit=limit.amount,
        spent=state.spent,
        reserved=state.reserved,
        unknown=state.unknown,
        needed=needed,
        raised=raised,
        until=bounds(limit.period)[1] if limit.period else None,
    )


async def let_go_on(tx: Transaction, gate_id: str) -> None:
    """The tasks that wait for a gate of a budget are ready again."""
    await tx.execute(
        "UPDATE task SET status = 'pending', ready_at = 0, reason = '', budget_gate = NULL"
        " WHERE budget_gate = :gate AND status = 'waiting'",
        {"gate": gate_id},
    )


async def give_up(tx: Transaction, gate_id: str, reason: str, now: float) -> None:
    """The tasks that wait for a gate of a budget have failed; what their attempts have made stays under their refs."""
    values = {"gate": gate_id, "reason": f"denied: {reason}", "now": now}
    await tx.execute(
        "UPDATE attempt SET status = 'cancelled', finished_at = :now, reason = :reason WHERE status = 'parked'"
        " AND id IN (SELECT attempt_id FROM task WHERE budget_gate = :gate AND task.status = 'waiting')",
        values,
    )
    await tx.execute(
        "UPDATE task SET status = 'failed', reason = :reason, finished_at = :now"
        " WHERE budget_gate = :gate AND status = 'waiting'",
        values,
    )


async def stop(tx: Transaction, attempt_id: str) -> None:
    """An attempt has stopped because of money: where it has not used half of what it had, it would only stop again.

    So its own limit is what it has spent, and a human is asked before it goes on. Otherwise it gets what is left.
    """
    allowance = await allowance_of(tx, attempt_id)
    row = await tx.fetch_one("SELECT allowance FROM attempt WHERE id = :id", {"id": attempt_id})
    if allowance is not None and row is not None and allowance.left > row["allowance"] // 2:
        state = await state_of(tx, Limit("attempt", attempt_id, "", 0))
        await put(tx, "attempt", attempt_id, state.spent)


# -- words ---------------------------------------------------------------------------------------------


def dollars(amount: int) -> str:
    """An amount for people: cents, and more digits only below them."""
    if amount and abs(amount) < _CENT:
        return f"${amount / MICRO:.6f}".rstrip("0")
    return f"${amount / MICRO:,.2f}"


def named(kind: Kind, subject: str, period: str = "") -> str:
    """Whose limit it is, for people."""
    if kind in ("day", "month"):
        return f"{subject} {f'on {period}' if kind == 'day' else f'in {period}'} (UTC)" if period else subject
    return f"{kind} {subject}"
