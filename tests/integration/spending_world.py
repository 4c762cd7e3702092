"""Runs whose agents do nothing but spend money, and the two programs that they are made of.

    python spending_world.py move PROJECT RUN     moves a run
    python spending_world.py hold FOLDER          holds one launch; its agent spends what its prompt says

A prompt says ``SPEND {"calls": 40, "least": 0.02, "most": 0.1, "deaf": false}``: so many calls, of a price
between these two.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import re
import sqlite3
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from claude_orchestrator.agents import base, folder, runner
from claude_orchestrator.agents.base import Assignment, Host, Outcome
from claude_orchestrator.config import Settings, load_settings
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans.models import Plan


class SpendingAgent:
    """Stands where Claude Code would; its session is the number of calls made so far."""

    name = "claude"
    resumable = True

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        found = re.search(r"SPEND (\{.*?\})", assignment.prompt)
        assert found
        wish = json.loads(found[1])
        made = (assignment.resume or {}).get("calls", 0)
        while made < wish["calls"]:
            made += 1
            usd = random.Random(f"{assignment.attempt_id} {made}").uniform(wish["least"], wish["most"])
            usage = Usage("anthropic", "stub", input_tokens=10, output_tokens=1, usd=usd)
            may_go_on = await host.spend(usage, f"call {made}")
            await host.remember({"calls": made})
            if not may_go_on and not wish.get("deaf"):
                fault = Fault("budget", "anthropic", "what it may spend is spent")
                return Outcome("interrupted", fault.detail, resume={"calls": made}, fault=fault)
        (assignment.worktree / f"{assignment.task_id}.txt").write_text("done\n")
        return Outcome("finished")

    async def nudge(self, text: str) -> bool:
        return False


def spending(task_id: str, *, calls: int, least: float, most: float, **more: Any) -> dict[str, Any]:
    """A task whose agent spends."""
    deaf = more.pop("deaf", False)
    wish = json.dumps({"calls": calls, "least": least, "most": most, "deaf": deaf})
    return {"id": task_id, "prompt": f"SPEND {wish}", "files": [f"{task_id}.txt"], "checks": [], **more}


def start(project: Path, settings: Settings, tasks: list[dict[str, Any]], budget: float | None = None) -> str:
    """Create a run of spending tasks; return its id."""
    plan = Plan.model_validate({"goal": "spend", "budget": budget, "phases": [{"id": "one", "tasks": tasks}]})
    return asyncio.run(Orchestrator(project, settings).start(plan))


def mover(project: Path, settings: Settings, run_id: str) -> subprocess.Popen[bytes]:
    """Start a process that moves the run."""
    names = ("home", "max_parallel", "attempt_budget", "retry_base_s", "retry_cap_s")
    own = {f"CLAUDE_ORCHESTRATOR_{name.upper()}": str(getattr(settings, name)) for name in names}
    return subprocess.Popen(
        [sys.executable, __file__, "move", str(project), run_id],
        env={**os.environ, **own},
        stdin=subprocess.DEVNULL,
    )


def rows(settings: Settings, sql: str) -> list[tuple[Any, ...]]:
    connection = sqlite3.connect(settings.database)
    try:
        return connection.execute(sql).fetchall()
    finally:
        connection.close()


def use_spending_agents() -> None:
    """Make the runners that this process starts know the agent."""

    def start_runner(command: list[str], **options: Any) -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, __file__, "hold", command[-1]], **options)

    folder.subprocess = SimpleNamespace(Popen=start_runner, DEVNULL=subprocess.DEVNULL)  # type: ignore[assignment]


def main() -> int:
    program, *arguments = sys.argv[1:]
    if program == "hold":
        base.AGENTS["claude"] = f"{Path(__file__).stem}:SpendingAgent"
        return runner.main(Path(arguments[0]))
    use_spending_agents()
    status = asyncio.run(Orchestrator(Path(arguments[0]), load_settings()).move(arguments[1]))
    return 0 if status == "completed" else 1


if __name__ == "__main__":
    sys.exit(main())
