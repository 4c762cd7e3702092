"""Asking the person at the client: one form after the other, the same code in both eras of the protocol.

Up to 2025-11-25 the server asks in the middle of a call. From 2026-07-28 on it cannot: the call ends with the question,
and the client makes it again with the answer. So a tool that asks must be able to start over: whatever it did before
the question, it has kept in the database, and finds it there.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final, Literal

from mcp.server.mcpserver.exceptions import ToolError
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitRequest, ElicitRequestFormParams, ElicitResult, InputRequiredResult

from claude_orchestrator.telling.visible import visible

if TYPE_CHECKING:
    from mcp.server.mcpserver import Context

Action = Literal["accept", "decline", "cancel", "unable"]
"""How a form ended; ``unable``: the client cannot show forms."""

HANDSHAKES_END: Final = "2026-07-28"
"""The first protocol whose server cannot ask in the middle of a call."""


@dataclass(frozen=True)
class Field:
    """One thing that a form asks for."""

    name: str
    title: str
    kind: Literal["choice", "choices", "confirm", "number", "text"] = "text"
    about: str = ""
    options: tuple[tuple[str, str], ...] = ()
    """Value and what people read of it."""
    default: Any = None
    needed: bool = False

    def schema(self) -> dict[str, Any]:
        """The field as the protocol describes it."""
        schema: dict[str, Any] = {"title": _plain(self.title)}
        if self.about:
            schema["description"] = _plain(self.about)
        titled = [{"const": value, "title": _plain(label or value)} for value, label in self.options]
        if self.kind == "choice":
            schema |= {"type": "string", "oneOf": titled}
        elif self.kind == "choices":
            schema |= {"type": "array", "items": {"anyOf": titled}}
        else:
            schema["type"] = {"confirm": "boolean", "number": "number", "text": "string"}[self.kind]
        if self.default is not None:
            schema["default"] = list(self.default) if self.kind == "choices" else self.default
        return schema


@dataclass(frozen=True)
class Form:
    """One question to the person: ``key`` tells it from the others of a call."""

    key: str
    message: str
    fields: tuple[Field, ...]
    aside: str = ""
    """Shown below the message, and no part of the question: an answer holds though it has changed meanwhile."""
    about: str = ""
    """All that an answer is about, also what is not shown of it: where this has changed, an answer does not hold."""

    @property
    def shown(self) -> str:
        """All that the person reads."""
        return _plain(f"{self.message}\n{self.aside}" if self.aside else self.message)

    def schema(self) -> dict[str, Any]:
        """The whole form as the protocol describes it."""
        return {
            "type": "object",
            "properties": {each.name: each.schema() for each in self.fields},
            "required": [each.name for each in self.fields if each.needed],
        }

    def digest(self) -> str:
        """What an answer is held to: another text is another question."""
        shown = json.dumps([self.key, self.message, self.schema(), self.about], sort_keys=True)
        return hashlib.sha256(shown.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class Reply:
    """What came back."""

    action: Action
    values: Mapping[str, Any] = field(default_factory=dict)


class Asking(Exception):  # noqa: N818 - no error: it is how a call ends that asks
    """The call ends here with a question; ``result`` is what the client gets."""

    def __init__(self, result: InputRequiredResult) -> None:
        super().__init__("the client is asked")
        self.result = result


class Forms:
    """The forms of one call."""

    def __init__(self, ctx: Context[Any, Any]) -> None:
        self._ctx = ctx
        self._modern = (ctx.protocol_version or "") >= HANDSHAKES_END
        kept = _kept(ctx.request_state) if self._modern else {}
        self.memory: dict[str, Any] = kept.get("memory", {})
        """What a call that starts over has to know of what it did; sealed on its way, and small."""
        self._replies: dict[str, dict[str, Any]] = kept.get("replies", {})
        self._asked: dict[str, str] = kept.get("asked", {})

    @property
    def able(self) -> bool:
        """Whether the client has said that it can show forms, and can be reached."""
        capabilities = self._ctx.client_capabilities
        elicitation = capabilities.elicitation if capabilities is not None else None
        if elicitation is None or (elicitation.form is None and elicitation.url is not None):
            return False
        return self._modern or self._ctx.session.can_send_request

    async def ask(self, form: Form) -> Reply:
        """Show the form and return what came back; ``unable`` at once where no form can be shown."""
        if not self.able:
            return Reply("unable")
        if not self._modern:
            try:
                return _reply(await self._ctx.session.elicit_form(form.shown, form.schema(), self._ctx.request_id))
            except MCPError:
                return Reply("unable")  # it has said that it can, and cannot
        digest = form.digest()
        known = self._replies.get(form.key)
        if known is not None and known["digest"] == digest:
            return Reply(known["action"], known["values"])
        answer = (self._ctx.input_responses or {}).get(form.key)
        if answer is None or self._asked.get(form.key) != digest:
            raise Asking(self._question(form, digest))
        if not isinstance(answer, ElicitResult):
            raise ToolError(f"the answer to {form.key} is none to a form: call the tool again")
        reply = _reply(answer)
        self._replies[form.key] = {"digest": digest, "action": reply.action, "values": dict(reply.values)}
        return reply

    def _question(self, form: Form, digest: str) -> InputRequiredResult:
        state = {"memory": self.memory, "replies": self._replies, "asked": {form.key: digest}}
        params = ElicitRequestFormParams(message=form.shown, requested_schema=form.schema())
        return InputRequiredResult(
            input_requests={form.key: ElicitRequest(params=params)}, request_state=json.dumps(state)
        )


def _plain(text: str) -> str:
    """A text without anything that a terminal would obey, or that hides or reorders what stands in it."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _reply(result: ElicitResult) -> Reply:
    if result.action == "accept" and result.content is None:
        return Reply("cancel")  # nothing was filled in: nobody has answered
    return Reply(result.action, result.content or {})


def _kept(state: str | None) -> dict[str, Any]:
    """The state comes back sealed, so it is ours; one of an older program counts as none."""
    try:
        kept = json.loads(state or "{}")
    except ValueError:
        return {}
    return kept if isinstance(kept, dict) else {}
