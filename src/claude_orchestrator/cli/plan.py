"""``plan check``, ``plan list`` and ``plan show``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Plan

app = typer.Typer(no_args_is_help=True, help="Plan with questions, review and approve plans; check plan files.")

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


@app.command()
def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A plan file (YAML).")], as_json: AsJson = False
) -> None:
    """Find everything that is wrong with a plan file; exit 2 if there is anything."""
    from dataclasses import asdict

    from claude_orchestrator.plans.files import check_plan, load_plan

    problems = check_plan(file)
    if as_json:
        output.say_json({"file": str(file), "ok": not problems, "problems": [asdict(problem) for problem in problems]})
    elif problems:
        output.say(*[problem.format() for problem in problems])
    else:
        output.say(f"{file}: fine; {_size(load_plan(file))}")
    raise typer.Exit(output.USAGE if problems else output.COMPLETED)


@app.command("list")
def list_plans(as_json: AsJson = False) -> None:
    """List the stored plans, the newest first."""
    import asyncio

    asyncio.run(_list(as_json=as_json))


@app.command()
def show(
    plan_id: Annotated[str, typer.Argument(metavar="ID", help="A stored plan.")],
    version: Annotated[int | None, typer.Option(help="The version.", show_default="the newest")] = None,
    as_json: AsJson = False,
) -> None:
    """Print a stored plan as a plan file."""
    import asyncio

    asyncio.run(_show(plan_id, version, as_json=as_json))


async def _list(*, as_json: bool) -> None:
    from dataclasses import asdict

    from claude_orchestrator.config import load_settings
    from claude_orchestrator.plans.store import PlanStore
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import clip, moment

    async with Database.open(load_settings().database) as db:
        plans = await PlanStore(db).list()
    if as_json:
        output.say_json([asdict(plan) for plan in plans])
        return
    for plan in plans:
        approved = f"approved: {plan.approved_version}" if plan.approved_version else "not approved"
        output.say(
            f"{plan.id:<5} version {plan.version} ({approved})  {moment(plan.created_at)}  {clip(plan.goal, 80)}"
        )
    if not plans:
        output.say(f"no plans yet: '{output.program()} run FILE' stores one")


async def _show(plan_id: str, version: int | None, *, as_json: bool) -> None:
    from claude_orchestrator.config import load_settings
    from claude_orchestrator.plans.files import dump_plan
    from claude_orchestrator.plans.store import PlanStore
    from claude_orchestrator.state.database import Database

    async with Database.open(load_settings().database) as db:
        plan = await PlanStore(db).load(plan_id, version)
    if as_json:
        document: dict[str, Any] = plan.model_dump(mode="json", exclude_none=True)
        output.say_json(document)
    else:
        output.say(dump_plan(plan).rstrip("\n"))


def _size(plan: Plan) -> str:
    from claude_orchestrator.telling.words import counted

    tasks = sum(len(phase.tasks) for phase in plan.phases)
    return f"{counted(tasks, 'task')} in {counted(len(plan.phases), 'phase')}: {' '.join(plan.goal.split())}"
