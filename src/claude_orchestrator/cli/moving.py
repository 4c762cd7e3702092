"""Moves runs in this process, or watches others move them, while a view shows what happens.

Ctrl-C (or SIGTERM) once pauses the runs that this process moves and stops watching the others; twice ends at
once, which loses nothing: runners go on by themselves, and the next ``resume`` adopts them.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.cli import output, report
from claude_orchestrator.cli.desk import Desk, somebody_is_there
from claude_orchestrator.cli.following import Follower
from claude_orchestrator.cli.views import View
from claude_orchestrator.config import Settings
from claude_orchestrator.errors import OrchestratorError, RepositoryError
from claude_orchestrator.orchestrator.inbox import Inbox
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.orchestrator.worker import live_movers
from claude_orchestrator.state import runs
from claude_orchestrator.state.database import Database
from claude_orchestrator.telling.documents import summary_document
from claude_orchestrator.telling.words import Row

LOOK_S: Final = 0.5
"""How often the locks of the processes that move a run are looked at: their death writes no event."""

HANDOVER_S: Final = 2.0
"""How long a run may be without a mover before we say that nobody moves it."""


async def move_runs(settings: Settings, run_ids: Sequence[str], view: View, *, as_json: bool = False) -> int:
    """Move runs as far as they can go now, show it, and sum it up; return the exit code.

    A run that another live process moves is watched, and taken over should that process die.
    """
    async with Database.open(settings.database) as db:
        mine: set[str] = set()
        desk = None
        if not as_json and somebody_is_there():
            desk = Desk(db, Inbox(db, settings, "terminal"), view, run_ids)

        async def move_one(run_id: str) -> str:
            while movers := await live_movers(db, settings.workers, run_id):
                view.note(f"{run_id} is moved by process {movers[0]}: watching")
                if (status := await until_settled(db, settings, run_id)) != "running":
                    return status
            mine.add(run_id)
            row = await runs.get(db, run_id)
            while True:
                status = await Orchestrator(require_repository(row), settings).move(run_id)
                if status != "incomplete" or desk is None or not await desk.answered(run_id):
                    return status

        moving = {run_id: asyncio.create_task(move_one(run_id), name=f"move {run_id}") for run_id in run_ids}

        async def stop() -> None:
            view.note("pausing: what runs is stopped and saved (Ctrl-C again exits at once)")
            for run_id, task in moving.items():
                if run_id not in mine:
                    task.cancel()
                elif not task.done():
                    async with db.transaction() as tx:
                        await runs.want(tx, run_id, "pause")

        return await _show(db, view, moving, stop, as_json=as_json, desk=desk)


async def watch_run(settings: Settings, run_id: str, view: View, *, as_json: bool = False) -> int:
    """Show a run until it is over, paused, or nobody moves it; return the exit code."""
    async with Database.open(settings.database) as db:
        await runs.get(db, run_id)
        watching = asyncio.create_task(until_settled(db, settings, run_id))

        async def stop() -> None:
            watching.cancel()

        return await _show(db, view, {run_id: watching}, stop, as_json=as_json)


async def until_settled(db: Database, settings: Settings, run_id: str) -> str:
    """Wait until a run is no longer running, or nobody moves it (the status is ``running`` then)."""
    moved_at = time.monotonic()
    while True:
        revision = db.revision
        status = str((await runs.get(db, run_id))["status"])
        if status != "running":
            return status
        if await live_movers(db, settings.workers, run_id):
            moved_at = time.monotonic()
        elif time.monotonic() - moved_at > HANDOVER_S:
            return status
        await db.changed(revision, LOOK_S)


def has_repository(run: Row) -> bool:
    """Whether the run's repository is still where it was."""
    return Path(run["git_dir"]).is_dir() and Path(run["repository"]).is_dir()


def require_repository(run: Row) -> Path:
    """The folder of the run's repository. Raises RepositoryError when it is gone."""
    if not has_repository(run):
        raise RepositoryError(
            f"the repository {run['repository']} of {run['id']} is gone: put it back, or give the run up with"
            f" '{output.program()} cancel {run['id']}'"
        )
    return Path(run["repository"])


async def _show(
    db: Database,
    view: View,
    tasks: Mapping[str, asyncio.Task[str]],
    stop: Callable[[], Coroutine[Any, Any, None]],
    *,
    as_json: bool,
    desk: Desk | None = None,
) -> int:
    """Feed the view until all tasks are done, then print the summary; return the exit code."""
    follower = Follower(db, list(tasks), view)
    over = asyncio.gather(*tasks.values(), return_exceptions=True)
    serving: list[asyncio.Task[None]] = []
    try:
        with _interrupts(stop, view):
            await follower.catch_up()
            view.open()
            if desk is not None:
                serving.append(asyncio.create_task(desk.serve(), name="desk"))
            await follower.follow(over)
    finally:
        for one in serving:
            one.cancel()
        await asyncio.gather(*serving, return_exceptions=True)
        view.close()
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
    for run_id, task in tasks.items():
        await _sum_up(db, follower, run_id, nobody=_is_running(task), as_json=as_json)
    return max(_exit_code(task) for task in tasks.values())


async def _sum_up(db: Database, follower: Follower, run_id: str, *, nobody: bool, as_json: bool) -> None:
    progress, story = await runs.progress(db, run_id), follower.stories[run_id]
    if as_json:
        output.say_json({"type": "summary", **summary_document(progress, story)}, lines=True)
        return
    output.say("", *report.run_lines(progress, story, time.time()), *report.next_lines(progress, nobody=nobody))


def _is_running(task: asyncio.Task[str]) -> bool:
    """Whether a task ended although its run has not: nobody moves it now."""
    return not task.cancelled() and (task.exception() is not None or task.result() == "running")


def _exit_code(task: asyncio.Task[str]) -> int:
    if task.cancelled():
        return output.INTERRUPTED
    error = task.exception()
    if error is None:
        return output.COMPLETED if task.result() == "completed" else output.NOT_COMPLETED
    if not isinstance(error, (OrchestratorError, OSError)):
        raise error
    output.complain(str(error))
    return output.NOT_COMPLETED


@contextmanager
def _interrupts(stop: Callable[[], Coroutine[Any, Any, None]], view: View) -> Iterator[None]:
    """Within the block the first SIGINT or SIGTERM calls ``stop``, the second ends the process."""
    loop = asyncio.get_running_loop()
    stopping: list[asyncio.Task[None]] = []

    def interrupted() -> None:
        if stopping:
            view.close()
            os._exit(output.INTERRUPTED)
        stopping.append(asyncio.ensure_future(_said(stop(), view)))

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, interrupted)
    try:
        with _ctrl_c_for_us_alone():
            yield
    finally:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)


@contextmanager
def _ctrl_c_for_us_alone() -> Iterator[None]:
    """Within the block, programs that we start are deaf to SIGINT.

    A terminal sends it to its whole process group, and git, killed halfway, would look like a failed attempt.
    Children inherit the signal mask of the thread that starts them, which is the main thread; the signal is taken
    by a thread that does nothing else.
    """
    over = threading.Event()
    threading.Thread(target=over.wait, name="ctrl-c", daemon=True).start()
    signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT])
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGINT])
        over.set()


async def _said(stopping: Coroutine[Any, Any, None], view: View) -> None:
    try:
        await stopping
    except OrchestratorError as error:
        view.note(f"cannot pause: {error} (Ctrl-C again exits at once; nothing is lost)")
