"""A run of the base that collects all tests, and spares those in files that the change cannot reach.

The imports say which these are. That they are right is not taken on trust: the shorter run stands for the whole one
only while every test that was spared passes in *own*, no test fails in any run (but for old versions of edited ones),
and the change passes. At the least doubt the base is run whole, and so nobody is accused, excused or said to have
repaired anything by what was not run.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.suite.run_log import PASSING, Ending, SuiteRun, file_of
from claude_orchestrator.graders.suite.runs import Done, SuiteRuns

_LARGEST_SHARE: Final = 0.6
"""With more of its files than this the base is run whole: the next change can use that."""
_LEAVES_OUT: Final = re.compile(rb"skip|xfail", re.IGNORECASE)
"""What a test that does not simply pass or fail has in its file."""

_GONE: Final = Ending("skipped")


async def files_of_base(bench: Bench, affected: Collection[str] | None) -> list[str]:
    """The test files that the base has to be run for; none: it has to be run whole.

    ``affected`` are those that the change can reach (None: nothing is proven).
    """
    change = bench.change
    python = [path for path in change.base_entries if path.endswith(".py")]
    tests = [path for path in python if change.is_test_name(path)]
    if affected is None or not tests:
        return []
    contents = await bench.files("base", [path for path in python if change.is_test(path) or _is_conftest(path)])
    marked = {path for path, content in contents.items() if _LEAVES_OUT.search(content)}
    if marked - set(tests):
        return []
    # One file at least is run: a base that cannot be run at all shows itself.
    needed = sorted({*marked, *affected} & set(tests)) or [min(tests)]
    return needed if len(needed) <= _LARGEST_SHARE * len(tests) else []


async def run_base(
    suite: SuiteRuns,
    change: JudgedChange,
    files: Sequence[str],
    own: asyncio.Future[Done],
    trusted: asyncio.Future[Done] | None,
) -> tuple[Done, bool]:
    """The run of the base, and whether some of its tests were spared.

    It is run for ``files`` first (none: whole at once), and whole as soon as a run says that this is not enough.
    """
    partial = await suite.run("base", change.base_tree, change.base_entries, only=files)
    if not files:
        return partial, False
    others = [(await asyncio.shield(trusted)).run] if trusted else []
    if not _is_doubtful(partial.run) and not any(_is_doubtful(run, change.touched) for run in others):
        stands = whole_base(change, files, partial.run, (await asyncio.shield(own)).run, others)
        if stands is not None:
            return replace(partial, run=stands), True
    return await suite.run("base", change.base_tree, change.base_entries), False


def whole_base(
    change: JudgedChange, files: Collection[str], partial: SuiteRun, own: SuiteRun, others: Iterable[SuiteRun]
) -> SuiteRun | None:
    """What a run of the whole base would say, by its run ``partial`` of ``files``; None: that is not certain.

    ``others`` are further runs of the change, in which the old versions of edited tests may fail: what that means is
    judged by what the base said when they were run there.
    """
    if any(_is_doubtful(run) for run in (partial, own)) or any(_is_doubtful(run, change.touched) for run in others):
        return None
    there = {name for name in own.tests if file_of(name) in change.base_entries and file_of(name) not in files}
    if not there <= {*partial.spared, *partial.tests} or not _agree(partial.tests, own.tests):
        return None
    spared = {name: own.tests.get(name, _GONE) for name in partial.spared}
    if any(ending.outcome not in PASSING or ending.left_out for ending in spared.values()):
        return None
    return SuiteRun("", {**spared, **partial.tests})


def _is_doubtful(run: SuiteRun, edited: Collection[str] = ()) -> bool:
    """Whether something is wrong in a run; failures in ``edited`` files may be right."""
    return bool(run.trouble or run.tampered) or any(
        ending.outcome == "failed" and file_of(name) not in edited for name, ending in run.tests.items()
    )


def _agree(partial: Mapping[str, Ending], own: Mapping[str, Ending]) -> bool:
    """Whether what the base does not simply pass is just the same in the change."""
    odd = {name: ending for name, ending in partial.items() if ending.outcome not in PASSING or ending.left_out}
    return all(
        name in own and (own[name].outcome, own[name].left_out) == (ending.outcome, ending.left_out)
        for name, ending in odd.items()
    )


def _is_conftest(path: str) -> bool:
    return path.rpartition("/")[2] == "conftest.py"
