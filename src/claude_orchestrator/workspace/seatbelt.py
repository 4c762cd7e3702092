"""The profile for ``sandbox-exec`` of macOS. Nobody of us has run it: the tests only look at its text."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

PROGRAM: Final = "/usr/bin/sandbox-exec"
_DEVICES: Final = ("/dev/null", "/dev/zero", "/dev/tty", "/dev/ptmx")


def profile(writable: Iterable[str], hidden: Iterable[str], shown: Iterable[str]) -> str:
    """The rules, the last one that fits counts: no network but this machine's own, files as for every rung."""
    can_write = list(writable)
    lines = [
        "(version 1)",
        "(allow default)",
        "(deny network*)",
        '(allow network* (local ip "localhost:*"))',
        '(allow network* (remote ip "localhost:*"))',
        "(allow network* (local unix-socket))",
        "(deny file-write*)",
        *(f"(allow file-write* (literal {_quoted(path)}))" for path in _DEVICES),
        *(f"(deny file-read-data (subpath {_quoted(path)}))" for path in hidden),
        *(f"(allow file-read-data (subpath {_quoted(path)}))" for path in [*shown, *can_write]),
        *(f"(allow file-write* (subpath {_quoted(path)}))" for path in can_write),
    ]
    return "\n".join(lines)


def _quoted(path: str) -> str:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
