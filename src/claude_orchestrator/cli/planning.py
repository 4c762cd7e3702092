"""``plan new``, ``resume``, ``sessions``, ``questions``, ``answer``, ``draft`` and ``abandon``: plan at a terminal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, TypeVar

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planner import Planner
    from claude_orchestrator.orchestrator.planning.models import Session

Given = TypeVar("Given")

SessionId = Annotated[str, typer.Argument(metavar="SESSION", help="The planning session, such as s1.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Yes = Annotated[bool, typer.Option("--yes", help="Ask nothing: take every default, then draft and review.")]


def register(app: typer.Typer) -> None:
    """Add the commands to ``plan``."""
    app.command()(new)
    app.command()(resume)
    app.command()(sessions)
    app.command()(questions)
    app.command()(answer)
    app.command()(draft)
    app.command()(abandon)


def new(
    goal: Annotated[str, typer.Argument(metavar="GOAL", help="What should be true at the end, in a sentence.")],
    project: Annotated[Path, typer.Option(help="A folder of the git repository to plan for.")] = Path(),
    context: Annotated[
        str, typer.Option(help="What else is known: a text, or @FILE such as the text of an issue.", show_default=False)
    ] = "",
    kind: Annotated[
        str | None,
        typer.Option(
            help="feature, fix, refactor, migration, performance or documentation.",
            show_default="what the goal's words say",
        ),
    ] = None,
    yes: Yes = False,
    as_json: AsJson = False,
) -> None:
    """Plan: answer a few questions about a goal, then see the draft and its review. Ctrl-C keeps everything."""
    known = _context(context)
    session = _call(lambda planner: planner.start_planning_session(project, goal, known, kind))  # type: ignore[arg-type]
    _go_on(session, yes=yes, as_json=as_json)


def resume(session_id: SessionId, yes: Yes = False, as_json: AsJson = False) -> None:
    """Go on with a planning session: its open questions, then the draft and its review."""
    _go_on(_call(lambda planner: planner.get(session_id)), yes=yes, as_json=as_json)


def sessions(
    project: Annotated[
        Path | None, typer.Option(help="Only those of this git repository.", show_default="all repositories")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the planning sessions, the newest first."""
    from claude_orchestrator.telling.planning import session_document, standing
    from claude_orchestrator.telling.words import clip, moment

    found = _call(lambda planner: planner.sessions(project))
    if as_json:
        output.say_json([session_document(session) for session in found])
        return
    for session in found:
        output.say(f"{session.id:<5} {standing(session):<44} {moment(session.updated_at)}  {clip(session.goal, 80)}")
    if not found:
        output.say(f"no planning sessions yet: '{output.program()} plan new GOAL' starts one")


