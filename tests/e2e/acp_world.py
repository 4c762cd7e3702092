"""Launches of the scripted ACP agent, each with its script, through the real runner."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import process_world
from policy_world import write_policy
from test_agent_gates import World, run

from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.state.database import Database, Row

AGENT = Path(__file__).parents[1] / "scripted" / "acp_agent.py"
DANGEROUS = {"kind": "execute", "title": "clean up", "raw": {"command": "rm -rf ~"}}
"""A text: it is judged, and nobody executes it."""


class AcpWorld(World):
    """A worktree, a script for the agent, and what the agent says that it has seen."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        write_policy(self.policy, safe=(), commands=[("sleep", "*"), ("no-such-program", "*")])
        self.script = root / "script.json"

    def launch(self, *turns: list[dict[str, Any]], **other: Any) -> LaunchFolder:
        """A launch of the agent with these turns; ``made`` is how it is made (one that can go on with a session)."""
        made = other.pop("made", {"load": True})
        self.script.write_text(json.dumps({"turns": list(turns), **made}))
        return self.again(**other)

    def again(self, **other: Any) -> LaunchFolder:
        """Another launch with the script that there is."""
        return self.new({"command": [sys.executable, str(AGENT), str(self.script)]}, agent="acp", **other)

    def work(self, *turns: list[dict[str, Any]], **other: Any) -> Outcome:
        """A launch, run in this process to its end."""
        return run(self.launch(*turns, **other))

    def seen(self, *names: str) -> list[dict[str, Any]]:
        """What the agent has written down, in order: all of it, or the entries that have one of the names."""
        log = self.script.with_name(f"{self.script.name}.log")
        entries = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [entry for entry in entries if not names or any(name in entry for name in names)]

    def costs(self) -> list[Row]:
        """The rows of what was spent, in order."""

        async def read(db: Database) -> list[Row]:
            return await db.fetch_all("SELECT * FROM cost ORDER BY rowid")

        return self.now(read)

    def remembered(self) -> dict[str, Any]:
        """The token with which a launch would go on after the death of the latest."""

        async def read(db: Database) -> Row | None:
            return await db.fetch_one("SELECT remembered FROM attempt WHERE id = :id", {"id": self.attempt_id})

        row = self.now(read)
        assert row
        token: dict[str, Any] = json.loads(row["remembered"])
        return token

    def with_attempt(self) -> AcpWorld:
        """The row of the attempt, for launches that remember."""

        async def write(db: Database) -> None:
            async with db.transaction() as tx:
                await tx.execute(
                    "INSERT INTO attempt (id, run_id, task_id, number, status, started_at)"
                    f" VALUES ('{self.attempt_id}', 'run', 'task', 1, 'running', 0)"
                )

        self.now(write)
        return self


def wait_for(what: Callable[[], Any]) -> Any:
    """As ``process_world.wait_for``, with patience for a machine on which several real agents start at once."""
    return process_world.wait_for(what, 90.0)


def in_background(launch: LaunchFolder) -> LaunchFolder:
    """Start a runner in a process of its own."""
    launch.spawn()
    return launch


def ask(command: str, do: str = "", **more: Any) -> dict[str, Any]:
    """A step: the agent asks for leave to run a command, and with it does ``do``."""
    return {
        "ask": {"kind": "execute", "title": command, "raw": {"command": command}},
        "do": {"sh": do or command},
        **more,
    }


def patiently(what: Any) -> Any:
    """Run a coroutine, for ten seconds at most."""

    async def bounded() -> Any:
        async with asyncio.timeout(10):
            return await what

    return asyncio.run(bounded())
