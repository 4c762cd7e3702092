"""``skills``: which skills there are, what is wrong with some, and which task of a plan gets which."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.skills.loader import Skill


@dataclass(frozen=True)
class _Given:
    """What one task of the plan gets."""

    task: str
    title: str
    skills: list[Skill]


def skills(
    plan: Annotated[
        Path | None, typer.Option("--for", metavar="PLAN", help="Say which task of this plan file gets which skills.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document.")] = False,
) -> None:
    """List the skills of the user, the project and the program: SKILL.md files that agents get with fitting tasks."""
    from claude_orchestrator.cli.policies import project_of
    from claude_orchestrator.skills.loader import discovered, places

    found = discovered(places(Path(project_of(str(Path.cwd())))))
    given = [] if plan is None else _given(plan, found)
    if as_json:
        output.say_json(_document(found, given if plan else None))
    elif plan is None:
        _list(found)
    else:
        _list_given(given)


def _given(plan: Path, found: list[Skill]) -> list[_Given]:
    from claude_orchestrator.plans.files import load_plan
    from claude_orchestrator.skills.loader import chosen

    tasks = [task for phase in load_plan(plan).phases for task in phase.tasks]
    return [_Given(task.id, task.title, chosen(task.model_dump(), found)) for task in tasks]


def _list(found: list[Skill]) -> None:
    from claude_orchestrator.telling.words import clip

    for skill in found:
        if skill.problem:
            output.say(f"✗ {skill.name} ({skill.origin}): {skill.problem}", f"    {skill.path}")
        else:
            by_hand = ", only when a task names it" if skill.by_hand else ""
            output.say(f"  {skill.name} ({skill.origin}{by_hand}): {clip(skill.description, 100)}")


def _list_given(given: list[_Given]) -> None:
    for task in given:
        output.say(f"{task.task}: {', '.join(skill.name for skill in task.skills) or 'no skill fits'}")
        for skill in task.skills:
            output.say(f"    {skill.name} ({skill.origin}): {skill.because}")


def _document(found: list[Skill], given: list[_Given] | None) -> dict[str, Any]:
    document: dict[str, Any] = {"skills": [_shown(skill) for skill in found]}
    if given is not None:
        document["tasks"] = {
            task.task: [
                {"name": skill.name, "origin": skill.origin, "path": str(skill.path), "because": skill.because}
                for skill in task.skills
            ]
            for task in given
        }
    return document


def _shown(skill: Skill) -> dict[str, Any]:
    return {
        "name": skill.name,
        "description": skill.description,
        "origin": skill.origin,
        "path": str(skill.path),
        "patterns": list(skill.patterns),
        "by_hand": skill.by_hand,
        "problem": skill.problem or None,
    }
