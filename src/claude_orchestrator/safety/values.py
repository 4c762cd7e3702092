"""Values that are only partly known, as plain strings with marks in them.

What a word can become is a string; what the text of an operation does not tell stands in it as one character of a
private Unicode plane. So values are joined, cut and compared like any other string, and a fully known one (the usual
case) costs nothing: ``value.isascii()`` is all that has to be asked. A source that contains such a character itself is
refused before it is read.
"""

from __future__ import annotations

import re

STAR = "\U000f0000"
"""An active ``*``: any run of characters of one path component, no leading dot."""
ONE = "\U000f0001"
"""An active ``?``."""
SOME = "\U000f0002"
"""An active ``[…]``: one of several characters."""
NAME = "\U000f0003"
"""The name of some file below what stands before it, as a listing of the workspace gives it."""
NUM = "\U000f0004"
"""A number that is not known."""
UNK = "\U000f0005"
"""Any text, one field."""
SPLIT = "\U000f0006"
"""Any text, not quoted: it may become no field or several."""
NET = "\U000f0007"
"""Text that came from the network."""
DEC = "\U000f0008"
"""Text that a decoding step produced."""
SEC = "\U000f0009"
"""Text that contains a secret."""

_SHOWN = {
    ord(STAR): "*",
    ord(ONE): "?",
    ord(SOME): "[...]",
    ord(NAME): "<name>",
    ord(NUM): "<number>",
    ord(UNK): "<unknown>",
    ord(SPLIT): "<unknown>",
    ord(NET): "<downloaded>",
    ord(DEC): "<decoded>",
    ord(SEC): "<secret>",
}
_MARK = re.compile("[\U000f0000-\U000f0009]")
_UNKNOWN = re.compile("[\U000f0005-\U000f0009]")
_GLOB = re.compile("[\U000f0000-\U000f0002]")
_WILD = re.compile("[\U000f0000-\U000f0003]")
_NOT_NAME = re.compile("[\U000f0003\U000f0005-\U000f0009]")

_NO_CODE = re.compile("[\U000f0000\U000f0003\U000f0005-\U000f0009]")
no_code = _NO_CODE.search
"""Whether a text holds names of files or unknown text: what no interpreter may be given as code."""
marked = _MARK.search
"""Whether anything in a text is not known."""
unknown = _UNKNOWN.search
"""Whether a text holds what cannot be resolved (a glob, a listed name and a number can be judged)."""
unnamed = _NOT_NAME.search
"""Like :func:`unknown`, with listed names counted in: for what is written or run."""
has_glob = _GLOB.search
wild = _WILD.search


def known(text: str) -> bool:
    """Whether every character of a value is known."""
    return text.isascii() or _MARK.search(text) is None


def show(text: str) -> str:
    """A value as an approver should see it."""
    return text if text.isascii() else text.translate(_SHOWN)


def taints(text: str | None) -> str:
    """The taints of a text (network, decoded, secret), each once, as a string."""
    if not text or text.isascii():
        return ""
    found = ""
    if NET in text:
        found = NET
    if DEC in text:
        found += DEC
    if SEC in text:
        found += SEC
    return found


_STARS = re.compile(STAR + "{2,}")
_MOST_STARS = 6
_ANYTHING = re.compile(".*", re.DOTALL)
_PIECES = {STAR: "[^/]*", ONE: "[^/]", SOME: "[^/]", NAME: ".*", NUM: "[0-9]+"}


def matcher(pattern: str) -> re.Pattern[str]:
    """A regular expression for every text that a value with marks can be (unknown parts match anything)."""
    parts: list[str] = []
    pattern = _STARS.sub(STAR, pattern)
    if pattern.count(STAR) > _MOST_STARS:
        # Matching would take too long: taken for what can be anything.
        return _ANYTHING
    for position, character in enumerate(pattern):
        piece = _PIECES.get(character)
        if piece is None:
            piece = ".*" if _UNKNOWN.match(character) else re.escape(character)
        elif character in (STAR, ONE, SOME) and (position == 0 or pattern[position - 1] == "/"):
            piece = r"(?!\.)" + piece
        parts.append(piece)
    return re.compile("".join(parts), re.DOTALL)
