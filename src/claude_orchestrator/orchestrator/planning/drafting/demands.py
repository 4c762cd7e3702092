"""What is asked of a change, whatever it is: how tests prove it, what it has to keep to, when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.drafting.pieces import short

_WRONG_INPUT: Final = {
    "reject": "it is refused with an error that says what is wrong",
    "ignore": "it is left out, and the rest goes on",
    "default": "a sensible value takes its place",
}


def criteria_of(ground: Ground, paths: Sequence[str], *, last: bool) -> Iterator[str]:
    """What must be true at the end of a task; the last one of the change has to meet the goal."""
    if last:
        yield from filter(None, (line.strip() for line in ground.text("done-when").splitlines()[:8]))
        if not ground.text("done-when"):
            yield f"It is done: {ground.goal}"
        if target := ground.text("target"):
            yield f"The measurement shows: {target}"
    elif paths:
        yield f"{short(paths)} {'does' if len(paths) == 1 else 'do'} its part of: {ground.goal}"
    if last and (wrong := _WRONG_INPUT.get(ground.text("invalid-input"))):
        yield f"A test shows what becomes of input that makes no sense: {wrong}"
    if ground.says("compatibility", "keep") and ground.survey.public_api:
        yield "Every public name and signature that was there works as before"
    if ground.says("compatibility", "deprecate"):
        yield "The old way works and warns"
    if ground.says("rollout", "flag"):
        yield "Without the setting everything is as before; tests cover both ways"


def rules_of(ground: Ground) -> list[str]:
    """What the answers ask of every change."""
    names = ", ".join(ground.survey.public_api[:6])
    shown = f": {names}{', …' if len(ground.survey.public_api) > 6 else ''}" if names else ""
    asked = (
        (ground.says("compatibility", "keep"), f"public names and signatures stay as they are{shown}"),
        (ground.says("compatibility", "deprecate"), f"what others use goes on working and warns{shown}"),
        (ground.says("dependencies", "none"), "no new dependency"),
        (ground.says("dependencies", "dev"), "no new dependency but for tests and tools"),
        (ground.says("behaviour", "exact"), "behaviour stays exactly as it is, messages and logs too"),
        (ground.says("price", "nothing"), "it needs no more memory, and the code stays as plain as it is"),
        (ground.says("rollout", "flag"), "the new behaviour stands behind a setting that is off at first"),
        (ground.says("access", "public"), "everybody may call it"),
        (ground.says("access", "restricted"), "fewer people may call it than its neighbours"),
        (ground.says("surface", "function", "command", "endpoint", "page"), f"the way in: a {ground.text('surface')}"),
    )
    return [*(rule for applies, rule in asked if applies), *_limits(ground)]


def _limits(ground: Ground) -> Iterator[str]:
    if limits := ground.text("out-of-scope"):
        yield f"not part of it: {' '.join(limits.split())[:500]}"
    if wrong := _WRONG_INPUT.get(ground.text("invalid-input")):
        yield f"input that makes no sense: {wrong}"
    if untouched := ground.listed("leave-alone"):
        yield f"not to be touched: {short(untouched, 6)}"


def missing(ground: Ground) -> Iterator[str]:
    """What the change cannot be made without, and only a person knows."""
    if ground.kind == "migration" and not ground.text("migrate-to"):
        yield "what it moves to"
    if ground.says("access", "restricted"):
        yield "who may call it"


def unknowns(ground: Ground) -> Iterator[str]:
    """What the map does not tell, and whoever does the task has to find out or decide."""
    if ground.kind == "refactor" and ground.says("aim", "structure"):
        yield "whether new files are needed: the task may make only those in its 'creates'"
    if ground.kind == "fix" and ground.says("reproduce", "unknown"):
        yield "how the fault shows: input, what happens, what should happen"


def mode_of(ground: Ground) -> str:
    """When tests are written: ``first``, ``together``, ``after``, ``none``, or ``held``: those there suffice."""
    if not ground.has_tests:
        return "none"
    said = ground.text("tests-first") or ("first" if ground.kind == "fix" else "together")
    if said == "together" and ground.kind in ("refactor", "performance"):
        return "held"
    return said if said in ("first", "together", "after", "none") else "together"


def kind_of(ground: Ground, *, writes: bool, alone: bool) -> str | None:
    """The kind of a task of the change; a fix and a feature have to bring a test that fails without them.

    Of several tasks nobody knows which of them will bring it, so none is held to it.
    """
    if ground.kind in ("refactor", "performance"):
        return ground.kind
    if ground.kind == "migration":
        return "refactor" if ground.says("compatibility", "keep") else None
    proved = writes and "pytest" in ground.checks
    if alone and not proved:
        ground.note(f"No test has to fail without the change, so its task is not held to being a {ground.kind}")
    return ground.kind if alone and proved else None
