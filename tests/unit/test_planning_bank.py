"""What is asked of whom, with which default and why; what may be answered; what an answer brings up."""

import re
from dataclasses import replace
from typing import Any

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings
from planning_world import BARE, EMPTY, GOALS, LIBRARY, MONOREPO, SHOP, SURVEYS, asked, known, open_ones, situation

from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning import asking, goals
from claude_orchestrator.orchestrator.planning.bank import BANK, OTHER
from claude_orchestrator.orchestrator.planning.models import Answered, Module, Option, Question
from claude_orchestrator.orchestrator.planning.rules import RULES

OPTION = "Add a currency option to the report"


# -- the bank itself ---------------------------------------------------------------------------------------------


def test_every_question_of_the_bank_has_a_rule_and_says_what_it_changes() -> None:
    assert RULES.keys() == BANK.keys()
    for entry in BANK.values():
        assert re.fullmatch(r"[a-z][a-z-]+", entry.id)
        assert entry.changes
        assert all(option.label for option in entry.options)


def test_follow_ups_come_after_what_they_follow_and_follow_real_answers() -> None:
    order = list(BANK)
    for entry in BANK.values():
        if entry.follows:
            before = BANK[entry.follows[0]]
            assert order.index(before.id) < order.index(entry.id)
            assert set(entry.follows[1:]) <= {option.value for option in before.options}


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("survey", SURVEYS.values(), ids=list(SURVEYS))
def test_every_question_has_a_reason_and_a_default_that_it_would_accept(survey: Any, goal: str) -> None:
    for one in asked(survey, goal).values():
        question = one.question
        assert question.because, question.id
        assert question.changes, question.id
        if question.default is None:
            assert question.id in ("migrate-to", "test-framework"), question.id
        else:
            assert asking.checked(question, question.default) == question.default


@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("survey", SURVEYS.values(), ids=list(SURVEYS))
def test_nobody_is_asked_more_than_they_answer_with_care(survey: Any, goal: str) -> None:
    count = len([name for name, one in open_ones(survey, goal).items() if one.follows is None])
    assert 2 <= count <= asking.MOST


def test_a_library_is_asked_about_ten_questions() -> None:
    assert 9 <= len(open_ones(LIBRARY, OPTION)) <= asking.MOST


# -- what is asked -----------------------------------------------------------------------------------------------


def test_the_files_that_fit_the_goal_are_the_default_and_the_reason_names_them() -> None:
    where = open_ones(LIBRARY, OPTION)["where"]
    assert where.default == ("src/tally/report.py",)
    assert "report.py" in where.because
    assert "Report" in where.because
    assert where.options[-1].value == OTHER


def test_a_goal_that_names_its_file_is_not_asked_for_it() -> None:
    answered = known(LIBRARY, "Refactor src/tally/money.py")["where"]
    assert answered.value == ("src/tally/money.py",)
    assert answered.by == "goal"


def test_where_no_file_fits_the_first_task_looks_for_the_place() -> None:
    where = open_ones(LIBRARY, "Add weekly summaries")["where"]
    assert where.default == ()
    assert "src/tally/money.py" in [option.value for option in where.options]


def test_the_kind_is_asked_only_when_the_words_leave_it_open() -> None:
    assert known(LIBRARY, OPTION)["kind"].value == "feature"
    unclear = open_ones(LIBRARY, "Amounts with thousands separators")["kind"]
    assert unclear.default == "feature"
    assert unclear.options == BANK["kind"].options


def test_public_names_bring_up_compatibility_and_are_cited() -> None:
    question = open_ones(LIBRARY, OPTION)["compatibility"]
    assert question.default == "keep"
    assert "tally.Money" in question.because
    assert "compatibility" not in open_ones(BARE, OPTION)


