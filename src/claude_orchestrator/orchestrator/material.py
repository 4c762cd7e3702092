"""What a prompt is made of: found in the plan, the journal, git, the worktree and the folders of skills."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, Final

from claude_orchestrator.orchestrator.context_builder import Advice, Finished, Material
from claude_orchestrator.orchestrator.funding import PAID
from claude_orchestrator.skills import loader
from claude_orchestrator.state import attempts, runs
from claude_orchestrator.state.database import Database
from claude_orchestrator.state.tasks import Claim
from claude_orchestrator.workspace.git import Repository

_DOCUMENTS: Final = ("CLAUDE.md", "AGENTS.md")
"""What projects tell agents; of a folder that has both, the first is read."""

_LONGEST: Final = 200_000
"""Bytes of a document that are read."""

_PATH: Final = re.compile(r"[\w.-]+(?:/[\w.-]+)+|[\w-]+\.[a-z][a-z0-9]{0,4}\b")
"""What looks like a path, or like a file's name."""


async def gather(db: Database, repository: Repository, claim: Claim, worktree: Path) -> Material:
    """Everything that the prompt of a claimed task could have in it.

    Skills and documents are those of the worktree, which is as it was checked out: only to be called before the agent
    starts. Agents that are not given the prompt need none of this.
    """
    definition = claim.definition
    feedback = await attempts.feedback(db, claim)
    if not _reads_its_prompt(definition):
        return Material(definition, feedback)
    return Material(
        definition,
        feedback,
        decisions=_concerning(await runs.decisions(db, claim.run_id), definition),
        skills=await asyncio.to_thread(_skills, definition, worktree),
        documents=await asyncio.to_thread(_documents, definition, worktree),
        finished=[
            await _finished(repository, row) for row in await runs.finished_before(db, claim.run_id, claim.task_id)
        ],
    )


def _reads_its_prompt(definition: Mapping[str, Any]) -> bool:
    return definition["agent"] in PAID or any("{prompt" in part for part in definition.get("command") or ())


def _concerning(decisions: Iterable[Mapping[str, Any]], definition: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The decisions that name a file of the task, or none at all."""
    files = [str(file) for file in definition.get("files") or ()]
    names = {*files, *(PurePosixPath(file).name for file in files)}
    return [decision for decision in decisions if not files or _concerns(decision, files, names)]


def _concerns(decision: Mapping[str, Any], files: Sequence[str], names: set[str]) -> bool:
    named = set(_PATH.findall(" ".join(str(decision.get(part) or "") for part in ("question", "answer", "reason"))))
    return not named or any(name in names or _is_below(name, files) for name in named)


def _is_below(path: str, patterns: Sequence[str]) -> bool:
    """Whether a path lies in a folder of the patterns, or matches one of them."""
    place = PurePosixPath(path)
    return any(place.match(pattern) or PurePosixPath(pattern.rstrip("/")) in place.parents for pattern in patterns)


def _skills(definition: Mapping[str, Any], worktree: Path) -> list[Advice]:
    return [Advice(skill.name, skill.body) for skill in loader.matching(definition, loader.places(worktree))]


def _documents(definition: Mapping[str, Any], worktree: Path) -> list[Advice]:
    """What the project tells agents: at its root, and in the folders of the task's files."""
    folders = {PurePosixPath("."): None}
    for file in definition.get("files") or ():
        fixed = list(PurePosixPath(file).parts)
        while fixed and any(mark in fixed[-1] for mark in "*?["):
            fixed.pop()
        place = PurePosixPath(*fixed)
        folders.update(dict.fromkeys(reversed([place, *place.parents])))
    found = []
    for folder in folders:
        for name in _DOCUMENTS:
            if (text := _text(worktree / folder / name)) is not None:
                found.append(Advice(str(folder / name), text))
                break
    return found


def _text(place: Path) -> str | None:
    """The text of a plain file, cut at :data:`_LONGEST`; None where there is none."""
    try:
        if place.is_symlink() or not place.is_file():
            return None
        with place.open("rb") as file:
            return file.read(_LONGEST).decode(errors="replace")
    except OSError:
        return None


async def _finished(repository: Repository, row: Mapping[str, Any]) -> Finished:
    output = json.loads(row["output"]) if row["output"] else {}
    commit = row["merge_commit"]
    changes = await repository.changes(f"{commit}^1", commit) if commit else []
    return Finished(row["id"], row["title"], [change.path for change in changes], str(output.get("report") or ""))
