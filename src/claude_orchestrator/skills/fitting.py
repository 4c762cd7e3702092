"""How well a skill fits a task: words and files in common, counted, never guessed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.errors import PlanError
from claude_orchestrator.skills.skill_file import Skill
from claude_orchestrator.workspace.locks import matches, overlap

THRESHOLD: Final = 4
"""Points that a skill needs to fit a task."""

_CALLED, _FILES, _TOPIC, _NAME, _TEXT = 100, 4, 4, 3, 1
"""Points: the task calls the skill by its name; its globs meet the task's files; each word of its name that is in the
task's title, or elsewhere in the task; each word of its description."""

_WORD: Final = re.compile(r"[^\W_]{3,}")
_ENDINGS: Final = ("ions", "ion", "ings", "ing", "ers", "er", "ed", "es", "s")
_EVERYWHERE: Final = frozenset({".", "./", "**", "**/*", "*"})
_SAYS_NOTHING: Final = """
    able about add after again all also always and any are ask asked asks back because been before being best better
    both but can change changed changes code come could did does doing done don each edit else even every everything
    file files first fix for from get give gives good guide had has have help helps her here him his how into its itself
    just keep know let like look make makes making many may more most much must name need needs never new not nothing
    now off old one only other our out over own part please project put read same say says see set should show skill
    skills small some something such sure take task tasks than that the their them then there these they thing things
    this those through too under until update upon use used user using very want was way well were what when where
    whether which while who why will with within without work working would write written you your
    """.split()  # noqa: SIM905  (a list of words is read more easily so)


@dataclass(frozen=True)
class Fit:
    """How well a skill fits: points, and what they are for."""

    points: int
    because: str


@dataclass(frozen=True)
class Wanted:
    """What a task says of itself, as far as skills are concerned."""

    text: str
    topic: frozenset[str]
    """The stems of its title."""
    stems: frozenset[str]
    """The stems of all that it says, also of the names of its files."""
    files: tuple[str, ...]


def wanted(definition: Mapping[str, Any]) -> Wanted:
    """Read a task's definition: its title, prompt, success criteria and files."""
    files = tuple(str(file) for file in definition.get("files") or ())
    criteria = [str(criterion) for criterion in definition.get("success_criteria") or ()]
    title, prompt = (str(definition.get(name) or "") for name in ("title", "prompt"))
    text = "\n".join([title, prompt, *criteria])
    stems = frozenset(_stems("\n".join([text, *files])))
    return Wanted(text.casefold(), frozenset(_stems(title)), stems, files)


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
    for what, words in (("name", in_name), ("description", in_text)):
        common = {stem: word for stem, word in words.items() if stem in task.stems}
        if common:
            reasons.append(f"its {what} has {', '.join(common.values())}")
        by_word = _NAME if what == "name" else _TEXT
        points += sum(_TOPIC if what == "name" and stem in task.topic else by_word for stem in common)
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
                if _meet(pattern, file):
                    return pattern
            except PlanError:
                continue  # a glob that leaves the repository stands for none of its files
    return ""


def _meet(pattern: str, file: str) -> bool:
    """Whether the globs can stand for the same file; what is named with an ending (``a.py``) is no folder."""
    is_file = PurePosixPath(file).suffix and not any(wild in file for wild in "*?[")
    return matches(pattern, file) if is_file else overlap(pattern, file)


def _stems(text: str) -> dict[str, str]:
    """The stems of the words that say something, each with its first word, in the text's order."""
    found: dict[str, str] = {}
    for word in _WORD.findall(text.casefold()):
        if (stem := _stem(word)) not in _STEMS_THAT_SAY_NOTHING:
            found.setdefault(stem, word)
    return found


def _stem(word: str) -> str:
    """The word without its commonest endings: crude, and the same for both sides."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    return word[:-1] if len(word) > 3 and word[-1] in "eyi" else word


_STEMS_THAT_SAY_NOTHING: Final = frozenset(map(_stem, _SAYS_NOTHING))
