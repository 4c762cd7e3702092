"""Resources, the names that complete them, and prompts: what a person in the client can point at."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

from mcp.server.mcpserver.prompts import Prompt
from mcp.server.mcpserver.prompts.base import PromptArgument
from mcp.types import (
    Completion,
    CompletionArgument,
    PromptReference,
    Resource,
    ResourceTemplate,
    ResourceTemplateReference,
)

if TYPE_CHECKING:
    from claude_orchestrator.config import Settings
    from claude_orchestrator.state.database import Database

RUN: Final = "run://"
PLAN: Final = "plan://"
_LISTED: Final = 20
_COMPLETED: Final = 50

TEMPLATES: Final = (
    ResourceTemplate(
        uri_template="run://{id}", name="run", description="A run as JSON (r12)", mime_type="application/json"
    ),
    ResourceTemplate(
        uri_template="plan://{id}",
        name="plan",
        description="A stored plan (p3) as YAML, or a planning session (s1)",
        mime_type="text/plain",
    ),
)


async def listed(db: Database) -> list[Resource]:
    """The newest runs and plans."""
    from claude_orchestrator.plans.store import PlanStore
    from claude_orchestrator.state import runs
    from claude_orchestrator.telling.words import clip

    found = [
        Resource(
            uri=f"{RUN}{row['id']}",
            name=row["id"],
            description=f"{row['status']}: {clip(row['goal'], 100)}",
            mime_type="application/json",
        )
        for row in await runs.recent(db, _LISTED)
    ]
    found += [
        Resource(uri=f"{PLAN}{plan.id}", name=plan.id, description=clip(plan.goal, 100), mime_type="text/plain")
        for plan in (await PlanStore(db).list())[:_LISTED]
    ]
    return found


async def read(db: Database, settings: Settings, uri: str) -> tuple[str, str]:
    """Text and media type of one of our resources. Raises OrchestratorError where there is none of that id."""
    if uri.startswith(RUN):
        return await _run(db, uri.removeprefix(RUN)), "application/json"
    return await _plan(db, settings, uri.removeprefix(PLAN)), "text/plain"


async def _run(db: Database, run_id: str) -> str:
    from claude_orchestrator.state import runs
    from claude_orchestrator.telling.documents import story_of, summary_document

    document = summary_document(await runs.progress(db, run_id), await story_of(db, run_id))
    return json.dumps(document, ensure_ascii=False, default=str)


async def _plan(db: Database, settings: Settings, plan_id: str) -> str:
    from claude_orchestrator.plans.files import dump_plan
    from claude_orchestrator.plans.store import PlanStore

    if plan_id[:1] == "s" and plan_id[1:].isdigit():
        from claude_orchestrator.orchestrator.planner import Planner
        from claude_orchestrator.server.planning_texts import session_view

        session = await Planner(db, settings).get(plan_id)
        parts = [session_view(session, "summary", 0), session_view(session, "questions", 0)]
        return "\n".join([*parts, *([session_view(session, "yaml", 0)] if session.plan is not None else [])])
    return dump_plan(await PlanStore(db).load(plan_id))


async def completed(
    db: Database, ref: PromptReference | ResourceTemplateReference, argument: CompletionArgument
) -> Completion:
    """The ids that begin as typed, the newest first."""
    kinds = "rps"
    if isinstance(ref, ResourceTemplateReference):
        kinds = "r" if ref.uri.startswith(RUN) else "ps"
    values: list[str] = []
    for kind in kinds if argument.name == "id" else "":
        values += [row["id"] for row in await db.fetch_all(_IDS[kind]) if row["id"].startswith(argument.value)]
    return Completion(values=values[:_COMPLETED], total=len(values), has_more=len(values) > _COMPLETED)


_IDS: Final = {
    "r": "SELECT id FROM run ORDER BY number DESC LIMIT 200",
    "p": "SELECT id FROM plan ORDER BY number DESC LIMIT 200",
    "s": "SELECT id FROM planning_session ORDER BY number DESC LIMIT 200",
}


def plan_prompt(goal: str) -> str:
    """What the prompt ``plan`` says."""
    return (
        f"Plan this with claude-orchestrator: {goal}\n\n"
        "1. Call plan_start with this goal. Answer nothing for me: where no form is shown, ask me its questions and"
        " pass my answers on with plan_answer.\n"
        "2. Read the map of the repository (plan_get, view=map) and the files that matter.\n"
        "3. Submit a plan with plan_edit: small tasks that name the files they may change, what must be true at the"
        " end, and what depends on what. Correct what it finds.\n"
        "4. Show me the draft with its findings, then call plan_approve: I decide in a form.\n"
        "5. When it is approved, run_start, and tell me what happens with run_get."
    )


def review_prompt(id: str) -> str:  # noqa: A002 - what the argument is called
    """What the prompt ``review`` says."""
    return (
        f"Review {id} with claude-orchestrator before I decide.\n\n"
        f"If it is a planning session or a plan: read it (plan_get {id}, view=review and view=yaml) and the files that"
        " its tasks name. Say which tasks are too big, overlap, miss a test or rest on something that is not so, and"
        " what you would change.\n"
        f"If it is a run: read run_get({id}) and the evidence of its tasks (view=evidence), and say what the verifier"
        " has seen, what it has not, and what I should look at before I merge. Approve nothing yourself."
    )


def prompts() -> list[Prompt]:
    """The prompts; in Claude Code they are slash commands."""
    goal = PromptArgument(name="goal", description="What is to be true at the end", required=True)
    which = PromptArgument(name="id", description="s1, p3 or r12", required=True)
    return [
        Prompt(
            name="plan",
            title="Plan a goal",
            description="From a goal to an approved plan",
            arguments=[goal],
            fn=plan_prompt,
            context_kwarg=None,
        ),
        Prompt(
            name="review",
            title="Review a plan or a run",
            description="What to look at before approving",
            arguments=[which],
            fn=review_prompt,
            context_kwarg=None,
        ),
    ]
