"""Reviewing and approving plans outside a planning session: stored ones, and those in files."""

from __future__ import annotations

import asyncio
import getpass
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from claude_orchestrator.config import Settings
from claude_orchestrator.errors import ForbiddenError, NotReadyError, PlanError
from claude_orchestrator.orchestrator import humans
from claude_orchestrator.orchestrator.planning import ground, reviewing
from claude_orchestrator.orchestrator.planning.ground import Ground
from claude_orchestrator.orchestrator.planning.models import Review, Survey
from claude_orchestrator.orchestrator.planning.survey import survey
from claude_orchestrator.plans import store
from claude_orchestrator.state import events
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Plan


@dataclass(frozen=True)
class Reviewed:
    """A plan, what its review says for a repository at ``commit``, and the map that it was reviewed with."""

    plan: Plan
    commit: str
    survey: Survey
    review: Review


async def reviewed(db: Database, settings: Settings, repository: Repository, plan: Plan) -> Reviewed:
    """Review ``plan`` for a repository as it is at HEAD. Raises RepositoryError for a repository without commits."""
    commit = await repository.resolve("HEAD")
    known = await survey(repository, commit)
    found = await asyncio.to_thread(
        reviewing.review,
        plan,
        known,
        settings=settings,
        history=await reviewing.history(db),
        sizes_of=await repository.sizes(commit),
    )
    return Reviewed(plan, commit, known, found)


async def approve(
    db: Database, settings: Settings, repository: Repository, seen: Reviewed, *, channel: str = "python"
) -> Ground:
    """Approve the stored version that was reviewed, and stamp what it rests on at that commit: both or nothing.

    A version that was approved and stamped before stays as it is. Raises ForbiddenError when an agent asks,
    NotReadyError when the review has errors, PlanError when the plan is not stored.
    """
    plan = seen.plan
    if plan.id is None or plan.version is None:
        raise PlanError("the plan is not stored: 'claude-orchestrator plan import FILE' stores it")
    await only_humans(db, settings, plan.id, channel)
    if errors := [finding for finding in seen.review.findings if finding.severity == "error"]:
        more = f" (and {len(errors) - 1} more)" if len(errors) > 1 else ""
        raise NotReadyError(f"the review of {plan.id} has errors: {errors[0].message}{more}")
    rests_on = await ground.ground_of(repository, seen.commit, plan, seen.survey)
    async with db.transaction() as tx:
        was_approved = await store.approved_at(tx, plan.id, plan.version) is not None
        await store.approve(tx, plan.id, plan.version)
        await ground.stamp(tx, plan.id, plan.version, rests_on)
        if not was_approved:
            data = {"plan": plan.id, "version": plan.version, "by": getpass.getuser(), "channel": channel}
            await events.append(tx, kind="plan.approved", data={**data, "base": seen.commit, "files": rests_on.files})
    return rests_on


async def only_humans(db: Database, settings: Settings, plan_id: str, channel: str) -> None:
    """Raises ForbiddenError, and writes it down, where this process does not speak for a human."""
    if because := await humans.why_not(db, settings):
        data = {"plan": plan_id, "process": os.getpid(), "channel": channel, "reason": because}
        async with db.transaction() as tx:
            await events.append(tx, kind="plan.approval_refused", data=data)
        raise ForbiddenError(f"only a human can approve {plan_id}: {because}")
