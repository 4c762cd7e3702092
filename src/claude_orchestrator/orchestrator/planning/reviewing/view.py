"""A plan as the rules of the review look at it: its tasks in a row, who can run beside whom, what the map knows."""

from __future__ import annotations

import graphlib
import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.planning.models import Finding, Survey
from claude_orchestrator.plans.models import DEFAULT_AGENT, Phase, Plan, Task
from claude_orchestrator.plans.patterns import ANY_DEPTH, WILDCARD, matches, overlap, tidy_path

PROMPTED: Final = frozenset({"claude", "acp", "model"})
"""Agents that work from a prompt."""

MOST_PAIRS: Final = 100_000
"""Pairs of tasks that are compared with each other; the rest of a very large plan is not."""

TEST_PLACES: Final = (
    "**/test_*", "**/*_test.*", "**/*.test.*", "**/*.spec.*", "**/*_spec.*",
    "tests/**", "test/**", "spec/**", "**/tests/**", "**/__tests__/**",
)  # fmt: skip
_TEST_FOLDERS: Final = frozenset({"tests", "__tests__", "spec", "testing"})
_TEST_NAME: Final = re.compile(
    r"test_.*|.*_test\.\w+|.*\.(?:test|spec)\.\w+|.*_spec\.\w+|conftest\.py|.*Tests?\.(?:java|kt|cs)"
)


@dataclass(frozen=True)
class Item:
    """One task of the plan, where it stands, and who does it."""

    task: Task
    phase: Phase
    position: int
    agent: str
    before: int
    """The tasks that are finished before it can begin, as bits by position."""

    @property
    def id(self) -> str:
        """The task's id."""
        return self.task.id

    @property
    def prompted(self) -> bool:
        """Whether a model does it."""
        return self.agent in PROMPTED

    @cached_property
    def scope(self) -> tuple[str, ...]:
        """What it may change; empty: everything."""
        wide = any(pattern.strip("./") in ("", ANY_DEPTH) for pattern in self.task.files)
        return () if wide else tuple(self.task.files)

    @cached_property
    def makes(self) -> frozenset[str]:
        """The files that it says it makes: in ``creates``, and by its operations."""
        lists = [self.task.operations or [], *(self.task.attempts or {}).values()]
        written = {operation.write for operations in lists for operation in operations if operation.write}
        return frozenset({*self.task.creates, *written})

    @cached_property
    def changes(self) -> frozenset[str]:
        """The files that its operations change or delete, and that have to be there."""
        lists = [self.task.operations or [], *(self.task.attempts or {}).values()]
        return frozenset(
            path for operations in lists for one in operations for path in (one.replace, one.delete) if path
        )

    def may_change(self, path: str) -> bool:
        """Whether ``path`` lies in its scope."""
        return not self.scope or any(matches(pattern, path) for pattern in self.scope)

    def finding(self, rule: str, severity: str, message: str, suggestion: str) -> Finding:
        """A finding about this task."""
        return Finding(rule, severity, self.id, message, suggestion)  # type: ignore[arg-type]


