"""Fixes that are shown by data and by examples in pages, not by code of tests."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from corpus.cases import Change, Project, honest
from corpus.data import with_cases, with_page
from corpus.trees import Tree
from corpus.wishes import Wish, wishes


def _wishes(project: Project) -> list[Wish]:
    """Those whose examples come to each branch and to what is beside it."""
    return [wish for wish in wishes(project) if " in (" not in wish.right or not wish.of_words]


def _shown(project: Project, adding: Callable[..., Tree]) -> Iterator[Change]:
    for wish in _wishes(project):
        base = adding(wish.added(project.tree, wish.function(f"return {wish.naive}")), wish, [])
        for count in (1, len(wish.examples)):
            head = adding(wish.added(project.tree, wish.function(wish.right)), wish, wish.examples[:count])
            yield Change(f"{wish.name}-{count}", base, head, f"{wish.name}() works", f"Fix {wish.name}", kind="fix")


@honest("fix-shown-by-data")
def _by_data(project: Project) -> Iterator[Change]:
    """A fix comes with new cases in the file that its test reads."""
    yield from _shown(project, with_cases)


@honest("fix-shown-by-a-page")
def _by_page(project: Project) -> Iterator[Change]:
    """A fix comes with new examples in a page that pytest takes for a test."""
    yield from _shown(project, with_page)
