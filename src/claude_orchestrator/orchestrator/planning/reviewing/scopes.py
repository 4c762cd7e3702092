"""What tasks may change: files that are not there, files that are there already, scopes that are everything."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Finding
from claude_orchestrator.orchestrator.planning.reviewing.view import Item, View
from claude_orchestrator.plans.patterns import WILDCARD, matches, tidy_path

_COMPARED: Final = 3_000
"""Paths that a misspelled one is compared with, at most."""

_CLOSE: Final = 0.75
_LIKE: Final = 0.6


def missing_files(view: View) -> Iterator[Finding]:
    """Files of a scope, or of an operation, that are not there and that nobody makes; globs that match nothing."""
    if not view.knows_files:
        return
    for item in view.items:
        for pattern in dict.fromkeys([*item.scope, *sorted(item.changes)]):
            if not _is_there(view, pattern) and not any(matches(pattern, path) for path in item.makes):
                yield from _missing(view, item, pattern)


def _is_there(view: View, pattern: str) -> bool:
    if WILDCARD.search(pattern):
        return bool(view.files_of(pattern))
    path = tidy_path(pattern)
    return path in view.paths or path in view.folders


def _missing(view: View, item: Item, pattern: str) -> Iterator[Finding]:
    makers = [other for other in view.items if any(matches(pattern, path) for path in other.makes)]
    if any(item.before >> other.position & 1 for other in makers):
        return
    if makers:
        yield item.finding(
            "missing-file",
            "warning",
            f"'{pattern}' is made by '{makers[0].id}', for which it does not wait",
            f"write 'depends_on: [{', '.join([*item.task.depends_on, makers[0].id])}]'",
        )
    elif found := WILDCARD.search(pattern):
        folder = tidy_path(pattern[: found.start()].rpartition("/")[0])
        if (folder in view.folders or not folder) and (view.in_scope(item) or item.makes):
            return  # one of several, such as '**/*.pyi'
        yield item.finding(
            "missing-file",
            "warning",
            f"no file matches '{pattern}'",
            "correct it in 'files', or name in 'creates' the files that the task makes there",
        )
    else:
        meant = _meant(view, tidy_path(pattern))
        add = f"add 'creates: [{pattern.rstrip('/')}]' if the task makes it"
        yield item.finding(
            "missing-file",
            "error",
            f"'{pattern}' is not there, and no task makes it" + (f": did you mean '{meant}'?" if meant else ""),
            f"write '{meant}' in its place, or {add}" if meant else add,
        )


def _meant(view: View, path: str) -> str:
    """The file or folder of the repository that was probably meant, or nothing."""
    name, known = path.rpartition("/")[2], view.paths | view.folders - {"."}
    if below := sorted(one for one in known if one.endswith(f"/{path}")):
        return below[0]
    if same := sorted(one for one in known if one.rpartition("/")[2] == name)[:_COMPARED]:
        best = max(same, key=lambda one: _likeness(path, one))
        return best if _likeness(path, best) >= _LIKE else ""
    start = path.partition("/")[0]
    near = sorted(known, key=lambda one: (one.partition("/")[0] != start, one))[:_COMPARED]
    close = difflib.get_close_matches(path, near, n=5, cutoff=_CLOSE)
    # Long folders make any two files of them alike: it is the name that counts.
    return next((one for one in close if _likeness(name, one.rpartition("/")[2]) >= _CLOSE), "")


def _likeness(one: str, other: str) -> float:
    return difflib.SequenceMatcher(None, one, other).ratio()


def made_before(view: View) -> Iterator[Finding]:
    """Files that a task is to create, and that are there already."""
    for item in view.items:
        if there := [path for path in item.task.creates if tidy_path(path) in view.paths]:
            yield item.finding(
                "exists",
                "warning",
                f"is to create {', '.join(there[:5])}, which is there already",
                "remove it from 'creates' (it stays in 'files'), or give the new file another name",
            )


def whole_repository(view: View) -> Iterator[Finding]:
    """Tasks that may change every file: nothing else is worked on meanwhile, and no file is out of their scope."""
    for item in view.items:
        beside = [other.id for other in view.items if other.id != item.id and view.runs_beside(item, other)]
        if item.scope or not (item.prompted or beside):
            continue
        alone = f", and {len(beside)} other tasks wait meanwhile" if beside else ""
        yield item.finding(
            "whole-repository",
            "warning" if item.prompted else "note",
            f"may change every file{alone}; what it should not touch, nobody notices",
            f"write 'files: [{', '.join(_instead(view, item))}]' with the paths that it is about",
        )


def _instead(view: View, item: Item) -> list[str]:
    if named := sorted(item.makes | item.changes):
        return named[:5]
    modules = view.survey.modules if view.survey else ()
    folders = dict.fromkeys(module.path.partition("/")[0] for module in modules if "/" in module.path)
    return list(folders)[:4] or ["src", "tests"]