@dataclass(frozen=True)
class View:
    """The plan, and what is known of the repository that it is for."""

    plan: Plan
    survey: Survey | None
    settings: Settings
    sizes: Mapping[str, int] = field(default_factory=dict)
    """Path → bytes, where they are known."""

    @cached_property
    def items(self) -> tuple[Item, ...]:
        """All tasks, in the plan's order."""
        return tuple(_items(self.plan, self.settings))

    @cached_property
    def paths(self) -> frozenset[str]:
        """Every file of the repository; empty where it is not known."""
        return frozenset(self.survey.paths) if self.survey else frozenset()

    @property
    def knows_files(self) -> bool:
        """Whether the map has every file."""
        return self.survey is not None and len(self.paths) >= self.survey.files > 0

    @cached_property
    def folders(self) -> frozenset[str]:
        """Every folder of the repository that has a file somewhere below."""
        return frozenset(str(parent) for path in self.paths for parent in PurePosixPath(path).parents)

    @cached_property
    def tests(self) -> frozenset[str]:
        """The test files that the map knows."""
        modules = self.survey.modules if self.survey else ()
        return frozenset({test for module in modules for test in module.tests} | {p for p in self.paths if is_test(p)})

    def runs_beside(self, one: Item, other: Item) -> bool:
        """Whether two tasks may be at work at once, as far as what they wait for says."""
        return not (one.before >> other.position & 1 or other.before >> one.position & 1)

    def pairs(self) -> Iterator[tuple[Item, Item]]:
        """Pairs of tasks, the earlier first; at most :data:`MOST_PAIRS`."""
        left = MOST_PAIRS
        for second in self.items:
            for first in self.items[: second.position]:
                if not left:
                    return
                left -= 1
                yield first, second

    def in_scope(self, item: Item) -> list[str]:
        """The files of the repository that a task may change."""
        if not item.scope:
            return list(self._sorted)
        return sorted({path for pattern in item.scope for path in self.files_of(pattern)})

    def files_of(self, pattern: str) -> tuple[str, ...]:
        """The files of the repository that a pattern stands for."""
        if pattern not in self._found:
            found = WILDCARD.search(pattern)
            start = tidy_path(pattern[: found.start()].rpartition("/")[0] if found else pattern)
            begin = bisect_left(self._sorted, start)
            end = bisect_left(self._sorted, f"{start}0") if start else len(self._sorted)  # "0" comes after "/"
            self._found[pattern] = tuple(path for path in self._sorted[begin:end] if matches(pattern, path))
        return self._found[pattern]

    @cached_property
    def _sorted(self) -> list[str]:
        return sorted(self.paths)

    @cached_property
    def _found(self) -> dict[str, tuple[str, ...]]:
        return {}


def share(one: Item, other: Item) -> str:
    """A pattern of ``one`` that stands for a file of the other's scope, too; empty: none."""
    theirs = other.scope or (ANY_DEPTH,)
    return next((a for a in one.scope or (ANY_DEPTH,) if any(overlap(a, b) for b in theirs)), "")


def is_test(path: str) -> bool:
    """Whether a path, or a pattern, is about tests."""
    parts = [part for part in path.split("/") if part]
    if not parts:
        return False
    literal = next((index for index, part in enumerate(parts) if WILDCARD.search(part)), len(parts))
    if _TEST_FOLDERS & set(parts[: max(literal, len(parts) - 1)]) or parts[0] == "test" or parts[-1] in _TEST_FOLDERS:
        return True
    return _TEST_NAME.fullmatch(parts[-1].replace("**", "x").replace("*", "x")) is not None


def _items(plan: Plan, settings: Settings) -> Iterator[Item]:
    before = _before(plan)
    position = 0
    for phase in plan.phases:
        for task in phase.tasks:
            agent = task.agent or phase.agent or plan.agent or settings.agent or DEFAULT_AGENT
            yield Item(task, phase, position, agent, before[task.id])
            position += 1


def _before(plan: Plan) -> dict[str, int]:
    """What each task waits for in the end, as bits by position; a phase as a whole stands between tasks."""
    tasks = [task for phase in plan.phases for task in phase.tasks]
    bit = {task.id: 1 << index for index, task in enumerate(tasks)}
    waits: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for index, phase in enumerate(plan.phases):
        previous = [plan.phases[index - 1].id] if index else []
        needs = [("phase", need) for need in (previous if phase.depends_on is None else phase.depends_on)]
        waits["phase", phase.id] = [("task", task.id) for task in phase.tasks]
        waits |= {("task", task.id): [*needs, *(("task", need) for need in task.depends_on)] for task in phase.tasks}
    found: dict[tuple[str, str], int] = {}
    for node in graphlib.TopologicalSorter(waits).static_order():
        found[node] = 0
        for need in waits[node]:
            found[node] |= found[need] | (bit[need[1]] if need[0] == "task" else 0)
    return {task.id: found["task", task.id] for task in tasks}
