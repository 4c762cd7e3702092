"""Questions of a planning session at a terminal, one after the other, and how a session is shown there."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Final

from claude_orchestrator.cli.output import complain, paint, program, say
from claude_orchestrator.errors import NotReadyError, PlanError
from claude_orchestrator.telling.planning import answered_line, plan_lines, review_lines, value_words
from claude_orchestrator.telling.words import clip, counted, one_line, short

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planning.models import Question, Session

_OWN_WORDS: Final = "other"
_DRAFTED: Final = {"map": "from answers and map", "model": "written by a model", "host": "written by the host's model"}
_NUMBERS: Final = re.compile(r"\d+(?:\s*[, ]\s*\d+)*")


def interviewed(session: Session, store: Callable[[str, str], Session]) -> Session:
    """Ask every open question; each answer is stored before the next is asked.

    ``store`` takes a question's id and the answer, as text, and returns the session as it is then. Raises
    KeyboardInterrupt or EOFError when the person has enough for now.
    """
    say(*opening(session))
    if session.open_questions:
        questions = counted(len(session.open_questions), "question")
        say(f"  {questions}; Enter takes what is in brackets, Ctrl-C keeps all for later")
    asked = 0
    while session.open_questions:
        question = session.open_questions[0]
        asked += 1
        count = asked + len(session.open_questions) - 1
        say("", paint(f"{asked} of {count}", "dim"), *question_lines(question))
        session = _stored(question, store)
    return session


def _stored(question: Question, store: Callable[[str, str], Session]) -> Session:
    """Ask until there is an answer that will do."""
    while True:
        typed = typed_line(_prompt(question)).strip()
        if not typed and question.default is None:
            complain("this one has no default: somebody has to say it")
            continue
        if typed == "?":
            complain("type an answer, or press Enter for what is in brackets; what it is for stands above")
            continue
        try:
            return store(question.id, chosen(question, typed) if typed else value_words(question.default))
        except (PlanError, NotReadyError) as error:
            complain(str(error))


def typed_line(prompt: str) -> str:
    """What a person types behind ``prompt``; other than ``input``, it hears a Ctrl-C that comes just before it waits.

    Raises EOFError at the end of the input.
    """
    import os
    import select
    import signal
    import sys

    sys.stdout.write(prompt)
    sys.stdout.flush()
    heard, told = os.pipe()
    os.set_blocking(told, False)
    before = signal.set_wakeup_fd(told, warn_on_full_buffer=False)
    try:
        select.select([sys.stdin, heard], [], [])
    finally:
        signal.set_wakeup_fd(before)
        os.close(heard)
        os.close(told)
    if not (line := sys.stdin.readline()):
        raise EOFError
    return line


def chosen(question: Question, typed: str) -> str:
    """What was typed, with the numbers of options as their values."""
    if question.kind not in ("choice", "choices") or not _NUMBERS.fullmatch(typed):
        return typed
    numbers = [int(number) for number in re.findall(r"\d+", typed)]
    if question.kind == "choice" and len(numbers) > 1:
        return typed
    if not all(1 <= number <= len(question.options) for number in numbers):
        raise PlanError(f"there are {counted(len(question.options), 'option')}: type numbers of these, or words")
    return ", ".join(question.options[number - 1].value for number in numbers)


def _prompt(question: Question) -> str:
    shown = f"[{clip(one_line(value_words(question.default)), 100)}] " if question.default is not None else ""
    return f"   {shown}> "


def opening(session: Session) -> Iterator[str]:
    """What a session is about, and what nobody has to be asked."""
    yield f"{paint(session.id, 'bold')} {session.kind} at {short(session.base_commit)}: {one_line(session.goal)}"
    for answered in session.answers:
        if answered.by in ("goal", "repository"):
            yield f"  known: {answered_line(answered)}"
    yield from (f"  note: {one_line(note)}" for note in session.notes if session.plan is None)


def question_lines(question: Question) -> Iterator[str]:
    """A question, its numbered options, its default with the reason, and what depends on it."""
    many = "  (several: 1, 2)" if question.kind == "choices" else ""
    yes_or_no = "  (yes or no)" if question.kind == "confirm" else ""
    yield f"{paint(question.id, 'bold')}: {one_line(question.text)}{many}{yes_or_no}"
    width = max((len(option.value) for option in question.options), default=0)
    for number, option in enumerate(question.options, 1):
        if option.value == _OWN_WORDS:
            yield f"   {number:>2} or in your own words{': ' + one_line(option.label) if option.label else ''}"
        else:
            yield f"   {number:>2} {option.value:<{min(width, 40)}}  {one_line(option.label)}".rstrip()
    if question.default is not None:
        yield f"   default: {clip(one_line(value_words(question.default)), 200)}"
    if question.because:
        yield paint(f"   because: {one_line(question.because)}", "dim")
    yield paint(f"   changes: {one_line(question.changes)}", "dim")


def how_to_answer(session: Session) -> Iterator[str]:
    """What to do next while nobody is asked at a terminal."""
    if session.plan_id or session.plan is not None or session.stage.value == "abandoned":
        yield from next_lines(session)
        return
    if session.open_questions:
        first = session.open_questions[0].id
        yield f"{counted(len(session.open_questions), 'question')} open"
        yield f"  answer:       {program()} plan answer {session.id} {first} VALUE"
        yield f"  all defaults: {program()} plan resume {session.id} --yes"
    yield f"  draft:        {program()} plan draft {session.id}"


def draft_lines(session: Session) -> Iterator[str]:
    """The draft and its review."""
    if session.plan is not None:
        yield f"{paint('draft', 'bold')} of {session.id}, {_DRAFTED.get(session.drafted_by, 'handed in')}"
        yield from (f"  {line}" for line in plan_lines(session.plan))
        yield from (f"  note: {one_line(note)}" for note in session.notes)
    if session.review is not None:
        yield paint("review", "bold")
        yield from (f"  {line}" for line in review_lines(session.review))


def next_lines(session: Session) -> Iterator[str]:
    """The command that brings a session on."""
    name, ours = session.id, program()
    if session.plan_id:
        yield f"{name} is approved as {session.plan_id}"
        yield f"  run: {ours} run {session.plan_id}"
        return
    if session.stage.value == "abandoned":
        yield f"{name} was abandoned; '{ours} plan new GOAL' starts another"
        return
    if session.review is not None and session.review.approvable:
        yield f"  approve: {ours} plan approve {name}   then   {ours} run PLAN"
    elif session.review is not None:
        yield "  the errors have to go before it can be approved"
    yield f"  change:  {ours} plan answer {name} QUESTION VALUE"
    yield f"  edit:    {ours} plan draft {name} --output plan.yaml   then   {ours} plan draft {name} --file plan.yaml"
