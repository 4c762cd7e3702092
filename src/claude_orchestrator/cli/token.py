"""``token``: make the tokens with which programs call ``serve --http``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated, Final

import typer

from claude_orchestrator.cli import output
from claude_orchestrator.errors import ConfigError, ForbiddenError

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.server.principals import Scope

app = typer.Typer(help="Make the tokens with which programs call 'serve --http'.", no_args_is_help=True)

_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}
LONGEST_S: Final = 90 * 86400
"""A token cannot be taken back before it ends, other than by a new secret, which ends them all."""


@app.callback()
def _tokens() -> None:
    pass


@app.command()
def issue(
    scope: Annotated[
        list[str],
        typer.Option(
            help="What its holder may do: read, write, approve, admin. Give it once for each; none contains another."
        ),
    ],
    ttl: Annotated[str, typer.Option(metavar="TIME", help="How long it counts: 30m, 1h, 7d; at most 90d.")] = "1h",
    subject: Annotated[
        str, typer.Option(help="Who holds it; kept with every answer that they give.", show_default="your user name")
    ] = "",
    audience: Annotated[
        str,
        typer.Option(
            metavar="URL",
            help="The server it is for, as clients call it.",
            show_default="CLAUDE_ORCHESTRATOR_HTTP_URL, else http://127.0.0.1:8577/mcp",
        ),
    ] = "",
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """Print a token, signed with JWT_SECRET_KEY. Only a person can do this: it may answer in their place."""
    import asyncio
    import getpass
    import os

    from claude_orchestrator.config import load_settings
    from claude_orchestrator.server import http
    from claude_orchestrator.server.tokens import SharedSecret, secret_of

    settings = load_settings()
    scopes, lasts_s, subject = _scopes(scope), seconds(ttl), subject or getpass.getuser()
    if not subject.strip() or not subject.isprintable():
        raise ConfigError("--subject is a name that can be printed")
    if settings.jwks:
        raise ConfigError(f"tokens are signed elsewhere: CLAUDE_ORCHESTRATOR_JWKS is set ({settings.jwks})")
    url = http.checked_url(audience, "--audience") if audience else http.url_of(settings, http.address_of(""))
    secret = secret_of(settings, os.environ)
    asyncio.run(_only_people(settings))
    token = SharedSecret(secret, url).issue(subject, scopes, lasts_s)
    words = {"token": token, "audience": url, "subject": subject, "scopes": sorted(scopes), "expires_in_s": lasts_s}
    if as_json:
        output.say_json(words)
        return
    output.say(token)
    output.warn(f"for {url}, as '{subject}', to {', '.join(sorted(scopes))}, for {ttl}; it is shown only here")


def seconds(text: str) -> int:
    """The seconds in ``30m``, ``1h`` or ``7d``. Raises ConfigError."""
    found = re.fullmatch(r"([0-9]{1,8})([smhd])", text.strip())
    lasts_s = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < lasts_s <= LONGEST_S:
        raise ConfigError(f"--ttl {text} is no time of at most 90 days: write 30m, 1h or 7d")
    return lasts_s


def _scopes(given: list[str]) -> frozenset[Scope]:
    from claude_orchestrator.server.principals import SCOPES

    unknown = [name for name in given if name not in SCOPES]
    if unknown:
        raise ConfigError(f"there is no scope '{unknown[0]}': choose from {', '.join(SCOPES)}")
    return frozenset(scope for scope in SCOPES if scope in given)


async def _only_people(settings: Settings) -> None:
    """Raises ForbiddenError where this process belongs to an agent."""
    from claude_orchestrator.orchestrator import humans
    from claude_orchestrator.state.database import Database

    async with Database.open(settings.database) as db:
        if why := await humans.why_not(db, settings):
            raise ForbiddenError(f"a token speaks for a person, and {why}: issue it in a terminal of your own")
