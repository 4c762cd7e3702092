"""``run_*``: runs, as they are started, looked at, waited for and moved."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from claude_orchestrator.server.calling import Call

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Choice, Plan
    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import Row

LONGEST_POLL_S: Final = 50
"""Seconds that one call may wait: clients give up on calls after a minute."""

LOOK_S: Final = 2.0
"""How often it is looked whether somebody still moves a run: a process that dies writes no event."""

STOP_PATIENCE_S: Final = 20.0
"""Seconds in which a pause or a cancel is waited for."""

_RUN_CURSOR: Final = re.compile("r[0-9]{1,15}")
_CURSOR: Final = re.compile("e[0-9]{1,15}")

RunId = Annotated[str, Field(description="r12; empty: the newest")]
View = Literal["summary", "tasks", "events", "evidence", "output", "json"]
Limit = Annotated[int, Field(ge=1, le=200)]


async def run_list(call: Call, limit: Annotated[int, Field(ge=1, le=100)] = 10, cursor: str = "") -> str:
    """The newest runs first."""
    from claude_orchestrator.server.texts import run_line
    from claude_orchestrator.state import runs

    db = await call.db()
    rows = await runs.recent(db, 1000)
    if cursor:
        rows = [row for row in rows if row["number"] < _number(cursor)]
    moved = await moved_runs(call, db)
    lines = [run_line(row, moved=row["id"] in moved, at=call.project) for row in rows[:limit]]
    if len(rows) > limit:
        lines.append(f"{len(rows) - limit} older: cursor={rows[limit - 1]['id']}")
    return "\n".join(lines) or "no runs yet: run_start(plan=…) starts one, plan_start(goal=…) makes a plan"


async def run_start(
    call: Call,
    plan: Annotated[str, Field(description="p3, or the path of a plan file")] = "",
    prompt: Annotated[str, Field(description="in place of a plan: one task")] = "",
    files: Annotated[list[str], Field(description="with prompt: what it may change")] = [],  # noqa: B006 - never changed
    agent: Literal["", "claude", "model"] = "",
    model: str = "",
    budget: Annotated[float | None, Field(gt=0, description="US dollars")] = None,
    target: Annotated[str, Field(description="branch to merge into; empty: a new one")] = "",
    project: str = "",
) -> str:
    """Start a run of an approved plan in the background; a plan that is not yet is shown to the person first."""
    from claude_orchestrator.orchestrator.detaching import start_mover
    from claude_orchestrator.orchestrator.session import Orchestrator
    from claude_orchestrator.server import approving
    from claude_orchestrator.state import runs
    from claude_orchestrator.telling.words import branch

    root = await call.repository(project)
    stored = await _plan_to_run(call, plan, prompt, files, root)
    if budget is not None and stored.budget is not None and budget > stored.budget:
        raise ToolError(
            f"run_start: budget = {budget:g} is more than the ${stored.budget:g} of {stored.id}, and only a person can"
            f" let it spend more: claude-orchestrator run {stored.id} --budget {budget:g}"
        )
    await approving.need_approval(call, stored, root)
    await approving.need_ground(call, stored, root)
    await approving.need_branch(call, stored, root, target)
    run_id = await Orchestrator(root, call.settings).start(
        stored, target=target or None, choice=_choice(agent, model), budget=budget
    )
    await start_mover(call.settings, run_id)
    row = await runs.get(await call.db(), run_id)
    return (
        f"{run_id} runs {stored.id} version {stored.version} in the background; verified work goes to"
        f" {branch(row['target_ref'])}\nnext: run_get(run={run_id}, wait_s={LONGEST_POLL_S}), or run_wait(run={run_id})"
    )


async def run_get(
    call: Call,
    run: RunId = "",
    view: View = "summary",
    task: str = "",
    wait_s: Annotated[float, Field(ge=0, le=LONGEST_POLL_S, description="wait for news")] = 0,
    cursor: Annotated[str, Field(description="of the last answer: news since then")] = "",
    limit: Limit = 30,
) -> str:
    """Look at a run; with ``wait_s`` not before there is news."""
    db = await call.db()
    row, task = await _run_and_task(call, db, run, task)
    since = _sequence(cursor) if cursor else None
    if wait_s:
        await _until_news(db, row["id"], since, wait_s)
    if view == "events":
        return await _events(db, row["id"], since, limit)
    if view in ("evidence", "output"):
        return await _of_task(call, db, row["id"], task, view, limit)
    return await _looked_at(call, db, row["id"], view)


async def run_wait(
    call: Call,
    run: RunId = "",
    max_s: Annotated[float, Field(gt=0, le=86_400)] = 3600,
) -> str:
    """Wait until a run is over or cannot go on, with progress; what it asks is shown to the person as forms."""
    from claude_orchestrator.server.waiting import waited

    db = await call.db()
    row = await _run(call, db, run)
    said = await waited(call, row["id"], max_s)
    return "\n".join([*said, await _looked_at(call, db, row["id"], "summary")])


async def run_control(
    call: Call, run: Annotated[str, Field(description="r12")], action: Literal["pause", "resume", "cancel"]
) -> str:
    """Pause a run, let it go on, or end it for good."""
    from claude_orchestrator.orchestrator.detaching import start_mover, start_stopper
    from claude_orchestrator.orchestrator.worker import live_movers
    from claude_orchestrator.state import runs

    db = await call.db()
    if not run:
        raise ToolError("run_control: say which run, such as r12 (run_list)")
    run_id = (await _run(call, db, run))["id"]
    async with db.transaction() as tx:
        await runs.want(tx, run_id, "run" if action == "resume" else action)
    if action == "resume":
        await start_mover(call.settings, run_id)
        return f"{run_id} goes on in the background\nnext: run_get(run={run_id}, wait_s={LONGEST_POLL_S})"
    if not await live_movers(db, call.settings.workers, run_id):
        start_stopper(call.settings, run_id, action)
    until = time.monotonic() + STOP_PATIENCE_S
    while (status := (await runs.get(db, run_id))["status"]) == "running" and time.monotonic() < until:
        await db.changed(db.revision, until - time.monotonic())
    if status == "running":
        return f"{run_id} is told to {action}, and what runs is being stopped\nnext: run_get(run={run_id}, wait_s=30)"
    return f"{run_id} is {status}; merged work stays merged, every attempt's commits are kept"


# -- which run ---------------------------------------------------------------------------------------------


async def _run(call: Call, db: Database, run: str) -> Row:
    """The run of that id; without one the newest of this project, or of all where it has none."""
    from claude_orchestrator.state import runs

    rows = await runs.recent(db)
    if not run and rows:
        here = call.project.resolve()
        return next((row for row in rows if here.is_relative_to(row["repository"])), rows[0])
    row = await db.fetch_one("SELECT * FROM run WHERE id = :run", {"run": run})
    if row is not None:
        return row
    if not rows:
        raise ToolError("there are no runs yet: run_start(plan=…) starts one")
    raise ToolError(f"there is no run '{run}': the newest are {', '.join(each['id'] for each in rows[:8])} (run_list)")


async def _run_and_task(call: Call, db: Database, run: str, task: str) -> tuple[Row, str]:
    """The run that is meant, and the task's id in it; ``r12.build`` names both."""
    for name in (run, task):
        head, dot, rest = name.partition(".")
        if dot and head[:1] == "r" and head[1:].isdigit():
            return await _run(call, db, head), rest
    return await _run(call, db, run), task


