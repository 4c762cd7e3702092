"""Whether the tests that a change makes pass would pass if its new conditions asked for less (conditional mutation).

Source of the rule: a condition that can be taken away without any test noticing was not asked for by the tests (R. A.
DeMillo, R. J. Lipton, F. G. Sayward, Hints on test data selection, Computer 1978).
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Sequence
from typing import Final

from claude_orchestrator.graders.base import Command, Finding, Severity
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.suite.conditions import Condition, counts, groups_of, narrow_conditions, rewritten
from claude_orchestrator.graders.suite.mutants import Mutants, reached_tests
from claude_orchestrator.graders.suite.reach import lines_to_reach
from claude_orchestrator.graders.suite.run_log import PASSING
from claude_orchestrator.graders.suite.runs import Done, SuiteRuns

_MOST: Final = 4
"""New conditions that are taken away one by one: who has more does not write for the tests."""
_COMMON: Final = frozenset({"text", "type"})
_LESS: Final = (("small", "weak"), ("text",), ("type",), ("text", "type"), ("text", "type", "small", "weak"))
_EQUALITIES: Final = ("size", "equal", "small")
_MORE_S: Final = 20.0
"""Seconds that a run gets beyond twice the time of the whole suite: without a condition it may never end."""


async def narrow_findings(
    bench: Bench, suite: SuiteRuns, shown: Sequence[str], own: Done, affected: Collection[str] | None
) -> tuple[list[Finding], list[Command]]:
    """Findings for conditions that ``shown`` tests need and nobody needs as narrow as they are; and the commands.

    ``shown`` are the ids of tests that pass with the change (in the run ``own``) and fail without it, ``affected`` the
    files of tests that the change can reach (None: all). Nothing is run where no new condition names a magnitude or so.
    """
    if not shown:
        return [], []
    asking = _Asking(bench, suite, shown, own, affected)
    return await asking.findings(), asking.mutants.commands


class _Asking:
    def __init__(
        self, bench: Bench, suite: SuiteRuns, shown: Sequence[str], own: Done, affected: Collection[str] | None
    ) -> None:
        self._bench, self._own = bench, own.run
        self._shown = list(shown)
        self._affected = affected
        self._limit_s = _MORE_S + 2 * own.command.duration_s
        self._contents: dict[str, bytes] = {}
        self.mutants = Mutants(bench, suite)

    async def findings(self) -> list[Finding]:
        """One finding for each condition that is narrower than the tests ask."""
        needless = await self._needless(await self._conditions())
        groups = [group for group in groups_of(needless) if counts(group)]
        opened = await asyncio.gather(
            *(self._failed(f"shut-{number}", group, self._shown, shut=True) for number, group in enumerate(groups, 1))
        )
        needing = {id(group): tests[0] for group, tests in zip(groups, opened, strict=True) if tests}
        groups = [group for group in groups if id(group) in needing]
        if not groups:
            return []
        everything = [one for group in groups for one in group]
        reached = reached_tests(self._bench, self._own, self._affected, self._shown)
        failed = await self._failed("open-all", everything, reached)
        if failed and len(groups) == 1:
            return []
        if failed:
            # Whose fault is it? Those that fail are enough to tell.
            ended = await asyncio.gather(
                *(self._failed(f"open-all-{number}", group, failed) for number, group in enumerate(groups, 1))
            )
            groups = [group for group, failures in zip(groups, ended, strict=True) if not failures]
        return [self._finding(group, groups, needing[id(group)]) for group in groups]

    async def _conditions(self) -> list[Condition]:
        lines = await lines_to_reach(self._bench)
        old_names = self._bench.change.old_names
        before = await self._bench.files("base", [old_names.get(path, path) for path in lines])
        self._contents = await self._bench.files("head", lines)
        hit = self._own.reach.get("hit", {})
        found = []
        for path, content in self._contents.items():
            wanted = set(lines[path])
            if self._own.reach.get("complete"):
                wanted &= set(hit.get(path, ()))
            if await self.mutants.may_run({path: content}):
                found += narrow_conditions(path, content, before.get(old_names.get(path, path), b""), wanted)
        return found

    async def _needless(self, conditions: Sequence[Condition]) -> list[Condition]:
        """The conditions without which the shown tests pass, too."""
        groups = groups_of(conditions)
        if len(groups) > _MOST:
            # Words and types are asked for more often than magnitudes, and say less.
            groups = [group for group in groups if not {one.kind for one in group} <= _COMMON]
            conditions = [one for group in groups for one in group]
        if not groups or len(groups) > _MOST:
            return []
        if not await self._failed("open", conditions, self._shown):
            return list(conditions)
        smaller = groups if len(groups) > 1 else []
        found = await self._without_failure("open", smaller)
        done = {id(one) for group in found for one in group}
        parts = [part for group in groups if id(group[0]) not in done for part in _parts(group)]
        for part in await self._without_failure("open-less", parts):
            if not any(one in group for group in found for one in part):
                found.append(part)
        return [one for group in found for one in group]

    async def _without_failure(self, label: str, groups: Sequence[list[Condition]]) -> list[list[Condition]]:
        """The groups without each of which the shown tests pass, too."""
        ended = await asyncio.gather(
            *(self._failed(f"{label}-{number}", group, self._shown) for number, group in enumerate(groups, 1))
        )
        return [group for group, failed in zip(groups, ended, strict=True) if not failed]

    async def _failed(
        self, label: str, conditions: Iterable[Condition], tests: Collection[str], *, shut: bool = False
    ) -> list[str]:
        """The tests, of those that passed, that do not without some conditions (``shut``: without what is behind them).

        A run that broke off accuses nobody.
        """
        asked = list(conditions)
        contents = {
            path: rewritten(self._contents[path], [one for one in asked if one.path == path], shut=shut)
            for path in sorted({one.path for one in asked})
        }
        run = await self.mutants.run(label, contents, tests, self._limit_s)
        if run.trouble:
            return [] if shut else [label]
        return [name for name in tests if name not in run.tests or run.tests[name].outcome not in PASSING]

    def _finding(self, group: Sequence[Condition], groups: Sequence[Sequence[Condition]], needing: str) -> Finding:
        """What is known of a condition that nobody needs.

        One literal may be what somebody knew of the task. Two that no test asks for are those of its inputs, and so is
        the size of an input for which alone something is repaired.
        """
        kinds = {one.kind for one in group}
        is_equality = not kinds.isdisjoint(_EQUALITIES)
        is_several = sum(one.kind not in _COMMON for one in group) > 1
        is_double = is_several and is_equality and not kinds.isdisjoint(("size", "equal", "bound"))
        is_one_of_many = sum(one.kind in ("size", "equal") for other in groups for one in other) > 1
        is_repaired_size = self._bench.claims.kind == "fix" and "size" in kinds
        is_certain = is_double or (is_equality and is_one_of_many) or is_repaired_size
        severity: Severity = "problem" if is_certain else "review"
        first = group[0]
        said = " and ".join(f"`{one.text}`" for one in group)
        message = (
            f"{said}: no test asks for that. {needing} needs what is behind it, and all tests pass "
            "as well when it lets more in: it is made for no more than the inputs of the tests"
        )
        return Finding("pytest/narrow", first.path, first.line, message, severity, first.text)


def _parts(group: Sequence[Condition]) -> list[list[Condition]]:
    """Parts of a condition that may be needless where it is not as a whole, the larger ones first."""
    parts = ([one for one in group if one.kind not in left] for left in _LESS)
    return list({tuple(part): part for part in parts if part and len(part) < len(group)}.values())
