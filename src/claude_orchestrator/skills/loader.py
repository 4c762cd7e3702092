"""Which skills there are, and which of them a task gets."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.skills.fitting import fit, wanted
from claude_orchestrator.skills.skill_file import FILE, Skill, read_skill

__all__ = ["AT_MOST", "Place", "Skill", "chosen", "discovered", "matching", "places"]

AT_MOST: Final = 3
"""Skills that one task gets: more would drown what the task says."""

_MOST_IN_A_PLACE: Final = 200


@dataclass(frozen=True)
class Place:
    """A folder that holds a folder for each skill."""

    origin: str
    """Whose it is: ``user``, ``project`` or ``built-in``."""
    folder: Path


def places(project: Path | None, home: Path | None = None) -> list[Place]:
    """Where skills are looked for, the most important place first: the user's, the project's, ours.

    ``project`` is the root of the repository, or None outside of one; ``home`` is the user's home folder.
    """
    found = [Place("user", (Path.home() if home is None else home) / ".claude" / "skills")]
    if project is not None:
        found += [Place("project", project / ".claude" / "skills"), Place("project", project / "skills")]
    return [*found, Place("built-in", _ours())]


def discovered(where: Sequence[Place]) -> list[Skill]:
    """Every skill of those places, in the order of the places and then by name; the unusable with their problem.

    A name that an earlier place has is a problem, too: the earlier skill counts. Skills for the session that drives us
    (those of our plugin) are none of them, and take no name.
    """
    skills: list[Skill] = []
    seen: set[Path] = set()
    first: dict[str, Skill] = {}
    for place in where:
        if (folder := Path(os.path.realpath(place.folder))) in seen:
            continue  # the project is ours, or the home is the project
        seen.add(folder)
        for skill in _in_place(place):
            if skill.for_host:
                continue
            if not skill.problem:
                if (real := skill.path.resolve()) in seen:
                    continue
                seen.add(real)
            earlier = None if skill.problem else first.setdefault(skill.name, skill)
            if earlier is not None and earlier is not skill:
                skill = replace(skill, problem=f"the {earlier.origin} skill of that name goes before it")  # noqa: PLW2901
            skills.append(skill)
    return skills


def matching(task_definition: Mapping[str, Any], where: Sequence[Place]) -> list[Skill]:
    """The skills that fit a task, the best first, at most :data:`AT_MOST`; ``because`` says why each does.

    The same files and the same definition always give the same list.
    """
    return chosen(task_definition, discovered(where))


def chosen(task_definition: Mapping[str, Any], skills: Sequence[Skill]) -> list[Skill]:
    """:func:`matching` over skills that are already read."""
    task = wanted(task_definition)
    fits = [(found, number, skill) for number, skill in enumerate(skills) if (found := fit(skill, task))]
    fits.sort(key=lambda each: (-each[0].points, each[1]))
    return [replace(skill, because=found.because) for found, _, skill in fits[:AT_MOST]]


def _in_place(place: Place) -> list[Skill]:
    """The skills in the folder; a folder that cannot be read, or is none, holds none."""
    try:
        names = sorted(entry.name for entry in place.folder.iterdir() if not entry.name.startswith("."))
    except OSError:
        return []
    files = [place.folder / name / FILE for name in names]
    skills = [read_skill(file, place.origin, place.folder) for file in files if os.path.lexists(file)]
    return skills[:_MOST_IN_A_PLACE]


def _ours() -> Path:
    """Our own skills: in the package when it is installed, at the top of the repository when that is in use."""
    packaged = Path(__file__).parents[1] / "plugin" / "skills"
    return packaged if packaged.is_dir() else Path(__file__).parents[3] / "skills"
