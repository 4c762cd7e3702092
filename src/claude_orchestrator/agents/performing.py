"""How an operation that has leave is performed."""

from __future__ import annotations

import asyncio
import os
import shutil
import sys
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final, TypeVar

from claude_orchestrator.agents.base import Assignment, Result
from claude_orchestrator.errors import AgentError
from claude_orchestrator.safety.operations import Kind, Operation
from claude_orchestrator.workspace import process

T = TypeVar("T")

LARGEST_FILE: Final = 10_000_000
"""Bytes of a file that an agent may read at once."""


async def to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Await ``work`` also through a cancellation, which is passed on when the work is done."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task})
        raise


async def perform(
    operation: Operation, assignment: Assignment, number: int, *, timeout_s: float | None = None
) -> Result:
    """Perform one operation; ``number`` (from 1, within the launch) names its output file.

    A command is killed after ``timeout_s`` seconds; None: the runner watches the clock of the whole attempt.

    An operation on files does not wait for anything, so it happens wholly or not at all when the agent is
    cancelled; a command that is cancelled is killed with its whole process tree. Raises ProgramError when a
    command's program is missing.
    """
    if operation.kind == "run":
        return await _run(operation, assignment, number, timeout_s)
    started = time.monotonic()
    try:
        _ON_FILES[operation.kind](operation)
    except (OSError, ValueError, AgentError) as error:
        return Result(1, f"{operation.kind} {operation.target}: {error}", time.monotonic() - started)
    return Result(0, "", time.monotonic() - started)


async def _run(operation: Operation, assignment: Assignment, number: int, timeout_s: float | None) -> Result:
    output = assignment.folder / f"operation-{number}.log"
    completed = await process.run(
        operation.argv,
        cwd=operation.cwd,
        env=environment(),
        timeout_s=timeout_s,
        stdout=output,
        marker=assignment.marker,
    )
    return Result(
        exit_code=completed.exit_code,
        tail=completed.tail,
        duration_s=completed.duration_s,
        digest=completed.digest,
        output=output,
        truncated=completed.output_truncated,
    )


def environment() -> dict[str, str]:
    """The environment of an agent's commands: ours, scrubbed.

    The tools installed beside us (ruff, pytest, …) are found, but last: the user's come first.
    """
    env = process.agent_environment()
    return {**env, "PATH": os.pathsep.join([env.get("PATH", os.defpath), str(Path(sys.executable).parent)])}


def read_text(place: Path) -> str:
    """The text of a plain file. Raises OSError or ValueError."""
    if place.exists() and not place.is_file():
        raise ValueError("this is no file")
    if place.stat().st_size > LARGEST_FILE:
        raise ValueError(f"it has more than {LARGEST_FILE // 1_000_000} MB: read it in parts, with a command")
    return place.read_bytes().decode(errors="replace")


def _write(operation: Operation) -> None:
    place = _regular(operation.place())
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(operation.content.encode())


def _regular(place: Path) -> Path:
    """The path, unless something is there that is no plain file: opening a pipe would wait for ever."""
    if place.exists() and not place.is_file():
        raise AgentError("this is no file")
    return place


def _replace(operation: Operation) -> None:
    place = _regular(operation.place())
    before = place.read_bytes()
    old, new = operation.old.encode(), operation.content.encode()
    found = before.count(old)
    if found != operation.count:
        raise AgentError(f"the text to replace is there {found} times, not {operation.count}")
    place.write_bytes(before.replace(old, new))


def _delete(operation: Operation) -> None:
    place = operation.place()
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place)
    else:
        place.unlink()


def _report(_: Operation) -> None:
    """Nothing happens: the text is the operation."""


_ON_FILES: Final[dict[Kind, Callable[[Operation], None]]] = {
    "write": _write,
    "replace": _replace,
    "delete": _delete,
    "report": _report,
}
