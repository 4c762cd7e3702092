"""Planning's questions as forms of a few typed fields, and the fields as answers again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.errors import PlanError
from claude_orchestrator.server.calling import Call
from claude_orchestrator.server.forms import Field, Form

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planner import Planner
    from claude_orchestrator.orchestrator.planning.models import Question, Session, Value

AT_ONCE: Final = 4
"""Questions in one form: more are not read."""

OTHER: Final = "other"
"""The option that stands for an answer in one's own words, and what the field for them is called after."""


async def asked(call: Call, planner: Planner, session: Session) -> Session:
    """Ask the open questions, a few to a form, until none is open or the person has had enough.

    Every form's answers are stored before the next is shown. A field that is left empty takes its default.
    """
    memory = call.forms.memory  # on the newer protocol this starts over with every answer
    while session.open_questions:
        reply = await call.forms.ask(_form(session, memory.get("wrong", []), memory.get("again", 0)))
        if reply.action != "accept":
            return session
        answered, wrong = await _taken(planner, session, reply.values)
        memory["wrong"], memory["again"] = wrong, memory.get("again", 0) + bool(wrong)
        if not wrong and answered.answers == session.answers:
            return session  # nothing was filled in: they do not want to be asked
        session = answered
    return session


async def _taken(planner: Planner, session: Session, values: Mapping[str, Any]) -> tuple[Session, list[str]]:
    """The session with what a form says, and what is wrong with the rest; an answer may make another question go."""
    wrong = []
    for question in session.open_questions[:AT_ONCE]:
        value = answer_in(question, values)
        if value is None or question.id not in {each.id for each in session.questions}:
            continue
        try:
            session = await planner.answer(session.id, question.id, value)
        except PlanError as error:
            wrong.append(str(error))
    return session, wrong


def _form(session: Session, wrong: list[str], again: int) -> Form:
    now = session.open_questions[:AT_ONCE]
    total = len(session.questions)
    first = total - len(session.open_questions) + 1
    count = f"{first}-{first + len(now) - 1}" if len(now) > 1 else str(first)
    from claude_orchestrator.telling.words import one_line

    lines = [f"Plan {session.id}: {one_line(session.goal)}", f"questions {count} of {total}", *wrong]
    fields = tuple(each for question in now for each in fields_of(question))
    key = "-".join([session.id, str(again), *(question.id for question in now)])
    return Form(key, "\n".join(lines), fields)


def fields_of(question: Question) -> Iterator[Field]:
    """The fields that ask one question; one more where the answer may be in one's own words."""
    because = f"({question.because})" if question.because else ""
    options = tuple((option.value, _label(option.value, option.label)) for option in question.options)
    default, left_out = _default(question)
    about = " ".join(filter(None, (question.changes, because, left_out)))
    yield Field(question.id, question.text, question.kind, about, options, default)
    if any(option.value == OTHER for option in question.options):
        yield Field(f"{question.id}-{OTHER}", f"{question.text} In your own words", about="with 'other'")


def _default(question: Question) -> tuple[Value | None, str]:
    """The default as the field can have it, and what is said of one that it cannot: only options can be chosen."""
    default, values = question.default, {option.value for option in question.options}
    chosen = default if isinstance(default, tuple) else (default,)
    if default is None or question.kind not in ("choice", "choices") or values.issuperset(map(str, chosen)):
        return default, ""
    return None, f"(left empty: {', '.join(map(str, chosen))})"


def _label(value: str, label: str) -> str:
    return f"{value}: {label}" if label and label != value else value


def answer_in(question: Question, values: Mapping[str, Any]) -> Value | None:
    """The answer to a question that is in a form's values; its default where the field is empty; None for none."""
    given = values.get(question.id)
    own = str(values.get(f"{question.id}-{OTHER}") or "").strip()
    if own and isinstance(given, list):
        return (*(each for each in given if each != OTHER), own)
    if own and given in (None, "", OTHER):
        return own
    if given is None or given in ("", []):
        return question.default
    return tuple(given) if isinstance(given, list) else given
