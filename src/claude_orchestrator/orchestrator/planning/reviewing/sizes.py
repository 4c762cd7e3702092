"""How much a task has to read: whether it fits into one attempt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Final

from claude_orchestrator.orchestrator.context_builder import BUDGET
from claude_orchestrator.orchestrator.planning.models import Finding
from claude_orchestrator.orchestrator.planning.reviewing.view import Item, View

_BYTES_A_TOKEN: Final = 4
_TOKENS_A_LINE: Final = 10
"""What code has, about; the map knows lines."""

_NEARLY_ALL: Final = 0.8


def tokens(view: View, item: Item) -> int:
    """Tokens of a task's words, and of all files of the repository that it may change: an estimate."""
    task = item.task
    said = sum(len(text) for text in (task.prompt, task.title, *task.success_criteria))
    return said // _BYTES_A_TOKEN + sum(_by_file(view, item).values())


def _by_file(view: View, item: Item) -> dict[str, int]:
    lines = {module.path: module.lines for module in view.survey.modules} if view.survey else {}
    return {
        path: view.sizes[path] // _BYTES_A_TOKEN if path in view.sizes else lines.get(path, 0) * _TOKENS_A_LINE
        for path in view.in_scope(item)
    }


def too_big(view: View) -> Iterator[Finding]:
    """Tasks whose files do not fit into what one attempt can look at."""
    for item in view.items:
        if item.prompted and item.scope and (needed := tokens(view, item)) > BUDGET:
            yield item.finding(
                "too-big",
                "warning",
                f"its files have about {needed:,} tokens, and one attempt can look at about {BUDGET:,}",
                _split(item, _folders(_by_file(view, item).items())),
            )


def _folders(files: Iterable[tuple[str, int]]) -> list[str]:
    """The folders that have the most of it, where none of them has nearly all."""
    known, inside = list(files), ""
    while True:
        sums: Counter[str] = Counter()
        for path, size in known:
            if path.startswith(inside) and "/" in path[len(inside) :]:
                sums[inside + path[len(inside) :].partition("/")[0]] += size
        if not sums or sums.most_common(1)[0][1] < _NEARLY_ALL * sum(size for _, size in known):
            return [folder for folder, _ in sums.most_common(4)]
        inside = f"{sums.most_common(1)[0][0]}/"


def _split(item: Item, folders: list[str]) -> str:
    if len(folders) < 2:
        return "name in 'files' only what it has to change, or split the task in two"
    parts = "; ".join(f"id: {item.id[:40]}-{number}, files: [{one}]" for number, one in enumerate(folders, start=1))
    return f"split it by folder, each with its own part of the prompt: {parts}"