@pytest.mark.parametrize(
    ("goal", "question", "value"),
    [
        ("Add a currency option to the report without breaking callers", "compatibility", "keep"),
        ("Add a currency option, no new dependencies", "dependencies", "none"),
        ("Add a currency option to the report, tests first", "tests-first", "first"),
        ("Add a --currency option to the report", "surface", "command"),
        ("Add a currency function to the report and update the docs", "docs", True),
        ("Add a currency option to the report for at most $12.50", "budget", 12.5),
        ("Make the report at least 3 times faster", "target", "at least 3 times faster"),
        ("Make the report faster by caching", "price", "memory"),
        ("Migrate report.py and cli.py to typer, module by module", "way", "side-by-side"),
        ("Migrate from click to typer", "migrate-to", "typer"),
        ("Refactor the report: rename its functions", "aim", "names"),
        ("Fix the report everywhere", "fix-reach", "everywhere"),
        ("Write a tutorial for contributors", "audience", "developers"),
        ("Write a tutorial for contributors", "form", "tutorial"),
    ],
)
def test_what_the_goal_says_is_not_asked(goal: str, question: str, value: object) -> None:
    assert question not in open_ones(LIBRARY, goal)
    answered = known(LIBRARY, goal)[question]
    assert answered.value == value
    assert answered.by == "goal"


def test_the_checks_that_are_configured_are_not_asked_for() -> None:
    answered = known(LIBRARY, OPTION)["checks"]
    assert answered.value == ("pytest", "ruff", "mypy")
    assert answered.by == "repository"
    assert "[tool.mypy] in pyproject.toml" in answered.question.because


def test_where_nothing_is_configured_the_checks_are_asked_for() -> None:
    assert "ruff" in open_ones(BARE, OPTION)["checks"].default  # type: ignore[operator]


def test_files_without_tests_bring_up_tests_that_pin_them_down() -> None:
    question = open_ones(LIBRARY, "Refactor the report")["characterise"]
    assert question.default is True
    assert "src/tally/report.py" in question.because
    assert "characterise" not in open_ones(LIBRARY, "Refactor the money parser")


def test_files_that_import_each_other_are_changed_together_or_in_steps() -> None:
    assert open_ones(LIBRARY, "Refactor report.py and money.py")["cut"].default == "in-steps"
    cut = open_ones(LIBRARY, "Add a currency to report.py and money.py")["cut"]
    assert [option.value for option in cut.options] == ["one", "in-steps"]
    assert cut.default == "one"
    assert cut.because == "src/tally/report.py imports src/tally/money.py: what one needs, the other has to offer"
    apart = open_ones(LIBRARY, "Add a currency to cli.py and money.py")["cut"]
    assert apart.default == "by-module"


def test_what_much_hangs_on_is_hard() -> None:
    users = tuple(Module(f"src/m{n}.py", "Python", 10, imports=("src/tally/money.py",)) for n in range(9))
    many = replace(LIBRARY, modules=(*LIBRARY.modules, *users))
    question = open_ones(many, "Add currencies to the money parser")["difficulty"]
    assert question.default == "hard"
    assert "imported by 10 files" in question.because


# -- unusual repositories ----------------------------------------------------------------------------------------


def test_without_tests_it_is_asked_whether_there_should_be_some() -> None:
    questions = open_ones(BARE, OPTION)
    assert questions["tests-setup"].default == "add"
    assert "tests-first" not in questions
    added = open_ones(BARE, OPTION, tests_setup="add")
    assert added["test-framework"].default == "pytest"
    assert added["tests-first"].default == "together"
    assert added["ci-setup"].default is False


def test_javascript_is_asked_for_its_own_frameworks_and_is_told_that_no_check_knows_it() -> None:
    questions = open_ones(SHOP, "Add an endpoint that cancels an order", tests_setup="add")
    assert [option.value for option in questions["test-framework"].options] == ["node:test", "vitest", "jest", OTHER]
    checks = known(SHOP, "Add an endpoint that cancels an order")["checks"]
    assert checks.value == ()
    assert "JavaScript" in checks.question.because


