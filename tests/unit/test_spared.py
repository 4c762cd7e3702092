"""A run of the base that spares some tests stands for the whole one only without any doubt."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import pytest

from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.suite.run_log import Ending, SuiteRun
from claude_orchestrator.graders.suite.spared import whole_base

PASSED, FAILED, SKIPPED = Ending("passed"), Ending("failed"), Ending("skipped")
CHANGE = cast(
    "JudgedChange",
    SimpleNamespace(base_entries={"tests/test_a.py": 1, "tests/test_b.py": 1}, touched={"tests/test_a.py"}),
)
NEAR, FAR, NEW = "tests/test_a.py::test_near", "tests/test_b.py::test_far", "tests/test_new.py::test_new"
PARTIAL = SuiteRun("", {NEAR: PASSED}, spared=[FAR])
OWN = SuiteRun("", {NEAR: PASSED, FAR: PASSED, NEW: PASSED})


def whole(partial: SuiteRun = PARTIAL, own: SuiteRun = OWN, *others: SuiteRun) -> SuiteRun | None:
    return whole_base(CHANGE, ["tests/test_a.py"], partial, own, others)


def test_what_was_spared_and_passes_in_the_change_counts_as_passed() -> None:
    found = whole()
    assert found is not None
    assert found.tests == {NEAR: PASSED, FAR: PASSED}


def test_the_old_version_of_an_edited_test_may_fail() -> None:
    assert whole(PARTIAL, OWN, SuiteRun("", {NEAR: FAILED})) is not None


def test_what_is_left_out_in_the_same_way_is_no_doubt() -> None:
    run = SuiteRun("", {NEAR: SKIPPED}, spared=[FAR])
    found = whole(run, replace(OWN, tests={**OWN.tests, NEAR: SKIPPED}))
    assert found is not None
    assert found.tests[NEAR] == SKIPPED


@pytest.mark.parametrize(
    "own",
    [
        pytest.param({FAR: FAILED}, id="a spared test fails"),
        pytest.param({FAR: SKIPPED}, id="a spared test is skipped"),
        pytest.param({FAR: replace(PASSED, left_out=1)}, id="a spared test skips subtests"),
        pytest.param({FAR: None}, id="a spared test is gone"),
        pytest.param({NEAR: FAILED}, id="a test fails"),
        pytest.param({NEW: FAILED}, id="a new test fails"),
        pytest.param({"tests/test_b.py::test_more": PASSED}, id="a test that the base does not have in a spared file"),
    ],
)
def test_doubts_of_the_change(own: dict[str, Any]) -> None:
    tests = {name: ending for name, ending in {**OWN.tests, **own}.items() if ending}
    assert whole(own=replace(OWN, tests=tests)) is None


@pytest.mark.parametrize(
    "run",
    [
        pytest.param(replace(PARTIAL, tests={NEAR: FAILED}), id="the base is red"),
        pytest.param(replace(PARTIAL, tests={NEAR: SKIPPED}), id="a test is skipped at the base alone"),
        pytest.param(replace(PARTIAL, tests={**PARTIAL.tests, "tests/test_b.py::collection": FAILED}), id="broken"),
        pytest.param(replace(PARTIAL, trouble="it broke off"), id="the base breaks off"),
        pytest.param(replace(PARTIAL, tampered={"builtins.len": "at the end"}), id="the base exchanges something"),
    ],
)
def test_doubts_of_the_base(run: SuiteRun) -> None:
    assert whole(run) is None


@pytest.mark.parametrize(
    "run", [SuiteRun("", {FAR: FAILED}), SuiteRun("it broke off"), replace(OWN, tampered={"x": "y"})]
)
def test_doubts_of_another_run(run: SuiteRun) -> None:
    assert whole(PARTIAL, OWN, run) is None
    assert whole(PARTIAL, replace(run, tests={**OWN.tests, **run.tests})) is None
