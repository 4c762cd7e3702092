"""``health``: whether the providers of models work, as all windows see it, and how to say that one does again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Final

import typer

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.models.breaker import Breaker
    from claude_orchestrator.telling.words import Row

HOURS: Final = 24
"""How many hours are counted, the current one included."""

app = typer.Typer(invoke_without_command=True, help="Show whether the providers of models work.")


@app.callback()
def health(
    context: typer.Context, as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False
) -> None:
    """Show every provider that attempts have used: whether new ones may start, its last failure, what it did today.

    Exits with 1 while attempts have to wait for one of them.
    """
    import asyncio

    from claude_orchestrator.config import load_settings

    if context.invoked_subcommand is None:
        raise typer.Exit(asyncio.run(_health(load_settings(), as_json=as_json)))


@app.command()
def reset(
    provider: Annotated[str, typer.Argument(metavar="PROVIDER", help="The provider, as 'health' names it.")],
) -> None:
    """Say that a provider works again: what waits for it goes on at once."""
    import asyncio

    from claude_orchestrator.config import load_settings

    asyncio.run(_reset(load_settings(), provider))


async def _health(settings: Settings, *, as_json: bool) -> int:
    import time

    from claude_orchestrator.models.health import as_breaker
    from claude_orchestrator.state import providers
    from claude_orchestrator.state.database import Database

    now, rows = time.time(), []
    if settings.database.exists():
        async with Database.open(settings.database) as db:
            rows = await providers.listed(db, now, HOURS)
    breakers = [as_breaker(row, now) for row in rows]
    if as_json:
        output.say_json([document(row, breaker, now) for row, breaker in zip(rows, breakers, strict=True)])
    elif not rows:
        output.say("no attempt has used a provider yet")
    for row, breaker in () if as_json else zip(rows, breakers, strict=True):
        output.say(*lines(row, breaker, now))
    return output.COMPLETED if all(breaker.look(now).allowed for breaker in breakers) else output.NOT_COMPLETED


async def _reset(settings: Settings, provider: str) -> None:
    import time

    from claude_orchestrator.errors import NotReadyError
    from claude_orchestrator.models import health as state_of_health
    from claude_orchestrator.state.database import Database

    async with Database.open(settings.database) as db, db.transaction() as tx:
        if not await state_of_health.reset(tx, provider, time.time()):
            raise NotReadyError(f"no attempt has used a provider '{provider}': '{output.program()} health' lists them")
    output.say(f"{provider}: attempts may start")


def document(row: Row, breaker: Breaker, now: float) -> dict[str, Any]:
    """A provider as JSON; times are seconds since the epoch."""
    admission = breaker.look(now)
    failed = {"at": row["failed_at"], "kind": row["failed_kind"], "detail": row["failure"]}
    return {
        "provider": row["name"],
        "healthy": admission.allowed,
        "breaker": breaker.state,
        "waits_until": None if admission.allowed else admission.until,
        "parked_until": breaker.parked_until if breaker.parked_until > now else None,
        "probe": breaker.probe or None,
        "failures_in_a_row": breaker.failures,
        "last_failure": failed if row["failed_at"] is not None else None,
        "last_success_at": row["succeeded_at"],
        "last_24_hours": {"successes": row["successes"], "failures": row["failed"]},
    }


def lines(row: Row, breaker: Breaker, now: float) -> Iterator[str]:
    """A provider for people."""
    from claude_orchestrator.telling.words import clip, counted, duration, moment

    admission = breaker.look(now)
    colour = "green" if admission.allowed and breaker.state == "closed" else "yellow" if admission.allowed else "red"
    yield f"{output.paint(row['name'], 'bold')}  {output.paint(_standing(breaker, now), colour)}"
    if not admission.allowed:
        yield f"    until {moment(admission.until)} (in {duration(admission.until - now)})"
        yield f"    works again already? {output.program()} health reset {row['name']}"
    if row["failed_at"] is not None:
        what = f"{row['failed_kind'].replace('_', ' ')}: {row['failure']}"
        yield f"    last failure  {duration(now - row['failed_at'])} ago: {clip(what, 160)}"
    if row["succeeded_at"] is not None:
        yield f"    last success  {duration(now - row['succeeded_at'])} ago"
    yield f"    last {HOURS} hours  {row['successes']} well, {counted(row['failed'], 'failure')}"


def _standing(breaker: Breaker, now: float) -> str:
    """What the breaker means for who wants to start."""
    if breaker.parked_until > now:
        return "parked: its rate limit is reached"
    if breaker.look(now).allowed:
        return "works" if breaker.state == "closed" else "has failed: the next attempt alone tries it"
    if breaker.state == "open":
        return f"failing ({breaker.failures} in a row): nobody starts"
    return f"failing: {breaker.probe} alone tries it"
