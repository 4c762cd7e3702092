"""The rungs of the sandbox ladder for tests, and commands behind them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from claude_orchestrator.workspace import process, walls
from claude_orchestrator.workspace.process import Completed
from claude_orchestrator.workspace.walls import Limits, Rung, Walls

PROTECTING = ("bubblewrap", "namespaces", "landlock")
SMALL = Limits(memory_bytes=400_000_000, processes=60, disk_bytes=30_000_000)


@pytest.fixture(params=[*PROTECTING, "limits"])
def rung(request: pytest.FixtureRequest) -> Rung:
    """Each rung that works on this machine."""
    found: Rung = request.param
    if not walls.works(found):
        pytest.skip(f"{found} does not work on this machine")
    return found


def behind(rung: Rung, folder: Path, *argv: str, limits: Limits = SMALL, timeout_s: float = 20.0) -> Completed:
    """Run a command that may write to ``folder/own`` only; its output is in ``folder/out``."""
    own = folder / "own"
    own.mkdir(exist_ok=True)
    wanted = Walls(rung, (own,), hidden=(Path.home(), Path("/run"), folder / "secret"), limits=limits)
    environment = process.scrubbed_environment({"TMPDIR": str(own)})
    work = process.run(argv, cwd=own, env=environment, timeout_s=timeout_s, stdout=folder / "out", walls=wanted)
    return asyncio.run(work)


def python_behind(rung: Rung, folder: Path, code: str, *arguments: str, **options: float | Limits) -> Completed:
    """Run Python code like that."""
    return behind(rung, folder, sys.executable, "-c", code, *arguments, **options)  # type: ignore[arg-type]


@contextmanager
def neighbour(**environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of ours beside the command, with variables of its own."""
    child = subprocess.Popen(["sleep", "60"], env=environment)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
