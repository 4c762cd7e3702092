"""How much is at stake with an operation that a human has to decide on, for whoever sorts an inbox."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Literal

from claude_orchestrator.safety.operations import Effect

Risk = Literal["low", "medium", "high"]

_LEVELS: Final[tuple[Risk, ...]] = ("low", "medium", "high")
_RISKS: Final[dict[str, Risk]] = {
    "A0": "medium",
    "A1": "low",
    "A2": "medium",
    "A3": "medium",
    "A6": "low",
    "A8": "low",
    "A9": "medium",
}
"""Rule → risk. Everything else that needs approval is high: secrets, protected and outside files, privilege,
environments that change how programs run, look-alikes, deployments, infrastructure."""


def risk_of(effects: Iterable[Effect], workspace: str) -> Risk:
    """The highest risk of all effects. Deleting outside the workspace is high, too."""
    found: list[Risk] = ["low"]
    inside = workspace.rstrip("/") + "/"
    for effect in effects:
        if effect.rule.startswith("S"):
            continue
        risk = _RISKS.get(effect.rule, "high")
        away = effect.rule == "A1" and any(not path.startswith(inside) for path in effect.paths)
        found.append("high" if away else risk)
    return max(found, key=_LEVELS.index)
