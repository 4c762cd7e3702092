"""The mechanical review of plans: every rule finds its mistake, and a good plan is quiet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_strategies import plans

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.planning.estimating import History, Sample
from claude_orchestrator.orchestrator.planning.models import Finding, Language, Module, Review, Suite, Survey
from claude_orchestrator.orchestrator.planning.reviewing import review
from claude_orchestrator.plans.files import load_plan
from claude_orchestrator.plans.models import Plan

ROOT = Path(__file__).resolve().parents[2]
HOME = Settings(home=Path("/nowhere"))
PATHS = (
    "README.md",
    "pyproject.toml",
    "src/shop/__init__.py",
    "src/shop/money.py",
    "src/shop/orders.py",
    "tests/test_money.py",
    "tests/test_orders.py",
)


def survey(*paths: str, tests: Suite | None = None, modules: tuple[Module, ...] | None = None) -> Survey:
    """The map of a small Python package, or of the files that are given."""
    known = (
        Module("src/shop/money.py", "Python", 120, ("parse", "show"), (), ("tests/test_money.py",)),
        Module("src/shop/orders.py", "Python", 300, ("Order",), ("src/shop/money.py",), ("tests/test_orders.py",)),
    )
    return Survey(
        commit="c" * 40,
        files=len(paths or PATHS),
        lines=420,
        languages=(Language("Python", 4, 420),),
        modules=(() if paths else known) if modules is None else modules,
        tests=tests or Suite("pytest", "python -m pytest", ("tests",), 2),
        paths=paths or PATHS,
    )


def task(name: str = "rounding", **fields: Any) -> dict[str, Any]:
    """A good task; None takes a field away."""
    good = {
        "id": name,
        "title": "Round amounts half up",
        "kind": "fix",
        "prompt": f"`money.parse` rounds half to even. Round half up, as invoices do ({name}).",
        "files": ["src/shop/money.py", "tests/test_money.py"],
        "success_criteria": ["2.345 is read as 235 cents", "what was read exactly before is read the same"],
        **fields,
    }
    return {key: value for key, value in good.items() if value is not None}


def other(**fields: Any) -> dict[str, Any]:
    return task("orders", **{"files": ["src/shop/orders.py", "tests/test_orders.py"], **fields})


def plan(*tasks: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"goal": "Right amounts", "phases": [{"id": "one", "tasks": list(tasks or [task(), other()])}], **fields}


def reviewed(document: dict[str, Any], known: Survey | None = None, **more: Any) -> Review:
    return review(Plan.model_validate(document), known or survey(), **{"settings": HOME, **more})


def rules(found: Review) -> list[tuple[str, str, str]]:
    return [(finding.rule, finding.severity, finding.task_id) for finding in found.findings]


def only(document: dict[str, Any], known: Survey | None = None, **more: Any) -> Finding:
    """The one finding that a plan with one mistake has."""
    found = reviewed(document, known, **more).findings
    assert len(found) == 1, found
    return found[0]


# -- good plans are quiet ----------------------------------------------------------------------------------------


def test_a_good_plan_is_quiet() -> None:
    found = reviewed(plan())
    assert found.findings == ()
    assert found.approvable
    assert found.tokens["rounding"] > 1000, "its files, by their lines"
    assert found.estimate.seconds is None
    assert "no history" in found.estimate.because


@pytest.mark.parametrize("file", sorted((ROOT / "plans").glob("*.yaml")), ids=lambda file: file.name)
def test_the_example_plans_are_quiet(file: Path) -> None:
    assert review(load_plan(file), survey(), settings=HOME).findings == ()


def test_of_the_demo_only_the_wait_that_it_shows_is_told() -> None:
    folder = ROOT / "src" / "claude_orchestrator" / "demo" / "repository"
    paths = tuple(str(path.relative_to(folder)) for path in sorted(folder.rglob("*")) if path.is_file())
    found = review(load_plan(folder.parent / "plan.yaml"), survey(*paths), settings=HOME)
    assert {finding.rule for finding in found.findings} <= {"overlap"}
    assert "credit" in {finding.task_id for finding in found.findings}


def test_without_a_map_nothing_is_said_of_the_repository() -> None:
    document = plan(task(files=["nowhere.py", "tests/test_x.py"]))
    assert review(Plan.model_validate(document), None, settings=HOME).findings == ()


def test_a_map_that_was_cut_says_of_no_file_that_it_is_missing() -> None:
    known = survey()
    cut = Survey(**{**vars(known), "files": 20_000})
    assert reviewed(plan(task(files=["src/shop/nowhere.py", "tests/test_x.py"])), cut).findings == ()


# -- raw drafts --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("draft", "rule"),
    [
        (plan(task(depends_on=["orders"]), other(depends_on=["rounding"])), "cycle"),
        (plan(task(depends_on=["nobody"])), "unknown-dependency"),
        (plan(task(), task()), "double-id"),
        (plan(task(checks=["pylint"])), "invalid"),
        ({"goal": "no phases"}, "invalid"),
        ({}, "invalid"),
    ],
)
def test_a_draft_that_is_no_plan(draft: dict[str, Any], rule: str) -> None:
    found = review(draft, survey(), settings=HOME)
    assert rule in {finding.rule for finding in found.findings}
    assert not found.approvable
    assert all(finding.suggestion for finding in found.findings)


def test_a_draft_that_is_a_plan_is_reviewed_as_one() -> None:
    assert review(plan(), survey(), settings=HOME).findings == ()


# -- scopes ------------------------------------------------------------------------------------------------------


def test_common_files_of_tasks_that_may_run_at_once() -> None:
    found = only(plan(task(), other(files=["src/shop/*.py", "tests/test_orders.py"])))
    assert (found.rule, found.severity, found.task_id) == ("overlap", "warning", "orders")
    assert "depends_on: [rounding]" in found.suggestion
    assert reviewed(
        plan(task(), other(files=["src/shop/*.py", "tests/test_orders.py"], depends_on=["rounding"]))
    ).approvable


def test_no_common_files_across_phases_that_wait() -> None:
    document = plan(task())
    document["phases"].append(
        {"id": "two", "tasks": [task("again", prompt="Say in the docstrings of money how it rounds.")]}
    )
    assert reviewed(document).findings == ()
    document["phases"][1]["depends_on"] = []
    assert [finding.rule for finding in reviewed(document).findings] == ["overlap"]


def test_a_whole_repository() -> None:
    found = only(plan(task(files=None), other()))
    assert (found.rule, found.severity, found.task_id) == ("whole-repository", "warning", "rounding")
    assert "files: [src, " in found.suggestion or "files: [src]" in found.suggestion


@pytest.mark.parametrize(
    ("name", "meant"),
    [("src/shop/monney.py", "src/shop/money.py"), ("money.py", "src/shop/money.py"), ("source/shop", "src/shop")],
)
def test_a_file_that_is_not_there(name: str, meant: str) -> None:
    found = only(plan(task(files=[name, "tests/test_money.py"])))
    assert (found.rule, found.severity) == ("missing-file", "error")
    assert f"did you mean '{meant}'?" in found.message
    assert meant in found.suggestion


def test_a_file_that_is_made_is_not_missing() -> None:
    new = ["src/shop/currency.py", "tests/test_currency.py"]
    assert only(plan(task(files=[new[0], "tests/test_money.py"]))).suggestion.startswith("add 'creates: [")
    first = task(files=new, creates=new)
    assert reviewed(plan(first)).findings == ()
    second = task(
        "after", files=["src/shop/currency.py", "tests/test_orders.py"], prompt="Use the new currency in orders."
    )
    found = reviewed(plan(first, second)).findings
    assert [one.rule for one in found] == ["missing-file", "overlap"]
    assert found[0].severity == "warning"
    assert "depends_on: [rounding]" in found[0].suggestion
    assert reviewed(plan(first, {**second, "depends_on": ["rounding"]})).findings == ()


def test_a_glob_that_matches_nothing() -> None:
    found = only(plan(task(files=["src/store/**/*.py", "tests/test_money.py"])))
    assert (found.rule, found.severity) == ("missing-file", "warning")


def test_an_operation_on_a_file_that_is_not_there() -> None:
    script = {
        "id": "s",
        "files": ["src/shop"],
        "checks": ["pytest"],
        "operations": [{"replace": "src/shop/mony.py", "old": "a", "new": "b"}],
    }
    assert only(plan(script)).rule == "missing-file"


def test_a_file_that_is_to_be_created_and_is_there() -> None:
    found = only(plan(task(creates=["tests/test_money.py"])))
    assert (found.rule, found.severity) == ("exists", "warning")


# -- what is verified --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("criterion", "checks", "suggested"),
    [
        ("no new type errors", ["pytest"], "checks: [pytest, mypy]"),
        ("the linter finds nothing", ["pytest"], "checks: [pytest, ruff]"),
        ("the tests still pass", ["ruff"], "checks: [ruff, pytest]"),
        ("2.345 is read as 235 cents", ["ruff"], "checks: [pytest, ruff]"),
        ("2.345 is read as 235 cents", [], "checks: [pytest]"),
        ("docs/rounding.md says how", ["pytest"], "docs/rounding.md"),
    ],
)
def test_a_criterion_that_nothing_covers(criterion: str, checks: list[str], suggested: str) -> None:
    found = only(plan(task(success_criteria=[criterion], checks=checks)))
    assert (found.rule, found.severity) == ("uncovered-criterion", "warning")
    assert suggested in found.suggestion


def test_tests_that_come_first_are_covered_by_the_change_that_makes_them_pass() -> None:
    red = task("red", kind="tests", files=["tests/test_money.py"], checks=["ruff"], prompt="Write tests that fail now.")
    green = task("green", depends_on=["red"])
    assert rules(reviewed(plan(red, green))) == []
    later = task("green", depends_on=["red"], kind=None, title="Show amounts")
    assert ("uncovered-criterion", "warning", "red") in rules(reviewed(plan(red, later)))


def test_criteria_that_something_covers() -> None:
    condition = {"contains": {"in": "README.md", "text": "half up"}}
    criteria = ["README.md says how it rounds", "2.345 is 235 cents"]
    files = ["README.md", "src/shop/money.py", "tests/test_money.py"]
    assert reviewed(plan(task(success_criteria=criteria, checks=[condition], files=files))).findings == ()


def test_tests_of_a_repository_without_tests() -> None:
    bare = survey("a.py", "README.md", tests=Suite())
    found = reviewed(plan(task(kind="chore", files=["a.py"])), bare)
    assert ("no-check", "warning", "rounding") in rules(found)
    assert "'pytest' finds no tests" in found.findings[0].message + found.findings[1].message


def test_checks_of_python_without_python() -> None:
    web = survey("index.html", "app.js", "app.test.js", tests=Suite("jest", "npx jest", ("",), 1))
    found = reviewed(plan(task(kind="chore", files=["app.js", "app.test.js"], success_criteria=None)), web)
    said = " ".join(finding.message for finding in found.findings)
    assert "'pytest' finds no tests here: it tests itself with jest" in said
    assert "there is no Python file" in said


def test_a_condition_on_a_file_that_nobody_makes() -> None:
    condition = {"contains": {"in": "CHANGES.md", "text": "half up"}}
    assert only(plan(task(checks=["pytest", condition]))).rule == "no-check"


def test_work_that_nothing_checks() -> None:
    found = only(plan(task(checks=[], success_criteria=None)))
    assert (found.rule, found.severity) == ("no-check", "warning")


# -- tests and kinds ---------------------------------------------------------------------------------------------


def test_a_fix_that_may_touch_no_test() -> None:
    found = only(plan(task(files=["src/shop/money.py"])))
    assert (found.rule, found.severity) == ("no-tests", "error")
    assert "tests/test_money.py" in found.suggestion
    assert only(plan(task(files=["src/shop"]))).severity == "warning"


def test_source_without_any_test() -> None:
    found = only(plan(task(kind=None, files=["src/shop/money.py"])))
    assert (found.rule, found.severity, found.task_id) == ("no-tests", "warning", "")


def test_a_fix_that_does_not_say_so() -> None:
    found = only(plan(task(kind=None, title="Fix the rounding")))
    assert (found.rule, found.suggestion) == ("no-kind", "write 'kind: fix'")
    assert reviewed(plan(task(kind=None, title="Fix typos in docs"))).findings == ()


# -- what agents are told ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prompt", "severity"),
    [
        ("Change `money.parse`. TO FILL IN: which rounding is wanted for amounts below zero", "error"),
        ("Change `money.parse` so that amounts below zero are rounded to TBD, as invoices do", "warning"),
    ],
)
def test_marks_that_are_left(prompt: str, severity: str) -> None:
    found = only(plan(task(prompt=prompt)))
    assert (found.rule, found.severity) == ("to-fill-in", severity)


def test_a_prompt_that_says_little() -> None:
    assert only(plan(task(prompt="fix it", success_criteria=None))).rule == "thin-prompt"


def test_the_same_task_twice() -> None:
    document = plan(task(prompt="Round half up, as all our invoices do."))
    twin = task("twin", prompt="Round half up,  as all our invoices DO.", depends_on=["rounding"])
    document["phases"][0]["tasks"].append(twin)
    found = only(document)
    assert (found.rule, found.task_id) == ("duplicate", "twin")


# -- size, money, time -------------------------------------------------------------------------------------------


def test_a_task_too_big_for_one_attempt() -> None:
    modules = tuple(Module(f"src/{part}/m{n}.py", "Python", 9000) for part in ("a", "b", "c") for n in range(3))
    known = survey(*(module.path for module in modules), "tests/test_a.py", modules=modules)
    found = only(plan(task(files=["src", "tests/test_a.py"])), known)
    assert (found.rule, found.severity) == ("too-big", "warning")
    assert all(f"files: [src/{part}]" in found.suggestion for part in ("a", "b", "c"))
    bytes_known = {module.path: 400 for module in modules}
    assert reviewed(plan(task(files=["src", "tests/test_a.py"])), known, sizes_of=bytes_known).findings == ()


def test_budgets_that_do_not_fit() -> None:
    assert only(plan(task(budget=20.0), budget=10.0)).rule == "budget"
    found = only(plan(budget=4.0))
    assert (found.rule, found.severity) == ("budget", "note")


def history(count: int, *, usd: float | None = 2.0, agent: str = "claude") -> History:
    samples = [Sample(agent, "medium", 60.0 + n, usd, n % 4 != 0) for n in range(count)]
    return History(tuple(samples))


def test_an_estimate_from_history() -> None:
    document = plan(task(), other())
    found = reviewed(document, history=history(40)).estimate
    assert found.seconds is not None
    assert 60 <= found.seconds.p50 <= found.seconds.p90
    assert found.usd is not None
    assert 4.0 <= found.usd.p50 <= found.usd.p90
    assert found.attempts == 40
    one_by_one = reviewed(document, history=history(40), settings=Settings(home=Path("/x"), max_parallel=1)).estimate
    assert one_by_one.seconds is not None
    assert one_by_one.seconds.p50 > found.seconds.p50
    assert reviewed(document, history=history(40)).estimate == found, "the same plan, the same estimate"


def test_no_estimate_without_enough_history() -> None:
    assert reviewed(plan(), history=history(4)).estimate.seconds is None
    assert "claude" in reviewed(plan(), history=history(40, agent="model")).estimate.because
    unknown = reviewed(plan(), history=history(40, usd=None)).estimate
    assert unknown.usd is None
    assert unknown.seconds is not None
    assert "unknown" in unknown.because
    failures = History(tuple(Sample("claude", "medium", 1.0, 0.0, passed=False) for _ in range(40)))
    assert reviewed(plan(), history=failures).estimate.seconds is None


def test_a_budget_below_what_such_runs_cost() -> None:
    found = [
        finding
        for finding in reviewed(plan(budget=1.0), history=history(40)).findings
        if "half cost" in finding.message
    ]
    assert [(one.rule, one.severity) for one in found] == [("budget", "warning")]


def test_many_findings_of_one_kind_are_shortened() -> None:
    tasks = [task(f"t{n}", files=[f"src/none{n}.py", "tests/test_money.py"]) for n in range(50)]
    found = reviewed(plan(*tasks))
    assert sum(finding.rule == "missing-file" for finding in found.findings) == 21
    assert any(finding.message == "30 more like these" for finding in found.findings)


# -- whatever the plan says --------------------------------------------------------------------------------------

_names = st.sampled_from(["a", "b", "c", "d"])
_patterns = st.one_of(
    st.sampled_from(
        [*PATHS, "**", ".", "src/", "src/**/*.py", "*", "[id]/x.py", "tests/test_[a-z]*.py", "a/../b", "x?"]
    ),
    st.text("ab*?[]./-", min_size=1, max_size=8),
)
_texts = st.text(max_size=30)


@st.composite
def drafts(draw: st.DrawFn) -> dict[str, Any]:
    ids = draw(st.lists(_names, min_size=1, max_size=4, unique=True))
    tasks = []
    for index, name in enumerate(ids):
        fields: dict[str, Any] = {
            "id": name,
            "title": draw(_texts),
            "prompt": draw(_texts) + "x",
            "files": draw(st.lists(_patterns, max_size=3)),
            "depends_on": draw(st.lists(st.sampled_from(ids[:index]), max_size=2)) if index else [],
            "success_criteria": draw(st.lists(_texts, max_size=2)),
            "checks": draw(st.lists(st.sampled_from(["pytest", "ruff", "mypy", "bandit"]), max_size=3)),
            "kind": draw(st.sampled_from([None, "fix", "feature", "documentation"])),
            "budget": draw(st.sampled_from([None, 1.0, 100.0])),
        }
        tasks.append(fields)
    return {"goal": "g", "phases": [{"id": "p", "tasks": tasks}], "budget": draw(st.sampled_from([None, 3.0]))}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_no_plan_makes_a_review_raise(plan: Plan) -> None:
    found = review(plan, survey(), settings=HOME, history=history(20, agent="script"))
    assert set(found.tokens) == {task.id for phase in plan.phases for task in phase.tasks}


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(drafts())
def test_a_review_never_raises(draft: dict[str, Any]) -> None:
    found = review(draft, survey(), settings=HOME, history=history(20))
    for finding in found.findings:
        assert finding.message
        assert finding.suggestion
        assert finding.severity in ("error", "warning", "note")
    order = [("error", "warning", "note").index(finding.severity) for finding in found.findings]
    assert order == sorted(order)
    json.dumps([vars(finding) for finding in found.findings])
