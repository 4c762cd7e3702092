"""The script agent: does a list of operations, one after the other. It needs no model."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Coroutine, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar, get_args

from claude_orchestrator.agents.base import Assignment, Host, Outcome, Result
from claude_orchestrator.agents.performing import perform
from claude_orchestrator.errors import AgentError
from claude_orchestrator.safety.operations import Kind, Operation, Verdict

T = TypeVar("T")


@dataclass(frozen=True)
class Line:
    """One line of a script: an operation, and whether a command may exit with something other than 0."""

    operation: Operation
    may_fail: bool = False


@dataclass
class Progress:
    """How far a script has come; as JSON, the resume token.

    A line counts as done once its effect is in the journal. What a line that was interrupted has left is
    undone by going back to ``tree``, so no line is repeated on top of itself and none is lost.
    """

    tree: str
    """The worktree after the last line that is done."""
    done: int = 0
    """Number of lines that are done."""
    report: str = ""
    """What the script has reported so far."""


class ScriptAgent:
    """Performs ``options["operations"]``, or the list in ``options["attempts"]`` that is for this attempt."""

    name = "script"
    resumable = True

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        """Do all lines. The first that is refused or fails ends the attempt."""
        lines = script_of(assignment)
        progress = await _to_the_end(_start(assignment, host))
        try:
            for line in lines[progress.done :]:
                if failure := await _do(line, progress, assignment, host):
                    return Outcome("failed", failure, progress.report)
        except asyncio.CancelledError:
            await host.restore(progress.tree)
            detail = f"interrupted after {progress.done} of {len(lines)} operations"
            return Outcome("interrupted", detail, progress.report, resume=asdict(progress))
        return Outcome("finished", f"{len(lines)} operations done", progress.report)


async def _start(assignment: Assignment, host: Host) -> Progress:
    if assignment.resume is None:
        return Progress(tree=await host.tree())
    progress = Progress(**assignment.resume)
    await host.restore(progress.tree)
    return progress


async def _do(line: Line, progress: Progress, assignment: Assignment, host: Host) -> str:
    """Do one line; return why the attempt has failed, or an empty text. Only a command can be interrupted."""
    operation = line.operation
    number = progress.done + 1
    verdict = await _to_the_end(host.ask(operation))
    if not verdict.allowed:
        return (
            f"operation {number} ({operation.kind} {operation.target}) was refused: {verdict.reason} [{verdict.rule}]"
        )
    if operation.kind == "report":
        await host.progress(operation.target)
    result = await perform(operation, assignment, number)
    await _to_the_end(_advance(line, verdict, result, progress, host))
    if result.exit_code == 0 or line.may_fail:
        return ""
    if operation.kind == "run":
        return f"operation {number} (run {operation.target}) exited with {result.exit_code}:\n{result.tail}"
    return f"operation {number} failed: {result.tail}"


async def _advance(line: Line, verdict: Verdict, result: Result, progress: Progress, host: Host) -> None:
    progress.tree = await host.record(line.operation, verdict, result)
    progress.done += 1
    if line.operation.kind == "report":
        progress.report = f"{progress.report}\n{line.operation.target}".strip()


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` also through a cancellation, which is passed on when the work is done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


def script_of(assignment: Assignment) -> list[Line]:
    """The lines for this attempt; the last list that ``attempts`` has serves all later attempts.

    Raises AgentError when the assignment has no script, or one that cannot be read.
    """
    operations = assignment.options.get("operations")
    attempts = {int(number): listed for number, listed in (assignment.options.get("attempts") or {}).items()}
    if reached := [number for number in attempts if number <= assignment.number]:
        operations = attempts[max(reached)]
    if operations is None:
        raise AgentError(f"task '{assignment.task_id}' has no script: give it 'operations' or 'attempts'")
    return [_line(values, assignment.worktree) for values in operations]


def _line(values: Mapping[str, Any], worktree: Path) -> Line:
    kind = next((verb for verb in get_args(Kind) if values.get(verb) is not None), None)
    try:
        if kind == "run":
            command = values["run"]
            argv = ["/bin/sh", "-c", command] if isinstance(command, str) else list(command)
            target = command if isinstance(command, str) else shlex.join(argv)
            return Line(Operation("run", worktree, target, argv=tuple(argv)), may_fail=values.get("may_fail", False))
        if kind == "replace":
            change = {"content": values["new"], "old": values["old"], "count": values.get("count", 1)}
            return Line(Operation("replace", worktree, values["replace"], **change))
        if kind == "write":
            return Line(Operation("write", worktree, values["write"], content=values["content"]))
        if kind is not None:
            return Line(Operation(kind, worktree, values[kind]))
    except KeyError as error:
        raise AgentError(f"the operation {dict(values)} lacks {error}: correct the plan") from error
    raise AgentError(f"the operation {dict(values)} has no verb: use one of {', '.join(get_args(Kind))}")