def _number(run_id: str) -> int:
    if not _RUN_CURSOR.fullmatch(run_id):
        raise ToolError(f"cursor '{run_id[:40]}' is none: use the one that the last answer has given, such as r12")
    return int(run_id[1:])


def _sequence(cursor: str) -> int:
    if not _CURSOR.fullmatch(cursor):
        raise ToolError(f"cursor '{cursor[:40]}' is none: use the one that the last answer has given, or leave it out")
    return int(cursor[1:])


async def moved_runs(call: Call, db: Database) -> set[str]:
    """The runs that a live process moves."""
    from claude_orchestrator.orchestrator.worker import is_alive
    from claude_orchestrator.state import workers

    return {
        row["run_id"]
        for row in await workers.listed(db)
        if row["run_id"] and is_alive(call.settings.workers, row["id"])
    }


# -- what is said of it ------------------------------------------------------------------------------------


async def _until_news(db: Database, run_id: str, since: int | None, wait_s: float) -> None:
    """Wait until something worth telling has happened, the run rests, or the time is over."""
    from claude_orchestrator.state import events, runs
    from claude_orchestrator.telling.words import Story

    until = time.monotonic() + wait_s
    story, seen = Story(run_id), await _last_event(db, run_id) if since is None else since
    first = since is None
    while True:
        revision = db.revision
        page = await events.after(db, seen, run_id=run_id)
        told = [story.add(event) for event in page]
        seen = page[-1]["seq"] if page else seen
        progress = await runs.progress(db, run_id)
        if any(told) or progress["run"]["status"] != "running" or (first and progress["gates"]):
            return
        if (left := until - time.monotonic()) <= 0:
            return
        await db.changed(revision, left)


