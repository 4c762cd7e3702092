"""Drafts without a model: what they name is there, what runs at once does not overlap, what is unknown is said."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from survey_world import SHOP, mapped

from claude_orchestrator.config import load_settings
from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning.bank import BANK
from claude_orchestrator.orchestrator.planning.drafting import Draft, draft_from
from claude_orchestrator.orchestrator.planning.models import Answered, GoalKind, Option, Question, Survey, Value
from claude_orchestrator.orchestrator.planning.reviewing import review
from claude_orchestrator.plans.files import check_plan, dump_plan, load_plan
from claude_orchestrator.plans.models import Phase, Task
from claude_orchestrator.plans.patterns import WILDCARD, overlap

KINDS: tuple[GoalKind, ...] = ("feature", "fix", "refactor", "migration", "performance", "documentation")

WEB = {
    "package.json": '{"name": "web", "scripts": {"test": "vitest run"}, "devDependencies": {"vitest": "1"}}',
    "package-lock.json": "{}",
    "src/cart.ts": "import { money } from './money'\nexport function totalPrice() {}\n",
    "src/money.ts": "export const money = 1\n",
    "src/cart.test.ts": "import { totalPrice } from './cart'\n",
    "src/pages/[id].tsx": "export function Page() {}\n",
    "README.md": "# Web\n",
}
BLOG = {
    "setup.py": "from setuptools import setup\nsetup(name='blog', install_requires=['django'])\n",
    "manage.py": "",
    "blog/__init__.py": "",
    "blog/models.py": "class Post: ...\n",
    "blog/views.py": "from blog.models import Post\n\ndef post_list(): ...\n",
    "blog/migrations/0001_initial.py": "",
    "blog/tests.py": "from django.test import TestCase\nfrom blog import views\n\nclass TestPosts(TestCase): ...\n",
}
ODD = {
    "a b.py": "def odd(): ...\n",
    "~x.py": "def tilde(): ...\n",
    "star*.py": "def star(): ...\n",
    "back\\slash.py": "",
}


@pytest.fixture(scope="module")
def surveys(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Survey]:
    files = {"shop": SHOP, "web": WEB, "blog": BLOG, "odd": ODD, "empty": {"README.md": "# New\n"}, "nothing": {}}
    return {name: mapped(tmp_path_factory.mktemp(name), dict(content)) for name, content in files.items()}


def answers(**values: Value) -> list[Answered]:
    found = []
    for name, value in values.items():
        entry = BANK[name.replace("_", "-")]
        question = Question(entry.id, entry.text, entry.kind, entry.options, value, "a test says so", entry.changes)
        found.append(Answered(question, value, "person"))
    return found


def tasks(draft: Draft) -> dict[str, Task]:
    return {task.id: task for phase in draft.plan.phases for task in phase.tasks}


# -- what every draft has to be ------------------------------------------------------------------------------------


def ordered(phase: Phase) -> set[tuple[str, str]]:
    """Pairs of tasks of a phase of which one waits for the other."""
    before: dict[str, set[str]] = {}
    for task in phase.tasks:
        before[task.id] = set(task.depends_on).union(*(before.get(one, set()) for one in task.depends_on))
    return {(one, task) for task, earlier in before.items() for one in earlier}


def at_once(draft: Draft) -> Iterator[tuple[Task, Task]]:
    for phase in draft.plan.phases:
        waits = ordered(phase)
        for one, other in itertools.combinations(phase.tasks, 2):
            if (one.id, other.id) not in waits and (other.id, one.id) not in waits:
                yield one, other


def sound(draft: Draft, survey: Survey) -> None:
    text = dump_plan(draft.plan)
    assert check_plan(text) == []
    made: set[str] = set()
    folders = {str(parent) for path in survey.paths for parent in Path(path).parents}
    for task in tasks(draft).values():
        assert not set(task.creates) & set(survey.paths), "what is there is not made"
        made |= set(task.creates)
        for file in task.files:
            assert file in survey.paths or file in folders or file in made or WILDCARD.search(file), file
        assert "This task: " in task.prompt
        assert task.success_criteria
        assert ("TO FILL IN" in task.prompt) == any(note.startswith(f"{task.id}: TO FILL IN") for note in draft.notes)
    for one, other in at_once(draft):
        assert not any(overlap(a, b) for a in one.scope for b in other.scope), (one.id, other.id)
    wrong = [
        found for found in review(draft.plan, survey, settings=load_settings()).findings if found.severity == "error"
    ]
    assert [found for found in wrong if found.rule != "to-fill-in"] == []


def values_of(name: str) -> st.SearchStrategy[Value]:
    entry = BANK[name]
    words = st.sampled_from(["src/shop/cart.py", "new/module.py", "docs", "src/**", "../x", "*", "", "two words", "-"])
    known = [option.value for option in entry.options]
    if entry.kind == "confirm":
        return st.booleans()
    if entry.kind == "number":
        return st.floats(0, 1e6, allow_nan=False)
    if entry.kind == "choices":
        return st.lists(st.sampled_from(known) if known else words, max_size=3).map(tuple)
    if entry.kind == "text":
        return st.text(max_size=80)
    return st.one_of(st.sampled_from(known), words) if known else words


@st.composite
def any_answers(draw: st.DrawFn) -> list[Answered]:
    chosen = draw(st.lists(st.sampled_from(sorted(BANK)), unique=True, max_size=len(BANK)))
    return answers(**{name: draw(values_of(name)) for name in chosen})


GOALS = st.one_of(
    st.text(min_size=1, max_size=120).filter(str.strip),
    st.sampled_from(
        [
            "Round money half even",
            "Fix total_price for empty carts",
            "Migrate from sqlalchemy to peewee",
            "Make cart.py and money.py faster",
            "Document the cart in docs/using.md",
            "Rename Money.plus to Money.add everywhere",
            "posts blog views page cart odd",
        ]
    ),
)


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    goal=GOALS, kind=st.sampled_from(KINDS), context=st.text(max_size=60), given_answers=any_answers(), data=st.data()
)
def test_any_goal_and_answers_give_a_sound_plan(
    surveys: dict[str, Survey],
    goal: str,
    kind: GoalKind,
    context: str,
    given_answers: list[Answered],
    data: st.DataObject,
) -> None:
    survey = surveys[data.draw(st.sampled_from(sorted(surveys)))]
    draft = draft_from(goal, kind, context, given_answers, survey)
    sound(draft, survey)
    assert draft_from(goal, kind, context, given_answers, survey) == draft


def test_the_plan_file_comes_back_equal(surveys: dict[str, Survey], tmp_path: Path) -> None:
    draft = draft_from("Round money half even", "feature", "", answers(docs=True), surveys["shop"])
    (tmp_path / "plan.yaml").write_text(dump_plan(draft.plan))
    assert load_plan(tmp_path / "plan.yaml") == draft.plan


def test_no_goal_no_plan(surveys: dict[str, Survey]) -> None:
    with pytest.raises(PlanError, match="needs a goal"):
        draft_from("  ", "feature", "", [], surveys["shop"])


# -- what some goals give --------------------------------------------------------------------------------------------


def test_a_feature_names_its_file_its_tests_and_what_to_keep_to(surveys: dict[str, Survey]) -> None:
    given_answers = answers(compatibility="keep", tests_first="together", docs=True, cut="one")
    draft = draft_from("Let total_price take a --currency option", "feature", "Euros.", given_answers, surveys["shop"])
    assert [phase.id for phase in draft.plan.phases] == ["change", "tell"]
    build = tasks(draft)["build"]
    assert build.files == ["src/shop/cart.py", "tests/test_shopping.py"]
    assert build.kind == "feature"
    assert build.checks == ["pytest", "ruff", "mypy"]
    assert "`total_price`" in build.prompt
    assert "imported by src/shop/cli.py" in build.prompt
    assert "Tests of this: tests/test_shopping.py" in build.prompt
    assert "python -m pytest -q --strict-markers" in build.prompt
    assert "Euros." in build.prompt
    assert "public names and signatures stay as they are: command shop, shop.Money, shop.rounded" in build.prompt
    tell = tasks(draft)["tell"]
    assert tell.files == ["docs/using.md", "CHANGELOG.md"] or tell.files == ["README.md", "CHANGELOG.md"]
    assert {"contains": {"in": tell.files[0], "text": "--currency"}} in tell.checks


def test_tests_first_fail_until_the_change_makes_them_pass(surveys: dict[str, Survey]) -> None:
    draft = draft_from("Fix rounded() for negative money", "fix", "", answers(tests_first="first"), surveys["shop"])
    assert [phase.id for phase in draft.plan.phases] == ["tests", "change", "tell"]
    assert tasks(draft)["reproduce"].files == ["tests/test_money.py"]
    # The suite is red then: it is the change that the verifier asks for a test that failed before.
    assert tasks(draft)["reproduce"].checks == ["ruff"]
    assert tasks(draft)["reproduce"].kind == "tests"
    assert tasks(draft)["fix"].files == ["src/shop/money.py", "tests/test_money.py"]
    assert tasks(draft)["fix"].kind == "fix"
    assert tasks(draft)["fix"].checks == ["pytest", "ruff", "mypy"]
    assert "The tests of the task before fail now: make them pass" in tasks(draft)["fix"].prompt


def test_a_module_without_tests_gets_a_new_file_where_the_others_are(surveys: dict[str, Survey]) -> None:
    draft = draft_from("Let saved_carts count", "feature", "", answers(tests_first="first"), surveys["shop"])
    assert tasks(draft)["tests"].creates == ["tests/test_store.py"]
    assert tasks(draft)["build"].files == ["src/shop/store.py", "tests/test_store.py"]
    assert any("tests/test_store.py" in note for note in draft.notes)


def test_a_migration_finds_who_uses_the_old_way_and_goes_along_the_imports(surveys: dict[str, Survey]) -> None:
    survey = surveys["shop"]
    draft = draft_from("Migrate from sqlalchemy to peewee", "migration", "", answers(migrate_to="peewee"), survey)
    assert tasks(draft)["move"].files[:1] == ["src/shop/store.py"]
    given_answers = answers(
        where=("src/shop/cli.py", "src/shop/cart.py", "src/shop/money.py"),
        way="side-by-side",
        cut="by-module",
        old_path="remove",
        dependencies="any",
        compatibility="keep",
        migrate_to="peewee",
    )
    draft = draft_from("Migrate from sqlalchemy to peewee", "migration", "", given_answers, survey)
    assert list(tasks(draft)) == ["dependency", "move-money", "move-cart", "move-cli", "remove-old", "tell"]
    assert tasks(draft)["move-cart"].depends_on == ["move-money"]
    assert tasks(draft)["dependency"].files == ["pyproject.toml"]
    assert "public names and signatures stay" in tasks(draft)["move-money"].prompt


def test_performance_is_measured_first(surveys: dict[str, Survey]) -> None:
    given_answers = answers(measure="benchmark", target="twice as fast")
    draft = draft_from("Make total_price faster", "performance", "", given_answers, surveys["shop"])
    assert list(tasks(draft)) == ["benchmark", "speed-up", "tell"]
    assert tasks(draft)["benchmark"].creates == ["benchmarks/bench_cart.py"]
    assert "The measurement shows: twice as fast" in tasks(draft)["speed-up"].success_criteria
    existing = draft_from("Make total_price faster", "performance", "", answers(measure="existing"), surveys["shop"])
    assert list(tasks(existing)) == ["speed-up", "tell"]


def test_what_is_untested_is_pinned_down_before_a_refactoring(surveys: dict[str, Survey]) -> None:
    given_answers = answers(characterise=True, aim="structure")
    draft = draft_from("Split saved_carts", "refactor", "", given_answers, surveys["shop"])
    assert list(tasks(draft)) == ["pin-store", "refactor"]
    assert tasks(draft)["pin-store"].creates == ["tests/test_store.py"]
    assert tasks(draft)["refactor"].kind == "refactor"


def test_documents_and_a_changelog_only_where_there_are_some(surveys: dict[str, Survey]) -> None:
    assert "tell" not in tasks(draft_from("Add a page", "feature", "", answers(docs=True), surveys["blog"]))
    without = draft_from("Let total_price round", "feature", "", answers(docs=False), surveys["shop"])
    assert tasks(without)["tell"].files == ["CHANGELOG.md"]
    written = draft_from("Document the cart", "documentation", "", answers(form="how-to"), surveys["shop"])
    assert "src/shop/cart.py" in tasks(written)["write"].prompt
    docstrings = draft_from("Document total_price", "documentation", "", answers(form="docstrings"), surveys["shop"])
    assert tasks(docstrings)["docstrings-cart"].files == ["src/shop/cart.py"]


def test_a_schema_changes_before_the_code(surveys: dict[str, Survey]) -> None:
    given_answers = answers(schema_change="reversible", existing_data="backfill")
    draft = draft_from("Let a Post have tags", "feature", "", given_answers, surveys["blog"])
    assert tasks(draft)["schema"].files == ["blog/models.py", "blog/migrations"]
    assert "Fill what is new from what is there. It can be undone" in tasks(draft)["schema"].prompt


def test_only_checks_that_can_run_here(surveys: dict[str, Survey]) -> None:
    web = draft_from("Let totalPrice round", "feature", "", [], surveys["web"])
    assert tasks(web)["build"].files == ["src/cart.ts", "src/cart.test.ts"]
    assert tasks(web)["build"].checks == []
    assert any("do not read TypeScript" in note and "npm test" in note for note in web.notes)
    blog = draft_from("Let post_list sort", "feature", "", [], surveys["blog"])
    assert "pytest" not in tasks(blog)["build"].checks
    assert any("Django's own runner" in note for note in blog.notes)


def test_a_goal_that_fits_nothing_gives_a_small_honest_plan(surveys: dict[str, Survey]) -> None:
    draft = draft_from("Make everything nicer", "feature", "", [], surveys["shop"])
    assert list(tasks(draft)) == ["find", "build", "tell"]
    assert tasks(draft)["build"].depends_on == ["find"]
    assert tasks(draft)["find"].files == ["src/shop", "tests"]
    assert any("No file's name or symbols fit the goal" in note for note in draft.notes)


def test_a_repository_without_code_begins_with_one_task(surveys: dict[str, Survey]) -> None:
    draft = draft_from("A program that counts words", "feature", "", answers(language="rust"), surveys["empty"])
    assert list(tasks(draft)) == ["begin"]
    assert "in rust" in tasks(draft)["begin"].prompt
    assert any("no source code yet" in note for note in draft.notes)


def test_what_must_not_be_touched_is_not(surveys: dict[str, Survey]) -> None:
    given_answers = answers(leave_alone=("src/shop/money.py",), where=("src/shop/money.py", "src/shop/cart.py"))
    draft = draft_from("Round money", "feature", "", given_answers, surveys["shop"])
    assert all("src/shop/money.py" not in task.files for task in tasks(draft).values())
    assert "not to be touched: src/shop/money.py" in tasks(draft)["build"].prompt


def test_many_modules_are_put_together(tmp_path: Path) -> None:
    files = {f"pkg/{part}/m{number}.py": "import lxml\n" for part in ("a", "b") for number in range(10)}
    survey = mapped(tmp_path, files | {f"pkg/{part}/__init__.py": "" for part in ("a", "b", ".")})
    draft = draft_from("Migrate from lxml to html5lib", "migration", "", [], survey)
    moves = [task for name, task in tasks(draft).items() if name.startswith("move")]
    assert 2 <= len(moves) <= 6
    assert sorted(file for task in moves for file in task.files if file.startswith("pkg")) == sorted(files)
    sound(draft, survey)


def test_answers_become_decisions(surveys: dict[str, Survey]) -> None:
    question = Question("x", "Which way?", options=(Option("left"), Option("right")), default="left", because="a sign")
    settled = [Answered(question, "left", "default"), *answers(budget=2.5, docs=False)]
    plan = draft_from("Round money", "feature", "", settled, surveys["shop"]).plan
    assert (plan.decisions[0].answer, plan.decisions[0].alternatives) == ("left", ["right"])
    assert "a sign" in plan.decisions[0].reason
    assert (plan.decisions[2].answer, plan.decisions[2].alternatives) == ("no", ["yes"])
    assert plan.budget == 2.5


def test_a_goal_about_a_document_alone_is_not_held_to_a_test(surveys: dict[str, Survey]) -> None:
    draft = draft_from("docs/using.md", "feature", "", [], surveys["shop"])
    assert tasks(draft)["build"].files == ["docs/using.md"]
    assert tasks(draft)["build"].kind is None
    assert any("No test has to fail without the change" in note for note in draft.notes)


def test_tests_and_a_ci_are_set_up_first_where_there_are_none(tmp_path: Path) -> None:
    survey = mapped(tmp_path, {"pyproject.toml": "[project]\nname = 'a'\n", "words.py": "def count(): ...\n"})
    given_answers = answers(tests_setup="add", test_framework="pytest", ci_setup=True, tests_first="together")
    draft = draft_from("Count words without case", "feature", "", given_answers, survey)
    assert list(tasks(draft))[:2] == ["set-up-tests", "set-up-ci"]
    assert tasks(draft)["set-up-tests"].creates == ["tests/test_words.py"]
    assert tasks(draft)["set-up-ci"].creates == [".github/workflows/tests.yml"]
    assert tasks(draft)["build"].files == ["words.py", "tests/test_words.py"]
    sound(draft, survey)


def test_tests_afterwards_are_a_task_of_their_own(surveys: dict[str, Survey]) -> None:
    draft = draft_from("Let total_price round", "feature", "", answers(tests_first="after"), surveys["shop"])
    assert [phase.id for phase in draft.plan.phases] == ["change", "prove", "tell"]
    assert tasks(draft)["tests"].kind == "tests"
    # No test of its own: the verifier could not ask it for one that fails without it.
    assert tasks(draft)["build"].kind is None


def test_the_same_mistake_is_looked_for_elsewhere(surveys: dict[str, Survey]) -> None:
    draft = draft_from("Fix rounded()", "fix", "", answers(fix_reach="everywhere"), surveys["shop"])
    assert tasks(draft)["elsewhere"].files == ["src/shop", "tests"]


def test_notes_for_those_who_upgrade(surveys: dict[str, Survey]) -> None:
    draft = draft_from("Rename total_price", "refactor", "", answers(upgrade_notes=True), surveys["shop"])
    assert tasks(draft)["tell"].creates == ["docs/upgrading.md"]
    assert {"non_empty": {"in": "docs/upgrading.md"}} in tasks(draft)["tell"].checks
