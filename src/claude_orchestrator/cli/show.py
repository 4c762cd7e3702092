"""``status`` and ``evidence``: what is so, and what it rests on. Plain text, no rich: it must be quick."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.state.database import Database

AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]


def status(
    run_id: Annotated[
        str | None, typer.Argument(metavar="RUN", help="The run.", show_default="all recent runs")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show the recent runs, or one run: phases, tasks and why they wait, open gates, what to do next."""
    import asyncio

    from claude_orchestrator.config import load_settings

    asyncio.run(_status(load_settings(), run_id, as_json=as_json))


def evidence(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="The run.")],
    task_id: Annotated[str, typer.Argument(metavar="TASK", help="The task.")],
    bundle: Annotated[
        Path | None,
        typer.Option(help="Copy the latest verification, as a bundle that can be replayed, here.", metavar="DIR"),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show every attempt of a task: what was done, what was checked and how, what it said, how to check again."""
    import asyncio

    from claude_orchestrator.config import load_settings

    asyncio.run(_evidence(load_settings(), run_id, task_id, bundle, as_json=as_json))


async def _status(settings: Settings, run_id: str | None, *, as_json: bool) -> None:
    from claude_orchestrator.state.database import Database

    if run_id is None and not settings.database.exists():
        output.say_json([]) if as_json else output.say(_no_runs())
        return
    async with Database.open(settings.database) as db:
        alive = await _moved_runs(db, settings)
        if run_id is None:
            await _list(db, alive, as_json=as_json)
        else:
            await _one(db, run_id, alive, as_json=as_json)


async def _moved_runs(db: Database, settings: Settings) -> set[str]:
    """The runs that a live process moves."""
    from claude_orchestrator.state import workers
    from claude_orchestrator.workspace.liveness import is_held

    return {
        row["run_id"]
        for row in await workers.listed(db)
        if row["run_id"] and is_held(settings.workers / f"{row['id']}.lock")
    }


async def _list(db: Database, alive: set[str], *, as_json: bool) -> None:
    from claude_orchestrator.cli.report import run_line
    from claude_orchestrator.state import runs
    from claude_orchestrator.telling.words import branch

    rows = await runs.recent(db)
    if as_json:
        output.say_json(
            [
                {
                    "run": row["id"],
                    "status": row["status"],
                    "moved": row["id"] in alive,
                    "goal": row["goal"],
                    "repository": row["repository"],
                    "branch": branch(row["target_ref"]),
                    "tasks": row["tasks"],
                    "completed": row["completed"],
                    "created_at": row["created_at"],
                    "finished_at": row["finished_at"],
                }
                for row in rows
            ]
        )
        return
    output.say(*[run_line(row, nobody=row["status"] == "running" and row["id"] not in alive) for row in rows])
    if not rows:
        output.say(_no_runs())


async def _one(db: Database, run_id: str, alive: set[str], *, as_json: bool) -> None:
    import time

    from claude_orchestrator.cli import report
    from claude_orchestrator.state import runs
    from claude_orchestrator.telling.documents import story_of, summary_document

    progress, story = await runs.progress(db, run_id), await story_of(db, run_id)
    if as_json:
        output.say_json({**summary_document(progress, story), "moved": run_id in alive})
        return
    nobody = progress["run"]["status"] == "running" and run_id not in alive
    output.say(*report.run_lines(progress, story, time.time()), *report.next_lines(progress, nobody=nobody))


def _no_runs() -> str:
    return f"no runs yet: '{output.program()} run PLAN' starts one, '{output.program()} demo' shows how"


# -- evidence ------------------------------------------------------------------------------------


async def _evidence(settings: Settings, run_id: str, task_id: str, bundle: Path | None, *, as_json: bool) -> None:
    from claude_orchestrator.cli.dossier import attempt_lines
    from claude_orchestrator.cli.questions import answered_line
    from claude_orchestrator.errors import NotReadyError
    from claude_orchestrator.state import grounds, runs
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import one_line

    async with Database.open(settings.database) as db:
        progress = await runs.progress(db, run_id)
        task = next((task for task in progress["tasks"] if task["id"] == task_id), None)
        if task is None:
            raise NotReadyError(_unknown_task(run_id, task_id, [task["id"] for task in progress["tasks"]]))
        documents = await _attempt_documents(db, settings, run_id, task_id)
        drifts = await grounds.asked(db, run_id, task_id)
    if bundle is not None:
        _copy_bundle(documents, bundle)
    if as_json:
        document = {"run": run_id, "task": task_id, "title": task["title"], "status": task["status"]}
        document |= {"merge_commit": task["merge_commit"], "attempts": documents, "drifts": drifts}
        output.say_json(document)
        return
    output.say(f"{output.paint(f'{run_id}/{task_id}', 'bold')} {task['status'].replace('_', ' ')}  {task['title']}")
    for drift in drifts:
        how = answered_line(drift) if drift["status"] != "open" else f"  {drift['id']} is open"
        output.say(f"  {one_line(drift['question'])}", f"  {how}")
    for document in documents:
        output.say("", *attempt_lines(document, progress["run"]))
    if not documents:
        output.say("  no attempt yet")


def _copy_bundle(documents: list[dict[str, Any]], target: Path) -> None:
    from claude_orchestrator.cli.bundles import copy
    from claude_orchestrator.errors import NotReadyError

    folders = [verdict["folder"] for document in documents for verdict in document["evidence"]]
    if not folders:
        raise NotReadyError("nothing has been verified yet: there is no bundle to copy")
    copy(Path(folders[-1]), target)


async def _attempt_documents(db: Database, settings: Settings, run_id: str, task_id: str) -> list[dict[str, Any]]:
    from claude_orchestrator.state import attempts, events
    from claude_orchestrator.telling.documents import attempt_document

    verdicts = await attempts.evidence(db, run_id, task_id)
    return [
        attempt_document(
            row,
            [verdict for verdict in verdicts if verdict["attempt_id"] == row["id"]],
            await events.of_attempt(db, row["id"]),
            settings.attempts / row["id"],
        )
        for row in await attempts.of_task(db, run_id, task_id)
    ]


def _unknown_task(run_id: str, task_id: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(task_id, known, 1)
    meant = f" (did you mean '{near[0]}'?)" if near else ""
    return f"run {run_id} has no task '{task_id}'{meant}: its tasks are {', '.join(known[:30])}"
