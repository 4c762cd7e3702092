"""One task in the making, and how its prompt is put together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.matching import stems_of
from claude_orchestrator.orchestrator.planning.models import Module

FILL_IN: Final = "TO FILL IN"
"""How a prompt begins what a person has to add to it."""

_HABITS: Final = ("python", "formatter", "linter", "typing", "docstrings", "tests")
_SYMBOLS: Final = 8
_LARGE: Final = 800
"""Lines beyond which a change is called hard."""


@dataclass
class Piece:
    """A task, before it has its place in the plan."""

    id: str
    title: str
    todo: str
    """What is to be done, first in the prompt."""
    kind: str | None = None
    modules: Sequence[Module] = ()
    tests: Sequence[str] = ()
    others: Sequence[str] = ()
    """Further files and folders of its scope."""
    creates: Sequence[str] = ()
    criteria: Sequence[str] = ()
    checks: Sequence[Any] = ()
    after: Sequence[str] = ()
    """Ids of pieces of the same phase that come first."""
    rules: Sequence[str] = ()
    """What it has to keep to."""
    fill: Sequence[str] = ()
    """What a person has to fill in before the plan can be approved."""
    unknown: Sequence[str] = ()
    """What the map does not tell, and the agent has to find out or decide."""
    easy: bool = False
    rated: str = ""
    """How hard it was said to be."""
    code: bool = True
    """Whether it writes code, for which the repository has its ways."""
    only_looks: bool = False
    """Whether it changes nothing."""
    with_context: bool = False
    with_tests: bool = True
    """Whether it changes tests, too; else it is only told of them."""

    @property
    def files(self) -> list[str]:
        """Its scope; empty: the whole repository."""
        tests = self.tests if self.with_tests else ()
        return list(dict.fromkeys([*(one.path for one in self.modules), *tests, *self.others, *self.creates]))

    @property
    def difficulty(self) -> str:
        """By the lines that it is about."""
        lines = sum(module.lines for module in self.modules)
        if self.easy:
            return "easy"
        if self.rated:
            return self.rated
        return "hard" if lines > _LARGE or len(self.modules) > 3 or not self.files else "medium"


@dataclass
class Part:
    """A phase in the making."""

    id: str
    title: str
    pieces: list[Piece] = field(default_factory=list)


def prompt_of(piece: Piece, ground: Ground) -> str:
    """What the agent of a task is told."""
    paragraphs = [
        f"The goal of the plan: {ground.goal}.",
        f"This task: {piece.todo}",
        _context(ground) if piece.with_context else "",
        _files(piece, ground),
        _tests(piece, ground),
        _list("Keep to:", [*piece.rules, *(_habits(ground) if piece.code else ())]),
        _list("Not known when this was planned; find it out or decide, and say so in the report:", piece.unknown),
        "\n".join(f"{FILL_IN}: {text}" for text in piece.fill),
    ]
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _context(ground: Ground) -> str:
    context = ground.situation.context.strip()
    return f"What the person who asked says of it:\n{context[:3000]}" if context else ""


def _list(title: str, lines: Iterable[str]) -> str:
    found = list(lines)
    return "\n".join([title, *(f"- {line}" for line in found)]) if found else ""


def _files(piece: Piece, ground: Ground) -> str:
    lines = [_described(module, ground) for module in piece.modules[:12]]
    lines += [path for path in piece.others if path not in piece.creates]
    lines += [f"{path} (new)" for path in piece.creates]
    return _list("Where to look:" if piece.only_looks else "Files that it may change:", dict.fromkeys(lines))


def _described(module: Module, ground: Ground) -> str:
    shown = closest(module, ground)
    names = ", ".join(f"`{name}`" for name in shown)
    more = f" and {len(module.symbols) - len(shown)} more" if len(module.symbols) > len(shown) else ""
    importers = ground.importers(module)
    used = f"; imported by {', '.join(importers[:3])}" if importers else ""
    used += f" and {len(importers) - 3} more" if len(importers) > 3 else ""
    return f"{module.path}, {module.lines} lines{': ' if names else ''}{names}{more}{used}"


def closest(module: Module, ground: Ground, most: int = _SYMBOLS) -> list[str]:
    """The public names of a module, those that the goal's words fit first."""
    wanted = stems_of(ground.situation.goal)
    return sorted(module.symbols, key=lambda name: -len(stems_of(name) & wanted))[:most]


def _tests(piece: Piece, ground: Ground) -> str:
    suite = ground.survey.tests
    if not suite.command or not (piece.code or piece.tests):
        return ""
    run = f"The tests run with `{suite.command}` ({suite.because})."
    there = [path for path in piece.tests if path not in piece.creates]
    if not there:
        return run
    return f"{'Tests of this' if piece.with_tests else 'Tests that must stay green'}: {', '.join(there)}. {run}"


def _habits(ground: Ground) -> list[str]:
    found = {convention.name: convention for convention in ground.survey.conventions}
    return [f"{name}: {found[name].value} ({found[name].because})" for name in _HABITS if name in found]


def named(prefix: str, path: str) -> str:
    """An id for a task about a file: ``change-cart``."""
    place = PurePosixPath(path)
    stem = place.parent.name if place.stem in ("__init__", "index", "mod") and place.parent.name else place.stem
    slug = re.sub(r"[^A-Za-z0-9]+", "-", stem).strip("-").lower()
    return f"{prefix}-{slug}"[:50].rstrip("-") if slug else prefix


def short(paths: Sequence[str], most: int = 3) -> str:
    """Some paths in a title."""
    more = f" and {len(paths) - most} more" if len(paths) > most else ""
    return ", ".join(paths[:most]) + more


def group_name(prefix: str, group: Sequence[Module]) -> str:
    """An id for a task about several modules: their folder's."""
    if len(group) == 1:
        return named(prefix, group[0].path)
    folder = PurePosixPath(group[0].path).parent
    return named(prefix, str(folder)) if str(folder) != "." else prefix
