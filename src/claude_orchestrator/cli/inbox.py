"""``inbox``, ``approve`` and ``deny``: the questions that wait for a human."""

from __future__ import annotations

from typing import Annotated

import typer

from claude_orchestrator.cli import output

GateId = Annotated[str, typer.Argument(metavar="GATE", help="The question, as 'inbox' names it.")]


def inbox(
    everything: Annotated[bool, typer.Option("--all", help="Answered questions, too.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List the questions that wait for a human."""
    import asyncio

    asyncio.run(_inbox(everything=everything, as_json=as_json))


def approve(gate: GateId, reason: Annotated[str, typer.Option(help="Why; it is kept.")] = "") -> None:
    """Say yes: merge a reviewed change as it is, or give an escalated task new attempts."""
    import asyncio

    asyncio.run(_answer(gate, approve=True, reason=reason))


def deny(
    gate: GateId, reason: Annotated[str, typer.Option(help="Why; the next attempt is told.", show_default=False)]
) -> None:
    """Say no: refuse a reviewed change with a reason for the next attempt, or give an escalated task up."""
    import asyncio

    asyncio.run(_answer(gate, approve=False, reason=reason))


async def _inbox(*, everything: bool, as_json: bool) -> None:
    from claude_orchestrator.cli.report import gate_lines
    from claude_orchestrator.cli.words import moment
    from claude_orchestrator.config import load_settings
    from claude_orchestrator.state import gates
    from claude_orchestrator.state.database import Database

    async with Database.open(load_settings().database) as db:
        rows = await gates.listed(db, include_answered=everything)
    if as_json:
        output.say_json(rows)
        return
    output.say(*gate_lines(row for row in rows if row["status"] == "open"))
    for row in rows:
        if row["status"] != "open":
            because = f": {row['reason']}" if row["reason"] else ""
            output.say(
                f"  {row['id']} {row['run_id']}/{row['task_id']} ({row['kind']}) {row['status']}"
                f" by {row['answered_by']} {moment(row['answered_at'])}{because}"
            )
    if not rows:
        output.say("no questions wait")


async def _answer(gate: str, *, approve: bool, reason: str) -> None:
    import getpass
    import time

    from claude_orchestrator.config import load_settings
    from claude_orchestrator.orchestrator.worker import live_movers
    from claude_orchestrator.state import gates
    from claude_orchestrator.state.database import Database

    settings = load_settings()
    async with Database.open(settings.database) as db:
        async with db.transaction() as tx:
            row = await gates.answer(tx, gate, approve=approve, reason=reason, by=getpass.getuser(), now=time.time())
        moved = await live_movers(db, settings.workers, row["run_id"])
    output.say(f"{gate} is {row['status']}")
    if row["run_status"] == "failed":
        output.say(f"  {row['run_id']} has failed: what is left of it depends on a task that was given up")
    elif not moved:
        output.say(f"  go on: {output.program()} resume {row['run_id']}")
