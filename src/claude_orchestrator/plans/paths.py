"""Which paths a plan may name: repository-relative, with ``/`` between folders, never into ``.git``."""

from __future__ import annotations

import re
from typing import Final

_OUTSIDE: Final = (
    (re.compile(r"/"), "is absolute"),
    (re.compile(r"~"), "starts at a home folder"),
    (re.compile(r"[A-Za-z]:"), "starts with a drive"),
)
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_WILDCARD: Final = re.compile(r"[*?\[]")
_GIT_FOLDER: Final = frozenset({".git", "git~1"})


def path_fault(path: str, *, pattern: bool = False) -> tuple[str, str] | None:
    """What is wrong with ``path`` as ``(message, hint)``, or None when a plan may name it.

    ``pattern=True`` is for the entries of ``files``: folders, globs and ``.`` are fine there. Without it the
    path must name one file or folder below the repository's root, and wildcards are ordinary characters.
    """
    if not path.strip():
        return "an empty path", "name a file of the repository, for example 'src/app.py'"
    if _CONTROL.search(path):
        return f"the path {path!r} has a control character in it", "write the path without it"
    if "\\" in path:
        return f"the path '{path}' has a backslash", f"write '/' between folders: '{path.replace(chr(92), '/')}'"
    for start, kind in _OUTSIDE:
        if start.match(path):
            return f"the path '{path}' {kind}", "write it relative to the root of the repository"
    return _segments_fault(path, pattern)


def _segments_fault(path: str, pattern: bool) -> tuple[str, str] | None:
    """The faults that show only when the folders of the path are walked one by one."""
    walked: list[str] = []
    for segment in path.split("/"):
        if segment in ("", "."):
            continue
        if segment == "..":
            if not walked:
                return f"the path '{path}' leaves the repository", "remove the '..'"
            if pattern and _WILDCARD.search(walked.pop()):
                return f"the path '{path}' has '..' after a wildcard", "write it without '..'"
            if not pattern:
                walked.pop()
            continue
        if segment.rstrip(". ").casefold() in _GIT_FOLDER:
            return f"the path '{path}' lies in git's own folder", "name files of the project only"
        walked.append(segment)
    if not walked and not pattern:
        return f"the path '{path}' is the repository itself", "name one file of it"
    return None


def is_unicode(text: str) -> bool:
    """Whether a text can be written down: one from a terminal or from JSON may have halves of characters in it."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
