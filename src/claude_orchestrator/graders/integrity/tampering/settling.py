"""What became of the tests that have no counterpart: split, merged, no longer collected, gone with the code."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Final

from claude_orchestrator.graders.integrity.tampering.canonical import Function, names_in, renamed
from claude_orchestrator.graders.integrity.tampering.checks import Body
from claude_orchestrator.graders.integrity.tampering.compared import (
    Comparison,
    constants_of,
    is_about_the_same,
    last_of,
)
from claude_orchestrator.graders.integrity.tampering.comparing import says_the_same
from claude_orchestrator.graders.integrity.tampering.matching import Place, TestChange
from claude_orchestrator.graders.integrity.tampering.sides import SideOfTests
from claude_orchestrator.graders.integrity.tampering.strength import Check

_COMMAND: Final = re.compile(r"[a-z_]{3,}")

_MOST_SPARE: Final = 500
"""Of more checks than these only the very same are looked for."""


@dataclass
class _Spare:
    """A check of the change that none of the base stands for, and how often it is left."""

    place: Place
    check: Check
    left: int


def find_split(found: Comparison, free: list[Place]) -> None:
    """Checks that a test lost and that a new test makes: it was split."""
    spare = [_Spare(place, one, one.times) for place in free for one in found.head.body(place).checks]
    for place, change in found.changes.items():
        difference = found.differences.get(place)
        if change.fate != "weakened" or difference is None or not difference.lost:
            continue
        if _taken(found, place, [check for check, _ in difference.lost], spare):
            found.changes[place] = replace(change, fate="edited", why="was split")


def settle_lost(found: Comparison, lost: list[Place], free: list[Place]) -> None:
    """Say what happened to the tests that have no counterpart."""
    spare = [_Spare(place, one, one.times) for place, one in _extra(found, free)] if lost else []
    for place in lost:
        found.changes[place] = _settled(found, place, spare)


def _settled(found: Comparison, place: Place, spare: list[_Spare]) -> TestChange:
    test = found.base.all_tests[place]
    line = test.node.lineno
    merged = _merged(found, place, found.base.body(place), spare)
    if merged is not None:
        return TestChange(place, merged, "moved", f"is part of {merged[1]}", line)
    hidden = _somewhere(found, place)
    if hidden:
        return TestChange(place, None, "silenced", f"is no longer collected: {hidden}", line)
    used = names_in(test.signature) | _imported_names(found.base, place)
    gone = (found.gone & used) | (found.gone_words & _words_said(test.node))
    if gone - found.renames.keys():
        names = ", ".join(sorted(gone)[:3])
        return TestChange(place, None, "obsolete", f"was removed with what it tests ({names})", line)
    return TestChange(place, None, "removed", "was removed", line)


def _words_said(test: Function) -> set[str]:
    """The words that a test gives to what it calls, as commands and the names of options are."""
    return {
        one.value
        for node in ast.walk(test)
        if isinstance(node, ast.Call)
        for part in (*node.args, *(word.value for word in node.keywords))
        for one in (part.elts if isinstance(part, ast.List | ast.Tuple) else [part])
        if isinstance(one, ast.Constant) and isinstance(one.value, str) and _COMMAND.fullmatch(one.value)
    }


def _imported_names(side: SideOfTests, place: Place) -> frozenset[str]:
    used = names_in(side.all_tests[place].signature)
    imports = side.files[place[0]].imports
    return frozenset(
        part for name, origin in imports.items() if name in used for part in re.split(r"[.:]", origin) if part
    )


def _extra(found: Comparison, free: list[Place]) -> Iterable[tuple[Place, Check]]:
    for place in free:
        for check in found.head.body(place).checks:
            yield place, check
    for before, difference in found.differences.items():
        after = found.changes[before].after
        for check in difference.gained if after else ():
            assert after is not None
            yield after, check


def _merged(found: Comparison, place: Place, body: Body, spare: list[_Spare]) -> Place | None:
    """The test that makes all the checks of one that is gone; what it makes then counts for no other."""
    wanted = [one for one in body.checks if one.strength > 0]
    takers = _taken(found, place, wanted, spare) if wanted else []
    return takers[0] if takers and is_about_the_same(found, place, takers) else None


def _taken(found: Comparison, place: Place, wanted: list[Check], spare: list[_Spare]) -> list[Place]:
    """The tests that make all of these checks, with the same inputs and expectations; none when one is missing."""
    used: Counter[int] = Counter()
    takers: Counter[Place] = Counter()
    if len(spare) > _MOST_SPARE:
        same = {(one.subject, one.value) for one in wanted}
        spare = [one for one in spare if (one.check.subject, one.check.value) in same]
    ours = constants_of(found.base, place)
    for check in wanted:
        old = replace(check, subject=renamed(check.subject, found.renames), value=renamed(check.value, found.renames))
        missing = check.times
        for at, one in enumerate(spare):
            left = one.left - used[at]
            if (
                missing
                and left > 0
                and says_the_same(old, one.check, ours, partial(constants_of, found.head, one.place))
            ):
                used[at] += min(left, missing)
                takers[one.place] += min(left, missing)
                missing -= min(left, missing)
        if missing:
            return []
    for at, number in used.items():
        spare[at].left -= number
    return [taker for taker, _ in takers.most_common()]


def _somewhere(found: Comparison, place: Place) -> str:
    """Where the code of a test still is although nobody runs it as a test."""
    old = renamed(found.base.all_tests[place].signature, found.renames)
    here = found.here(place)[0]
    for path, name, node in (*found.uncollected.get(old, ()), *found.uncollected.get((here, last_of(place)), ())):
        if not any(f"n:{node.name}" in test.signature for test in found.head.files[path].tests.values()):
            return f"now {name} in {path}:{node.lineno}"
    return ""
