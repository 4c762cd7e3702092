"""What becomes of an attempt that could not go on for a reason that is not its work's: wait, ask, or fail.

A launch says so with a :class:`~claude_orchestrator.models.faults.Fault`. What passes by itself (a rate limit, an
overload, a cut line) puts the attempt off, which counts as no failure, at most :data:`MAX_TRIES` times in a row. What
only a person can put right (a key, a missing program) is asked at once, and the attempt goes on after the answer. The
rest is a failed attempt like any other. What the provider's breaker has to know is written in the same transaction.
"""

from __future__ import annotations

import random
import time
from collections.abc import Awaitable, Callable
from typing import Any, Final

from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.config import Settings
from claude_orchestrator.models import health
from claude_orchestrator.models.breaker import Rules
from claude_orchestrator.models.faults import HOPELESS, PASSING, Fault
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.state import attempts, budgets, tasks
from claude_orchestrator.state.database import Database, Row, Transaction
from claude_orchestrator.state.grants import Fund, Funded, Grant, Wait
from claude_orchestrator.state.tasks import Claim

MAX_TRIES: Final = 5
"""How often in a row, without getting any further, an attempt meets a fault that passes before it has failed."""

_FEEDBACK: Final = {
    "turns": "The attempt before you used up all its turns: {detail}\nTake fewer, larger steps; end when it is done.",
    "request": "The provider refused what the attempt before you sent: {detail}",
}
"""What the next attempt is told, where it can do something about it."""


class Healing:
    """Decides about launches that ended with a fault."""

    def __init__(self, db: Database, settings: Settings) -> None:
        self._db = db
        self._settings = settings
        self._rules = rules_of(settings)

    async def treat(self, claim: Claim, outcome: Outcome, detail: str) -> None:
        """Let the attempt wait, ask a person, or fail, as its fault wants. ``detail`` is what people are told of it."""
        fault = outcome.fault
        assert fault is not None
        if fault.kind in PASSING:
            await self._put_off(claim, fault, outcome.resume, redact(detail))
        elif fault.kind in HOPELESS:
            await self._ask(claim, fault, outcome.resume, redact(detail))
        elif fault.kind == "budget" and outcome.resume is not None:
            await self._out_of_money(claim, fault, outcome.resume)
        else:
            await self._failed(claim, fault, redact(detail))

    async def _put_off(self, claim: Claim, fault: Fault, resume: dict[str, Any] | None, detail: str) -> None:
        evidence = await attempts.feedback(self._db, claim)
        kind = fault.kind.replace("_", " ")
        async with self._db.transaction() as tx:
            now = time.time()
            tries = await tasks.stall(tx, claim, resumable=resume is not None, now=now)
            await self._note(tx, claim, fault, now)
            if tries >= MAX_TRIES:
                reason = f"{fault.provider or claim.definition['agent']}: {kind}, {tries} times in a row: {detail}"
                retry_at = now + backoff(self._settings, claim.number)
                await tasks.fail(tx, claim, reason=reason, feedback=evidence, retry_at=retry_at, now=now)
                return
            said = min((fault.retry_at or now) - now, self._settings.retry_cap_s)
            retry_at = now + max(backoff(self._settings, tries), said)
            reason = f"{kind}, try {tries} of {MAX_TRIES}: {detail}"
            await tasks.park(tx, claim, resume=resume, now=now, retry_at=retry_at, reason=reason)

    async def _ask(self, claim: Claim, fault: Fault, resume: dict[str, Any] | None, detail: str) -> None:
        async with self._db.transaction() as tx:
            now = time.time()
            await self._note(tx, claim, fault, now)
            question = f"{fault.kind}: {detail}. Put that right, then approve to go on, or deny to give the task up."
            await tasks.ask_for_help(tx, claim, resume=resume, reason=detail, question=question, now=now)

    async def _out_of_money(self, claim: Claim, fault: Fault, resume: dict[str, Any]) -> None:
        """It goes on where it is with new money, which the next claim gives it or asks a human for."""
        async with self._db.transaction() as tx:
            now = time.time()
            await tasks.own(tx, claim)
            await self._note(tx, claim, fault, now)
            await budgets.stop(tx, claim.attempt_id)
            await tasks.park(tx, claim, resume=resume, now=now)

    async def _failed(self, claim: Claim, fault: Fault, detail: str) -> None:
        feedback = _FEEDBACK.get(fault.kind, "The agent did not finish: {detail}").format(detail=detail)
        async with self._db.transaction() as tx:
            now = time.time()
            await self._note(tx, claim, fault, now)
            retry_at = now + backoff(self._settings, claim.number)
            await tasks.fail(tx, claim, reason=detail, feedback=feedback, retry_at=retry_at, now=now)

    async def _note(self, tx: Transaction, claim: Claim, fault: Fault, now: float) -> None:
        """Tell the breaker of the provider that the attempt was granted; what has been used up, did work."""
        provider = (await attempts.get(tx, claim.attempt_id))["provider"] or fault.provider
        if not provider:
            return
        if fault.kind in ("turns", "budget"):
            await health.succeeded(tx, provider, now, claim.run_id)
        else:
            await health.failed(tx, provider, fault, claim.attempt_id, now, self._rules, claim.run_id)

    async def finished(self, tx: Transaction, claim: Claim) -> None:
        """A launch has ended by itself: its provider works."""
        if provider := (await attempts.get(tx, claim.attempt_id))["provider"]:
            await health.succeeded(tx, provider, time.time(), claim.run_id)

    async def left(self, claim: Claim) -> None:
        """A launch has ended without a word about its provider: if it was to find out whether it works, another may."""
        if provider := (await attempts.get(self._db, claim.attempt_id))["provider"]:
            async with self._db.transaction() as tx:
                await health.left(tx, provider, claim.attempt_id, time.time(), claim.run_id)


