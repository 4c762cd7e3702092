"""Scripted providers, and one attempt of the model agent in a real worktree with a real journal."""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest
from policy_world import write_policy
from scripted.anthropic_api import AnthropicWire
from scripted.gemini_api import GeminiWire
from scripted.openai_api import ChatWire, ResponsesWire
from scripted.provider_api import ProviderApi, Script, Wire

from claude_orchestrator.agents.base import Assignment, Outcome
from claude_orchestrator.agents.journal import JournalHost
from claude_orchestrator.agents.model.agent import ModelAgent
from claude_orchestrator.state import attempts, events, gates
from claude_orchestrator.state.database import Database, Row

T = TypeVar("T")
WHY = "the extra 'models' is not installed"


@dataclass(frozen=True)
class Kind:
    """One way to reach a model."""

    wire: Wire
    model: str
    """As a plan names it."""
    variables: Mapping[str, str]
    """The environment; ``{url}`` is the scripted server."""

    @property
    def provider(self) -> str:
        return self.model.partition(":")[0]

    def environment(self, url: str) -> dict[str, str]:
        return {name: value.format(url=url) for name, value in self.variables.items()}


KINDS = {
    "anthropic": Kind(
        AnthropicWire(), "anthropic:claude-sonnet-5-5", {"ANTHROPIC_API_KEY": "dummy", "ANTHROPIC_BASE_URL": "{url}"}
    ),
    "google": Kind(
        GeminiWire(), "google:gemini-3.8-flash", {"GEMINI_API_KEY": "dummy", "GOOGLE_GEMINI_BASE_URL": "{url}"}
    ),
    "openai": Kind(ResponsesWire(), "openai:gpt-6.1-terra", {"OPENAI_API_KEY": "dummy", "OPENAI_BASE_URL": "{url}/v1"}),
    "openai-chat": Kind(ChatWire(), "openai-chat:qwen3", {"OPENAI_BASE_URL": "{url}/v1"}),
    "ollama": Kind(ChatWire(), "ollama:qwen3:8b", {"OLLAMA_BASE_URL": "{url}/v1"}),
}

_SCENE = """
INSERT INTO plan VALUES ('p1', 1, 0);
INSERT INTO plan_version VALUES ('p1', 1, 'g', '{}', '', 0, 0);
INSERT INTO run
    (id, number, token, plan_id, plan_version, goal, repository, git_dir, base_commit, target_ref, created_at)
    VALUES ('run', 1, 't', 'p1', 1, 'g', '/r', '/r/.git', 'b', 'refs/heads/x', 0);
INSERT INTO task (run_id, id, phase_id, position, title, definition, locks, max_attempts, blockers, status)
    VALUES ('run', 'task', 'one', 0, 't', '{}', '[]', 5, 0, 'in_progress');
INSERT INTO attempt (id, run_id, task_id, number, status, started_at) VALUES ('a1', 'run', 'task', 1, 'running', 0)
"""


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


class Serving:
    """Starts scripted providers, and leads the client libraries to them by the environment."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._apis: list[ProviderApi] = []

    def __call__(self, kind: Kind, script: Script) -> ProviderApi:
        api = ProviderApi(kind.wire, script).__enter__()
        self._apis.append(api)
        for name, value in kind.environment(api.url).items():
            self._monkeypatch.setenv(name, value)
        return api

    def close(self) -> None:
        for api in self._apis:
            api.__exit__()
        assert not [error for api in self._apis for error in api.errors]


class Attempt:
    """One attempt: each :meth:`launch` goes on where the one before has stopped."""

    def __init__(self, root: Path) -> None:
        self.worktree = root / "worktree"
        self.worktree.mkdir()
        (self.worktree / "calc.py").write_text("def add(a, b):\n    return a - b\n")
        git(self.worktree, "init", "--quiet")
        git(self.worktree, "add", ".")
        git(self.worktree, "commit", "--quiet", "--message=base")
        self.folder = root / "attempt"
        self.database = root / "home" / "state.db"
        self.policy = write_policy(root / "policy.toml", safe=("A9",))
        self.agent = ModelAgent()
        self.launches = 0
        self.now(self._prepare)

    async def _prepare(self, db: Database) -> None:
        async with db.transaction() as tx:
            for statement in _SCENE.split(";"):
                await tx.execute(statement)

    def now(self, look: Callable[[Database], Awaitable[T]]) -> T:
        async def opened() -> T:
            async with Database.open(self.database) as db:
                return await look(db)

        return asyncio.run(opened())

    def assignment(self, **more: Any) -> Assignment:
        self.launches += 1
        folder = self.folder / f"launch-{self.launches}"
        folder.mkdir(parents=True)
        values: dict[str, Any] = {
            "attempt_id": "a1",
            "run_id": "run",
            "task_id": "task",
            "number": 1,
            "agent": "model",
            "prompt": "Make add add.",
            "worktree": self.worktree,
            "folder": folder,
            "database": self.database,
            "options": {},
            "timeout_s": 60.0,
            "launch": self.launches,
            "policy": {"user": str(self.policy)},
        }
        return Assignment(**{**values, **more})

    def launch(
        self,
        *,
        meanwhile: Callable[[asyncio.Task[Outcome]], Awaitable[None]] | None = None,
        host: type[JournalHost] = JournalHost,
        **more: Any,
    ) -> Outcome:
        """Let the agent work; ``meanwhile`` may do something to its task."""

        async def work(db: Database) -> Outcome:
            assignment = self.assignment(**more)
            self.agent = ModelAgent()
            task = asyncio.create_task(self.agent.work(assignment, host(assignment, db)))
            if meanwhile is not None:
                await meanwhile(task)
            return await task

        return self.now(work)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of all journal events of a kind, oldest first."""

        async def read(db: Database) -> list[dict[str, Any]]:
            return [row["data"] for row in await events.after(db, 0, run_id="run") if row["kind"] == kind]

        return self.now(read)

    def costs(self) -> list[Row]:
        return self.now(lambda db: db.fetch_all("SELECT * FROM cost ORDER BY call", {}))

    def remembered(self) -> dict[str, Any]:
        row = self.now(lambda db: attempts.get(db, "a1"))
        found: dict[str, Any] = json.loads(row["remembered"])
        return found

    def log(self) -> str:
        file = self.worktree / "log.txt"
        return file.read_text() if file.exists() else ""

    def answer(self, *, approve: bool, **more: Any) -> None:
        """Answer the one open gate."""

        async def give(db: Database) -> None:
            [gate] = [row for row in await gates.listed(db) if row["status"] == "open"]
            async with db.transaction() as tx:
                await gates.answer(tx, gate["id"], approve=approve, **{"reason": "", "by": "ann", "now": 1.0, **more})

        self.now(give)
