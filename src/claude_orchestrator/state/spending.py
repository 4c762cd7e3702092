"""What models have cost: one row for each call, counted once however often it is reported."""

from __future__ import annotations

from dataclasses import dataclass

from claude_orchestrator.state.database import Transaction


@dataclass(frozen=True)
class Cost:
    """One call to a model, or several that were paid together."""

    attempt_id: str
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
