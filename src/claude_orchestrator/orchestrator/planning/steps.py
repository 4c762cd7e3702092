"""What the steps of a planning session share: reading what is stored, writing answers, saying what is in the way."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.orchestrator.planning import asking, stored
from claude_orchestrator.orchestrator.planning.bank import BANK
from claude_orchestrator.orchestrator.planning.models import Answered, GoalKind, Question, Session, Stage, Value
from claude_orchestrator.orchestrator.planning.situation import Situation
from claude_orchestrator.state import planning
from claude_orchestrator.state.database import Transaction

NO_DRAFT: Final[dict[str, Any]] = {"plan": None, "drafted_by": "", "review": None, "notes": "[]"}
"""The columns of a session whose draft, if it had one, no longer fits."""


def still_new(suggested: Iterable[Question], session: Session) -> list[Question]:
    """The questions of a model that still can be asked: its answer took a while, and people may have been quicker."""
    answered = {one.question.id for one in session.answers}
    asked = {question.id for question in session.questions}
    return [each for each in suggested if each.id not in answered and (each.id in asked or each.id not in BANK)]


async def earlier(reader: planning.Reader, project: str) -> dict[str, tuple[Value, str]]:
    """What people have answered for earlier plans of the project: id → (value, id of the plan)."""
    found = await planning.earlier_answers(reader, project)
    return {name: (stored.value_of(text), plan_id) for name, (text, plan_id) in found.items()}


async def situation_of(reader: planning.Reader, session: Session) -> Situation:
    """What decides which questions a session asks. Raises NotReadyError where it has no map."""
    if session.survey is None:
        raise NotReadyError(f"{session.id} has no map of the repository: research first")
    return Situation(
        session.goal, session.context, session.kind, session.survey, earlier=await earlier(reader, session.project)
    )


async def open_session(tx: Transaction, session_id: str, what: str) -> Session:
    """A session that can still be changed. Raises NotReadyError when there is none, or it has ended."""
    return still_open(stored.session_of(*await planning.loaded(tx, session_id)), what)


def still_open(session: Session, what: str) -> Session:
    """The session, if it has not ended. Raises NotReadyError that says how one would ``what`` instead."""
    if session.stage is Stage.APPROVED:
        raise NotReadyError(f"{session.id} is approved as plan {session.plan_id}: to {what}, start a new session")
    if session.stage is Stage.ABANDONED:
        raise NotReadyError(f"{session.id} was abandoned: to {what}, start a new session")
    return session


def reviewed(session: Session) -> Session:
    """The session, if its draft has a review without errors. Raises NotReadyError that says what is missing."""
    if session.plan is None:
        raise NotReadyError(f"{session.id} has no plan yet: draft it, then review it")
    if session.review is None:
        raise NotReadyError(f"the draft of {session.id} has not been reviewed: review it first")
    errors = [finding for finding in session.review.findings if finding.severity == "error"]
    if errors:
        first = f"{errors[0].task_id + ': ' if errors[0].task_id else ''}{errors[0].message}"
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise NotReadyError(f"the review of {session.id} has errors: {first}{more}; draft it anew without them")
    return session


async def store_questions(
    tx: Transaction, session_id: str, questions: Iterable[Question], answers: Mapping[str, Answered]
) -> None:
    """Write the questions of a session, with the answers that they have."""
    now = time.time()
    await planning.set_questions(
        tx, session_id, [stored.question_row(question, answers.get(question.id), now) for question in questions]
    )


async def store_answers(
    tx: Transaction,
    session: Session,
    questions: Iterable[Question],
    given: Mapping[str, Answered],
    *,
    changed: bool,
    event: str,
    data: Mapping[str, Any],
) -> None:
    """Store questions and answers; where they have ``changed``, what was made of the old ones is dropped."""
    columns: dict[str, Any] = {"kind": kind_of(session, given)}
    if changed:
        columns |= {**NO_DRAFT, "stage": Stage.GATHERING_REQUIREMENTS}
    await planning.change(tx, session.id, session.revision, now=time.time(), **columns)
    await store_questions(tx, session.id, questions, given)
    dropped = {"dropped": "draft"} if changed and session.plan is not None else {}
    await planning.note(tx, session.id, event, {**data, **dropped})


def kind_of(session: Session, given: Mapping[str, Answered]) -> GoalKind:
    """The kind of a session's goal by its answers."""
    return cast(GoalKind, given["kind"].value) if "kind" in given else session.kind


def by_default(situation: Situation, session: Session) -> tuple[tuple[Question, ...], dict[str, Answered]]:
    """The questions with every default taken, also those of the questions that defaults bring up."""
    given = {one.question.id: one for one in session.answers}
    questions, given = asking.settled(situation, session.questions, given)
    while True:
        left = [question for question in questions if question.id not in given and question.default is not None]
        if not left:
            return questions, given
        first = left[0]
        given[first.id] = Answered(first, cast(Value, first.default), "default")
        questions, given = asking.settled(situation, questions, given)


def all_answered(session: Session, questions: Iterable[Question], given: Mapping[str, Answered]) -> None:
    """Raises NotReadyError that names the questions that somebody still has to answer."""
    missing = [question for question in questions if question.id not in given]
    if missing:
        said = "; ".join(f"{question.id} ({question.text})" for question in missing)
        raise NotReadyError(f"{session.id} cannot be drafted before somebody answers: {said}")


def not_asked(session_id: str, name: str, questions: Iterable[Question]) -> NotReadyError:
    """The error for an answer to a question that the session does not ask."""
    from claude_orchestrator.plans.graph import did_you_mean

    known = [question.id for question in questions]
    meant = did_you_mean(name, known)
    if name in BANK and BANK[name].follows:
        first, *values = BANK[name].follows
        hint = f"it follows from '{first}' answered with {' or '.join(values)}"
    else:
        hint = f"did you mean '{meant}'?" if meant else f"it asks {', '.join(known) or 'nothing'}"
    return NotReadyError(f"{session_id} does not ask '{name}': {hint}")
