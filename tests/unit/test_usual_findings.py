"""Which findings count less beside those that the base has."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.mypy import MypyGrader
from claude_orchestrator.graders.ruff import RuffGrader

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


@pytest.mark.parametrize(
    ("rule", "times", "configured", "severity"),
    [
        ("assignment", 3, False, "note"),
        ("assignment", 2, False, "problem"),
        ("assignment", 3, True, "problem"),
        ("attr-defined", 9, False, "problem"),  # what is not there is not there
        ("call-arg", 9, False, "problem"),
    ],
)
def test_types_that_never_fitted_are_the_style_of_the_house(
    rule: str, times: int, configured: bool, severity: str
) -> None:
    change: Any = SimpleNamespace(base_files={"mypy.ini": b"[mypy]\n"} if configured else {})
    known = [Finding(rule, "a.py", line, "x", "problem") for line in range(times)]
    assert [one.severity for one in MypyGrader().weighed(change, [Finding(rule, "b.py", 1, "x")], known)] == [severity]


@pytest.mark.parametrize(
    ("rule", "times", "severity"),
    [
        ("I001", 3, "note"),
        ("TRY002", 3, "note"),
        ("BLE001", 3, "note"),
        ("E501", 2, "problem"),  # somebody keeps to it
        ("F821", 9, "problem"),  # a mistake is one
        ("F401", 9, "problem"),
    ],
)
def test_style_that_the_base_does_not_keep_to_is_a_note(rule: str, times: int, severity: str) -> None:
    change: Any = SimpleNamespace(base_files={"ruff.toml": b""})
    known = [Finding(rule, "a.py", line, "x", "problem") for line in range(times)]
    assert [one.severity for one in RuffGrader().weighed(change, [Finding(rule, "b.py", 1, "x")], known)] == [severity]
