"""Who pays for an attempt and with which model it works: the first provider that is well.

Asked within the claim's transaction, so that two claims never promise the same.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.state import attempts
from claude_orchestrator.state.database import Row, Transaction
from claude_orchestrator.state.grants import Fund, Funded, Grant, Wait

PAID: Final = frozenset({"claude", "acp", "model"})
"""The agents that call models."""

Candidates = Callable[[dict[str, Any]], list[tuple[str, str]]]
"""A task's definition → providers and models that could do it, the best first."""

Health = Callable[[Transaction, str, float], Awaitable[Wait | None]]
"""``health(tx, provider, now)``: for what the provider has to be waited for, or None when it may be called."""


def candidates(definition: dict[str, Any]) -> list[tuple[str, str]]:
    """The provider and the model that the task's agent leaves no choice of; an empty model is the client's own."""
    model = definition.get("model") or ""
    if definition["agent"] == "acp":
        return [(Path(definition["command"][0]).name, model)]
    return [("anthropic", model)]


async def always_well(tx: Transaction, provider: str, now: float) -> Wait | None:  # noqa: ARG001 - a Health
    """No provider has to be waited for."""
    return None


def funding(*, choose: Candidates = candidates, health: Health = always_well) -> Fund:
    """What a claim asks; script and command cost nothing and are not looked up anywhere."""

    async def fund(tx: Transaction, task: Row, attempt_id: str, definition: dict[str, Any], now: float) -> Funded:
        if definition.get("agent") not in PAID:
            return Grant()
        options = []
        if task["parked_id"] is not None:
            parked = (task["parked_provider"], task["parked_model"])
            if task["parked_status"] == "approved" or await _is_done(tx, attempt_id):
                return Grant(*parked)  # only its verification and merge are left
            # A session lives with the provider that it was begun with.
            options = [parked] if task["parked_provider"] else []
        waits = []
        for provider, model in options or choose(definition):
            wait = await health(tx, provider, now)
            if wait is None:
                return Grant(provider, model)
            waits.append(wait)
        return min(waits, key=lambda wait: math.inf if wait.until is None else wait.until)

    return fund


async def _is_done(tx: Transaction, attempt_id: str) -> bool:
    step = await attempts.step(tx, attempt_id, "agent")
    return step is not None and step["status"] == "done"
