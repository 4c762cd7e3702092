"""``skill_*``: how it is done here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from mcp.server.mcpserver.exceptions import ToolError
from pydantic import Field

from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.server.calling import Call

if TYPE_CHECKING:
    from claude_orchestrator.skills.loader import Skill


async def skill_list(
    call: Call,
    task: Annotated[str, Field(description="a task in words: only what fits it")] = "",
    project: str = "",
) -> str:
    """The skills of the user, the project and the program."""
    from claude_orchestrator.skills.loader import chosen
    from claude_orchestrator.telling.words import clip

    found = await _found(call, project)
    if task:
        fitting = chosen({"title": task, "prompt": task, "files": []}, found)
        lines = [f"{skill.name} ({skill.origin}): {skill.because}" for skill in fitting]
        return "\n".join(lines) or "no skill fits: skill_list without task names all"
    lines = []
    for skill in found:
        said = f"unusable, {skill.problem}" if skill.problem else skill.description
        lines.append(f"{skill.name} ({skill.origin}): {clip(said, 120)}")
    return "\n".join(lines) or "there are no skills"


async def skill_get(call: Call, name: str, project: str = "") -> str:
    """The text of one skill."""
    found = await _found(call, project)
    for skill in found:
        if skill.name == name and not skill.problem:
            return f"{skill.name} ({skill.origin}, {skill.path}): {skill.description}\n\n{skill.body.strip()}"
    usable = [skill.name for skill in found if not skill.problem]
    raise ToolError(f"there is no skill '{name}': there are {', '.join(usable[:40])} (skill_list)")


async def _found(call: Call, project: str) -> list[Skill]:
    from claude_orchestrator.skills.loader import discovered, places

    try:
        root = await call.repository(project)
    except RepositoryError:
        root = call.folder(project)
    return discovered(places(root))
