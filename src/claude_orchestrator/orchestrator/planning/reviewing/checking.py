"""What is verified: criteria that no check covers, checks that find nothing here, tasks that nothing checks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Finding
from claude_orchestrator.orchestrator.planning.reviewing.view import Item, View, is_test
from claude_orchestrator.plans.checks import KNOWN_CHECKS, REPORT

_WORDS: Final = {
    "mypy": re.compile(r"\bmypy\b|\btype[- ](?:errors?|checks?|checked|checker)\b", re.IGNORECASE),
    "ruff": re.compile(r"\bruff\b|\blint(?:s|er|ing)?\b", re.IGNORECASE),
    "bandit": re.compile(r"\bbandit\b|\bsecurity (?:scan|check|finding|warning)s?\b", re.IGNORECASE),
    "pytest": re.compile(
        r"\bpytest\b|\btests? (?:still |all |suite )*(?:pass(?:es)?|(?:is|are) green)\b", re.IGNORECASE
    ),
}
"""Check → what a criterion says that only it can see."""

_PATH: Final = re.compile(
    r"(?<![\w/.:-])(?:[\w.-]+/)+[\w.-]*\w|(?<![\w/.:-])[\w-]+\.(?:md|rst|txt|toml|cfg|ini|json|ya?ml|py)\b"
)
_PYTHON: Final = frozenset({"ruff", "mypy", "bandit"})
_SHOWN: Final = 90
_CONDITION: Final = "a condition: 'checks: [{contains: {in: FILE, text: WHAT}}]'"


def uncovered(view: View) -> Iterator[Finding]:
    """Success criteria that no check of their task looks at."""
    for item in view.items:
        if _is_red_on_purpose(view, item):
            continue
        for criterion in item.task.success_criteria:
            if found := _uncovered(view, item, criterion):
                message, suggestion = found
                shown = " ".join(criterion.split())[:_SHOWN]
                yield item.finding("uncovered-criterion", "warning", f'"{shown}": {message}', suggestion)


def _is_red_on_purpose(view: View, item: Item) -> bool:
    """Whether it writes tests that fail until a later task, which is held to pytest, has made them pass."""
    if item.task.kind != "tests" or "pytest" in item.task.checks:
        return False
    later = (
        other for other in view.items if other.before >> item.position & 1 and other.task.kind in ("fix", "feature")
    )
    return any("pytest" in other.task.checks and any(map(other.may_change, item.task.files)) for other in later)


def _uncovered(view: View, item: Item, criterion: str) -> tuple[str, str] | None:
    names = [check for check in item.task.checks if isinstance(check, str)]
    wanted = [check for check, words in _WORDS.items() if words.search(criterion)]
    if lacking := [check for check in wanted if check not in names]:
        return f"'{lacking[0]}' is not among its checks", f"write 'checks: [{', '.join([*names, *lacking])}]'"
    if not item.task.checks:
        return (
            "nothing checks it",
            f"write 'checks: [pytest]' with a test of it in 'files', or {_CONDITION}",
        )
    if nowhere := [path for path in _PATH.findall(criterion) if _is_nowhere(view, item, path)]:
        return (
            f"{nowhere[0]} is not there, and the task may not make it",
            f"add '{nowhere[0]}' to 'files' and 'creates', or correct the criterion",
        )
    # Of behaviour, and of texts, only tests and conditions know anything.
    if wanted or "pytest" in names or any(check not in KNOWN_CHECKS for check in item.task.checks):
        return None
    return (
        f"{' and '.join(names)} cannot see it",
        f"write 'checks: [{', '.join(['pytest', *names])}]', or {_CONDITION}",
    )


def _is_nowhere(view: View, item: Item, path: str) -> bool:
    known = path in view.paths or path in view.folders or "." not in path.rpartition("/")[2]
    return (
        view.knows_files
        and not known
        and not item.may_change(path)
        and not any(path in one.makes for one in view.items)
    )


def useless(view: View) -> Iterator[Finding]:
    """Checks that find nothing in this repository, and conditions on files that are not there."""
    if view.knows_files:
        yield from _without_tests(view)
        yield from _without_python(view)
        yield from _without_file(view)


def _without_tests(view: View) -> Iterator[Finding]:
    asking = [item for item in view.items if "pytest" in item.task.checks]
    there = any(path.endswith(".py") for path in view.tests)
    named = (name for item in view.items for name in (*item.scope, *item.makes))
    made = any(is_test(name) and PurePosixPath(name).suffix in ("", ".*", ".py") for name in named)
    if asking and not there and not made:
        own = (
            f": it tests itself with {view.survey.tests.framework}"
            if view.survey and view.survey.tests.framework
            else ""
        )
        yield _about(
            asking,
            f"the check 'pytest' finds no tests here{own}",
            "add a test file to 'files' of a task, or leave 'pytest' out of 'checks'",
        )


def _without_python(view: View) -> Iterator[Finding]:
    if any(path.endswith((".py", ".pyi")) for path in view.paths):
        return
    if any(name.endswith((".py", ".pyi")) for item in view.items for name in (*item.scope, *item.makes)):
        return
    asking = [item for item in view.items if _PYTHON & {check for check in item.task.checks if isinstance(check, str)}]
    if asking:
        yield _about(
            asking,
            "the checks 'ruff', 'mypy' and 'bandit' find nothing here: there is no Python file",
            f"write 'checks: []', or {_CONDITION}",
        )


def _about(items: list[Item], message: str, suggestion: str) -> Finding:
    if len(items) == 1:
        return items[0].finding("no-check", "warning", message, suggestion)
    names = ", ".join(f"'{item.id}'" for item in items[:5]) + (" …" if len(items) > 5 else "")
    return Finding("no-check", "warning", "", f"{message} ({names})", suggestion)


def _without_file(view: View) -> Iterator[Finding]:
    for item in view.items:
        for check in item.task.checks:
            place = REPORT if isinstance(check, str) else next(iter(check.values()))["in"]
            if place != REPORT and place not in view.paths and not _may_be_made(view, item, place):
                kind = "" if isinstance(check, str) else next(iter(check))
                yield item.finding(
                    "no-check",
                    "warning",
                    f"the check '{kind}' reads {place}, which is not there and which the task may not make",
                    f"add '{place}' to 'files' and 'creates', or name another file in 'in'",
                )


def _may_be_made(view: View, item: Item, path: str) -> bool:
    before = (other for other in view.items if item.before >> other.position & 1)
    return item.may_change(path) or any(other.may_change(path) for other in before)


def unchecked(view: View) -> Iterator[Finding]:
    """Work of a model of which nothing but its scope is checked."""
    for item in view.items:
        if item.prompted and not item.task.checks and not item.task.success_criteria:
            yield item.finding(
                "no-check",
                "note" if item.task.kind == "documentation" else "warning",
                "nothing but its scope is checked",
                f"write 'checks: [pytest]', or {_CONDITION}",
            )
