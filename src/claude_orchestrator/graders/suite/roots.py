"""Where tests import the code from, and what lies there."""

from __future__ import annotations

import re
import sys
from collections.abc import Collection
from typing import Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.configuration import project_name
from claude_orchestrator.graders.interpreter import Interpreter

_NOT_PACKAGES: Final = frozenset({"tests", "test", "conftest.py", "setup.py"})
_PLUGIN: Final = frozenset(
    {f"claude_orchestrator_{name}" for name in ("run_log", "canary", "harness", "equality", "reach")}
)


def source_roots(target: Interpreter, paths: Collection[str], base_paths: Collection[str]) -> list[str]:
    """The folders to import from, relative to the checkout: where an editable install points, ``src``, the root.

    A folder that the base does not have comes last: it must not stand in for the code that users import.
    """
    folders, base_folders = _folders(paths), _folders(base_paths)
    roots = [root for root in dict.fromkeys((*target.roots, "src")) if root in folders]
    old = [root for root in roots if root in base_folders]
    return [*old, ".", *(root for root in roots if root not in old)]


def _folders(paths: Collection[str]) -> set[str]:
    return {"/".join(path.split("/")[:depth]) for path in paths for depth in range(1, path.count("/") + 1)}


def own_package(base_files: dict[str, bytes], paths: Collection[str]) -> set[str]:
    """The package with the project's own name, wherever it lies: an installed copy must not be tested in its place."""
    name = project_name(base_files)
    module = re.sub(r"[-.]+", "_", name).lower()
    return {module} if module and any(f"/{path}".endswith(f"/{module}/__init__.py") for path in paths) else set()


def stand_ins(change: JudgedChange, target: Interpreter) -> tuple[Finding, ...]:
    """New top-level modules with the name of one that Python or pytest loads by itself."""
    taken = {*sys.stdlib_module_names, "_pytest", "pytest", "pluggy", "iniconfig", *target.plugins, *_PLUGIN}
    roots = source_roots(target, change.own_paths, change.base_entries)
    new = top_level_names(roots, change.own_paths) - top_level_names(roots, change.base_entries)
    message = "is new and takes the place of a module that Python or pytest loads by itself; a human decides"
    return tuple(Finding("pytest/stand-in", name, 0, f"{name} {message}", "review") for name in sorted(new & taken))


def top_level_names(roots: Collection[str], paths: Collection[str]) -> set[str]:
    """The modules and packages that lie in the source roots, tests left out."""
    names = set()
    for root in roots:
        prefix = "" if root == "." else f"{root}/"
        inside = {path.removeprefix(prefix) for path in paths if path.startswith(prefix) and path.endswith(".py")}
        for path in inside:
            first, *rest = path.split("/")
            if first not in _NOT_PACKAGES and (not rest or f"{first}/__init__.py" in inside):
                names.add(first.removesuffix(".py"))
    return names
