"""The ACP agent: any coding agent that speaks the Agent Client Protocol (``gemini --acp``, ``codex-acp``, …)."""

from __future__ import annotations

import asyncio
import contextlib
import re
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.agents.acp.client import AcpClient
from claude_orchestrator.agents.acp.faults import AUTHENTICATION, outcome_for, outcome_of
from claude_orchestrator.agents.acp.progress import Progress
from claude_orchestrator.agents.acp.wire import LONGEST_LINE, Wire
from claude_orchestrator.agents.base import Assignment, Host, Outcome
from claude_orchestrator.agents.performing import environment
from claude_orchestrator.errors import AgentError
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.safety.operations import Decision, Operation
from claude_orchestrator.workspace import process
from claude_orchestrator.workspace.process import Conversation

if TYPE_CHECKING:
    from acp.client.connection import ClientSideConnection
    from acp.schema import InitializeResponse, NewSessionResponse

PATIENCE_S: Final = 60.0
"""How long an agent may take to answer that it is there, and to open a session."""

_CANCEL_S: Final = 3.0
_GRACE_S: Final = 2.0
_MOST_PROMPTS: Final = 5
_STARTS: Final = frozenset({"A0", "A3", "A8"})
"""What starting the agent that a plan names is allowed to be: a program that is not known, a package, an agent."""
_VARIABLE: Final = re.compile(r"\b[A-Z][A-Z0-9_]*(?:KEY|TOKEN)\b")


class AcpAgent:
    """Starts ``options["command"]`` in the worktree and gives it the prompt in one session."""

    name = "acp"
    resumable = True

    def __init__(self, patience_s: float = PATIENCE_S) -> None:
        self._patience_s = patience_s

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        """Talk with the agent until it ends its turn, or something ends it."""
        argv = assignment.options.get("command")
        if not argv:
            raise AgentError(f"task '{assignment.task_id}' has no command: say which agent, as in [gemini, --acp]")
        program = Path(argv[0]).name
        try:
            import acp  # noqa: F401
        except ImportError:
            detail = "agent 'acp' needs a package: pip install 'claude-orchestrator[acp]'"
            return outcome_for(Fault("setup", program, detail))
        if (ended := await _leave_to_start(argv, assignment, host)) is not None:
            return ended
        try:
            conversation = await Conversation.start(
                argv,
                cwd=assignment.worktree,
                env=environment(),
                stderr=assignment.folder / "agent.log",
                marker=assignment.marker,
                longest_line=LONGEST_LINE,
            )
        except process.ProgramError as error:
            return outcome_for(Fault("setup", program, str(error)))
        return await _Session(assignment, host, program, conversation, self._patience_s).run()

    async def nudge(self, text: str) -> bool:
        """The protocol has no message amid a turn."""
        return False


async def _leave_to_start(argv: Sequence[str], assignment: Assignment, host: Host) -> Outcome | None:
    """Whoever approves a plan approves the agents that it names; a command that does more is asked about."""
    operation = Operation("run", assignment.worktree, shlex.join(argv), argv=tuple(argv))
    verdict = (await host.observe(operation)).verdict
    if verdict.decision is Decision.BLOCKED:
        return outcome_for(Fault("setup", argv[0], f"{operation.target} is refused: {verdict.reason} [{verdict.rule}]"))
    if verdict.decision is Decision.SAFE or {e.rule for e in verdict.effects if e.rule[0] == "A"} <= _STARTS:
        return None
    answer = await host.ask(operation, 0, assignment.resume or {})
    if answer.waiting:
        return Outcome("waiting", f"{answer.gate}: {answer.refusal}", resume=assignment.resume or {})
    return None if answer.allowed else Outcome("failed", f"{operation.target} was refused: {answer.refusal}")


