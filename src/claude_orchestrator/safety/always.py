"""*Always allow*: the pattern that it would save, and saving it in the user's layer.

What differs from call to call (process ids, temporary files, hashes, times) becomes a wildcard; a program that can do
anything is never generalised.
"""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

from claude_orchestrator.errors import ConfigError
from claude_orchestrator.safety.operations import Decision
from claude_orchestrator.safety.policy_file import parse_layer
from claude_orchestrator.safety.rules import GENERIC, Rule, escaped, is_known, program_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_VOLATILE: Final = re.compile(
    r"(?:/tmp|/var/tmp|/dev/shm)/[^\s:=,]+"
    r"|[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}"
    r"|\d{4}-\d\d-\d\d(?:[T_ ]\d\d[:-]?\d\d(?:[:-]?\d\d)?(?:\.\d+)?(?:Z|[+-]\d\d:?\d\d)?)?"
    r"|(?<![0-9A-Za-z])(?=[0-9a-f]*\d)(?=[0-9a-f]*[a-f])[0-9a-f]{7,64}(?![0-9A-Za-z])"
    r"|(?<![0-9A-Za-z.])\d+(?:\.\d+)*(?![0-9A-Za-z])"
)


_TEMPORARY: Final = ("/tmp/", "/var/tmp/", "/dev/shm/")  # noqa: S108  # nosec B108 - nothing is written there
_EXACT: Final = frozenset({"chmod", "chown", "chgrp", "umask", "mknod", "setfacl"})
"""Programs whose numbers are what they do."""


def suggest_pattern(argv: Sequence[str]) -> tuple[str, ...] | None:
    """The pattern that *always allow* would save for a command; None where nothing may be generalised.

    None for git, shells, interpreters and programs that run others, for words that are not known, and for a program
    that lies in a temporary folder.
    """
    if not argv or not argv[0] or program_of(argv[0]) in GENERIC or not all(map(is_known, argv)):
        return None
    if _VOLATILE.search(argv[0]) or not all(word.isprintable() for word in argv):
        return None
    numbers_matter = argv[0].rpartition("/")[2] in _EXACT
    pattern = (escaped(argv[0]), *(escaped(word) if numbers_matter else _abstract(word) for word in argv[1:]))
    try:
        rule = Rule(Decision.SAFE, pattern)
    except ValueError:
        return None
    return pattern if rule.matches_command(argv) else None


def rule_text(argv: Sequence[str], example: Sequence[str] = (), reason: str = "") -> str:
    """The lines of TOML that allow a pattern, with the command that it was made from as its example."""
    lines = ["[[rule]]", 'decision = "allow"', f"argv = {_array(argv)}"]
    if reason:
        lines.append(f"reason = {_quoted(reason)}")
    if example:
        lines.append(f"match = [{_array(example)}]")
    return "\n".join(lines) + "\n"


def add_user_rule(path: str, argv: Sequence[str], example: Sequence[str] = (), reason: str = "") -> str:
    """Append a rule that allows ``argv`` to the user's layer and return its text; comments in the file stay.

    The new file is checked before it replaces the old one, in one step. Raises ConfigError when it would be wrong, or
    cannot be written.
    """
    import fcntl

    text = rule_text(argv, example, reason)
    folder = os.path.dirname(path)  # noqa: PTH120
    try:
        os.makedirs(folder, exist_ok=True)  # noqa: PTH103
        lock = os.open(folder, os.O_RDONLY)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            _append(os.path.realpath(path), text)
        finally:
            os.close(lock)
    except OSError as error:
        raise ConfigError(f"{path} cannot be written: {error.strerror or error}") from None
    return text


def _append(path: str, text: str) -> None:
    before, mode = "", 0o600
    if os.path.exists(path):  # noqa: PTH110
        with open(path, encoding="utf-8") as file:  # noqa: PTH123
            before = file.read()
        mode = os.stat(path).st_mode & 0o777  # noqa: PTH116
    gap = "" if not before else "\n" if before.endswith("\n") else "\n\n"
    whole = before + gap + text
    parse_layer(whole, path)
    new = f"{path}.{os.getpid()}.new"
    try:
        descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123
            file.write(whole)
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, path)  # noqa: PTH105
    finally:
        if os.path.exists(new):  # noqa: PTH110
            os.unlink(new)  # noqa: PTH108


def _abstract(word: str) -> str:
    """A word with what is volatile in it as ``*``, and every other wildcard character as itself."""
    out = []
    position = 0
    value = word.find("=") if word.startswith("-") else 0
    if value < 0:
        return escaped(word)
    for match in _VOLATILE.finditer(word, value):
        out.append(escaped(word[position : match.start()]))
        folder = next((name for name in _TEMPORARY if match[0].startswith(name)), "")
        out.append(f"{folder}*")
        position = match.end()
    out.append(escaped(word[position:]))
    return re.sub(r"\*{2,}", "*", "".join(out))


def _array(words: Sequence[str]) -> str:
    return "[" + ", ".join(map(_quoted, words)) + "]"


def _quoted(text: str) -> str:
    import json

    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
