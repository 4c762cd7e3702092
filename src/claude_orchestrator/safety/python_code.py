"""What a text of Python does, read from its tree and never run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_orchestrator.safety.operations import Effect

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.zones import Place


def python_effects(code: str, place: Place, policy: Policy) -> list[Effect]:
    """The effects of Python code, as ``python -c`` would run it."""
    return [Effect("A9", "runs Python code")]
