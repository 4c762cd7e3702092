"""Streamable HTTP: where the server listens, what is around the application there, and its end.

Without tokens anybody on this machine can call, also an agent that we run; so that has to be asked for, is refused
where other machines could call, and gives no more than looking.
"""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from claude_orchestrator.config import Settings
from claude_orchestrator.config.keys import SIGNED_WITH
from claude_orchestrator.errors import ConfigError

if TYPE_CHECKING:
    from mcp.server.transport_security import TransportSecuritySettings
    from starlette.types import ASGIApp

    from claude_orchestrator.server.app import App
    from claude_orchestrator.server.principals import Scope, WhoCalls
    from claude_orchestrator.server.tokens import Authority

HOST: Final = "127.0.0.1"
PORT: Final = 8577
PATH: Final = "/mcp"
GRACE_S: Final = 2
"""Seconds for which requests may go on after the server was told to end; no run depends on one."""

_LOOPBACK: Final = ("127.0.0.1", "localhost", "[::1]")
_PORTS: Final = {"http": 80, "https": 443}


@dataclass(frozen=True)
class Address:
    """Where to listen: a numeric address, and a port; 0 lets the system choose one."""

    ip: ipaddress.IPv4Address | ipaddress.IPv6Address
    port: int

    @property
    def netloc(self) -> str:
        """As it stands in a URL."""
        return f"[{self.ip}]:{self.port}" if self.ip.version == 6 else f"{self.ip}:{self.port}"


