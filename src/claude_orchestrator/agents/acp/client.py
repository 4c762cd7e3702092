"""What an ACP agent may ask of us: leave for its tool calls, files, commands. Each is an operation of the host."""

from __future__ import annotations

import asyncio
import time
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.agents import questions
from claude_orchestrator.agents.acp.calls import Call, command_line, inside, is_same
from claude_orchestrator.agents.acp.faults import NO_SUCH, outcome_for
from claude_orchestrator.agents.acp.progress import Progress, StoppedError
from claude_orchestrator.agents.acp.terminals import Terminal, Terminals, in_words, inside_or_named, with_variables
from claude_orchestrator.agents.base import Answer, Assignment, Host, Outcome, Result
from claude_orchestrator.agents.performing import perform, read_text
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.safety.operations import Decision, Operation
from claude_orchestrator.safety.redaction import redact

if TYPE_CHECKING:
    from acp.schema import (
        CreateTerminalResponse,
        EnvVariable,
        PermissionOption,
        ReadTextFileResponse,
        RequestPermissionResponse,
        TerminalOutputResponse,
        ToolCallUpdate,
        WaitForTerminalExitResponse,
        WriteTextFileResponse,
    )

_REFUSED: Final = -32010
"""The code of our own for: this must not happen."""

_LONGEST_REPORT: Final = 20_000


