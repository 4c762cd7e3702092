"""Launches of the claude agent without an engine: the real runner, the real client, a scripted model."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

import pytest
from integration.process_world import Launches, done, wait_for
from policy_world import write_policy
from scripted.messages_api import MessagesApi, Script

from claude_orchestrator.agents import runner
from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.state import gates, operation_gates
from claude_orchestrator.state.database import Database, Row

T = TypeVar("T")
KEY = "sk-ant-api03-scripted-key-of-nobody"
PATIENCE_S = 150.0
ASKS = "cp a.txt {}"
"""A command that the policy of these tests wants to be asked about; harmless, should it run all the same."""
BLOCKED = "mv a.txt b.txt"
"""A command that it blocks."""

_OF_OTHER_SESSIONS = ("ANTHROPIC", "CLAUDE_CODE", "CLAUDECODE", "AWS_", "GOOGLE_")
_SCENE = """
INSERT INTO plan VALUES ('p1', 1, 0);
INSERT INTO plan_version VALUES ('p1', 1, 'g', '{}', '', 0, 0);
INSERT INTO run
    (id, number, token, plan_id, plan_version, goal, repository, git_dir, base_commit, target_ref, created_at)
    VALUES ('run', 1, 't', 'p1', 1, 'g', '/r', '/r/.git', 'b', 'refs/heads/x', 0);
INSERT INTO task (run_id, id, phase_id, position, title, definition, locks, max_attempts, blockers, status)
    VALUES ('run', 'task', 'one', 0, 't', '{}', '[]', 5, 0, 'in_progress');
INSERT INTO attempt (id, run_id, task_id, number, started_at, status)
    VALUES ('r1.task.1', 'run', 'task', 1, 0, 'running')
"""
_RULES = """
[[rule]]
decision = "ask"
argv = ["cp", "..."]
[[rule]]
decision = "block"
argv = ["mv", "..."]
"""


class Sessions(Launches):
    """Launches of one attempt, whose prompts, tools and answers go through the real client."""

    def __init__(self, root: Path, script: Script, patch: pytest.MonkeyPatch) -> None:
        super().__init__(root)
        write_policy(self.policy, safe=("A1", "A5", "A8"))
        with self.policy.open("a", encoding="utf-8") as file:
            file.write(_RULES)
        self.user = root / "user"
        self.user.mkdir()
        self.api = MessagesApi(script)
        for name in [name for name in os.environ if name.startswith(_OF_OTHER_SESSIONS)]:
            patch.delenv(name)
        patch.setenv("HOME", str(self.user))
        self.accounts = {
            "ANTHROPIC_BASE_URL": self.api.url,
            "ANTHROPIC_API_KEY": KEY,
            "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
            "CLAUDE_CODE_MAX_RETRIES": "0",
        }
        self.now(self._prepare)

    async def _prepare(self, db: Database) -> None:
        async with db.transaction() as tx:
            for statement in _SCENE.split(";"):
                await tx.execute(statement)

    def now(self, look: Callable[[Database], Awaitable[T]]) -> T:
        """What ``look`` finds in the database."""

        async def opened() -> T:
            async with Database.open(self.database) as db:
                return await look(db)

        return asyncio.run(opened())

    def prepared(self, **other: Any) -> LaunchFolder:
        """A launch that nobody has started."""
        return self.new(other.pop("options", {}), agent="claude", **{"timeout_s": 300.0, **other})

    def launch(self, **other: Any) -> LaunchFolder:
        """A launch whose runner has been started, as a process of its own: what can be killed, or looked at."""
        launch = self.prepared(**other)
        launch.spawn(self.accounts)
        return launch

    def run(self, **other: Any) -> Outcome:
        """A launch from its start to its end, by the runner in this process, which has loaded the client's library."""
        return self.run_here(self.prepared(**other))

    def run_here(self, launch: LaunchFolder) -> Outcome:
        """Let the runner hold a launch in this process, with the accounts that its own would have had."""
        before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
        try:
            with pytest.MonkeyPatch.context() as patch:
                for name, value in self.accounts.items():
                    patch.setenv(name, value)
                assert runner.main(launch.path) == 0
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        outcome = launch.read_exit()
        assert outcome is not None
        return outcome

    def end(self, launch: LaunchFolder) -> Outcome:
        """The outcome of a launch; waits for it. Then nothing of its process tree is left."""
        wait_for(lambda: done(launch), PATIENCE_S)
        outcome = launch.read_exit()
        assert outcome is not None
        return outcome

    def gates(self) -> list[Row]:
        """All gates."""

        async def read(db: Database) -> list[Row]:
            rows = await gates.listed(db, include_answered=True)
            return [await operation_gates.get(db, row["id"]) for row in rows]

        return self.now(read)

    def answer(self, gate_id: str, *, approve: bool = True, **more: Any) -> None:
        """Answer a gate, as a human does."""

        async def give(db: Database) -> None:
            async with db.transaction() as tx:
                values = {"reason": "", "by": "ann", "now": 1.0, **more}
                await gates.answer(tx, gate_id, approve=approve, **values)

        self.now(give)

    def costs(self) -> list[Row]:
        """All recorded calls, oldest first."""
        return self.now(lambda db: db.fetch_all("SELECT * FROM cost ORDER BY rowid", {}))

    def spent(self) -> float:
        """US dollars."""
        return sum(row["micro_usd"] or 0 for row in self.costs()) / 1e6

    def said_of(self, call: str) -> tuple[str, bool]:
        """What the model was told of a call in the end, and whether as an error."""
        return next(found[call] for r in reversed(self.api.requests) if call in (found := r.results()))

    def close(self) -> None:
        """End what is left of our own; a script's failed asserts are the test's."""
        super().close()
        self.api.__exit__()
        if self.api.errors:
            raise self.api.errors[0]


def no_key_in(text: str) -> bool:
    """Whether nothing that looks like the key is in a text."""
    return KEY not in text and re.search(r"sk-ant", text) is None
