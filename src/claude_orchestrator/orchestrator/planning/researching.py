"""What else there is to know for a goal: earlier decisions, skills and documents that fit. It decides nothing."""

from __future__ import annotations

import asyncio
import json
from pathlib import PurePosixPath
from typing import Any, Final

from claude_orchestrator.orchestrator.planning.matching import stem, stems_of
from claude_orchestrator.orchestrator.planning.models import Earlier, Reference, Research, Session, Survey
from claude_orchestrator.skills import loader
from claude_orchestrator.state import planning
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository

MOST_PLANS: Final = 20
"""Earlier plans whose decisions are looked at."""

MOST_DECISIONS: Final = 20

MOST_DOCUMENTS: Final = 5

_READ_DOCUMENTS: Final = 200
_READ_BYTES: Final = 100_000
"""Of each document so much is read."""


async def researched(db: Database, repository: Repository, session: Session, survey: Survey) -> Research:
    """Look for what fits the session's goal in earlier plans, among skills, and in the documents of its commit."""
    wanted = stems_of(f"{session.goal} {session.context}")
    definition = {"title": session.goal, "prompt": session.context}
    where = loader.places(repository.root)
    skills = await asyncio.to_thread(loader.matching, definition, where)
    return Research(
        decisions=await _decisions(db, session.project, wanted),
        skills=tuple(Reference(skill.name, skill.because) for skill in skills),
        documents=await _documents(repository, session.base_commit, survey, wanted),
    )


async def _decisions(db: Database, project: str, wanted: frozenset[str]) -> tuple[Earlier, ...]:
    """The decisions of earlier plans of the repository, those that share words with the goal first, then the newest."""
    found: list[Earlier] = []
    for plan_id, document in await planning.plans_of(db, project, limit=MOST_PLANS):
        found += [_decision(plan_id, each) for each in json.loads(document).get("decisions", ())]
    found.sort(key=lambda each: -len(stems_of(f"{each.question} {each.answer}") & wanted))
    return tuple(found[:MOST_DECISIONS])


def _decision(plan_id: str, decision: dict[str, Any]) -> Earlier:
    return Earlier(plan_id, decision["question"], decision["answer"], decision.get("reason", ""))


async def _documents(
    repository: Repository, commit: str, survey: Survey, wanted: frozenset[str]
) -> tuple[Reference, ...]:
    """The documents that have the most of the goal's words, rare ones counting more; read from the commit."""
    entries = await repository.entries(commit)
    paths = [path for path in survey.documents[:_READ_DOCUMENTS] if path in entries and entries[path].mode[:3] == "100"]
    contents = await repository.read_blobs(entries[path].blob for path in paths)
    words = {
        path: stems_of(contents[entries[path].blob][:_READ_BYTES].decode(errors="replace")) & wanted for path in paths
    }
    spread = {word: sum(word in has for has in words.values()) for word in wanted}
    ranked = []
    for path, has in words.items():
        in_name = {stem(part.casefold()) for part in PurePosixPath(path).stem.replace("_", "-").split("-")} & wanted
        points = sum(1 / spread[word] for word in has) + len(in_name)
        telling = sorted(has, key=lambda word: spread[word])
        if in_name or len(telling) >= min(2, len(wanted)):
            ranked.append((points, path, telling))
    ranked.sort(key=lambda each: (-each[0], each[1]))
    return tuple(Reference(path, f"it has {_shown(telling)}") for _, path, telling in ranked[:MOST_DOCUMENTS])


def _shown(stems: list[str]) -> str:
    return ", ".join(f"'{word}…'" for word in stems[:4]) or "its name"
