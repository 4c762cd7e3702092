"""Errors that tests expect by a name of their own."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.tampering.expected_errors import broadened
from claude_orchestrator.graders.integrity.tampering.fates import compare_sides
from claude_orchestrator.graders.integrity.tampering.sides import SideOfTests

PATH = "tests/test_calc.py"
TEST = "\n\ndef test_refused():\n    with pytest.raises({}):\n        parse('')\n"
PARSE = b"def parse(text):\n    raise CalcError(text)\n"


def said(old: str, new: str, asked: str = "REFUSED", allowed: bool = False) -> list[tuple[str, str]]:
    """What is found when the lines above the test become others."""
    base, head = (
        f"import pytest\nfrom calc import CalcError, parse\n\n{lines}{TEST.format(asked)}".encode()
        for lines in (old, new)
    )
    sides = (SideOfTests({PATH: text}, {}, {"calc.py": PARSE}) for text in (base, head))
    found = broadened(compare_sides(*sides, {}), lambda _: allowed)
    return [(one.severity, one.message) for one in found]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("REFUSED = CalcError", "REFUSED = Exception"),
        ("REFUSED = CalcError", "REFUSED = (CalcError, Exception)"),
        ("REFUSED = (CalcError, KeyError)", "REFUSED = BaseException"),
        ("REFUSED = Exception", "REFUSED = BaseException"),
        ("REFUSED: type = CalcError", "REFUSED: type = builtins.Exception"),
        ("REFUSED = pytest.raises(CalcError)", "REFUSED = pytest.raises(Exception)"),
        ("class Errors:\n    REFUSED = CalcError", "class Errors:\n    REFUSED = Exception"),
    ],
)
def test_a_name_that_stands_for_any_error_fails(old: str, new: str) -> None:
    asked = "Errors.REFUSED" if "class" in old else "REFUSED"
    assert [severity for severity, _ in said(old, new, asked)] == ["problem"]
    assert [severity for severity, _ in said(old, new, asked, allowed=True)] == ["review"]


@pytest.mark.parametrize("new", ["(CalcError, KeyError)", "CalcError.__mro__[-3]", "errors_of(parse)"])
def test_more_errors_and_unknown_ones_are_for_a_human(new: str) -> None:
    assert [severity for severity, _ in said("REFUSED = CalcError", f"REFUSED = {new}")] == ["review"]


@pytest.mark.parametrize(
    ("old", "new", "asked"),
    [
        ("REFUSED = (CalcError, KeyError)", "REFUSED = CalcError", "REFUSED"),
        ("REFUSED = Exception", "REFUSED = CalcError", "REFUSED"),
        ("REFUSED = CalcError", "REFUSED = KeyError", "REFUSED"),
        ("REFUSED = (CalcError, KeyError)", "REFUSED = (KeyError, CalcError)", "REFUSED"),
        ("REFUSED = pytest.raises(Exception)", "REFUSED = pytest.raises(CalcError)", "REFUSED"),
        ("KIND = int", "KIND = (int, Exception)", "CalcError"),
        ("READ = parse", "READ = reader_of(parse)", "CalcError"),
        ("REFUSED = CalcError", "WRONG = Exception", "CalcError"),
    ],
)
def test_fewer_others_and_names_that_no_test_asks_for_are_not(old: str, new: str, asked: str) -> None:
    assert said(old, new, asked) == []


def test_what_was_and_what_is_are_said() -> None:
    ((_, message),) = said("REFUSED = CalcError", "REFUSED = Exception")
    assert message == "REFUSED asks for less: 'CalcError' became 'Exception', which is any error"