class _Session:
    """One launch: the program, the line to it, and our side of the session."""

    def __init__(
        self, assignment: Assignment, host: Host, program: str, conversation: Conversation, patience_s: float
    ) -> None:
        from acp import connect_to_agent

        self._assignment = assignment
        self._host = host
        self._program = program
        self._conversation = conversation
        self._patience_s = patience_s
        self._client = AcpClient(assignment, host, program, Progress(**(assignment.resume or {})))
        self._wire = Wire(conversation, assignment.folder / "transcript.log")
        self._connection: ClientSideConnection = connect_to_agent(self._client, self._wire)
        self._is_open = False

    async def run(self) -> Outcome:
        """Talk to the end, whoever makes it; then nothing of the agent is left."""
        talk = asyncio.create_task(self._talk())
        try:
            await asyncio.wait({talk, self._client.stopped}, return_when=asyncio.FIRST_COMPLETED)
            if not self._client.stopped.done():
                return await self._settled(talk)
            await self._interrupt(talk)
            return self._stopped()
        except asyncio.CancelledError:
            self._client.stop(Outcome("interrupted", "interrupted", resume=self._client.token()))
            await self._interrupt(talk)
            return self._stopped()
        finally:
            talk.cancel()
            await self._connection.close()
            await self._client.terminals.close()
            with contextlib.suppress(process.ProgramError):
                await self._conversation.end(_GRACE_S)

    def _stopped(self) -> Outcome:
        """How we have ended it, with what the agent has said and spent until it heard of it."""
        outcome = self._client.stopped.result()
        return replace(outcome, report=self._client.report, resume=outcome.resume and self._client.token())

    async def _interrupt(self, talk: asyncio.Task[Outcome]) -> None:
        """Ask the agent to end its turn, and give it a moment to write down where it is."""
        with contextlib.suppress(ConnectionError, TimeoutError):
            async with asyncio.timeout(_CANCEL_S):
                if self._is_open and not talk.done():
                    await self._connection.cancel(session_id=self._client.progress.session)
                self._client.cancelled.set()
                await asyncio.wait({talk})
        self._client.cancelled.set()

    async def _settled(self, talk: asyncio.Task[Outcome]) -> Outcome:
        """How the talk has ended, also when the agent has broken it off."""
        from acp import RequestError
        from pydantic import ValidationError

        try:
            return talk.result()
        except RequestError as error:
            return outcome_of(error.code, str(error), error.data, self._program, self._client.token())
        except ValidationError as error:
            detail = f"{self._program} answered something that is not in the protocol: {error.errors()[0]['msg']}"
            return Outcome("failed", detail, self._client.report)
        except TimeoutError:
            noise = f"; it said: {self._wire.noise}" if self._wire.noise else ""
            detail = f"{self._program} did not answer within {self._patience_s:g} s: does it speak ACP?{noise}"
            return outcome_for(Fault("setup", self._program, detail))
        except ConnectionError:
            return await self._gone()

    async def _gone(self) -> Outcome:
        """The agent's process has ended, or closed its output, amid the work."""
        if self._wire.broken:
            return Outcome("failed", f"{self._program} {self._wire.broken}", self._client.report)
        try:
            code = await self._conversation.end(_GRACE_S)
        except process.ProgramError as error:
            return outcome_for(Fault("setup", self._program, str(error)))
        how = "closed its output" if code is None else f"exited with {code}"
        said = self._conversation.tail.strip() or self._wire.noise
        detail = f"{self._program} {how} before it was done" + (f":\n{said}" if said else "")
        if self._is_open:
            return Outcome("failed", detail, self._client.report)
        return outcome_for(Fault("setup", self._program, detail))

    # -- the talk ---------------------------------------------------------------------------------

    async def _talk(self) -> Outcome:
        async with asyncio.timeout(self._patience_s):
            agent = await self._greet()
        capabilities = agent.agent_capabilities
        can_resume = bool(
            capabilities and capabilities.session_capabilities and capabilities.session_capabilities.resume
        )
        can_load = bool(capabilities and capabilities.load_session)
        self._client.resumable = can_resume or can_load
        async with asyncio.timeout(self._patience_s):
            text = await self._open(agent, can_resume=can_resume, can_load=can_load)
        self._is_open = True
        if (token := self._client.token()) is not None:
            await self._host.remember(token)
        outcome = await self._turn(text)
        for _ in range(_MOST_PROMPTS - 1):
            if outcome.status != "finished" or not self._client.progress.untold:
                break
            text = self._told("Not everything that you wanted was done:", "Go on without it, or end if you are done.")
            outcome = await self._turn(text)
        return outcome

    async def _greet(self) -> InitializeResponse:
        from importlib.metadata import version

        from acp import PROTOCOL_VERSION
        from acp.schema import ClientCapabilities, FileSystemCapabilities, Implementation

        files = FileSystemCapabilities(read_text_file=True, write_text_file=True)
        agent = await self._connection.initialize(
            protocol_version=PROTOCOL_VERSION,
            client_capabilities=ClientCapabilities(fs=files, terminal=True),
            client_info=Implementation(name="claude-orchestrator", version=version("claude-orchestrator")),
        )
        if agent.protocol_version != PROTOCOL_VERSION:
            raise AgentError(
                f"{self._program} speaks version {agent.protocol_version} of ACP, this program {PROTOCOL_VERSION}:"
                " update the older one"
            )
        return agent

    async def _open(self, agent: InitializeResponse, *, can_resume: bool, can_load: bool) -> str:
        """Open the session, or the one of the launch before; return the first prompt."""
        progress, prompt = self._client.progress, self._assignment.prompt
        if not progress.session:
            await self._new(agent)
            return prompt
        if (can_resume or can_load) and await self._again(agent, can_resume=can_resume):
            return self._going_on()
        progress.session, progress.cost, progress.turns = "", 0.0, 0
        await self._new(agent)
        return f"{prompt}\n\nAn earlier session about this was lost. The worktree has what it did: go on from there."

    async def _again(self, agent: InitializeResponse, *, can_resume: bool) -> bool:
        """Take up the session of the launch before; False when the agent does not know it any more."""
        from acp import RequestError

        worktree, session = str(self._assignment.worktree), self._client.progress.session
        opening = self._connection.resume_session if can_resume else self._connection.load_session
        self._client.replaying = not can_resume
        try:
            await self._logged_in(agent, lambda: opening(cwd=worktree, session_id=session))
        except RequestError as error:
            if outcome_of(error.code, str(error), error.data, self._program, None).fault is not None:
                raise
            return False
        finally:
            self._client.replaying = False
        return True

    async def _new(self, agent: InitializeResponse) -> None:
        opened: NewSessionResponse = await self._logged_in(
            agent, lambda: self._connection.new_session(cwd=str(self._assignment.worktree))
        )
        self._client.progress.session = opened.session_id
        if self._assignment.model:
            await self._choose_model(opened)

    async def _logged_in(self, agent: InitializeResponse, step: Any) -> Any:
        """Do a step; when the agent wants a login first, do that by a key that is in the environment."""
        from acp import RequestError

        try:
            return await step()
        except RequestError as error:
            if outcome_of(error.code, str(error), error.data, "", None).status != "error":
                raise
            method = method_for(agent.auth_methods or [], environment())
            if method is None:
                if error.code != AUTHENTICATION:
                    raise
                names = ", ".join(method.name for method in agent.auth_methods or []) or "nothing that it names"
                raise RequestError(AUTHENTICATION, _HOW_TO_LOG_IN.format(names=names)) from error
        await self._connection.authenticate(method_id=method)
        return await step()

    async def _choose_model(self, opened: NewSessionResponse) -> None:
        """Tell the agent the model where it lets us."""
        from acp import RequestError

        wanted = self._assignment.model
        option = next((each for each in opened.config_options or [] if each.category == "model"), None)
        why = "it cannot be told one"
        if option is not None:
            try:
                await self._connection.set_config_option(
                    config_id=option.id, session_id=opened.session_id, value=wanted
                )
            except RequestError as error:
                why = str(error)
            else:
                return
        await self._host.progress(f"{self._program} does not work with the model '{wanted}' ({why}): it uses its own")

    async def _turn(self, text: str) -> Outcome:
        from acp import text_block

        self._client.begin_turn()
        response = await self._connection.prompt(session_id=self._client.progress.session, prompt=[text_block(text)])
        await self._client.count(response.usage)
        return self._ended(response.stop_reason)

    def _ended(self, reason: str) -> Outcome:
        """What the end of a turn means."""
        report, program = self._client.report, self._program
        match reason:
            case "end_turn":
                return Outcome("finished", f"{program} ended its turn", report)
            case "max_turn_requests":
                detail = f"{program} has reached its own limit of requests in one turn"
                return Outcome("failed", detail, report, fault=Fault("turns", program, detail))
            case "refusal":
                detail = f"the model of {program} refused to go on"
                return Outcome("failed", detail, report, fault=Fault("request", program, detail))
            case "max_tokens":
                return Outcome("failed", f"{program} has reached the limit of tokens of its model", report)
            case _:
                return Outcome("failed", f"{program} cancelled its turn by itself", report)

    def _going_on(self) -> str:
        question = self._client.progress.question
        if question:
            start = (
                f"A human has decided about the operation that you were stopped at: {question}\nAsk for exactly the"
                " same operation again: it is allowed or refused as the human has decided."
            )
        else:
            start = "You were interrupted. The files are as you left them."
        return self._told(start, "Then go on with the task until it is done.")

    def _told(self, start: str, end: str) -> str:
        """A prompt with what the agent has to hear; after that it counts as told."""
        untold, self._client.progress.untold = self._client.progress.untold, []
        return "\n\n".join([start, *(f"* {line}" for line in untold), end])


_HOW_TO_LOG_IN: Final = (
    "log in with it once by hand, or put the name of a variable with its key in CLAUDE_ORCHESTRATOR_AGENT_ENV"
    " (it offers: {names})"
)


def method_for(methods: Sequence[Any], env: Mapping[str, str]) -> str | None:
    """The id of the first way to log in whose key is in the environment; None when there is none."""
    for method in methods:
        names = [variable.name for variable in getattr(method, "vars", None) or [] if not variable.optional]
        if names and all(name in env for name in names):
            return str(method.id)
        words = f"{method.id.upper().replace('-', '_')} {method.name} {method.description or ''}"
        if not names and any(name in env for name in _VARIABLE.findall(words)):
            return str(method.id)
    return None
