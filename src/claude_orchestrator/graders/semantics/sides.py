"""Both sides of a change, as the detectors look at them: files are read when somebody asks for them."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterable, Mapping
from pathlib import Path
from typing import Final, Protocol, TypeVar

from claude_orchestrator.graders.bench import Bench, Side
from claude_orchestrator.graders.interpreter import Interpreter
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.bindings import summary
from claude_orchestrator.graders.semantics.modules import Modules
from claude_orchestrator.graders.semantics.places import Tree

T = TypeVar("T")

_ROUNDS: Final = 12
_USERS: Final = 300
"""So many unchanged files are looked at, at most, for uses of what the change removes."""
_SAMPLES: Final = frozenset(
    {
        "data", "fixtures", "testdata", "test_data", "resources", "cases", "snippets", "samples", "functional", "input",
        "inputs", "examples", "templates", "cookiecutter", "stubs", "typeshed", "vendor", "_vendor", "vendored",
    }
)  # fmt: skip
"""Folders of tests whose Python is data, and folders with code of others."""


class Store(Protocol):
    """Gives contents and finds words; the repository in a verification."""

    async def files(self, side: Side, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of plain files on one side."""
        ...

    async def with_words(self, side: Side, words: Iterable[str]) -> list[str]:
        """The Python files on one side that have one of the words."""
        ...


class BenchStore:
    """The repository behind a bench."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    async def files(self, side: Side, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of plain files on one side."""
        return await self._bench.files(side, paths)

    async def with_words(self, side: Side, words: Iterable[str]) -> list[str]:
        """The Python files on one side that have one of the words."""
        change = self._bench.change
        tree = change.base_tree if side == "base" else change.head_tree
        patterns = [part for word in sorted(words) for part in ("-e", word)]
        _, out, _ = await self._bench.repository.attempt_git(
            "grep", "-l", "-z", "-w", "-F", *patterns, tree, "--", "*.py"
        )
        return [path.partition(":")[2] for path in out.decode(errors="surrogateescape").split("\0") if path]


class Sides:
    """The trees of base and head, the modules in them, and what differs."""

    def __init__(
        self,
        store: Store,
        trees: Mapping[Side, Tree],
        touched: Iterable[str],
        old_names: Mapping[str, str],
        interpreter: Callable[[], Awaitable[Interpreter]],
        project: Path | None = None,
    ) -> None:
        self._store = store
        self._interpreter = interpreter
        self.project = project
        self.trees = trees
        self.touched = frozenset(touched)
        self.old_names = old_names
        self.new_names = {old: new for new, old in old_names.items()}
        self._modules: dict[Side, Modules] = {}

    @classmethod
    def of(cls, bench: Bench) -> Sides:
        """The sides of the change on a bench."""
        change = bench.change
        generated = {path: text.encode() for path, text in bench.generated.items()}
        trees: dict[Side, Tree] = {
            "base": _tree(change.base_entries, generated),
            "head": _tree(change.head_entries, generated),
        }
        return cls(BenchStore(bench), trees, change.touched, change.old_names, bench.interpreter, bench.project)

    def modules(self, side: Side) -> Modules:
        """How one side finds its modules. Only after :meth:`prepare`."""
        return self._modules[side]

    async def prepare(self) -> None:
        """Ask the project's Python about itself. Raises VerificationError when it cannot be used."""
        if not self._modules:
            target = await self._interpreter()
            self._modules = {side: Modules(tree, target, self.project) for side, tree in self.trees.items()}

    async def settle(self, compute: Callable[[], T]) -> T:
        """The result of ``compute`` once every file that it asks for is there."""
        for _ in range(_ROUNDS):
            result = compute()
            if not any(tree.missing for tree in self.trees.values()):
                return result
            for side, tree in self.trees.items():
                wanted, tree.missing = tree.missing, set()
                tree.contents.update(dict.fromkeys(wanted, b"") | await self._store.files(side, wanted))
        return compute()

    async def read(self, side: Side, paths: Iterable[str]) -> dict[str, bytes]:
        """The contents of those ``paths`` that are there."""
        tree = self.trees[side]
        wanted = {path for path in paths if path in tree.paths}
        if unknown := wanted - tree.contents.keys():
            tree.contents.update(await self._store.files(side, unknown))
        return {path: tree.contents[path] for path in wanted if path in tree.contents}

    async def with_words(self, side: Side, words: Iterable[str]) -> list[str]:
        """The Python files on one side that have one of the words (as a whole word)."""
        return await self._store.with_words(side, words) if words else []

    # -- what differs -----------------------------------------------------------------------------

    def changed_python(self) -> list[str]:
        """The files of Python that the change touches and leaves there, without code that is data."""
        return sorted(path for path in self.touched if path in self.trees["head"].paths and is_code(path))

    def before(self, path: str) -> str:
        """The path at the base of a file of the change."""
        return self.old_names.get(path, path)

    async def load_changed(self) -> None:
        """Read the touched files of Python of both sides."""
        for side in ("base", "head"):
            await self.read(side, (path for path in self.touched if path.endswith(".py")))

    def removed_names(self) -> frozenset[str]:
        """Top-level names that touched modules had and have no more, and names of modules that are gone."""
        base, head = self.trees["base"], self.trees["head"]
        gone = set()
        for path in self.touched:
            if not path.endswith(".py") or path not in base.paths:
                continue
            now = self.new_names.get(path, path)
            if path not in head.paths:
                gone.add(_module_name(path))
            before, after = summary(base.contents.get(path, b"")), summary(head.contents.get(now, b""))
            if before and after and not after.is_dynamic:
                gone |= before.names.keys() - after.names.keys()
                if before.stars != after.stars:
                    gone |= {star.module.rpartition(".")[2] for star in before.stars}
        return frozenset(name for name in gone if name and not (name.startswith("__") and name.endswith("__")))

    async def users(self, names: frozenset[str]) -> list[str]:
        """Unchanged files that may import one of the names, or use it through a module."""
        if not names:
            return []
        found = [path for path in await self.with_words("head", names) if path not in self.touched and is_code(path)]
        contents = await self.read("head", found[:_USERS])
        said = re.compile(
            rf"import\b.*\b({_any(names)})\b|\bfrom\b.*\b({_any(names)})\b|^\s*({_any(names)})\s*(,|\)|#|as\b|$)"
            rf"|\w\.({_any(names)})\b".encode(),
            re.MULTILINE,
        )
        return sorted(path for path, content in contents.items() if said.search(content))


def _tree(entries: Iterable[str], generated: Mapping[str, bytes]) -> Tree:
    paths = frozenset(entries)
    return Tree(paths | generated.keys(), {path: text for path, text in generated.items() if path not in paths})


def is_code(path: str) -> bool:
    """Whether a file is Python that is meant to run here."""
    parts = path.split("/")
    in_tests = next((at for at, part in enumerate(parts) if part in ("tests", "test", "testing")), None)
    if not path.endswith(".py") or "{{" in path or {"vendor", "_vendor", "vendored", "site-packages"} & set(parts):
        return False
    return in_tests is None or not _SAMPLES & set(parts[in_tests + 1 : -1])


def is_readable(content: bytes) -> bool:
    """Whether a file can be parsed."""
    return parsed(content) is not None


def _module_name(path: str) -> str:
    folder, _, name = path.removesuffix(".py").rpartition("/")
    return folder.rpartition("/")[2] if name == "__init__" else name


def _any(names: frozenset[str]) -> str:
    return "|".join(re.escape(name) for name in sorted(names))
