"""The whole way of a task: worktree, runner process, one written file, verifier process, merge; no checks."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans.models import Plan

TASKS = 20


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """Seconds per task, one at a time and three at once."""
    project = repository(folder / "project")
    for limit in (1, 3):
        seconds = asyncio.run(_run(project, Settings(home=folder / f"home-{limit}", max_parallel=limit)))
        yield f"{TASKS} script tasks, one write, no checks, limit {limit}: s per task", f"{seconds / TASKS:.3f}"


def repository(folder: Path) -> Path:
    """A git repository with one commit."""
    folder.mkdir(parents=True)
    (folder / "README.md").write_text("base\n")
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "base"]):
        subprocess.run(["git", "-c", "user.name=b", "-c", "user.email=b@localhost", *arguments], cwd=folder, check=True)
    return folder


async def _run(project: Path, settings: Settings) -> float:
    tasks = [
        {
            "id": f"t{n}",
            "files": [f"out/{n}.txt"],
            "checks": [],
            "operations": [{"write": f"out/{n}.txt", "content": "x\n"}],
        }
        for n in range(TASKS)
    ]
    plan = Plan.model_validate({"goal": "write files", "phases": [{"id": "one", "tasks": tasks}]})
    started = time.perf_counter()
    status = await Orchestrator(project, settings).run(plan)
    if status != "completed":
        raise SystemExit(f"the run ended {status}")
    return time.perf_counter() - started