async def _last_event(db: Database, run_id: str) -> int:
    row = await db.fetch_one("SELECT coalesce(max(seq), 0) AS seq FROM event WHERE run_id = :run", {"run": run_id})
    return int(row["seq"]) if row else 0


async def _looked_at(call: Call, db: Database, run_id: str, view: str) -> str:
    import json

    from claude_orchestrator.server.texts import run_lines, task_lines
    from claude_orchestrator.state import runs
    from claude_orchestrator.telling.documents import story_of, summary_document

    cursor = f"e{await _last_event(db, run_id)}"  # before the look: what happens meanwhile is news the next time
    progress, story = await runs.progress(db, run_id), await story_of(db, run_id)
    moved = run_id in await moved_runs(call, db)
    if view == "json":
        document = {**summary_document(progress, story), "moved": moved, "cursor": cursor}
        return json.dumps(document, ensure_ascii=False, default=str, separators=(",", ":"))
    if view == "tasks":
        return "\n".join([*task_lines(progress, story, time.time()), f"cursor={cursor}"])
    lines = [*run_lines(progress, story, time.time(), moved=moved)]
    if progress["run"]["status"] == "running":
        lines.append(f"cursor={cursor}")
    return "\n".join(lines)


async def _events(db: Database, run_id: str, since: int | None, limit: int) -> str:
    from claude_orchestrator.server.texts import event_lines
    from claude_orchestrator.state import events
    from claude_orchestrator.telling.words import Story

    lines: list[str] = []
    story, seen = Story(run_id), since or 0
    while page := await events.after(db, seen, run_id=run_id):
        for event in page:
            lines += event_lines([event], story)
            seen = event["seq"]
            if since is not None and len(lines) == limit:
                return "\n".join([*lines, f"cursor=e{seen}"])
    shown = lines if since is not None else lines[-limit:]
    older = len(lines) - len(shown)
    head = [f"{older} earlier: cursor=e0 begins at the beginning"] if older else []
    return "\n".join([*head, *shown, f"cursor=e{seen}"])