class AcpClient:
    """Our side of one session, in the words of the ``acp`` package (``acp.interfaces.Client``)."""

    def __init__(self, assignment: Assignment, host: Host, program: str, progress: Progress) -> None:
        self._assignment = assignment
        self._host = host
        self._program = program
        self._lock = asyncio.Lock()  # the host looks at one worktree: one thing at a time
        self._calls: dict[str, Call] = {}
        self._asked: dict[str, list[tuple[Answer, float]]] = {}
        self._leaves: dict[str, list[Operation]] = {}
        """Call that was decided → what it has leave for."""
        self._judged: set[tuple[str, str]] = set()
        self._ours: list[Operation] = []
        self._message = ""
        self._message_id: str | None = None
        self.progress = progress
        self.terminals = Terminals(assignment, host, self._lock)
        self.resumable = False
        """Whether the agent can go on with a session after its process has ended."""
        self.replaying = False
        """Whether the agent is telling what was long ago."""
        self.stopped: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        """How the launch ends, when that is not for the agent to say."""
        self.cancelled = asyncio.Event()
        """Set when the agent has been told that its turn is cancelled, or cannot be told any more."""

    # -- what the agent has said ------------------------------------------------------------------

    @property
    def report(self) -> str:
        """Its last message."""
        return self._message[-_LONGEST_REPORT:].strip()

    def token(self) -> dict[str, Any] | None:
        """The token with which a later launch goes on; None when the agent cannot."""
        return asdict(self.progress) if self.resumable and self.progress.session else None

    def begin_turn(self) -> None:
        """A prompt goes out: what comes now is a new message."""
        self._message, self._message_id = "", None

    def stop(self, outcome: Outcome) -> None:
        """Let the launch end with that outcome; the first one counts."""
        if not self.stopped.done():
            self.stopped.set_result(outcome)

    # -- asking -----------------------------------------------------------------------------------

    async def _ask(self, operation: Operation) -> Answer:
        async with self._lock:
            if self.stopped.done():
                raise StoppedError
            name = questions.key_of(operation, run_id="", task_id="", position=0)[:16]
            position = self.progress.decided.get(name, 0) + 1
            self.progress.question = redact(f"{operation.kind} {operation.target}")
            answer = await self._host.ask(operation, position, self.token())
            if answer.waiting:
                self.stop(Outcome("waiting", f"{answer.gate}: {answer.refusal}", resume=self.token()))
                await self.cancelled.wait()  # an agent that hears of it later takes this for a refusal
                raise StoppedError
            self.progress.question = ""
            if answer.allowed or not answer.gate:  # what a human has denied stays denied, without asking again
                self.progress.decided[name] = position
            await self._remember()
            return answer

    async def _remember(self) -> None:
        if (token := self.token()) is not None:
            await self._host.remember(token)

    async def request_permission(
        self, session_id: str, tool_call: ToolCallUpdate, options: list[PermissionOption], **_: Any
    ) -> RequestPermissionResponse:
        """Leave for a tool call: every operation that it stands for is judged; the first that is refused decides."""
        from acp.schema import AllowedOutcome, DeniedOutcome, RequestPermissionResponse

        call = self._calls.setdefault(tool_call.tool_call_id, Call())
        call.learn(tool_call)
        self._asked.setdefault(tool_call.tool_call_id, [])
        try:
            allowed = await self._allowed(tool_call.tool_call_id, call)
        except StoppedError:
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        wanted = ("allow_once",) if allowed else ("reject_once", "reject_always")
        # An id that two options share could make our refusal leave.
        ids = [option.option_id for option in options]
        own = [option for option in options if ids.count(option.option_id) == 1]
        option = next((option for kind in wanted for option in own if option.kind == kind), None)
        if option is None:
            if allowed:
                self._asked.pop(tool_call.tool_call_id)
                self.progress.untold.append(f"{call.title}: it can only be allowed once, and you did not offer that")
            return RequestPermissionResponse(outcome=DeniedOutcome(outcome="cancelled"))
        return RequestPermissionResponse(outcome=AllowedOutcome(outcome="selected", option_id=option.option_id))

    async def _allowed(self, call_id: str, call: Call) -> bool:
        earlier = self._leaves.pop(call_id, [])  # nothing counts until this is decided
        allowed = await self._decided(call_id, call)
        now = [answer.operation for answer, _ in self._asked[call_id]] if allowed else []
        self._leaves[call_id] = [*earlier, *now]
        return allowed

    async def _decided(self, call_id: str, call: Call) -> bool:
        answers: list[tuple[Answer, float]] = []
        for operation in call.operations(self._assignment.worktree):
            answer = await self._ask(operation)
            if not answer.allowed:
                self.progress.untold.append(redact(f"{operation.kind} {operation.target}: refused: {answer.refusal}"))
                return False
            if answer.operation != operation:
                await self._instead(operation, answer)
                return False
            answers.append((answer, time.monotonic()))
        self._asked[call_id] = answers
        return True

    async def _instead(self, operation: Operation, answer: Answer) -> None:
        """Do what a human has made of an operation: the agent would do what it had asked for."""
        result = await self._perform(answer)
        done = answer.operation
        text = f"{operation.kind} {operation.target}: a human has changed it into: {done.target}"
        text += f"\n{done.content}" if done.content else ""
        self.progress.untold.append(redact(f"{text}\nIt was done so (exit code {result.exit_code}):\n{result.tail}"))

    async def _perform(self, answer: Answer) -> Result:
        self._ours.append(answer.operation)
        result = await perform(answer.operation, self._assignment, len(self._ours))
        async with self._lock:
            await self._host.record(answer, result)
        return result

    # -- what happens -----------------------------------------------------------------------------

    async def session_update(self, session_id: str, update: Any, **_: Any) -> None:
        """What the agent tells of its work."""
        if self.replaying:
            return
        match update.session_update:
            case "agent_message_chunk":
                if update.message_id != self._message_id:
                    self._message, self._message_id = "", update.message_id
                self._message += getattr(update.content, "text", "")
            case "tool_call" | "tool_call_update":
                call = self._calls.setdefault(update.tool_call_id, Call())
                call.learn(update)
                await self._watch(update.tool_call_id, call, update.status)
            case "usage_update" if update.cost is not None:
                await self._pay(update.cost)

    async def _watch(self, call_id: str, call: Call, told: str | None) -> None:
        """Journal a call that goes on or is over; what nobody was asked about, or gave no leave for, is judged now."""
        if call_id in self._asked:
            if call.is_over:
                await self._record(call_id, call)
            if call_id in self._leaves and told in ("in_progress", "completed"):
                await self._observe(call_id, call)
        elif call.status != "pending":
            await self._observe(call_id, call)

    async def _record(self, call_id: str, call: Call) -> None:
        answers, self._asked[call_id] = self._asked[call_id], []
        code, tail = call.outcome()
        for answer, since in answers:
            async with self._lock:
                await self._host.record(answer, Result(code, tail, time.monotonic() - since))

    async def _observe(self, call_id: str, call: Call) -> None:
        is_over, (code, tail) = call.is_over, call.outcome()  # the next message may come amid this
        for operation in call.operations(self._assignment.worktree):
            name = (call_id, questions.key_of(operation, run_id="", task_id="", position=int(is_over)))
            if name in self._judged or self._has_leave(call_id, operation) or self._is_ours(call, operation):
                continue
            self._judged.add(name)
            async with self._lock:
                if self.stopped.done():
                    return
                answer = await self._host.observe(operation)
                if is_over:
                    await self._host.record(answer, Result(code, tail, 0.0))
            if answer.verdict.decision is Decision.BLOCKED:
                self.stop(
                    Outcome(
                        "failed",
                        f"{self._program} has started, without asking: {operation.kind} {operation.target}:"
                        f" {answer.refusal}; it was stopped, but perhaps too late",
                    )
                )

    async def count(self, used: Any) -> None:
        """Record the tokens of a turn, where the agent tells them; their price is known where it tells that, too."""
        self.progress.turns += 1
        if used is None:
            return
        usage = Usage(
            self._program,
            self._assignment.model,
            used.input_tokens,
            used.output_tokens,
            used.cached_read_tokens or 0,
            used.cached_write_tokens or 0,
            usd=0.0 if self.progress.cost else None,
        )
        await self._spend(usage, f"{self.progress.session}:turn-{self.progress.turns}")

    async def _pay(self, cost: Any) -> None:
        """Record what the session has cost since the agent last said so: it tells the sum."""
        known = self.progress.cost if cost.amount >= self.progress.cost else 0.0
        spent = cost.amount - known
        if spent <= 0:
            return
        self.progress.cost = cost.amount
        usd = spent if cost.currency.upper() == "USD" else None
        usage = Usage(self._program, self._assignment.model, usd=usd)
        await self._spend(usage, f"{self.progress.session}:{cost.amount:.9f}")

    async def _spend(self, usage: Usage, key: str) -> None:
        async with self._lock:
            goes_on = await self._host.spend(usage, key)
            await self._remember()
        if not goes_on:
            detail = f"the attempt has spent what it may (${self._assignment.allowance_usd:.2f})"
            fault = Fault("budget", self._program, detail)
            token = self.token()
            self.stop(outcome_for(fault, token))

    # -- files and commands -----------------------------------------------------------------------

    async def _leave(self, operation: Operation) -> Answer:
        """Leave for something that we do for the agent. Raises the protocol's error where there is none."""
        from acp import RequestError

        if (granted := self._granted(operation)) is not None:
            return granted
        try:
            answer = await self._ask(operation)
        except StoppedError:
            raise RequestError(_REFUSED, "the session ends: nothing more is done") from None
        if not answer.allowed:
            raise RequestError(_REFUSED, f"refused: {answer.refusal}", {"details": answer.refusal})
        return answer

    def _granted(self, operation: Operation) -> Answer | None:
        """The leave that the agent was given for the same thing as its tool call, which it now has us do; once."""
        for answers in self._asked.values():
            for number, (answer, _) in enumerate(answers):
                if is_same(answer.operation, operation):
                    del answers[number]
                    return replace(answer, operation=operation)
        return None

    async def read_text_file(
        self, session_id: str, path: str, line: int | None = None, limit: int | None = None, **_: Any
    ) -> ReadTextFileResponse:
        """A file's text, or some lines of it (``line`` counts from 1).

        A file that is not there reads as empty, as a new one does in an editor: agents look before they write one, and
        some take any error for a reason not to.
        """
        from acp import RequestError
        from acp.schema import ReadTextFileResponse

        answer = await self._leave(self._on_file("read", path))
        self._ours.append(answer.operation)
        began = time.monotonic()
        is_missing = False
        try:
            text, why = read_text(answer.operation.place()), ""
        except FileNotFoundError as error:
            text, why, is_missing = "", f"{path}: {error.strerror}", True
        except (OSError, ValueError, RuntimeError) as error:
            text, why = "", f"{path}: {getattr(error, 'strerror', None) or error}"
        async with self._lock:
            await self._host.record(answer, Result(int(bool(why)), why, time.monotonic() - began))
        if why and not is_missing:
            raise RequestError(NO_SUCH, why, {"details": why})
        lines = text.splitlines(keepends=True) if line is not None or limit is not None else [text]
        first = max(0, (line or 1) - 1)
        return ReadTextFileResponse(content="".join(lines[first : None if limit is None else first + limit]))

    async def write_text_file(self, session_id: str, path: str, content: str, **_: Any) -> WriteTextFileResponse:
        """Write a file."""
        from acp import RequestError
        from acp.schema import WriteTextFileResponse

        answer = await self._leave(self._on_file("write", path, content))
        result = await self._perform(answer)
        if result.exit_code != 0:
            raise RequestError(NO_SUCH, result.tail, {"details": result.tail})
        return WriteTextFileResponse()

    async def create_terminal(
        self,
        session_id: str,
        command: str,
        args: list[str] | None = None,
        env: list[EnvVariable] | None = None,
        cwd: str | None = None,
        output_byte_limit: int | None = None,
        **_: Any,
    ) -> CreateTerminalResponse:
        """Start a command; a line without arguments is one for the shell."""
        from acp.schema import CreateTerminalResponse

        words = [command, *args] if args else ["bash", "-c", command]
        variables = [(variable.name, variable.value) for variable in env or []]
        folder = inside_or_named(cwd, self._assignment.worktree)
        line = with_variables(words, variables) if args or variables else command
        answer = await self._leave(command_line(line, folder, self._assignment.worktree))
        return CreateTerminalResponse(terminal_id=self.terminals.start(answer, output_byte_limit))

    async def terminal_output(self, session_id: str, terminal_id: str, **_: Any) -> TerminalOutputResponse:
        """What a command has written so far."""
        from acp.schema import TerminalExitStatus, TerminalOutputResponse

        terminal = self._terminal(terminal_id)
        output, truncated = terminal.text()
        over = None if terminal.exit_code is None else TerminalExitStatus(**in_words(terminal.exit_code))
        return TerminalOutputResponse(output=output, truncated=truncated, exit_status=over)

    async def wait_for_terminal_exit(self, session_id: str, terminal_id: str, **_: Any) -> WaitForTerminalExitResponse:
        """Wait for a command's end."""
        from acp.schema import WaitForTerminalExitResponse

        return WaitForTerminalExitResponse(**in_words(await self._terminal(terminal_id).ended()))

    async def kill_terminal(self, session_id: str, terminal_id: str, **_: Any) -> None:
        """Kill a command; its output stays."""
        self._terminal(terminal_id)
        await self.terminals.kill(terminal_id)

    async def release_terminal(self, session_id: str, terminal_id: str, **_: Any) -> None:
        """Kill a command and forget it."""
        self._terminal(terminal_id)
        await self.terminals.release(terminal_id)

    async def create_elicitation(self, message: str, mode: Any, **_: Any) -> Any:
        """Nobody is there who could fill in a form."""
        from acp.schema import DeclineElicitationResponse

        return DeclineElicitationResponse(action="decline")

    async def complete_elicitation(self, elicitation_id: str, **_: Any) -> None:
        """Nothing was begun."""

    async def ext_method(self, method: str, params: dict[str, Any]) -> dict[str, Any]:
        """Extensions of single agents are not known here."""
        from acp import RequestError

        raise RequestError.method_not_found(method)

    async def ext_notification(self, method: str, params: dict[str, Any]) -> None:
        """As above, and nobody waits for an answer."""

    def on_connect(self, conn: Any) -> None:
        """Nothing to do: whoever has made us holds the connection."""

    def _on_file(self, kind: Any, path: str, content: str = "") -> Operation:
        worktree = self._assignment.worktree
        return Operation(kind, worktree, inside(path, worktree), content=content)

    def _has_leave(self, call_id: str, operation: Operation) -> bool:
        """Whether the call has leave for it; a call that later says less than it has asked for does nothing new."""
        given = self._leaves.get(call_id, [])
        if operation.kind == "run":
            return operation in given
        return bool(given) and (operation.kind == "tool" or operation.target in [leave.target for leave in given])

    def _is_ours(self, call: Call, operation: Operation) -> bool:
        """Whether a call only tells of what we do for it: its file, or its command in one of our terminals."""
        if operation.kind == "run":
            return any(self.terminals.runs(name, operation) for name in call.terminals)
        return any(is_same(operation, ours) for ours in self._ours)

    def _terminal(self, name: str) -> Terminal:
        from acp import RequestError

        if (terminal := self.terminals.get(name)) is None:
            raise RequestError(NO_SUCH, f"there is no terminal '{name}'", {"details": name})
        return terminal
