"""Flaky tests told from broken ones: what fails is run again alone, in the change and at the base."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import replace
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.suite.outcomes import SuiteVerdict, Suspect
from claude_orchestrator.graders.suite.run_log import PASSING, SuiteRun, file_of

ROUNDS: Final = 3
MOST: Final = 20
"""With more failures than this nobody speaks of flaky tests: nothing is run again."""
FEW: Final = 2
"""As many may fail twice in the same way and be flaky all the same; more do not do so by chance."""
REPEATS: Final = 25
"""How often a test is run at the base, in one process: enough to see most that fail once in ten times."""

_LATER: Final = 50
"""Numbers of runs that no others have."""

RunAgain = Callable[[str, Sequence[str], int, int], Awaitable[SuiteRun]]
"""Runs some tests of a side alone, for the n-th time, each of them so often."""


async def settle(verdict: SuiteVerdict, affected: Collection[str] | None, run: RunAgain) -> None:
    """Replace the failures of flaky tests in ``verdict`` by what they are.

    ``affected`` are the test files of the base that the change can reach; None where nothing is proven. A test that
    fails every time is broken. One that passes again is excused when it fails at the base as well, or when the
    change cannot reach it; else a human decides. Where the change has failed for other reasons, nothing is run.
    """
    suspects = verdict.suspects
    flaky = {(suspect.test, "pytest/failed") for suspect in suspects}
    if any(one.severity == "problem" and (one.symbol, one.rule) not in flaky for one in verdict.findings):
        return
    if suspects and len(suspects) <= MOST:
        await _settle_failures(verdict, affected, run)
    names = [suspect.test for suspect in verdict.repaired][:MOST]
    flaky_before = await _passing(run, "base", names) if names else set[str]()
    verdict.findings[:] = [_unhidden(found, flaky_before) for found in verdict.findings]


async def _settle_failures(verdict: SuiteVerdict, affected: Collection[str] | None, run: RunAgain) -> None:
    suspects, base = verdict.suspects, _Base(run)
    texts = {found.symbol: found.text for found in verdict.findings}
    passed: set[Suspect] = set()
    for side in dict.fromkeys(suspect.side for suspect in suspects):
        here = {suspect.test: suspect for suspect in suspects if suspect.side == side}
        first = await run(side, _selected(here), 1, 1)
        left = {name for name in here if not _has_passed(first, name)}
        passed |= {here[name] for name in here.keys() - left}
        if left and all(_reason(texts.get(name, "")) == _reason(_text(first, name)) for name in left):
            # The same again: broken, unless the base fails at times as well.
            flaky = await base.failing(here[name].base for name in left) if len(left) <= FEW else frozenset()
            left = {name for name in left if here[name].base in flaky}
        if left:
            passed |= {here[name] for name in await _passing(run, side, sorted(left))}
    flaky_before = await base.failing(one.base for one in passed if one.base and _is_in_reach(one.base, affected))
    for suspect in passed:
        verdict.findings[:] = [
            _judged(found, suspect, affected, flaky_before) if found.symbol == suspect.test else found
            for found in verdict.findings
        ]


class _Base:
    """Which tests fail at the base at times; each is asked about once."""

    def __init__(self, run: RunAgain) -> None:
        self._run = run
        self._asked: set[str] = set()
        self._failing: set[str] = set()
        self._number = 0

    async def failing(self, names: Iterable[str | None]) -> Collection[str]:
        """The tests that fail in at least one of many runs, of all that were asked for so far."""
        fresh = sorted({name for name in names if name} - self._asked)
        if fresh:
            self._asked.update(fresh)
            self._number += 1
            seen = await self._run("base", _selected(fresh), self._number, REPEATS)
            if not seen.trouble:
                self._failing |= {name for name in fresh if name in seen.tests and seen.tests[name].outcome == "failed"}
        return self._failing


async def red_at_times(run: RunAgain, names: Sequence[str]) -> set[str]:
    """Of tests that failed at the base, those that pass there when they are run again."""
    return await _passing(run, "base", names[:MOST], _LATER) if names else set()


async def _passing(run: RunAgain, side: str, names: Sequence[str], first: int = 2) -> set[str]:
    """The tests that pass in at least one of some more runs, which are numbered from ``first``."""
    numbers = range(first, first + ROUNDS - 1)
    runs = await asyncio.gather(*(run(side, _selected(names), number, 1) for number in numbers))
    return {name for name in names if any(_has_passed(one, name) for one in runs)}


def _selected(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(_selectable(name) for name in names))


def _has_passed(run: SuiteRun, name: str) -> bool:
    ending = run.tests.get(name)
    return not run.trouble and ending is not None and ending.outcome in PASSING


def _text(run: SuiteRun, name: str) -> str:
    ending = run.tests.get(name)
    return ending.text if ending is not None else ""


def _reason(text: str) -> str:
    """What pytest marks as the error, without addresses."""
    marked = [line for line in text.splitlines() if line.startswith("E  ")]
    return re.sub(r"0x[0-9a-fA-F]+", "0x", "\n".join(marked) or text)


def _unhidden(found: Finding, flaky_before: Collection[str]) -> Finding:
    if found.rule != "pytest/hidden" or found.symbol not in flaky_before:
        return found
    message = f"{found.symbol} failed at the base and passes now; at the base it passes as well at times"
    return replace(found, rule="pytest/flaky", severity="note", message=message)


def _judged(
    found: Finding, suspect: Suspect, affected: Collection[str] | None, flaky_before: Collection[str]
) -> Finding:
    if found.rule != "pytest/failed" or found.severity != "problem":
        return found
    severity: Severity
    if suspect.base and not _is_in_reach(suspect.base, affected):
        why, severity = "it passes when it is run again, and the change cannot reach it", "note"
    elif suspect.base in flaky_before:
        why, severity = "it passes when it is run again, and fails at the base as well at times", "note"
    elif suspect.base:
        why, severity = (
            "it passes when it is run again, and at the base every time: is it flaky since this change?",
            "review",
        )
    else:
        why, severity = "it passes when it is run again: a new test should not be flaky", "review"
    return replace(found, rule="pytest/flaky", severity=severity, message=f"{found.message}; {why}")


def _is_in_reach(base: str, affected: Collection[str] | None) -> bool:
    return affected is None or file_of(base) in affected


def _selectable(name: str) -> str:
    """A test id as pytest takes it; ids that were changed to be the same in every run lead to their function."""
    return name.partition("[")[0] if "0x…" in name else name
