"""A home, a repository and a server in this process, and calls of its tools in both eras of the protocol."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mcp import Client
from mcp.types import CallToolResult, ElicitResult

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.plans.store import PlanStore
from claude_orchestrator.server.app import App, make_app
from claude_orchestrator.state import gates, runs
from claude_orchestrator.state.database import Database

ERAS = ("auto", "legacy")
"""What the client is told: ``auto`` speaks 2026-07-28 here, ``legacy`` 2025-11-25."""

PLAN = {
    "goal": "Say hello",
    "phases": [
        {
            "id": "work",
            "tasks": [
                {
                    "id": "hello",
                    "title": "Write it",
                    "files": ["hello.txt"],
                    "checks": [],
                    "operations": [{"write": "hello.txt", "content": "hello\n"}],
                }
            ],
        }
    ],
}


@dataclass(frozen=True)
class Said:
    """What a call has brought."""

    text: str
    failed: bool
    forms: tuple[Any, ...] = ()
    """The forms that the person was shown, in their order."""


@dataclass
class Person:
    """Whoever sits at the client: gives these answers one after the other, and the last one for ever."""

    answers: Iterable[ElicitResult]
    shown: list[Any] = field(default_factory=list)

    async def __call__(self, _: Any, params: Any) -> ElicitResult:
        self.shown.append(params)
        answers = list(self.answers)
        return answers[min(len(self.shown), len(answers)) - 1]


def accepts(**content: Any) -> ElicitResult:
    return ElicitResult(action="accept", content=content)


DECLINES = ElicitResult(action="decline")
CANCELS = ElicitResult(action="cancel")


class World:
    """One home and one repository; every call is made by a client of its own."""

    def __init__(self, settings: Settings, project: Path) -> None:
        self.settings = settings
        self.project = project

    def app(self, **options: Any) -> App:
        return make_app(self.settings, project=self.project, **options)

    def call(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        era: str = "auto",
        person: ElicitResult | list[ElicitResult] | None = None,
        **options: Any,
    ) -> Said:
        """One call; ``person`` says how forms are answered, None: the client cannot show any."""
        answers = person if isinstance(person, list) else [person] if person is not None else []
        asked = Person(answers) if answers else None

        async def made() -> Said:
            async with Client(self.app(**options), mode=era, elicitation_callback=asked) as client:
                return said(await client.call_tool(name, dict(arguments or {})), asked)

        return asyncio.run(made())

    def read(self, look: Callable[[Database], Awaitable[Any]]) -> Any:
        async def looked() -> Any:
            async with Database.open(self.settings.database) as db:
                return await look(db)

        return asyncio.run(looked())

    # -- what there is -----------------------------------------------------------------------------

    def store(self, plan: Mapping[str, Any] = PLAN) -> str:
        """A stored plan that nobody has approved."""
        return str(self.read(lambda db: PlanStore(db).save(Plan.model_validate(plan))).id)

    def run(self, plan: Mapping[str, Any] = PLAN, *, moved: bool = False) -> str:
        """A run that nobody moves; with ``moved`` one that is over."""
        orchestrator = Orchestrator(self.project, self.settings)
        run_id = asyncio.run(orchestrator.start(Plan.model_validate(plan)))
        if moved:
            assert asyncio.run(orchestrator.move(run_id)) == "completed"
        return run_id

    def gate(self, run_id: str, kind: str = "escalation") -> str:
        """A question about the run's first task; the run rests until it is answered."""

        async def asked(db: Database) -> str:
            task = (await runs.progress(db, run_id))["tasks"][0]["id"]
            async with db.transaction() as tx:
                gate = await gates.open_gate(
                    tx, run_id=run_id, task_id=task, attempt_id=None, kind=kind, question="Every attempt has failed",
                    subject="five attempts", now=time.time(),
                )  # fmt: skip
                await tx.execute("UPDATE task SET status = 'escalated' WHERE run_id = :run", {"run": run_id})
                await runs.settle(tx, run_id, time.time())
            return gate

        return str(self.read(asked))

    def gate_row(self, gate_id: str) -> dict[str, Any]:
        row = self.read(lambda db: db.fetch_one("SELECT * FROM gate WHERE id = :id", {"id": gate_id}))
        assert row is not None
        return row

    def approved(self, plan_id: str) -> bool:
        row = self.read(
            lambda db: db.fetch_one(
                "SELECT max(approved_at) AS at FROM plan_version WHERE plan_id = :id", {"id": plan_id}
            )
        )
        return row is not None and row["at"] is not None


def furnish(world: World) -> None:
    """A run that rests because of a question, a plan that nobody has approved, a session with all its answers."""
    world.gate(world.run())
    world.store()
    world.call("plan_start", {"goal": "Add a discount to prices"})
    world.call("plan_answer", {"session": "s1", "defaults": True})


def said(result: Any, person: Person | None = None) -> Said:
    """The one text of a result; there is no other channel."""
    assert isinstance(result, CallToolResult)
    assert result.structured_content is None
    (part,) = result.content
    assert part.type == "text"
    return Said(part.text, bool(result.is_error), tuple(person.shown) if person else ())


def make_project(folder: Path) -> Path:
    """A repository with one commit: a small package with its tests."""
    files = {
        "pyproject.toml": '[project]\nname = "shop"\nversion = "1.0"\nrequires-python = ">=3.11"\n',
        "src/shop/__init__.py": '"""A shop."""\n\n__all__ = ["price"]\n\nfrom shop.prices import price\n',
        "src/shop/prices.py": "def price(amount: int) -> int:\n    return amount * 2\n",
        "tests/test_prices.py": "from shop.prices import price\n\n\ndef test_it() -> None:\n    assert price(2) == 4\n",
        "README.md": "# Shop\n",
    }
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(content)
    for words in (("init", "--quiet", "--initial-branch=main"), ("add", "."), ("commit", "--quiet", "--message=base")):
        subprocess.run(["git", "-c", "user.name=t", "-c", "user.email=t@localhost", *words], cwd=folder, check=True)
    return folder
