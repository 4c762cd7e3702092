"""What was spent, and what is left of budgets, as lines of text and as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from claude_orchestrator.state.budgets import MICRO, Limit, State, dollars, named
from claude_orchestrator.telling.words import Row, counted

TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
"""The columns that count tokens."""


def money(row: Row) -> str:
    """The cost of calls: what is known of it, and how many prices nobody knows."""
    if row["unknown"] == row["calls"] and row["calls"]:
        return "unknown"
    return dollars(row["micro_usd"]) + (
        f" + {counted(row['unknown'], 'call')} of unknown price" if row["unknown"] else ""
    )


def cost_line(cost: Row, budget: Limit | None) -> str:
    """What a run has cost so far, on one line."""
    of = f" of {dollars(budget.amount)}" if budget else ""
    tokens = cost["input_tokens"] + cost["cache_read_tokens"] + cost["cache_write_tokens"]
    calls = counted(cost["calls"], "call")
    return f"cost: {money(cost)}{of} in {calls} ({tokens:,} tokens in, {cost['output_tokens']:,} out)"


def cost_document(cost: Row, budget: Limit | None) -> dict[str, Any]:
    """What a run has cost so far, as JSON; amounts in US dollars."""
    return {**_sums(cost), "budget_usd": budget.amount / MICRO if budget else None}


def budget_lines(states: Iterable[tuple[Limit, State]]) -> Iterator[str]:
    """Each limit with what is spent, reserved and left of it."""
    for limit, state in states:
        reserved = f", {dollars(state.reserved)} reserved by attempts at work" if state.reserved else ""
        left = max(0, limit.amount - state.spent - state.reserved)
        whose = named(limit.kind, limit.subject, limit.period)
        yield f"  {whose}: {dollars(state.spent)} of {dollars(limit.amount)} spent{reserved}, {dollars(left)} left"


def document(
    run_id: str | None, by: str, rows: Sequence[Row], total: Row, states: Iterable[tuple[Limit, State]]
) -> dict[str, Any]:
    """Everything that ``cost`` shows, as JSON; amounts in US dollars, what is unknown is null."""
    return {
        "run": run_id,
        "by": by,
        "rows": [{**key(row, by), **_sums(row)} for row in rows],
        "total": _sums(total),
        "budgets": [
            {
                "kind": limit.kind,
                "subject": limit.subject,
                "period": limit.period,
                "limit_usd": limit.amount / MICRO,
                "spent_usd": state.spent / MICRO,
                "reserved_usd": state.reserved / MICRO,
                "left_usd": max(0, limit.amount - state.spent - state.reserved) / MICRO,
            }
            for limit, state in states
        ],
    }


def _sums(row: Row) -> dict[str, Any]:
    nobody_knows = row["calls"] > 0 and row["unknown"] == row["calls"]
    usd = None if nobody_knows else row["micro_usd"] / MICRO
    return {"calls": row["calls"], **{name: row[name] for name in TOKENS}, "usd": usd, "unknown_calls": row["unknown"]}


def key(row: Row, by: str) -> dict[str, str]:
    """What a row of sums is about: the columns that name it."""
    if by == "day":
        return {"day": day(row)}
    if by == "task":
        return {"run": row["run_id"], "task": row["task_id"]}
    return {"provider": row["provider"], "model": row["model"]}


def day(row: Row) -> str:
    """The day (UTC) of a row of sums."""
    return datetime.fromtimestamp(row["day"] * 86400, UTC).strftime("%Y-%m-%d")
