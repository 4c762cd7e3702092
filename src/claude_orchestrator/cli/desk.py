"""The desk: whoever sits at the terminal of ``run`` is offered the open questions in place."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Coroutine, Sequence
from typing import Any, Final

from claude_orchestrator.cli import output
from claude_orchestrator.cli.questions import question_lines
from claude_orchestrator.cli.report import gate_lines
from claude_orchestrator.cli.views import View
from claude_orchestrator.errors import OrchestratorError
from claude_orchestrator.orchestrator.inbox import Inbox
from claude_orchestrator.state import runs
from claude_orchestrator.state.database import Database
from claude_orchestrator.telling.words import Row

LOOK_S: Final = 0.5
"""How often to look whether a question has been put off: that writes no row."""


def somebody_is_there() -> bool:
    """Whether a person can be asked: keyboard and screen are a terminal."""
    return sys.stdin.isatty() and output.is_terminal()


class Desk:
    """Asks one question after the other, while the picture of the runs stands still."""

    def __init__(self, db: Database, inbox: Inbox, view: View, run_ids: Sequence[str]) -> None:
        self._db = db
        self._inbox = inbox
        self._view = view
        self._run_ids = frozenset(run_ids)
        self._put_off: set[str] = set()

    async def serve(self) -> None:
        """Offer what is asked, as it comes, until cancelled."""
        while True:
            revision = self._db.revision
            rows = await self._waiting(self._run_ids)
            if rows:
                await self._offer(rows[0])
            else:
                await self._db.changed(revision)

    async def answered(self, run_id: str) -> bool:
        """Wait until every open question of a run is answered or put off; whether the run can go on by that."""
        while True:
            revision = self._db.revision
            run = await runs.get(self._db, run_id)
            if run["status"] != "incomplete" or run["intent"] != "run":
                return True
            if not await self._waiting({run_id}):
                return False
            await self._db.changed(revision, LOOK_S)

    async def _waiting(self, run_ids: frozenset[str] | set[str]) -> list[Row]:
        rows = await self._inbox.listed()
        return [row for row in rows if row["run_id"] in run_ids and row["id"] not in self._put_off]

    async def _offer(self, row: Row) -> None:
        """Ask about one question until it is answered, put off, or somebody else has answered it."""
        self._view.hold()
        try:
            output.say(*gate_lines([row]))
            _forget_typed()  # what was typed before a question was seen is no answer to it
            while True:
                said = await self._unless_answered(row, _line(_choices(row)))
                if said is None or await self._act(row, said.strip().lower()):
                    return
        finally:
            self._view.open()

    async def _act(self, row: Row, said: str) -> bool:
        """Do what was said; whether the question is done with."""
        try:
            if said in ("s", "show"):
                output.say(*question_lines(await self._inbox.shown(row["id"])))
                return False
            if said in ("a", "approve"):
                await self._inbox.approve(row["id"])
            elif said in ("p", "pattern") and row.get("suggestion"):
                await self._inbox.approve(row["id"], pattern=True)
            elif said in ("d", "deny"):
                reason = await self._unless_answered(row, _line("    why? the agent is told: "))
                if reason is not None and not reason.strip():
                    return False
                if reason is not None:
                    await self._inbox.deny(row["id"], reason=reason.strip())
            elif said in ("l", "later"):
                self._put_off.add(row["id"])
            else:
                return False
        except OrchestratorError as error:
            output.say(f"    {error}")
        return True

    async def _unless_answered(self, row: Row, asking: Coroutine[Any, Any, str | None]) -> str | None:
        """What a person types; None when somebody else has answered meanwhile, or nobody types any more."""
        typed = asyncio.ensure_future(asking)
        elsewhere = asyncio.ensure_future(self._until_answered(row["id"]))
        try:
            await asyncio.wait({typed, elsewhere}, return_when=asyncio.FIRST_COMPLETED)
            if not typed.done():
                output.say("", f"    {row['id']} was answered elsewhere")
                return None
            if typed.result() is None:  # the end of the input: there is nobody to ask
                self._put_off.add(row["id"])
            return typed.result()
        finally:
            for one in (typed, elsewhere):
                one.cancel()
            await asyncio.gather(typed, elsewhere, return_exceptions=True)

    async def _until_answered(self, gate_id: str) -> None:
        while True:
            revision = self._db.revision
            if (await self._inbox.shown(gate_id))["status"] != "open":
                return
            await self._db.changed(revision)


def _choices(row: Row) -> str:
    pattern = ", [p]attern for this run" if row.get("suggestion") else ""
    return f"    [a]pprove{pattern}, [d]eny, [s]how, [l]ater? "


def _forget_typed() -> None:
    import termios

    if sys.stdin.isatty():
        termios.tcflush(sys.stdin.fileno(), termios.TCIFLUSH)


async def _line(prompt: str) -> str | None:
    """One line from the keyboard, without blocking anything else; None at the end of the input."""
    sys.stdout.write(prompt)
    sys.stdout.flush()
    loop, number = asyncio.get_running_loop(), sys.stdin.fileno()
    ready: asyncio.Future[str | None] = loop.create_future()

    def read() -> None:
        # A terminal hands over whole lines.
        typed = os.read(number, 4096)
        if not ready.done():
            ready.set_result(typed.decode(errors="replace").rstrip("\n") if typed else None)

    loop.add_reader(number, read)
    try:
        return await ready
    finally:
        loop.remove_reader(number)
