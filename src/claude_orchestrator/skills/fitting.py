"""How well a skill fits a task: words and files in common, counted, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from claude_orchestrator.errors import PlanError
from claude_orchestrator.skills.skill_file import Skill
from claude_orchestrator.workspace.locks import overlap

THRESHOLD: Final = 5
"""Points that a skill needs to fit a task."""

_FILES, _NAME, _TEXT, _CALLED = 5, 3, 1, 10
"""Points: its globs meet the task's files; each word of its name, of its description; the task calls it by its name."""

_WORD: Final = re.compile(r"[^\W_]{3,}")
_ENDINGS: Final = ("ations", "ation", "ings", "ing", "ers", "ies", "er", "ed", "es", "s", "e", "y")
_EVERYWHERE: Final = frozenset({".", "./", "**", "**/*", "*"})
_SAYS_NOTHING: Final = frozenset(
    """
    able about add after again all also always and any are ask asked asks back because been before being best better
    both but can change changed changes code come could did does doing done don each edit else even every everything
    file files first fix for from get give gives good guide had has have help helps her here him his how into its itself
    just keep know let like look make makes making many may more most much must name need needs never new not nothing
    now off old one only other our out over own part please project put read same say says see set should show skill
    skills small some something such sure take task tasks than that the their them then there these they thing things
    this those through too under until update upon use used user using very want was way well were what when where
    whether which while who why will with within without work working would write written you your
    """.split()  # noqa: SIM905  (a list of words is read more easily so)
)


@dataclass(frozen=True)
class Fit:
    """How well a skill fits: points, and what they are for."""

    points: int
    because: str


@dataclass(frozen=True)
class Wanted:
    """What a task says of itself, as far as skills are concerned."""

    text: str
    stems: frozenset[str]
    files: tuple[str, ...]


def wanted(definition: Mapping[str, Any]) -> Wanted:
    """Read a task's definition: its title, prompt, success criteria and files."""
    files = tuple(str(file) for file in definition.get("files") or ())
    criteria = [str(criterion) for criterion in definition.get("success_criteria") or ()]
    text = "\n".join([str(definition.get("title") or ""), str(definition.get("prompt") or ""), *criteria])
    return Wanted(text.casefold(), frozenset(_stems("\n".join([text, *files]))), files)


def fit(skill: Skill, task: Wanted) -> Fit | None:
    """How well the skill fits the task, or None when it does not."""
    if skill.problem:
        return None
    if _is_called(skill.name, task.text):
        return Fit(_CALLED, "the task names it")
    if skill.by_hand:
        return None
    points, reasons = 0, []
    named = [file for file in task.files if file not in _EVERYWHERE]
    if skill.patterns and named:
        if not (met := _meeting(skill.patterns, named)):
            return None
        points += _FILES
        reasons.append(f"it is for {met}")
    in_name = _stems(skill.name)
    in_text = {stem: word for stem, word in _stems(f"{skill.description} {skill.hints}").items() if stem not in in_name}
    for words, each in ((in_name, _NAME), (in_text, _TEXT)):
        common = [word for stem, word in words.items() if stem in task.stems]
        points += each * len(common)
        if common:
            reasons.append(("its name has " if each == _NAME else "its description has ") + ", ".join(common))
    return Fit(points, "; ".join(reasons)) if points >= THRESHOLD else None


def _is_called(name: str, text: str) -> bool:
    """Whether the text has the name as a command (``/name``) or in quotes or backticks."""
    wanted_name = re.escape(name.casefold())
    return bool(re.search(rf"(?:(?<![\w/.])/{wanted_name}(?![\w/.-])|([`'\"])/?{wanted_name}\1)", text))


def _meeting(patterns: Sequence[str], files: Sequence[str]) -> str:
    """The first glob of the skill that can stand for a file that the task may change; empty when there is none."""
    for pattern in patterns:
        for file in files:
            try:
                if overlap(pattern, file):
                    return pattern
            except PlanError:
                continue  # a glob that leaves the repository stands for none of its files
    return ""


def _stems(text: str) -> dict[str, str]:
    """The stems of the words that say something, each with its first word, in the text's order."""
    found: dict[str, str] = {}
    for word in _WORD.findall(text.casefold()):
        if word not in _SAYS_NOTHING:
            found.setdefault(_stem(word), word)
    return found


def _stem(word: str) -> str:
    """The word without its commonest endings: crude, and the same for both sides."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            return word[: -len(ending)]
    return word
