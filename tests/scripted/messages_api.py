"""Anthropic's Messages API on loopback, played from a script: what the real Claude Code client speaks to in our tests.

A script is a function from the :class:`Request` to a :class:`Reply` (or its blocks, or just a text). It is asked with
what the client has sent, so a request that comes again after a retry, a kill or a resume gets the same reply: nothing
here counts requests. :func:`by_task` plays a list of replies for each task, found by a word of its prompt.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlsplit

from scripted.anthropic_api import stream_of
from scripted.loopback import Loopback, QuietHandler

MESSAGES: Final = "/v1/messages"
PATIENCE_S: Final = 150.0

_IN_ITS_PLACE: Final = "No response requested."
"""What the client puts where the model was not asked: in a session that was cut off."""

Block = dict[str, Any]


def text(words: str) -> Block:
    """A block of text."""
    return {"type": "text", "text": words}


def tool(name: str, call: str, /, **arguments: Any) -> Block:
    """A call of a tool; ``call`` is its id, the same whenever the reply is played again."""
    return {"type": "tool_use", "id": f"toolu_{call}", "name": name, "input": arguments}


@dataclass(frozen=True)
class Reply:
    """One answer of the model, or of the API in its place."""

    blocks: Sequence[Block] = ()
    input_tokens: int = 1_000
    output_tokens: int = 100
    cache_read_tokens: int = 0
    cache_write_tokens: int = 0
    status: int = 200
    error: str = "api_error"
    """The type of the error, for a status other than 200."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut_after: int | None = None
    """After so many events of the stream the connection ends."""
    until: threading.Event | None = None
    """The reply is held back until then."""


@dataclass(frozen=True)
class Request:
    """What the client has asked for."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]

    @property
    def session(self) -> str:
        """The client's session, by its header."""
        return self.headers.get("x-claude-code-session-id", "")

    @property
    def messages(self) -> list[dict[str, Any]]:
        """The conversation so far."""
        return list(self.body.get("messages", []))

    @property
    def turn(self) -> int:
        """How many answers of the model the conversation has; what the client says in its place does not count."""
        said = (_words(message["content"]) for message in self.messages if message["role"] == "assistant")
        return sum(words != _IN_ITS_PLACE for words in said)

    @property
    def words(self) -> str:
        """All text of the conversation, tools' results as well."""
        return "\n".join(_words(message["content"]) for message in self.messages)

    def results(self) -> dict[str, tuple[str, bool]]:
        """What the tools have said, by the calls' ids: the text, and whether it was an error."""
        return {
            block["tool_use_id"].removeprefix("toolu_"): (_words(block.get("content", "")), bool(block.get("is_error")))
            for message in self.messages
            if isinstance(message["content"], list)
            for block in message["content"]
            if block.get("type") == "tool_result"
        }


def _words(content: Any) -> str:
    if isinstance(content, str):
        return content
    return "\n".join(_words(block.get("text") or block.get("content") or "") for block in content or ())


Script = Callable[[Request], Reply | Sequence[Block] | str]


def by_task(**scripts: Sequence[Any]) -> Script:
    """A list of replies for each task, whose name stands in its prompt (``[name]``): one for each turn, in order.

    A reply may be a function from the request to one. What comes after the last is a plain end of the work.
    """

    def play(request: Request) -> Reply | Sequence[Block] | str:
        name = next((name for name in scripts if f"[{name}]" in request.words), None)
        assert name is not None, f"no script for {request.words[:200]!r}"
        if request.turn >= len(scripts[name]):
            return "That is all."
        step = scripts[name][request.turn]
        return step(request) if callable(step) else step

    return play


class MessagesApi(Loopback[Request]):
    """The server; ``with MessagesApi(script) as api`` serves at ``api.url``.

    An exception in a script is answered with 400, so that a failed assert ends the client's work at once.
    """

    patience_s = PATIENCE_S

    def __init__(self, script: Script) -> None:
        self.script = script
        super().__init__(type("Handler", (_Handler,), {"api": self}))

    def answer_to(self, request: Request) -> Reply:
        """What the script says."""
        said = self.script(request)
        if isinstance(said, str):
            said = [text(said)]
        return said if isinstance(said, Reply) else Reply(said)


class _Handler(QuietHandler):
    api: MessagesApi

    def do_POST(self) -> None:  # noqa: N802
        """The only method that is scripted."""
        body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
        headers = {name.casefold(): value for name, value in self.headers.items()}
        request = Request(urlsplit(self.path).path, headers, body)
        self.api.received(request)
        try:
            self._answer(request)
        except ConnectionError:
            return  # the client is gone
        except Exception as error:  # noqa: BLE001 - a test looks at it
            self.api.errors.append(error)
            self._refuse(400, "invalid_request_error", f"the script failed: {error!r}", {})

    do_GET = do_HEAD = do_PUT = do_DELETE = do_POST  # noqa: N815

    def _answer(self, request: Request) -> None:
        if request.path != MESSAGES:
            self._refuse(404, "not_found_error", "this is not scripted", {})
            return
        reply = self.api.answer_to(request)
        if reply.until is not None:
            reply.until.wait(PATIENCE_S)
        if reply.status != 200:
            self._refuse(reply.status, reply.error, f"scripted {reply.status}", reply.headers)
            return
        self.send_response(200)
        stream = {"content-type": "text/event-stream; charset=utf-8", "transfer-encoding": "chunked"}
        for name, value in {**stream, "request-id": f"req_{uuid.uuid4().hex[:12]}", **reply.headers}.items():
            self.send_header(name, value)
        self.end_headers()
        for number, event in enumerate(_events(reply, request.body.get("model", "scripted"))):
            if number == reply.cut_after:
                self.close_connection = True
                return
            data = f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.write(b"0\r\n\r\n")

    def _refuse(self, status: int, kind: str, why: str, headers: Mapping[str, str]) -> None:
        said = json.dumps({"type": "error", "error": {"type": kind, "message": why}}).encode()
        self.send_response(status)
        for name, value in {"content-type": "application/json", "content-length": len(said), **headers}.items():
            self.send_header(name, str(value))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(said)


def _events(reply: Reply, model: str) -> Iterator[Mapping[str, Any]]:
    """The stream of one answer."""
    usage = {
        "input_tokens": reply.input_tokens,
        "cache_creation_input_tokens": reply.cache_write_tokens,
        "cache_read_input_tokens": reply.cache_read_tokens,
        "output_tokens": 1,
    }
    reason = "tool_use" if any(block["type"] == "tool_use" for block in reply.blocks) else "end_turn"
    message = {"id": f"msg_{uuid.uuid4().hex[:20]}", "type": "message", "role": "assistant", "model": model}
    whole = {**message, "content": list(reply.blocks), "stop_reason": reason, "stop_sequence": None, "usage": usage}
    return stream_of(whole, reply.output_tokens)
