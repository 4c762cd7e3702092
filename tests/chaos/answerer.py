"""A process that approves whatever a home asks, and may kill itself at a fault point; run by the chaos tests only.

    python answerer.py [POINT]

POINT is ``begin:N`` or ``commit:N``, as in ``mover.py``. Without one it ends when nothing is left to answer.
"""

from __future__ import annotations

import asyncio
import sys

from mover import Fuse, arm

from claude_orchestrator.config import load_settings
from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.orchestrator.inbox import Inbox
from claude_orchestrator.state import runs
from claude_orchestrator.state.database import Database


async def main() -> None:
    settings = load_settings()
    async with Database.open(settings.database) as db:
        inbox = Inbox(db, settings)
        while (await runs.get(db, "r1"))["status"] != "completed":
            revision = db.revision
            for gate in await inbox.listed():
                try:
                    await inbox.approve(gate["id"])
                except NotReadyError:
                    continue  # somebody was quicker, or the attempt is over
            await db.changed(revision, 1.0)


if __name__ == "__main__":
    arm(Fuse(sys.argv[1] if len(sys.argv) > 1 else ""))
    asyncio.run(main())
