"""Files beside the code that act by themselves: on who opens the folder or commits, on git, on some runs of pytest."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Mapping
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.command_line import changed_arguments
from claude_orchestrator.graders.configuration import pytest_settings

_BY_THEMSELVES: Final = re.compile(
    r"\.husky/(?!_/)[^/.]+|\.githooks/.+|\.envrc|\.devcontainer(?:\.json|/.*devcontainer\.json)|\.mcp\.json"
    r"|\.claude/(?:settings(?:\.local)?\.json|hooks/.+)|\.cursor/(?:mcp|hooks)\.json|\.gemini/settings\.json"
    r"|\.codex/config\.toml|lefthook\.ya?ml"
)
"""What editors, agents, shells and git run or load without being asked again."""
_ON_OPENING: Final = re.compile(rb"runOn[\"']?\s*:\s*[\"']folderOpen")
_HIDING: Final = re.compile(r"(?:^|\s)(?:-diff|binary|-merge|merge=\S+|filter=\S+|linguist-generated(?:=true)?)")
_MACRO: Final = re.compile(r"\[attr\](\S+)\s+(.*)")
_RULE: Final = re.compile(r"(\"[^\"]*\"|\S+)\s+(.*)")
_OF_CODE: Final = re.compile(r"\*\*?|(?:.*/)?[^/]*\.py|/?(?:tests?|src)(?:/.*)?/(?:\*\*?)?")
"""Patterns that hold for Python files, and not only for data in a folder of tests."""
_PYTEST_FILES: Final = frozenset({"pytest.ini", ".pytest.ini", "pytest.toml", ".pytest.toml", "tox.ini", "setup.cfg"})


def beside_findings(
    before: Mapping[str, bytes], after: Mapping[str, bytes], paths: Collection[str], is_test: Callable[[str], bool]
) -> list[Finding]:
    """What the touched files do to others. ``paths`` are all files of the change's tree."""
    found = []
    for path, content in sorted(after.items()):
        old = before.get(path, b"")
        name = PurePosixPath(path).name
        if _BY_THEMSELVES.fullmatch(path) or (path == ".vscode/tasks.json" and _ON_OPENING.search(content)):
            message = "is run or loaded by itself on the machine of whoever opens the folder, or commits"
            found.append(Finding("scope/runs-by-itself", path, 0, message, "review"))
        elif name == ".gitattributes" and (hidden := _hidden(path, old, content, paths)):
            message = f"keeps changes of code or tests from being shown or merged as they are: `{hidden}`"
            found.append(Finding("scope/attributes", path, 0, message, "review"))
        elif "/" in path and name in _PYTEST_FILES and (said := _leaves_out(path, old, content, paths, is_test)):
            message = f"is what pytest obeys when it is started for that folder, and {said}"
            found.append(Finding("scope/nested-rules", path, 0, message))
    return found


def _hidden(path: str, before: bytes, after: bytes, paths: Collection[str]) -> str:
    """The first new line that hides Python files, or files of tests, by itself or by a macro."""
    old = set(before.decode(errors="replace").splitlines())
    lines = [line.strip() for line in after.decode(errors="replace").splitlines() if line not in old]
    macros = {found[1] for line in lines if (found := _MACRO.match(line)) and _HIDING.search(f" {found[2]}")}
    code = [one for one in paths if one.endswith(".py")]
    for line in lines:
        rule = None if line.startswith(("#", "[attr]")) else _RULE.match(line)
        if rule and (_HIDING.search(f" {rule[2]}") or not macros.isdisjoint(rule[2].split())):
            pattern = rule[1].strip('"')
            if _OF_CODE.fullmatch(pattern) or _matches_any(pattern, path.rpartition("/")[0], code):
                return line
    return ""


def _matches_any(pattern: str, folder: str, paths: Collection[str]) -> bool:
    """Whether a pattern in a folder's file of attributes holds for one of some paths."""
    if "/" not in pattern:
        return any(fnmatchcase(PurePosixPath(one).name, pattern) for one in paths)
    whole = f"{folder}/{pattern.removeprefix('/')}".removeprefix("/")
    return any(fnmatchcase(one, whole) for one in paths)


def _leaves_out(path: str, before: bytes, after: bytes, paths: Collection[str], is_test: Callable[[str], bool]) -> str:
    """What a file of settings in a folder of tests keeps from being run; empty when nothing."""
    folder, name = path.rsplit("/", 1)
    if not any(one.rpartition("/")[0] == folder and is_test(one) and one.endswith(".py") for one in paths):
        return ""
    try:
        old, new = (pytest_settings({name: content})[1].get("addopts") for content in (before, after))
    except ValueError:
        return "cannot be read"
    severity, said = changed_arguments(old, new)
    return said if severity == "problem" else ""
