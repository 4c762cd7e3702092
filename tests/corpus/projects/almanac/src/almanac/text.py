"""Small text tools."""

from __future__ import annotations

import re
import unicodedata

_SEPARATORS = re.compile(r"[^a-z0-9]+")


def slug(title: str, limit: int = 40) -> str:
    """A name for a web address: lower-case letters, digits, single dashes, at most ``limit``."""
    plain = unicodedata.normalize("NFKD", title).encode("ascii", "ignore").decode()
    dashed = _SEPARATORS.sub("-", plain.lower()).strip("-")
    if len(dashed) <= limit:
        return dashed
    cut = dashed[: limit + 1]
    head, dash, _ = cut.rpartition("-")
    return head if dash else cut[:limit]


def wrap(text: str, width: int) -> list[str]:
    """Lines of at most ``width`` characters; a longer word stands alone."""
    if width < 1:
        raise ValueError("a line has at least one character")
    lines: list[str] = []
    line = ""
    for word in text.split():
        candidate = f"{line} {word}" if line else word
        if len(candidate) <= width:
            line = candidate
            continue
        if line:
            lines.append(line)
        line = word
    if line:
        lines.append(line)
    return lines
