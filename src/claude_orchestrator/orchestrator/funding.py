"""Who pays for an attempt and with which model it works: the first provider that is well and has money.

Asked within the claim's transaction, so that two claims never promise the same money.
"""

from __future__ import annotations

import math
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.models import accounts, choosing
from claude_orchestrator.state import attempts, budgets
from claude_orchestrator.state.budgets import MICRO, Spender
from claude_orchestrator.state.database import Row, Transaction
from claude_orchestrator.state.grants import Exhausted, Fund, Funded, Grant, Wait

PAID: Final = frozenset({"claude", "acp", "model"})
"""The agents that call models."""

Health = Callable[[Transaction, str, float], Awaitable[Wait | None]]
"""``health(tx, provider, now)``: for what the provider has to be waited for, or None when it may be called."""

Environment = Callable[[], Mapping[str, str]]
"""Gives the variables that name accounts."""

Candidates = Callable[[dict[str, Any], Mapping[str, float]], Sequence[tuple[str, str]]]
"""A task's definition and what an attempt may spend at each account (US dollars) → providers and models that could do
it, the best first."""


def candidates(definition: dict[str, Any], left_usd: Mapping[str, float]) -> Sequence[tuple[str, str]]:
    """The provider and model of agents that leave no choice, those of :mod:`~claude_orchestrator.models.choosing` else.

    An empty model is the client's own choice; an empty provider is for an agent that will say that there is no account.
    """
    model = definition.get("model") or ""
    if definition["agent"] == "acp":
        return [(Path(definition["command"][0]).name, model)]
    if definition["agent"] == "claude":
        return [("anthropic", model)]
    return choosing.candidates(definition, tuple(left_usd), left_usd) or [("", model)]


async def always_well(tx: Transaction, provider: str, now: float) -> Wait | None:  # noqa: ARG001 - a Health
    """No provider has to be waited for."""
    return None


def funding(
    cap_usd: float,
    *,
    choose: Candidates = candidates,
    health: Health = always_well,
    environment: Environment = lambda: os.environ,
) -> Fund:
    """What one claim asks; script and command cost nothing and are not looked up anywhere.

    ``cap_usd`` is what one attempt may spend where no human has said anything else; ``environment`` gives the variables
    that say where there is an account. A claim may ask for a thousand tasks, and nothing changes meanwhile: what holds
    up all of them is found out once. So the next claim needs another one of these.
    """
    return _Funding(budgets.micro(cap_usd), choose, health, environment).fund


class _Funding:
    def __init__(
        self, cap: int, choose: Candidates, health: Health, environment: Callable[[], Mapping[str, str]]
    ) -> None:
        self._cap = cap
        self._choose = choose
        self._health = health
        self._environment = environment
        self._left: dict[str, float] = {}
        self._refused: dict[str, Wait | Exhausted] = {}

    async def fund(self, tx: Transaction, task: Row, attempt_id: str, definition: dict[str, Any], now: float) -> Funded:
        """Implements :data:`~claude_orchestrator.state.grants.Fund`."""
        if definition.get("agent") not in PAID:
            return Grant()
        spender = Spender(task["run_id"], task["id"], attempt_id, "")
        is_new = task["parked_id"] is None
        parked = (task["parked_provider"], task["parked_model"])
        if not is_new and (task["parked_status"] == "approved" or await _is_done(tx, attempt_id)):
            return Grant(*parked)  # only its verification and merge are left
        # A session lives with the provider that it was begun with.
        options = [parked] if parked[0] else await self._options(tx, spender, definition, now)
        refused: list[Wait | Exhausted] = []
        for provider, model in options:
            reserved: int | Wait | Exhausted | None = self._refused.get(provider) if is_new else None
            reserved = reserved or await self._reserve(tx, replace(spender, provider=provider), now, is_new=is_new)
            if isinstance(reserved, int):
                return Grant(provider, model, reserved)
            refused.append(reserved)
        return _mildest(refused)

    async def _reserve(self, tx: Transaction, spender: Spender, now: float, *, is_new: bool) -> int | Wait | Exhausted:
        if (wait := await self._health(tx, spender.provider, now)) is not None:
            return wait
        reserved = await budgets.reserve(tx, spender, self._cap, now)
        if is_new and not isinstance(reserved, int):
            is_shared = reserved.shared if isinstance(reserved, Wait) else reserved.kind in budgets.SHARED
            if is_shared:
                self._refused[spender.provider] = reserved
        return reserved

    async def _options(
        self, tx: Transaction, spender: Spender, definition: dict[str, Any], now: float
    ) -> Sequence[tuple[str, str]]:
        if definition["agent"] != "model":
            return self._choose(definition, {})
        own = "budget" in definition
        left = {} if own else self._left
        for name in accounts.available(self._environment()):
            if name not in left:
                left[name] = await budgets.free_of(tx, replace(spender, provider=name), self._cap, now) / MICRO
        return self._choose(definition, left)


def _mildest(refused: list[Wait | Exhausted]) -> Wait | Exhausted:
    """What ends by itself, and first; else what a human is asked."""
    waits = [one for one in refused if isinstance(one, Wait)]
    return min(waits, key=lambda wait: math.inf if wait.until is None else wait.until) if waits else refused[0]


async def _is_done(tx: Transaction, attempt_id: str) -> bool:
    step = await attempts.step(tx, attempt_id, "agent")
    return step is not None and step["status"] == "done"
