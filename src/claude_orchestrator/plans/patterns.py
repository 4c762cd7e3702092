r"""Declared paths and globs as sets of paths that can be compared: what a path fits, and which patterns meet.

A pattern is relative to the repository, with ``/`` between its segments. ``*`` is any part of a name (also
of a hidden one), ``?`` one character, ``[a-z]`` and ``[!a-z]`` one character of a class, and a segment ``**``
any number of folders, none included. Everything else is itself, ``{}`` and ``\`` too. ``[id]`` also stands
for itself, because folders are really called that.

A pattern that ends with ``/``, or whose last segment has neither ``*`` nor ``?``, also stands for everything
below: ``src``, ``src/`` and ``src/**`` are the same; ``src/*`` is only what lies directly in ``src``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from claude_orchestrator.errors import PlanError

ANY_DEPTH: Final = "**"
WILDCARD: Final = re.compile(r"[*?\[]")
OPEN_END: Final = re.compile(r"[*?]")
_UNTIDY: Final = re.compile(r"(?:\A|/)\.{0,2}(?:/|\Z)")
_CLASS: Final = re.compile(r"\[([!^]?)(\]?[^\]]*)\]")
_MAX_CLASSES: Final = 4
_CACHE: Final = 65536


@dataclass(frozen=True)
class _Class:
    """A character class: ``ranges`` of characters, both ends included; ``negated``: all others."""

    negated: bool
    ranges: tuple[tuple[str, str], ...]

    def has(self, character: str) -> bool:
        return any(low <= character <= high for low, high in self.ranges) != self.negated

    def meets(self, other: _Class) -> bool:
        """Whether one character is in both; True when in doubt."""
        if self.negated and other.negated:
            return True
        if not self.negated and not other.negated:
            return any(a <= d and c <= b for a, b in self.ranges for c, d in other.ranges)
        some, but = (self, other) if other.negated else (other, self)
        return any(not any(c <= a and b <= d for c, d in but.ranges) for a, b in some.ranges)


@dataclass(frozen=True)
class _Wild:
    """``*`` (``many``) or ``?``."""

    many: bool


_STAR: Final = _Wild(many=True)
_ONE: Final = _Wild(many=False)
_Token = str | _Wild | _Class


def matches(pattern: str, path: str) -> bool:
    """Whether ``pattern`` stands for ``path`` (a repository-relative path, in which nothing is special).

    Upper and lower case are different here: on a case-insensitive system compare what :func:`canonical` gives
    for both. Raises PlanError when either leaves the repository.
    """
    if not WILDCARD.search(pattern):
        pattern, path = tidy_path(pattern), tidy_path(path)
        return not pattern or path == pattern or path.startswith(pattern + "/")
    names = [name for name in tidy_path(path).split("/") if name]
    return _stands_for(_segments(pattern), names)


@lru_cache(maxsize=_CACHE)
def overlap(a: str, b: str) -> bool:
    """Whether there can be a path that both patterns stand for. Never a false no; a wrong yes is rare.

    Both are compared as they are written: give it what :func:`canonical` returned. Raises PlanError when
    either leaves the repository.
    """
    if not WILDCARD.search(a) and not WILDCARD.search(b):
        a, b = tidy_path(a) + "/", tidy_path(b) + "/"
        return a == "/" or b == "/" or a.startswith(b) or b.startswith(a)
    return _segments_meet(_segments(a), _segments(b))


def tidy_path(path: str) -> str:
    """``path`` without ``.``, ``..``, ``//`` and a last ``/``; the repository itself is the empty text."""
    if path and not _UNTIDY.search(path):
        return path
    walked: list[str] = []
    for segment in path.split("/"):
        if segment == "..":
            if not walked or WILDCARD.search(walked.pop()):
                raise PlanError(f"the path '{path}' leaves the repository: write it without '..'")
        elif segment not in ("", "."):
            walked.append(segment)
    return "/".join(walked)


def tidy_pattern(pattern: str) -> str:
    """``pattern`` tidied; when it ends with ``/``, what lies below a last wildcard stays part of it."""
    tidy = tidy_path(pattern)
    below = pattern.endswith(("/", "/.")) and OPEN_END.search(tidy.rpartition("/")[2])
    return f"{tidy}/{ANY_DEPTH}" if below else tidy


