"""What the words of a goal say by themselves: its kind, and answers that nobody has to be asked for."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.orchestrator.planning.models import GoalKind

_VERBS: Final[dict[GoalKind, str]] = {
    "feature": "add|implement|support|introduce|allow|create|build|provide|enable|let|make it possible|offer|show"
    "|display|print|list|accept|an? (?:new )?(?:command|option|endpoint|page|button|function|setting)",
    "fix": "fix|repair|correct|resolve|stop|prevent|debug|investigate",
    "refactor": "refactor|clean ?up|restructure|simplify|extract|rename|split|deduplicate|reorgani[sz]e|tidy|untangle"
    "|decouple|move",
    "migration": "migrate|upgrade|port|switch|convert|replace|drop support|move off",
    "performance": "speed up|optimi[sz]e|accelerate|reduce the (?:time|memory|latency)|make \\S+(?: \\S+){0,4} faster",
    "documentation": "document|describe|explain",
}
"""What a goal of the kind begins with."""

_SIGNS: Final[dict[GoalKind, str]] = {
    "feature": r"\bnew\b|\bfeature\b|\bsupport for\b",
    "fix": r"\bbugs?\b|\bbroken\b|\bcrash\w*|\bfails?\b|\bfailing\b|\bwrong(?:ly)?\b|\bincorrect\w*|\btraceback\b"
    r"|\bregression\b|\bleaks?\b|\bhangs?\b|\b(?:does|do|is|are|can)(?:n't| not)\b|\bcannot\b|\bshould (?:not )?have\b",
    "refactor": r"\brefactor\w*|\bduplicat\w+|\bcleaner\b|\bdead code\b|\btech(?:nical)? debt\b|\bmaintainab\w+",
    "migration": r"\bmigrat\w+|\bdeprecated\b|\binstead of\b|\bfrom \S+(?: \S+){0,3} to \S+",
    "performance": r"\bfaster\b|\bslow\w*|\bspeed\b|\bperformance\b|\blatency\b|\bthroughput\b|\bmemory usage\b"
    r"|\btakes? too (?:long|much)\b",
    "documentation": r"\bdocs\b|\bdocumentation\b|\breadme\b|\bdocstrings?\b|\btutorial\b|\bhow-to\b|\bguide\b",
}
_PREFIXES: Final[dict[str, GoalKind]] = {
    "feat": "feature",
    "feature": "feature",
    "fix": "fix",
    "bugfix": "fix",
    "refactor": "refactor",
    "perf": "performance",
    "docs": "documentation",
    "doc": "documentation",
    "migration": "migration",
}
_CLEAR: Final = 3
"""Points by which a kind has to lead to need no question."""


@dataclass(frozen=True)
class Guess:
    """What a goal is about, as far as its words say it."""

    kind: GoalKind
    because: str
    clear: bool
    """Whether the words leave no doubt."""


def guessed(goal: str) -> Guess:
    """The kind of a goal, from its words: its first verb counts most, then signs anywhere."""
    text = " ".join(goal.split()).casefold()
    if (prefix := re.match(r"([a-z]+)(?:\([^)]*\))?!?: ", text)) and prefix[1] in _PREFIXES:
        return Guess(_PREFIXES[prefix[1]], f"the goal begins with '{prefix[1]}:'", clear=True)
    points: dict[GoalKind, int] = dict.fromkeys(_VERBS, 0)
    words: dict[GoalKind, str] = {}
    for kind, verbs in _VERBS.items():
        if verb := re.match(rf"(?:please |we (?:need|want) to )?({verbs})\b", text):
            points[kind] += 4
            words[kind] = verb[1]
        for sign in {match[0] for match in re.finditer(_SIGNS[kind], text)}:
            points[kind] += 2
            words.setdefault(kind, sign)
    if re.match(
        rf"(?:add|write|improve|update|extend|fix|create|correct)\b(?: \S+){{0,2}}? (?:{_SIGNS['documentation']})", text
    ):
        points["documentation"] += 5  # "add a tutorial": the verb says nothing of what it is
    ranked = sorted(points, key=lambda kind: -points[kind])
    best, second = ranked[0], ranked[1]
    if not points[best]:
        return Guess("feature", "the goal's words do not say it", clear=False)
    clear = points[best] - points[second] >= _CLEAR or (points[best] >= 4 and not points[second])
    return Guess(best, f"the goal says '{words[best]}'", clear=clear)


def first(patterns: Iterable[tuple[str, str]], text: str) -> tuple[str, str] | None:
    """The value of the first pattern that the text has, and the words that it was found in."""
    for value, pattern in patterns:
        if match := re.search(pattern, text, re.IGNORECASE):
            return value, " ".join(match[0].split())
    return None


def section(text: str, titles: str) -> str:
    """What stands in a text below (or after) one of the titles, up to the next empty line or title; else empty."""
    match = re.search(rf"(?im)^[#*\s-]*(?:{titles})[*]*\s*:?[*]*[ \t]*\n?((?:.+\n?)+)", text)
    if match is None:
        return ""
    lines: list[str] = []
    for line in match[1].splitlines():
        if lines and re.match(r"#|[A-Z][\w ]{2,30}:$", line):
            break
        lines.append(line.strip().removeprefix("- ").removeprefix("* ").removeprefix("[ ] ").strip())
    return "\n".join(filter(None, lines))
