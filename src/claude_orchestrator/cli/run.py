"""``run``, ``resume`` and ``watch``."""

from __future__ import annotations

import math
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import OrchestratorError, PlanError

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.plans.models import Choice, Plan
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import Row

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document a line: every event, then a summary.")]


def run(
    plan: Annotated[str, typer.Argument(metavar="PLAN", help="A plan file, or the id of a stored plan.")],
    project: Annotated[Path, typer.Option(help="A folder of the git repository to work on.")] = Path(),
    base: Annotated[str | None, typer.Option(help="The revision to start from.", show_default="HEAD")] = None,
    target: Annotated[
        str | None,
        typer.Option(help="The branch that verified work is merged into.", show_default="a new one, orchestrator/RUN"),
    ] = None,
    agent: Annotated[
        str | None,
        typer.Option(
            help="Who does the tasks that have a prompt and nothing else: claude, acp or model.",
            show_default="what the plan says, else claude",
        ),
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model of these tasks.", show_default="what the plan says")
    ] = None,
    agent_command: Annotated[
        str | None, typer.Option(help="With --agent acp: the program, such as 'gemini --acp'.")
    ] = None,
    budget: Annotated[
        float | None,
        typer.Option(help="US dollars that the run may spend on models.", show_default="what the plan says"),
    ] = None,
    max_parallel: Annotated[
        int | None, typer.Option(min=1, help="Attempts at once, over all processes.", show_default="3")
    ] = None,
    as_json: AsJson = False,
    detach: Annotated[bool, typer.Option("--detach", help="Go on in the background.")] = False,
) -> None:
    """Run a plan on a git repository. Ctrl-C pauses; your checkout is never touched."""
    import asyncio

    from claude_orchestrator.config import load_settings

    settings = _limited(load_settings(), max_parallel)
    choice = _choice(agent, model, agent_command)
    if budget is not None and not 0 < budget < math.inf:
        raise typer.BadParameter("it is a sum of US dollars above zero", param_hint="--budget")
    run_id = asyncio.run(_start(settings, plan, project, base, target, choice, budget, quiet=as_json))
    if detach:
        _detach(settings, run_id, as_json=as_json)
        return
    raise typer.Exit(asyncio.run(_move(settings, [run_id], as_json=as_json)))


