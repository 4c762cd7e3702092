"""The claude agent: one session of Claude Code for each attempt, every call of a tool judged and recorded."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections import deque
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.agents.base import Assignment, Host, Outcome
from claude_orchestrator.agents.claude import ends
from claude_orchestrator.agents.claude import options as claude_options
from claude_orchestrator.agents.claude.bill import Bill
from claude_orchestrator.agents.claude.gatekeeper import Gatekeeper
from claude_orchestrator.errors import AgentError
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.safety.redaction import redact

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeSDKClient, ResultMessage

    from claude_orchestrator.workspace.tether import Tether

GO_ON: Final = (
    "The process that you worked in was stopped amid this task. Look at the files first: what was under way then may"
    " have happened or not. Then go on with the task."
)
"""What a session is told that goes on, but not with a human's answer."""

STOP_S: Final = 3.0
"""How long the client may take to say what an interrupted turn has cost."""

CLOSE_S: Final = 2.0
"""How long the client may take to end by itself; then it is killed."""

PENDING_S: Final = 10.0
"""How long a session that goes on with a human's answer may take to come back to its question, before it is told to go
on without: the client may have been killed before it had noted the question."""


class ClaudeAgent:
    """Gives the prompt to Claude Code in the worktree; when that has ended by itself, the work is finished."""

    name = "claude"
    resumable = True

    def __init__(self) -> None:
        self._session: _Session | None = None

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        """Hold the session from its start, or from where it stopped, to the end of its turn."""
        provider = assignment.provider or "anthropic"
        try:
            import claude_agent_sdk  # noqa: F401
        except ImportError:
            fault = Fault("setup", provider, f"agent 'claude' needs its SDK: {claude_options.INSTALL}")
            return ends.failed(fault, None)
        try:
            self._session = _Session(assignment, host, provider)
        except AgentError as error:
            return ends.unusable(str(error), provider)
        try:
            return await self._session.hold()
        finally:
            self._session = None

    async def nudge(self, text: str) -> bool:
        """Say it to the model, amid its turn."""
        return self._session is not None and await self._session.say(text)


