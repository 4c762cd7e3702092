"""Repositories, plans and runs for tests of the engine, and looks at what became of them."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.state import events, runs
from claude_orchestrator.state.database import Database


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


def script(task_id: str, *operations: dict[str, Any], files: list[str] | None = None, **more: Any) -> dict[str, Any]:
    task = {"id": task_id, "title": task_id, "checks": [], "files": files or [f"{task_id}.txt"], **more}
    return task if "attempts" in more else {**task, "operations": list(operations)}


def write(path: str, content: str = "x\n") -> dict[str, Any]:
    return {"write": path, "content": content}


def a_plan(*phases: list[dict[str, Any]]) -> Plan:
    return Plan.model_validate(
        {
            "goal": "test",
            "phases": [{"id": f"phase-{n}", "title": f"phase {n}", "tasks": tasks} for n, tasks in enumerate(phases)],
        }
    )


def run(project: Path, settings: Settings, plan: Plan, **options: Any) -> str:
    return asyncio.run(Orchestrator(project, settings).run(plan, **options))


async def journal(settings: Settings) -> list[dict[str, Any]]:
    async with Database.open(settings.database) as db:
        return await events.after(db, 0, limit=100_000)


def kinds(settings: Settings) -> list[str]:
    return [event["kind"] for event in asyncio.run(journal(settings))]


def task_rows(settings: Settings) -> dict[str, dict[str, Any]]:
    async def read() -> dict[str, dict[str, Any]]:
        async with Database.open(settings.database) as db:
            return {row["id"]: row for row in (await runs.progress(db, "r1"))["tasks"]}

    return asyncio.run(read())


def make_project(folder: Path) -> Path:
    """A repository with one commit: a module, its test, and a file that nobody minds."""
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "calc.py").write_text("def add(a: int, b: int) -> int:\n    return a + b\n")
    (folder / "test_calc.py").write_text(
        "from calc import add\n\n\ndef test_add() -> None:\n    assert add(1, 2) == 3\n"
    )
    (folder / "shared.txt").write_text("base\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=base")
    return folder


async def until(db: Database, condition: Callable[[], Awaitable[bool]]) -> None:
    """Wait for what the database or the file system will show."""
    async with asyncio.timeout(30):
        while not await condition():
            await db.changed(db.revision, 0.05)


async def saw(db: Database, kind: str, target: str = "") -> bool:
    found = await events.after(db, 0, limit=10_000)
    return any(event["kind"] == kind and target in event["data"].get("target", "") for event in found)


async def want(db: Database, run_id: str, intent: str) -> None:
    async with db.transaction() as tx:
        await runs.want(tx, run_id, intent)


def kept(project: Path, attempt: str, path: str) -> str:
    return git(project, "show", f"refs/orchestrator/attempts/{attempt}:{path}")


def failures(settings: Settings) -> list[str]:
    """Why attempts have failed."""
    return [
        event["data"]["reason"] for event in asyncio.run(journal(settings)) if event["kind"] == "task.attempt_failed"
    ]
