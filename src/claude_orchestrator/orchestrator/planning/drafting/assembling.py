"""From pieces to a plan: ids that differ, tasks that touch the same files one after another, decisions, notes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning.drafting.cutting import parts_of
from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.drafting.pieces import FILL_IN, Part, Piece, prompt_of
from claude_orchestrator.orchestrator.planning.models import Answered, GoalKind, Survey, Value
from claude_orchestrator.orchestrator.planning.situation import Situation
from claude_orchestrator.plans.patterns import overlap

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Plan


@dataclass(frozen=True)
class Draft:
    """A plan, and what a person should know of it before approving it."""

    plan: Plan
    notes: tuple[str, ...]
    """What the map does not tell, what was assumed, and what is left for a person to fill in."""


def draft_from(goal: str, kind: GoalKind, context: str, answers: Iterable[Answered], survey: Survey) -> Draft:
    """The draft of a plan. Raises PlanError when there is no goal."""
    from claude_orchestrator.plans.models import Plan  # not at the top: pydantic is heavy

    if not goal.strip():
        raise PlanError("a plan needs a goal: say in a sentence what is true when it is done")
    given = {answered.question.id: answered for answered in answers}
    values = {name: answered.value for name, answered in given.items()}
    ground = Ground(Situation(goal, context, kind, survey, values), given)
    parts = [part for part in parts_of(ground) if part.pieces]
    _made_once(parts, survey)
    _apart(parts)
    for part in parts:
        _one_after_another(part.pieces)
    _notes(ground, parts)
    plan: dict[str, Any] = {
        "goal": goal.strip(),
        "decisions": [_decision(answered) for answered in given.values()],
        "phases": [_phase(part, ground) for part in parts],
    }
    budget = ground.answer("budget")
    if isinstance(budget, float | int) and not isinstance(budget, bool) and budget > 0:
        plan["budget"] = float(budget)
    return Draft(Plan.model_validate(plan), tuple(ground.notes))


def _made_once(parts: Sequence[Part], survey: Survey) -> None:
    """Let only the first task make a file, and none that is there: for the others it is a file like any other."""
    there = set(survey.paths)
    for part in parts:
        for piece in part.pieces:
            known = [path for path in piece.creates if path in there]
            piece.others = [*piece.others, *known]
            piece.creates = [path for path in piece.creates if path not in there]
            there |= set(piece.creates)


def _apart(parts: Sequence[Part]) -> None:
    """Give every task an id of its own, and those that wait for it the new one."""
    taken: set[str] = set()
    for part in parts:
        renamed: dict[str, str] = {}
        for piece in part.pieces:
            name, number = piece.id, 2
            while name in taken:
                name, number = f"{piece.id}-{number}", number + 1
            taken.add(name)
            piece.after = tuple(renamed.get(one, one) for one in piece.after)
            renamed.setdefault(piece.id, name)
            piece.id = name


def _one_after_another(pieces: Sequence[Piece]) -> None:
    """Let a task wait for an earlier one of its phase whose files meet its own: they must not run at once."""
    waits: dict[str, set[str]] = {}
    for position, piece in enumerate(pieces):
        known = {one.id for one in pieces[:position]}
        after = [name for name in dict.fromkeys(piece.after) if name in known]
        behind = set(after).union(*(waits[name] for name in after)) if after else set()
        for other in reversed(pieces[:position]):
            if other.id not in behind and _meet(piece.files, other.files):
                after.append(other.id)
                behind |= {other.id, *waits[other.id]}
        piece.after = tuple(after)
        waits[piece.id] = behind


def _meet(some: Sequence[str], others: Sequence[str]) -> bool:
    return not some or not others or any(overlap(one, other) for one in some for other in others)


def _phase(part: Part, ground: Ground) -> dict[str, Any]:
    return {"id": part.id, "title": part.title, "tasks": [_task(piece, ground) for piece in part.pieces]}


def _task(piece: Piece, ground: Ground) -> dict[str, Any]:
    files = piece.files
    return {
        "id": piece.id,
        "title": piece.title,
        **({"kind": piece.kind} if piece.kind else {}),
        "prompt": prompt_of(piece, ground),
        "files": files,
        "creates": list(piece.creates),
        "depends_on": list(piece.after),
        "success_criteria": list(piece.criteria),
        "checks": list(piece.checks),
        "difficulty": piece.difficulty,
    }


def _decision(answered: Answered) -> dict[str, Any]:
    """An answer as a decision: why, and what else it could have been."""
    question, value = answered.question, answered.value
    chosen = set(value) if isinstance(value, tuple) else {_said(value)}
    because = question.because if value == question.default else ""
    reason = f"assumed, nobody was asked otherwise: {because}" if answered.by == "default" and because else because
    others = [option.value for option in question.options if option.value not in chosen and option.value != "other"]
    if question.kind == "confirm":
        others = ["no" if value else "yes"]
    return {
        "question": question.text.strip() or question.id,
        "answer": _said(value),
        "reason": reason,
        "alternatives": [other for other in others if other.strip()],
    }


def _said(value: Value) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value) or "none"
    if isinstance(value, float):
        return f"{value:g}"
    return value.strip() or "none"


def _notes(ground: Ground, parts: Sequence[Part]) -> None:
    tasks = [(part, piece) for part in parts for piece in part.pieces]
    for _, piece in tasks:
        for text in piece.fill:
            ground.note(f"{piece.id}: {FILL_IN}: {text}")
        for text in piece.unknown:
            ground.note(f"{piece.id}: left to the agent, write it into the prompt if you know it: {text}")
        if not piece.files:
            ground.note(f"{piece.id} may change the whole repository: name its 'files'")
    language = ground.situation.language
    if language and language != "Python" and any(piece.modules and not _named(piece.checks) for _, piece in tasks):
        command = ground.survey.tests.command
        run = f"; the agents are told to run '{command}', but nobody checks that they did" if command else ""
        ground.note(f"The verifier's checks of code (pytest, ruff, mypy, bandit) do not read {language}{run}")
    if ground.survey.tests.framework == "django":
        ground.note("The suite runs with Django's own runner, which the check 'pytest' cannot: it is left out")
    for text in ground.survey.left_out:
        ground.note(f"The map does not have everything: {text}")


def _named(checks: Sequence[str | Mapping[str, Any]]) -> bool:
    return any(isinstance(check, str) for check in checks)
