"""``[tool.claude-orchestrator]`` in a project's ``pyproject.toml``: what its people have chosen for everybody.

Agents can change that file, and what they change is merged one day. So it can choose, and it can make a limit
narrower; it cannot make one wider, name a program, or say where keys are sent.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.errors import ConfigError

FILE: Final = "pyproject.toml"
TABLE: Final = "tool.claude-orchestrator"
_TEXTS: Final = ("agent", "model", "python")
_NUMBERS: Final = ("max_parallel", "attempt_budget", "budget")


@dataclass(frozen=True)
class ProjectSettings:
    """What a project's table says; empty or None where it says nothing."""

    agent: str = ""
    """Who does tasks that have a prompt and name nobody: ``claude`` or ``model``."""
    model: str = ""
    """The model of these tasks."""
    max_parallel: int | None = None
    """Running attempts at once; counts where it is smaller than the user's."""
    attempt_budget: float | None = None
    """US dollars that one attempt may spend; counts where it is smaller than the user's."""
    budget: float | None = None
    """US dollars that one run may spend; counts where it is smaller than the plan's or the command line's."""
    python: str = ""
    """The Python that the project's tests run with; the verifier reads it from the base commit, not from here."""


def read_project(root: Path) -> ProjectSettings:
    """What the ``pyproject.toml`` in ``root`` says; nothing where there is none.

    Raises ConfigError when it is no TOML, or when the table has an unknown key or an unusable value.
    """
    import tomllib

    place = root / FILE
    try:
        document = tomllib.loads(place.read_text(encoding="utf-8"))
    except (FileNotFoundError, NotADirectoryError):
        return ProjectSettings()
    except (OSError, ValueError) as error:
        raise ConfigError(f"{place} cannot be read: {error}") from error
    tools = document.get("tool", {})
    table = tools.get("claude-orchestrator", {}) if isinstance(tools, dict) else {}
    if not isinstance(table, dict):
        raise ConfigError(f"{place}: [{TABLE}] is no table: write its keys below that line")
    return ProjectSettings(**{name: _value(place, name, value) for name, value in table.items()})


def _value(place: Path, name: str, value: Any) -> Any:
    if name not in (*_TEXTS, *_NUMBERS):
        raise ConfigError(
            f"{place}: [{TABLE}] has no '{name}': use {', '.join((*_TEXTS, *_NUMBERS))}, or remove the line"
        )
    if name in _TEXTS:
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{place}: [{TABLE}] {name} = {value!r} is no text: write it in quotes")
        return value
    whole = name == "max_parallel"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)) or not value > 0:
        kind = "whole number" if whole else "number"
        raise ConfigError(f"{place}: [{TABLE}] {name} = {value!r} is not a positive {kind}: correct it or remove it")
    return value if whole else float(value)
