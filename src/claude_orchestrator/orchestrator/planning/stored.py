"""Planning's values as JSON and back, and the row of a session as a :class:`Session`."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from claude_orchestrator.orchestrator.planning.models import (
    Answered,
    Question,
    Research,
    Review,
    Session,
    Stage,
    Survey,
    Value,
)
from claude_orchestrator.state.database import Row
from claude_orchestrator.state.planning import QuestionRow

Made = TypeVar("Made")


def encoded(value: Any) -> str:
    """Any of planning's values as JSON."""
    return json.dumps(value, default=_fields)


def decoded(kind: type[Made], text: str) -> Made:
    """A value of that class from its JSON; keys that the class does not know are left out."""
    made: Made = _made(kind, json.loads(text))
    return made


def value_of(text: str) -> Value:
    """An answer from its JSON."""
    value = json.loads(text)
    return tuple(value) if isinstance(value, list) else value


def question_row(question: Question, answered: Answered | None = None, at: float | None = None) -> QuestionRow:
    """A question, and the answer that it has, as they are stored."""
    if answered is None:
        return QuestionRow(question.id, encoded(question))
    return QuestionRow(question.id, encoded(question), encoded(answered.value), answered.by, at)


def session_of(row: Row, questions: Sequence[QuestionRow]) -> Session:
    """A session from its rows."""
    asked = tuple(decoded(Question, each.question) for each in questions)
    answers = tuple(
        Answered(question, value_of(each.answer), each.answered_by)  # type: ignore[arg-type]
        for question, each in zip(asked, questions, strict=True)
        if each.answer is not None
    )
    plan = row.get("plan")
    return Session(
        id=row["id"],
        project=row["project"],
        goal=row["goal"],
        context=row["context"],
        kind=row["kind"],
        stage=Stage(row["stage"]),
        base_commit=row["base_commit"],
        questions=asked,
        answers=answers,
        survey=_optional(Survey, row.get("survey")),
        research=_optional(Research, row.get("research")),
        plan=json.loads(plan) if plan is not None else None,
        drafted_by=row["drafted_by"],
        review=_optional(Review, row.get("review")),
        plan_id=row["plan_id"],
        plan_version=row["plan_version"],
        spent_micro_usd=row["spent_micro_usd"],
        notes=tuple(json.loads(row["notes"])),
        revision=row["revision"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _optional(kind: type[Made], text: str | None) -> Made | None:
    return None if text is None else decoded(kind, text)


def _fields(value: Any) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{type(value).__name__} is none of planning's values")


@cache
def _hints(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _made(kind: Any, data: Any) -> Any:
    """``data`` (from JSON) as a value of the annotation ``kind``."""
    if isinstance(data, dict) and dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        known = {field.name for field in dataclasses.fields(kind)}
        return kind(**{name: _made(hints[name], value) for name, value in data.items() if name in known})
    if isinstance(data, list):
        inner = next((part for part in _parts(kind) if get_origin(part) is tuple), tuple[Any, ...])
        return tuple(_made(get_args(inner)[0], each) for each in data)
    for part in _parts(kind) if isinstance(data, dict) else ():
        if dataclasses.is_dataclass(part):
            return _made(part, data)
    return data


def _parts(kind: Any) -> tuple[Any, ...]:
    """The members of a union, or the annotation alone."""
    return get_args(kind) if get_origin(kind) in (Union, type(str | int)) else (kind,)
