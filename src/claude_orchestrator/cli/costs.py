"""What was spent, and what is left of budgets, as lines of text and as JSON documents."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from claude_orchestrator.cli.output import paint
from claude_orchestrator.cli.words import Row, counted
from claude_orchestrator.state.budgets import MICRO, Limit, State, dollars, named

_TOKENS = ("input_tokens", "output_tokens", "cache_read_tokens", "cache_write_tokens")
_HEADS = ("calls", "input", "output", "cache read", "cache write", "cost")


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


def table(rows: Sequence[Row], by: str, total: Row) -> Iterator[str]:
    """Sums as a table with a line for the total."""
    lines = [(by, *_HEADS), *((_name(row, by), *_cells(row)) for row in rows), ("total", *_cells(total))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS) + 1)]
    for number, line in enumerate(lines):
        # Numbers stand below each other at their right ends, the name and the cost at their left.
        cells = [line[0].ljust(widths[0]), *(cell.rjust(widths[n + 1]) for n, cell in enumerate(line[1:-1])), line[-1]]
        text = "  " + "  ".join(cells)
        yield paint(text, "bold") if number in (0, len(lines) - 1) else text


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
        "rows": [{**_key(row, by), **_sums(row)} for row in rows],
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
    return {"calls": row["calls"], **{name: row[name] for name in _TOKENS}, "usd": usd, "unknown_calls": row["unknown"]}


def _cells(row: Row) -> tuple[str, ...]:
    return (f"{row['calls']:,}", *(f"{row[name]:,}" for name in _TOKENS), money(row))


def _key(row: Row, by: str) -> dict[str, str]:
    if by == "day":
        return {"day": _day(row)}
    if by == "task":
        return {"run": row["run_id"], "task": row["task_id"]}
    return {"provider": row["provider"], "model": row["model"]}


def _name(row: Row, by: str) -> str:
    return _day(row) if by == "day" else "/".join(part for part in _key(row, by).values() if part)


def _day(row: Row) -> str:
    return datetime.fromtimestamp(row["day"] * 86400, UTC).strftime("%Y-%m-%d")
