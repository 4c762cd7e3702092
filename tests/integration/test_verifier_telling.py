"""Whole verifications: tests that would pass if the change did nothing, or whatever comes out of its handlers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from verifier_world import PYPROJECT, World, check

from claude_orchestrator.orchestrator.verification import Verification
from claude_orchestrator.orchestrator.verifier import judge

CALC = "src/calc/__init__.py"
TEST = "tests/test_calc.py"
CODE = (
    '"""Parts of texts."""\n\n\ndef parts(text):\n    return [one.strip() for one in text.split(",")]\n'
    "\n\ndef total(text: str) -> int:\n    return sum(int(one) for one in parts(text))\n"
    "\n\ndef put(table, place, value):\n    table[place] = value\n    return table\n"
)
TESTS = (
    "from calc import parts, put, total\n\n\ndef test_parts():\n    assert parts('a, b') == ['a', 'b']\n\n\n"
    "def test_total():\n    assert total('1, 2') == 3\n\n\ndef test_put():\n    assert put({}, 'a', 1) == {'a': 1}\n"
)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory, known: Path) -> World:
    files = {CALC: CODE, TEST: TESTS, "pyproject.toml": PYPROJECT}
    return World(tmp_path_factory.mktemp("telling"), files, known)


def judged(world: World, kind: str, code: str, test: str) -> Verification:
    files: Mapping[str, str] = {CALC: code, TEST: TESTS + f"\n\n{test}\n"}
    world.git("checkout", "--quiet", "--detach", world.base)
    return asyncio.run(judge(replace(world.request(world.commit(files)), kind=kind)))


def told(verification: Verification) -> list[tuple[str, str, str]]:
    return [
        (one.rule, one.severity, one.symbol)
        for one in check(verification, "pytest").findings
        if one.rule in ("pytest/nothing-told", "pytest/error-hidden", "pytest/pieces-told")
    ]


def hiding(handler: str, error: str = "ValueError") -> str:
    return CODE.replace(
        "    return sum(int(one) for one in parts(text))\n",
        f"    try:\n        return sum(int(one) for one in parts(text))\n    except {error}:\n        {handler}\n",
    )


def test_an_error_that_becomes_something_nobody_asks_for_fails(world: World) -> None:
    test = "def test_words():\n    assert isinstance(total('one'), int)"
    verification = judged(world, "fix", hiding("return 0"), test)
    assert verification.verdict == "failed"
    assert told(verification) == [("pytest/error-hidden", "problem", "total")]
    assert any("pytest-other-1" in one.label for one in check(verification, "pytest").commands)
    entered = {line[len("(cd ") :].split()[0] for line in verification.rerun if line.startswith("(cd ")}
    made = {line.split()[-1] for line in verification.rerun if line.startswith("git clone ")}
    assert entered == made
    assert "no test says what is right instead of the error" in " ".join(verification.reasons)


def test_a_default_that_a_test_asks_for_passes(world: World) -> None:
    test = "def test_words():\n    assert total('one') == 0"
    verification = judged(world, "fix", hiding("return 0"), test)
    assert (verification.verdict, told(verification)) == ("passed", [])


def test_an_error_that_is_passed_over_fails(world: World) -> None:
    code = CODE.replace(
        "    table[place] = value\n", "    try:\n        table[place] = value\n    except IndexError:\n        pass\n"
    )
    test = "def test_end():\n    table = [1]\n    assert put(table, 1, 2) is table"
    verification = judged(world, "fix", code, test)
    assert verification.verdict == "failed"
    assert told(verification) == [("pytest/nothing-told", "problem", "put")]


def test_an_error_that_is_repaired_passes(world: World) -> None:
    code = CODE.replace(
        "    table[place] = value\n",
        "    try:\n        table[place] = value\n    except IndexError:\n        table.append(value)\n",
    )
    verification = judged(world, "fix", code, "def test_end():\n    assert put([1], 1, 2) == [1, 2]")
    assert (verification.verdict, told(verification)) == ("passed", [])


def test_a_way_out_that_gives_what_nobody_asks_for_goes_to_a_human(world: World) -> None:
    code = CODE.replace("    return [one", "    if text is None:\n        return []\n    return [one")
    verification = judged(world, "fix", code, "def test_none():\n    assert parts(None) is not None")
    assert verification.verdict == "needs_review"
    assert told(verification) == [("pytest/error-hidden", "review", "parts")]


NO_ERROR = (
    "def test_none():\n    errors = []\n    try:\n        put(None, 'a', 1)\n    except TypeError as error:\n"
    "        errors.append(error)\n    assert errors == []"
)


@pytest.mark.parametrize(
    ("test", "found"),
    [(NO_ERROR, []), ("def test_none():\n    put(None, 'a', 1)", [("pytest/nothing-told", "review", "put")])],
)
def test_a_test_that_asks_for_no_error_where_others_ask_for_the_rest(
    world: World, test: str, found: list[tuple[str, str, str]]
) -> None:
    code = CODE.replace(
        "    table[place] = value\n", "    table = {} if table is None else table\n    table[place] = value\n"
    )
    assert told(judged(world, "fix", code, test)) == found


WEAK = {
    "its kind": "assert isinstance(longest('a,bb'), str)",
    "that there is something": "assert longest('a,bb')",
    "that it is not None": "assert longest('a,bb') is not None",
    "its length": "assert len(longest('a,bb')) > 0",
    "itself": "assert longest('a,bb') == longest('a,bb')",
}


@pytest.mark.parametrize("line", WEAK.values(), ids=WEAK.keys())
def test_a_feature_of_which_tests_say_only(world: World, line: str) -> None:
    code = CODE + "\n\ndef longest(text: str) -> str:\n    return max(parts(text), key=len)\n"
    verification = judged(world, "feature", code, f"def test_longest():\n    from calc import longest\n\n    {line}")
    assert verification.verdict != "passed"
    assert told(verification) == [("pytest/nothing-told", "review", "longest")]


def test_a_feature_of_which_tests_say_what_is_right_passes(world: World) -> None:
    code = CODE + "\n\ndef longest(text: str) -> str:\n    return max(parts(text), key=len)\n"
    test = "def test_longest():\n    from calc import longest\n\n    assert longest('a,bb') == 'bb'"
    verification = judged(world, "feature", code, test)
    assert (verification.verdict, told(verification)) == ("passed", [])


def test_a_new_question_has_to_have_both_answers(world: World) -> None:
    code = CODE + "\n\ndef is_single(text: str) -> bool:\n    return len(parts(text)) == 1\n"
    test = "def test_single():\n    from calc import is_single\n\n    assert is_single('a')"
    assert told(judged(world, "feature", code, test)) == [("pytest/nothing-told", "review", "is_single")]
    assert told(judged(world, "feature", code, test + "\n    assert not is_single('a,b')")) == []


def test_a_red_test_that_asks_for_little_is_enough_when_it_was_given(world: World) -> None:
    red = "\n\ndef test_numbers():\n    assert isinstance(parts(12), list)\n"
    before = world.base
    world.git("checkout", "--quiet", "--detach", before)
    world.base = world.commit({TEST: TESTS + red})
    try:
        code = CODE.replace("in text.split", "in str(text).split")
        request = replace(world.request(world.commit({CALC: code})), kind="fix")
        assert told(asyncio.run(judge(request))) == []
    finally:
        world.base = before


def test_a_function_that_only_refuses_may_be_shown_by_its_silence(world: World) -> None:
    refusing = "\n\ndef check(text):\n    if not text.isalpha():\n        raise ValueError(text)\n"
    files = {CALC: CODE + refusing, TEST: TESTS, "pyproject.toml": PYPROJECT}
    before = world.base
    world.git("checkout", "--quiet", "--detach", before)
    world.base = world.commit(files)
    try:
        test = "def test_spaces():\n    from calc import check\n\n    check('a b')"
        code = (CODE + refusing).replace("text.isalpha()", 'text.replace(" ", "").isalpha()')
        assert told(judged(world, "fix", code, test)) == []
    finally:
        world.base = before


SUMMARY = CODE + '\n\ndef summary(table):\n    return "{} rows, size=".format(len(table))\n'


@pytest.mark.parametrize(
    ("check_of_it", "expected"),
    [
        ("'rows' in said and 'size=' in said", [("pytest/pieces-told", "review", "summary")]),
        ("said == '1 rows, size='", []),
        ("said.endswith('size=')", []),
    ],
)
def test_pieces_of_what_a_new_function_gives_go_to_a_human(
    world: World, check_of_it: str, expected: list[tuple[str, str, str]]
) -> None:
    test = (
        f"def test_summary():\n    from calc import summary\n    said = summary({{'a': 1}})\n    assert {check_of_it}"
    )
    assert told(judged(world, "feature", SUMMARY, test)) == expected
