"""A user's world with the real Claude Code client in it, and a scripted model at its other end."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from acceptance import cli_world
from acceptance.cli_world import PATIENCE_S
from scripted.messages_api import Block, MessagesApi, Script, tool

from claude_orchestrator.workspace import process_table

KEY = "sk-ant-api03-scripted-key-of-nobody"
_OF_OTHER_SESSIONS = ("ANTHROPIC", "CLAUDE", "AWS_", "GOOGLE_")


class World(cli_world.World):
    """The command as a user runs it, whose agents are the real client; ``api`` is what the client speaks to."""

    patience_s = 150.0

    def __init__(self, folder: Path, script: Script) -> None:
        super().__init__(folder)
        self.user = folder / "user"
        self.user.mkdir()
        self.api = MessagesApi(script)
        self.more: dict[str, str] = {}

    def environment(self, **more: str) -> dict[str, str]:
        """A home with nothing in it, and nothing of a session that these tests may run in."""
        mine = {name: value for name, value in super().environment().items() if name.startswith("CLAUDE_ORCHESTRATOR")}
        clean = {name: value for name, value in os.environ.items() if not name.startswith(_OF_OTHER_SESSIONS)}
        return {
            **clean,
            **mine,
            "HOME": str(self.user),
            "PYTHONUNBUFFERED": "1",
            "ANTHROPIC_BASE_URL": self.api.url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "1",
            "CLAUDE_ORCHESTRATOR_RETRY_BASE_S": "0.05",
            "CLAUDE_ORCHESTRATOR_RETRY_CAP_S": "0.1",
            **self.more,
            **more,
        }

    def asked(self, task_id: str = "t1", **more: Any) -> dict[str, Any]:
        """A task for the agent ``claude``; its prompt names it."""
        prompt = f"[{task_id}] Write {task_id}.txt."
        task = {"id": task_id, "prompt": prompt, "files": [f"{task_id}.txt"], "checks": [], "max_attempts": 1}
        return {**task, "agent": "claude", **more}

    # -- what has happened -----------------------------------------------------------------------

    def rows(self, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the database."""
        path = next(self.home.glob("*.db"))
        with closing(sqlite3.connect(path, timeout=PATIENCE_S)) as db:
            db.row_factory = sqlite3.Row
            return [dict(row) for row in db.execute(query, values)]

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of all events of a kind."""
        return [
            json.loads(row["data"]) for row in self.rows("SELECT data FROM event WHERE kind = ? ORDER BY rowid", kind)
        ]

    def wait_until(self, look: Callable[[], Any]) -> Any:
        """Look at the database, or a file, until there is something to see."""
        deadline = time.monotonic() + self.patience_s
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.02)
        raise AssertionError("it never came to that")

    def processes(self) -> list[int]:
        """The processes of this world's attempts, by the marker in their environments."""
        return [pid for folder in self.home.glob("attempts/*") for pid in process_table.marked(_marker(folder))]

    def close(self) -> None:
        """End what is left of our own; a script's failed asserts are the test's."""
        super().close()
        self.api.__exit__()
        if self.api.errors:
            raise self.api.errors[0]


def _marker(folder: Path) -> str:
    from claude_orchestrator.agents.base import marker_of

    return marker_of(folder)


def writes(name: str, content: str = "done\n", call: str = "") -> Block:
    """A call that writes a file of the worktree."""
    return tool("Write", call or f"w_{name.replace('.', '_')}", file_path=name, content=content)


def runs(command: str, call: str) -> Block:
    """A call that runs a command."""
    return tool("Bash", call, command=command, description="a step")
