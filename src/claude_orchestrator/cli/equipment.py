"""What ``doctor`` says of settings, keys and agents: what is in effect, where it comes from, and who could work."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.config import Settings, within
from claude_orchestrator.config.keys import FILE, Key, read_keys
from claude_orchestrator.config.project import TABLE, read_project
from claude_orchestrator.config.settings import chosen_by, explained
from claude_orchestrator.errors import ConfigError
from claude_orchestrator.models.accounts import CLAUDE, LOGIN, PROVIDERS


@dataclass(frozen=True)
class InEffect:
    """A setting as it holds here."""

    value: str
    origin: str
    """The variable or the file that says so, or ``default``."""


@dataclass(frozen=True)
class Available:
    """Whether an agent could work now; ``found`` says what is there, ``repair`` what to do where something is not."""

    ok: bool
    found: str
    repair: str = ""


_PACKAGES: Final = {"claude": "claude-agent-sdk", "acp": "agent-client-protocol", "model": "pydantic-ai-slim"}
_EXTRAS: Final = {"claude": "claude", "acp": "acp", "model": "models"}


def settings_in_effect(project: Path | None) -> dict[str, InEffect]:
    """Every setting, narrowed by the project's where there is one. Raises ConfigError for an unusable one."""
    settings, origins = explained()
    if project is not None:
        origins.update(dict.fromkeys(chosen_by(read_project(project), settings), f"[{TABLE}] of {project}"))
        settings = within(settings, project)
    return {name: InEffect(_shown(getattr(settings, name)), origin) for name, origin in origins.items()}


def _shown(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


def keys_found(settings: Settings, project: Path | None) -> tuple[dict[str, Key], str]:
    """The providers' keys that are there, by name, and what is wrong with a file of keys."""
    known = {name for names in PROVIDERS.values() for name in names} | set(CLAUDE)
    environment = {name: value for name, value in os.environ.items() if name in known}
    try:
        return read_keys(environment, project, settings.home), ""
    except ConfigError as error:
        return read_keys(environment), str(error)


def agents_found(keys: Mapping[str, Key]) -> dict[str, Available]:
    """Every agent that plans may name, and whether it could work now."""
    always = {name: Available(ok=True, found="needs nothing") for name in ("script", "command")}
    return {**always, "claude": _claude(keys), "acp": _acp(), "model": _model(keys)}


def _package(agent: str) -> tuple[str, Available | None]:
    """What is installed for an agent, or what to say when nothing is."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return f"{_PACKAGES[agent]} {version(_PACKAGES[agent])}", None
    except PackageNotFoundError:
        install = f"pip install 'claude-orchestrator[{_EXTRAS[agent]}]'"
        return "", Available(ok=False, found=f"{_PACKAGES[agent]} is not installed", repair=install)


def _claude(keys: Mapping[str, Key]) -> Available:
    found, missing = _package("claude")
    if missing:
        return missing
    account = next((f"{name} ({keys[name].origin})" for name in LOGIN if name in keys), "")
    place = Path(os.environ.get("CLAUDE_CONFIG_DIR") or Path.home() / ".claude") / ".credentials.json"
    account = account or ("the login of Claude Code" if place.exists() else "")
    if not account:
        repair = f"set ANTHROPIC_API_KEY, put it into {FILE}, or log in with 'claude'"
        return Available(ok=False, found=f"{found}, but no key and no login is found", repair=repair)
    return Available(ok=True, found=f"{found}, {account}")


def _acp() -> Available:
    found, missing = _package("acp")
    return missing or Available(ok=True, found=f"{found}; the plan names the agent's program")


def _model(keys: Mapping[str, Key]) -> Available:
    found, missing = _package("model")
    if missing:
        return missing
    reached = [f"{provider} ({_of(names, keys)})" for provider, names in PROVIDERS.items() if _of(names, keys)]
    if not reached:
        repair = f"set a key such as ANTHROPIC_API_KEY, put it into {FILE}, or run Ollama and set OLLAMA_BASE_URL"
        return Available(ok=False, found=f"{found}, but no provider has a key", repair=repair)
    return Available(ok=True, found=f"{found}, {', '.join(reached)}")


def _of(names: Sequence[str], keys: Mapping[str, Key]) -> str:
    return next((f"{name} from {keys[name].origin}" for name in names if name in keys), "")