def test_an_empty_repository_is_asked_what_it_will_be() -> None:
    questions = open_ones(EMPTY, "Rename photos by their date")
    assert questions["language"].default == "python"
    assert questions["layout"].default == "package"
    assert questions.keys().isdisjoint({"where", "cut", "compatibility", "leave-alone", "surface", "difficulty"})
    said = known(EMPTY, "A command in Rust that renames photos by their date")
    assert said["language"].value == "rust"
    assert said["layout"].value == "command"


def test_a_monorepo_is_asked_for_the_package_unless_the_files_say_it() -> None:
    question = open_ones(MONOREPO, "Support gift vouchers")["package"]
    assert [option.value for option in question.options] == [".", "packages/api", "packages/web", OTHER]
    assert question.default == "packages/web"
    assert known(MONOREPO, "Add a filter to the orders")["package"].value == "packages/api"
    assert known(MONOREPO, "Support gift vouchers in web")["package"].value == "packages/web"
    assert "package" not in asked(LIBRARY, "Support gift vouchers")


def test_what_is_copied_or_generated_is_left_alone_where_it_would_be_touched() -> None:
    vendored = replace(LIBRARY, modules=(*LIBRARY.modules, Module("src/vendor/report.py", "Python", 10, ("Report",))))
    assert open_ones(vendored, "Refactor the report")["where"].default == ("src/tally/report.py",)
    assert "leave-alone" not in open_ones(vendored, "Refactor the report")
    question = open_ones(vendored, "Refactor the report", where=("src",))["leave-alone"]
    assert question.default == ("src/vendor",)


def test_a_database_brings_up_its_schema_where_the_goal_is_about_data() -> None:
    question = open_ones(SHOP, "Orders should store a delivery date", kind="feature")["schema-change"]
    assert question.default == "reversible"
    assert "store" in question.because
    assert "schema-change" not in open_ones(SHOP, "Show prices in bold", where=("src/server.js",))
    assert "schema-change" not in open_ones(LIBRARY, "Orders should store a delivery date", kind="feature")


def test_a_traceback_in_the_context_shows_the_fault() -> None:
    context = "Traceback (most recent call last):\n  File 'x.py', line 1\nValueError: empty"
    said = known(LIBRARY, "Fix the crash of the report", context)
    assert said["reproduce"].value == "steps"
    assert said["reproduce-steps"].value == context


def test_a_failing_test_that_is_named_is_not_asked_for() -> None:
    said = known(LIBRARY, "Fix the crash that tests/test_money.py::test_empty shows")
    assert said["reproduce"].value == "test"
    assert said["failing-test"].value == "tests/test_money.py::test_empty"


def test_acceptance_criteria_of_the_context_are_the_success_criteria() -> None:
    said = known(LIBRARY, OPTION, "Background.\n\n## Acceptance criteria\n- EUR works\n- USD works\n\nThanks")
    assert said["done-when"].value == "EUR works\nUSD works"


def test_a_migration_without_a_destination_has_to_be_told_one() -> None:
    question = open_ones(LIBRARY, "Migrate away from click")["migrate-to"]
    assert question.default is None


def test_what_was_answered_for_an_earlier_plan_is_the_default_of_the_next() -> None:
    before = replace(situation(LIBRARY, OPTION), earlier={"compatibility": ("break", "p3"), "budget": (2.5, "p3")})
    questions = {one.question.id: one.question for one in asking.asked(before)}
    assert questions["compatibility"].default == "break"
    assert questions["compatibility"].because == "it was answered so for plan p3"
    assert questions["budget"].default == 2.5


def test_an_earlier_answer_that_can_no_longer_be_given_is_no_default() -> None:
    before = replace(situation(LIBRARY, OPTION), earlier={"compatibility": ("whatever", "p3")})
    question = next(one.question for one in asking.asked(before) if one.question.id == "compatibility")
    assert question.default is None


