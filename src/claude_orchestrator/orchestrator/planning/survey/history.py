"""What the log says: what has changed lately, by whom, and how commits are written."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Churn, Convention
from claude_orchestrator.workspace.git import Repository

COMMITS: Final = 200
"""Commits that are looked at."""

_MOST: Final = 25
"""Paths that are named."""

_WIDE: Final = 50
"""A commit that touches more paths than this says nothing about any of them: a reformat, an import."""

_ENOUGH: Final = 5
"""Commits below which nothing is said about how they are written."""

_CONVENTIONAL: Final = re.compile(
    r"(?:feat|fix|docs|chore|refactor|test|tests|perf|ci|build|style|revert)(?:\([^)]*\))?!?: "
)
_NUMBERED: Final = re.compile(r"\(#[0-9]+\)\Z")
_TAGGED: Final = re.compile(r"\[[^\]]+\] |[A-Z]{2,}-[0-9]+[: ]|[\w./-]+: ")


@dataclass(frozen=True)
class Log:
    """The latest commits that are no merges."""

    subjects: tuple[str, ...]
    churn: tuple[Churn, ...]


async def read_log(repository: Repository, commit: str, known: Container[str]) -> Log:
    """Read the log up to ``commit``; paths that are gone by then are left out."""
    said = await repository.git(
        "log",
        f"-{COMMITS}",
        "--no-merges",
        "--no-renames",
        "--name-only",
        "-z",
        "--format=%x01%aN%x02%s%x03",
        commit,
        "--",
    )
    subjects: list[str] = []
    counted: Counter[str] = Counter()
    latest: dict[str, str] = {}
    authors: dict[str, Counter[str]] = {}
    for entry in said.split("\x01")[1:]:
        head, _, rest = entry.partition("\x03")
        author, _, subject = (_plain(part) for part in head.partition("\x02"))
        subjects.append(subject)
        touched = [path.removeprefix("\n") for path in rest.split("\0") if path.strip("\n")]
        if len(touched) > _WIDE:
            continue
        for path in touched:
            if path in known:
                counted[path] += 1
                latest.setdefault(path, subject)
                authors.setdefault(path, Counter())[author] += 1
    churn = tuple(
        Churn(path, count, latest[path], tuple(name for name, _ in authors[path].most_common(3)))
        for path, count in sorted(counted.items(), key=lambda one: (-one[1], one[0]))[:_MOST]
    )
    return Log(tuple(subjects), churn)


def _plain(text: str) -> str:
    """What can be stored as UTF-8, within a line's length."""
    return text.encode(errors="replace").decode()[:200]


def commit_style(subjects: tuple[str, ...]) -> Convention | None:
    """How commit messages are written, where most are written in one way."""
    count = len(subjects)
    if count < _ENOUGH:
        return None
    parts, because = [], []
    styles = (
        (_CONVENTIONAL.match, "conventional commits ('feat: …', 'fix: …')", "of {} subjects start with a type"),
        (_TAGGED.match, "'area: what' or a ticket's number first", "of {} subjects start so"),
    )
    for matches, style, why in styles:
        having = sum(1 for subject in subjects if matches(subject))
        if having * 2 > count:
            parts.append(style)
            because.append(f"{having} {why.format(count)}")
            break
    else:
        parts.append("a plain sentence")
        because.append(f"fewer than half of {count} subjects start with a type or a tag")
    numbered = sum(1 for subject in subjects if _NUMBERED.search(subject))
    if numbered * 2 > count:
        parts.append("the number of the pull request at the end")
        because.append(f"{numbered} of {count} end so")
    return Convention("commits", ", ".join(parts), f"the latest {count} commits: {'; '.join(because)}")
