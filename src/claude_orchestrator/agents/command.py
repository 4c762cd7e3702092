"""The command agent: any program that edits the files of the folder it is started in."""

from __future__ import annotations

import asyncio
import shlex

from claude_orchestrator.agents.base import PROMPT, Assignment, Host, Outcome
from claude_orchestrator.agents.performing import perform
from claude_orchestrator.errors import AgentError
from claude_orchestrator.safety.operations import Operation


class CommandAgent:
    """Runs ``options["command"]`` once in the worktree; its exit code decides.

    ``{prompt}``, ``{prompt_file}`` and ``{worktree}`` in the arguments are filled in.
    """

    name = "command"
    resumable = True

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        """Ask for the command, run it, and record it. While a human decides it has done nothing, and so starts over."""
        if assignment.resume:
            raise AgentError("agent 'command' cannot go on where it stopped: make a new attempt")
        argv = _argv(assignment)
        operation = Operation("run", assignment.worktree, shlex.join(argv), argv=tuple(argv))
        answer = await host.ask(operation, 1, {})
        if answer.waiting:
            return Outcome("waiting", f"{answer.gate}: {answer.refusal}", resume={})
        if not answer.allowed:
            return Outcome("failed", f"the command was refused: {answer.refusal}")
        try:
            result = await perform(answer.operation, assignment, 1)
            await host.record(answer, result)
        except asyncio.CancelledError:
            return Outcome("interrupted", "interrupted")  # nobody knows what it has done: no token
        program = answer.operation.argv[0]
        if result.exit_code != 0:
            return Outcome("failed", f"{program} exited with {result.exit_code}:\n{result.tail}")
        return Outcome("finished", f"{program} exited with 0")

    async def nudge(self, text: str) -> bool:
        """A program hears nothing."""
        return False


def _argv(assignment: Assignment) -> list[str]:
    command = assignment.options.get("command")
    if not command:
        raise AgentError(f"task '{assignment.task_id}' has no command: give it 'command'")
    # The attempt's folder, not the launch's: a launch that comes back with a human's answer must want the same command.
    prompt_file = assignment.folder.parent / PROMPT
    if not prompt_file.exists():
        prompt_file.write_text(assignment.prompt, encoding="utf-8")
    values = {
        "{prompt_file}": str(prompt_file),
        "{worktree}": str(assignment.worktree),
        "{prompt}": assignment.prompt,  # last: what the prompt says is not filled in again
    }
    return [_filled(part, values) for part in command]


def _filled(part: str, values: dict[str, str]) -> str:
    for placeholder, value in values.items():
        part = part.replace(placeholder, value)
    return part
