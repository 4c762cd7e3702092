"""A run, and the list of runs, as lines of text and as JSON documents."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from typing import Any

from claude_orchestrator.cli.output import paint, program
from claude_orchestrator.telling.costs import cost_line
from claude_orchestrator.telling.standing import agent_words
from claude_orchestrator.telling.words import (
    COLOURS,
    MARKS,
    Row,
    Story,
    branch,
    clip,
    counted,
    doing,
    duration,
    moment,
    one_line,
    short,
)

_REASON_WIDTH = 160


def status_word(status: str) -> str:
    """A status in its colour."""
    return paint(status.replace("_", " "), COLOURS.get(status, "bold"))


def run_line(run: Row, *, nobody: bool) -> str:
    """One run in the list of runs; ``nobody`` says that it should move and no process moves it."""
    line = (
        f"{run['id']:<5} {status_word(run['status'])}  {run['completed']}/{run['tasks']} tasks  {clip(run['goal'], 60)}"
        f"  {paint(run['repository'], 'dim')}  {paint(moment(run['created_at']), 'dim')}"
    )
    return f"{line}\n      {nobody_line(run['id'])}" if nobody else line


def nobody_line(run_id: str) -> str:
    """What to do about a run that no process moves."""
    return f"nobody moves it: {program()} resume {run_id}"


def title_line(progress: dict[str, Any], now: float) -> str:
    """The run's id, status, count of tasks, age and goal."""
    run, tasks = progress["run"], progress["tasks"]
    completed = sum(task["status"] == "completed" for task in tasks)
    elapsed = duration((run["finished_at"] or now) - run["created_at"])
    name = f"{paint(run['id'], 'bold')} {status_word(run['status'])}"
    return f"{name}  {completed}/{len(tasks)} tasks  {elapsed}  {clip(run['goal'], _REASON_WIDTH)}"


def run_lines(progress: dict[str, Any], story: Story, now: float) -> Iterator[str]:
    """A whole run: phases with their tasks, what was refused, open gates."""
    run, tasks = progress["run"], progress["tasks"]
    yield title_line(progress, now)
    if run["reason"]:
        yield f"  {clip(run['reason'], _REASON_WIDTH)}"
    width = max((len(task["id"]) for task in tasks), default=0)
    for phase in progress["phases"]:
        yield paint(f"  {phase['id']}: {phase['title']}" if phase["title"] else f"  {phase['id']}", "bold")
        for task in tasks:
            if task["phase_id"] == phase["id"]:
                yield task_line(task, story, width, now)
                if words := agent_words(task, progress["usage"].get(task["id"]), story):
                    yield paint(f"        {words}", "dim")
                yield from _refusals(task["id"], story)
    if progress["cost"]["calls"] or progress["budget"]:
        yield f"  {cost_line(progress['cost'], progress['budget'])}"
    yield from gate_lines(progress["gates"])


def task_line(task: Row, story: Story, width: int, now: float) -> str:
    """One task: mark, id, status, attempts made, and what it is about now."""
    mark = paint(MARKS.get(task["status"], " "), COLOURS.get(task["status"], "bold"))
    made = story.attempts.get(task["id"], 0)
    tries = counted(made, "attempt") if made else ""
    words = f"{task['id']:<{width}}  {task['status'].replace('_', ' '):<11}  {tries:<10}  {_about(task, story, now)}"
    return f"    {mark} {words}".rstrip()


def _about(task: Row, story: Story, now: float) -> str:
    if task["status"] in ("escalated", "waiting"):
        return clip(task["reason"], _REASON_WIDTH)
    return clip(doing(task, story, now), _REASON_WIDTH)


def _refusals(task_id: str, story: Story) -> Iterator[str]:
    for refusal in story.refusals:
        if refusal.task_id == task_id:
            yield paint(f"        attempt {refusal.number} refused: {clip(refusal.text, _REASON_WIDTH)}", "dim")


def gate_lines(gates: Iterable[Row]) -> Iterator[str]:
    """Open gates, each with the commands that answer it."""
    for gate in gates:
        yield f"  {paint('?', 'yellow')} {gate['id']} {gate['run_id']}/{gate['task_id']} ({gate['kind']}):"
        yield f"      {one_line(gate['question'])}"
        look = f"inbox show {gate['id']}"
        if gate["kind"] == "budget":
            look = f"cost {gate['run_id']} --by task"
        elif gate["kind"] not in ("operation", "drift"):
            look = f"evidence {gate['run_id']} {gate['task_id']}"
        yield f"      look:   {program()} {look}"
        yield f"      answer: {program()} approve {gate['id']}   or   {program()} deny {gate['id']} --reason TEXT"


def next_lines(progress: dict[str, Any], *, nobody: bool) -> Iterator[str]:
    """What a person can do now with a run: go on, look at the branch, merge it."""
    run = progress["run"]
    if nobody:
        yield f"  {nobody_line(run['id'])}"
    elif run["status"] == "running":
        yield f"  {program()} watch {run['id']}"
    elif run["status"] == "paused":
        yield f"  paused; '{program()} resume {run['id']}' goes on"
    elif run["status"] == "incomplete":
        yield f"  after the answers, '{program()} resume {run['id']}' goes on"
    if any(task["merge_commit"] for task in progress["tasks"]):
        yield from branch_lines(run)


def branch_lines(run: Row) -> Iterator[str]:
    """How to look at the run's branch and how to take it over."""
    git = f"git -C {shlex.quote(run['repository'])}"
    name = branch(run["target_ref"])
    yield f"  look at the branch: {git} log --oneline {short(run['base_commit'])}..{name}"
    if run["repository"] != run["git_dir"]:  # a bare repository has no checkout to merge into
        yield f"  take it over:       {git} merge {name}"
