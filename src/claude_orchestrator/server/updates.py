"""Telling clients that a run or a plan has changed, whoever changed it, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import TYPE_CHECKING, Any

from mcp.server.subscriptions import InMemorySubscriptionBus
from mcp.shared.subscriptions import ResourceUpdated

from claude_orchestrator.server.calling import State
from claude_orchestrator.server.library import PLAN, RUN

if TYPE_CHECKING:
    from mcp.server.session import ServerSession

    from claude_orchestrator.state.database import Database
    from claude_orchestrator.telling.words import Row

_logger = logging.getLogger(__name__)


class Updates:
    """Watches the journal as soon as anybody has subscribed to anything, and not before."""

    def __init__(self, state: State) -> None:
        self.bus = InMemorySubscriptionBus()
        """What listeners of the newer protocol are told through."""
        self._state = state
        self._sessions: dict[str, dict[str, ServerSession]] = {}
        self._watcher: asyncio.Task[None] | None = None

    async def close(self) -> None:
        """Watch no longer."""
        if self._watcher is not None:
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None

    def subscribe(self, uri: str, session: ServerSession, who: str) -> None:
        """A client of the older protocol wants to hear of a resource."""
        self._sessions.setdefault(uri, {})[who] = session

    def unsubscribe(self, uri: str, who: str) -> None:
        """It does not any more."""
        self._sessions.get(uri, {}).pop(who, None)

    async def watch(self) -> None:
        """See to it that somebody watches; from now on, so what is changed after this is told."""
        db = await self._state.database()
        row = await db.fetch_one("SELECT coalesce(max(seq), 0) AS seq FROM event")
        if self._watcher is None or self._watcher.done():  # done: it met an error; the next may not
            self._watcher = asyncio.create_task(self._watch(db, int(row["seq"]) if row else 0), name="updates")

    async def _watch(self, db: Database, seen: int) -> None:
        from claude_orchestrator.state import events

        while True:
            revision = db.revision
            page = await events.after(db, seen)
            if page:
                seen = page[-1]["seq"]
                for uri in dict.fromkeys(uri for event in page for uri in uris(event)):
                    await self._tell(uri)
            await db.changed(revision)

    async def _tell(self, uri: str) -> None:
        await self.bus.publish(ResourceUpdated(uri=uri))
        for who, session in list(self._sessions.get(uri, {}).items()):
            try:
                await session.send_resource_updated(uri)
            except Exception as error:  # noqa: BLE001 - whatever it is: that client has gone, the others have not
                _logger.info("a client that wanted to hear of %s has gone: %s", uri, error)
                self.unsubscribe(uri, who)


def uris(event: Row) -> list[str]:
    """The resources that an event is about."""
    data: Any = event["data"]
    if isinstance(data, str):
        data = json.loads(data)
    found = [f"{RUN}{event['run_id']}"] if event["run_id"] else []
    return found + [f"{PLAN}{data[name]}" for name in ("session", "plan") if isinstance(data.get(name), str)]