def questions(
    session_id: SessionId,
    everything: Annotated[bool, typer.Option("--all", help="Answered questions, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what a planning session asks, with every answer that can be given."""
    from claude_orchestrator.cli.interview import how_to_answer, question_lines
    from claude_orchestrator.telling.planning import answered_line, question_document, session_document

    session = _call(lambda planner: planner.get(session_id))
    if as_json:
        asked = session.questions if everything else session.open_questions
        output.say_json({**session_document(session), "questions": [question_document(each) for each in asked]})
        return
    if everything:
        output.say(*[answered_line(answered) for answered in session.answers])
    for question in session.open_questions:
        output.say("", *question_lines(question))
    output.say("", *how_to_answer(session))


def answer(
    session_id: SessionId,
    question: Annotated[str, typer.Argument(metavar="QUESTION", help="Its id, as 'plan questions' names it.")],
    value: Annotated[
        str, typer.Argument(metavar="VALUE", help="yes or no, a number, words; several options with commas.")
    ],
    as_json: AsJson = False,
) -> None:
    """Answer a question, or answer it otherwise than before; a draft that rested on the old answer goes."""
    from claude_orchestrator.cli.interview import how_to_answer, question_lines
    from claude_orchestrator.telling.planning import answered_line, session_document

    before = _call(lambda planner: planner.get(session_id))
    session = _call(lambda planner: planner.answer(session_id, question, value))
    if as_json:
        output.say_json(session_document(session))
        return
    output.say(*[answered_line(each) for each in session.answers if each.question.id == question])
    known = {each.id for each in before.questions}
    for follow_up in session.open_questions:
        if follow_up.id not in known:
            output.say("", *question_lines(follow_up))
    if before.plan is not None and session.plan is None:
        output.say("the draft rested on the old answer and is gone")
    output.say(*how_to_answer(session))


def draft(
    session_id: SessionId,
    file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Take this plan file as the draft.", show_default="made from the answers"),
    ] = None,
    to: Annotated[
        Path | None,
        typer.Option("--output", metavar="FILE", help="Write the draft into a new file, to be edited and given back."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the draft of a planning session anew and review it; open questions are answered by their defaults."""
    plan = None
    if to is not None and to.exists():
        raise ConfigError(f"{to} is there already: name a new file after --output")
    if file is not None:
        from claude_orchestrator.plans.files import load_plan

        plan = load_plan(file)
    session = _call(lambda planner: planner.draft(session_id, plan, None if plan is None else "person"))
    if to is not None:
        _write(session, to)
    _reviewed(session, as_json=as_json)


def abandon(session_id: SessionId, as_json: AsJson = False) -> None:
    """End a planning session without a plan; it stays to be looked at."""
    from claude_orchestrator.telling.planning import session_document

    session = _call(lambda planner: planner.abandon(session_id))
    if as_json:
        output.say_json(session_document(session))
    else:
        output.say(f"{session.id} is abandoned")


def _call(step: Callable[[Planner], Awaitable[Given]]) -> Given:
    """One step of planning, with the database open for no longer than that: people think for long."""
    import asyncio

    async def stepped() -> Given:
        from claude_orchestrator.config import load_settings
        from claude_orchestrator.orchestrator.planner import Planner
        from claude_orchestrator.state.database import Database

        settings = load_settings()
        async with Database.open(settings.database) as db:
            return await step(Planner(db, settings, "cli"))

    return asyncio.run(stepped())


def _context(given: str) -> str:
    if not given.startswith("@"):
        return given
    path = Path(given[1:])
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        said = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise ConfigError(f"--context {given}: {path} cannot be read ({said}): name a text file after the @") from error


def _go_on(session: Session, *, yes: bool, as_json: bool) -> None:
    """Ask what is open, as far as somebody is there to be asked; then draft and review."""
    import sys

    from claude_orchestrator.cli import interview
    from claude_orchestrator.telling.planning import session_document

    if session.plan_id is not None:
        output.say_json(session_document(session)) if as_json else output.say(*interview.next_lines(session))
        return
    if yes:
        session = _call(lambda planner: planner.accept_defaults(session.id))
    elif as_json or not (sys.stdin.isatty() and sys.stdout.isatty()):
        if as_json:
            output.say_json(session_document(session))
            return
        output.say(*interview.opening(session))
        for question in session.open_questions:
            output.say("", *interview.question_lines(question))
        output.say("", *interview.how_to_answer(session))
        return
    else:
        try:
            session = interview.interviewed(session, partial(_answered, session.id))
        except (KeyboardInterrupt, EOFError):
            output.say("", f"{session.id} is kept: '{output.program()} plan resume {session.id}' goes on")
            raise typer.Exit(output.INTERRUPTED) from None
    _reviewed(_call(lambda planner: planner.draft(session.id)), as_json=as_json)


def _answered(session_id: str, question: str, value: str) -> Session:
    return _call(lambda planner: planner.answer(session_id, question, value))


def _write(session: Session, to: Path) -> None:
    from claude_orchestrator.plans.files import dump_plan
    from claude_orchestrator.plans.models import Plan

    try:
        to.write_text(dump_plan(Plan.model_validate(session.plan)), encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"{to} cannot be written ({error.strerror}): choose another place") from error


def _reviewed(session: Session, *, as_json: bool) -> None:
    """Review a draft and show both."""
    from claude_orchestrator.cli.interview import draft_lines, next_lines
    from claude_orchestrator.telling.planning import session_document

    session = _call(lambda planner: planner.review(session.id))
    if as_json:
        output.say_json(session_document(session))
    else:
        output.say(*draft_lines(session), *next_lines(session))
    if session.review is not None and not session.review.approvable:
        raise typer.Exit(output.NOT_COMPLETED)
