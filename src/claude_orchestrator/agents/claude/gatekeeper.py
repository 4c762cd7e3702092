"""Every call of a tool in a Claude Code session, judged before it happens and recorded after it.

Two gates stand in a row: the hook before a tool is used, which alone can put a call off until a human has decided, and
the question for permission. The client asks both for every call, because nothing is allowed beforehand and its settings
say to ask for each tool; a session that goes on decides the call that was put off before its hooks are there, so that
only the second gate sees it. A call is judged once, by whichever gate sees it first.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.agents.base import Answer, Host
from claude_orchestrator.agents.claude.tools import arguments_of, failure_of, operation_of, position_of, result_of

if TYPE_CHECKING:
    from claude_agent_sdk import HookMatcher, PermissionResultAllow, PermissionResultDeny, ToolPermissionContext
    from claude_agent_sdk.types import HookEvent

HOOK_TIMEOUT_S: Final = 600.0
"""How long a look at a large worktree may take; after that the client blocks the call."""

ASK_AGAIN: Final = "another call waits for a human first: make this one again when that is decided"


@dataclass
class _Call:
    """One call that has been judged."""

    answer: Answer
    asked: tuple[str, dict[str, Any]]
    """The tool, and the arguments of the model."""
    arguments: dict[str, Any]
    """Those with which it may happen."""
    changed: bool
    asked_at: float

    def is_of(self, name: str, arguments: dict[str, Any]) -> bool:
        """Whether it is the call of that tool, as the model or a human has made it: ids alone may come again."""
        return self.asked[0] == name and arguments in (self.asked[1], self.arguments)


class Gatekeeper:
    """The gates of one launch. ``token`` gives the resume token of a launch that waits at a call.

    ``broken`` is what kept the host from judging or recording: the session must end with it.
    """

    def __init__(self, host: Host, worktree: Path, folder: Path, token: Callable[[str], dict[str, Any]]) -> None:
        self._host = host
        self._worktree = worktree
        self._folder = folder
        self._token = token
        self._turn = asyncio.Lock()
        self._calls: dict[str, _Call] = {}
        self._recorded = 0
        self.waiting: Answer | None = None
        """The answer to the call that was put off: a human has to decide."""
        self.waiting_call = ""
        self.broken: Exception | None = None
        self.seen = asyncio.Event()
        """Set when the first call has come."""

    def hooks(self) -> dict[HookEvent, list[HookMatcher]]:
        """The hooks, for the client's options."""
        from claude_agent_sdk import HookMatcher

        return {
            "PreToolUse": [HookMatcher(hooks=[self.before], timeout=HOOK_TIMEOUT_S, on_failure="block")],
            "PostToolUse": [HookMatcher(hooks=[self.after], timeout=HOOK_TIMEOUT_S)],
            "PostToolUseFailure": [HookMatcher(hooks=[self.after], timeout=HOOK_TIMEOUT_S)],
        }

    # -- before a call ---------------------------------------------------------------------------

    async def before(self, call: Any, _id: str | None, _context: Any) -> Any:
        """The hook before a tool is used."""
        name, arguments, call_id = call["tool_name"], call["tool_input"], call["tool_use_id"]
        async with self._turn:
            if self.waiting is not None:
                return _decision("deny", ASK_AGAIN)
            judged = await self._judged(call_id, name, arguments, Path(call["cwd"]), self._token(call_id))
        if judged is None:
            return {**_decision("deny", "it cannot be judged now"), "continue_": False, "stopReason": "broken"}
        if judged.answer.waiting:
            self.waiting, self.waiting_call = judged.answer, call_id
            return _decision("defer", judged.answer.refusal)
        if not judged.answer.allowed:
            return _decision("deny", judged.answer.refusal)
        return _decision("allow", "", judged.arguments if judged.changed else None)

    async def permit(
        self, name: str, arguments: dict[str, Any], context: ToolPermissionContext
    ) -> PermissionResultAllow | PermissionResultDeny:
        """The question for permission: after the hook, or instead of it. It cannot be put off, so it waits."""
        from claude_agent_sdk import PermissionResultAllow, PermissionResultDeny

        if context.tool_use_id is None:
            return PermissionResultDeny(message="a call without an id cannot be judged", interrupt=True)
        async with self._turn:
            judged = await self._judged(context.tool_use_id, name, arguments, self._worktree, None)
        if judged is None:
            return PermissionResultDeny(message="it cannot be judged now", interrupt=True)
        if not judged.answer.allowed:
            return PermissionResultDeny(message=judged.answer.refusal)
        return PermissionResultAllow(updated_input=judged.arguments)

    async def _judged(
        self, call_id: str, name: str, arguments: dict[str, Any], cwd: Path, token: dict[str, Any] | None
    ) -> _Call | None:
        self.seen.set()
        if (known := self._calls.get(call_id)) is not None and known.is_of(name, arguments):
            return known
        operation = operation_of(name, arguments, cwd, self._worktree)
        try:
            answer = await self._host.ask(operation, position_of(call_id), token)
        except Exception as error:  # noqa: BLE001 - whatever it is, the call must not happen, and the launch must end
            self.broken = self.broken or error
            return None
        changed = answer.operation != operation
        allowed = arguments_of(answer.operation, arguments) if changed else arguments
        self._calls[call_id] = _Call(answer, (name, arguments), allowed, changed, time.monotonic())
        return self._calls[call_id]

    # -- after a call ----------------------------------------------------------------------------

    async def after(self, call: Any, _id: str | None, _context: Any) -> Any:
        """The hooks after a tool was used, with or without success."""
        async with self._turn:
            judged = self._calls.pop(call["tool_use_id"], None)  # an id that comes again is of another call
            if judged is None or not judged.answer.allowed:
                return {}
            self._recorded += 1
            output = self._folder / f"operation-{self._recorded}.log"
            took = call.get("duration_ms")
            seconds = time.monotonic() - judged.asked_at if took is None else took / 1000
            if call["hook_event_name"] == "PostToolUse":
                result = result_of(call["tool_response"], seconds, output)
            else:
                is_command = judged.answer.operation.kind == "run"
                result = failure_of(str(call["error"]), seconds, output, is_command=is_command)
            try:
                await self._host.record(judged.answer, result)
            except Exception as error:  # noqa: BLE001 - see above
                self.broken = self.broken or error
                return {"continue_": False, "stopReason": "broken"}
        return {}


def _decision(decision: str, reason: str, arguments: dict[str, Any] | None = None) -> dict[str, Any]:
    said = {"hookEventName": "PreToolUse", "permissionDecision": decision}
    said |= {"permissionDecisionReason": reason} if reason else {}
    return {"hookSpecificOutput": {**said, **({"updatedInput": arguments} if arguments is not None else {})}}
