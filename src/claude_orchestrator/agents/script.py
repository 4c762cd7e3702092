"""The script agent: does a list of operations, one after the other. It needs no model."""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from claude_orchestrator.agents.base import Answer, Assignment, Host, Outcome, Result
from claude_orchestrator.agents.performing import perform, to_the_end
from claude_orchestrator.errors import AgentError
from claude_orchestrator.safety.operations import Kind, Operation
from claude_orchestrator.safety.redaction import redact


@dataclass(frozen=True)
class Line:
    """One line of a script."""

    operation: Operation
    may_fail: bool = False
    """Whether the script goes on when a command exits with something other than 0."""
    may_be_refused: bool = False
    """Whether the script goes on without the operation when it is refused."""


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
        """Do all lines. The first that is refused or fails ends the attempt, unless the line says that it may."""
        lines = script_of(assignment)
        progress = await to_the_end(_start(assignment, host))
        try:
            for line in lines[progress.done :]:
                if (ended := await _do(line, progress, assignment, host)) is not None:
                    return ended
        except asyncio.CancelledError:
            await host.restore(progress.tree)
            detail = f"interrupted after {progress.done} of {len(lines)} operations"
            return Outcome("interrupted", detail, progress.report, resume=asdict(progress))
        return Outcome("finished", f"{len(lines)} operations done", progress.report)

    async def nudge(self, text: str) -> bool:
        """A script hears nothing."""
        return False


async def _start(assignment: Assignment, host: Host) -> Progress:
    if assignment.resume is None:
        return Progress(tree=await host.tree())
    progress = Progress(**assignment.resume)
    await host.restore(progress.tree)
    return progress


async def _do(line: Line, progress: Progress, assignment: Assignment, host: Host) -> Outcome | None:
    """Do one line; return how the launch ends here, or None to go on. Only a command can be interrupted."""
    number = progress.done + 1
    answer = await to_the_end(host.ask(line.operation, number, asdict(progress)))
    if answer.waiting:
        detail = f"operation {number} waits for {answer.gate}: {answer.refusal}"
        return Outcome("waiting", detail, progress.report, resume=asdict(progress))
    operation = answer.operation
    if not answer.allowed:
        return _refused(line, answer, progress)
    if operation.kind == "report":
        await host.progress(operation.target)
    result = await perform(operation, assignment, number)
    await to_the_end(_advance(answer, result, progress, host))
    if result.exit_code == 0 or line.may_fail:
        return None
    if operation.kind == "run":
        failure = f"operation {number} (run {operation.target}) exited with {result.exit_code}:\n{result.tail}"
    else:
        failure = f"operation {number} failed: {result.tail}"
    return Outcome("failed", failure, progress.report)


def _refused(line: Line, answer: Answer, progress: Progress) -> Outcome | None:
    number, operation = progress.done + 1, line.operation
    if line.may_be_refused:
        progress.done += 1
        return None
    detail = f"operation {number} ({operation.kind} {operation.target}) was refused: {answer.refusal}"
    return Outcome("failed", detail, progress.report)


async def _advance(answer: Answer, result: Result, progress: Progress, host: Host) -> None:
    progress.tree = await host.record(answer, result)
    progress.done += 1
    if answer.operation.kind == "report":
        progress.report = f"{progress.report}\n{redact(answer.operation.target)}".strip()


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
    flags = {name: bool(values.get(name, False)) for name in ("may_fail", "may_be_refused")}
    return Line(_operation(values, worktree), **flags)


def _operation(values: Mapping[str, Any], worktree: Path) -> Operation:
    kind = next((verb for verb in get_args(Kind) if values.get(verb) is not None), None)
    try:
        if kind == "run":
            return command(values["run"], worktree)
        if kind == "replace":
            change = {"content": values["new"], "old": values["old"], "count": values.get("count", 1)}
            return Operation("replace", worktree, values["replace"], **change)
        if kind == "write":
            return Operation("write", worktree, values["write"], content=values["content"])
        if kind is not None:
            return Operation(kind, worktree, values[kind])
    except KeyError as error:
        raise AgentError(f"the operation {dict(values)} lacks {error}: correct the plan") from error
    raise AgentError(f"the operation {dict(values)} has no verb: use one of {', '.join(get_args(Kind))}")


def command(line: str | list[str], worktree: Path) -> Operation:
    """A command in a worktree: a list of arguments, or one line for the shell."""
    if isinstance(line, str):
        return Operation("run", worktree, line, argv=("/bin/sh", "-c", line))
    return Operation("run", worktree, shlex.join(line), argv=tuple(line))
