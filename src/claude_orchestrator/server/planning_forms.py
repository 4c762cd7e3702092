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
    wrong = ""
    while session.open_questions:
        form = _form(session, wrong)
        reply = await call.forms.ask(form)
        if reply.action != "accept":
            return session
        wrong, now = "", session.open_questions[:AT_ONCE]
        given = {question.id: answer_in(question, reply.values) for question in now}
        given = {name: value for name, value in given.items() if value is not None}
        try:
            answered = await planner.answer_all(session.id, given)
        except PlanError as error:
            wrong = str(error)
            continue
        if answered.answers == session.answers:
            return session  # nothing was filled in: they do not want to be asked
        session = answered
    return session


def _form(session: Session, wrong: str) -> Form:
    now = session.open_questions[:AT_ONCE]
    total = len(session.questions)
    first = total - len(session.open_questions) + 1
    count = f"{first}-{first + len(now) - 1}" if len(now) > 1 else str(first)
    lines = [f"Plan {session.id}: {session.goal}", f"questions {count} of {total}", *([wrong] if wrong else [])]
    fields = tuple(each for question in now for each in fields_of(question))
    return Form(f"{session.id}-{'-'.join(question.id for question in now)}", "\n".join(lines), fields)


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
