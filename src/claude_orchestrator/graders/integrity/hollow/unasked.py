"""Behaviour that changes although the task was to change none: in one of documentation, or of tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.suite.behaviour import changed_units

_STILL: Final = ("documentation", "tests")
"""Kinds of tasks after which the code does what it did."""


def unasked_findings(
    base: Mapping[str, bytes], head: Mapping[str, bytes], old_names: Mapping[str, str], kind: str | None
) -> list[Finding]:
    """One for each function that does something else now. What only raises, warns or logs is left alone.

    Documentation never needs another behaviour of what was there; tests may need something new to hold on to.
    """
    units = (changed_units(base, head, old_names) if kind in _STILL else None) or []
    found = []
    for unit in units:
        if unit.is_function and not unit.is_aside:
            is_sure = kind == "documentation" and not unit.is_new
            severity: Severity = "problem" if is_sure else "review"
            what = "is new" if unit.is_new else "does something else than before"
            message = f"`{unit.name}` {what}, and the task was one of {kind} only"
            line = unit.statements[0][0] if unit.statements else unit.line
            found.append(Finding("integrity/unasked", unit.path, line, message, severity, symbol=unit.name))
    return found
