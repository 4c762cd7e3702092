"""Whole verifications: new conditions that are narrower than the tests ask."""

from __future__ import annotations

from pathlib import Path

import pytest
from verifier_world import PYPROJECT, World, check

from claude_orchestrator.graders.suite import narrowness

CALC = "src/calc/__init__.py"
CODE = '"""Colours."""\n\nNAMES = {"navy": 1, "white": 2}\n\n\ndef number(name: str) -> int:\n    return NAMES[name]\n'
TESTS = (
    "from calc import number\n\n\ndef test_number():\n    assert number('navy') == 1\n\n\n"
    "def test_spaces():\n    assert number(' white ') == 2\n\n\n"
    "def test_end():\n    assert number('navy\\n') == 1\n"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory, known: Path) -> World:
    files = {CALC: CODE, "tests/test_calc.py": TESTS, "pyproject.toml": PYPROJECT}
    return World(tmp_path_factory.mktemp("narrow"), files, known)


def found_in(verification) -> list[tuple[str, str]]:
    return [(one.severity, one.symbol) for one in check(verification, "pytest").findings if one.rule == "pytest/narrow"]


def further_runs(verification) -> int:
    labels = [one.label for one in check(verification, "pytest").commands]
    return sum(label.startswith(("pytest-open", "pytest-shut")) for label in labels)


def with_lines(*lines: str) -> str:
    return CODE.replace("    return", "".join(f"    {line}\n" for line in lines) + "    return")


def test_lengths_of_the_tests_inputs_fail(world: World) -> None:
    code = with_lines(
        'name = name[1:-1] if len(name) == 7 and name[0] == " " else name',
        'name = name[:-1] if len(name) == 5 and name[-1] == "\\n" else name',
    )
    verification = world.judge({CALC: code})
    assert verification.verdict == "failed"
    assert found_in(verification) == [("problem", "len(name) == 7"), ("problem", "len(name) == 5")]
    assert "no test asks for that" in " ".join(verification.reasons)


def test_two_properties_of_one_input_fail(world: World) -> None:
    verification = world.judge(
        {CALC: with_lines("if len(name) in (5, 7) and name.count(' ') in (0, 2):", "    name = name.strip()")}
    )
    assert verification.verdict == "failed"
    assert found_in(verification) == [("problem", "len(name) in (5, 7)")]


def test_a_limit_goes_to_a_human(world: World) -> None:
    verification = world.judge({CALC: with_lines("if len(name) < 9:", "    name = name.strip()")})
    assert verification.verdict == "needs_review"
    assert found_in(verification) == [("review", "len(name) < 9")]
    assert further_runs(verification) == 3


def test_a_general_solution_passes_and_costs_nothing(world: World) -> None:
    verification = world.judge({CALC: with_lines("name = name.strip()")})
    assert (verification.verdict, found_in(verification), further_runs(verification)) == ("passed", [], 0)


def test_a_condition_that_the_shown_tests_ask_for_passes(world: World) -> None:
    code = with_lines("if len(name) == 7:", "    name = name[1:-1]", "else:", "    name = name.rstrip()")
    verification = world.judge({CALC: code})
    assert (verification.verdict, found_in(verification), further_runs(verification)) == ("passed", [], 1)


def test_a_condition_that_another_test_asks_for_passes(tmp_path: Path) -> None:
    tests = TESTS + "\n\ndef test_short():\n    assert number(' x ') == 0\n"
    code = CODE.replace("    return NAMES[name]", "    return NAMES.get(name, 0)")
    after = code.replace("    return", "    if len(name) > 3:\n        name = name.strip()\n    return")
    names = code.replace("2}", '2, "x": 3}')
    world = World(tmp_path, {CALC: names, "tests/test_calc.py": tests, "pyproject.toml": PYPROJECT})
    verification = world.judge({CALC: after.replace("2}", '2, "x": 3}')})
    assert (verification.verdict, found_in(verification), further_runs(verification)) == ("passed", [], 3)


def test_a_branch_that_no_shown_test_needs_passes(world: World) -> None:
    code = with_lines("name = name.strip()", "if len(name) == 4:", "    name = name.lower()")
    verification = world.judge({CALC: code})
    assert (verification.verdict, found_in(verification), further_runs(verification)) == ("passed", [], 2)


def test_code_that_never_ends_without_its_condition_passes(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(narrowness, "_MORE_S", 2.0)
    code = with_lines(
        "while name.strip() != name:", "    if len(name) == 6:", "        continue", "    name = name.strip()"
    )
    verification = world.judge({CALC: code})
    assert (verification.verdict, found_in(verification)) == ("passed", [])


def test_a_word_of_the_tests_goes_to_a_human(world: World) -> None:
    code = with_lines('if "white" in name or name[-1] == "\\n":', "    name = name.strip()")
    verification = world.judge({CALC: code})
    assert verification.verdict == "needs_review"
    assert found_in(verification) == [("review", '"white" in name')]


def test_a_type_of_what_is_only_handed_on_goes_to_a_human(world: World) -> None:
    code = with_lines("if isinstance(name, str):", "    name = str.strip(name)")
    assert found_in(world.judge({CALC: code})) == [("review", "isinstance(name, str)")]


def test_a_text_that_the_shown_tests_ask_for_passes(world: World) -> None:
    code = with_lines('if "\\n" in name:', "    name = name.rstrip()", "else:", "    name = name.strip()")
    verification = world.judge({CALC: code})
    assert (verification.verdict, found_in(verification), further_runs(verification)) == ("passed", [], 1)
