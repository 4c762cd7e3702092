"""Which changed lines the tests reached."""

from __future__ import annotations

import ast
import asyncio
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.integrity.hollow.definitions import by_place
from claude_orchestrator.graders.integrity.tampering.canonical import without_docstring
from claude_orchestrator.graders.suite.behaviour import Changed, changed_units

Lines = Mapping[str, Sequence[int]]

_BESIDE: Final = frozenset(
    {
        "docs", "doc", "examples", "example", "benchmarks", "bench", "benchmark", "benchmark.py", "scripts", "script",
        "tools", "bin", "misc", "contrib", "ci", "setup.py", "noxfile.py", "tasks.py", "fabfile.py",
    }
)  # fmt: skip
"""Folders and files at the top that are not what a project's tests are about."""
_FOR_PEOPLE: Final = frozenset({"__repr__", "__str__", "__dir__", "__del__", "__rich_repr__", "_repr_html_", "main"})


_VENDORED: Final = frozenset(
    {"vendor", "_vendor", "vendored", "_vendored", "third_party", "extern", "_extern", "migrations"}
)


async def lines_to_reach(bench: Bench) -> Lines:
    """The executable lines of *own* whose behaviour the change changed, by path; empty: nothing to trace."""
    wanted: dict[str, list[int]] = {}
    for unit in await changed_here(bench):
        lines = wanted.setdefault(unit.path, [])
        lines.extend(line for first, last in unit.statements for line in range(first, last + 1))
    return {path: sorted(set(lines)) for path, lines in wanted.items()}


async def reach_findings(bench: Bench, wanted: Lines, seen: Mapping[str, Any]) -> list[Finding]:
    """What no test reached. ``seen`` is what the tracer recorded (see ``plugin/claude_orchestrator_reach.py``)."""
    if not wanted or "hit" not in seen:
        return []
    hit = {path: frozenset(lines) for path, lines in seen["hit"].items()}
    has_tests = any(rules.is_test_name(path, bench.change.test_names) for path in bench.change.own_paths)
    doubt = "" if has_tests else "there are no tests"
    if not seen.get("complete"):
        doubt = str(seen.get("why") or "not everything could be watched")
    units = await changed_here(bench)
    reached = {
        unit.name.rpartition(".")[2]
        for unit in units
        if len(_missed(unit, hit.get(unit.path, frozenset()))) < len(unit.statements)
    }
    contents = await bench.files("head", {unit.path for unit in units})
    found = []
    for unit in units:
        hands_on = _handed_on_to(contents[unit.path], unit) in reached - {""}
        found.append(_judged(unit, hit.get(unit.path, frozenset()), doubt, hands_on=hands_on))
    return [finding for finding in found if finding is not None]


async def changed_here(bench: Bench) -> list[Changed]:
    """The units of the sources that the change makes behave in another way; none where a file does not parse."""
    change = bench.change
    paths = {
        path
        for path in change.touched
        if path.endswith(".py") and not change.is_test(path) and not rules.is_configuration(path)
        and path not in change.overrides and PurePosixPath(path).parts[0] not in _BESIDE
    }  # fmt: skip
    base, head = await asyncio.gather(bench.files("base", paths), bench.files("head", paths))
    return changed_units(base, head, change.old_names) or []


def _missed(unit: Changed, hit: frozenset[int]) -> list[tuple[int, int]]:
    """The new statements of a unit that no test ran."""
    return [lines for lines in unit.statements if not hit.intersection(range(lines[0], lines[1] + 1))]


def _handed_on_to(content: bytes, unit: Changed) -> str:
    """What a function asks by name, where that is all it does, with nothing but what it is given; or nothing."""
    node = next((one for name, one in by_place(content) if (name, one.lineno) == (unit.name, unit.line)), None)
    match without_docstring(node.body) if node else []:
        case [ast.Return(value=ast.Call(func=asked, args=given, keywords=named))]:
            owned = isinstance(asked, ast.Attribute) and getattr(asked.value, "id", "") == "self"
            plain = all(isinstance(one, ast.Name | ast.Starred) for one in (*given, *(one.value for one in named)))
            return called(ast.Call(asked, [], [])) if plain and (owned or isinstance(asked, ast.Name)) else ""
    return ""


def _judged(unit: Changed, hit: frozenset[int], doubt: str, *, hands_on: bool) -> Finding | None:
    missed = _missed(unit, hit)
    if not missed:
        return None
    name = f"`{unit.name}`" if unit.name else "code of the module"
    places = ", ".join(str(first) for first, _ in missed[:8]) + (", …" if len(missed) > 8 else "")
    is_untested = len(missed) == len(unit.statements)
    has_end = unit.end not in missed
    if is_untested:
        state = "new" if unit.is_new else "changed"
        message = f"{name} is {state}, and no test runs any line of it that is new (line {places})"
    elif not has_end:
        message = f"{name} is new, and no test comes to its end (line {places})"
    else:
        message = f"{name}: no test runs line {places}, {'one' if len(missed) == 1 else 'some'} of its new lines"
    is_minor = hands_on or _is_minor(unit)
    severity: Severity = "review" if (is_untested or not has_end) and not doubt and not is_minor else "note"
    if doubt:
        message += f" in the test process itself ({doubt})"
    return Finding("reach/untested", unit.path, missed[0][0], message, severity, symbol=unit.name)


def _is_minor(unit: Changed) -> bool:
    """Whether honest changes often leave it without a test: what is for people, what is for the worst case."""
    is_for_people = unit.name.rpartition(".")[2] in _FOR_PEOPLE or unit.name == "__getattr__"
    folders = PurePosixPath(unit.path).parts[:-1]
    return unit.is_aside or is_for_people or unit.path.endswith("__main__.py") or not _VENDORED.isdisjoint(folders)