# -- one segment: a name, or a pattern for names -----------------------------------------------


@dataclass(frozen=True)
class _Segment:
    """One part of a pattern between slashes: every way to read it, and a compiled expression for all of them."""

    text: str
    literal: bool
    readings: tuple[tuple[_Token, ...], ...]
    expression: re.Pattern[str]

    def matches(self, name: str) -> bool:
        return name == self.text if self.literal else self.expression.fullmatch(name) is not None


@lru_cache(maxsize=_CACHE)
def _segment(text: str) -> _Segment:
    readings = _readings(text)
    expression = re.compile("|".join(_expression(reading) for reading in readings), re.DOTALL)
    return _Segment(text, WILDCARD.search(text) is None, readings, expression)


def _readings(text: str) -> tuple[tuple[_Token, ...], ...]:
    """The tokens of a segment, once for every choice of reading a ``[...]`` as a class or as itself."""
    pieces = pieces_of(text)
    classes = sum(isinstance(piece, tuple) for piece in pieces)
    readings: list[list[_Token]] = [[]]
    for piece in pieces:
        if not isinstance(piece, tuple):
            readings = [[*reading, piece] for reading in readings]
        elif classes <= _MAX_CLASSES:
            readings = [[*reading, *way] for reading in readings for way in ([piece[0]], list(piece[1]))]
        else:
            readings = [[*reading, piece[0]] for reading in readings]
    if classes > _MAX_CLASSES:
        readings.append([token for piece in pieces for token in (piece[1] if isinstance(piece, tuple) else [piece])])
    return tuple(tuple(reading) for reading in readings)


def pieces_of(text: str) -> list[_Token | tuple[_Class, str]]:
    """Characters, wildcards, and classes together with their own text."""
    pieces: list[_Token | tuple[_Class, str]] = []
    position = 0
    while position < len(text):
        character = text[position]
        found = _CLASS.match(text, position) if character == "[" else None
        if found:
            pieces.append((_Class(bool(found[1]), _ranges(found[2])), found[0]))
            position = found.end()
            continue
        if character == "*":
            if not pieces or pieces[-1] is not _STAR:
                pieces.append(_STAR)
        else:
            pieces.append(_ONE if character == "?" else character)
        position += 1
    return pieces


def _ranges(inside: str) -> tuple[tuple[str, str], ...]:
    """``a-z_`` → ``(("a", "z"), ("_", "_"))``; a range that ends before it begins is empty."""
    ranges = []
    position = 0
    while position < len(inside):
        low = high = inside[position]
        if position + 2 < len(inside) and inside[position + 1] == "-":
            high = inside[position + 2]
            position += 2
        position += 1
        if low <= high:
            ranges.append((low, high))
    return tuple(ranges)


def _expression(reading: tuple[_Token, ...]) -> str:
    """A regular expression for names. What follows a ``*`` is taken where it first fits, for good.

    That finds a match whenever there is one, as nothing in a reading has a variable length but ``*``; and
    no pattern can make it slow.
    """
    parts = [""]
    for token in reading:
        if token is _STAR:
            parts.append("")
        else:
            parts[-1] += _expression_of_one(token)
    if len(parts) == 1:
        return parts[0]
    first, *middle, last = parts
    return first + "".join(f"(?>.*?{part})" for part in middle) + f".*{last}"


def _expression_of_one(token: _Token) -> str:
    if isinstance(token, str):
        return re.escape(token)
    if isinstance(token, _Wild):
        return "."
    if not token.ranges:
        return "." if token.negated else "(?!)"
    inside = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in token.ranges)
    return f"[{'^' if token.negated else ''}{inside}]"


@lru_cache(maxsize=_CACHE)
def _names_meet(a: str, b: str) -> bool:
    """Whether one name fits both segments."""
    one, other = _segment(a), _segment(b)
    if one.literal:
        return other.matches(a)
    if other.literal:
        return one.matches(b)
    return any(_readings_meet(x, y) for x in one.readings for y in other.readings)


