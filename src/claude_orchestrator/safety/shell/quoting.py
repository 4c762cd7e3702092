"""What quoting hides: ANSI-C strings, escapes inside backquotes, and offsets into texts that lost characters."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Any

from claude_orchestrator.safety.shell.nodes import ShellSyntaxError

_ANSI_ESCAPE = (
    r"\\(?:([abeEfnrtv\\'\"?])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|u([0-9A-Fa-f]{1,4})|U([0-9A-Fa-f]{1,8})|([cx].?)|(.))"
)
_CONTROLS = {
    "a": "\a",
    "b": "\b",
    "e": "\x1b",
    "E": "\x1b",
    "f": "\f",
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "v": "\v",
    "\\": "\\",
    "'": "'",
    '"': '"',
    "?": "?",
}
_BACKSLASH = re.compile(r"\\(.)", re.DOTALL)


def decode_ansi(text: str, position: int) -> str:
    r"""The value of ``$'text'``.

    Raises ShellSyntaxError for a NUL (where bash cuts the string off), ``\c`` and ``\x{``, which are not supported.
    """
    if "\\" not in text:
        return text
    has_bytes = False
    pieces: list[str] = []
    last = 0
    for found in re.finditer(_ANSI_ESCAPE, text, re.DOTALL):
        pieces.append(text[last : found.start()])
        last = found.end()
        kind = found.lastindex
        if kind == 1:
            pieces.append(_CONTROLS[found[1]])
        elif kind == 7:
            pieces.append(found[0])
        elif kind == 6:
            raise ShellSyntaxError("unsupported escape", position)
        else:
            assert kind is not None
            code = int(found[kind], 8 if kind == 2 else 16)
            if kind <= 3:
                code &= 0xFF
                has_bytes = has_bytes or code > 0x7F
                # A byte that is no character by itself.
                pieces.append(chr(code if code < 0x80 else 0xDC00 + code))
            elif code > 0x10FFFF or 0xD800 <= code < 0xE000:
                raise ShellSyntaxError("unsupported escape", position)
            else:
                pieces.append(chr(code))
            if not code:
                raise ShellSyntaxError("a NUL character", position)
    pieces.append(text[last:])
    decoded = "".join(pieces)
    if has_bytes:
        decoded = decoded.encode("utf-8", "surrogateescape").decode("utf-8", "surrogateescape")
    return decoded


class Offsets:
    """Where the characters of a derived text stand in the source: ``base``, and what was left out on the way."""

    __slots__ = ("_at", "_shift", "base")

    def __init__(self, base: int) -> None:
        self.base = base
        self._at: list[int] = []
        self._shift = [0]

    def omit(self, position: int, count: int) -> None:
        """``count`` characters were left out in front of the derived text's ``position`` (calls in rising order)."""
        self._at.append(position)
        self._shift.append(self._shift[-1] + count)

    def start(self, position: int) -> int:
        """The source's offset of the character at ``position``."""
        return self.base + position + self._shift[bisect_right(self._at, position)]

    def end(self, position: int) -> int:
        """The source's offset of an end (exclusive) at ``position``."""
        return self.base + position + self._shift[bisect_left(self._at, position)]


def relocate(root: object, offsets: Offsets) -> None:
    """Put the offsets of every node below ``root`` right, which are those of a derived text."""
    stack: list[Any] = [root]
    while stack:
        node = stack.pop()
        if type(node) is tuple:
            stack.extend(node)
            continue
        slots = getattr(type(node), "__slots__", None)
        if slots is None:
            continue
        for slot in slots:
            if slot != "start" and slot != "end":  # noqa: PLR1714  (quicker)
                value = getattr(node, slot)
                if value is not None and type(value) is not str:
                    stack.append(value)
        if "end" in slots:
            start, end = node.start, node.end
            node.start = offsets.start(start)
            node.end = offsets.end(end) if end > start else node.start


def unescape_backquoted(text: str, in_quotes: bool, offsets: Offsets) -> tuple[str, int]:
    """The script that bash reads between backquotes, and where a line continuation stands in ``text`` (or -1)."""
    dropped = '$`\\"' if in_quotes else "$`\\"
    pieces: list[str] = []
    last = length = 0
    for found in _BACKSLASH.finditer(text):
        char = found[1]
        if char == "\n":
            return text, found.start()
        if char in dropped:
            piece = text[last : found.start()]
            pieces.append(piece)
            length += len(piece)
            offsets.omit(length, 1)
            last = found.start() + 1
    pieces.append(text[last:])
    return "".join(pieces), -1
