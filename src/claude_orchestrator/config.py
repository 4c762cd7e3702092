"""Settings: where state lives and the limits that every part obeys.

A plain dataclass rather than pydantic-settings: that import alone costs 0.1 s CPU, which `status`, the
runner and the verifier would pay at every start.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from claude_orchestrator.errors import ConfigError

PREFIX = "CLAUDE_ORCHESTRATOR_"


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
    """Seconds without output, operation or progress report after which an attempt is stopped."""

    retry_base_s: float = 2.0
    """Wait before the second attempt; it doubles with every further one."""

    retry_cap_s: float = 60.0
    """Longest wait between two attempts."""

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

    agent_env: str = ""
    """Names of environment variables that agents may see (``NAME,NAME``), such as their keys; checks never see them."""

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
    env = os.environ if environment is None else environment
    values: dict[str, int | float | str] = {
        "agent_env": env.get(PREFIX + "AGENT_ENV", ""),
        "sandbox": env.get(PREFIX + "SANDBOX", "auto"),
    }
    for field in fields(Settings):
        if field.name in ("home", "agent_env", "sandbox") or (text := env.get(PREFIX + field.name.upper())) is None:
            continue
        try:
            value = int(text) if field.type == "int" else float(text)
        except ValueError:
            value = 0
        if not value > 0:
            raise ConfigError(f"{PREFIX}{field.name.upper()}={text!r} is not a positive number: correct it or unset it")
        values[field.name] = value
    return Settings(home=_home(env), **values)  # type: ignore[arg-type]


def _home(env: Mapping[str, str]) -> Path:
    if given := env.get(PREFIX + "HOME"):
        return Path(given).expanduser().absolute()
    from platformdirs import user_data_path

    return user_data_path("claude-orchestrator", appauthor=False)
