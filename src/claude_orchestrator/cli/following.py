"""Follows runs through the database, whoever moves them, and feeds a view. Never writes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Any, Final

from claude_orchestrator.cli.views import View
from claude_orchestrator.state import events, runs
from claude_orchestrator.state.database import Database
from claude_orchestrator.telling.words import Story

PAGE: Final = 1000
"""Events read at once."""

REDRAW_S: Final = 0.2
"""Shortest time between two pictures of a view that draws."""


class Follower:
    """Reads the events and the progress of some runs and hands them to a view."""

    def __init__(self, db: Database, run_ids: Sequence[str], view: View) -> None:
        self._db = db
        self._view = view
        self._seen = dict.fromkeys(run_ids, 0)
        self._drawn_at = 0.0
        self.stories = {run_id: Story(run_id) for run_id in run_ids}

    async def catch_up(self) -> None:
        """Take in what happened before; the view hears that it is no news."""
        await self._read(is_news=False)

    async def follow(self, until: asyncio.Future[Any]) -> None:
        """Show what happens until ``until`` is done, and then the rest that happened before it was."""
        while True:
            revision = self._db.revision
            over = until.done()
            await self._read(is_news=True)
            await self._draw(at_once=over)
            if over:
                return
            change = asyncio.create_task(self._db.changed(revision, self._view.tick_s))
            await asyncio.wait({change, until}, return_when=asyncio.FIRST_COMPLETED)
            change.cancel()

    async def _read(self, *, is_news: bool) -> None:
        for run_id, story in self.stories.items():
            while page := await events.after(self._db, self._seen[run_id], run_id=run_id, limit=PAGE):
                for event in page:
                    self._view.tell(event, story.add(event), is_news=is_news)
                self._seen[run_id] = page[-1]["seq"]

    async def _draw(self, *, at_once: bool) -> None:
        if self._view.tick_s is None:
            return
        if not at_once and (wait := self._drawn_at + REDRAW_S - time.monotonic()) > 0:
            await asyncio.sleep(wait)
        self._view.show([await runs.progress(self._db, run_id) for run_id in self.stories], self.stories)
        self._drawn_at = time.monotonic()
