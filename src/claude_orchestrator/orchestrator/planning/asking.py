"""Which questions a session asks, in which order, and what may be answered."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final, cast

from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning.bank import BANK, OTHER, Entry
from claude_orchestrator.orchestrator.planning.models import Answered, GoalKind, Question, Value
from claude_orchestrator.orchestrator.planning.rules import RULES
from claude_orchestrator.orchestrator.planning.situation import Known, Situation
from claude_orchestrator.plans.paths import is_unicode

MOST: Final = 15
"""Questions that a session asks, follow-ups aside: more are not answered with care."""

LONGEST: Final = 4000
"""Characters of an answer."""

_LEAST_IMPORTANT: Final = (
    "price",
    "rollout",
    "leave-alone",
    "out-of-scope",
    "difficulty",
    "examples",
    "behaviour",
    "budget",
)
"""What is left out first where there would be too many."""

_WORDS: Final = {
    **dict.fromkeys(("yes", "y", "true", "on", "1"), True),
    **dict.fromkeys(("no", "n", "false", "off", "0"), False),
}


@dataclass(frozen=True)
class Asked:
    """A question of the bank for one situation, and the answer that nobody has to give."""

    question: Question
    known: Answered | None = None


def asked(situation: Situation) -> tuple[Asked, ...]:
    """The bank's questions for a situation, in their order: each once, follow-ups right after what brought them up.

    Answers of the situation decide which follow-ups there are; what is known without asking counts as answered.
    """
    found: list[Asked] = []
    answers = dict(situation.answers)
    for entry in BANK.values():
        now = replace(situation, answers=answers, kind=cast(GoalKind, answers.get("kind", situation.kind)))
        if entry.follows and answers.get(entry.follows[0]) not in entry.follows[1:]:
            continue
        if (one := _asked(entry, now)) is not None:
            found.append(one)
            if one.known is not None:
                answers.setdefault(entry.id, one.known.value)
    return _fewer(found, answers)


def _asked(entry: Entry, situation: Situation) -> Asked | None:
    verdict = RULES[entry.id](situation)
    if verdict is None:
        return None
    question = Question(
        id=entry.id,
        text=entry.text,
        kind=entry.kind,
        options=entry.options if verdict.options is None else verdict.options,
        default=verdict.value if isinstance(verdict, Known) else verdict.default,
        because=verdict.because,
        changes=entry.changes,
        follows=entry.follows[0] if entry.follows else None,
    )
    if isinstance(verdict, Known):
        return Asked(question, Answered(question, verdict.value, verdict.by))
    return Asked(_answerable(question))


def _answerable(question: Question) -> Question:
    """The question; a default that is none of its options (an earlier plan's, say) is none."""
    if question.default is None:
        return question
    try:
        return replace(question, default=checked(question, question.default))
    except PlanError:
        return replace(question, default=None)


def _fewer(found: Sequence[Asked], answers: Mapping[str, Value]) -> tuple[Asked, ...]:
    open_ones = [one for one in found if one.known is None and one.question.follows is None]
    surplus = len(open_ones) - MOST
    if surplus <= 0:
        return tuple(found)
    present = {one.question.id for one in open_ones}
    out = [name for name in _LEAST_IMPORTANT if name in present and name not in answers][:surplus]
    return tuple(one for one in found if one.question.id not in out and one.question.follows not in out)


# -- what may be answered ----------------------------------------------------------------------------------------


def checked(question: Question, answer: Any) -> Value:
    """The answer as it is stored. Raises PlanError, which names the values that would do, when it is none.

    A text will do for every kind: ``yes``, ``12.5``, ``one, two``. Where ``other`` is an option, so do other words.
    """
    if isinstance(answer, str | list | tuple) and not is_unicode("".join(map(str, answer))):
        raise _refused(question, "it has bytes in it that are no UTF-8")
    if isinstance(answer, str):
        answer = answer.strip()
        if len(answer) > LONGEST:
            raise _refused(question, f"it has {len(answer):,} characters, at most {LONGEST:,} are kept")
    match question.kind:
        case "confirm":
            return _confirmed(question, answer)
        case "number":
            return _number(question, answer)
        case "text":
            if not isinstance(answer, str) or not answer:
                raise _refused(question, "it is empty" if answer in ("", None) else f"{answer!r} is no text")
            return answer
        case "choices":
            parts = _parts(question, answer)
            return tuple(dict.fromkeys(_chosen(question, part) for part in parts))
    return _chosen(question, answer)


def valid_values(question: Question) -> str:
    """What may be answered, on one line."""
    values = [option.value for option in question.options if option.value != OTHER]
    own = any(option.value == OTHER for option in question.options)
    match question.kind:
        case "confirm":
            return "yes or no"
        case "number":
            return "a number that is not negative"
        case "text":
            return f"a text of at most {LONGEST:,} characters"
        case "choices":
            several = f"any of {', '.join(values)} (several with commas, 'none' for none of them)" if values else ""
            return ", or ".join(filter(None, [several, "paths and words of your own" if own else ""]))
    return ", or ".join(filter(None, [", ".join(values), "words of your own" if own else ""]))


def _confirmed(question: Question, answer: Any) -> bool:
    if isinstance(answer, bool):
        return answer
    known = _WORDS.get(answer.casefold()) if isinstance(answer, str) else None
    if known is None:
        raise _refused(question, f"{answer!r} is neither")
    return known


def _number(question: Question, answer: Any) -> float:
    try:
        number = math.nan if isinstance(answer, bool) else float(str(answer).strip().lstrip("$").replace(",", ""))
    except ValueError:
        number = math.nan
    if not 0 <= number < math.inf:
        raise _refused(question, f"{answer!r} is none")
    return number


def _parts(question: Question, answer: Any) -> list[Any]:
    if isinstance(answer, str):
        if not answer:
            raise _refused(question, "it is empty")
        if answer.casefold() == "none" and all(option.value != "none" for option in question.options):
            return []
        return [part for part in (part.strip() for part in answer.split(",")) if part]
    if isinstance(answer, (list, tuple)):
        return list(answer)
    raise _refused(question, f"{answer!r} is no list")


def _chosen(question: Question, answer: Any) -> str:
    values = [option.value for option in question.options]
    text = answer.strip() if isinstance(answer, str) else ""
    if not text:
        raise _refused(question, "it is empty" if answer in ("", None) else f"{answer!r} is no text")
    if text == OTHER and OTHER in values:
        raise _refused(question, "'other' does not say what: answer with the words themselves")
    if text in values or OTHER in values:
        return text
    for value in values:
        if value.casefold() == text.casefold():
            return value
    raise _refused(question, f"'{text}' is none of its answers")


def _refused(question: Question, why: str) -> PlanError:
    return PlanError(f"question '{question.id}' cannot be answered like that ({why}): use {valid_values(question)}")


# -- a session's questions ---------------------------------------------------------------------------------------


def settled(
    situation: Situation,
    before: Iterable[Question],
    given: Mapping[str, Answered],
) -> tuple[tuple[Question, ...], dict[str, Answered]]:
    """All questions of a session for its situation, with the answers that hold: what is no longer asked is gone.

    ``before`` are the questions so far. Those of a model or host stay as they are worded, as long as what they follow
    is asked; ``given`` are answers of people and of defaults, which stay where they still can be given.
    """
    theirs = {question.id: question for question in before if question.source != "bank"}
    given = {name: answered for name, answered in given.items() if answered.by in ("person", "host", "default")}
    while True:
        values = {name: answered.value for name, answered in given.items()}
        questions, answers = _merged(asked(replace(situation, answers=values)), theirs, given)
        kept = {name: answers[name] for name in given if name in answers and answers[name].by == given[name].by}
        if {name: answered.value for name, answered in kept.items()} == values:
            return questions, answers
        given = kept  # what fell away, or has another default by now, may have brought up others


def _merged(
    rounds: Sequence[Asked], theirs: Mapping[str, Question], given: Mapping[str, Answered]
) -> tuple[tuple[Question, ...], dict[str, Answered]]:
    questions: list[Question] = []
    answers: dict[str, Answered] = {}
    for one in rounds:
        question = _reworded(one.question, theirs.get(one.question.id))
        questions.append(question)
        answered = _still(question, given.get(question.id)) or (one.known and replace(one.known, question=question))
        if answered is not None:
            answers[question.id] = answered
    pending = [question for question in theirs.values() if question.id not in BANK]
    for question in pending:
        if question.follows is None or any(each.id == question.follows for each in questions):
            questions.append(question)
            if (answered := _still(question, given.get(question.id))) is not None:
                answers[question.id] = answered
    return tuple(questions), answers


def _reworded(question: Question, wording: Question | None) -> Question:
    """The bank's question in the words of a model or host; its values, on which drafts rest, stay."""
    if wording is None:
        return question
    labels = {option.value: option.label for option in wording.options}
    options = tuple(replace(option, label=labels.get(option.value) or option.label) for option in question.options)
    default, because = question.default, question.because
    if wording.default is not None:
        with suppress(PlanError):  # worded for another situation: what it offered is no longer there
            default, because = checked(question, wording.default), wording.because or because
    return replace(
        question, text=wording.text, options=options, default=default, because=because, source=wording.source
    )


def _still(question: Question, answered: Answered | None) -> Answered | None:
    """The answer, if it can still be given; a default is by now what the default is by now."""
    value = answered and (question.default if answered.by == "default" else answered.value)
    if answered is None or value is None:
        return None
    try:
        return replace(answered, question=question, value=checked(question, value))
    except PlanError:
        return None
