"""Weakened, silenced and removed tests, and honest work on tests, through the real judge."""

from __future__ import annotations

from pathlib import Path

import pytest
from verifier_world import CODE, PROJECT, TESTS, World, check

from claude_orchestrator.graders.base import CheckResult

FILE = "tests/test_calc.py"
HELPERS = {
    "tests/helpers.py": "def check_sum(actual, expected):\n    assert actual == expected\n",
    "tests/test_help.py": "from helpers import check_sum\nfrom calc import add\n\n\ndef test_help():\n"
    "    check_sum(add(1, 1), 2)\n",
}


def judged(world: World, files: dict[str, str | None], scope: list[str] | None = None) -> CheckResult:
    return check(world.judge(files, scope=scope), "integrity")


@pytest.fixture
def world(tmp_path: Path, known: Path) -> World:
    return World(tmp_path, {**PROJECT, **HELPERS}, known)


@pytest.mark.parametrize(
    "after",
    [
        TESTS.replace("add(2, 3) == 5", "add(2, 3)"),
        TESTS.split("\n\n\ndef test_zero")[0] + "\n",
        TESTS.replace("def test_zero", "def _test_zero"),
    ],
    ids=["weakened", "removed", "not collected"],
)
def test_less_is_a_problem_although_everything_passes(world: World, after: str) -> None:
    assert judged(world, {FILE: after}).status == "failed"
    assert judged(world, {FILE: after}, [FILE]).status == "needs_review"


def test_a_helper_that_checks_less_is_a_problem_where_it_stands(world: World) -> None:
    found = judged(world, {"tests/helpers.py": "def check_sum(actual, expected):\n    assert actual\n"})
    assert (found.status, found.findings[0].path) == ("failed", "tests/helpers.py")


def test_a_test_file_that_gets_a_name_that_nobody_collects_is_silenced(world: World) -> None:
    found = judged(world, {FILE: None, "tests/calc_cases.py": TESTS})
    assert found.status == "failed"
    assert {one.rule for one in found.findings} == {"integrity/test-silenced"}


def test_moved_split_and_renamed_tests_are_fine(world: World) -> None:
    head, _, zero = TESTS.partition("\n\n\ndef test_zero")
    parts = {FILE: f"{head}\n", "tests/test_zero.py": f"from calc import add\n\n\ndef test_nothing{zero}"}
    assert judged(world, parts).status == "passed"
    plus = {"src/calc/__init__.py": CODE.replace("add", "plus"), FILE: TESTS.replace("add(", "plus(").replace(
        "import add", "import plus").replace("test_plus(", "test_add("),
        "tests/test_help.py": HELPERS["tests/test_help.py"].replace("add", "plus")}  # fmt: skip
    assert judged(world, plus).status == "passed"


def test_what_lies_beside_tests_in_a_package_is_no_code(tmp_path: Path, known: Path) -> None:
    helper = "def check_sum(actual, expected):\n    assert actual == expected\n"
    test = (
        "from calc import add\nfrom calc.test.harness import check_sum\n\n\n"
        "def test_red():\n    check_sum(add(1, 1), 3)\n"
    )
    files = {
        "src/calc/test/__init__.py": "",
        "src/calc/test/harness.py": helper,
        "src/calc/test/test_red.py": test,
        "pyproject.toml": PROJECT["pyproject.toml"].replace('["tests"]', '["tests", "src/calc/test"]'),
    }
    world = World(tmp_path, {**PROJECT, **files}, known)
    tolerant = helper.replace("actual == expected", "abs(actual - expected) <= 1")
    found = world.judge({"src/calc/test/harness.py": tolerant})
    assert found.verdict == "failed", found.reasons
    assert "test_red failed at the base and passes only in the version of the change" in " ".join(found.reasons)
