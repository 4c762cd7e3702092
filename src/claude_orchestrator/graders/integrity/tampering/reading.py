"""Reads what the comparison of tests needs: the touched test files, what they use, the touched source."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.graders.configuration import pytest_settings
from claude_orchestrator.graders.integrity.tampering.collecting import Names
from claude_orchestrator.graders.integrity.tampering.fates import Comparison, compare_sides
from claude_orchestrator.graders.integrity.tampering.sides import SideOfTests
from claude_orchestrator.graders.parsing import parsed

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench, Side

_MOST_HELPERS: Final = 40


async def read_sides(bench: Bench) -> Comparison:
    """Compare the tests of the base with those of the change."""
    base, head = await _side(bench, "base"), await _side(bench, "head")
    return compare_sides(base, head, bench.change.old_names)


async def _side(bench: Bench, side: Side) -> SideOfTests:
    change = bench.change
    touched = {path for path in change.touched if path.endswith(".py")}
    renamed_from = set(change.old_names.values())
    tests = {path for path in touched | (touched & renamed_from) if _is_of_tests(path, bench)}
    # A test file that got a name that is no test's is still one.
    tests |= {new for new, old in change.old_names.items() if new.endswith(".py") and change.is_test(old)}
    contents = await bench.files(side, sorted(touched | tests))
    entries = change.base_entries if side == "base" else change.head_entries
    wanted = _helpers({path: contents[path] for path in tests if path in contents}, set(entries), bench)
    helpers = await bench.files(side, sorted(wanted - contents.keys()))
    settings = pytest_settings(change.base_files)[1]
    return SideOfTests(
        {path: content for path, content in contents.items() if path in tests},
        helpers,
        {path: content for path, content in contents.items() if path not in tests},
        Names(_words(settings, "python_functions", "test"), _words(settings, "python_classes", "Test")),
        tuple(change.test_names) or ("test_*.py", "*_test.py"),
        _modules(path for path in entries if path.endswith(".py") and not _is_of_tests(path, bench)),
    )


def _is_of_tests(path: str, bench: Bench) -> bool:
    return bench.change.is_test(path) or posixpath.basename(path) == "conftest.py"


def _modules(paths: Iterable[str]) -> frozenset[str]:
    """The first names of modules, with and without the folder that they lie in."""
    parts = [path.removesuffix(".py").split("/") for path in paths]
    return frozenset(name for path in parts for name in path[:2])


def _words(settings: dict[str, Any], name: str, default: str) -> tuple[str, ...]:
    value = settings.get(name, default)
    words = value.split() if isinstance(value, str) else [str(one) for one in value]
    return tuple(word.split("*")[0] for word in words) or (default,)


def _helpers(tests: dict[str, bytes], entries: set[str], bench: Bench) -> set[str]:
    """The conftests above some tests, and the files of tests that they import from."""
    found: set[str] = set()
    for path, content in tests.items():
        folder = posixpath.dirname(path)
        while True:
            found.add(posixpath.join(folder, "conftest.py"))
            if not folder:
                break
            folder = posixpath.dirname(folder)
        found |= _imported(path, content, entries, bench)
    return set(sorted(found & entries)[:_MOST_HELPERS])


def _imported(path: str, content: bytes, entries: set[str], bench: Bench) -> set[str]:
    import ast

    tree = parsed(content)
    folder = posixpath.dirname(path)
    found: set[str] = set()
    for node in tree.body if tree else ():
        if isinstance(node, ast.ImportFrom):
            place = folder
            for _ in range(max(0, node.level - 1)):
                place = posixpath.dirname(place)
            module = (node.module or "").replace(".", "/")
            stems = [module, *(f"{module}/{one.name}".strip("/") for one in node.names)]
        elif isinstance(node, ast.Import):
            place, stems = folder, [one.name.replace(".", "/") for one in node.names]
        else:
            continue
        for stem in stems:
            for start in {place, folder, posixpath.dirname(folder), ""}:
                candidate = posixpath.normpath(posixpath.join(start, f"{stem}.py"))
                if candidate in entries and (bench.change.is_test(candidate) or start == folder):
                    found.add(candidate)
    return found
