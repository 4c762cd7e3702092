"""Providers of models on loopback, played from a script: what the real client libraries speak to in our tests.

A script is a function from the :class:`Request` to a :class:`Reply`. It sees only what the client has sent, so a
request that comes again after a retry, a kill or a restart gets the same reply; nothing here counts requests. Each
provider's own words are in a module of its own: a :class:`Wire`.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import Any, Final, Protocol
from urllib.parse import urlsplit

from scripted.loopback import Loopback, QuietHandler

PATIENCE_S: Final = 30.0


@dataclass(frozen=True)
class Call:
    """A call of a tool, as the model makes it."""

    name: str
    arguments: Mapping[str, Any]


def call(name: str, /, **arguments: Any) -> Call:
    """A call of a tool."""
    return Call(name, arguments)


@dataclass(frozen=True)
class Reply:
    """One answer of the model, or of its provider in its place."""

    text: str = ""
    calls: Sequence[Call] = ()
    status: int = 200
    said: str = "scripted trouble"
    """The provider's words, for a status other than 200."""
    code: str = ""
    """The provider's code for it."""
    headers: Mapping[str, str] = field(default_factory=dict)
    cut: bool = False
    """The connection ends amid the answer."""
    until: threading.Event | None = None
    """The reply is held back until then."""


@dataclass(frozen=True)
class Request:
    """What the client has asked for."""

    path: str
    headers: Mapping[str, str]
    body: Mapping[str, Any]
    turn: int
    """How many answers of the model the conversation has."""
    words: str
    """All text of the conversation, the tools' results as well."""
    results: Sequence[str]
    """What the tools have said, oldest first."""


class Wire(Protocol):
    """How one provider speaks."""

    def serves(self, path: str) -> bool:
        """Whether requests for answers come to that path."""

    def turn(self, body: Mapping[str, Any]) -> int:
        """How many answers of the model are in a request."""

    def results(self, body: Mapping[str, Any]) -> list[str]:
        """What the tools have said."""

    def answer(self, reply: Reply, request: Request) -> tuple[str, str]:
        """The type and the text of the answer's body."""

    def refusal(self, reply: Reply) -> Mapping[str, Any]:
        """The body of an error."""


Script = Callable[[Request], Reply]


def steps(*replies: Reply | Callable[[Request], Reply]) -> Script:
    """One reply for each turn, in order; after the last one the model has nothing more to do."""

    def play(request: Request) -> Reply:
        if request.turn >= len(replies):
            return Reply("That is all.")
        step = replies[request.turn]
        return step if isinstance(step, Reply) else step(request)

    return play


def by_task(**scripts: Script) -> Script:
    """A script for each task, whose name stands in its prompt (``[name]``)."""

    def play(request: Request) -> Reply:
        name = next((name for name in scripts if f"[{name}]" in request.words), None)
        assert name is not None, f"no script for {request.words[:300]!r}"
        return scripts[name](request)

    return play


class ProviderApi(Loopback[Request]):
    """The server; ``with ProviderApi(wire, script) as api`` serves at ``api.url``.

    An exception in a script is answered with 400.
    """

    patience_s = PATIENCE_S

    def __init__(self, wire: Wire, script: Script) -> None:
        self.wire = wire
        self.script = script
        super().__init__(_handler_for(self))


def _handler_for(api: ProviderApi) -> type[BaseHTTPRequestHandler]:
    class Handler(QuietHandler):
        def do_POST(self) -> None:  # noqa: N802
            body = json.loads(self.rfile.read(int(self.headers.get("content-length") or 0)) or b"{}")
            headers = {name.casefold(): value for name, value in self.headers.items()}
            path = urlsplit(self.path).path
            if not api.wire.serves(path):
                self._send(404, "application/json", "{}", {})
                return
            words = "\n".join(_strings(body))
            request = Request(path, headers, body, api.wire.turn(body), words, api.wire.results(body))
            api.received(request)
            try:
                reply = api.script(request)
            except Exception as error:  # noqa: BLE001
                api.errors.append(error)
                reply = Reply(status=400, said=f"the script failed: {error!r}")
            if reply.until is not None:
                reply.until.wait(PATIENCE_S)
            try:
                self._answer(reply, request)
            except ConnectionError:
                return  # the client is gone

        def _answer(self, reply: Reply, request: Request) -> None:
            if reply.status != 200:
                self._send(reply.status, "application/json", json.dumps(api.wire.refusal(reply)), reply.headers)
                return
            kind, text = api.wire.answer(reply, request)
            if reply.cut:
                self._send(200, kind, text, {"content-length": str(2 * len(text.encode()))})
                self.close_connection = True
                return
            self._send(200, kind, text, reply.headers)

        def _send(self, status: int, kind: str, text: str, headers: Mapping[str, str]) -> None:
            said = text.encode()
            self.send_response(status)
            for name, value in {"content-type": kind, "content-length": str(len(said)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(said)

    return Handler


def _strings(value: Any) -> list[str]:
    """All texts in a JSON document."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for inner in value.values() for text in _strings(inner)]
    if isinstance(value, list):
        return [text for inner in value for text in _strings(inner)]
    return []
