"""The types of a plan's fields: what each accepts, and the one line that says why it does not accept the rest."""

from __future__ import annotations

import math
import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, Field, PlainValidator, StrictInt

from claude_orchestrator.plans.checks import fault, known_check
from claude_orchestrator.plans.graph import did_you_mean
from claude_orchestrator.plans.paths import path_fault

KNOWN_AGENTS: Final = ("script", "command", "claude", "acp", "model")
"""The agents that may carry out a task."""

KNOWN_DIFFICULTIES: Final = ("easy", "medium", "hard")
"""What a task may say of how hard it is."""

KNOWN_KINDS: Final = ("fix", "feature", "refactor", "performance", "documentation", "tests", "chore")
"""What a task may say that it is."""

_SHORT_KINDS: Final = {
    "bugfix": "fix", "feat": "feature", "perf": "performance", "doc": "documentation", "docs": "documentation",
    "test": "tests",
}  # fmt: skip
"""Words of commit messages (Conventional Commits 1.0) for them."""

_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_DURATION: Final = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)\s*([smh]?)")
_SECONDS: Final = {"": 1, "s": 1, "m": 60, "h": 3600}


def _valid_id(value: str) -> str:
    if not _ID.fullmatch(value):
        shown = value if len(value) <= 80 else value[:77] + "..."
        hint = "use 1 to 64 letters, digits, '-' and '_', beginning with a letter or digit"
        raise fault(f"'{shown}' cannot be an id", hint)
    return value


def _not_blank(value: str) -> str:
    if not value.strip():
        raise fault("an empty text", "say it in a few words")
    return value


def _pattern(value: str) -> str:
    if found := path_fault(value, pattern=True):
        raise fault(*found)
    return value


def _path(value: str) -> str:
    if found := path_fault(value):
        raise fault(*found)
    return value


def _file(value: str) -> str:
    if value.endswith("/"):
        raise fault(f"the path '{value}' names a folder", "name a file")
    return _path(value)


def whole_kind(value: str) -> str:
    """A kind in the one spelling that is kept: ``docs`` is ``documentation``. What is unknown comes back as it is."""
    return _SHORT_KINDS.get(value, value)


def _known_kind(value: str) -> str:
    kind = whole_kind(value)
    if kind not in KNOWN_KINDS:
        raise fault(f"unknown kind '{value}'", instead(value, KNOWN_KINDS))
    return kind


def _known_difficulty(value: str) -> str:
    if value not in KNOWN_DIFFICULTIES:
        raise fault(f"unknown difficulty '{value}'", instead(value, KNOWN_DIFFICULTIES))
    return value


def _known_agent(value: str) -> str:
    if value not in ("", *KNOWN_AGENTS):
        raise fault(f"unknown agent '{value}'", instead(value, KNOWN_AGENTS))
    return value


def _dollars(value: Any) -> Any:
    """A sum of US dollars above zero, also as ``"$2.50"``."""
    number = value
    if isinstance(value, str):
        try:
            number = float(value.strip().removeprefix("$"))
        except ValueError:
            number = None
    if isinstance(number, bool) or not isinstance(number, (int, float)) or not (0 < number < math.inf):
        raise fault(f"{value!r} is no budget", "write a sum of US dollars above zero, such as 2.50")
    return float(number)


def instead(word: str, known: tuple[str, ...]) -> str:
    """What to write in place of ``word``: the known word that was meant, or all of them."""
    meant = did_you_mean(word, known)
    return f"did you mean '{meant}'?" if meant else f"known are: {', '.join(known)}"


def _seconds(value: Any) -> Any:
    """``"90s"``, ``"30m"``, ``"2h"`` or a number, as seconds."""
    hint = "write a positive number of seconds, or a time like 90s, 30m or 2h"
    number = value
    if isinstance(value, str) and (match := _DURATION.fullmatch(value.strip())):
        number = float(match[1]) * _SECONDS[match[2]]
    if isinstance(number, bool) or not isinstance(number, (int, float)):
        raise fault(f"{value!r} is no time limit", hint)
    if not (number > 0 and math.isfinite(number)):
        raise fault(f"the time limit {value!r} is not above zero", hint)
    return float(number)


def _argv(value: Any) -> Any:
    """A program with its arguments, none of which may be anything but text."""
    if not isinstance(value, (list, tuple)) or not all(isinstance(part, str) for part in value):
        raise fault("a command must be a list of texts", 'for example ["python", "-m", "build"], numbers in quotes')
    if not value or not value[0].strip():
        raise fault("a command without a program", 'for example ["python", "-m", "build"]')
    if any("\0" in part for part in value):
        raise fault("a command with a NUL character in it", "remove it")
    return list(value)


def _shell_or_argv(value: Any) -> Any:
    if not isinstance(value, str):
        return _argv(value)
    if "\0" in value or not value.strip():
        raise fault("an empty command", 'for example ["python", "-m", "build"], or a line for the shell')
    return value


Id = Annotated[str, AfterValidator(_valid_id)]
Text = Annotated[str, AfterValidator(_not_blank)]
Pattern = Annotated[str, AfterValidator(_pattern)]
File = Annotated[str, AfterValidator(_file)]
Place = Annotated[str, AfterValidator(_path)]
Check = Annotated[str | dict[str, Any], PlainValidator(known_check)]
Kind = Annotated[str, AfterValidator(_known_kind)]
Difficulty = Annotated[str, AfterValidator(_known_difficulty)]
AgentName = Annotated[str, AfterValidator(_known_agent)]
Dollars = Annotated[float, BeforeValidator(_dollars)]
Argv = Annotated[list[str], BeforeValidator(_argv)]
Count = Annotated[StrictInt, Field(ge=1)]
Seconds = Annotated[float, BeforeValidator(_seconds)]
CommandLine = Annotated[str | list[str], BeforeValidator(_shell_or_argv)]