# -- follow-ups --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("answers", "brought_up"),
    [
        ({"compatibility": "deprecate"}, {"deprecated-until"}),
        ({"compatibility": "break"}, {"upgrade-notes"}),
        ({"surface": "endpoint"}, {"access"}),
        ({"kind": "fix", "reproduce": "steps"}, {"reproduce-steps"}),
        ({"kind": "fix", "reproduce": "test"}, {"failing-test"}),
        ({"kind": "migration", "way": "side-by-side"}, {"old-path"}),
    ],
)
def test_answers_bring_up_questions(answers: dict[str, str], brought_up: set[str]) -> None:
    assert brought_up <= open_ones(LIBRARY, OPTION, **answers).keys()
    assert brought_up.isdisjoint(open_ones(LIBRARY, OPTION))


def test_a_follow_up_and_its_answer_go_when_the_answer_before_changes() -> None:
    where = situation(LIBRARY, OPTION)
    questions, answers = asking.settled(where, (), {})
    for name, value in (("compatibility", "deprecate"), ("deprecated-until", "next-minor")):
        answers[name] = Answered(next(each for each in questions if each.id == name), value, "person")
        questions, answers = asking.settled(where, questions, answers)
    assert answers["deprecated-until"].value == "next-minor"
    answers["compatibility"] = replace(answers["compatibility"], value="keep")
    questions, answers = asking.settled(where, questions, answers)
    assert "deprecated-until" not in {question.id for question in questions}
    assert "deprecated-until" not in answers
    assert answers["compatibility"].value == "keep"


def test_another_kind_asks_other_questions_and_keeps_what_still_fits() -> None:
    where = situation(LIBRARY, "Thousands separators in money")
    questions, answers = asking.settled(where, (), {})
    by_id = {question.id: question for question in questions}
    answers["tests-first"] = Answered(by_id["tests-first"], "after", "person")
    answers["surface"] = Answered(by_id["surface"], "internal", "person")
    answers["kind"] = Answered(by_id["kind"], "fix", "person")
    questions, answers = asking.settled(where, questions, answers)
    assert answers["tests-first"].value == "after"
    assert "surface" not in answers
    assert "reproduce" in {question.id for question in questions}


def test_a_default_that_was_taken_moves_with_what_it_rests_on() -> None:
    where = situation(LIBRARY, "Refactor report.py, cli.py and money.py")
    questions, answers = asking.settled(where, (), {})
    by_id = {question.id: question for question in questions}
    answers["cut"] = Answered(by_id["cut"], "in-steps", "default")
    answers["where"] = Answered(by_id["where"], ("src/tally/cli.py", "src/tally/money.py"), "person")
    _, answers = asking.settled(where, questions, answers)
    assert answers["cut"].value == "by-module"


# -- what may be answered ----------------------------------------------------------------------------------------

CHOICE = Question("q", "?", "choice", (Option("one"), Option("Two")))
CHOICES = Question("q", "?", "choices", (Option("one"), Option("two")))
OPEN = Question("q", "?", "choice", (Option("one"), Option(OTHER)))
CONFIRM, NUMBER, TEXT = (Question("q", "?", kind) for kind in ("confirm", "number", "text"))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("question", "answer", "value"),
    [
        (CHOICE, " one ", "one"),
        (CHOICE, "two", "Two"),
        (CHOICES, "two, one, two", ("two", "one")),
        (CHOICES, ["one"], ("one",)),
        (CHOICES, "none", ()),
        (CHOICES, [], ()),
        (OPEN, "something else", "something else"),
        (CONFIRM, "Yes", True),
        (CONFIRM, False, False),
        (NUMBER, "$12.50", 12.5),
        (NUMBER, 3, 3.0),
        (TEXT, " why ", "why"),
    ],
)
def test_answers_that_will_do(question: Question, answer: Any, value: Any) -> None:
    assert asking.checked(question, answer) == value


