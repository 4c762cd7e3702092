"""What is run again when tests fail, and what is then said of them."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.suite.flaky import REPEATS, settle
from claude_orchestrator.graders.suite.outcomes import SuiteVerdict, Suspect
from claude_orchestrator.graders.suite.run_log import Ending, SuiteRun

TEST = "tests/test_a.py::test_a"
FAILED = Ending("failed", 1, "E  assert 1 == 2")
OTHER = Ending("failed", 1, "E  TimeoutError")
PASSED = Ending("passed", 1)
Run = tuple[str, int, int]


def settled(verdict: SuiteVerdict, *, base: Ending, own: Sequence[Ending]) -> list[Run]:
    """Settle with such outcomes; which runs were made: side, number, repetitions."""
    runs: list[Run] = []

    async def run(side: str, names: Sequence[str], number: int, repeat: int) -> SuiteRun:
        runs.append((side, number, repeat))
        ending = base if side == "base" else own[number - 1]
        return SuiteRun("", dict.fromkeys(names, ending))

    asyncio.run(settle(verdict, None, run))
    return runs


def failing() -> SuiteVerdict:
    finding = Finding("pytest/failed", "tests/test_a.py", 1, "it fails", "problem", TEST, FAILED.text)
    return SuiteVerdict([finding], suspects=[Suspect("own", TEST, TEST)])


def test_what_fails_twice_in_the_same_way_is_broken_when_the_base_never_fails() -> None:
    verdict = failing()
    assert settled(verdict, base=PASSED, own=[FAILED]) == [("own", 1, 1), ("base", 1, REPEATS)]
    assert [one.rule for one in verdict.findings] == ["pytest/failed"]


def test_a_test_that_rarely_fails_at_the_base_is_excused() -> None:
    verdict = failing()
    assert settled(verdict, base=FAILED, own=[PASSED]) == [("own", 1, 1), ("base", 1, REPEATS)]
    assert [(one.rule, one.severity) for one in verdict.findings] == [("pytest/flaky", "note")]


def test_what_fails_in_another_way_is_tried_again() -> None:
    verdict = failing()
    runs = settled(verdict, base=PASSED, own=[OTHER, FAILED, PASSED])
    assert runs == [("own", 1, 1), ("own", 2, 1), ("own", 3, 1), ("base", 1, REPEATS)]
    assert [(one.rule, one.severity) for one in verdict.findings] == [("pytest/flaky", "review")]


def test_nothing_is_run_when_the_change_has_failed_anyway() -> None:
    verdict = failing()
    verdict.findings.append(Finding("pytest/removed", "tests/test_b.py", 0, "gone", "problem", "tests/test_b.py::b"))
    assert settled(verdict, base=PASSED, own=[]) == []


def test_a_test_that_failed_by_chance_at_the_base_needs_nobody() -> None:
    hidden = Finding("pytest/hidden", "tests/test_a.py", 1, "passes only in its new version", "review", TEST)
    verdict = SuiteVerdict([hidden], repaired=[Suspect("base", TEST, TEST)])
    settled(verdict, base=PASSED, own=[])
    assert [(one.rule, one.severity) for one in verdict.findings] == [("pytest/flaky", "note")]
