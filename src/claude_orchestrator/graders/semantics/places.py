"""Where files can be looked at: a tree of the change, or the machine. Nothing is executed."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Protocol

BINARY: Final = (".so", ".pyd", ".pyx", ".pyi", ".pyc", ".c", ".cpp", ".rs")


class Place(Protocol):
    """Files below one root: the tree, or the machine."""

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        ...

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        ...

    def has_binary(self, path: str) -> bool:
        """Whether a compiled module (or what one is made of) is at ``path`` without its ending."""
        ...

    def read(self, path: str) -> bytes | None:
        """The content, or None when it is not known (yet)."""
        ...

    def siblings(self, path: str) -> Iterable[str]:
        """The modules in that folder."""
        ...


class Tree:
    """One side of the change. Contents that are asked for and not there yet are collected in ``missing``."""

    def __init__(self, paths: Iterable[str], contents: dict[str, bytes]) -> None:
        self.paths = frozenset(paths)
        self.contents = contents
        self.missing: set[str] = set()
        self._tops: dict[str, frozenset[str]] = {}

    @functools.cached_property
    def folders(self) -> frozenset[str]:
        """All folders; the root is empty."""
        found = {""}
        for path in self.paths:
            while (path := path.rpartition("/")[0]) and path not in found:
                found.add(path)
        return frozenset(found)

    @functools.cached_property
    def _stems(self) -> frozenset[str]:
        endings = tuple(BINARY)
        return frozenset(_stem(path) for path in self.paths if path.endswith(endings))

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        return path in self.paths

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        return path in self.folders

    def has_binary(self, path: str) -> bool:
        """Whether a compiled module, or what one is made of, is there."""
        return path in self._stems

    def read(self, path: str) -> bytes | None:
        """The content, or None when it is not known (yet)."""
        if path not in self.contents and path in self.paths:
            self.missing.add(path)
        return self.contents.get(path)

    def siblings(self, path: str) -> Iterable[str]:
        """The modules in that folder."""
        prefix = f"{path}/" if path else ""
        for file in self.paths:
            if file.startswith(prefix):
                first, _, rest = file[len(prefix) :].partition("/")
                if rest or first.endswith(".py"):
                    yield first.removesuffix(".py")

    def roots(self, top: str) -> frozenset[str]:
        """The folders that have a module or a package of that name, wherever they lie."""
        if top not in self._tops:
            found = set()
            for path in self.paths:
                if top not in path:
                    continue
                parts = path.split("/")
                for at, part in enumerate(parts):
                    is_last = at == len(parts) - 1
                    if (part == top and not is_last and path.endswith((".py", *BINARY))) or (
                        is_last and part.partition(".")[0] == top and part.endswith((".py", *BINARY))
                    ):
                        found.add("/".join(parts[:at]))
            self._tops[top] = frozenset(found)
        return self._tops[top]


class Machine:
    """The file system, read only."""

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        return path.rpartition("/")[2] in names_in(path.rpartition("/")[0]) and Path(path).is_file()

    def is_folder(self, path: str) -> bool:
        """Whether there is such a folder."""
        return path.rpartition("/")[2] in names_in(path.rpartition("/")[0]) and Path(path).is_dir()

    def has_binary(self, path: str) -> bool:
        """Whether a compiled module, or what one is made of, is there."""
        folder, _, name = path.rpartition("/")
        return any(found.startswith(f"{name}.") and found.endswith(BINARY) for found in names_in(folder))

    def read(self, path: str) -> bytes | None:
        """The content, or None when it is not known (yet)."""
        return _content(path)

    def siblings(self, path: str) -> Iterable[str]:
        """The modules in that folder."""
        return (name.removesuffix(".py") for name in names_in(path) if name.endswith(".py") or "." not in name)


MACHINE: Final = Machine()


@functools.lru_cache(maxsize=2048)
def names_in(folder: str) -> frozenset[str]:
    """What lies in a folder of the machine."""
    try:
        return frozenset(os.listdir(folder))  # noqa: PTH208 - names are wanted
    except OSError:
        return frozenset()


@functools.lru_cache(maxsize=1024)
def _content(path: str) -> bytes | None:
    try:
        return Path(path).read_bytes()
    except OSError:
        return None


def _stem(path: str) -> str:
    folder, slash, name = path.rpartition("/")
    return folder + slash + name.partition(".")[0]


class Stubs(Machine):
    """Descriptions of the standard library for every platform and version."""

    def is_file(self, path: str) -> bool:
        """Whether there is such a file."""
        return super().is_file(_as_stub(path))

    def has_binary(self, path: str) -> bool:
        """Whether a compiled module, or what one is made of, is there."""
        return False

    def read(self, path: str) -> bytes | None:
        """The content, or None when it is not known (yet)."""
        return super().read(_as_stub(path))


def _as_stub(path: str) -> str:
    return f"{path}i" if path.endswith(".py") else path


STUBS: Final = Stubs()
