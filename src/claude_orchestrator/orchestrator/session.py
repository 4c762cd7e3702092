"""``Orchestrator``: the Python API's front door to one project."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from claude_orchestrator.config import Settings, load_settings, within
from claude_orchestrator.config.project import read_project
from claude_orchestrator.errors import ConfigError
from claude_orchestrator.orchestrator import starting, worker
from claude_orchestrator.orchestrator.delegator import Delegator
from claude_orchestrator.orchestrator.engine import Engine, TaskWay
from claude_orchestrator.orchestrator.inbox import Inbox
from claude_orchestrator.orchestrator.merging import Merger
from claude_orchestrator.orchestrator.supervisor import Supervisor
from claude_orchestrator.orchestrator.verifier import Verifier
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planner import Planner
    from claude_orchestrator.plans.models import Choice, Plan
    from claude_orchestrator.plans.store import PlanStore


class Session:
    """The parts, wired for one project and one process; made by :meth:`Orchestrator.session`."""

    def __init__(self, db: Database, settings: Settings, repository: Repository, me: worker.Worker) -> None:
        self.db = db
        self._settings = settings
        self.repository = repository
        self.delegator = Delegator(db, settings, repository, me)
        self.supervisor = Supervisor(db, settings, self.delegator, me)
        merger = Merger(db, settings, repository)
        self.verifier = Verifier(db, self.delegator, merger, me.id)
        way = TaskWay(db, settings, self.delegator, self.supervisor, merger)
        self.inbox = Inbox(db, settings)
        self.engine = Engine(db, settings, me, self.delegator, way.carry)

    @cached_property
    def store(self) -> PlanStore:
        """Where plans are kept. A process that only moves a run starts sooner without plans and what makes them."""
        from claude_orchestrator.plans.store import PlanStore

        return PlanStore(self.db)

    @cached_property
    def planner(self) -> Planner:
        """What makes plans."""
        from claude_orchestrator.orchestrator.planner import Planner

        return Planner(self.db, self._settings)


class Orchestrator:
    """Everything that can be done with one project.

    ``await Orchestrator(project).run(plan)`` runs a whole plan. For work on single tasks::

        async with Orchestrator(project).session() as session:
            plan = await session.store.load(plan_id)
            ...
    """

    def __init__(self, project: Path | str, settings: Settings | None = None) -> None:
        self._project = Path(project)
        self._settings = within(settings or load_settings(), self._project)

    @asynccontextmanager
    async def session(self, run_id: str | None = None) -> AsyncIterator[Session]:
        """Open the state and enlist this process as a worker (of ``run_id``, when it moves a run)."""
        async with AsyncExitStack() as stack:
            repository = await Repository.open(self._project)
            db = await stack.enter_async_context(Database.open(self._settings.database))
            me = await stack.enter_async_context(worker.enlist(db, self._settings.workers, run_id))
            session = Session(db, self._settings, repository, me)
            stack.push_async_callback(session.supervisor.close)
            yield session

    async def start(
        self,
        plan: Plan,
        *,
        base: str | None = None,
        target: str | None = None,
        choice: Choice | None = None,
        budget: float | None = None,
    ) -> str:
        """Store and approve the plan and create a run of it; return the run's id. Nothing moves yet.

        ``choice`` says who does the tasks that have a prompt and nothing else, whatever the plan says of them;
        ``budget`` what the run may spend on models, in US dollars.
        """
        repository = await Repository.open(self._project)
        async with Database.open(self._settings.database) as db:
            return await starting.start_run(
                db,
                repository,
                plan,
                base=base,
                target=target,
                choice=choice,
                default=self._default(),
                budget=budget,
                most=read_project(self._project).budget,
            )

    def _default(self) -> Choice:
        """Who does tasks of which nobody says it. Raises ConfigError where a setting names somebody who cannot."""
        from claude_orchestrator.plans.models import Choice

        try:
            return Choice(agent=self._settings.agent, model=self._settings.model or None)
        except ValueError as error:
            raise ConfigError(
                f"the setting agent = '{self._settings.agent}' is unusable: use claude or model"
            ) from error

    async def move(self, run_id: str) -> str:
        """Move a run as far as it can go now; return its status (``completed``, ``incomplete``, ``paused``, …)."""
        async with self.session(run_id) as session:
            return await session.engine.move(run_id)

    async def run(
        self,
        plan: Plan,
        *,
        base: str | None = None,
        target: str | None = None,
        choice: Choice | None = None,
        budget: float | None = None,
    ) -> str:
        """Start a run of the plan and move it as far as it can go; return the run's status."""
        return await self.move(await self.start(plan, base=base, target=target, choice=choice, budget=budget))
