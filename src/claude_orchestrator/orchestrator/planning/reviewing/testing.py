"""Whether tests come with the changes: scopes without a test file, kinds that ask for one, fixes that do not say so."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Finding
from claude_orchestrator.orchestrator.planning.reviewing.view import TEST_PLACES, Item, View, is_test
from claude_orchestrator.plans.patterns import WILDCARD, overlap, tidy_path

_NEEDS_TEST: Final = frozenset({"fix", "feature"})
_FIX: Final = re.compile(r"\b(?:fix(?:es|ed)?|bug(?:fix)?|repair|regression|hotfix)\b", re.IGNORECASE)
_SOURCE: Final = re.compile(r".*\.(?:py|pyx|js|jsx|ts|tsx|go|rs|java|kt|rb|php|c|cc|cpp|h|cs|swift)")
_NOT_FIX: Final = re.compile(r"\bfix(?:ed|es)? (?:the )?(?:imports?|format\w*|lint\w*|typos?|docs?)\b", re.IGNORECASE)


def without_tests(view: View) -> Iterable[Finding]:
    """A fix or feature that may not touch any test; a plan that changes source and has no test in any scope."""
    for item in view.items:
        if item.task.kind in _NEEDS_TEST and not _names_tests(view, item):
            yield _without_test(view, item)
    changing = [item for item in view.items if item.prompted and item.scope and _touches_source(view, item)]
    tested = any(_names_tests(view, item) for item in view.items)
    if changing and not tested and not any(item.task.kind in _NEEDS_TEST for item in view.items):
        names = ", ".join(f"'{item.id}'" for item in changing[:5])
        yield Finding(
            "no-tests",
            "warning",
            "",
            f"source is changed ({names}), and no task may touch a test",
            f"add a test file to 'files', such as {_test_for(view, changing[0])}, or a task of 'kind: tests'",
        )


def _without_test(view: View, item: Item) -> Finding:
    possible = any(_may_hold_tests(view, pattern) for pattern in item.scope)
    return item.finding(
        "no-tests",
        "warning" if possible else "error",
        f"is a {item.task.kind}: at least one new or edited test has to fail without the change, and "
        + ("its scope names no test" if possible else "it may not touch any"),
        f"add a test file to 'files', such as {_test_for(view, item)}",
    )


def _may_hold_tests(view: View, pattern: str) -> bool:
    if not WILDCARD.search(pattern):
        return tidy_path(pattern) in view.folders or not PurePosixPath(pattern).suffix
    return any(overlap(pattern, place) for place in TEST_PLACES)


def _names_tests(view: View, item: Item) -> bool:
    """Whether a task may change tests, and its scope is about them or has those that are there."""
    if not item.scope:
        return True
    if any(is_test(pattern) for pattern in item.scope) or any(is_test(path) for path in item.makes):
        return True
    return not view.tests.isdisjoint(view.in_scope(item))


def _touches_source(view: View, item: Item) -> bool:
    names = [*item.scope, *(path for path in view.in_scope(item) if not is_test(path))]
    return any(_SOURCE.fullmatch(name) and not is_test(name) for name in names)


def _test_for(view: View, item: Item) -> str:
    """The tests that belong to the task's modules, or where they would be expected."""
    modules = view.survey.modules if view.survey else ()
    scope = frozenset(view.in_scope(item)) if item.scope else frozenset()
    if known := [test for module in modules if module.path in scope for test in module.tests]:
        return known[0]
    folder = next(iter(view.survey.tests.folders), "tests") if view.survey else "tests"
    sources = [*item.scope, *view.in_scope(item)[:50]]
    name = next(
        (source.rpartition("/")[2] for source in sources if _SOURCE.fullmatch(source) and "*" not in source), ""
    )
    if not name.endswith(".py"):
        return f"{folder}/"
    return f"{folder}/test_{name}" if folder not in ("", ".") else f"test_{name}"


def without_kind(view: View) -> Iterator[Finding]:
    """What calls itself a fix and has no kind: nobody demands a test that shows it."""
    for item in view.items:
        title = f"{item.task.title} {item.id.replace('-', ' ').replace('_', ' ')}"
        if item.task.kind is None and item.prompted and _FIX.search(title) and not _NOT_FIX.search(title):
            yield item.finding(
                "no-kind",
                "warning",
                "seems to be a fix, and does not say so: nobody asks for a test that fails without it",
                "write 'kind: fix'",
            )
