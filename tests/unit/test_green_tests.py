"""Which tests a change makes pass, by the runs of both sides."""

from __future__ import annotations

from claude_orchestrator.graders.integrity.green_tests import GreenTests, green_in
from claude_orchestrator.graders.suite.run_log import Ending, SuiteRun

PASSED, FAILED, SKIPPED = Ending("passed"), Ending("failed"), Ending("skipped")


def run(**tests: Ending) -> SuiteRun:
    """A run of tests of ``t.py``; the names of cases are ``name__case``."""
    names = {name.replace("__", "[") + ("]" if "__" in name else ""): ending for name, ending in tests.items()}
    return SuiteRun("", {f"t.py::{name}": ending for name, ending in names.items()})


def test_what_failed_is_repaired_and_what_was_not_there_is_new() -> None:
    base = run(old=PASSED, red=FAILED, still=FAILED, left=SKIPPED)
    own = run(old=PASSED, red=PASSED, still=FAILED, left=PASSED, fresh=PASSED)
    assert green_in({"base": base, "own": own}) == GreenTests(("t.py::red",), ("t.py::left", "t.py::fresh"))


def test_a_function_is_repaired_when_all_of_its_cases_are() -> None:
    base = run(both__1=FAILED, both__2=PASSED, half__1=FAILED)
    own = run(both__1=PASSED, both__2=PASSED, half__1=PASSED, half__2=FAILED)
    assert green_in({"base": base, "own": own}) == GreenTests(("t.py::both[1]", "t.py::both[2]"), ())


def test_a_green_test_with_a_new_case_or_check_is_new_where_the_base_fails_it() -> None:
    base = run(same=PASSED, edited=PASSED, cases__1=PASSED)
    own = run(same=PASSED, edited=PASSED, cases__1=PASSED, cases__2=PASSED)
    witness = run(same=PASSED, edited=FAILED, cases__1=PASSED, cases__2=FAILED)
    found = green_in({"base": base, "own": own, "witness": witness})
    assert found == GreenTests((), ("t.py::edited", "t.py::cases[1]", "t.py::cases[2]"))
    assert green_in({"base": base, "own": own}) == GreenTests()


def test_a_file_that_the_base_cannot_collect_is_new_as_a_whole() -> None:
    runs = {"base": run(a=PASSED), "own": run(a=PASSED), "witness": run(collection=FAILED)}
    assert list(green_in(runs)) == ["t.py::a"]


def test_nothing_is_known_without_runs() -> None:
    assert list(green_in({})) == []
    assert list(green_in({"own": run(a=PASSED)})) == []
