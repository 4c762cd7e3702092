"""Claude Code as our host: its program, and what of ours is registered with it, read from its own files.

It is changed by its own commands only; its files are read, never written.
"""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

from claude_orchestrator.errors import ConfigError

Scope = Literal["user", "project", "local"]

SCOPES: Final[tuple[Scope, ...]] = ("user", "project", "local")
SERVER: Final = "orchestrator"
"""The name under which our server is registered; its tools are called ``mcp__orchestrator__…``."""
MARKETPLACE: Final = "claude-orchestrator"
PLUGIN: Final = f"orchestrator@{MARKETPLACE}"

_OURSELVES: Final = "claude-orchestrator"
_PROGRAM: Final = "CLAUDE_ORCHESTRATOR_CLAUDE"
_PATIENCE_S: Final = 120.0
_START_S: Final = 30.0


@dataclass(frozen=True)
class Registered:
    """Our server as it is registered in one place."""

    scope: Scope
    command: str
    arguments: tuple[str, ...]
    plugin: bool = False
    enabled: bool = True
    folder: str = ""
    """Where the plugin is read from."""

    @property
    def ours(self) -> bool:
        """Whether it is what we register, and not something else under that name."""
        return self.plugin or (self.arguments[:1] == ("serve",) and Path(self.command).name == _OURSELVES)

    @property
    def trusted(self) -> bool:
        """Whether it may be started to look at it: a repository's file can name any program, also under our name."""
        return self.ours and (self.scope != "project" or self.command == _OURSELVES)


class ClaudeCode:
    """Claude Code as it is used in one folder."""

    def __init__(self, program: Path, folder: Path, environment: Mapping[str, str]) -> None:
        self.program = program
        self._folder = folder
        self._environment = dict(environment)
        given = environment.get("CLAUDE_CONFIG_DIR")
        home = Path(environment.get("HOME") or Path.home())
        self.config = Path(given) if given else home / ".claude"
        self._state = (self.config if given else home) / ".claude.json"

    @classmethod
    def found(cls, folder: Path) -> ClaudeCode:
        """The one of this machine: that which the user names, the one on the PATH, else the one of the extra.

        Raises ConfigError when there is none.
        """
        return cls(_program(), folder, os.environ)

    def call(self, *arguments: str) -> str:
        """Run one of its commands; return what it says. Raises ConfigError when it fails."""
        named = f"claude {' '.join(arguments[:3])}"
        try:
            done = subprocess.run(
                [str(self.program), *arguments],
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
                timeout=_PATIENCE_S,
            )
        except subprocess.TimeoutExpired as error:
            raise ConfigError(f"'{named}' did not end within {_PATIENCE_S:.0f} s: try it by hand") from error
        except OSError as error:
            raise ConfigError(f"{self.program} cannot be started: {error.strerror}") from error
        if done.returncode:
            said = (done.stderr.strip() or done.stdout.strip()).splitlines()
            raise ConfigError(f"'{named}' failed: {said[-1] if said else f'exit {done.returncode}'}")
        return done.stdout

    def version(self) -> str:
        """Its version. Raises ConfigError."""
        return self.call("--version").split()[0]

    # -- what is registered -----------------------------------------------------------------------

    def servers(self) -> list[Registered]:
        """Where our server is registered by itself. Raises ConfigError for a file that cannot be read."""
        state = _document(self._state)
        projects = state.get("projects")
        here = projects.get(str(self._folder)) if isinstance(projects, dict) else None
        places: dict[Scope, Any] = {
            "user": state,
            "project": _document(self._folder / ".mcp.json"),
            "local": here,
        }
        found = ((scope, _entry(place, "mcpServers", SERVER)) for scope, place in places.items())
        return [_server(scope, entry) for scope, entry in found if isinstance(entry, dict)]

    def plugins(self) -> list[Registered]:
        """Where the plugin is installed, as Claude Code lists it. Raises ConfigError."""
        if PLUGIN not in _document(self.config / "plugins" / "installed_plugins.json").get("plugins", {}):
            return []
        return list(self._plugins())

    def _plugins(self) -> Iterator[Registered]:
        listed = self.call("plugin", "list", "--json")
        try:
            entries = json.loads(listed)
        except ValueError as error:
            raise ConfigError(f"'claude plugin list --json' says no JSON: {listed[:80]!r}") from error
        for entry in entries if isinstance(entries, list) else []:
            elsewhere = entry.get("scope") != "user" and entry.get("projectPath") not in (None, str(self._folder))
            if entry.get("id") != PLUGIN or elsewhere:
                continue
            folder = str(entry.get("readFromFolder") or entry.get("installPath") or "")
            command = _entry(entry, "mcpServers", SERVER) or {}
            given = [str(word).replace("${CLAUDE_PLUGIN_ROOT}", folder) for word in command.get("args") or ()]
            yield Registered(
                entry["scope"],
                str(command.get("command", "")),
                tuple(given),
                plugin=True,
                enabled=entry.get("enabled") is True,
                folder=folder,
            )

    def marketplace(self) -> str:
        """The folder (or other source) of our marketplace; empty when it is not known."""
        known = _document(self.config / "plugins" / "known_marketplaces.json").get(MARKETPLACE)
        source = known.get("source") if isinstance(known, dict) else None
        if not isinstance(source, dict):
            return ""
        return str(source.get("path") or source.get("url") or source.get("repo") or "unknown")

    @property
    def left_over(self) -> Path:
        """Where Claude Code keeps its copy of the plugin, also for a while after it was removed."""
        return self.config / "plugins" / "cache" / MARKETPLACE


