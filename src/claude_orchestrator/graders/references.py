"""What the base's configuration leads to: the targets of links, ruff's ``extend``, mypy's plugins.

These files set rules as the configuration itself does, under names that say nothing. So they come from the base, too.
"""

from __future__ import annotations

import posixpath
import tomllib
from collections.abc import Mapping
from pathlib import PurePosixPath

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.scope import follow


def linked(base_links: Mapping[str, str], base_paths: frozenset[str]) -> dict[str, list[str]]:
    """For each path of configuration that is a link: the links on its way and the file of the tree it ends at."""
    found = {path: follow(path, base_links) for path in base_links if rules.is_configuration(path)}
    return {path: way for path, way in found.items() if way and way[-1] in base_paths}


def named_files(base_files: Mapping[str, bytes]) -> set[str]:
    """The paths that configuration files name as their continuation; they need not exist."""
    found = {_beside(path, target) for path, content in base_files.items() for target in _extended(path, content)}
    file, settings = rules.mypy_settings(dict(base_files))
    declared = settings.get("plugins", [])
    plugins = declared.replace(",", " ").split() if isinstance(declared, str) else map(str, declared)
    found |= {_beside(file or "", name) for plugin in plugins if (name := plugin.partition(":")[0]).endswith(".py")}
    return {path for path in found if not path.startswith(("/", ".."))}


def _extended(path: str, content: bytes) -> list[str]:
    name = PurePosixPath(path).name
    try:
        if name == "pyproject.toml":
            table = rules.tool_tables(content).get("ruff")
        else:
            table = tomllib.loads(content.decode()) if path.endswith(".toml") else None
    except ValueError:
        return []
    target = table.get("extend") if isinstance(table, dict) else None
    return [target] if isinstance(target, str) else []


def _beside(path: str, target: str) -> str:
    return posixpath.normpath(posixpath.join(posixpath.dirname(path), target))
