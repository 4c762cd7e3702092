"""Lines that are one command of literal words: they need no tree, and whoever asks about them no parser."""

from __future__ import annotations

import re

MAX_COST = 4000  # words and pieces of words of one source, about: a few microseconds each

STOPPERS = frozenset(["then", "elif", "else", "fi", "do", "done", "esac", "}"])
_OPENERS = frozenset(["{", "[[", "if", "while", "until", "for", "select", "case", "function"])
RESERVED = frozenset([*_OPENERS, *STOPPERS, "in", "]]", "coproc", "!", "time"])

# What no ordinary word contains, for use inside a character class.
_SPECIAL = r"""\ \t\n\0;&|<>()$`'"\\*?\[{}"""
# Behind its first "=" an ordinary word has no tilde, because bash may expand it there.
PLAIN_WORD = rf"(?![~\#]|[0-9]++[<>])[^{_SPECIAL}=]++(?:=[^{_SPECIAL}~]*+)?"
# A line of nothing but ordinary words, one space between them.
_PLAIN_LINE = re.compile(rf"{PLAIN_WORD}(?:\ {PLAIN_WORD})*+", re.VERBOSE).fullmatch
# A word with quoted pieces in which nothing is special, and a line of such words and ordinary ones.
_QUOTED_WORD = rf"""(?![0-9]++[<>])[^{_SPECIAL}~\#]*+(?:(?:'[^']*+'|"[^"$`\\]*+")[^{_SPECIAL}~\#]*+)++"""
_LITERAL_WORD = rf"(?:{PLAIN_WORD}(?=\ |\Z)|{_QUOTED_WORD})"
_LITERAL_LINE = re.compile(rf"{_LITERAL_WORD}(?:\ {_LITERAL_WORD})*+", re.VERBOSE).fullmatch
_LITERAL_WORDS = re.compile(_LITERAL_WORD, re.VERBOSE).findall
_QUOTED = re.compile(r"""'([^']*+)'|"([^"]*+)\"""").sub


def plain_words(source: str) -> list[str] | None:
    """The words of a line that is one simple command of ordinary words, with one space between them; else None."""
    if _PLAIN_LINE(source) is None:
        return None
    words = source.split(" ")
    return words if words[0] not in RESERVED and "=" not in words[0] and len(words) <= MAX_COST else None


def literal_words(source: str) -> list[str] | None:
    """As :func:`plain_words`, for words that may be quoted, or have pieces that are: their values; else None."""
    if "'" not in source and '"' not in source:
        return plain_words(source)
    if _LITERAL_LINE(source) is None:
        return None
    words = _LITERAL_WORDS(source)
    if words[0] in RESERVED or "=" in words[0] or "'" in words[0] or '"' in words[0] or len(words) > MAX_COST:
        return None
    return [_QUOTED(r"\1\2", word) if "'" in word or '"' in word else word for word in words]
