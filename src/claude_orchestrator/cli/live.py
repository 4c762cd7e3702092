"""The live picture of moving runs on a terminal, with rich. Rendering is a pure function of what it is given."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.table import Table
from rich.text import Text

from claude_orchestrator.cli import output
from claude_orchestrator.cli.output import program
from claude_orchestrator.cli.views import Progress
from claude_orchestrator.telling.standing import agent_words, briefly, used
from claude_orchestrator.telling.words import COLOURS, MARKS, Row, Story, clock, doing, duration

RECENT = 8
"""How many of the latest events are shown under the tasks."""

_ACTIVE = ("delegated", "in_progress", "verifying")
_RANK = {"failed": 1, "escalated": 1, "waiting": 1, "pending": 2, "completed": 3, "cancelled": 4}


class LiveView:
    """Phases, tasks, what each is doing, elapsed time, and the latest events; redrawn in place."""

    tick_s: float | None = 1.0

    def __init__(self, console: Console | None = None) -> None:
        self._console = console or Console(highlight=False)
        self._live = Live(console=self._console, auto_refresh=False, vertical_overflow="crop", transient=True)
        self._recent: deque[tuple[float, str]] = deque(maxlen=RECENT)
        self._held = False
        self._last: tuple[list[Progress], dict[str, Story]] | None = None

    def open(self) -> None:
        """Start to draw, or go on."""
        self._held = False
        self._live.start()

    def tell(self, event: Row, line: str | None, *, is_news: bool) -> None:
        """Keep the line among the latest events."""
        if line is not None:
            self._recent.append((event["at"], line))

    def show(self, progress: list[Progress], stories: dict[str, Story]) -> None:
        """Draw."""
        self._last = (progress, stories)
        if self._held:
            return
        now = time.time()
        self._live.update(render(progress, stories, self._recent, now, self._console.height), refresh=True)

    def hold(self) -> None:
        """Take the picture away until it is opened again; what happens meanwhile is kept for then."""
        self._held = True
        self._live.stop()

    def note(self, line: str) -> None:
        """Keep the line among the latest events, and draw at once."""
        self._recent.append((time.time(), line))
        if self._held:
            output.say("", f"    {line}")
        elif self._last is not None:
            self.show(*self._last)

    def close(self) -> None:
        """Take the picture away, for the summary that follows, and give the cursor back."""
        self._live.stop()


def render(
    progress: Sequence[Progress],
    stories: dict[str, Story],
    recent: Sequence[tuple[float, str]],
    now: float,
    height: int,
) -> RenderableType:
    """The picture at time ``now``, at most about ``height`` lines high: tasks that matter less are left out first."""
    events = list(recent)[-RECENT:] if height > 24 else list(recent)[-3:]
    room = max(3, (height - len(events) - 2) // max(1, len(progress)) - 3)
    parts: list[RenderableType] = []
    for one in progress:
        parts.append(_title(one, now))
        parts.append(_tasks(one, stories[one["run"]["id"]], now, room))
    if events:
        parts.append(Text())
        parts += [_line(f"{clock(at)} {line}", "dim") for at, line in events]
    return Group(*parts)


def _title(progress: Progress, now: float) -> Text:
    run, tasks = progress["run"], progress["tasks"]
    completed = sum(task["status"] == "completed" for task in tasks)
    title = Text(no_wrap=True, overflow="ellipsis")
    title.append(run["id"], "bold")
    title.append(f" {run['status']}", COLOURS.get(run["status"], ""))
    elapsed = duration((run["finished_at"] or now) - run["created_at"])
    title.append(f"  {completed}/{len(tasks)} tasks  {elapsed}  ")
    if progress["cost"]["calls"]:
        title.append(f"{used(progress['cost'])}  ", "dim")
    title.append(run["goal"], "bold")
    if run["intent"] != "run" and run["status"] == "running":
        title.append(f"  ({run['intent']} asked for)", "yellow")
    return title


def _tasks(progress: Progress, story: Story, now: float, room: int) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True, min_width=16)
    table.add_column(no_wrap=True, style="dim", min_width=9)
    table.add_column(no_wrap=True, style="dim", min_width=8, justify="right")
    table.add_column(no_wrap=True, style="dim")
    table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    chosen, left_out = choose_tasks(progress["tasks"], room - len(progress["phases"]))
    for phase in progress["phases"]:
        of_phase = [task for task in progress["tasks"] if task["phase_id"] == phase["id"]]
        done = sum(task["status"] == "completed" for task in of_phase)
        table.add_row(
            _line(f" {phase['id']}", "bold"), f"{done}/{len(of_phase)}", "", "", _line(phase["title"], "bold")
        )
        for task in of_phase:
            if task["id"] in chosen:
                table.add_row(*_task(task, story, progress, now))
    if left_out:
        table.add_row("", "", "", "", _line(f"… and {left_out} more tasks", "dim"))
    return table


def _task(task: Row, story: Story, progress: Progress, now: float) -> tuple[RenderableType, ...]:
    status = task["status"]
    name = Text(f"  {MARKS.get(status, ' ')} ", COLOURS.get(status, ""), no_wrap=True)
    name.append(task["id"], "default")
    number = f"attempt {task['number']}" if task["number"] and status != "pending" else ""
    elapsed = duration(now - task["started_at"]) if status in _ACTIVE and task["started_at"] else ""
    about = doing(task, story, now)
    if gate := next((gate for gate in progress["gates"] if gate["task_id"] == task["id"]), None):
        about = f"{gate['id']}: {program()} approve|deny {gate['id']}  {about}"
    line = _line(about, COLOURS.get(status, "") if status not in _ACTIVE else "")
    if words := agent_words(task, None, story):
        line.append(f"  {words}", "dim")
    usage = progress["usage"].get(task["id"])
    return name, number, elapsed, briefly(usage) if usage else "", line


def choose_tasks(tasks: Sequence[Row], room: int) -> tuple[set[Any], int]:
    """The ids of the tasks to show in ``room`` lines, and how many are left out.

    Active tasks come first, then those that need a human, then those to come, then the latest completed.
    """
    if len(tasks) <= room:
        return {task["id"] for task in tasks}, 0

    def rank(task: Row) -> tuple[int, float]:
        order = 0 if task["status"] in _ACTIVE else _RANK.get(task["status"], 2)
        return order, -(task["finished_at"] or 0.0)

    kept = max(1, room - 1)
    return {task["id"] for task in sorted(tasks, key=rank)[:kept]}, len(tasks) - kept


def _line(text: str, style: str) -> Text:
    return Text(" ".join(text.split()) if not text.startswith(" ") else text, style, no_wrap=True, overflow="ellipsis")
