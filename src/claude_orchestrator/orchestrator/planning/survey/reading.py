"""A commit as paths and texts: read from git's objects, within bounds, nothing of it ever run."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.survey.languages import is_config, is_foreign, language_of
from claude_orchestrator.workspace.git import Repository

MOST_PATHS: Final = 50_000
"""Paths that a survey keeps."""

MOST_FILES: Final = 5_000
"""Files that are read."""

LARGEST: Final = 500_000
"""Bytes of a file that is read; a larger one is generated, or data."""

MOST_BYTES: Final = 40_000_000
"""Bytes that are read in all."""

_FILES: Final = frozenset({"100644", "100755"})
_LOOKED_AT: Final = 8_000
"""Bytes in which a NUL says that the file is no text; as git does it."""


@dataclass(frozen=True)
class Tree:
    """The paths of a commit and the texts that could be read."""

    commit: str
    paths: tuple[str, ...]
    files: int
    """How many there are, kept or not."""
    texts: Mapping[str, str]
    """Path → text of what is source code, configuration or a manifest, and small enough."""
    left_out: tuple[str, ...] = ()
    """What was not looked at, and why."""
    known: frozenset[str] = field(default_factory=frozenset)
    """The paths, to ask whether one is there."""

    def named(self, *names: str) -> Iterator[str]:
        """The paths that have one of these file names, those nearest to the root first."""
        wanted = {name.casefold() for name in names}
        found = [path for path in self.texts if PurePosixPath(path).name.casefold() in wanted]
        yield from sorted(found, key=lambda path: (path.count("/"), path))

    def text(self, path: str) -> str:
        """The text of a file; empty where there is none."""
        return self.texts.get(path, "")


@dataclass(frozen=True)
class _File:
    path: str
    mode: str
    blob: str
    size: int


async def read_tree(repository: Repository, commit: str) -> Tree:
    """Read a commit. Raises RepositoryError when it names none, or an object is missing."""
    listing = await repository.git("ls-tree", "-r", "-l", "-z", "--full-tree", commit)
    found = [_file(line) for line in listing.split("\0") if line]
    named = [file for file in found if _is_text(file.path)]
    chosen, left_out = _chosen(named)
    blobs = await repository.read_blobs(file.blob for file in chosen)
    texts = {file.path: text for file in chosen if (text := _text(blobs[file.blob])) is not None}
    paths = tuple(file.path for file in named[:MOST_PATHS])
    if len(found) > len(named):
        left_out.append(f"{len(found) - len(named)} files whose names are not UTF-8")
    if len(named) > len(paths):
        left_out.append(f"{len(named) - len(paths)} of {len(named)} paths: at most {MOST_PATHS} are kept")
    return Tree(commit, paths, len(found), texts, tuple(left_out), frozenset(paths))


def _file(line: str) -> _File:
    meta, path = line.split("\t", 1)
    mode, _, blob, size = meta.split()
    return _File(path, mode, blob, int(size) if size.isdigit() else 0)


def _is_text(path: str) -> bool:
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _chosen(files: Iterable[_File]) -> tuple[list[_File], list[str]]:
    """What to read, what matters most first: configuration, then sources, those near the root first."""
    wanted = [file for file in files if file.mode in _FILES and _matters(file.path)]
    small = [file for file in wanted if file.size <= LARGEST]
    small.sort(key=lambda file: (not is_config(file.path), language_of(file.path) != "Python", file.path.count("/")))
    left_out = []
    if len(wanted) > len(small):
        left_out.append(f"{len(wanted) - len(small)} source files of more than {LARGEST // 1000} kB")
    chosen: list[_File] = []
    total = 0
    for file in small:
        if len(chosen) == MOST_FILES or total + file.size > MOST_BYTES:
            break
        chosen.append(file)
        total += file.size
    if len(small) > len(chosen):
        left_out.append(
            f"{len(small) - len(chosen)} of {len(small)} source files: at most {MOST_FILES} files and "
            f"{MOST_BYTES // 1_000_000} MB are read"
        )
    return chosen, left_out


def _matters(path: str) -> bool:
    return is_config(path) or (bool(language_of(path)) and not is_foreign(path))


def _text(content: bytes) -> str | None:
    """The text of a file, or None where it is binary."""
    if b"\0" in content[:_LOOKED_AT]:
        return None
    return content.decode(errors="replace").removeprefix("\ufeff")
