"""How a change is cut into tasks: by the kind of the goal, by the answers, along the modules that the map shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.drafting import around, by_kind, proving
from claude_orchestrator.orchestrator.planning.drafting.demands import (
    criteria_of,
    kind_of,
    missing,
    mode_of,
    rules_of,
    unknowns,
)
from claude_orchestrator.orchestrator.planning.drafting.ground import Ground
from claude_orchestrator.orchestrator.planning.drafting.pieces import Part, Piece, group_name, short
from claude_orchestrator.orchestrator.planning.models import Module
from claude_orchestrator.orchestrator.planning.survey.languages import in_tests

_ALONE: Final = 8
"""Modules up to which each has a task of its own; more are put together by folder."""

_TOGETHER: Final = 6
_LINES: Final = 1500
"""Modules, and lines, that one task of several modules has at most."""

_VERBS: Final = {
    "feature": ("build", "Build", "build what the goal asks for{place}"),
    "fix": ("fix", "Correct", "find the cause of the fault{place} and correct it there, not where it shows"),
    "refactor": ("refactor", "Refactor", "do what the goal asks for{place} without changing what callers see"),
    "migration": ("move", "Move", "move to the new way{place}"),
    "performance": ("speed-up", "Speed up", "make it faster or smaller{place} without changing what it does"),
}
"""Kind → the id of the task, the verb of its title, what it does."""
_AIMS: Final = {
    "structure": "smaller pieces with clear borders; nothing is moved that need not be",
    "duplication": "what is there twice is there once afterwards, and used from both places",
    "names": "names say what things are; every use of the old name is changed",
    "types": "every public function says what it takes and returns, and the type checker agrees",
    "dead-code": "what nobody uses is gone; say in the report how you know that nobody uses it",
}


def parts_of(ground: Ground) -> list[Part]:
    """The phases of the plan; each waits for the one before."""
    if ground.kind == "documentation":
        return [Part("write", "Write", list(by_kind.documents(ground)))]
    if not ground.survey.modules and not ground.other_files:
        return [
            Part("begin", "Begin", list(by_kind.beginning(ground))),
            Part("tell", "Tell", list(around.told(ground))),
        ]
    groups = _groups(ground)
    return [
        Part("prepare", "Prepare", list(_prepared(ground, groups))),
        Part("measure", "Measure", list(by_kind.measured(ground))),
        Part("tests", "Tests that fail until the change is there", list(proving.tests_first(ground, groups))),
        Part("change", _VERBS[ground.kind][1], list(_changes(ground, groups))),
        Part("prove", "Tests", list(proving.tests_after(ground, groups))),
        Part("finish", "Finish", [*by_kind.reached_further(ground), *by_kind.removed(ground)]),
        Part("tell", "Tell", list(around.told(ground))),
    ]


def _prepared(ground: Ground, groups: Sequence[Sequence[Module]]) -> Iterator[Piece]:
    yield from around.suite_set_up(ground)
    yield from around.schema(ground)
    yield from around.pinned(ground)
    if ground.kind == "migration" and len(groups) > 1:
        yield from around.dependency(ground)


def _groups(ground: Ground) -> list[tuple[Module, ...]]:
    """The modules of each task, in the order of their dependencies."""
    modules = ground.modules
    if not modules:
        return []
    apart = ground.says("cut", "by-module", "in-steps") or ground.says("way", "side-by-side")
    if ground.says("cut", "one") or not apart:
        if len(modules) <= _TOGETHER and sum(module.lines for module in modules) <= 2 * _LINES:
            return [modules]
        if ground.says("cut", "one"):
            ground.note(f"One task has {len(modules)} files: it may be too big for one attempt")
            return [modules]
    if len(modules) <= _ALONE:
        return [(module,) for module in modules]
    return _by_folder(modules)


def _by_folder(modules: Sequence[Module]) -> list[tuple[Module, ...]]:
    folders: dict[str, list[Module]] = {}
    for module in modules:
        folders.setdefault(str(PurePosixPath(module.path).parent), []).append(module)
    found: list[tuple[Module, ...]] = []
    for members in folders.values():
        group: list[Module] = []
        for module in members:
            if group and (len(group) == _TOGETHER or sum(one.lines for one in group) + module.lines > _LINES):
                found.append(tuple(group))
                group = []
            group.append(module)
        found.append(tuple(group))
    return found


def _changes(ground: Ground, groups: Sequence[Sequence[Module]]) -> Iterator[Piece]:
    if not groups:
        yield from _unplaced(ground)
        return
    prefix, title, _ = _VERBS[ground.kind]
    mode = mode_of(ground)
    shown = [path for piece in proving.tests_first(ground, groups) for path in piece.files]
    if ground.kind == "feature" and not ground.new_files:
        ground.note(
            "The tasks make no new source files: if the goal needs one, add it to 'files' and 'creates' of its task"
        )
    for position, group in enumerate(groups):
        tests, new = proving.tests_for(ground, group) if mode != "none" else ((), ())
        paths = [module.path for module in group]
        last = position == len(groups) - 1
        writes = mode in ("first", "together", "held")
        made = new if mode == "together" else ()
        written = shown if ground.kind == "fix" else [path for path in new if path in shown]
        extra = [*written, *(ground.other_files if last else ())]
        own = () if not last else tuple(path for path in ground.new_files if path not in made)
        yield Piece(
            group_name(prefix, group) if len(groups) > 1 else prefix,
            f"{title} {short(paths)}",
            _todo(ground, mode, paths, alone=len(groups) == 1, last=last),
            kind=kind_of(ground, writes=writes and bool(tests or new), alone=len(groups) == 1),
            modules=group,
            tests=tests,
            others=[*extra, *(ground.manifests if _brings_dependencies(ground, groups, position) else ())],
            creates=(*made, *own),
            criteria=tuple(criteria_of(ground, paths, last=last)),
            checks=ground.checks,
            after=_after(ground, groups, position, prefix),
            rules=rules_of(ground),
            fill=tuple(missing(ground)) if last else (),
            unknown=tuple(unknowns(ground)) if last and mode != "first" else (),
            rated=_rated(ground),
            with_context=True,
            with_tests=writes,
        )


def _brings_dependencies(ground: Ground, groups: Sequence[Sequence[Module]], position: int) -> bool:
    if not ground.says("dependencies", "any") or position:
        return False
    return ground.kind != "migration" or len(groups) == 1


def _unplaced(ground: Ground) -> Iterator[Piece]:
    """What can be said when no file fits the goal: somebody has to look first."""
    prefix, title, what = _VERBS[ground.kind]
    mode = mode_of(ground)
    known = bool(ground.other_files or ground.new_files)
    scope = [*ground.other_files, *(ground.folders if not known else ())]
    reaches_tests = not known or any(map(in_tests, (*ground.other_files, *ground.new_files)))
    where = short(ground.folders) if ground.folders else "the whole repository"
    if not known:
        ground.note(
            f"No file's name or symbols fit the goal, and none was named: the plan looks in {where}. "
            "Name the files ('where') for a plan that can be checked before it runs"
        )
        yield Piece(
            "find",
            "Find where it belongs",
            "find out which files, functions and tests the goal is about, and report their paths and names with a line "
            "on what each does now. Change nothing.",
            others=ground.folders,
            code=False,
            only_looks=True,
            criteria=("The report names the files to change, and what was looked at and is not concerned",),
            with_context=True,
            easy=True,
        )
    yield Piece(
        prefix,
        f"{title} {short([*ground.other_files, *ground.new_files])}" if known else f"{title} it where it was found",
        " ".join(
            [what.format(place="" if known else ", where the task before has found it,") + ".", *_towards(ground)]
        ),
        kind=kind_of(ground, writes=mode in ("first", "together") and reaches_tests, alone=True),
        others=scope,
        creates=ground.new_files,
        criteria=tuple(criteria_of(ground, [], last=True)),
        checks=ground.checks,
        after=() if known else ("find",),
        rules=rules_of(ground),
        rated=_rated(ground),
        fill=tuple(missing(ground)),
        unknown=(*(() if known else ("which files it is about",)), *unknowns(ground)),
        with_context=True,
    )


def _rated(ground: Ground) -> str:
    return ground.text("difficulty") if ground.says("difficulty", "easy", "medium", "hard") else ""


def _after(ground: Ground, groups: Sequence[Sequence[Module]], position: int, prefix: str) -> tuple[str, ...]:
    """What comes before a task: the one before it, or those of what it imports; before the last, all of them."""
    earlier = groups[:position]
    if not earlier:
        return ()
    if position == len(groups) - 1:
        return tuple(group_name(prefix, group) for group in earlier)
    if ground.says("cut", "in-steps") or (not ground.says("cut", "by-module") and ground.kind != "migration"):
        return (group_name(prefix, earlier[-1]),)
    needs = {path for module in groups[position] for path in module.imports}
    return tuple(group_name(prefix, group) for group in earlier if any(module.path in needs for module in group))


def _towards(ground: Ground) -> Iterator[str]:
    """Where the answers say that the work goes."""
    if ground.kind == "refactor" and (aim := _AIMS.get(ground.text("aim"))):
        yield f"What should be better: {aim}."
    if ground.kind == "migration" and (target := ground.text("migrate-to")):
        yield f"The new way: {target}."
    if ground.kind == "performance" and (target := ground.text("target")):
        yield f"Enough is: {target}."


def _todo(ground: Ground, mode: str, paths: Sequence[str], *, alone: bool, last: bool) -> str:
    parts = [_VERBS[ground.kind][2].format(place=f" in {short(paths)}") + ".", *_towards(ground)]
    if not alone:
        parts.append(
            "The other files have tasks of their own; where nothing is to be done here, change nothing and say so."
        )
    if last and not alone:
        parts.append("This is the last of them: see that the goal is met as a whole, and report what is missing.")
    parts.append(
        {
            "first": "The tests of the task before fail now: make them pass, and weaken none of them.",
            "together": "Write tests for it in the same task.",
            "after": "Its tests are written by a later task.",
            "held": "The tests that are there must pass unchanged; write more where none holds what you change.",
        }.get(mode, "")
    )
    return " ".join(part for part in parts if part)
