"""A question is asked because its answer changes the plan: every other answer gives another draft."""

from dataclasses import replace
from typing import Any

import pytest
from planning_world import BARE, EMPTY, LIBRARY, MONOREPO, SHOP, situation

from claude_orchestrator.orchestrator.planning import asking
from claude_orchestrator.orchestrator.planning.bank import BANK, OTHER
from claude_orchestrator.orchestrator.planning.drafting import draft_from
from claude_orchestrator.orchestrator.planning.models import Answered, Module, Question, Survey

VENDORED = replace(LIBRARY, modules=(*LIBRARY.modules, Module("src/vendor/report.py", "Python", 10, ("Report",))))

WORLDS: tuple[tuple[Survey, str, dict[str, Any]], ...] = (
    (LIBRARY, "Add a currency to report.py and money.py", {"cut": "in-steps"}),
    (LIBRARY, "Add a currency to report.py", {"compatibility": "deprecate"}),
    (LIBRARY, "Add a currency to report.py", {"compatibility": "break"}),
    (LIBRARY, "Fix the crash of the report", {}),
    (LIBRARY, "Fix the crash of the report", {"reproduce": "test"}),
    (LIBRARY, "Fix the crash of the report", {"reproduce": "steps"}),
    (LIBRARY, "Refactor the report", {}),
    (LIBRARY, "Migrate away from click", {}),
    (LIBRARY, "Migrate report.py and cli.py away from click", {"way": "side-by-side"}),
    (VENDORED, "Refactor the report", {"where": "src"}),
    (LIBRARY, "Make the report faster", {}),
    (LIBRARY, "Document everything", {}),
    (BARE, "Add a currency to report.py", {"tests-setup": "add"}),
    (SHOP, "Orders get a delivery date in the database", {"schema-change": "forward", "surface": "endpoint"}),
    (EMPTY, "Rename photos by their date", {}),
    (MONOREPO, "Support gift vouchers", {}),
)


def drafted(survey: Survey, goal: str, given: dict[str, Any]) -> tuple[tuple[Question, ...], dict[str, Any], Any]:
    """The questions, the answers (defaults, or some words, where nothing is given), and the draft."""
    where = situation(survey, goal)
    questions, answers = asking.settled(where, (), {})
    while left := [question for question in questions if question.id in given and answers.get(question.id) is None]:
        value = asking.checked(left[0], given[left[0].id])
        answers[left[0].id] = Answered(left[0], value, "person")
        questions, answers = asking.settled(where, questions, answers)
    while left := [question for question in questions if question.id not in answers]:
        value = left[0].default if left[0].default is not None else "pytest"
        answers[left[0].id] = Answered(left[0], value, "person")
        questions, answers = asking.settled(where, questions, answers)
    kind: Any = answers["kind"].value
    plan = draft_from(goal, kind, "", answers.values(), survey).plan
    # What is said of the answers themselves does not count.
    return questions, answers, plan.model_copy(update={"decisions": []})


def others(question: Question, value: Any) -> list[Any]:
    options = [option.value for option in question.options if option.value not in (OTHER, value)]
    match question.kind:
        case "confirm":
            return [not value]
        case "number":
            return [7.5]
        case "text":
            return ["quite different words"]
        case "choices":
            return [(option,) for option in options if (option,) != value]
    return options


@pytest.mark.no_cover
@pytest.mark.parametrize(("survey", "goal", "given"), WORLDS, ids=[f"{goal} {given}" for _, goal, given in WORLDS])
def test_every_other_answer_gives_another_plan(survey: Survey, goal: str, given: dict[str, Any]) -> None:
    questions, answers, plan = drafted(survey, goal, given)
    now = {name: answered.value for name, answered in answers.items() if answered.by == "person"}
    same = [
        f"{question.id}={value}"
        for question in questions
        if question.id in now and question.id != "kind"
        for value in others(question, now[question.id])
        if drafted(survey, goal, {**now, question.id: value})[2] == plan
    ]
    assert same == []


def test_every_question_of_the_bank_is_tried() -> None:
    tried = {question.id for survey, goal, given in WORLDS for question in drafted(survey, goal, given)[0]}
    assert BANK.keys() - tried == set()
