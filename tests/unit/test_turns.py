"""Loops in tests that never turn, and those of which the source does not say it."""

from __future__ import annotations

import ast

import pytest

from claude_orchestrator.graders.integrity.tampering.checks import body_of

NEVER = [
    "for x in [1, 2][2:]:",
    "for x in CASES[len(CASES):]:",
    "for x in CASES[:0]:",
    "for x in CASES[3:3]:",
    "for x in range(3, 3):",
    "for x in range(len(CASES), len(CASES)):",
    "for x in zip(CASES, []):",
    "for x, y in zip((1, 2), (), strict=False):",
    "for x in map(add, CASES[:0]):",
    "for x in filter(None, [0, 0]):",
    "for x in product(CASES, ()):",
    "for x in islice(CASES, 0):",
    "for x in ''.splitlines():",
    "for x in ''.split():",
    "for x in {}.items():",
    "for x in dict[str, int]().items():",
    "for x in [one for one in (1, 2) if one > 2]:",
    "for x in [add(one) for one in (1, 2) if one > 2]:",
    "for x in sorted(CASES[:0]):",
    "for x in reversed([1, 2, 3][5:]):",
    "cases = [1, 2, 3]\nfor x in cases[len(cases):]:",
    "cases = [1, 2, 3]\nfor x in cases[3:]:",
    "found = [one for one in (1, 2) if one > 2]\nfor x in found:",
    "none = CASES[:0]\nfor x in enumerate(none):",
    "count = 0\nwhile count > 0:",
    "while 1 > 2:",
]
SOMETIMES = [
    "for x in CASES:",
    "for x in CASES[1:]:",
    "for x in CASES[len(OTHERS):]:",
    "for x in [1, 2][1:]:",
    "for x in range(2):",
    "for x in ''.split(','):",
    "for x in {**CASES}:",
    "for x in [*CASES]:",
    "for x in [one for one in (1, 2) if one > add(0, 1)]:",
    "for x in filter(add, [0, 0]):",
    "cases = []\ncases.append(1)\nfor x in cases:",
    "cases = []\nfill(cases)\nfor x in cases:",
    "cases = []\nspy = cases\nfor x in cases:",
    "cases = []\nlisten(lambda: cases)\nfor x in cases:",
    "cases = []\ncases += [1]\nfor x in cases:",
    "cases = []\nspies = {'a': cases}\nfor x in cases:",
    "cases = [1, 2]\ncases.extend(CASES)\nfor x in cases[2:]:",
    "count = 0\ncount = add(1, 2)\nwhile count > 0:",
    "while True:",
]


def strength(head: str) -> float:
    """What is checked in a test whose only assertion stands in a loop."""
    lines = "".join(f"    {line}\n" for line in head.splitlines())
    (test,) = ast.parse(f"def test_add():\n{lines}        assert add(x, 1) == x + 1\n").body
    assert isinstance(test, ast.FunctionDef)
    return body_of(test, lambda _: None).strength


@pytest.mark.parametrize("head", NEVER)
def test_what_stands_in_a_loop_over_nothing_checks_nothing(head: str) -> None:
    assert strength(head) == 0


@pytest.mark.parametrize("head", SOMETIMES)
def test_a_loop_that_may_turn_checks_something(head: str) -> None:
    assert strength(head) > 0


def test_a_function_inside_of_such_a_loop_checks_nothing() -> None:
    inner = "        def scene():\n            assert add(x, 1) == 2\n        run(scene)\n"
    (test,) = ast.parse(f"def test_add():\n    for x in [1][1:]:\n{inner}").body
    assert isinstance(test, ast.FunctionDef)
    assert body_of(test, lambda _: None).strength == 0
