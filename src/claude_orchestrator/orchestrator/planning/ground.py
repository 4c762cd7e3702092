"""What an approved plan rests on: the files of its tasks' scopes, and their tests, as they were when it was approved.

A task is stamped with them in the transaction of the approval; ``orchestrator/drifting.py`` looks, before the task is
begun, whether they are still so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from claude_orchestrator.plans.patterns import ANY_DEPTH, WILDCARD, matches
from claude_orchestrator.state import grounds
from claude_orchestrator.state.database import Transaction
from claude_orchestrator.workspace import locks

if TYPE_CHECKING:
    from claude_orchestrator.orchestrator.planning.models import Survey
    from claude_orchestrator.plans.models import Plan, Task
    from claude_orchestrator.workspace.git import Entry, Repository

MOST: Final = 1_000
"""Files that one task is stamped with; one with a larger scope rests on no file in particular, and is not stamped."""


@dataclass(frozen=True)
class Ground:
    """What each task rests on: path → blob at ``commit``, empty for a file that was not there."""

    commit: str
    tasks: Mapping[str, Mapping[str, str]]

    @property
    def files(self) -> int:
        """How many different files that are."""
        return len({path for files in self.tasks.values() for path in files})


async def ground_of(repository: Repository, commit: str, plan: Plan, survey: Survey | None = None) -> Ground:
    """Find the ground of every task of ``plan`` at ``commit``.

    That is: the files that its scope names or matches, those that it creates (as not there), and, where a survey knows
    them, the tests of its modules. A task whose scope is the whole repository, or matches more than :data:`MOST` files,
    has none. Raises PlanError for a scope that leaves the repository, RepositoryError for an unknown commit.
    """
    entries = await repository.entries(commit)
    tests = {module.path: module.tests for module in survey.modules} if survey else {}
    found = {
        task.id: _files(_resolved(repository, task), task, entries, tests)
        for phase in plan.phases
        for task in phase.tasks
    }
    return Ground(commit, {task_id: files for task_id, files in found.items() if files})


def _resolved(repository: Repository, task: Task) -> list[str]:
    """The scope as git names its files: with links followed, as a run does it."""
    return [locks.canonical(pattern, repository.root, True) for pattern in task.files]


def _files(
    scope: Sequence[str], task: Task, entries: Mapping[str, Entry], tests: Mapping[str, Sequence[str]]
) -> dict[str, str]:
    if not scope or ANY_DEPTH in scope:
        return {}
    named = {pattern for pattern in scope if not WILDCARD.search(pattern) and not _is_folder(pattern, entries)}
    matched = {path for path in entries if any(matches(pattern, path) for pattern in scope)}
    paths = named | matched | set(task.creates)
    if len(paths) > MOST:
        return {}
    paths |= {test for path in matched for test in tests.get(path, ())}
    named_as_text = [path for path in sorted(paths) if _is_text(path)]
    return {path: entries[path].blob if path in entries else "" for path in named_as_text[:MOST]}


def _is_text(path: str) -> bool:
    """Whether a path can be stored as it is: a name that is no UTF-8 comes back otherwise, and would have changed."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return True


def _is_folder(path: str, entries: Mapping[str, Entry]) -> bool:
    return any(other.startswith(f"{path}/") for other in entries)


async def stamp(tx: Transaction, plan_id: str, version: int, ground: Ground) -> None:
    """Write down the ground of an approved version; a version that has one keeps it."""
    if not await grounds.is_stamped(tx, plan_id, version):
        await grounds.stamp(tx, plan_id, version, ground.commit, ground.tasks)
