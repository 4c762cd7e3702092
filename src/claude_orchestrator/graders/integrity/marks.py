"""Things in source code that are only of interest when a change brings them: how the old ones are known again."""

from __future__ import annotations

import ast
import contextlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Final, TypeVar

_ALIKE: Final = 0.6


@dataclass(frozen=True)
class Mark:
    """One such thing: what it is (``kind`` and ``text``), and where.

    ``symbol`` is the dotted name of the function or class around it, ``code`` the source line without white space and
    comments.
    """

    kind: str
    text: str
    path: str
    line: int
    symbol: str
    code: str


T = TypeVar("T", bound=Mark)


class Symbols:
    """The functions and classes of one file, by line."""

    def __init__(self, tree: ast.Module | None) -> None:
        self._spans: list[tuple[int, int, str]] = []
        if tree is not None:
            # What is nested deeper than Python can follow counts as its outermost function.
            with contextlib.suppress(RecursionError):
                self._visit(tree, "")

    def at(self, line: int) -> str:
        """The dotted name of the innermost function or class around a line; empty at module level."""
        inner = [span for span in self._spans if span[0] <= line <= span[1]]
        return max(inner)[2] if inner else ""

    def _visit(self, node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}"
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                self._spans.append((first, child.end_lineno or child.lineno, name))
                self._visit(child, f"{name}.")
            elif not isinstance(child, ast.expr):
                self._visit(child, prefix)


def new_marks(base: Iterable[T], head: Iterable[T], old_names: Mapping[str, str]) -> tuple[list[T], list[T]]:
    """The marks that only ``head`` has, and those that only ``base`` has.

    Each mark of the base stands for one of the change: the same at its place, in its function (its line was edited),
    on its line (its function was renamed or moved), or on a line of the same file that is nearly its own.
    """

    def home(mark: Mark) -> str:
        return old_names.get(mark.path, mark.path)

    new, gone = list(head), list(base)
    keys: Sequence[Callable[[Mark], tuple[str, ...] | None]] = (
        lambda mark: (home(mark), mark.symbol, mark.code),
        lambda mark: (mark.symbol, mark.code) if mark.code else None,
        lambda mark: (home(mark), mark.symbol) if mark.symbol else None,
        lambda mark: (mark.code,) if mark.code else None,
        lambda mark: (mark.symbol,) if mark.symbol else None,
    )
    for key in keys:
        new, gone = pair(new, gone, key)
    return _nearly(new, gone, home)


def pair(new: list[T], gone: list[T], key: Callable[[T], tuple[str, ...] | None]) -> tuple[list[T], list[T]]:
    """Both lists without the pairs of the same kind, text and key."""
    free: dict[tuple[str, ...], list[T]] = defaultdict(list)
    for mark in gone:
        own = key(mark)
        if own is not None:
            free[mark.kind, mark.text, *own].append(mark)
    left: list[T] = []
    used: set[int] = set()
    for mark in new:
        own = key(mark)
        others = free[mark.kind, mark.text, *own] if own is not None else []
        if others:
            used.add(id(others.pop(0)))
        else:
            left.append(mark)
    return left, [mark for mark in gone if id(mark) not in used]


def _nearly(new: list[T], gone: list[T], home: Callable[[Mark], str]) -> tuple[list[T], list[T]]:
    left: list[T] = []
    free = list(gone)
    for mark in new:
        found = next((other for other in free if _is_like(mark, other, home)), None)
        if found is None:
            left.append(mark)
        else:
            free.remove(found)
    return left, free


def _is_like(mark: Mark, other: Mark, home: Callable[[Mark], str]) -> bool:
    return (mark.kind, mark.text, home(mark)) == (other.kind, other.text, other.path) and SequenceMatcher(
        None, mark.code, other.code, autojunk=False
    ).ratio() >= _ALIKE
