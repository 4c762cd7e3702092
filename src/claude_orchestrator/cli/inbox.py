"""``inbox``, ``approve`` and ``deny``: the questions that wait for a human."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.orchestrator.inbox import Inbox
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import Row

app = typer.Typer(invoke_without_command=True, help="List the questions that wait for a human, or show one.")

GateId = Annotated[str, typer.Argument(metavar="GATE", help="The question, as 'inbox' names it.")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document; with --watch, one a line.")]


@app.callback()
def inbox(
    context: typer.Context,
    everything: Annotated[bool, typer.Option("--all", help="Answered questions, too.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Go on and tell what is asked and answered.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the questions that wait for a human."""
    import asyncio

    if context.invoked_subcommand is None:
        asyncio.run(_watch(everything=everything, as_json=as_json) if watch else _inbox(everything, as_json=as_json))


@app.command()
def show(gate: GateId, as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False) -> None:
    """Show one question: the operation decoded, its effects, and what an approval would cover."""
    import asyncio

    asyncio.run(_show(gate, as_json=as_json))


def approve(
    gate: GateId,
    reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "",
    pattern: Annotated[
        bool, typer.Option("--pattern", help="All operations of this run that fit the pattern that 'inbox show' names.")
    ] = False,
    edit: Annotated[
        str | None,
        typer.Option(
            help="Let this happen instead: another command line, content, or path to delete; '-' reads it from standard"
            " input.",
            show_default=False,
        ),
    ] = None,
    always: Annotated[
        bool, typer.Option("--always", help="With --pattern: put the pattern into your own policy, for every run.")
    ] = False,
) -> None:
    """Say yes: to an operation, a reviewed change, new attempts at an escalated task, more money, a drifted task."""
    import asyncio
    import sys

    if always and not pattern:
        raise ConfigError("--always saves a pattern: say --pattern as well, after 'inbox show' has shown it to you")
    text = sys.stdin.read() if edit == "-" else edit
    asyncio.run(_approve(gate, reason, pattern=pattern, edit=text, always=always))


def deny(
    gate: GateId, reason: Annotated[str, typer.Option(help="Why; the agent is told.", show_default=False)]
) -> None:
    """Say no: to an operation or a reviewed change, with a reason for the agent, or give a task up."""
    import asyncio

    asyncio.run(_deny(gate, reason))


@asynccontextmanager
async def _opened() -> AsyncIterator[tuple[Settings, Database, Inbox]]:
    from claude_orchestrator.config import load_settings
    from claude_orchestrator.orchestrator.inbox import Inbox
    from claude_orchestrator.state.database import Database

    settings = load_settings()
    async with Database.open(settings.database) as db:
        yield settings, db, Inbox(db, settings, "cli")


async def _inbox(everything: bool, *, as_json: bool) -> None:
    async with _opened() as (_, _, box):
        rows = await box.listed(include_answered=everything)
    if as_json:
        output.say_json(rows)
        return
    output.say(*_lines(rows))
    if not rows:
        output.say("no questions wait")


def _lines(rows: Sequence[Row]) -> list[str]:
    from claude_orchestrator.cli.questions import answered_line
    from claude_orchestrator.cli.report import gate_lines

    waiting = gate_lines(row for row in rows if row["status"] == "open")
    return [*waiting, *(answered_line(row) for row in rows if row["status"] != "open")]


async def _watch(*, everything: bool, as_json: bool) -> None:
    """Tell what waits, and from then on every question and every answer, until Ctrl-C."""
    async with _opened() as (_, db, box):
        seen: dict[str, str] = {}
        first = True
        while True:
            revision = db.revision
            rows = await box.listed(include_answered=True)
            wanted = [row for row in rows if everything or row["status"] == "open" or row["id"] in seen]
            news = [row for row in wanted if seen.get(row["id"]) != row["status"]]
            seen.update((row["id"], row["status"]) for row in (wanted if first and not everything else rows))
            if as_json:
                for row in news:
                    output.say_json(row, lines=True)
            else:
                output.say(*_lines(news))
            if first and not news and not as_json:
                output.say("no questions wait")
            first = False
            # Gates expire without anybody writing a row, so a look is due from time to time.
            await db.changed(revision, 5.0)


async def _show(gate: str, *, as_json: bool) -> None:
    from claude_orchestrator.cli.questions import question_lines

    async with _opened() as (_, _, box):
        row = await box.shown(gate)
    if as_json:
        output.say_json(row)
    else:
        output.say(*question_lines(row))


async def _approve(gate: str, reason: str, *, pattern: bool, edit: str | None, always: bool) -> None:
    import sys

    from claude_orchestrator.safety.policy_file import user_file

    async with _opened() as (settings, db, box):
        if always:
            output.say(f"for every run from now on, in {user_file()}:", *"".join(await box.lasting(gate)).splitlines())
            if sys.stdin.isatty() and not typer.confirm("add it?"):
                raise typer.Exit(output.NOT_COMPLETED)
        answered = await box.approve(gate, reason=reason, pattern=pattern, edit=edit)
        if always:
            await box.always(gate)
        await _said(settings, db, answered)


async def _deny(gate: str, reason: str) -> None:
    async with _opened() as (settings, db, box):
        await _said(settings, db, await box.deny(gate, reason=reason))


async def _said(settings: Settings, db: Database, row: Row) -> None:
    from claude_orchestrator.orchestrator.worker import live_movers
    from claude_orchestrator.state.gates import SESSION

    output.say(f"{row['id']} is {row['status']}")
    if row["run_id"] == SESSION:
        output.say("  the session hears of it when it asks again, if it does not wait for it")
    elif row["run_status"] == "failed":
        output.say(f"  {row['run_id']} has failed: what is left of it depends on a task that was given up")
    elif not await live_movers(db, settings.workers, row["run_id"]):
        output.say(f"  go on: {output.program()} resume {row['run_id']}")
