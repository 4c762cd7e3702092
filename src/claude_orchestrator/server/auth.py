"""The door of the HTTP server: which requests come in at all, whose they are, and what those may ask for.

In this order: the address that the client believes to talk to (421) and the page that it comes from (403), so that no
web site reaches a server on this machine through a browser; the token (401); the scope that the request needs (403).
What a tool needs is checked once more where it is called, which also holds for calls inside of calls.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from mcp.server.auth.middleware.auth_context import AuthContextMiddleware, get_access_token
from mcp.server.auth.middleware.bearer_auth import AuthenticatedUser
from mcp.server.auth.provider import AccessToken
from starlette.datastructures import Headers
from starlette.responses import JSONResponse, PlainTextResponse, Response

from claude_orchestrator.server.principals import SCOPES, Principal, Scope
from claude_orchestrator.server.tokens import LEEWAY_S, Authority, Holder, TokenError

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Send
    from starlette.types import Scope as Connection

ANONYMOUS: Final = Principal("anonymous", frozenset({"read"}))
"""Who calls a server that asks for no token: agents can reach it as well, so it only shows."""

_NOBODY: Final = Principal("nobody", frozenset())
_READING: Final = ("resources/", "prompts/", "completion/", "subscriptions/")
"""How the methods begin, beside the calls of tools, that show something."""


def holder_of_token() -> Principal:
    """Who makes the request that is being served, by its token."""
    token = get_access_token()
    if token is None:
        return _NOBODY
    return Principal(str(token.subject), frozenset(scope for scope in SCOPES if scope in token.scopes))


def anybody() -> Principal:
    """Whoever makes the request."""
    return ANONYMOUS


class Addresses:
    """Lets in what was sent to one of our own addresses, and from no page of others."""

    def __init__(self, app: ASGIApp, hosts: frozenset[str], origins: frozenset[str]) -> None:
        self._app = app
        self._hosts = hosts
        self._origins = origins

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        refusal = self._refusal(Headers(scope=connection)) if connection["type"] == "http" else None
        await (refusal or self._app)(connection, receive, send)

    def _refusal(self, headers: Headers) -> Response | None:
        hosts, origins = headers.getlist("host"), headers.getlist("origin")
        if len(hosts) != 1 or hosts[0].lower() not in self._hosts:
            return PlainTextResponse("this server has another address: see CLAUDE_ORCHESTRATOR_HTTP_URL\n", 421)
        if any(origin.lower() not in self._origins for origin in origins):
            return PlainTextResponse("pages of other origins are not served\n", 403)
        return None


@dataclass(frozen=True)
class Bearers:
    """Lets in whoever has a token that counts, and remembers who it is for what serves the request."""

    app: ASGIApp
    authority: Authority
    challenge: Mapping[str, str]
    """What a refusal says beside its reason: where clients learn how to get a token."""

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        given = Headers(scope=connection).getlist("authorization")
        scheme, _, token = given[0].partition(" ") if len(given) == 1 else ("", "", "")
        if scheme.lower() != "bearer":
            await self._refusal("")(connection, receive, send)
            return
        try:
            holder = await self.authority.holder(token.strip())
        except TokenError as error:
            await self._refusal(str(error))(connection, receive, send)
            return
        connection["user"] = AuthenticatedUser(_access(token.strip(), holder))
        await AuthContextMiddleware(self.app)(connection, receive, send)

    def _refusal(self, why: str) -> Response:
        error = {"error": "invalid_token", "error_description": why} if why else {}
        said = {"error": "invalid_token", "error_description": why or "a bearer token is needed"}
        return _refused(401, said, {**error, **self.challenge})


@dataclass(frozen=True)
class Scopes:
    """Lets through what the token's scopes cover; what they lack is said in the form that clients understand."""

    app: ASGIApp
    needed: Callable[[str], Scope | None]
    """The scope of a tool, by any of its names."""
    challenge: Mapping[str, str]

    async def __call__(self, connection: Connection, receive: Receive, send: Send) -> None:
        """Serve one request, or refuse it."""
        principal = _of_connection(connection)
        message = await receive()
        lacking = self._lacking(principal, message) if principal.scopes else "read"
        if lacking is not None:
            why = f"this needs the scope '{lacking}'"
            said = {"error": "insufficient_scope", "error_description": why}
            wanted = " ".join(scope for scope in SCOPES if scope == lacking or principal.may(scope))
            response = _refused(403, said, {**said, "scope": wanted, **self.challenge})
            await response(connection, receive, send)
            return
        first: list[Message] = [message]

        async def again() -> Message:
            return first.pop() if first else await receive()

        await self.app(connection, again, send)

    def _lacking(self, principal: Principal, message: Message) -> Scope | None:
        """The scope that the request needs and the principal lacks; what cannot be read needs none, and is refused."""
        try:
            request = json.loads(message.get("body", b""))
            method, params = str(request["method"]), request.get("params")
        except (ValueError, RecursionError, TypeError, KeyError, AttributeError):
            return None
        needed: Scope | None = "read" if method.startswith(_READING) else None
        if method == "tools/call" and isinstance(params, Mapping):
            needed = self.needed(str(params.get("name")))
        return needed if needed is not None and not principal.may(needed) else None


def _access(token: str, holder: Holder) -> AccessToken:
    return AccessToken(
        token=token,
        client_id=holder.subject,
        scopes=[scope for scope in SCOPES if scope in holder.scopes],
        expires_at=holder.expires_at + LEEWAY_S,
        subject=holder.subject,
        claims={"iss": holder.issuer},
    )


def _of_connection(connection: Connection) -> Principal:
    user = connection.get("user")
    return holder_of_token() if isinstance(user, AuthenticatedUser) else ANONYMOUS


def _refused(status: int, said: Mapping[str, Any], challenge: Mapping[str, str]) -> Response:
    words = ", ".join(f'{name}="{value}"' for name, value in challenge.items())
    return JSONResponse(dict(said), status, {"www-authenticate": f"Bearer {words}"})
