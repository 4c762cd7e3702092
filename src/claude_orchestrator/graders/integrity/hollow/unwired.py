"""New functions that no code calls and settings that no code reads: work that stands beside the program."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.integrity.hollow.definitions import by_place, classes_of
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.behaviour import changed_units

_FEW: Final = 2


def unwired_findings(
    base: Mapping[str, bytes], head: Mapping[str, bytes], old_names: Mapping[str, str], kind: str | None
) -> list[Finding]:
    """One for each new function of a fix or a feature that only its tests can call.

    A private function is there for other code; what repairs something has to be called by what was broken. Only touched
    files are read: no other code can know a name that is new. Methods of classes that inherit, and decorated
    functions, may be called by others.
    """
    units = changed_units(base, head, old_names) or []
    new = [unit for unit in units if unit.is_function and unit.is_new]
    if not new:
        return []
    called = _mentioned(head)
    idle = [
        unit
        for unit in new
        if not called[unit.name.rpartition(".")[2]] and _could_be_called(head[unit.path], unit.name)
    ]
    is_all = len(idle) == len(units)
    found = []
    for unit in idle:
        is_private = unit.name.rpartition(".")[2].startswith("_")
        if is_private or (kind == "fix" and is_all and "." not in unit.name):
            severity: Severity = "problem" if kind == "fix" and is_all and is_private else "review"
            message = f"`{unit.name}` is new, and no code calls it"
            message += ", so nothing that was there does anything else" if is_all else ""
            found.append(Finding("special-case/unwired", unit.path, unit.line, message, severity, symbol=unit.name))
    return found


@dataclass(frozen=True)
class Option:
    """A new entry of a table of settings that was there: its key, and where it stands."""

    path: str
    line: int
    key: str
    others: tuple[str, ...]


def new_options(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> list[Option]:
    """The keys of settings in ``head`` that none had in ``base``, where most others of their table were there."""
    known = {key for content in base.values() for table in _settings(content) for key in table}
    found = []
    for path, content in sorted(head.items()):
        for table in _settings(content):
            others = tuple(key for key in table if key in known)
            if len(others) >= _FEW and len(others) > len(table) / 2:
                found += [Option(path, line, key, others) for key, line in table.items() if key not in known]
    return found


def unread_options(options: Iterable[Option], sources: Iterable[bytes]) -> list[Finding]:
    """Those that no code reads by their names, where it does so with all others; ``sources``: all code there is."""
    read: set[str] = set()
    for content in sources:
        read |= _read_by_name(content)
    return [
        Finding(
            "special-case/unwired", one.path, one.line,
            f"`{one.key}` is a new setting, and no code reads it", "review", symbol=one.key,
        )
        for one in options
        if one.key not in read and read.issuperset(one.others)
    ]  # fmt: skip


def _settings(content: bytes) -> Iterator[dict[str, int]]:
    """The tables that a file keeps for all its code, at its top, in a class or an object: their keys, with lines."""
    tree = parsed(content)
    kept = [
        *(node for owner in [tree, *classes_of(content)] if owner for node in owner.body),
        *(node for _, function in by_place(content) for node in ast.walk(function) if _is_on_an_object(node)),
    ]
    for node in kept:
        table = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        if isinstance(table, ast.Dict) and table.keys:
            keys = [one for one in table.keys if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if len(keys) == len(table.keys) and all(str(one.value).isidentifier() for one in keys):
                yield {str(one.value): one.lineno for one in keys}


def _is_on_an_object(node: ast.AST) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
    return any(isinstance(one, ast.Attribute) for one in targets)


def _read_by_name(content: bytes) -> set[str]:
    """What is looked up or asked for by a literal name, or is an attribute."""
    tree = parsed(content)
    found: set[str] = set()
    for node in ast.walk(tree) if tree else ():
        parts: list[ast.expr] = []
        if isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.Call):
            parts = node.args
        elif isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Attribute):
            found.add(node.attr)
        found |= {one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)}
    return found


def _could_be_called(content: bytes, name: str) -> bool:
    """Whether a function is one that somebody has to call by its name."""
    owner, _, short = name.rpartition(".")
    if short.startswith("__") and short.endswith("__"):
        return False
    inherits = any(one.name == owner and (one.bases or one.keywords) for one in classes_of(content))
    node = next((node for place, node in by_place(content) if place == name), None)
    return node is not None and not node.decorator_list and not inherits


def _mentioned(head: Mapping[str, bytes]) -> Counter[str]:
    """How often each name is used or said by a string; a function that calls itself counts as well."""
    found: Counter[str] = Counter()
    for content in head.values():
        tree = parsed(content)
        for node in ast.walk(tree) if tree else ():
            match node:
                case ast.Name():
                    found[node.id] += 1
                case ast.Attribute():
                    found[node.attr] += 1
                case ast.alias():
                    found[node.name] += 1
                case ast.Constant(value=str() as text) if text.isidentifier():
                    found[text] += 1
    return found