def _readings_meet(a: tuple[_Token, ...], b: tuple[_Token, ...]) -> bool:
    if _STAR in a and _STAR in b:
        # Between what comes before the first and after the last star there is room for both middles.
        return _fixed_meet(a, b) and _fixed_meet(a[::-1], b[::-1])
    if _STAR in b:
        a, b = b, a
    if _STAR not in a:
        return len(a) == len(b) and all(_tokens_meet(x, y) for x, y in zip(a, b, strict=True))
    # Only ``a`` has stars: walk along ``b`` with the set of positions that ``a`` can be at.
    positions = _over_stars(a, {0})
    for token in b:
        stay = {at for at in positions if at < len(a) and a[at] is _STAR}
        moved = {at + 1 for at in positions - stay if at < len(a) and _tokens_meet(a[at], token)}
        positions = _over_stars(a, stay | moved)
    return len(a) in positions


def _over_stars(tokens: tuple[_Token, ...], positions: set[int]) -> set[int]:
    """``positions`` and those behind a star that stands for nothing."""
    return positions | {at + 1 for at in positions if at < len(tokens) and tokens[at] is _STAR}


def _fixed_meet(a: tuple[_Token, ...], b: tuple[_Token, ...]) -> bool:
    """Whether the parts of ``a`` and ``b`` before their first stars fit on top of each other."""
    for x, y in zip(a, b, strict=False):
        if x is _STAR or y is _STAR:
            return True
        if not _tokens_meet(x, y):
            return False
    return True


def _tokens_meet(a: _Token, b: _Token) -> bool:
    if isinstance(a, str):
        a, b = b, a
    if isinstance(a, str) or isinstance(b, str):
        return a == b if isinstance(a, str) else isinstance(a, _Wild) or a.has(str(b))
    return _class_of(a).meets(_class_of(b))


def _class_of(token: _Wild | _Class) -> _Class:
    return token if isinstance(token, _Class) else _Class(negated=True, ranges=())


# -- whole patterns ----------------------------------------------------------------------------


@lru_cache(maxsize=_CACHE)
def _segments(pattern: str) -> tuple[str, ...]:
    """The segments of a pattern, with a last ``**`` where it stands for everything below."""
    segments = [segment for segment in tidy_pattern(pattern).split("/") if segment]
    if not segments or not OPEN_END.search(segments[-1]):
        segments.append(ANY_DEPTH)
    return tuple(
        segment
        for index, segment in enumerate(segments)
        if segment != ANY_DEPTH or index == 0 or segments[index - 1] != ANY_DEPTH
    )


def _stands_for(pattern: tuple[str, ...], names: list[str]) -> bool:
    """Walk along the names with the set of positions in the pattern that they can have led to."""
    positions = _over_depth(pattern, {0})
    for name in names:
        stay = {at for at in positions if at < len(pattern) and pattern[at] == ANY_DEPTH}
        moved = {at + 1 for at in positions - stay if at < len(pattern) and _segment(pattern[at]).matches(name)}
        positions = _over_depth(pattern, stay | moved)
        if not positions:
            return False
    return len(pattern) in positions


def _over_depth(pattern: tuple[str, ...], positions: set[int]) -> set[int]:
    return positions | {at + 1 for at in positions if at < len(pattern) and pattern[at] == ANY_DEPTH}


def _segments_meet(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    """Whether one path fits both: a walk over the pairs of positions that it can have led to."""
    todo = [(0, 0)]
    seen = set(todo)
    while todo:
        i, j = todo.pop()
        if i == len(a) and j == len(b):
            return True
        steps = []
        if i < len(a) and a[i] == ANY_DEPTH:
            steps = [(i + 1, j), (i, j + 1)] if j < len(b) else [(i + 1, j)]
        elif j < len(b) and b[j] == ANY_DEPTH:
            steps = [(i, j + 1), (i + 1, j)] if i < len(a) else [(i, j + 1)]
        elif i < len(a) and j < len(b) and (a[i] == b[j] or _names_meet(a[i], b[j])):
            steps = [(i + 1, j + 1)]
        for step in steps:
            if step not in seen:
                seen.add(step)
                todo.append(step)
    return False
