"""How every command speaks: lines, one JSON document, colours where they help, exit codes, its own name."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import sys
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.telling.visible import visible

COMPLETED: Final = 0
"""All tasks are completed, or the command did what was asked."""

NOT_COMPLETED: Final = 1
"""Some tasks are not completed, or something needs attention."""

USAGE: Final = 2
"""A wrong command line, or input that cannot be used."""

INTERRUPTED: Final = 130
"""Ended at once by Ctrl-C."""

PROGRAM: Final = "claude-orchestrator"

HOME: Final = "CLAUDE_ORCHESTRATOR_HOME"
"""The environment variable that names the folder of all state."""

_shown_home: list[str] = []
_shown_path: list[str] = []
_CODES: Final = {"bold": 1, "dim": 2, "red": 31, "green": 32, "yellow": 33, "blue": 34, "cyan": 36}


_OURS: Final = re.compile(r"(\x1b\[(?:0|(?:[12]|3[1-6])(?:;(?:[12]|3[1-6]))*)m|[\n\t])")


def say(*lines: str) -> None:
    """Write lines to standard output, at once also into a pipe or a file; nothing in them but our colours is obeyed."""
    for line in lines:
        sys.stdout.write(_tame(line) + "\n")
    sys.stdout.flush()


def say_json(document: Any, *, lines: bool = False) -> None:
    """Write one JSON document; with ``lines`` on a single line."""
    say(json.dumps(document, ensure_ascii=False, default=str, indent=None if lines else 2))


def complain(message: str) -> None:
    """Write ``error: …`` to standard error, on one line whatever the message holds."""
    warn(f"error: {' '.join(message.split())}")


def _tame(line: str) -> str:
    """The line with nothing to be obeyed but line ends and our own colours."""
    if line.isprintable():
        return line
    # Between what is ours, which the odd places hold, everything is written out.
    return "".join(part if place % 2 else visible(part) for place, part in enumerate(_OURS.split(line)))


def warn(line: str) -> None:
    """Write a line that is no result to standard error."""
    sys.stderr.write(_tame(line) + "\n")
    sys.stderr.flush()


def is_terminal() -> bool:
    """Whether a person sees standard output on something that can move its cursor."""
    return sys.stdout.isatty() and os.environ.get("TERM", "dumb") != "dumb"


def paint(text: str, *styles: str) -> str:
    """``text`` in colour or weight on a terminal, as it is anywhere else (and with NO_COLOR)."""
    if not is_terminal() or os.environ.get("NO_COLOR"):
        return text
    return f"\x1b[{';'.join(str(_CODES[style]) for style in styles)}m{text}\x1b[0m"


def program() -> str:
    """How this program was called, in a form that works when it is pasted from any folder."""
    home = f"{HOME}={shlex.quote(_shown_home[0])} " if _shown_home else ""
    called = Path(sys.argv[0])
    if called.name != PROGRAM:
        return f"{home}{shlex.quote(sys.executable)} -m claude_orchestrator"
    found = shutil.which(PROGRAM, path=_shown_path[0] if _shown_path else None)
    if found is not None and called.exists() and Path(found).samefile(called):
        return f"{home}{PROGRAM}"
    return f"{home}{shlex.quote(str(called.absolute()))}"


def show_home(home: Path) -> None:
    """From now on the commands that we show name this home, which is not the one that they would use otherwise."""
    _shown_home[:] = [str(home)]


def show_path(path: str) -> None:
    """From now on the commands that we show are for a shell with this PATH, whatever ours becomes."""
    _shown_path[:] = [path]
