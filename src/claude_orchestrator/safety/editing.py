"""What ``${name#pattern}``, ``${name/pattern/text}`` and their kin make of a text that is known."""

from __future__ import annotations

import re

from claude_orchestrator.safety.values import UNK


def edited(value: str, op: str, pattern: str, replacement: str) -> str:  # noqa: PLR0911  (one return an operator)
    """The value after the operator; ``*`` and ``?`` are the only characters of the pattern that are special."""
    if op in ("^^", ",,", "^", ","):
        if pattern:
            return UNK
        change = str.upper if op[0] == "^" else str.lower
        return change(value) if len(op) == 2 else change(value[:1]) + value[1:]
    if op in ("#", "##"):
        return _cut_front(value, pattern, longest=op == "##")
    if op in ("%", "%%"):
        return _cut_back(value, pattern, longest=op == "%%")
    regex = _regex(pattern)
    if op == "//":
        return re.sub(regex, lambda _: replacement, value) if pattern else value
    if op == "/#":
        return re.sub(r"\A(?:" + regex + ")", lambda _: replacement, value)
    if op == "/%":
        return re.sub("(?:" + regex + r")\Z", lambda _: replacement, value)
    return re.sub(regex, lambda _: replacement, value, count=1) if pattern else value


def _regex(pattern: str) -> str:
    return "".join({"*": ".*", "?": "."}.get(character) or re.escape(character) for character in pattern)


def _cut_front(value: str, pattern: str, longest: bool) -> str:
    match = re.compile(_regex(pattern), re.DOTALL).fullmatch
    lengths = range(len(value), -1, -1) if longest else range(len(value) + 1)
    for length in lengths:
        if match(value[:length]):
            return value[length:]
    return value


def _cut_back(value: str, pattern: str, longest: bool) -> str:
    match = re.compile(_regex(pattern), re.DOTALL).fullmatch
    starts = range(len(value) + 1) if longest else range(len(value), -1, -1)
    for start in starts:
        if match(value[start:]):
            return value[:start]
    return value
