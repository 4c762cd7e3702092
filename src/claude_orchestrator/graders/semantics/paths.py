"""Places that are spoken of and do not exist: entry points, files that code reads, links between pages."""

from __future__ import annotations

import ast
import configparser
import difflib
import posixpath
import re
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.bench import Side
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.bindings import every_node, last_name
from claude_orchestrator.graders.semantics.sides import Sides

_ENTRY: Final = re.compile(r"^([A-Za-z_][\w.]*)(?::([A-Za-z_]\w*))?(?:\s*\[.*\])?$")
_LINK: Final = re.compile(r"(?<!!)\[[^\]\n]*\]\(<?([^)\s>#]+)(?:#[^)\s]*)?>?(?:\s+\"[^\"]*\")?\)")
_FENCED: Final = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_FILE: Final = re.compile(r"^(?:\./)?(?:[\w.-]+/)+[\w-][\w.-]*\.\w{1,8}$")
_READS: Final = frozenset(
    {"open", "Path", "PurePath", "joinpath", "read_text", "read_bytes", "open_text", "open_binary", "load"}
)
_KEPT: Final = frozenset(
    {"config", "configs", "conf", "settings", "resources", "assets", "templates", "static", "schemas", "fixtures"}
)
"""Folders that a repository has, or else nobody: no run makes them."""


async def path_findings(sides: Sides) -> list[Finding]:
    """The places that only the change speaks of, and that are not there."""
    return [*await _entry_points(sides), *await _files_read(sides), *await _links(sides)]


# -- entry points -------------------------------------------------------------------------------------


async def _entry_points(sides: Sides) -> list[Finding]:
    files = ("pyproject.toml", "setup.cfg")
    if not any(path in files or path.endswith(".py") for path in sides.touched):
        return []
    said: dict[Side, dict[str, str]] = {}
    for side in ("base", "head"):
        contents = await sides.read(side, files)
        said[side] = {value: path for path, content in contents.items() for value in _entries(path, content)}
    if not said["head"]:
        return []
    await sides.prepare()

    def compute() -> list[Finding]:
        known = {value for value in said["base"] if _nowhere(sides, "base", value)}
        wrong = [(path, value) for value, path in said["head"].items() if value not in known]
        return [
            Finding("semantics/entry-point", path, 0, f"names the entry point '{value}', but {why}", text=value)
            for path, value in wrong
            if (why := _nowhere(sides, "head", value))
        ]

    return await sides.settle(compute)


def _entries(path: str, content: bytes) -> Iterator[str]:
    text = content.decode(errors="replace")
    if path == "setup.cfg":
        parser = configparser.ConfigParser(interpolation=None, strict=False)
        try:
            parser.read_string(text)
        except configparser.Error:
            return
        groups = dict(parser["options.entry_points"]) if parser.has_section("options.entry_points") else {}
        yield from (
            line.partition("=")[2].strip() for group in groups.values() for line in group.splitlines() if "=" in line
        )
        return
    try:
        document = tomllib.loads(text)
    except ValueError:
        return
    project = _table(document, "project")
    tables = [
        _table(project, "scripts"), _table(project, "gui-scripts"),
        _table(document, "tool", "poetry", "scripts"),
        *(group for group in _table(project, "entry-points").values() if isinstance(group, dict)),
    ]  # fmt: skip
    yield from (value for table in tables for value in table.values() if isinstance(value, str))


def _table(table: Mapping[str, Any], *names: str) -> Mapping[str, Any]:
    for name in names:
        found = table.get(name)
        table = found if isinstance(found, dict) else {}
    return table


def _nowhere(sides: Sides, side: Side, value: str) -> str:
    """Why an entry point leads nowhere, or nothing where it may lead somewhere."""
    match = _ENTRY.match(value.strip())
    modules = sides.modules(side)
    if match is None or not modules.tree.roots(match[1].partition(".")[0]):
        return ""
    located = modules.locate(match[1])
    if located.missing:
        return f"there is no module '{located.missing}'" if located.modules else ""
    if match[2] and modules.has(located.modules, match[2]) == "no":
        return f"'{match[1]}' has no '{match[2]}'"
    return ""


# -- files that code reads ----------------------------------------------------------------------------


