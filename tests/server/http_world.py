"""An HTTP server of our own on loopback, as ``serve --http`` runs it but for the process, and requests to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
import jwt
import uvicorn

from claude_orchestrator.config import Settings
from claude_orchestrator.server import http, tokens
from claude_orchestrator.server.app import make_app
from claude_orchestrator.server.auth import anybody, holder_of_token
from claude_orchestrator.server.tokens import Authority

SECRET = "a secret of the tests, at least 32 bytes long"
MODERN = "2026-07-28"
PATIENCE_S = 30.0


class Served:
    """The server, from outside."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.client = httpx2.Client(timeout=PATIENCE_S, trust_env=False)

    def token(self, *scopes: str, subject: str = "ada", **claims: Any) -> str:
        """A token as ``token issue`` makes them; None as a claim leaves it out."""
        made = tokens.SharedSecret(SECRET, self.url).issue(subject, frozenset(scopes), 600)  # type: ignore[arg-type]
        if not claims:
            return made
        said = {**jwt.decode(made, options={"verify_signature": False}), **claims}
        return jwt.encode({name: value for name, value in said.items() if value is not None}, SECRET, "HS256")

    def ask(
        self, method: str, params: dict[str, Any] | None = None, token: str | None = None, **headers: str
    ) -> httpx2.Response:
        """One request of the protocol of 2026-07-28."""
        meta = {
            "io.modelcontextprotocol/protocolVersion": MODERN,
            "io.modelcontextprotocol/clientCapabilities": {},
        }
        given = {**(params or {}), "_meta": meta}
        named = {"Mcp-Name": str(given["name"])} if "name" in given else {}
        return self.post(
            {"jsonrpc": "2.0", "id": 1, "method": method, "params": given},
            token,
            **{"MCP-Protocol-Version": MODERN, "Mcp-Method": method, **named, **headers},
        )

    def post(self, document: Any, token: str | None = None, **headers: str) -> httpx2.Response:
        """One POST of a document, or of a text."""
        bearer = {"Authorization": f"Bearer {token}"} if token is not None else {}
        ours = {"Accept": "application/json, text/event-stream", "Content-Type": "application/json"}
        body = document if isinstance(document, str) else json.dumps(document)
        return self.client.post(self.url, content=body, headers={**ours, **bearer, **headers})

    def listed(self, token: str) -> list[str]:
        """The names of the tools that the holder of the token sees."""
        return [tool["name"] for tool in self.ask("tools/list", token=token).json()["result"]["tools"]]


@contextmanager
def served(
    settings: Settings, project: Path, authority: Authority | None = None, *, auth: bool = True
) -> Iterator[Served]:
    """Serve in a thread of its own, on a port that the system chooses, until the block is left."""
    with http.listening(http.address_of("0")) as listening:
        port = listening.getsockname()[1]
        url = f"http://127.0.0.1:{port}/mcp"
        checks = (authority or tokens.SharedSecret(SECRET, url)) if auth else None
        app = make_app(settings, project=project, who_calls=holder_of_token if auth else anybody)
        config = uvicorn.Config(http.application(app, url, port, checks), log_level="warning", access_log=False)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, args=([listening],))
        thread.start()
        one = Served(url)  # the socket listens already: who is early waits
        try:
            yield one
        finally:
            one.client.close()
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
