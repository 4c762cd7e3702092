"""The file locks between tasks: the one spelling of a declared path or glob in a repository on its file system.

What a pattern means, and which of them meet, ``plans/patterns.py`` says.
"""

from __future__ import annotations

import os
import re
import unicodedata
from functools import lru_cache
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import PlanError
from claude_orchestrator.plans.patterns import ANY_DEPTH, OPEN_END, WILDCARD, matches, overlap, pieces_of, tidy_pattern

__all__ = ["canonical", "is_case_sensitive", "matches", "overlap"]

_PLAIN_CLASS: Final = re.compile(r"[a-z]+|[A-Z]+|[0-9]+|[a-z]-[a-z]|[A-Z]-[A-Z]|[0-9]-[0-9]")


def canonical(pattern: str, root: Path, case_sensitive: bool) -> str:
    """The one spelling of ``pattern`` in the repository at ``root``, for comparing it with others.

    Symbolic links in the part before the first wildcard are followed as far as that exists; ``.``, ``//`` and
    ``..`` are folded. Where ``case_sensitive`` is False, names that the file system takes for one are spelled
    alike, and a wildcard that could mean something else then becomes a wider one. ``**`` is the repository.
    Raises PlanError when the pattern leaves the repository or leads into ``.git``.
    """
    segments = pattern.split("/")
    if pattern.startswith(("/", "~")):
        raise PlanError(f"the path '{pattern}' is not relative to the repository: write it from the repository's root")
    fixed = next((index for index, segment in enumerate(segments) if WILDCARD.search(segment)), len(segments))
    real_root = os.path.realpath(root)
    real = os.path.realpath(os.path.join(real_root, *segments[:fixed]))  # noqa: PTH118
    if real != real_root and not real.startswith(real_root.rstrip(os.sep) + os.sep):
        raise PlanError(f"the path '{pattern}' leaves the repository: name files below {root} only")
    inside = os.path.relpath(real, real_root).replace(os.sep, "/")
    tidy = tidy_pattern("/".join([inside, *segments[fixed:]]))
    if any(segment.casefold() == ".git" for segment in tidy.split("/")):
        raise PlanError(f"the path '{pattern}' lies in git's own folder: name files of the project only")
    if not tidy:
        return ANY_DEPTH
    return tidy if case_sensitive else _fold(tidy)


@lru_cache(maxsize=256)
def is_case_sensitive(root: Path) -> bool:
    """Whether the file system below ``root`` tells ``a`` from ``A``; False when nothing there can say."""
    for name in os.listdir(root):  # noqa: PTH208
        other = name.swapcase()
        if other != name and name.isascii():
            return not _same_file(root / name, root / other)
    return False


def _same_file(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(one.lstat(), other.lstat())
    except FileNotFoundError:
        return False


# -- file systems that take some names for one -------------------------------------------------


def _fold(pattern: str) -> str:
    """All of a tidy pattern in that spelling, still standing for everything below where it did."""
    folded = "/".join(_fold_segment(segment) for segment in pattern.split("/"))
    below = not OPEN_END.search(pattern.rpartition("/")[2])
    return tidy_pattern(f"{folded}/") if below else folded


def _fold_segment(segment: str) -> str:
    """A segment as all names that a case-insensitive file system takes for the same are spelled."""
    if not WILDCARD.search(segment) or segment == ANY_DEPTH:
        return _fold_name(segment)
    folded: list[str] = []
    for piece in pieces_of(segment):
        if isinstance(piece, str) and piece.isascii():
            folded.append(piece.lower())
        elif isinstance(piece, tuple) and _PLAIN_CLASS.fullmatch(piece[1][1:-1]):
            folded.append(piece[1].lower())
        elif not folded or folded[-1] != "*":
            # One character can be several once it is folded, and accents move: only a star is wide enough.
            folded.append("*")
    return "".join(folded)


def _fold_name(name: str) -> str:
    """A name in the spelling that is the same for all cases and Unicode normal forms of it."""
    return unicodedata.normalize("NFD", unicodedata.normalize("NFD", name).casefold())