def _program() -> Path:
    if named := os.environ.get(_PROGRAM):
        if found := shutil.which(named):
            return Path(found)
        raise ConfigError(f"{_PROGRAM} names '{named}', which is no program: correct it, or unset it")
    if found := shutil.which("claude"):
        return Path(found)
    spec = importlib.util.find_spec("claude_agent_sdk")
    if spec is not None and spec.origin:
        bundled = Path(spec.origin).with_name("_bundled") / "claude"
        if os.access(bundled, os.X_OK):
            return bundled
    raise ConfigError("there is no 'claude' on the PATH: install Claude Code, or name its program in " + _PROGRAM)


def _document(path: Path) -> dict[str, Any]:
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from error
    return document if isinstance(document, dict) else {}


def _entry(place: Any, *names: str) -> Any:
    for name in names:
        place = place.get(name) if isinstance(place, dict) else None
    return place


def _server(scope: Scope, entry: dict[str, Any]) -> Registered:
    arguments = entry.get("args")
    words = tuple(str(word) for word in arguments) if isinstance(arguments, list) else ()
    return Registered(scope, str(entry.get("command") or entry.get("url") or ""), words)


def tools_of(registered: Registered) -> tuple[list[str], str]:
    """Start a registered server as Claude Code does, and list its tools; or what is wrong with it, in a line."""
    import asyncio

    try:
        return asyncio.run(_listed(registered)), ""
    except TimeoutError:
        return [], f"it does not answer within {_START_S:.0f} s"
    except Exception as error:  # noqa: BLE001  (whatever it is, it is what the user has to know)
        return [], _plainly(error)


async def _listed(registered: Registered) -> list[str]:
    import asyncio
    import tempfile

    from mcp import Client, StdioServerParameters, stdio_client

    environment = {**os.environ, "CLAUDE_PLUGIN_ROOT": registered.folder} if registered.plugin else dict(os.environ)
    start = StdioServerParameters(command=registered.command, args=list(registered.arguments), env=environment)
    with tempfile.TemporaryFile(mode="w+") as complaints:
        try:
            async with asyncio.timeout(_START_S), Client(stdio_client(start, errlog=complaints)) as client:
                return [tool.name for tool in (await client.list_tools()).tools]
        except Exception as error:
            complaints.seek(0)
            if said := complaints.read().strip():
                raise ConfigError(said.splitlines()[-1]) from error
            raise


def _plainly(error: BaseException) -> str:
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return " ".join(f"{error}".split()) or type(error).__name__