async def _of_task(call: Call, db: Database, run_id: str, task: str, view: str, limit: int) -> str:
    from claude_orchestrator.state import attempts, events, runs
    from claude_orchestrator.telling.documents import attempt_document

    known = [row["id"] for row in (await runs.progress(db, run_id))["tasks"]]
    if task not in known:
        raise ToolError(f"{run_id} has no task '{task}': give task, one of {', '.join(known[:30])}")
    rows = await attempts.of_task(db, run_id, task)
    if not rows:
        return f"{run_id}.{task}: no attempt yet"
    if view == "output":
        return "\n".join(_output(call.settings.attempts / rows[-1]["id"], limit))
    from claude_orchestrator.server.texts import attempt_lines

    verdicts = await attempts.evidence(db, run_id, task)
    lines: list[str] = []
    for row in rows:
        mine = [verdict for verdict in verdicts if verdict["attempt_id"] == row["id"]]
        journal = await events.of_attempt(db, row["id"])
        lines += attempt_lines(attempt_document(row, mine, journal, call.settings.attempts / row["id"]))
    return "\n".join(lines[-limit:] if len(lines) > limit else lines)


def _output(folder: Path, limit: int) -> Iterator[str]:
    """The end of what the attempt's processes have printed."""
    from claude_orchestrator.telling.words import clip

    # What an agent has put there in place of a log, a link or a pipe, is none.
    found = (path for path in folder.glob("launch-*/*.log") if path.is_file() and not path.is_symlink())
    logs = sorted(found, key=lambda path: path.stat().st_mtime)
    yield f"{folder}: {len(logs)} logs"
    for log in logs[-3:]:
        with log.open("rb") as stream:
            stream.seek(max(0, log.stat().st_size - 20_000))
            lines = stream.read().decode(errors="replace").splitlines()
        if lines:
            yield f"{log.parent.name}/{log.name}:"
            yield from (clip(line, 300) for line in lines[-limit:])


# -- what is run -------------------------------------------------------------------------------------------


async def _plan_to_run(call: Call, plan: str, prompt: str, files: list[str], root: Path) -> Plan:
    """The stored plan that is to run; one of a file or of a prompt is stored first, once for a call."""
    from claude_orchestrator.plans.store import PlanStore

    store = PlanStore(await call.db())
    if bool(plan) == bool(prompt):
        raise ToolError("run_start: give either plan (p3, or the path of a plan file) or prompt")
    if stored := call.forms.memory.get("plan"):
        return await store.load(stored)
    if prompt:
        new = _one_task(prompt, files, root)
    elif plan.endswith((".yaml", ".yml")):
        new = _from_file(root, plan)
    else:
        return await store.load(plan)
    saved = await store.save(new)
    call.forms.memory["plan"] = saved.id
    return saved


def _one_task(prompt: str, files: list[str], root: Path) -> Plan:
    """A plan of one task; files that are named and not there are what it makes. Raises ToolError for a mistake."""
    from claude_orchestrator.plans.files import check_data
    from claude_orchestrator.plans.patterns import WILDCARD
    from claude_orchestrator.telling.words import clip

    task: dict[str, Any] = {"id": "task", "title": clip(prompt, 80), "prompt": prompt, "files": files}
    task["creates"] = [name for name in files if not WILDCARD.search(name) and not (root / name).exists()]
    plan, problems = check_data({"goal": clip(prompt, 200), "phases": [{"id": "work", "tasks": [task]}]})
    if plan is None:
        raise ToolError(f"run_start: {'; '.join(f'{each.message}. {each.hint}' for each in problems[:10])}")
    return plan


def _from_file(root: Path, name: str) -> Plan:
    from claude_orchestrator.plans.files import check_plan, load_plan

    path = (root / name).resolve()
    if not path.is_relative_to(root):
        raise ToolError(f"{name} is not in {root}: give a plan file of the repository, or the id of a stored plan")
    if problems := check_plan(path):
        said = "\n".join(problem.format() for problem in problems[:10])
        raise ToolError(f"{path.name} is not a plan that can be run, {len(problems)} problems:\n{said}")
    return load_plan(path)


def _choice(agent: str, model: str) -> Choice | None:
    from claude_orchestrator.plans.models import Choice

    return Choice(agent=agent, model=model or None) if agent or model else None
