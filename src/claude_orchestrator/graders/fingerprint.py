"""Fingerprints: how a finding is known again when the lines around it have moved.

Rule + file (under the name it had at the base) + enclosing symbol + source line without its white space
+ the how-manieth of these it is. Line numbers and messages are left out: both change with neighbours.
"""

from __future__ import annotations

import ast
import hashlib
import warnings
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path

from claude_orchestrator.graders.base import Finding


class Sources:
    """The Python files of one checkout, read at most once each. Links and paths outside read as empty."""

    def __init__(self, checkout: Path) -> None:
        self._checkout = checkout
        self._lines: dict[str, list[str]] = {}
        self._symbols: dict[str, list[tuple[int, int, str]]] = {}

    def text(self, path: str, line: int) -> str:
        """The source line with white space normalised; empty where there is none."""
        lines = self._read(path)
        return " ".join(lines[line - 1].split()) if 0 < line <= len(lines) else ""

    def symbol(self, path: str, line: int) -> str:
        """Dotted name of the innermost function or class around a line; empty at module level."""
        if path not in self._symbols:
            self._symbols[path] = _spans("\n".join(self._read(path)))
        inner = [span for span in self._symbols[path] if span[0] <= line <= span[1]]
        return max(inner)[2] if inner else ""

    def _read(self, path: str) -> list[str]:
        if path not in self._lines:
            file = self._checkout / path
            inside = file.resolve().is_relative_to(self._checkout.resolve())
            self._lines[path] = (
                file.read_bytes().decode(errors="replace").split("\n") if inside and file.is_file() else []
            )
        return self._lines[path]


def _spans(source: str) -> list[tuple[int, int, str]]:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found: list[tuple[int, int, str]] = []

    def visit(node: ast.AST, prefix: str) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                name = f"{prefix}{child.name}"
                first = min([child.lineno, *(decorator.lineno for decorator in child.decorator_list)])
                found.append((first, child.end_lineno or child.lineno, name))
                visit(child, f"{name}.")
            else:
                visit(child, prefix)

    visit(tree, "")
    return found


def located(findings: Iterable[Finding], checkout: Path) -> list[Finding]:
    """The findings with their symbol and source line filled in from ``checkout``."""
    sources = Sources(checkout)
    return [
        replace(found, symbol=sources.symbol(found.path, found.line), text=sources.text(found.path, found.line))
        for found in findings
    ]


def fingerprinted(findings: Iterable[Finding], old_names: Mapping[str, str]) -> list[Finding]:
    """The findings in order of place, each with its fingerprint. ``old_names`` maps new paths to base paths."""
    seen: Counter[str] = Counter()
    result = []
    for found in sorted(findings, key=lambda one: (one.path, one.line, one.rule, one.message)):
        key = "\0".join((found.rule, old_names.get(found.path, found.path), found.symbol, found.text))
        seen[key] += 1
        digest = hashlib.sha256(f"{key}\0{seen[key]}".encode(errors="surrogateescape")).hexdigest()
        result.append(replace(found, fingerprint=digest[:20]))
    return result


def compare(
    base: Iterable[Finding], candidate: Iterable[Finding], old_names: Mapping[str, str]
) -> tuple[list[Finding], int]:
    """The findings of ``candidate`` that ``base`` does not have, and how many it has.

    A finding of the base that is gone stands for one that is new when only its place changed (code was moved, a
    function renamed) or only its line (code was reformatted).
    """
    old, marked = fingerprinted(base, {}), fingerprinted(candidate, old_names)
    before, after = ({found.fingerprint for found in side} for side in (old, marked))
    gone = [found for found in old if found.fingerprint not in after]
    new = [found for found in marked if found.fingerprint not in before]
    new, gone = _unmatched(new, gone, lambda found: (found.rule, found.text) if found.text else None)
    new, gone = _unmatched(
        new, gone, lambda found: (found.rule, old_names.get(found.path, found.path), found.symbol, found.message)
    )
    return new, len(marked) - len(new)


def _unmatched(
    new: list[Finding], gone: list[Finding], key: Callable[[Finding], tuple[str, ...] | None]
) -> tuple[list[Finding], list[Finding]]:
    """Both lists without the pairs that have the same key; each finding that is gone stands for one."""
    free = Counter(filter(None, map(key, gone)))
    used: Counter[tuple[str, ...]] = Counter()
    left = []
    for found in new:
        own = key(found)
        if own is not None and used[own] < free[own]:
            used[own] += 1
        else:
            left.append(found)
    still_gone = []
    for found in gone:
        own = key(found)
        if own is not None and used[own]:
            used[own] -= 1
        else:
            still_gone.append(found)
    return left, still_gone
