"""What the fates of tests and the outcomes of their runs come to, without any run."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Any

import pytest

from claude_orchestrator.graders.bench import Claims
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.integrity.tampering.matching import Fate, TestChange
from claude_orchestrator.graders.scope import Scope
from claude_orchestrator.graders.suite.outcomes import Comparison
from claude_orchestrator.graders.suite.pairs import pair_tests, place_of
from claude_orchestrator.graders.suite.run_log import TOO_LONG, Ending, SuiteRun
from claude_orchestrator.graders.suite.witness import claims_a_fix, judge_witness
from claude_orchestrator.workspace.git import Entry

FILE = "tests/test_a.py"
TEST = f"{FILE}::test_x"
PASSED, FAILED, SKIPPED = Ending("passed"), Ending("failed", 3, "E   assert 1 == 2"), Ending("skipped")


def change(*touched: str, scope: list[str] | None = None, old_names: dict[str, str] | None = None) -> JudgedChange:
    entry = Entry("100644", "b")
    values: dict[str, Any] = {field.name: "" for field in fields(JudgedChange)}
    values |= {
        "scope": Scope.of(scope), "touched": frozenset(touched or (FILE,)), "old_names": old_names or {},
        "base_entries": {FILE: entry, "tests/data.json": entry, "src/a.py": entry},
        "head_entries": {FILE: entry, "tests/data.json": entry, "src/a.py": entry},
        "overrides": {}, "unused_test_rules": frozenset(),
        "test_names": ("test_*.py",),
    }  # fmt: skip
    return JudgedChange(**values)


def judged(
    fate: Fate | None,
    *,
    own: dict[str, Ending],
    trusted: dict[str, Ending] | None = None,
    base: dict[str, Ending] | None = None,
    judged_change: JudgedChange | None = None,
    after: str = "test_x",
    names: tuple[str, ...] = (),
    kind: str | None = None,
) -> list[tuple[str, str]]:
    before = base or {TEST: PASSED}
    place = (FILE, "test_x")
    matches = {place: TestChange(place, (FILE, after) if after else None, fate)} if fate else {}
    one = judged_change or change()
    pairs = pair_tests(one, matches, before, own)
    verdict = Comparison(one, pairs, before, own, trusted, None, names, kind).verdict()
    return [(found.rule, found.severity) for found in verdict.findings]


ALLOWED = change(scope=[FILE])


@pytest.mark.parametrize(
    ("fate", "free", "allowed"),
    [
        ("edited", "review", "note"),
        ("strengthened", "review", "note"),
        ("same", "review", "note"),
        ("moved", "review", "note"),
        ("weakened", "problem", None),
        ("silenced", "problem", None),
        ("renamed", None, None),
        ("obsolete", None, None),
        (None, "problem", "note"),
    ],
)
def test_the_old_version_fails_and_the_new_one_passes(fate: Fate | None, free: str | None, allowed: str | None) -> None:
    runs = {"own": {TEST: PASSED}, "trusted": {TEST: FAILED}}
    assert judged(fate, **runs) == ([("pytest/failed", free)] if free else [])
    assert judged(fate, **runs, judged_change=ALLOWED) == ([("pytest/failed", allowed)] if allowed else [])


@pytest.mark.parametrize(
    ("why", "severity"),
    [
        ("'assert f(1) == 2' became 'assert f(1) == 3'", "review"),
        ("'assert f(1) == 2' became 'assert f(5) == 2'", "note"),
        ("'assert f(1) == [2' became 'assert f(1) == [3'", "review"),
        ("", "review"),
    ],
)
def test_a_named_test_that_asks_something_else_is_no_other_result(why: str, severity: str) -> None:
    trusted = {TEST: Ending("failed", 3, "E   assert 1 == 2")}
    matches = {(FILE, "test_x"): TestChange((FILE, "test_x"), (FILE, "test_x"), "edited", why)}
    pairs = pair_tests(ALLOWED, matches, {TEST: PASSED}, {TEST: PASSED})
    comparison = Comparison(ALLOWED, pairs, {TEST: PASSED}, {TEST: PASSED}, trusted, kind="refactor")
    assert [one.severity for one in comparison.verdict().findings] == [severity]


def test_an_untouched_test_that_other_tests_repair_is_a_problem() -> None:
    new = change("tests/test_new.py", "src/a.py", scope=["tests/**"])
    runs = {"own": {TEST: PASSED}, "trusted": {TEST: FAILED}}
    assert judged(None, **runs, judged_change=new) == [("pytest/failed", "problem")]
    assert judged(None, **runs, judged_change=change("tests/data.json")) == [("pytest/failed", "review")]
    allowed = change("tests/data.json", scope=["tests/data.json"])
    assert judged(None, **runs, judged_change=allowed) == [("pytest/failed", "note")]


@pytest.mark.parametrize("fate", ["same", "moved", "renamed", "edited", "strengthened", "weakened", "silenced", None])
def test_what_fails_in_the_change_is_a_problem_whoever_allows_it(fate: Fate | None) -> None:
    assert judged(fate, own={TEST: FAILED}, judged_change=ALLOWED) == [("pytest/failed", "problem")]


@pytest.mark.parametrize("fate", ["removed", "shadowed", "silenced", "weakened", "obsolete"])
def test_what_the_sources_show_is_not_said_twice(fate: Fate) -> None:
    assert judged(fate, own={f"{FILE}::test_other": PASSED}, after="") == []
    assert judged(fate, own={TEST: SKIPPED}) == []


def test_what_the_sources_do_not_show_is_said() -> None:
    assert judged(None, own={f"{FILE}::test_other": PASSED}) == [("pytest/removed", "problem")]
    assert judged("same", own={f"{FILE}::test_other": PASSED}) == [("pytest/removed", "problem")]
    assert judged("edited", own={TEST: SKIPPED}) == [("pytest/skipped", "problem")]
    assert judged("edited", own={TEST: SKIPPED}, judged_change=ALLOWED) == [("pytest/skipped", "review")]


def test_cases_with_other_names_are_the_same_cases() -> None:
    base = {f"{TEST}[1]": PASSED, f"{TEST}[2]": PASSED}
    renamed = {f"{TEST}[one]": PASSED, f"{TEST}[two]": PASSED}
    assert judged("same", base=base, own=renamed) == []
    assert judged("same", base=base, own={f"{TEST}[one]": PASSED}) == [("pytest/removed", "review")]
    assert judged("same", base=base, own={f"{TEST}[one]": PASSED}, trusted=base) == [("pytest/removed", "problem")]
    assert judged("same", base=base, own={f"{TEST}[one]": PASSED, f"{TEST}[two]": FAILED}) == [
        ("pytest/failed", "problem")
    ]


def test_a_moved_function_is_judged_where_it_is_now() -> None:
    assert judged("moved", own={f"{FILE}::TestAll::test_y": PASSED}, after="TestAll.test_y") == []
    assert judged("moved", own={f"{FILE}::test_y": FAILED}, after="test_y") == [("pytest/failed", "problem")]


def test_an_inherited_test_is_found_by_its_name() -> None:
    base = {f"{FILE}::TestOld::test_x": PASSED}
    assert judged(None, base=base, own={f"{FILE}::TestNew::test_x": PASSED}) == []
    new = {(FILE, "TestNew.test_x"): TestChange(None, (FILE, "TestNew.test_x"), "added")}
    pairs = pair_tests(change(), new, base, [f"{FILE}::TestNew::test_x"])
    assert pairs[f"{FILE}::TestOld::test_x"].own is None


@pytest.mark.parametrize(
    ("kind", "error", "severity"),
    [
        ("performance", "E   assert 1 == 2", "problem"),
        ("refactor", "E   AssertionError: 1 != 2", "problem"),
        ("refactor", "    assert f(1) == 2\nE   assert 1 == 2\nE    +  where 1 = f(1)", "problem"),
        ("performance", "E   AssertionError: 1 != 2\nE   assert fetch.call_count == 2", "review"),
        ("performance", "E   assert 1 == 2\nE    +  where 1 = <Mock id='1'>.call_count", "review"),
        ("refactor", "E   TypeError: f() takes 1 argument", "review"),  # what tests hold on to inside was changed
        ("fix", "E   assert 1 == 2", "review"),
        (None, "E   assert 1 == 2", "review"),
    ],
)
def test_results_that_change_where_none_are_to_change(kind: str | None, error: str, severity: str) -> None:
    trusted = {TEST: Ending("failed", 3, error)}
    assert judged("edited", own={TEST: PASSED}, trusted=trusted, kind=kind) == [("pytest/failed", severity)]
    allowed = judged("edited", own={TEST: PASSED}, trusted=trusted, kind=kind, judged_change=ALLOWED)
    assert allowed == [("pytest/failed", "review" if severity == "problem" else "note")]


def test_an_inherited_test_has_the_new_name_of_its_function() -> None:
    base = {f"{FILE}::TestOne::test_x_[a]": replace(PASSED, written="tests/base.py")}
    place, new = ("tests/base.py", "TestBase.test_x_"), ("tests/base.py", "TestBase.test_x")
    own = f"{FILE}::TestOne::test_x[a]"
    pairs = pair_tests(change("tests/base.py"), {place: TestChange(place, new, "moved")}, base, [own])
    assert [(pair.own, pair.fate) for pair in pairs.values()] == [(own, "moved")]


@pytest.mark.parametrize(("fate", "along"), [("obsolete", True), ("removed", False)])
def test_a_file_that_is_gone_with_its_subject_takes_inherited_tests_along(fate: Fate, *, along: bool) -> None:
    gone = "tests/test_gone.py"
    base = {
        f"{gone}::TestOne::test_own": PASSED,
        f"{gone}::TestOne::test_x": replace(PASSED, written=FILE),
        f"{gone}::TestTwo::test_own": PASSED,
    }
    place = (gone, "TestOne.test_own")
    pairs = pair_tests(change(gone), {place: TestChange(place, None, fate)}, base, [])
    assert [pairs[name].went_along for name in base] == [False, along, along]
    found = Comparison(change(gone), pairs, base, {}, {f"{gone}::collection": FAILED}).verdict().findings
    told = [(one.severity, one.symbol) for one in found]
    assert told == ([("review", gone)] if along else [("problem", f"{gone}::collection")])


@pytest.mark.parametrize("written", ["", "tests/base.py"])
@pytest.mark.parametrize(
    ("fate", "expected"),
    [
        ("edited", [("pytest/failed", "review")]),
        ("obsolete", []),
        ("weakened", [("pytest/failed", "problem")]),
        (None, [("pytest/failed", "problem")]),
    ],
)
def test_what_became_of_the_test_of_a_base_class_holds_for_who_inherits_it(
    written: str, fate: Fate | None, expected: list[tuple[str, str]]
) -> None:
    name = f"{FILE}::TestOne::test_x"
    base = {name: replace(PASSED, written=written)}
    place = (written or FILE, "Shared.test_x")
    matches = {place: TestChange(place, place, fate)} if fate else {}
    one = change(written or FILE)
    pairs = pair_tests(one, matches, base, {name: PASSED})
    found = Comparison(one, pairs, base, {name: PASSED}, {name: FAILED}).verdict().findings
    assert [(each.rule, each.severity) for each in found] == expected


@pytest.mark.parametrize(
    ("error", "names", "severity"),
    [
        ("ImportError: cannot import name 'add' from 'calc' (x.py)", ("add",), "note"),
        ("ImportError: cannot import name 'add' from 'calc' (x.py)", (), "review"),
        ("ModuleNotFoundError: No module named 'calc.old'", (), "note"),
        ("ModuleNotFoundError: No module named 'calc.gone'", (), "review"),
    ],
)
def test_names_that_were_moved_with_their_tests(error: str, names: tuple[str, ...], severity: str) -> None:
    moved = change(FILE, "src/calc/new.py", old_names={"src/calc/new.py": "src/calc/old.py"})
    trusted = {f"{FILE}::collection": Ending("failed", 0, f"E   {error}")}
    found = judged("same", own={TEST: PASSED}, trusted=trusted, judged_change=moved, names=names)
    assert found == [("pytest/failed", severity)]


def test_places() -> None:
    assert place_of("tests/test_a.py::TestB::test_c[x::y]") == ("tests/test_a.py", "TestB.test_c")


@pytest.mark.parametrize(
    ("message", "report", "claimed"),
    [
        ("Fix the parser", "", True),
        ("fixes #12: wrong sum\n\nmore", "", True),
        ("Add a parser\n\nfixes nothing here", "", False),
        ("Fix typo in README", "", False),
        ("Fix lint warnings", "", False),
        ("Add a parser", "I fixed the sum of negative numbers.", True),
        ("Prefix names", "", False),
    ],
)
def test_who_claims_a_fix(message: str, report: str, claimed: bool) -> None:
    assert claims_a_fix(Claims(message=message, report=report)) is claimed


@pytest.mark.parametrize(("red_at_times", "found"), [((), []), ((TEST,), [("pytest/no-witness", "problem")])])
def test_a_test_that_failed_by_chance_shows_no_fix(red_at_times: tuple[str, ...], found: list[tuple[str, str]]) -> None:
    before, own, one = {TEST: FAILED}, {TEST: PASSED}, change("src/a.py")
    pairs = pair_tests(one, {}, before, own)
    findings, _ = judge_witness(Claims(kind="fix"), one, pairs, before, own, None, red_at_times)
    assert [(one.rule, one.severity) for one in findings] == found


@pytest.mark.parametrize(
    ("touched", "scope", "found"),
    [
        ((FILE,), None, [("pytest/no-witness", "problem")]),
        ((FILE,), ["src/a.py", FILE], [("pytest/no-witness", "problem")]),
        ((FILE,), [FILE], []),
        ((FILE, "src/a.py"), None, []),
        (("tests/data.json",), None, [("pytest/no-witness", "problem")]),
        (("tests/data.json",), ["tests/data.json"], []),
        (("tests/data.json", "src/a.py"), None, []),
        (("tests/missing.json",), None, []),
        (("tests/conftest.py",), None, []),
    ],
)
def test_a_fix_of_nothing_but_what_the_test_asks_for(
    touched: tuple[str, ...], scope: list[str] | None, found: list[tuple[str, str]]
) -> None:
    before, own, one = {TEST: FAILED}, {TEST: PASSED}, change(*touched, scope=scope)
    findings, _ = judge_witness(Claims(kind="fix"), one, pair_tests(one, {}, before, own), before, own, None)
    assert [(one.rule, one.severity) for one in findings] == found


@pytest.mark.parametrize(
    ("trusted", "witness", "found"),
    [
        ({TEST: FAILED}, {TEST: PASSED}, [("pytest/no-witness", "problem")]),
        ({TEST: FAILED}, {TEST: FAILED}, []),
        # The code repairs it as it was.
        ({TEST: PASSED}, {TEST: PASSED}, []),
        # Nothing is known of one of them.
        ({}, {TEST: PASSED}, []),
        (None, {TEST: PASSED}, []),
        ({TEST: FAILED}, {}, []),
    ],
)
def test_a_red_test_that_was_repaired_instead_of_the_code(
    trusted: dict[str, Ending] | None, witness: dict[str, Ending], found: list[tuple[str, str]]
) -> None:
    place, before, own, one = (FILE, "test_x"), {TEST: FAILED}, {TEST: PASSED}, change(FILE, "src/a.py")
    one = replace(one, witness_files=(FILE,))
    pairs = pair_tests(one, {place: TestChange(place, place, "edited")}, before, own)
    run = SuiteRun("", witness)
    findings, _ = judge_witness(Claims(kind="fix"), one, pairs, before, own, run, (), trusted)
    assert [(one.rule, one.severity) for one in findings] == found


@pytest.mark.parametrize(
    ("kind", "trouble", "before", "found"),
    [
        ("fix", "the run broke off", PASSED, [("pytest/no-witness", "review")]),
        ("fix", f"{TOO_LONG} of 60 s", PASSED, []),
        ("fix", "the run broke off", FAILED, []),
        (None, "the run broke off", PASSED, []),
    ],
    ids=["broken off", "it hangs without the fix", "a red test is green", "nobody said what it is"],
)
def test_new_tests_that_break_off_without_the_change(
    kind: str | None, trouble: str, before: Ending, found: list[tuple[str, str]]
) -> None:
    one, own = change(FILE, "src/a.py"), {TEST: PASSED}
    pairs = pair_tests(one, {}, {TEST: before}, own)
    findings, notes = judge_witness(Claims(kind=kind), one, pairs, {TEST: before}, own, SuiteRun(trouble))
    assert [(one.rule, one.severity) for one in findings] == found
    assert found or "break off" in notes[0]


@pytest.mark.parametrize(
    ("touched", "own", "severity"),
    [
        (("tests/check_a.py",), {TEST: PASSED}, "problem"),
        (("tests/check_a.py", "tests/data.json"), {TEST: PASSED}, "review"),
        (("tests/check_a.py",), {TEST: PASSED, "tests/test_cases.py::test_file[check_a]": PASSED}, "review"),
        (("tests/cases.py",), {TEST: PASSED}, "review"),
    ],
)
def test_new_tests_that_nobody_collects(touched: tuple[str, ...], own: dict[str, Ending], severity: str) -> None:
    before, one = {TEST: PASSED}, change("src/a.py", *touched)
    pairs = pair_tests(one, {}, before, own)
    idle = {"tests/check_a.py"}
    findings, _ = judge_witness(Claims(kind="fix"), one, pairs, before, own, None, (), None, idle)
    assert [(one.rule, one.severity) for one in findings] == [("pytest/no-witness", severity)]


@pytest.mark.parametrize(
    ("fate", "own", "severity"),
    [
        ("silenced", {TEST: SKIPPED}, "problem"),
        ("silenced", {TEST: Ending("xfailed")}, "problem"),
        ("removed", {}, "problem"),
        ("same", {TEST: FAILED}, "review"),
    ],
)
def test_a_fix_that_hides_the_red_test(fate: Fate, own: dict[str, Ending], severity: str) -> None:
    before, one, place = {TEST: FAILED}, change(FILE, "src/a.py", scope=[FILE, "src/a.py"]), (FILE, "test_x")
    matches = {place: TestChange(place, place if own else None, fate)}
    findings, _ = judge_witness(Claims(kind="fix"), one, pair_tests(one, matches, before, own), before, own, None)
    assert [(one.rule, one.severity) for one in findings] == [("pytest/no-witness", severity)]


@pytest.mark.parametrize(("before", "now", "found"), [(1, 1, []), (0, 2, [("pytest/skipped", "problem")])])
def test_subtests_that_are_skipped_now(before: int, now: int, found: list[tuple[str, str]]) -> None:
    base, own = {TEST: Ending("passed", left_out=before)}, {TEST: Ending("passed", left_out=now)}
    assert judged("edited", base=base, own=own) == found
