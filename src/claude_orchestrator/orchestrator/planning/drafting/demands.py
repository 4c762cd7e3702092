"""What is asked of a change, whatever it is: how tests prove it, what it has to keep to, when it is done."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.drafting.pieces import short


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
    if ground.says("compatibility", "keep") and ground.survey.public_api:
        yield "Every public name and signature that was there works as before"
    if ground.says("compatibility", "deprecate"):
        yield "The old way works and warns"
    if ground.says("rollout", "flag"):
        yield "Without the setting everything is as before; tests cover both ways"


def rules_of(ground: Ground) -> list[str]:
    """What the answers ask of every change."""
    found = []
    names = ", ".join(ground.survey.public_api[:6])
    if ground.says("compatibility", "keep"):
        found.append(f"public names and signatures stay as they are{f': {names}, …' if names else ''}")
    if ground.says("compatibility", "deprecate"):
        found.append(f"what others use goes on working and warns{f': {names}, …' if names else ''}")
    if ground.says("dependencies", "none"):
        found.append("no new dependency")
    if ground.says("dependencies", "dev"):
        found.append("no new dependency but for tests and tools")
    if ground.listed("leave-alone"):
        found.append(f"not to be touched: {short(ground.listed('leave-alone'), 6)}")
    if ground.says("behaviour", "exact"):
        found.append("behaviour stays exactly as it is, messages and logs too")
    if ground.says("price", "nothing"):
        found.append("it needs no more memory, and the code stays as plain as it is")
    if ground.says("rollout", "flag"):
        found.append("the new behaviour stands behind a setting that is off at first")
    if ground.says("access", "restricted", "public"):
        found.append(f"who may call it: {ground.text('access')}")
    if ground.says("surface", "function", "command", "endpoint", "page"):
        found.append(f"people reach it as: {ground.text('surface')}")
    return found


def unknowns(ground: Ground) -> Iterator[str]:
    """What no map can tell."""
    if ground.kind == "migration" and not ground.text("migrate-to"):
        yield "what it moves to"
    if ground.says("access", "restricted"):
        yield "who may call it"
    if ground.kind == "refactor" and ground.says("aim", "structure"):
        yield "the new files, if there should be any, in 'files' and 'creates' of the task: it may make no others"
    if ground.kind == "fix" and ground.says("reproduce", "unknown"):
        yield "how the fault shows, if you know it: input, what happens, what should happen"


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
