"""Which tests a change makes pass: what they give and expect is what code could be made for."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_orchestrator.graders.suite.run_log import COLLECTION, PASSING, SuiteRun, file_of, function_of

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench


@dataclass(frozen=True)
class GreenTests:
    """The ids of tests that pass with a change and not without it.

    ``repaired`` are of functions that failed at the base; ``new`` of those that the base did not have, did not run, or
    had with other cases or checks.
    """

    repaired: tuple[str, ...] = ()
    new: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[str]:
        """All of them."""
        return iter((*self.repaired, *self.new))


async def green_tests(bench: Bench) -> GreenTests:
    """Those of the change, once its tests were run; none where they are not among the checks."""
    return green_in(await bench.suite)


def green_in(runs: Mapping[str, SuiteRun]) -> GreenTests:
    """Those that some runs show, by their names: ``base``, ``own``, and ``witness`` where there was one."""
    base, own = runs.get("base"), runs.get("own")
    if base is None or own is None:
        return GreenTests()
    witness = runs.get("witness", SuiteRun(""))
    # By function: the names of its cases may differ from run to run.
    was_red, was_green = _ended(base, {"failed"}), _ended(base, PASSING)
    is_red, alone = _ended(own, {"failed"}), _ended(witness, {"failed"})
    green = {name: function_of(name) for name, ending in own.tests.items() if ending.outcome in PASSING}
    repaired = [name for name, function in green.items() if function in was_red - is_red]
    new = [
        name
        for name, function in green.items()
        if function not in was_red | is_red
        and (function not in was_green or not alone.isdisjoint((function, file_of(name) + COLLECTION)))
    ]
    return GreenTests(tuple(repaired), tuple(new))


def _ended(run: SuiteRun, outcomes: Collection[str]) -> set[str]:
    return {function_of(name) for name, ending in run.tests.items() if ending.outcome in outcomes}
