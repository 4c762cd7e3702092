"""One launch's conversation: ask the model, do what it wants, ask again, each step kept before the next begins.

Every turn starts from what is kept, as a launch does that goes on after a crash: it does what the last answer wants
(what is done already is only told again) and asks once.
"""

from __future__ import annotations

import warnings
from collections.abc import Awaitable, Callable, Sequence
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.agents.base import Answer, Assignment, Host, Result
from claude_orchestrator.agents.model.conversation import Conversation, Told
from claude_orchestrator.agents.model.tools import Tools, Wish
from claude_orchestrator.agents.performing import to_the_end
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.workspace.process import ProgramError

if TYPE_CHECKING:
    from pydantic_ai import Agent, RunContext
    from pydantic_ai.messages import ModelResponse, ToolCallPart
    from pydantic_ai.models import Model
    from pydantic_ai.run import AgentRun

ANSWER_TIMEOUT_S: Final = 600.0
"""Seconds that one request may take."""

_SHOWN: Final = 200
_INSTRUCTIONS: Final = """\
You carry out one task in a software project, with the tools that you have. You work alone: nobody answers questions.
Paths are relative to the project's folder, which is a git worktree of your own; do not commit, that is done for you.
Every operation is judged before it happens. When one is refused, find a way that needs no such operation, or say in
your report what is missing; do not try to get around it.
When you are done, an independent verifier runs the project's own tests and checks on what you have changed. It does
not read your report, and refuses weakened tests and checks. Look at the files before you change them, change only what
the task needs, run the tests that concern it, then call finish with a truthful report."""
_UNKNOWN: Final = (
    "The program that carries out your calls was stopped while this one was at work. Nobody knows how far it came: look"
    " at what is there before you repeat it."
)
_EMPTY: Final = "Your answer was empty: go on with the task, or call finish when it is done."
_CUT: Final = "Your answer was cut off at the limit of its length: go on in smaller steps."


