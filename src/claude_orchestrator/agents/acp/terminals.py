"""The commands that an ACP agent has us run: started after leave was given, watched, killed, journaled."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.agents.base import Answer, Assignment, Host, Result
from claude_orchestrator.agents.performing import environment
from claude_orchestrator.safety.operations import Operation
from claude_orchestrator.workspace import process

_SHOWN: Final = 1_000_000
"""Bytes of output that an agent gets at once when it names no limit."""

_KILLED: Final = -9
_NO_PROGRAM: Final = 127


@dataclass
class Terminal:
    """One command and what it has written so far."""

    output: Path
    limit: int
    command: asyncio.Task[process.Completed]
    work: asyncio.Task[None] | None = None
    """Ends when the command has ended and is in the journal."""
    exit_code: int | None = None
    """None while it runs; negative: the signal that ended it."""

    def text(self) -> tuple[str, bool]:
        """The end of the output, at most ``limit`` bytes, and whether something of it was left out."""
        try:
            size = self.output.stat().st_size
            with self.output.open("rb") as file:
                file.seek(max(0, size - self.limit))
                data = file.read(self.limit)
        except FileNotFoundError:
            return "", False
        cut = size > self.limit
        # The first bytes may be the rest of a character.
        return data.decode(errors="ignore" if cut else "replace"), cut

    async def ended(self) -> int:
        """Wait for the end; the exit code."""
        assert self.work is not None
        await asyncio.wait({self.work})
        return _KILLED if self.exit_code is None else self.exit_code


class Terminals:
    """All terminals of one launch."""

    def __init__(self, assignment: Assignment, host: Host, lock: asyncio.Lock) -> None:
        self._assignment = assignment
        self._host = host
        self._lock = lock
        self._terminals: dict[str, Terminal] = {}
        self._started: dict[str, Operation] = {}
        self._count = 0

    def start(self, answer: Answer, limit: int | None) -> str:
        """Start what has leave; return the terminal's id."""
        self._count += 1
        name = f"terminal-{self._count}"
        output = self._assignment.folder / f"{name}.log"
        output.touch()
        running = process.run(
            answer.operation.argv,
            cwd=answer.operation.cwd,
            env=environment(),
            timeout_s=None,  # the runner watches the clock of the whole attempt
            stdout=output,
            marker=self._assignment.marker,
        )
        terminal = Terminal(output, _SHOWN if limit is None else limit, asyncio.create_task(running))
        terminal.work = asyncio.create_task(self._follow(terminal, answer))
        self._terminals[name] = terminal
        self._started[name] = answer.operation
        return name

    def get(self, name: str) -> Terminal | None:
        """The terminal of that id, unless it was released."""
        return self._terminals.get(name)

    def runs(self, name: str, operation: Operation) -> bool:
        """Whether there is or was a terminal of that id, and the command is the one in it, or the line of its shell."""
        ours = self._started.get(name)
        return ours is not None and operation.target in (ours.target, *ours.argv)

    async def kill(self, name: str) -> None:
        """Kill the command, and wait until it is gone and in the journal."""
        if (terminal := self._terminals.get(name)) is not None:
            terminal.command.cancel()
            await terminal.ended()

    async def release(self, name: str) -> None:
        """Kill the command if it still runs, and forget the terminal."""
        await self.kill(name)
        self._terminals.pop(name, None)

    async def close(self) -> None:
        """Kill all that still run."""
        for name in list(self._terminals):
            await self.release(name)

    async def _follow(self, terminal: Terminal, answer: Answer) -> None:
        """Journal what became of the command. Only the command is ever cancelled, this is not."""
        began = time.monotonic()
        await asyncio.wait({terminal.command})
        result = _result(terminal, time.monotonic() - began)
        async with self._lock:
            await self._host.record(answer, result)
        terminal.exit_code = result.exit_code


def _result(terminal: Terminal, duration_s: float) -> Result:
    if terminal.command.cancelled():
        return Result(_KILLED, terminal.text()[0][-process.TAIL_BYTES :], duration_s, output=terminal.output)
    if (error := terminal.command.exception()) is not None:
        if not isinstance(error, process.ProgramError):
            raise error
        terminal.output.write_text(f"{error}\n", encoding="utf-8")
        return Result(_NO_PROGRAM, str(error), duration_s, output=terminal.output)
    done = terminal.command.result()
    return Result(done.exit_code, done.tail, done.duration_s, done.digest, terminal.output, done.output_truncated)


def in_words(exit_code: int) -> Mapping[str, Any]:
    """An exit code in the protocol's words."""
    if exit_code >= 0:
        return {"exit_code": exit_code}
    return {"signal": signal.Signals(-exit_code).name}


def with_variables(argv: list[str], variables: list[tuple[str, str]]) -> list[str]:
    """A command with variables of its own, as one command that can be judged."""
    return ["env", *(f"{name}={value}" for name, value in variables), *argv] if variables else argv


def inside_or_named(folder: str | None, worktree: Path) -> Path:
    """The folder of a command: the worktree, or what the agent names."""
    return worktree if not folder else Path(os.path.join(worktree, folder))  # noqa: PTH118