class _Session:
    """One launch's part of a session."""

    def __init__(self, assignment: Assignment, host: Host, provider: str) -> None:
        resume = assignment.resume or {}
        self._assignment = assignment
        self._host = host
        self._provider = provider
        self._awaited = str(resume.get("waiting") or "")
        self._known = _known(resume.get("session"))
        self._id = str(resume["session"]) if self._known else str(uuid.uuid4())
        spent = float(resume.get("usd") or 0.0) if self._known else 0.0
        self._bill = Bill(host, provider, spent, limited=assignment.allowance_usd is not None)
        self._gatekeeper = Gatekeeper(host, assignment.worktree, assignment.folder, self._token)
        self._tether: Tether = claude_options.tether(assignment)
        self._complaints: deque[str] = deque(maxlen=20)
        self._client: ClaudeSDKClient | None = None
        self._log = assignment.folder / "session.log"
        self._retry_at: float | None = None
        self._error: str | None = None
        self._is_spent = False

    def _token(self, waiting: str = "") -> dict[str, Any]:
        """The token with which a later launch goes on; ``waiting``: at that call."""
        token = {"session": self._id, "usd": self._bill.total_usd}
        return {**token, "waiting": waiting} if waiting else token

    async def hold(self) -> Outcome:
        """From the start of the client to its end."""
        talk = asyncio.create_task(self._talk(), name=f"claude {self._id}")
        try:
            return await asyncio.shield(talk)
        except asyncio.CancelledError:
            with contextlib.suppress(Exception):
                async with asyncio.timeout(STOP_S):
                    await self._interrupt()
                    await asyncio.shield(talk)
            self._tether.cut()
            talk.cancel()
            await asyncio.wait({talk})
            await self._tether.sweep()
            if not talk.cancelled() and talk.exception() is None and talk.result().status in ("finished", "waiting"):
                return talk.result()  # it came to its end all the same
            return Outcome("interrupted", "interrupted", resume=self._token(self._unanswered()))

    def _unanswered(self) -> str:
        """The call at which the launch was to go on, when it has not come by it."""
        return "" if self._gatekeeper.seen.is_set() else self._awaited

    async def _talk(self) -> Outcome:
        from claude_agent_sdk import ClaudeSDKClient, ClaudeSDKError

        chosen = {"resume": self._id} if self._known else {"session_id": self._id}
        client = ClaudeSDKClient(
            claude_options.options(self._assignment, self._gatekeeper, self._tether, self._complaints, **chosen)
        )
        await self._host.remember(self._token())
        ended = asyncio.create_task(self._tether.ended())
        waker: asyncio.Task[None] | None = None
        try:
            if (trouble := await self._connect(client, ended)) is not None:
                return trouble
            self._client = client
            if self._known and self._awaited:
                waker = asyncio.create_task(self._wake())
            else:
                await client.query(GO_ON if self._known else self._assignment.prompt)
            return await self._listen(client)
        except ClaudeSDKError as error:
            if self._gatekeeper.broken is not None:
                raise self._gatekeeper.broken from error
            return self._broke_off(error)
        finally:
            self._client = None
            for task in filter(None, (waker, ended)):
                task.cancel()
            await self._close(client)

    async def _connect(self, client: ClaudeSDKClient, ended: asyncio.Task[int | None]) -> Outcome | None:
        """Start the client; the outcome when that does not succeed. A client that ends at once would be waited for."""
        connecting = asyncio.create_task(client.connect())
        try:
            await asyncio.wait({connecting, ended}, return_when=asyncio.FIRST_COMPLETED)
            if not connecting.done():
                self._tether.cut()
                connecting.cancel()
            await connecting
        except asyncio.CancelledError:
            if not ended.done():
                connecting.cancel()
                raise
        except Exception as error:  # noqa: BLE001 - the SDK raises bare ones, too
            if not ended.done():
                return self._unusable("cannot be used", [*self._complaints, str(error)])
        else:
            return None
        code = ended.result()
        return self._unusable("was killed" if code is None else f"exited with {code}", self._complaints)

    def _unusable(self, how: str, complaints: Iterable[str]) -> Outcome:
        return ends.unusable(f"Claude Code ({claude_options.program()}) {how}", self._provider, complaints)

    async def _wake(self) -> None:
        try:
            async with asyncio.timeout(PENDING_S):
                await self._gatekeeper.seen.wait()
        except TimeoutError:
            await self.say(GO_ON)

    async def _listen(self, client: ClaudeSDKClient) -> Outcome:
        from claude_agent_sdk import AssistantMessage, RateLimitEvent, ResultMessage, StreamEvent, TextBlock

        with self._log.open("a", encoding="utf-8") as log:
            async for message in client.receive_messages():
                self._log.touch()  # a sign of life, also while the model thinks
                if isinstance(message, StreamEvent):
                    if not await self._bill.hear(message.event):
                        await self._spent()
                elif isinstance(message, AssistantMessage):
                    self._error = message.error
                    log.writelines(
                        f"{redact(block.text)}\n" for block in message.content if isinstance(block, TextBlock)
                    )
                    log.flush()
                elif isinstance(message, RateLimitEvent):
                    info = message.rate_limit_info
                    self._retry_at = float(info.resets_at) if info.status == "rejected" and info.resets_at else None
                elif isinstance(message, ResultMessage):
                    return await self._ended(message)
        return Outcome("failed", "Claude Code ended without saying how its work went")

    async def _spent(self) -> None:
        """The attempt may spend no more: the turn ends here."""
        if not self._is_spent:
            self._is_spent = True
            await self._interrupt()

    async def _interrupt(self) -> None:
        if self._client is not None:
            await self._client.interrupt()

    async def _ended(self, result: ResultMessage) -> Outcome:
        may_go_on = await self._bill.settle(result)
        await self._host.remember(self._token())
        if self._gatekeeper.broken is not None:
            raise self._gatekeeper.broken
        if (answer := self._gatekeeper.waiting) is not None:
            detail = f"waits for {answer.gate}: {answer.refusal}"
            return Outcome("waiting", detail, resume=self._token(self._gatekeeper.waiting_call))
        outcome = ends.ended(result, self._token(), self._provider, self._retry_at, self._error)
        if (self._is_spent or not may_go_on) and outcome.status != "finished":
            fault = Fault(
                "budget", self._provider, "what the attempt may spend is spent: give the task a larger 'budget'"
            )
            return ends.failed(fault, self._token(), outcome.report)
        return outcome

    def _broke_off(self, error: Exception) -> Outcome:
        """The outcome when the client has died, or cannot be understood."""
        from claude_agent_sdk import ResultError

        why = "; ".join(error.errors) if isinstance(error, ResultError) and error.errors else str(error)
        said = " ".join([why, *self._complaints]).split()
        return Outcome("failed", f"Claude Code broke off: {' '.join(said)[:1000]}")

    async def say(self, text: str) -> bool:
        """Say something to the model amid its turn; False when there is no session to say it to."""
        from claude_agent_sdk import ClaudeSDKError

        client = self._client
        if client is None:
            return False
        try:
            await client.query(text)
        except ClaudeSDKError:
            return False
        return True

    async def _close(self, client: ClaudeSDKClient) -> None:
        """End the client, by itself if it does so quickly; then nothing of its process tree is left."""
        closing = asyncio.create_task(client.disconnect())
        await asyncio.wait({closing}, timeout=CLOSE_S)
        self._tether.cut()
        with contextlib.suppress(Exception):
            await closing
        await self._tether.sweep()


def _known(session: object) -> bool:
    """Whether the client has a session of that id: a launch may die before the client has noted anything."""
    if not isinstance(session, str):
        return False
    from claude_agent_sdk import get_session_info

    return get_session_info(session) is not None
