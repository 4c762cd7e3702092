"""When a question of the bank is asked, and with which default: one function a question, all of them pure.

A rule returns ``Ask`` (with a default that says why), ``Known`` (the goal or the repository says it already), or None
(the answer would change nothing here).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from claude_orchestrator.orchestrator.planning.rules import callers, proof, subject, work
from claude_orchestrator.orchestrator.planning.situation import Ask, Known, Situation

RULES: Final[dict[str, Callable[[Situation], Ask | Known | None]]] = {
    **subject.RULES,
    **callers.RULES,
    **proof.RULES,
    **work.RULES,
}
"""Id of a question → its rule."""