def resume(
    run_id: Annotated[
        str | None, typer.Argument(metavar="RUN", help="The run.", show_default="all unfinished runs")
    ] = None,
    max_parallel: Annotated[
        int | None, typer.Option(min=1, help="Attempts at once, over all processes.", show_default="3")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Go on with a run, or with every unfinished run: after a crash, a pause, a reboot, an answer."""
    import asyncio

    from claude_orchestrator.config import load_settings

    settings = _limited(load_settings(), max_parallel)
    run_ids = asyncio.run(_wanted(settings, run_id))
    if not run_ids:
        return
    raise typer.Exit(asyncio.run(_move(settings, run_ids, as_json=as_json)))


def watch(run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run.")], as_json: AsJson = False) -> None:
    """Show a run live, whoever moves it. Ends when the run does, is paused, or nobody moves it."""
    import asyncio

    from claude_orchestrator.cli.moving import watch_run
    from claude_orchestrator.cli.views import choose_view
    from claude_orchestrator.config import load_settings

    view = choose_view(several=False, as_json=as_json)
    raise typer.Exit(asyncio.run(watch_run(load_settings(), run_id, view, as_json=as_json)))


def _limited(settings: Settings, max_parallel: int | None) -> Settings:
    from dataclasses import replace

    return settings if max_parallel is None else replace(settings, max_parallel=max_parallel)


async def _move(settings: Settings, run_ids: list[str], *, as_json: bool) -> int:
    """Move runs; what goes wrong from here on goes wrong with a run under way."""
    from claude_orchestrator.cli.moving import move_runs
    from claude_orchestrator.cli.views import choose_view

    try:
        return await move_runs(
            settings, run_ids, choose_view(several=len(run_ids) > 1, as_json=as_json), as_json=as_json
        )
    except OrchestratorError as error:
        output.complain(str(error))
        return output.NOT_COMPLETED


def _choice(agent: str | None, model: str | None, command: str | None) -> Choice | None:
    """Who is to do the tasks, by the command line; None where it does not say."""
    import shlex

    from pydantic import ValidationError

    from claude_orchestrator.plans.models import Choice

    if agent is None and model is None and command is None:
        return None
    if command is not None and agent not in (None, "acp"):
        raise typer.BadParameter("it is for --agent acp", param_hint="--agent-command")
    try:
        words = None if command is None else shlex.split(command)
        return Choice(agent=agent or ("acp" if words else ""), model=model, command=words)
    except ValidationError as error:
        wrong = error.errors()[0]
        hint = wrong.get("ctx", {}).get("hint", "")
        option = "--agent-command" if wrong["loc"][:1] == ("command",) else f"--{wrong['loc'][0]}"
        raise typer.BadParameter(f"{wrong['msg']}{': ' if hint else ''}{hint}", param_hint=option) from error
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--agent-command") from error


async def _start(
    settings: Settings,
    plan: str,
    project: Path,
    base: str | None,
    target: str | None,
    choice: Choice | None,
    budget: float | None,
    *,
    quiet: bool,
) -> str:
    """Check and store the plan, create the run, say so; return the run's id."""
    from claude_orchestrator.orchestrator.session import Orchestrator
    from claude_orchestrator.state import runs
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.workspace.git import Repository

    checked = _load_file(Path(plan)) if is_plan_file(plan) else None
    repository = await Repository.open(project)
    async with Database.open(settings.database) as db:
        stored = await _stored(db, plan, checked)
        if checked is None:
            await _approve_by_running(db, settings, stored)
        run_id = await Orchestrator(repository.root, settings).start(
            stored, base=base, target=target, choice=choice, budget=budget
        )
        row = await runs.get(db, run_id)
    if not quiet:
        output.say(*_opening(row))
    return run_id


async def _approve_by_running(db: Database, settings: Settings, plan: Plan) -> None:
    """Say that running a plan which nobody has approved approves it. Raises ForbiddenError when an agent runs it."""
    from claude_orchestrator.orchestrator.planning.approving import only_humans
    from claude_orchestrator.plans.store import PlanStore

    assert plan.id is not None
    assert plan.version is not None
    if await PlanStore(db).approved_at(plan.id, plan.version) is not None:
        return
    await only_humans(db, settings, plan.id, "cli")
    output.warn(
        f"{plan.id} version {plan.version} was not approved: running it approves it, without a review and without"
        f" stamps that tell when the ground of a task moves ('{output.program()} plan approve {plan.id}' gives it both)"
    )


def is_plan_file(plan: str) -> bool:
    """Whether PLAN on the command line is meant as a file: it exists, or has a file's name."""
    return Path(plan).exists() or "/" in plan or plan.endswith((".yaml", ".yml"))


def _load_file(path: Path) -> Plan:
    """The plan in a file; all of its problems are printed when it has any."""
    from claude_orchestrator.plans.files import check_plan, load_plan

    if problems := check_plan(path):
        for problem in problems:
            output.warn(problem.format())
        raise PlanError(
            f"{path} is not a plan that can be run: {len(problems)} problem{'s'[: len(problems) > 1]}, see above"
        )
    return load_plan(path)


async def _stored(db: Database, plan: str, checked: Plan | None) -> Plan:
    """The stored plan of that id, or the stored plan that says the same as the file; else the file is stored."""
    from claude_orchestrator.plans.store import PlanStore

    store = PlanStore(db)
    if checked is None:
        return await store.load(plan)
    if checked.id is None:
        for summary in await store.list():
            if summary.goal == checked.goal:
                known = await store.load(summary.id)
                if known.model_copy(update={"id": None, "version": None}) == checked:
                    return known
    return await store.save(checked)


def _opening(row: Row) -> list[str]:
    """What a person wants to know when a run has just been created."""
    from claude_orchestrator.telling.words import branch, short

    name = output.program()
    plan = f"plan {row['plan_id']} version {row['plan_version']}"
    return [
        f"{output.paint(row['id'], 'bold')} runs {plan} on {row['repository']}",
        f"  verified work goes to the branch {branch(row['target_ref'])}, from {short(row['base_commit'])}",
        f"  pause: Ctrl-C, or '{name} pause {row['id']}' from anywhere; go on: '{name} resume {row['id']}'",
    ]


async def _wanted(settings: Settings, run_id: str | None) -> list[str]:
    """The runs to resume, with the intent written down; a run that is being cancelled stays so."""
    from claude_orchestrator.cli.moving import require_repository
    from claude_orchestrator.errors import RepositoryError
    from claude_orchestrator.orchestrator.worker import live_movers
    from claude_orchestrator.state import runs
    from claude_orchestrator.state.database import Database

    async with Database.open(settings.database) as db:
        rows = await runs.unfinished(db) if run_id is None else [await runs.get(db, run_id)]
        free: list[dict[str, Any]] = []
        moved: list[dict[str, Any]] = []
        for row in rows:
            try:
                require_repository(row)
            except RepositoryError as error:
                if run_id is not None:
                    raise
                output.complain(str(error))
                continue
            (moved if await live_movers(db, settings.workers, row["id"]) else free).append(row)
        # Without a name only what nobody moves is meant; if there is nothing, there is something to watch.
        chosen = free or moved
        if not rows:
            output.warn("nothing to resume: every run is over")
        elif not chosen:
            raise typer.Exit(output.NOT_COMPLETED)
        for row in chosen:
            if row["intent"] != "cancel" or row["status"] in runs.FINAL:
                async with db.transaction() as tx:
                    await runs.want(tx, row["id"], "run")
        return [row["id"] for row in chosen]


def _detach(settings: Settings, run_id: str, *, as_json: bool) -> None:
    """Let a process of its own move the run, and say where it is."""
    import asyncio

    from claude_orchestrator.orchestrator.detaching import start_mover

    mover = asyncio.run(start_mover(settings, run_id))
    if as_json:
        output.say_json({"run": run_id, "process": mover.pid, "log": str(mover.log)}, lines=True)
        return
    output.say(
        f"  it goes on in the background (process {mover.pid}, log {mover.log})",
        f"  watch it: {output.program()} watch {run_id}",
    )