def address_of(text: str) -> Address:
    """The address in ``HOST:PORT``, ``HOST``, ``PORT``, or nothing. Raises ConfigError."""
    text = text.strip()
    host, _, port = ("", "", text) if text.isdigit() else _split(text)
    if port and not (port.isdigit() and int(port) <= 65535):
        raise ConfigError(f"'{text}' is no address to listen on: write HOST:PORT, such as {HOST}:{PORT}")
    try:
        found = socket.getaddrinfo(host.strip("[]") or HOST, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise ConfigError(f"'{host}' is no address of this machine: {error}") from error
    return Address(ipaddress.ip_address(found[0][4][0]), int(port) if port else PORT)


def _split(text: str) -> tuple[str, str, str]:
    if text.startswith("[") and text.endswith("]"):
        return text, "", ""
    return text.rpartition(":") if ":" in text else (text, "", "")


def url_of(settings: Settings, address: Address) -> str:
    """The URL that clients call, and that tokens are for. Raises ConfigError for one that cannot be it."""
    if settings.http_url:
        return checked_url(settings.http_url, "CLAUDE_ORCHESTRATOR_HTTP_URL")
    return f"http://{address.netloc}{PATH}"


def checked_url(url: str, name: str) -> str:
    """The URL, when it can be that of a server; ``name`` says where it stands. Raises ConfigError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        parts, port = urlsplit(""), None
    usable = parts.scheme in {"http", "https"} and parts.hostname and port != 0 and not parts.username
    if not usable or parts.query or parts.fragment or not url.isprintable():
        raise ConfigError(f"{name}: '{url}' is no URL of a server: write one like https://orchestrator.example{PATH}")
    return url


def application(app: App, url: str, port: int, authority: Authority | None) -> ASGIApp:
    """All that is served at ``url``: the application behind its door, and how to get a token for it.

    ``port`` is the one that is listened on. Without an ``authority`` nobody is asked for a token.
    """
    from mcp.server.auth.routes import build_resource_metadata_url, create_protected_resource_routes
    from mcp.server.transport_security import DEFAULT_MAX_REQUEST_BODY_SIZE, RequestBodyLimitMiddleware
    from pydantic import AnyHttpUrl
    from starlette.applications import Starlette
    from starlette.routing import Route

    from claude_orchestrator.server.auth import Addresses, Bearers, Scopes
    from claude_orchestrator.server.principals import SCOPES

    path = urlsplit(url).path or "/"
    routes: list[Route] = []
    challenge: dict[str, str] = {}
    if authority is not None and "://" in authority.issuer:
        challenge = {"resource_metadata": str(build_resource_metadata_url(AnyHttpUrl(url)))}
        routes = create_protected_resource_routes(AnyHttpUrl(url), [AnyHttpUrl(authority.issuer)], list(SCOPES))
    inner = app.streamable_http_app(streamable_http_path=path, transport_security=_checked_already())
    door: ASGIApp = RequestBodyLimitMiddleware(
        Scopes(inner, _scopes_of_tools().get, challenge), DEFAULT_MAX_REQUEST_BODY_SIZE
    )
    if authority is not None:
        door = Bearers(door, authority, challenge)
    outer = Starlette(routes=[Route(path, door), *routes], lifespan=lambda _: app.session_manager.run())
    return Addresses(outer, *addresses(url, port))


async def serve(
    settings: Settings,
    address: Address,
    make: Callable[[WhoCalls], App],
    *,
    tokens: bool,
    told: Callable[[str], None],
) -> None:
    """Serve until Ctrl-C or SIGTERM.

    ``make`` gives the application for whoever calls; ``told`` is called with the URL once the server listens. The
    secret is taken out of our environment. Raises ConfigError when this would be open to others, when tokens
    cannot be checked, and when the address cannot be had.
    """
    import uvicorn

    from claude_orchestrator.server.auth import anybody, holder_of_token
    from claude_orchestrator.server.tokens import authority

    _not_open(settings, address, tokens=tokens)
    with listening(address) as listener:
        address = Address(address.ip, listener.getsockname()[1])
        url = url_of(settings, address)
        checks = authority(settings, os.environ, url) if tokens else None
        os.environ.pop(SIGNED_WITH, None)  # nothing that is started from here on has a use for it
        served = application(make(holder_of_token if checks else anybody), url, address.port, checks)
        config = uvicorn.Config(
            served, log_level="warning", access_log=False, server_header=False, timeout_graceful_shutdown=GRACE_S
        )
        told(url)
        await uvicorn.Server(config).serve(sockets=[listener])


def _not_open(settings: Settings, address: Address, *, tokens: bool) -> None:
    """Raises ConfigError when other machines could call without a token, or nobody could say what tokens are for."""
    if address.ip.is_loopback:
        return
    if not tokens:
        raise ConfigError(
            f"{address.netloc} can be reached by other machines, so it needs tokens: leave --no-auth out, or listen on"
            f" {HOST}"
        )
    if address.ip.is_unspecified and not settings.http_url:
        raise ConfigError(
            f"{address.netloc} is every address of this machine: set CLAUDE_ORCHESTRATOR_HTTP_URL to the one URL that"
            " clients call, which is what tokens are for"
        )


def listening(address: Address) -> socket.socket:
    """A socket that listens there. Raises ConfigError when the address cannot be had."""
    family = socket.AF_INET6 if address.ip.version == 6 else socket.AF_INET
    # Named TCP: only then asyncio sends at once what it is given, instead of waiting 40 ms for more.
    made = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind((str(address.ip), address.port))
        made.listen()
    except OSError as error:
        made.close()
        raise ConfigError(f"{address.netloc} cannot be listened on: {error.strerror}") from error
    return made


def addresses(url: str, port: int) -> tuple[frozenset[str], frozenset[str]]:
    """The values of ``Host`` and ``Origin`` that a request to this server can have."""
    parts = urlsplit(url)
    asked = {parts.netloc.lower()}
    if parts.port == _PORTS.get(parts.scheme):
        asked.add(parts.netloc.lower().rpartition(":")[0])  # clients leave the usual port out
    local = {f"{name}:{port}" for name in _LOOPBACK}
    origins = {f"{parts.scheme}://{host}" for host in asked} | {f"http://{host}" for host in local}
    return frozenset(asked | local), frozenset(origins)


def _checked_already() -> TransportSecuritySettings:
    from mcp.server.transport_security import TransportSecuritySettings

    return TransportSecuritySettings(enable_dns_rebinding_protection=False)


def _scopes_of_tools() -> dict[str, Scope]:
    """The scope of each tool, by all its names."""
    from claude_orchestrator.server.table import TOOLS

    return {name: tool.scope for tool in TOOLS for name in (tool.name, *(alias.name for alias in tool.aliases))}
