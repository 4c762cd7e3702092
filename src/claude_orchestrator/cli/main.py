"""``claude-orchestrator``: all commands, and the one place where errors become a line and an exit code."""

from __future__ import annotations

import copy
import os
import sys
from collections.abc import Callable
from functools import partial
from typing import Annotated, Final

import typer

from claude_orchestrator import __version__
from claude_orchestrator.cli import (
    approving,
    cost,
    demo,
    doctor,
    health,
    inbox,
    judging,
    output,
    plan,
    planning,
    policy,
    run,
    serving,
    setup,
    show,
    skills,
    stop,
    token,
    verify,
)
from claude_orchestrator.errors import OrchestratorError

_USAGE_ERROR: Final[type[Exception]] = typer.BadParameter.__mro__[1]
"""What typer raises for a wrong command line; it exports only this subclass."""

EXIT_CODES: Final = (
    "Exit codes: 0 all tasks are completed (or the command did what was asked), 1 some are not (or something needs"
    " attention), 2 wrong usage or unusable input, 130 ended by Ctrl-C. 'verify' has its own: 0 passed, 1 failed,"
    " 2 could not judge, 3 needs review. State is in $CLAUDE_ORCHESTRATOR_HOME."
)

app = typer.Typer(
    name=output.PROGRAM,
    help="Plans run by agents in parallel git worktrees, durably, and nothing unverified lands.",
    epilog=EXIT_CODES,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

app.command(rich_help_panel="Run")(demo.demo)
app.command(rich_help_panel="Run")(run.run)
app.command(rich_help_panel="Run")(run.resume)
app.command(rich_help_panel="Run")(stop.pause)
app.command(rich_help_panel="Run")(stop.cancel)
planning.register(plan.app)
approving.register(plan.app)
app.add_typer(plan.app, name="plan", rich_help_panel="Plan")
app.command(rich_help_panel="Look")(show.status)
app.command(rich_help_panel="Look")(run.watch)
app.command(rich_help_panel="Look")(show.evidence)
app.add_typer(cost.app, name="cost", rich_help_panel="Look")
app.add_typer(health.app, name="health", rich_help_panel="Look")
app.add_typer(inbox.app, name="inbox", rich_help_panel="Answer")
app.command(rich_help_panel="Answer")(inbox.approve)
app.command(rich_help_panel="Answer")(inbox.deny)
app.command(rich_help_panel="Check")(skills.skills)
app.command(rich_help_panel="Check")(verify.verify)
app.command(rich_help_panel="Check")(doctor.doctor)
app.command(rich_help_panel="Judge")(judging.classify)
app.add_typer(policy.app, name="policy", rich_help_panel="Judge")
app.add_typer(judging.hook_app, name="hook", rich_help_panel="Judge")
app.command(rich_help_panel="Serve")(serving.serve)
app.command(rich_help_panel="Serve")(setup.setup)
app.add_typer(token.app, name="token", rich_help_panel="Serve")


_PLAIN: Final[dict[str, tuple[Callable[..., None], range, bool]]] = {
    "approve": (inbox.approve, range(1, 2), False),
    "cancel": (stop.cancel, range(1, 2), False),
    "evidence": (show.evidence, range(2, 3), True),
    "pause": (stop.pause, range(1, 2), False),
    "resume": (run.resume, range(2), True),
    "status": (show.status, range(2), True),
    "watch": (run.watch, range(1, 2), True),
}
"""What is called most, by people and by our own processes: how many words it takes, and whether "--json" after them."""


def _print_version(wanted: bool) -> None:
    if wanted:
        output.say(f"{output.PROGRAM} {__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    pass


def main() -> None:
    """The entry point: run the command line and exit. No error that a user can cause shows a traceback."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="replace")  # type: ignore[union-attr]
    sys.exit(_run())


def _run() -> int:
    try:
        code = _call(sys.argv[1:])
        sys.stdout.flush()
    except _USAGE_ERROR as error:
        if said := _usage(error):
            output.complain(said)
        return output.USAGE
    except BrokenPipeError:
        return _reader_has_gone()
    except OrchestratorError as error:
        output.complain(str(error))
        return output.USAGE
    except OSError as error:
        output.complain(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        _drop_what_cannot_be_written()
        return output.USAGE
    except KeyboardInterrupt:
        return output.INTERRUPTED
    return code if isinstance(code, int) else output.COMPLETED


def _call(words: list[str]) -> object:
    if call := _plainly(words):
        try:
            call()
        except typer.Exit as end:
            return end.exit_code
        return None
    return _narrowed(app, words)(prog_name=output.PROGRAM, standalone_mode=False)


def _plainly(words: list[str]) -> Callable[[], None] | None:
    """The call of a common command with its arguments and nothing else, which needs no library to read it."""
    if not words or words[0] not in _PLAIN:
        return None
    function, count, has_json = _PLAIN[words[0]]
    as_json = has_json and words[-1] == "--json"
    arguments = words[1:-1] if as_json else words[1:]
    if len(arguments) not in count or any(not word or word.startswith("-") for word in arguments):
        return None
    return partial(function, *arguments, as_json=True) if as_json else partial(function, *arguments)


def _narrowed(whole: typer.Typer, words: list[str]) -> typer.Typer:
    """The same with nothing but the command that is asked for: typer looks at every parameter of all that it is given.

    All of it where no command comes first (an option, help, a wrong name).
    """
    first = words[0] if words else ""
    commands = [info for info in whole.registered_commands if first == (info.name or _called(info.callback))]
    groups = [copy.copy(info) for info in whole.registered_groups if info.name == first]
    if len(commands) + len(groups) != 1:
        return whole
    for info in groups:
        info.typer_instance = _narrowed(info.typer_instance, words[1:]) if info.typer_instance else None
    narrow = copy.copy(whole)
    narrow.registered_commands, narrow.registered_groups = commands, groups
    return narrow


def _called(command: Callable[..., object] | None) -> str:
    return command.__name__ if command else ""


def _usage(error: Exception) -> str:
    """What is wrong with the command line; empty when no command was given, which has printed the help."""
    context = getattr(error, "ctx", None)
    command = getattr(context, "command_path", output.PROGRAM)
    said = str(getattr(error, "format_message", lambda: error)()).rstrip(".")
    return f"{said} (see '{command} --help')" if said else ""


def _drop_what_cannot_be_written() -> None:
    """Let Python's last flush go nowhere where the disk of our output is full: it would exit with 120."""
    try:
        sys.stdout.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _reader_has_gone() -> int:
    """Whoever read our output has closed it: end quietly, and let Python's last flush go nowhere."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return output.NOT_COMPLETED
