"""``serve``: the MCP server, on standard input and output or over HTTP; light, because a client waits for its start."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final, NamedTuple

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError, OrchestratorError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_orchestrator.server.app import App
    from claude_orchestrator.server.principals import WhoCalls

TOOLS: Final = ("core", "standard", "all", "dynamic")


class Request(NamedTuple):
    """A command line of ``serve``."""

    tools: str = "all"
    """What is listed; ``dynamic`` is ``core``, and grows as the client asks for more."""
    read_only: bool = False
    project: str = "."
    http: str | None = None
    """The address to listen on; None: standard input and output."""
    no_auth: bool = False


def parsed(words: Sequence[str]) -> Request | None:
    """The request in a plain command line for stdio; None for what the full command line has to look at."""
    request = Request()
    rest = list(words)
    while rest:
        name, equals, value = rest.pop(0).partition("=")
        if name == "--read-only" and not equals:
            request = request._replace(read_only=True)
            continue
        if name not in {"--tools", "--project"} or not (equals or rest):
            return None
        value = value if equals else rest.pop(0)
        request = request._replace(tools=value) if name == "--tools" else request._replace(project=value)
    return request if not problem(request) else None


def problem(request: Request) -> str:
    """What is wrong with a request, or an empty text."""
    if request.tools not in TOOLS:
        return f"there is no list of tools '{request.tools}': choose from {', '.join(TOOLS)}"
    if request.no_auth and request.http is None:
        return "--no-auth is for --http: whoever starts the server on stdio is the one who calls"
    return ""


def run(request: Request) -> int:
    """Serve until the client goes, or until Ctrl-C; return the exit code. No error of a user's shows a traceback."""
    try:
        if request.http is None:
            _on_stdio(request)
        else:
            _over_http(request, request.http)
    except OrchestratorError as error:
        output.complain(str(error))
        return output.USAGE
    except OSError as error:
        output.complain(f"{error.strerror or error}: {error.filename}" if error.filename else str(error))
        return output.USAGE
    except KeyboardInterrupt:
        return output.INTERRUPTED
    return output.COMPLETED


def _on_stdio(request: Request) -> None:
    from claude_orchestrator.server.principals import anybody_local
    from claude_orchestrator.server.stdio import run_stdio

    if sys.stdin.isatty():
        output.warn(
            f"this is a server for MCP clients, which start it and talk to it: see {output.PROGRAM} serve --help"
        )
    run_stdio(_app(request, anybody_local))


def _over_http(request: Request, text: str) -> None:
    import asyncio

    from claude_orchestrator.config import load_settings
    from claude_orchestrator.server.http import address_of, serve

    settings, address = load_settings(), address_of(text)

    def told(url: str) -> None:
        output.warn(f"serving {url}; Ctrl-C ends it, and no run")
        if request.no_auth:
            output.warn("  --no-auth: anybody on this machine can look, and nobody can do anything")
        elif not settings.jwks:
            output.warn(f"  a token for a client: {output.program()} token issue --scope read --audience {url}")

    asyncio.run(serve(settings, address, lambda who: _app(request, who), tokens=not request.no_auth, told=told))


def _app(request: Request, who_calls: WhoCalls) -> App:
    """The application. Raises ConfigError when there is no such project."""
    from claude_orchestrator.config import load_settings
    from claude_orchestrator.server.app import make_app

    project = Path(os.path.abspath(request.project))  # noqa: PTH100  (a link stays a link: people know it by that name)
    if not project.is_dir():
        raise ConfigError(f"{request.project} is no folder: --project names the repository that calls are about")
    dynamic = request.tools == "dynamic"
    return make_app(
        load_settings(),
        project=project,
        tools="core" if dynamic else request.tools,  # type: ignore[arg-type]
        read_only=request.read_only,
        dynamic=dynamic,
        who_calls=who_calls,
    )