def looks() -> Callable[[Transaction, str, float], Awaitable[Wait | None]]:
    """:func:`wait_for` for one claim, which may ask for a thousand tasks: each provider is looked up once."""
    seen: dict[str, Wait | None] = {}

    async def look(tx: Transaction, provider: str, now: float) -> Wait | None:
        if provider not in seen:
            seen[provider] = await wait_for(tx, provider, now)
        return seen[provider]

    return look


async def wait_for(tx: Transaction, provider: str, now: float) -> Wait | None:
    """For what a provider has to be waited for, or None when an attempt may start with it now."""
    admission = await health.look(tx, provider, now)
    if admission.allowed:
        return None
    when = time.localtime(admission.until)
    shown = time.strftime("%H:%M:%S" if when[:3] == time.localtime(now)[:3] else "%Y-%m-%d %H:%M", when)
    return Wait(f"{provider} until {shown}: {admission.why}", admission.until)


def entering(fund: Fund, rules: Rules) -> Fund:
    """``fund``, which asks :func:`looks`, with word to the breaker of whom it lets through."""

    async def entered(tx: Transaction, task: Row, attempt_id: str, definition: dict[str, Any], now: float) -> Funded:
        funded = await fund(tx, task, attempt_id, definition, now)
        if isinstance(funded, Grant) and funded.allowance is not None:  # else only its merge is left
            await health.enter(tx, funded.provider, attempt_id, now, rules, task["run_id"])
        return funded

    return entered


def rules_of(settings: Settings) -> Rules:
    """The breaker's rules, as the user has set them."""
    return Rules(
        failures=settings.breaker_failures,
        open_s=settings.breaker_open_s,
        park_base_s=settings.retry_base_s,
        park_cap_s=settings.retry_cap_s,
    )


def backoff(settings: Settings, failures: int) -> float:
    """Seconds to wait after the n-th failure in a row: exponential, capped, with full jitter of the upper half.

    Jitter keeps attempts that failed together from starting together again.
    """
    wait = min(settings.retry_cap_s, settings.retry_base_s * 2.0 ** (failures - 1))
    return wait * random.uniform(0.5, 1.0)  # noqa: S311  # nosec B311 - no secret
