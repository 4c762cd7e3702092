"""The mechanical review of a plan, before anybody approves it: what is wrong, what costs time, what nobody will check.

What comes in: a plan or a raw draft, the map of its repository, the settings, this home's history. What goes out:
findings, each with a change in the words of a plan file, an estimate, and how much each task has to read. Nothing is
read, run or asked here. A rule is a function of a :class:`~.view.View`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, Final

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.planning.estimating import History, Work, estimate, history
from claude_orchestrator.orchestrator.planning.models import Estimate, Finding, Review, Survey
from claude_orchestrator.orchestrator.planning.reviewing import checking, graph, money, prompts, scopes, sizes, testing
from claude_orchestrator.orchestrator.planning.reviewing.view import View, share
from claude_orchestrator.plans.files import check_data
from claude_orchestrator.plans.models import Plan

__all__ = ["RULES", "History", "history", "review"]

Rule = Callable[[View], Iterable[Finding]]

RULES: Final[tuple[Rule, ...]] = (
    scopes.missing_files,
    scopes.made_before,
    scopes.whole_repository,
    graph.overlaps,
    graph.duplicates,
    prompts.marks,
    prompts.thin,
    sizes.too_big,
    testing.without_tests,
    testing.without_kind,
    checking.uncovered,
    checking.useless,
    checking.unchecked,
)
"""Every rule that looks at the plan alone; :func:`money.budgets` looks at its estimate, too."""

_MOST: Final = 20
"""Findings of one rule that are told one by one."""

_RANK: Final = {"error": 0, "warning": 1, "note": 2}


def review(
    plan: Plan | Mapping[str, Any],
    survey: Survey | None = None,
    *,
    settings: Settings,
    history: History | None = None,
    sizes_of: Mapping[str, int] | None = None,
) -> Review:
    """Review a plan, or a raw draft of one, for a repository; errors first. Raises nothing, whatever the plan says.

    Without a ``survey`` nothing is said of files, tests and checks of the repository. ``sizes_of`` maps paths to bytes;
    what a task has to read is estimated from the map's lines where they are not known.
    """
    if not isinstance(plan, Plan):
        checked, problems = check_data(plan)
        if checked is None:
            found = [Finding(graph.rule_of(one), "error", "", one.message, one.hint) for one in problems]
            return Review(tuple(found), Estimate(None, None, 0, "no estimate: the draft is no plan yet"))
        plan = checked
    view = View(plan, survey, settings, sizes_of or {})
    expected = estimate(_work(view), history, settings.max_parallel)
    findings = [one for rule in RULES for one in _shortened(rule(view))]
    findings += _shortened(money.budgets(view, expected))
    return Review(
        tuple(sorted(findings, key=lambda one: _RANK[one.severity])),
        expected,
        {item.id: sizes.tokens(view, item) for item in view.items},
    )


def _work(view: View) -> list[Work]:
    """The tasks as an estimate draws them."""
    apart: dict[str, set[str]] = {item.id: set() for item in view.items}
    for first, second in view.pairs():
        if view.runs_beside(first, second) and share(first, second):
            apart[first.id].add(second.id)
            apart[second.id].add(first.id)
    ids = [item.id for item in view.items]
    return [
        Work(
            item.id,
            item.agent,
            item.task.difficulty,
            item.task.max_attempts,
            frozenset(name for position, name in enumerate(ids) if item.before >> position & 1),
            frozenset(apart[item.id]),
        )
        for item in view.items
    ]


def _shortened(findings: Iterable[Finding]) -> Iterator[Finding]:
    """The findings of a rule; of very many of one kind the first, and how many more there are."""
    kind = lambda one: (_RANK[one.severity], one.rule)  # noqa: E731
    for _, group in groupby(sorted(findings, key=kind), key=kind):
        ones = list(group)
        yield from ones[:_MOST]
        if len(ones) > _MOST:
            last = ones[_MOST]
            more = len(ones) - _MOST
            yield Finding(
                last.rule, last.severity, "", f"{more} more like these", "settle these first, then review again"
            )
