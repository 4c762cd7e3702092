"""Files that act by where they lie: modules in the place of others, start-up files, stubs beside their modules."""

from __future__ import annotations

import sys
from collections.abc import Collection, Iterator
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity

_LOADED_BY_PYTEST: Final = frozenset(
    {"pytest", "_pytest", "pluggy", "iniconfig", "packaging", "py", "unittest", "coverage"}
)
_STARTUP: Final = frozenset({"sitecustomize", "usercustomize"})
_ROOTS: Final = ("", "src/", "lib/")
_RARE: Final = frozenset(
    {
        "test",
        "this",
        "antigravity",
        "code",
        "cmd",
        "site",
        "xdrlib",
        "profile",
        "calendar",
        "chunk",
        "cgi",
        "idlelib",
        "turtle",
    }
)
"""Modules of the standard library whose names people give to files of their own, and that no test run needs."""


def placement_findings(base: Collection[str], head: Collection[str], tests: Collection[str]) -> list[Finding]:
    """What the new paths of a change stand in for. ``tests`` are the test files among all paths."""
    return [*_stand_ins(base, head, tests), *_startup_files(base, head), *_stubs(base, head)]


def _stand_ins(base: Collection[str], head: Collection[str], tests: Collection[str]) -> Iterator[Finding]:
    places = tuple(dict.fromkeys((*_ROOTS, *sorted(_test_roots(head, tests)))))
    own = set(_top_level(head, _ROOTS)) - set(_top_level(tests, _ROOTS))
    old = set(_top_level(base, places).values())
    for name, path in sorted(_all_top_level(head, places)):
        if path in old or path in base:
            continue
        severity = _severity(name, path in tests, name in own)
        if severity and name not in _STARTUP:
            message = f"takes the place of the module `{name}` when the tests are run"
            yield Finding("integrity/stand-in", path, 0, message, severity)


def _severity(name: str, is_test: bool, is_own: bool) -> Severity | None:
    if name in _LOADED_BY_PYTEST:
        return "problem"
    if name in sys.stdlib_module_names:
        return "review" if name in _RARE else "problem"
    return "problem" if is_test and is_own else None


def _test_roots(paths: Collection[str], tests: Collection[str]) -> set[str]:
    """The folders that pytest puts on the path: those of test files, above all that are packages."""
    packages = {path.removesuffix("__init__.py") for path in paths if path.endswith("/__init__.py")}
    found = set()
    for path in tests:
        folder = path.rpartition("/")[0] + "/" if "/" in path else ""
        while folder in packages:
            folder = folder.rstrip("/").rpartition("/")[0] + "/" if "/" in folder.rstrip("/") else ""
        if path.endswith(".py"):
            found.add(folder)
    return found


def _all_top_level(paths: Collection[str], places: Collection[str]) -> Iterator[tuple[str, str]]:
    packages = {path for path in paths if path.endswith("/__init__.py")}
    for path in paths:
        for place in places:
            if path.startswith(place) and path.endswith(".py"):
                first, _, rest = path.removeprefix(place).partition("/")
                if not rest or (rest == "__init__.py" and path in packages):
                    yield first.removesuffix(".py"), path


def _top_level(paths: Collection[str], places: Collection[str]) -> dict[str, str]:
    return dict(_all_top_level(paths, places))


def _startup_files(base: Collection[str], head: Collection[str]) -> Iterator[Finding]:
    for path in sorted(set(head) - set(base)):
        name = path.rsplit("/", 1)[-1].lower()
        if name.removesuffix(".py") in _STARTUP and name.endswith(".py"):
            yield Finding("integrity/start-up", path, 0, "is run by every Python that finds it, before anything else")


def _stubs(base: Collection[str], head: Collection[str]) -> Iterator[Finding]:
    has_habit = any(path.endswith(".pyi") and path[:-1] in base for path in base)
    for path in sorted(set(head) - set(base)):
        if path.endswith(".pyi") and path[:-1] in head:
            message = f"hides the types of {path[:-1]} from every type checker"
            yield Finding(
                "integrity/stub", path, 0, message, "note" if has_habit and path[:-1] not in base else "review"
            )
