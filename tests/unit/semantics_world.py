"""Changes as plain dictionaries, for the tests of the detectors that read code."""

from __future__ import annotations

import asyncio
import re
import sys
import sysconfig
from collections.abc import Awaitable, Callable, Iterable, Mapping

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.bench import Side
from claude_orchestrator.graders.interpreter import Interpreter
from claude_orchestrator.graders.semantics.places import Tree
from claude_orchestrator.graders.semantics.sides import Sides

Detector = Callable[[Sides], Awaitable[list[Finding]]]


def python(*folders: str) -> Interpreter:
    """This Python as a target that has its standard library and those folders only."""
    library = (sysconfig.get_path("stdlib"), sysconfig.get_config_var("DESTSHARED") or "")
    standard = frozenset(sys.stdlib_module_names) | frozenset(sys.builtin_module_names)
    return Interpreter(
        sys.executable, sys.version_info[:3], sys.prefix, False, {}, frozenset(), (), "", True, 0,
        (*library, *folders), standard,
    )  # fmt: skip


class MemoryStore:
    def __init__(self, files: Mapping[Side, Mapping[str, bytes]]) -> None:
        self._files = files

    async def files(self, side: Side, paths: Iterable[str]) -> dict[str, bytes]:
        return {path: self._files[side][path] for path in paths if path in self._files[side]}

    async def with_words(self, side: Side, words: Iterable[str]) -> list[str]:
        said = re.compile(rf"\b({'|'.join(map(re.escape, sorted(words)))})\b".encode())
        return [path for path, content in self._files[side].items() if path.endswith(".py") and said.search(content)]


def sides_of(
    base: Mapping[str, bytes], head: Mapping[str, bytes], *folders: str, moved: Mapping[str, str] | None = None
) -> Sides:
    touched = [path for path in base.keys() | head.keys() if base.get(path) != head.get(path)]
    trees: dict[Side, Tree] = {"base": Tree(base, {}), "head": Tree(head, {})}

    async def target() -> Interpreter:
        return python(*folders)

    return Sides(MemoryStore({"base": base, "head": head}), trees, touched, moved or {}, target)


def found(
    detector: Detector, base: Mapping[str, str], changed: Mapping[str, str | None], *folders: str
) -> list[Finding]:
    """What a detector says of a change of ``base``; None removes a file."""
    after = {path: content for path, content in {**base, **changed}.items() if content is not None}
    before = {path: content.encode() for path, content in base.items()}
    sides = sides_of(before, {path: content.encode() for path, content in after.items()}, *folders)
    return asyncio.run(detector(sides))
