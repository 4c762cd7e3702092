"""The tasks that write tests: before the change, so that they fail until it is there, or after it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claude_orchestrator.orchestrator.planning.drafting.demands import mode_of, unknowns
from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.drafting.pieces import Piece, group_name, short
from claude_orchestrator.orchestrator.planning.models import Module


def tests_for(ground: Ground, group: Sequence[Module]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The tests of some modules that are there, and those that would be new."""
    there: list[str] = []
    new: list[str] = []
    for module in group:
        own = ground.tests_of(module, ground.modules)
        place = "" if own else ground.new_test(module)
        there += own
        if place in ground.survey.paths:
            there.append(place)
        elif place and len(new) < 3:
            new.append(place)
    if new and there:
        new = []  # beside tests that are there, a new file is for the agent's own judgement to ask for
    for place in new:
        ground.note(f"No test is about {short([module.path for module in group])}: the plan names a new file {place}")
    return tuple(dict.fromkeys(there))[:6], tuple(dict.fromkeys(new))


def tests_first(ground: Ground, groups: Sequence[Sequence[Module]]) -> Iterator[Piece]:
    """Tests that fail until the change is there, where they come first."""
    if mode_of(ground) != "first" or not groups:
        return
    # A fault has one place where it shows; where it is made is found out afterwards.
    for group in [_likeliest(ground)] if ground.kind == "fix" else groups:
        tests, new = tests_for(ground, group)
        if not tests and not new:
            ground.note(f"The map cannot tell where tests of {short([one.path for one in group])} go: name the file")
            continue
        yield Piece(
            "reproduce" if ground.kind == "fix" else group_name("test", group) if len(groups) > 1 else "tests",
            f"Write tests that fail: {short([*tests, *new], 2)}",
            _failing(ground, group),
            kind="tests",
            tests=tests,
            creates=new,
            criteria=("The new tests fail for the reason that the goal names, and for no other",),
            # They are to fail, and may use what is not there yet: neither the suite nor the type checker can pass.
            checks=[check for check in ground.checks if check == "ruff"],
            unknown=tuple(unknowns(ground)) if ground.kind == "fix" else (),
            with_context=True,
        )


def _failing(ground: Ground, group: Sequence[Module]) -> str:
    """What the task that writes failing tests does."""
    what = "show the fault" if ground.kind == "fix" else "describe what will be there"
    known, steps = ground.text("failing-test"), ground.text("reproduce-steps")
    parts = [
        f"write tests that {what}, for {short([module.path for module in group])}.",
        f"{known} fails now and belongs to them." if known else "",
        f"How to see it: {steps.rstrip('.')}." if steps else "",
        "They fail until the next tasks are done, and are merged so: mark and skip none of them.",
        "Import what is not there yet inside the tests, so that the other tests of the file still run.",
        "Change nothing but tests.",
    ]
    return " ".join(part for part in parts if part)


def tests_after(ground: Ground, groups: Sequence[Sequence[Module]]) -> Iterator[Piece]:
    """Tests of what was changed, where they come last."""
    if mode_of(ground) != "after":
        return
    for group in groups:
        tests, new = tests_for(ground, group)
        if not tests and not new:
            continue
        paths = [module.path for module in group]
        yield Piece(
            group_name("test", group) if len(groups) > 1 else "tests",
            f"Test {short(paths)}",
            f"write tests for what the tasks before have changed in {short(paths)}. Change nothing but tests.",
            kind="tests",
            tests=tests,
            creates=new,
            criteria=("Every new branch of the change is run by a test that would fail without it",),
            checks=[check for check in ground.checks if check != "bandit"],
        )


def _likeliest(ground: Ground) -> Sequence[Module]:
    """The modules of a fault that the goal fits best: at most two."""
    order = {path: position for position, path in enumerate(ground.situation.paths)}
    return sorted(ground.modules, key=lambda module: order.get(module.path, len(order)))[:2]
