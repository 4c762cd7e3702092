"""How the tasks stand to each other: drafts that are no plan, common files, tasks that are there twice."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from claude_orchestrator.orchestrator.planning.models import Finding
from claude_orchestrator.orchestrator.planning.reviewing.view import Item, View, share
from claude_orchestrator.plans.files import Problem


def rule_of(problem: Problem) -> str:
    """The rule that a mistake of a draft goes against."""
    if "wait for each other" in problem.message:
        return "cycle"
    if "depends on" in problem.message and "not there" in problem.message:
        return "unknown-dependency"
    return "double-id" if "is there twice" in problem.message or "differ only in case" in problem.message else "invalid"


def overlaps(view: View) -> Iterable[Finding]:
    """Tasks that could run at once, and have files in common: the locks let them run one after the other."""
    common: dict[str, list[tuple[Item, str]]] = {}
    for first, second in view.pairs():
        if first.scope and second.scope and view.runs_beside(first, second) and (at := share(first, second)):
            common.setdefault(second.id, []).append((first, at))
    for item in view.items:
        if others := common.get(item.id):
            yield _overlap(item, others)


def _overlap(item: Item, others: list[tuple[Item, str]]) -> Finding:
    named = ", ".join(f"'{other.id}' ({at})" for other, at in others[:3])
    more = f" and {len(others) - 3} more" if len(others) > 3 else ""
    needs = ", ".join([*item.task.depends_on, *(other.id for other, _ in others[:3])])
    return item.finding(
        "overlap",
        "warning",
        f"may change files that {named}{more} may change, too: they are never worked on at once, and the later one"
        " starts from what it does not know",
        f"write 'depends_on: [{needs}]', or give each its own 'files'",
    )


def duplicates(view: View) -> Iterator[Finding]:
    """Tasks that say the same."""
    first: dict[tuple[object, ...], Item] = {}
    for item in view.items:
        task = item.task
        words = " ".join(task.prompt.casefold().split())
        what = tuple(task.command or ()), repr(task.operations), repr(task.attempts)
        key = (words, *what, tuple(sorted(task.files)))
        if key in first:
            yield item.finding(
                "duplicate",
                "warning",
                f"says the same as '{first[key].id}', and may change the same files",
                "remove one of the two, or say in 'prompt' what is different",
            )
        first.setdefault(key, item)
