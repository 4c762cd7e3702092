"""The health of providers, as transaction functions: what the breaker says, what it is told, and the events of it."""

from __future__ import annotations

import random
from dataclasses import asdict
from typing import Any, Final

from claude_orchestrator.models.breaker import ADMITTED, Admission, Breaker, Rules
from claude_orchestrator.models.faults import PASSING, Fault
from claude_orchestrator.state import events, providers, tasks
from claude_orchestrator.state.database import Database, Row, Transaction

_LIMIT: Final = 300
"""Characters of a failure that are kept."""


async def breaker_of(source: Transaction | Database, provider: str, now: float) -> Breaker:
    """The provider's breaker as of now; of one that nothing is known of, a closed one."""
    row = await providers.get(source, provider)
    return as_breaker(row, now) if row else Breaker(since=now)


def as_breaker(row: Row, now: float) -> Breaker:
    """The breaker that is in a provider's row, as of now."""
    return Breaker(**{name: row[name] for name in providers.BREAKER}).steady(now)


async def look(tx: Transaction, provider: str, now: float) -> Admission:
    """Whether an attempt may start with the provider now. It then has to :func:`enter` in the same transaction.

    Waits that were shifted because the clock was put back are written down: they are counted from now, once.
    """
    row = await providers.get(tx, provider)
    if row is None:
        return ADMITTED
    breaker = as_breaker(row, now)
    if breaker.since != row["since"]:
        await providers.save(tx, provider, asdict(breaker))
    return breaker.look(now)


async def enter(tx: Transaction, provider: str, attempt_id: str, now: float, rules: Rules, run_id: str = "") -> None:
    """An attempt starts with the provider; as the only one, where it is to find out whether it works again."""
    before = await breaker_of(tx, provider, now)
    await _change(tx, provider, before, before.enter(attempt_id, now, rules), run_id, {"attempt": attempt_id})


async def succeeded(tx: Transaction, provider: str, now: float, run_id: str = "") -> None:
    """A call, or a whole launch, of the provider has succeeded."""
    before = await breaker_of(tx, provider, now)
    await _change(tx, provider, before, before.succeeded(now), run_id, {})
    await providers.save(tx, provider, {"succeeded_at": now})
    await providers.count(tx, provider, now, successes=1)


async def failed(
    tx: Transaction, provider: str, fault: Fault, attempt_id: str, now: float, rules: Rules, run_id: str = ""
) -> None:
    """An attempt could not go on because of the provider: a fault of whatever kind."""
    before, why = await breaker_of(tx, provider, now), _why(fault)
    if fault.kind == "rate_limit":
        jitter = random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311 - no secret
        after = before.limited(fault.retry_at, why, now, rules, jitter)
    elif fault.kind in PASSING:
        after = before.failed(attempt_id, why, now, rules)
    else:
        after = before.left(attempt_id, now)
    await _change(tx, provider, before, after, run_id, {"attempt": attempt_id, "reason": why})
    await providers.save(tx, provider, {"failed_at": now, "failed_kind": fault.kind, "failure": fault.detail[:_LIMIT]})
    await providers.count(tx, provider, now, failures=1)


async def left(tx: Transaction, provider: str, attempt_id: str, now: float, run_id: str = "") -> None:
    """An attempt has stopped without a word about the provider: if it was to try it alone, another may."""
    before = await breaker_of(tx, provider, now)
    await _change(tx, provider, before, before.left(attempt_id, now), run_id, {"attempt": attempt_id})


async def reset(tx: Transaction, provider: str, now: float) -> bool:
    """A person says that it works again, so what waits for it goes on; False when nothing is known of that provider."""
    if await providers.get(tx, provider) is None:
        return False
    await providers.save(tx, provider, asdict(Breaker(since=now)))
    await tasks.wake(tx, provider)
    await events.append(tx, kind="provider.reset", data={"provider": provider})
    return True


def _why(fault: Fault) -> str:
    """The fault in one line: its kind, and what the provider said."""
    kind = fault.kind.replace("_", " ")
    return f"{kind}: {' '.join(fault.detail.split())}"[:_LIMIT] if fault.detail else kind


async def _change(
    tx: Transaction, provider: str, before: Breaker, after: Breaker, run_id: str, data: dict[str, Any]
) -> None:
    """Write the breaker where it has changed, and the events of what that means."""
    if after == before:
        return
    await providers.save(tx, provider, asdict(after))
    told = {"provider": provider, **data}
    if after.parked_until > before.parked_until:
        until = {"until": after.parked_until}
        await events.append(tx, kind="provider.parked", run_id=run_id or None, data={**told, **until})
    if after.state != before.state or after.probe != before.probe:
        until = {"until": after.until} if after.state != "closed" else {}
        await events.append(tx, kind=f"provider.{after.state}", run_id=run_id or None, data={**told, **until})