class WaitingError(Exception):
    """A human has to decide before the conversation can go on."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.gate}: {answer.refusal}")


class TurnsUsedError(Exception):
    """The model has answered as often as it may."""


class BudgetUsedError(Exception):
    """What the attempt may spend is spent."""


class Session:
    """The conversation of one launch with one model."""

    def __init__(
        self, assignment: Assignment, host: Host, conversation: Conversation, provider: str, model: Model, turns: int
    ) -> None:
        self._assignment = assignment
        self._host = host
        self._conversation = conversation
        self._provider = provider
        self._model = model
        self._turns = turns
        self._notes: list[str] = []
        self._said = 0
        """How many of the notes are in the request that is being made."""
        self._agent = _agent(Tools(assignment), model, self._execute)

    def note(self, text: str) -> None:
        """Say something to the model before it is asked the next time."""
        self._notes.append(text)

    async def turn(self) -> str | None:
        """Do what the last answer wants and ask for the next one; the report when the model is done.

        Nothing is lost or done twice when it is called again after an error. Raises WaitingError, TurnsUsedError,
        BudgetUsedError, and what pydantic-ai raises.
        """
        if (report := self._last_words()) is not None:
            return report
        from pydantic_ai import Agent

        history = self._conversation.shown()
        async with self._agent.iter(None if history else self._assignment.prompt, message_history=history) as run:
            node = run.next_node
            while not Agent.is_end_node(node):
                if Agent.is_model_request_node(node):
                    self._before_request(node.request)
                node = await run.next(node)
                if Agent.is_call_tools_node(node) and run.usage.requests:
                    await to_the_end(self._keep(run, node.model_response))
                    return self._last_words()
            assert run.result is not None
            return str(run.result.output)

    def _before_request(self, request: Any) -> None:
        """The turns are counted, and notes are added, just before the model is asked."""
        from pydantic_ai.messages import UserPromptPart

        if self._conversation.turns >= self._turns:
            raise TurnsUsedError
        if (answer := self._conversation.last_answer) is not None and not answer.tool_calls and not self._notes:
            self.note(_CUT if answer.finish_reason == "length" else _EMPTY)
        self._said = len(self._notes)
        request.parts = [*request.parts, *map(UserPromptPart, self._notes)]

    def _last_words(self) -> str | None:
        """The text with which the model has ended, when its last answer is nothing but a text."""
        answer = self._conversation.last_answer
        if answer is None or answer.tool_calls or answer.finish_reason == "length":
            return None
        return (answer.text or "").strip() or None

    async def _keep(self, run: AgentRun[Any, Any], response: ModelResponse) -> None:
        """Pay for an answer, then keep it: it has been paid even if the keeping fails."""
        used, turn = response.usage, self._conversation.turns + 1
        cached = used.cache_read_tokens + used.cache_write_tokens
        usage = Usage(
            provider=self._provider,
            model=self._model.model_name,
            input_tokens=max(0, used.input_tokens - cached),
            output_tokens=used.output_tokens,
            cache_read_tokens=used.cache_read_tokens,
            cache_write_tokens=used.cache_write_tokens,
        )
        may_go_on = await self._host.spend(usage, f"{self._assignment.launch}.{turn}")
        del self._notes[: self._said]
        self._conversation.add(run.new_messages())
        await self._host.remember(self._conversation.token)
        if text := " ".join((response.text or "").split()):
            await self._host.progress(text if len(text) <= _SHOWN else text[: _SHOWN - 1] + "…")
        if not may_go_on:
            raise BudgetUsedError

    # -- calls of tools --------------------------------------------------------------------------

    async def _execute(
        self,
        ctx: RunContext[None],
        /,
        *,
        call: ToolCallPart,
        args: dict[str, Any],
        handler: Callable[[dict[str, Any]], Awaitable[Wish]],
        **_: Any,
    ) -> str:
        """Do what a call wants, unless that is done already; say what came of it."""
        from pydantic_ai.exceptions import ToolFailed

        position = self._conversation.position_of(call.tool_call_id)
        told = self._conversation.told(position)
        if told is None:
            told = await self._judged(position, await handler(args))
        if told.failed:
            raise ToolFailed(told.text)
        return told.text

    async def _judged(self, position: int, wish: Wish) -> Told:
        if self._conversation.was_begun(position):
            return await to_the_end(self._tell(position, Told(_UNKNOWN, failed=True)))
        answer = await to_the_end(self._host.ask(wish.operation, position, self._conversation.token))
        if answer.waiting:
            raise WaitingError(answer)
        if not answer.allowed:
            return await to_the_end(self._tell(position, Told(f"refused: {answer.refusal}", failed=True)))
        if wish.has_effects:
            self._conversation.begin(position)
            await to_the_end(self._host.remember(self._conversation.token))
        try:
            result, told = await wish.perform(answer.operation, position)
        except ProgramError as error:
            result, told = Result(127, str(error), 0.0), Told(str(error), failed=True)
        return await to_the_end(self._record(position, wish, answer, result, told))

    async def _record(self, position: int, wish: Wish, answer: Answer, result: Result, told: Told) -> Told:
        await self._host.record(answer, result)
        if answer.operation != wish.operation:
            done = f"{answer.operation.kind} {answer.operation.target}"
            told = Told(f"A person has changed this operation before it was done: {done}\n{told.text}", told.failed)
        return await self._tell(position, told)

    async def _tell(self, position: int, told: Told) -> Told:
        self._conversation.tell(position, told)
        await self._host.remember(self._conversation.token)
        return told


def _agent(tools: Tools, model: Model, execute: Callable[..., Awaitable[str]]) -> Agent[None, Any]:
    """The agent of the library: its tools only make wishes, ``execute`` fulfils them, one after the other."""
    from pydantic_ai import Agent, Tool, ToolOutput
    from pydantic_ai.capabilities import Hooks
    from pydantic_ai.exceptions import UnsupportedSettingWarning

    # A provider of one's own need not know all settings.
    warnings.simplefilter("ignore", UnsupportedSettingWarning)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a wish has no schema: no model ever sees one
        all_tools = [Tool(tool, sequential=True) for tool in tools.all]
    return Agent(
        model,
        instructions=_INSTRUCTIONS,
        tools=all_tools,
        output_type=[ToolOutput(finish, name="finish"), str],
        capabilities=[Hooks(tool_execute=execute)],
        # We ask again ourselves, from what is kept.
        model_settings={"max_retries": 0, "timeout": ANSWER_TIMEOUT_S, "cache": True},
    )


def finish(summary: str, files_changed: Sequence[str] = (), tests_run: Sequence[str] = ()) -> str:
    """End the task with a report.

    Args:
        summary: What was done, what was not, and why.
        files_changed: The files that were changed.
        tests_run: The commands with which it was tested, each with its result.
    """
    parts = [summary.strip()]
    if files_changed:
        parts.append("Files changed: " + ", ".join(files_changed))
    if tests_run:
        parts.append("Tests run:\n" + "\n".join(f"- {test}" for test in tests_run))
    return "\n\n".join(parts)
