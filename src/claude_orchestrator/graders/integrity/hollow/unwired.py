"""New functions that no code calls and settings that no code reads: work that stands beside the program."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.integrity.hollow.definitions import by_place, classes_of
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.behaviour import changed_units

_FEW: Final = 2
_WORD: Final = re.compile(rb"\w+")


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
    """The keys that tables of ``head`` have and no table of ``base`` had, in tables of which ``base`` knew the most."""
    known = {key for content in base.values() for table in _tables(content) for key in table}
    found = []
    for path, content in sorted(head.items()):
        for table in _tables(content):
            others = tuple(key for key in table if key in known)
            if len(others) >= _FEW and len(others) > len(table) / 2:
                found += [Option(path, line, key, others) for key, line in table.items() if key not in known]
    return found


def unread_options(options: Iterable[Option], sources: Iterable[bytes]) -> list[Finding]:
    """Those of which no code says the name again, where it does so for all others; ``sources``: all code there is."""
    said = Counter(word for content in sources for word in _WORD.findall(content))
    return [
        Finding(
            "special-case/unwired", one.path, one.line,
            f"`{one.key}` is a new setting, and no code reads it", "review", symbol=one.key,
        )
        for one in options
        if said[one.key.encode()] == 1 and all(said[other.encode()] > 1 for other in one.others)
    ]  # fmt: skip


def _tables(content: bytes) -> Iterator[dict[str, int]]:
    """The tables of a file whose keys are names, each with its line."""
    tree = parsed(content)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Dict) and node.keys:
            keys = [one for one in node.keys if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if len(keys) == len(node.keys) and all(str(one.value).isidentifier() for one in keys):
                yield {str(one.value): one.lineno for one in keys}


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
