"""Which findings count less beside those that the base has."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.bench import Ran
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
        ("attr-defined", '"Callable[[], int]" has no attribute "seen"', "note"),
        ("attr-defined", '"Callable[[], int]" has no attribute "other"', "problem"),
        (
            "assignment",
            'Incompatible types in assignment (expression has type "int", variable has type "str")',
            "problem",
        ),
    ],
)
def test_without_a_configuration(rule: str, message: str, severity: str) -> None:
    change: Any = SimpleNamespace(base_files={})
    found = Finding(rule, "a.py", 1, message, text="call.seen = other.other() == 2")
    assert MypyGrader().severity(change, found) == severity


@pytest.mark.parametrize(
    ("source", "severities"),
    [
        ("class A:\n    x = ''\n\n\nclass B(A):\n    x = None\n", {"note"}),
        ("class A:\n    x: str = ''\n\n\nclass B(A):\n    x = None\n", {"problem"}),
        ("class A:\n    x = ''\n\n\nclass B(A):\n    x = None\n\n\ndef f(b: B): pass\n", {"problem"}),
        ("x = [].nothing\n", {"problem"}),
    ],
)
def test_where_no_type_is_declared_none_is_broken(tmp_path: Path, source: str, severities: set[str]) -> None:
    (tmp_path / "a.py").write_text(source)
    command = [sys.executable, "-m", "mypy", "--output", "json", "--config-file", "", "--cache-dir", os.devnull, "a.py"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=120)
    (tmp_path / "out").write_bytes(done.stdout)
    command_of: Any = SimpleNamespace(exit_code=done.returncode)
    ran = Ran(command_of, tmp_path / "out", tmp_path / "out", False, hashlib.sha256(done.stdout).hexdigest())
    change: Any = SimpleNamespace(base_files={})
    found = MypyGrader().read(ran, tmp_path).findings
    assert {MypyGrader().severity(change, one) for one in found} == severities
    strict: Any = SimpleNamespace(base_files={"mypy.ini": b"[mypy]\n"})
    assert {MypyGrader().severity(strict, one) for one in found} == {"problem"}


@pytest.mark.parametrize(
    ("known", "text", "severity"),
    [
        ("no-any-return", "call.seen = 2", "note"),
        ("import-not-found", "call.seen = 2", "problem"),  # nobody's fault: it is not installed here
        ("no-any-return", "print(call.seen)", "problem"),
    ],
)
def test_an_attribute_for_a_function_where_mypy_fails_already(known: str, text: str, severity: str) -> None:
    change: Any = SimpleNamespace(base_files={"mypy.ini": b"[mypy]\n"})
    found = Finding("attr-defined", "a.py", 1, '"_Wrapped[..., Any]" has no attribute "seen"', text=text)
    base = [Finding(known, "b.py", 1, "x")]
    assert [one.severity for one in MypyGrader().weighed(change, [found], base)] == [severity]


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


def test_style_counts_as_little_where_the_base_breaks_other_rules() -> None:
    change: Any = SimpleNamespace(base_files={"ruff.toml": b""})
    known = [Finding("UP031", "a.py", 1, "x")]
    new = [Finding("E501", "b.py", 1, "x"), Finding("F401", "b.py", 1, "x"), Finding("BLE001", "b.py", 1, "x")]
    assert [one.severity for one in RuffGrader().weighed(change, new, known)] == ["note", "problem", "problem"]


@pytest.mark.parametrize(
    ("rule", "times", "severity"),
    [
        ("I001", 3, "note"),
        ("TRY002", 3, "note"),
        ("BLE001", 3, "note"),
        ("BLE001", 2, "problem"),
        ("E501", 0, "problem"),  # somebody keeps to it
        ("E501", 1, "note"),  # the base would not pass either
        ("F821", 9, "problem"),  # a mistake is one
        ("F401", 9, "problem"),
    ],
)
def test_style_that_the_base_does_not_keep_to_is_a_note(rule: str, times: int, severity: str) -> None:
    change: Any = SimpleNamespace(base_files={"ruff.toml": b""})
    known = [Finding(rule, "a.py", line, "x", "problem") for line in range(times)]
    assert [one.severity for one in RuffGrader().weighed(change, [Finding(rule, "b.py", 1, "x")], known)] == [severity]
