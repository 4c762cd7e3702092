"""Questions that a model or the host adds to those of the bank, or words better."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import fields, replace
from typing import Any, Final, Literal

from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning.asking import checked
from claude_orchestrator.orchestrator.planning.bank import BANK
from claude_orchestrator.orchestrator.planning.models import Option, Question
from claude_orchestrator.plans.graph import did_you_mean

MOST: Final = 10
"""Questions that may be added to one session."""

_ID: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
_KINDS: Final = ("choice", "choices", "confirm", "number", "text")
_KEYS: Final = tuple(field.name for field in fields(Question) if field.name != "source")
_LONGEST: Final = 600


def added(
    before: Sequence[Question], new: Iterable[Question | Mapping[str, Any]], source: Literal["model", "host"]
) -> tuple[Question, ...]:
    """The questions of a session with the new ones; one of the same id takes the place of the old.

    Raises PlanError, which says what to change, for the first that will not do.
    """
    questions = {question.id: question for question in before}
    for one in new:
        question = replace(one if isinstance(one, Question) else _made(one), source=source)
        _check(question, questions)
        questions[question.id] = question
    own = [question for question in questions.values() if question.id not in BANK]
    if len(own) > MOST:
        raise PlanError(f"{len(own)} questions besides those of the bank: keep the {MOST} that change the plan most")
    return tuple(questions.values())


def _made(given: Mapping[str, Any]) -> Question:
    if not isinstance(given, Mapping):
        raise PlanError(
            f"{given!r} is no question: give 'id', 'text', 'kind', 'options', 'default', 'because', 'changes'"
        )
    name = str(given.get("id", ""))
    for key in given:
        if key not in (*_KEYS, "source"):
            meant = did_you_mean(str(key), _KEYS)
            raise PlanError(
                f"question '{name}' has an unknown key '{key}': "
                + (f"did you mean '{meant}'?" if meant else f"known keys: {', '.join(_KEYS)}")
            )
    for key in ("id", "text"):
        if not isinstance(given.get(key), str) or not given[key].strip():
            raise PlanError(f"question '{name}' has no '{key}': give one, as text")
    values = {key: value for key, value in given.items() if key not in ("source", "options") and value is not None}
    if isinstance(values.get("default"), list):
        values["default"] = tuple(values["default"])
    return Question(**values, options=tuple(_option(name, each) for each in given.get("options") or ()))


def _option(name: str, given: Any) -> Option:
    if isinstance(given, Option):
        return given
    if isinstance(given, str):
        return Option(given)
    if isinstance(given, Mapping) and isinstance(given.get("value"), str) and given.keys() <= {"value", "label"}:
        return Option(given["value"], str(given.get("label") or ""))
    raise PlanError(f"question '{name}' has an option {given!r}: give a text, or 'value' and 'label'")


def _check(question: Question, known: Mapping[str, Question]) -> None:
    name = question.id
    if not _ID.fullmatch(name):
        raise PlanError(
            f"'{name}' is no id of a question: use small letters, digits and dashes, such as 'error-format'"
        )
    if name in BANK and name not in known:
        raise PlanError(f"the bank has a question '{name}' and does not ask it here: give yours another id")
    if question.kind not in _KINDS:
        raise PlanError(f"question '{name}' has the kind '{question.kind}': use {', '.join(_KINDS)}")
    for what in ("text", "because", "changes"):
        value = getattr(question, what)
        if not isinstance(value, str) or len(value) > _LONGEST:
            raise PlanError(f"'{what}' of question '{name}' is no text of at most {_LONGEST} characters: shorten it")
    if name in BANK:
        return  # only its words count
    if not question.changes.strip():
        raise PlanError(f"question '{name}' does not say what of the plan it changes: add 'changes', or leave it out")
    if question.kind in ("choice", "choices") and len({option.value for option in question.options}) < 2:
        raise PlanError(f"question '{name}' offers no choice: give at least two options, or the kind 'text'")
    if any(not option.value.strip() for option in question.options):
        raise PlanError(f"question '{name}' has an option without a value: give each one")
    if question.follows is not None and question.follows not in known:
        raise PlanError(f"question '{name}' follows '{question.follows}', which is not asked: use {', '.join(known)}")
    if question.default is not None:
        checked(question, question.default)
