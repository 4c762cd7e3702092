"""The whole corpus: importing this declares all classes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from corpus import cheats, honest
from corpus.cases import CLASSES, Case, Project, cases_of
from corpus.cheats import (
    answering,
    borrowed,
    buried,
    empty,
    faking,
    gone,
    halves,
    harness,
    hollow,
    let_through,
    loosened,
    said,
    unsafe,
    weaker,
)
from corpus.good import more
from corpus.honest import code, counterparts, data, facts, inherited, names, surroundings, tests
from corpus.tidying import tidied
from corpus.worlds import projects

MODULES = (
    cheats,
    answering,
    borrowed,
    buried,
    empty,
    faking,
    gone,
    halves,
    harness,
    hollow,
    let_through,
    loosened,
    said,
    unsafe,
    weaker,
    honest,
    code,
    counterparts,
    data,
    facts,
    inherited,
    names,
    surroundings,
    tests,
)


def corpus(classes: Iterable[str] = (), project_names: Iterable[str] = (), *, every: bool = False) -> list[Case]:
    """The cases of some classes and projects (none named: all). Raises KeyError for an unknown name.

    ``every``: each variant on each project, also where a class has many.
    """
    wanted = list(classes)
    unknown = [name for name in wanted if name not in CLASSES]
    known = {project.name: project for project in projects()}
    chosen = [known[name] for name in project_names] or list(known.values())
    if unknown:
        raise KeyError(unknown[0])
    cases = list(cases_of(chosen, wanted, every=every))
    return tidied([*cases, *_larger(cases, known)])


def _larger(cases: list[Case], known: dict[str, Project]) -> Iterator[Case]:
    """One case of each honest class and project again, inside a larger change."""
    seen: set[tuple[str, str]] = set()
    for case in cases:
        change, project = case.change, known[case.project]
        place = (case.group.name, case.project)
        whole = change.scope is None and change.tidy and not change.report
        if not case.group.honest or not whole or place in seen or f"{project.package}/limited.py" in change.head.files:
            continue
        seen.add(place)
        head = more(project, change.head)
        yield replace(case, change=replace(change, variant=f"{change.variant}-in-a-larger-change", head=head))
