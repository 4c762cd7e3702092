"""One call of a tool: what its function gets in hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio

from claude_orchestrator.config import Settings
from claude_orchestrator.server.forms import Forms
from claude_orchestrator.server.principals import LOCAL, Principal

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context

    from claude_orchestrator.server.app import App
    from claude_orchestrator.state.database import Database


class State:
    """The one connection of a server to the database, opened when the first call needs it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._turn = anyio.Lock()
        self._users = 0
        self._stack: AsyncExitStack | None = None
        self._db: Database | None = None

    @asynccontextmanager
    async def in_use(self) -> AsyncIterator[None]:
        """Within the block the connection, once opened, stays open."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if not self._users and self._stack is not None:
                stack, self._stack, self._db = self._stack, None, None
                with anyio.CancelScope(shield=True):
                    await stack.aclose()

    async def database(self) -> Database:
        """The open database. Raises StateError when it cannot be used."""
        from claude_orchestrator.state.database import Database

        async with self._turn:
            if self._db is None:
                stack = AsyncExitStack()
                self._db = await stack.enter_async_context(Database.open(self._settings.database))
                self._stack = stack
            return self._db


@dataclass(frozen=True)
class Call:
    """What a tool's function knows of the call beside its arguments."""

    settings: Settings
    project: Path
    """The folder that the server works for where a call names none."""
    principal: Principal
    app: App
    ctx: Context[Any, Any]
    forms: Forms

    @property
    def by(self) -> str:
        """Who is written down with an answer: the subject of a token; empty for the user whose server this is."""
        return "" if self.principal is LOCAL else self.principal.name

    async def db(self) -> Database:
        """The open database. Raises StateError when it cannot be used."""
        return await self.app.state.database()

    async def repository(self, project: str = "") -> Path:
        """The root of the repository that is meant. Raises RepositoryError where there is none."""
        from claude_orchestrator.workspace.git import Repository

        return (await Repository.open(self.folder(project))).root

    def folder(self, project: str = "") -> Path:
        """The folder that is meant: the named one, or the server's."""
        return (self.project / Path(project).expanduser()).absolute() if project else self.project

    async def why_not_a_person(self) -> str:
        """Why nobody at the other end can decide anything; empty where somebody can.

        The server itself may have been started by an agent that we run: whoever calls it then is no person.
        """
        from claude_orchestrator.orchestrator import humans

        return await humans.why_not(await self.db(), self.settings)
