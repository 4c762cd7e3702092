"""``cost``: what was spent on models, and the limits of it."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Annotated, Literal

import typer
from typer.core import TyperGroup

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.state.budgets import Limit, Spender, State
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.state.grants import Kind
    from claude_orchestrator.state.spending import By


class _ShowByDefault(TyperGroup):
    """``cost r1`` is ``cost show r1``."""

    def parse_args(self, ctx: typer.Context, args: list[str]) -> list[str]:  # type: ignore[override]
        if not {"--help"} & set(args[:1]) and (not args or args[0] not in self.commands):
            args = ["show", *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_ShowByDefault, help="Show what was spent on models ('cost RUN' is 'cost show RUN'), or set budgets."
)


@app.command()
def show(
    run_id: Annotated[str | None, typer.Argument(metavar="RUN", help="The run.", show_default="all runs")] = None,
    by: Annotated[
        Literal["provider", "task", "day"], typer.Option(help="A line for each of these; days are those of UTC.")
    ] = "provider",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Show tokens and US dollars, and what is left of budgets. What nobody knows the price of is shown as unknown."""
    import asyncio

    from claude_orchestrator.config import load_settings

    asyncio.run(_show(load_settings(), run_id, by, as_json=as_json))


@app.command("set-budget")
def set_budget(
    provider: Annotated[
        str,
        typer.Argument(
            metavar="PROVIDER", help="The account, as 'cost' names it: anthropic, openai, google, gemini, …"
        ),
    ],
    daily: Annotated[
        str | None, typer.Option(metavar="USD", help="What it may cost on one day (UTC).", show_default="as it is")
    ] = None,
    monthly: Annotated[
        str | None, typer.Option(metavar="USD", help="What it may cost in one month (UTC).", show_default="as it is")
    ] = None,
    none: Annotated[bool, typer.Option("--none", help="Remove the limits of this provider.")] = False,
) -> None:
    """Set what a provider may cost on a day and in a month, over all runs. Tasks that wait for money go on."""
    import asyncio

    from claude_orchestrator.config import load_settings

    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]*", provider):
        raise typer.BadParameter(f"{provider!r} is no name of a provider", param_hint="PROVIDER")
    amounts: dict[Kind, int] = {}
    if daily is not None:
        amounts["day"] = _micro(daily, "--daily")
    if monthly is not None:
        amounts["month"] = _micro(monthly, "--monthly")
    if none == bool(amounts):
        raise typer.BadParameter("say --daily USD, --monthly USD or both, or --none alone", param_hint="set-budget")
    asyncio.run(_set_budget(load_settings(), provider, amounts or None))


def _micro(text: str, option: str) -> int:
    from claude_orchestrator.state.budgets import micro

    try:
        usd = float(text.strip().removeprefix("$"))
    except ValueError:
        usd = math.nan
    if not 0 < usd < 1e9:
        raise typer.BadParameter(f"{text!r} is no sum of US dollars above zero, such as 2.50", param_hint=option)
    return micro(usd)


async def _show(settings: Settings, run_id: str | None, by: By, *, as_json: bool) -> None:
    import time

    from claude_orchestrator.cli.costs import table
    from claude_orchestrator.state import budgets, runs, spending
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling import costs

    async with Database.open(settings.database) as db:
        if run_id is not None:
            await runs.get(db, run_id)
        rows, total = await spending.sums(db, by, run_id), await spending.total(db, run_id)
        limits = [*(await budgets.all_limits(db, time.time(), run_id) if run_id else []),
                  *await budgets.all_limits(db, time.time())]  # fmt: skip
        states = [(limit, await budgets.state_of(db, limit)) for limit in limits]
        reserved = await budgets.reservations(db)
    if as_json:
        output.say_json(costs.document(run_id, by, rows, total, states))
        return
    output.say(*(table(rows, by, total) if rows else ["nothing was spent yet"]))
    output.say(*costs.budget_lines(states))
    output.say(*_without_limits(reserved, run_id, states))


def _without_limits(
    reserved: list[tuple[Spender, int]], run_id: str | None, states: list[tuple[Limit, State]]
) -> list[str]:
    from claude_orchestrator.state.budgets import dollars

    mine = sum(rest for spender, rest in reserved if run_id in (None, spender.run_id))
    return [f"  attempts at work may spend {dollars(mine)} more"] if mine and not states else []


async def _set_budget(settings: Settings, provider: str, amounts: dict[Kind, int] | None) -> None:
    import time

    from claude_orchestrator.orchestrator.inbox import Inbox
    from claude_orchestrator.state import budgets
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling import costs

    async with Database.open(settings.database) as db:
        await Inbox(db, settings, "cli").set_budget(provider, amounts)
        limits = [limit for limit in await budgets.all_limits(db, time.time()) if limit.subject == provider]
        states = [(limit, await budgets.state_of(db, limit)) for limit in limits]
        known = await _is_known(db, provider)
    output.say(*(costs.budget_lines(states) if states else [f"  {provider} has no limit"]))
    if not known:
        output.warn(f"note: nothing has been spent at '{provider}' so far: is the name as 'cost' shows it?")


async def _is_known(db: Database, provider: str) -> bool:
    from claude_orchestrator.models.accounts import PROVIDERS

    spent = await db.fetch_one("SELECT 1 FROM cost WHERE provider = :provider LIMIT 1", {"provider": provider})
    return provider in PROVIDERS or spent is not None