@pytest.mark.parametrize(
    ("question", "answer", "said"),
    [
        (CHOICE, "three", "use one, Two"),
        (CHOICE, "", "use one, Two"),
        (CHOICE, 1, "use one, Two"),
        (CHOICE, None, "use one, Two"),
        (CHOICES, "one, three", "use any of one, two"),
        (CHOICES, "", "'none' for none of them"),
        (CHOICES, {"one": True}, "use any of one, two"),
        (CHOICES, [["one"]], "use any of one, two"),
        (OPEN, "other", "answer with the words themselves"),
        (CONFIRM, "perhaps", "use yes or no"),
        (CONFIRM, 2, "use yes or no"),
        (NUMBER, "-1", "use a number that is not negative"),
        (NUMBER, "nan", "use a number that is not negative"),
        (NUMBER, True, "use a number that is not negative"),
        (NUMBER, "many", "use a number that is not negative"),
        (TEXT, "  ", "use a text"),
        (TEXT, 7, "use a text"),
        (TEXT, "x" * 4001, "4,001 characters"),
    ],
)
def test_answers_that_will_not_do_are_told_what_would(question: Question, answer: Any, said: str) -> None:
    with pytest.raises(PlanError, match=re.escape(said)) as error:
        asking.checked(question, answer)
    assert "\n" not in str(error.value)
    assert "'q'" in str(error.value)


# -- any answers -------------------------------------------------------------------------------------------------


@st.composite
def talks(draw: st.DrawFn) -> tuple[str, str, list[tuple[int, int]]]:
    """A repository, a goal, and picks: which question, which answer."""
    picks = st.tuples(st.integers(0, 40), st.integers(0, 40))
    return draw(st.sampled_from(list(SURVEYS))), draw(st.sampled_from(GOALS)), draw(st.lists(picks, max_size=12))


def candidates(question: Question) -> list[Any]:
    values: list[Any] = [option.value for option in question.options if option.value != OTHER]
    if question.kind == "choices":
        return [[], values[:1], values, "own/path.py", "none"]
    return {"confirm": [True, False], "number": [0, 5.5], "text": ["some words"]}.get(
        question.kind, [*values, "words of my own", question.default]
    )


@settings(max_examples=40)
@given(talks())
def test_no_sequence_of_answers_breaks_a_session(talk: tuple[str, str, list[tuple[int, int]]]) -> None:
    name, goal, picks = talk
    survey = SURVEYS[name]
    where = situation(survey, goal)
    questions, answers = asking.settled(where, (), {})
    for which, what in picks:
        question = questions[which % len(questions)]
        options = candidates(question)
        try:
            value = asking.checked(question, options[what % len(options)])
        except PlanError:
            continue
        answers[question.id] = Answered(question, value, "person")
        questions, answers = asking.settled(where, questions, answers)
        ids = [each.id for each in questions]
        assert len(set(ids)) == len(ids)
        assert answers.keys() <= set(ids)
        assert len([each for each in questions if each.follows is None and each.id not in answers]) <= asking.MOST
        for each in questions:
            assert each.follows is None or each.follows in ids
            if each.id in answers:
                assert asking.checked(each, answers[each.id].value) == answers[each.id].value
        # What was settled once is settled: asking again changes nothing.
        assert asking.settled(where, questions, answers) == (questions, answers)


# -- goals -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("goal", "kind", "clear"),
    [
        ("Add a --json option", "feature", True),
        ("feat(cli): json", "feature", True),
        ("Show the version on the start page", "feature", True),
        ("Fix the crash of empty files", "fix", True),
        ("fix: empty files", "fix", True),
        ("Exports of empty files crash", "fix", False),
        ("Users cannot log in", "fix", False),
        ("Refactor the parser", "refactor", True),
        ("Rename Foo to Bar", "refactor", True),
        ("Upgrade pydantic to 3", "migration", True),
        ("Replace requests with httpx", "migration", True),
        ("Speed up the tests", "performance", True),
        ("Make the parser faster", "performance", True),
        ("Fix the slow startup", "fix", False),
        ("Document the API", "documentation", True),
        ("Add a tutorial", "documentation", True),
        ("Zwölf neue Währungen", "feature", False),
        ("", "feature", False),
    ],
)
def test_the_words_of_a_goal_say_its_kind(goal: str, kind: str, clear: bool) -> None:
    guess = goals.guessed(goal)
    assert (guess.kind, guess.clear) == (kind, clear)
    assert guess.because
