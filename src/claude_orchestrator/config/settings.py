"""Settings: where state lives and the limits that every part obeys.

A plain dataclass rather than pydantic-settings: that import alone costs 0.1 s CPU, which `status`, the
runner and the verifier would pay at every start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Final

from claude_orchestrator.config.project import ProjectSettings, read_project
from claude_orchestrator.errors import ConfigError

PREFIX = "CLAUDE_ORCHESTRATOR_"
_LIMITS: Final = ("max_parallel", "attempt_budget")


@dataclass(frozen=True)
class Settings:
    """All settings; each is read from the environment variable ``CLAUDE_ORCHESTRATOR_<NAME>``."""

    home: Path
    """Folder of the database, worktrees, attempts and caches; shared by all projects of one user."""

    max_parallel: int = 3
    """Running attempts at once, counted over all processes and runs of this home."""

    heartbeat_s: float = 60.0
    """Seconds between two heartbeats of a running attempt in the journal."""

    checkpoint_s: float = 7200.0
    """Seconds between two checkpoints (commits of the worktree under the attempt's ref)."""

    no_progress_s: float = 1800.0
    """Seconds without output, operation or call to a model after which an agent is nudged, and in the end stopped."""

    retry_base_s: float = 2.0
    """Wait before the second attempt; it doubles with every further one."""

    retry_cap_s: float = 60.0
    """Longest wait between two attempts."""

    breaker_failures: int = 3
    """This many failures of a provider in a row (overloaded, no connection) keep new attempts from it for a while."""

    breaker_open_s: float = 30.0
    """Seconds for which they are kept from it; then a single one tries whether it works again."""

    check_timeout_s: float = 900.0
    """Wall-clock limit of one check (pytest, ruff, mypy, bandit) of the verifier."""

    sandbox: str = "auto"
    """Walls of the verifier's commands: ``auto``, ``bubblewrap``, ``namespaces``, ``landlock`` or ``limits``."""

    check_memory_mb: float = 8000.0
    """Megabytes of memory that one command of the verifier and all that it starts may take."""

    check_disk_mb: float = 4000.0
    """Megabytes that one command of the verifier may write to its folders."""

    check_processes: int = 500
    """Processes that one command of the verifier may have at once."""

    attempt_budget: float = 5.0
    """US dollars that one attempt may spend on models, as long as no human has raised that."""

    agent: str = ""
    """Who does tasks that have a prompt and name nobody: ``claude`` or ``model``; unset: ``claude``."""

    model: str = ""
    """The model of tasks that name none."""

    agent_env: str = ""
    """Names of environment variables that agents may see (``NAME,NAME``), such as their keys; checks never see them."""

    http_url: str = ""
    """The URL that clients of ``serve --http`` call, when that is not the address it listens on; tokens are for it."""

    jwks: str = ""
    """File or https URL with the published keys (JWKS) of those who sign tokens for ``serve --http``."""

    jwt_issuer: str = ""
    """Whose tokens count when they are checked with ``JWKS``: what they say as ``iss``."""

    @property
    def database(self) -> Path:
        """The SQLite file that is the one truth."""
        return self.home / "state.db"

    @property
    def attempts(self) -> Path:
        """Folder of the attempts' launches and evidence."""
        return self.home / "attempts"

    @property
    def worktrees(self) -> Path:
        """Folder of the attempts' worktrees."""
        return self.home / "worktrees"

    @property
    def cache(self) -> Path:
        """Folder of the verifier's content-addressed results; safe to delete at any time."""
        return self.home / "cache"

    @property
    def signing(self) -> Path:
        """Folder of the key that signs evidence."""
        return self.home / "signing"

    @property
    def workers(self) -> Path:
        """Folder of the workers' kernel locks."""
        return self.home / "workers"


def load_settings(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings. Raises ConfigError for a value that is no positive number."""
    return explained(environment)[0]


def explained(environment: Mapping[str, str] | None = None) -> tuple[Settings, dict[str, str]]:
    """The settings, and for each the place where its value comes from, as people know it."""
    env = os.environ if environment is None else environment
    values: dict[str, int | float | str] = {}
    origins = {field.name: "default" for field in fields(Settings)}
    for field in fields(Settings):
        variable = PREFIX + field.name.upper()
        if (text := env.get(variable)) is None or field.name == "home":
            continue
        values[field.name] = text if field.type == "str" else _number(variable, text, whole=field.type == "int")
        origins[field.name] = variable
    origins["home"] = PREFIX + "HOME" if env.get(PREFIX + "HOME") else "default"
    return Settings(home=_home(env), **values), origins  # type: ignore[arg-type]


def _number(variable: str, text: str, *, whole: bool) -> int | float:
    try:
        value = int(text) if whole else float(text)
    except ValueError:
        value = 0
    if not value > 0:
        raise ConfigError(f"{variable}={text!r} is not a positive number: correct it or unset it")
    return value


def chosen_by(project: ProjectSettings, settings: Settings) -> dict[str, int | float | str]:
    """What a project changes of the settings: choices that the user has not made, and limits that are narrower."""
    choices = {name: getattr(project, name) for name in ("agent", "model") if not getattr(settings, name)}
    limits = {name: getattr(project, name) for name in _LIMITS}
    narrower = {name: limit for name, limit in limits.items() if limit and limit < getattr(settings, name)}
    return {**{name: choice for name, choice in choices.items() if choice}, **narrower}


def within(settings: Settings, project: Path) -> Settings:
    """The settings as they hold for the project in that folder. Raises ConfigError for an unusable table."""
    return replace(settings, **chosen_by(read_project(project), settings))  # type: ignore[arg-type]


def _home(env: Mapping[str, str]) -> Path:
    if given := env.get(PREFIX + "HOME"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("claude-orchestrator", appauthor=False)
