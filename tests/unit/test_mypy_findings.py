"""Which of mypy's findings count in a project that has never configured it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.mypy import MypyGrader

NO_NAME = 'Module "collections" does not explicitly export attribute "Sequence"'
FALLBACK = 'Incompatible types in assignment (expression has type "None", variable has type Module)'


@pytest.mark.parametrize(
    ("rule", "message", "severity"),
    [
        ("attr-defined", NO_NAME, "note"),
        ("attr-defined", '"int" has no attribute "foo"', "problem"),
        ("attr-defined", 'Module has no attribute "foo"', "problem"),
        ("assignment", FALLBACK, "note"),
        (
            "assignment",
            'Incompatible types in assignment (expression has type "int", variable has type "str")',
            "problem",
        ),
    ],
)
def test_without_a_configuration(rule: str, message: str, severity: str) -> None:
    change: Any = SimpleNamespace(base_files={})
    assert MypyGrader().severity(change, Finding(rule, "a.py", 1, message)) == severity


def test_with_a_configuration_all_count() -> None:
    change: Any = SimpleNamespace(base_files={"mypy.ini": b"[mypy]\n"})
    assert MypyGrader().severity(change, Finding("attr-defined", "a.py", 1, NO_NAME)) == "problem"