async def _files_read(sides: Sides) -> list[Finding]:
    await sides.load_changed()
    return [finding for path in sides.changed_python() for finding in _misspelled(sides, path)]


def _misspelled(sides: Sides, path: str) -> Iterator[Finding]:
    before = _literals(sides.trees["base"].contents.get(sides.before(path), b""))
    for text, line in _literals(sides.trees["head"].contents.get(path, b"")).items():
        if text not in before and (near := _near(sides, path, text)):
            message = f"reads '{text}', which is not in the repository (did you mean '{near}'?)"
            yield Finding("semantics/path", path, line, message, "review", text=text)
        elif text not in before and _is_nowhere(sides, path, text):
            message = f"reads '{text}', but the repository has no such folder, and nothing in it speaks of that file"
            yield Finding("semantics/path", path, line, message, "review", text=text)


def _literals(content: bytes) -> dict[str, int]:
    """Paths that are given to something that reads files → line."""
    tree = parsed(content)
    found: dict[str, int] = {}
    for node in every_node(tree) if tree else ():
        if not isinstance(node, ast.Call) or last_name(node.func) not in _READS:
            continue
        mode = next(
            (
                one.value
                for one in [*node.args[1:2], *(k.value for k in node.keywords if k.arg == "mode")]
                if isinstance(one, ast.Constant)
            ),
            "r",
        )
        for one in node.args[:1]:
            if (
                isinstance(one, ast.Constant)
                and isinstance(one.value, str)
                and _FILE.match(one.value)
                and "r" in str(mode)
            ):
                found.setdefault(one.value, node.lineno)
    return found


def _is_nowhere(sides: Sides, importer: str, text: str) -> bool:
    """Whether a file that the code opens is below a folder that does not exist, and nobody else speaks of it."""
    tree = sides.trees["head"]
    content = tree.contents.get(importer, b"")
    opened = any(
        isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "open"
        and node.args and isinstance(node.args[0], ast.Constant) and node.args[0].value == text
        for node in every_node(parsed(content) or ast.Module([], []))
    )  # fmt: skip
    folder = posixpath.normpath(text).partition("/")[0]
    if not opened or folder not in _KEPT or any(folder in path.split("/") for path in tree.paths):
        return False
    return sum(one.count(text.encode()) for one in tree.contents.values()) == 1 and b"OSError" not in content


def _near(sides: Sides, importer: str, text: str) -> str:
    """The file that was probably meant: its folder is in the tree, it is not, and one of nearly its name is."""
    paths, folders = sides.trees["head"].paths, sides.trees["head"].folders
    for start in ("", posixpath.dirname(importer)):
        place = posixpath.normpath(posixpath.join(start, text))
        if place in paths:
            return ""
        folder, _, name = place.rpartition("/")
        if folder in folders:
            beside = sorted(path.rpartition("/")[2] for path in paths if path.rpartition("/")[0] == folder)
            if near := difflib.get_close_matches(name, beside, 1, 0.85):
                return f"{folder}/{near[0]}"
    return ""


# -- links --------------------------------------------------------------------------------------------


async def _links(sides: Sides) -> list[Finding]:
    pages = sorted(
        path for path in sides.touched if path.endswith((".md", ".markdown")) and path in sides.trees["head"].paths
    )
    after = await sides.read("head", pages)
    before = await sides.read("base", [sides.before(page) for page in pages])
    return [
        Finding("semantics/link", page, 0, f"links to '{target}', which is not there", "note")
        for page, content in after.items()
        for target in sorted(_targets(content) - _targets(before.get(sides.before(page), b"")))
        if not _leads_somewhere(sides, page, target)
    ]


def _targets(content: bytes) -> frozenset[str]:
    text = _FENCED.sub("", content.decode(errors="replace"))
    return frozenset(target for target in _LINK.findall(text) if not re.match(r"[a-z][\w+.-]*:|//|\{|<|\$|/", target))


def _leads_somewhere(sides: Sides, page: str, target: str) -> bool:
    tree = sides.trees["head"]
    place = posixpath.normpath(posixpath.join(posixpath.dirname(page), target.partition("?")[0]))
    return place.startswith("..") or any(
        one in tree.paths or one in tree.folders
        for one in (place, f"{place}.md", place.removesuffix(".html") + ".md", place if place != "." else "")
    )
