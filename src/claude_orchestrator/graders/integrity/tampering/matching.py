"""Which test of the base is which test of the change, and what happened to it on the way."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench
    from claude_orchestrator.graders.integrity.tampering.fates import Comparison

Fate = Literal[
    "same",
    "moved",
    "renamed",
    "strengthened",
    "edited",
    "weakened",
    "silenced",
    "shadowed",
    "removed",
    "obsolete",
    "added",
]
Place = tuple[str, str]
"""A test function: its file, and its dotted name in it (``Class.test_x``), without parameters."""


@dataclass(frozen=True)
class TestChange:
    """One test function on both sides; ``before`` is None for a new one, ``after`` for one that is gone.

    same: the same code at the same place. moved: the same code elsewhere (another file, class or test name).
    renamed: the same but for names that the change renamed in the code under test as well. strengthened: all that was
    checked still is, and more. edited: other inputs or expectations, no less strict. weakened: less strict.
    silenced: skipped, expected to fail or no longer collected. shadowed: a later definition of the same
    name takes its place. removed: gone. obsolete: gone or edited because what it tests was removed from the code.
    ``line`` is where to look, in ``after`` or else in ``before``; ``doubt`` is what a human should look at although the
    fate alone would pass.
    """

    __test__ = False

    before: Place | None
    after: Place | None
    fate: Fate
    why: str = ""
    line: int = 0
    doubt: str = ""


async def compared_tests(bench: Bench) -> Comparison:
    """Both sides of the tests that the change touches, read once for a bench."""
    return await asyncio.shield(bench.compared_tests)


async def match_tests(bench: Bench) -> dict[Place, TestChange]:
    """The tests of all test files that the change touches, by their place at the base (new ones: in the change).

    Nothing when they are nested deeper than can be read, which the guard reports.
    """
    try:
        return dict((await compared_tests(bench)).changes)
    except RecursionError:
        return {}
