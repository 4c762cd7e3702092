"""What git can bring back: files whose content is in the tree that the journal names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from claude_orchestrator.workspace.git import names_in


class Recoverable:
    """Whether git can bring back what lies at a path of a worktree, as it was at the latest look.

    The host looks at the whole worktree before it asks for a verdict: every file that git does not ignore is an object
    then, and its tree is in the journal. What that tree does not have (ignored files, embedded repositories) would be
    lost.
    """

    def __init__(self, worktree: Path, git_folder: Path) -> None:
        self._root = os.path.realpath(worktree)
        self._git_folder = git_folder
        self._tree = ""
        self._names: frozenset[str] | None = None

    def look(self, tree: str) -> None:
        """From now on, ``tree`` is what git has."""
        if tree != self._tree:
            self._tree, self._names = tree, None

    def __call__(self, path: str) -> bool:
        """Whether everything at ``path`` (absolute; a file, a link or a folder) is in the tree."""
        place, inside = os.path.normpath(path), self._root + os.sep
        if not self._tree or not place.startswith(inside):
            return False
        if self._names is None:
            self._names = names_in(self._git_folder, self._tree)
        names = self._names
        return all(file.removeprefix(inside) in names for file in _files(place))


def _files(place: str) -> Iterator[str]:
    """Everything below a folder that is no folder itself; the place itself when it is none."""
    if os.path.islink(place) or not os.path.isdir(place):  # noqa: PTH114, PTH112 - texts, as the classifier has them
        yield place
        return
    with os.scandir(place) as entries:
        for entry in entries:
            yield from _files(entry.path)
