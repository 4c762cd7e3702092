"""The draft of a session's plan: what the host hands in, what a model writes, or what answers and map give."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

from claude_orchestrator.errors import NotReadyError, PlanError
from claude_orchestrator.orchestrator.planning.models import Answered, Session, Value

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.plans.models import Plan
    from claude_orchestrator.state.database import Database

By = Literal["host", "model", "map", "person"]

_MOST_MISTAKES: Final = 12
"""Mistakes that are told at once."""


@dataclass(frozen=True)
class Design:
    """A draft: the plan, who made it, and what a person should know of it."""

    plan: Plan
    by: By
    notes: tuple[str, ...] = ()


async def designed(
    db: Database, session: Session, settings: Settings, plan: Mapping[str, Any] | Plan | None, by: By | None
) -> Design:
    """Draft a session whose questions are all answered.

    A given ``plan`` is checked and taken; otherwise a model writes it where one is configured, and where that fails,
    or none is, the answers and the map do. Raises PlanError with the mistakes of a given plan.
    """
    from claude_orchestrator.orchestrator.planning import modelling

    if plan is not None:
        return Design(plan_of(plan), by or "host")
    if by == "map" or not modelling.is_named(settings):
        return await _from_map(session)
    drafted = await modelling.draft_by_model(db, session, settings)
    if drafted.plan is not None:
        return Design(drafted.plan, "model", (drafted.why,) if drafted.why else ())
    return await _from_map(session, (f"{drafted.why}; it is made from answers and map",))


async def _from_map(session: Session, notes: tuple[str, ...] = ()) -> Design:
    from claude_orchestrator.orchestrator.planning.drafting import draft_from

    if session.survey is None:
        raise NotReadyError(f"{session.id} has no map of the repository: research first")
    made = await asyncio.to_thread(
        draft_from, session.goal, session.kind, session.context, session.answers, session.survey
    )
    return Design(made.plan, "map", (*notes, *made.notes))


def plan_of(given: Mapping[str, Any] | Plan) -> Plan:
    """A plan that was handed in, checked. Raises PlanError that names every mistake and what to change."""
    from claude_orchestrator.plans.files import check_data
    from claude_orchestrator.plans.models import Plan

    if isinstance(given, Plan):
        return given
    plan, problems = check_data(given)
    if plan is not None:
        return plan
    said = [f"{problem.message}. {problem.hint}" for problem in problems]
    shown = [f"({number}) {one}" for number, one in enumerate(said[:_MOST_MISTAKES], 1)]
    more = f"; and {len(said) - _MOST_MISTAKES} more" if len(said) > _MOST_MISTAKES else ""
    count = "a mistake" if len(said) == 1 else f"{len(said)} mistakes"
    raise PlanError(" ".join(f"the plan has {count}: {'; '.join(shown)}{more}".split()))


def with_decisions(plan: Plan, answers: Sequence[Answered]) -> dict[str, Any]:
    """The plan's document with the session's answers among its decisions; what else was decided in it stays."""
    from claude_orchestrator.plans.models import Decision

    asked = {one.question.text for one in answers}
    own = [decision for decision in plan.decisions if decision.question not in asked]
    merged = [*(Decision.model_validate(_decision(one)) for one in answers), *own]
    document: dict[str, Any] = plan.model_copy(update={"decisions": merged}).model_dump(mode="json", exclude_none=True)
    return document


def _decision(one: Answered) -> dict[str, Any]:
    question = one.question
    reasons = {
        "person": "a person chose it",
        "host": "passed on by the model that the person talks to",
        "default": f"default: {question.because}",
        "goal": question.because,
        "repository": question.because,
    }
    chosen = one.value if isinstance(one.value, tuple) else (one.value,)
    others = [option.label or option.value for option in question.options if option.value not in (*chosen, "other")]
    if question.kind == "confirm":
        others = ["no" if one.value else "yes"]
    return {
        "question": question.text,
        "answer": told(one.value, one),
        "reason": reasons[one.by],
        "alternatives": others if question.kind in ("choice", "confirm") else [],
    }


def told(value: Value, one: Answered) -> str:
    """An answer in words: the label of what was chosen."""
    labels = {option.value: option.label for option in one.question.options}
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    return labels.get(value) or value
