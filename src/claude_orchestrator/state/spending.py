"""What models have cost: one row for each call, counted once however often it is reported."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.state.database import Database, Row, Transaction

By = Literal["provider", "task", "day"]
"""What sums are made for."""

_SUMS: Final = (
    "count(*) AS calls, coalesce(sum(input_tokens), 0) AS input_tokens,"
    " coalesce(sum(output_tokens), 0) AS output_tokens,"
    " coalesce(sum(cache_read_tokens), 0) AS cache_read_tokens,"
    " coalesce(sum(cache_write_tokens), 0) AS cache_write_tokens,"
    " coalesce(sum(micro_usd), 0) AS micro_usd, coalesce(sum(micro_usd IS NULL), 0) AS unknown"
)
_GROUPS: Final = {
    "provider": "provider, model",
    "task": "run_id, task_id",
    "day": "CAST(at AS INTEGER) / 86400",
}


@dataclass(frozen=True)
class Cost:
    """One call to a model, or several that were paid together."""

    attempt_id: str
    """The attempt, or the planning session, whose ``run_id`` is empty and which is its own ``task_id``."""
    call: str
    """The name of the call within its attempt."""
    run_id: str
    task_id: str
    provider: str
    model: str
    input_tokens: int
    output_tokens: int
    cache_read_tokens: int
    cache_write_tokens: int
    micro_usd: int | None
    """Millionths of a US dollar; None: unknown."""
    counted: int
    """What it counts against limits, in millionths of a US dollar."""
    prices: str = ""
    """Which table of prices it was reckoned with; empty: the client said it."""


async def record(tx: Transaction, cost: Cost, now: float) -> bool:
    """Write a call's cost; False when that call was recorded before."""
    return bool(
        await tx.execute(
            "INSERT INTO cost (attempt_id, call, run_id, task_id, provider, model, at, input_tokens, output_tokens,"
            " cache_read_tokens, cache_write_tokens, micro_usd, counted, prices) VALUES (:attempt_id, :call, :run_id,"
            " :task_id, :provider, :model, :now, :input_tokens, :output_tokens, :cache_read_tokens,"
            " :cache_write_tokens, :micro_usd, :counted, :prices) ON CONFLICT (attempt_id, call) DO NOTHING",
            {**vars(cost), "now": now},
        )
    )


async def settle(tx: Transaction, cost: Cost) -> None:
    """Put what a call has cost in the place of what :func:`record` wrote of it before it was made."""
    await tx.execute(
        "UPDATE cost SET model = :model, input_tokens = :input_tokens, output_tokens = :output_tokens,"
        " cache_read_tokens = :cache_read_tokens, cache_write_tokens = :cache_write_tokens, micro_usd = :micro_usd,"
        " counted = :counted, prices = :prices WHERE attempt_id = :attempt_id AND call = :call",
        vars(cost),
    )


async def withdraw(tx: Transaction, attempt_id: str, call: str) -> None:
    """Forget a call that was written down before it was made, and that nobody has to pay for."""
    await tx.execute(
        "DELETE FROM cost WHERE attempt_id = :attempt AND call = :call", {"attempt": attempt_id, "call": call}
    )


async def counted(source: Transaction | Database, attempt_id: str) -> tuple[int, int]:
    """How many calls there are of one attempt or planning session, and what they count against limits."""
    row = await source.fetch_one(
        "SELECT count(*) AS calls, coalesce(sum(counted), 0) AS counted FROM cost WHERE attempt_id = :attempt",
        {"attempt": attempt_id},
    )
    assert row is not None
    return row["calls"], row["counted"]


async def total(source: Transaction | Database, run_id: str | None = None) -> Row:
    """The sums over a run, or over everything: calls, tokens, ``micro_usd`` of the known prices, ``unknown`` ones."""
    row = await source.fetch_one(
        f"SELECT {_SUMS} FROM cost WHERE :run IS NULL OR run_id = :run",  # noqa: S608  # nosec B608 - constants
        {"run": run_id},
    )
    assert row is not None
    return row


async def sums(source: Transaction | Database, by: By, run_id: str | None = None) -> list[Row]:
    """The same sums for each provider and model, each task, or each day (``day``: days since the epoch, UTC)."""
    group = _GROUPS[by]
    named = f"{group} AS day" if by == "day" else group
    return await source.fetch_all(
        f"SELECT {named}, {_SUMS} FROM cost WHERE :run IS NULL OR run_id = :run"  # noqa: S608  # nosec B608 - constants
        f" GROUP BY {group} ORDER BY min(at)",
        {"run": run_id},
    )
