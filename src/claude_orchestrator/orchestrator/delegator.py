"""The delegator: who may work on what, where, and with which words.

It claims tasks, prepares the worktree and the prompt of an attempt, keeps what the attempt made under a git
ref, and closes the task when it is merged.
"""

from __future__ import annotations

import asyncio
import os
import time
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from claude_orchestrator.agents import leave
from claude_orchestrator.agents.base import PROMPT
from claude_orchestrator.config import Settings, keys
from claude_orchestrator.errors import BlockedError, ConfigError, NotReadyError, RepositoryError, VerificationError
from claude_orchestrator.models import tokens
from claude_orchestrator.orchestrator import context_builder, drifting, healing, material, merging
from claude_orchestrator.orchestrator.drifting import Drift, DriftedError
from claude_orchestrator.orchestrator.funding import funding
from claude_orchestrator.orchestrator.merging import Merger
from claude_orchestrator.orchestrator.worker import Worker
from claude_orchestrator.state import attempts, claims, runs
from claude_orchestrator.state.database import Database
from claude_orchestrator.state.tasks import Claim
from claude_orchestrator.workspace import locks, worktrees
from claude_orchestrator.workspace.git import Repository

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Phase, Plan, Task


@dataclass(frozen=True)
class Delegated:
    """An attempt that is ready for its agent."""

    claim: Claim
    run: dict[str, Any]
    base_commit: str
    worktree: Path
    folder: Path
    prompt: str


class Delegator:
    """Claims tasks of one repository's runs for one worker and prepares their attempts."""

    def __init__(self, db: Database, settings: Settings, repository: Repository, worker: Worker) -> None:
        self._db = db
        self._settings = settings
        self._repository = repository
        self._worker = worker

    async def claim(self, run_id: str, *, only: str | None = None) -> Claim | None:
        """Claim the next ready task of a run, if there is one and a slot is free.

        ``only`` claims that one for somebody who works on it by hand, and pays for it alone.
        """
        fund = funding(self._settings.attempt_budget, health=healing.looks(), environment=self.known_keys)
        fund = healing.entering(fund, healing.rules_of(self._settings))
        async with self._db.transaction() as tx:
            return await claims.claim(
                tx,
                run_id=run_id,
                worker=self._worker.id,
                limit=self._settings.max_parallel,
                overlap=locks.overlap,
                now=time.time(),
                only=only,
                longest_wait=self._settings.retry_cap_s,
                fund=fund if only is None else None,
            )

    def known_keys(self) -> dict[str, str]:
        """Our environment, and the keys of the project's file and the home's beside it.

        Raises ConfigError while such a file cannot be used.
        """
        return keys.environment_with_keys(os.environ, self._repository.root, self._settings.home)

    async def prepare(self, claim: Claim) -> Delegated:
        """Steps ``worktree`` and ``context``: a worktree at the run's head, and the prompt. Repeatable.

        Raises DriftedError when what the task rests on has changed since its plan was approved.
        """
        run = await runs.get(self._db, claim.run_id)
        folder = self._settings.attempts / claim.attempt_id
        done = await attempts.step(self._db, claim.attempt_id, "worktree")
        if done and done["status"] == "done":
            base, worktree = done["output"]["base"], Path(done["output"]["worktree"])
        else:
            worktree = self._settings.worktrees / claim.attempt_id
            base = await self._make_worktree(claim, run, worktree)
        prompt = await self._write_context(claim, worktree, folder)
        return Delegated(claim, run, base, worktree, folder, prompt)

    async def _make_worktree(self, claim: Claim, run: dict[str, Any], worktree: Path) -> str:
        base = await merging.head_of(self._repository, run)
        if (drift := await drifting.check(self._db, self._repository, claim, run, base)) is not None:
            raise DriftedError(drift)
        async with self._db.transaction() as tx:
            await attempts.start_step(tx, claim, "worktree", time.time())
        await worktrees.create(self._repository, worktree, base)
        async with self._db.transaction() as tx:
            await attempts.note(tx, claim, {"base_commit": base, "worktree": str(worktree)})
            await attempts.finish_step(tx, claim, "worktree", {"base": base, "worktree": str(worktree)}, time.time())
        return base

    async def ask_about(self, claim: Claim, drift: Drift) -> str:
        """Let the claimed task wait until a human has said whether it still makes sense; return the gate's id."""
        return await drifting.ask(self._db, self._repository, claim, drift, self._settings.worktrees / claim.attempt_id)

    async def _write_context(self, claim: Claim, worktree: Path, folder: Path) -> str:
        """The prompt: written once, because what it is made of changes when the agent works."""
        place = folder / PROMPT
        if place.exists():
            return await asyncio.to_thread(place.read_text, "utf-8")
        found = await material.gather(self._db, self._repository, claim, worktree)
        context = await asyncio.to_thread(context_builder.build, found, count=tokens.counter())
        await asyncio.to_thread(_write, folder / "context.json", context.report())
        await asyncio.to_thread(_write, place, context.prompt)
        return context.prompt

    async def policy_layers(self, delegated: Delegated) -> dict[str, Any]:
        """What the runner needs to know of the policy. Raises BlockedError while a layer of it cannot be read."""
        layers = await leave.layers_of(self._repository, delegated.run["base_commit"])
        try:
            leave.policy_of(layers)
        except ConfigError as error:
            raise BlockedError(f"the policy is wrong: {error}") from error
        return layers

    async def keep(self, delegated: Delegated) -> str:
        """Put what the worktree holds now under the attempt's ref; return the commit.

        Raises RepositoryError when that is not possible. What was kept before does not count any more then, so
        that nobody sweeps the worktree away.
        """
        claim = delegated.claim
        try:
            commit = await worktrees.keep(
                self._repository,
                delegated.worktree,
                base=delegated.base_commit,
                attempt_id=claim.attempt_id,
                scratch=delegated.folder / f"{uuid.uuid4().hex}.index",
                message=f"Attempt {claim.number} at {claim.task_id}\n\nOrchestrator-Attempt: {claim.attempt_id}\n",
            )
        except RepositoryError:
            await self._note_commit(claim, None)
            raise
        await self._note_commit(claim, commit)
        return commit

    async def _note_commit(self, claim: Claim, commit: str | None) -> None:
        async with self._db.transaction() as tx:
            await attempts.note(tx, claim, {"commit_id": commit})

    async def clean_up(self, delegated: Delegated) -> None:
        """Remove the attempt's worktree; what it held is under the attempt's ref by now."""
        await self._remove_worktree(delegated.claim.attempt_id, delegated.worktree)

    async def _remove_worktree(self, attempt_id: str, worktree: Path) -> None:
        await worktrees.remove(self._repository, worktree)
        async with self._db.transaction() as tx:
            await attempts.forget_worktree(tx, attempt_id)

    async def sweep(self, run_id: str) -> None:
        """Remove worktrees that an earlier process left behind after their attempts had ended."""
        for row in await attempts.ended_with_worktree(self._db, run_id):
            await self._remove_worktree(row["id"], Path(row["worktree"]))

    # -- the Python API: one task by hand ------------------------------------------------------

    async def delegate_task(self, task: Task, plan: Plan, phase: Phase) -> Delegated:
        """Claim ``task`` and prepare a worktree for whoever works on it; the plan's run is made on first use.

        Raises NotReadyError, with what the task waits for, when it cannot be worked on now; what it rests on may have
        changed since the plan was approved, which a human is then asked about.
        """
        if task.id not in {candidate.id for candidate in phase.tasks}:
            raise NotReadyError(f"task '{task.id}' is not in phase '{phase.id}' of this plan")
        run_id = await self._run_of(plan)
        claim = await self.claim(run_id, only=task.id)
        if claim is None:
            raise NotReadyError(await self._why_not(run_id, task.id))
        async with self._db.transaction() as tx:
            await attempts.note(tx, claim, {"session": "by hand"})
        try:
            return await self.prepare(claim)
        except DriftedError as error:
            gate_id = await self.ask_about(claim, error.drift)
            raise NotReadyError(f"{error} (gate {gate_id})") from error

    async def mark_completed(self, task_id: str, delegated: Delegated) -> str | None:
        """Merge the task's verified change into the run's branch and complete the task; return the merge commit.

        What is merged is the exact tree that passed; if the worktree or the head has changed since the
        verification, it is verified again. Returns None when there was nothing to change.
        Raises VerificationError when the change does not pass.
        """
        if delegated.claim.task_id != task_id:
            raise NotReadyError(f"this delegation is of task '{delegated.claim.task_id}', not of '{task_id}'")
        commit = await self.keep(delegated)
        landing = await Merger(self._db, self._settings, self._repository).land(delegated.claim, delegated.run, commit)
        if landing.status != "merged":
            raise VerificationError(f"task {task_id} is not completed: {landing.reason}")
        await self.clean_up(delegated)
        async with self._db.transaction() as tx:
            await runs.settle(tx, delegated.run["id"], time.time())
        return landing.commit

    async def _run_of(self, plan: Plan) -> str:
        from claude_orchestrator.orchestrator import starting

        for row in await runs.unfinished(self._db):
            if (row["plan_id"], row["plan_version"]) == (plan.id, plan.version) and row["git_dir"] == str(
                self._repository.git_dir
            ):
                return str(row["id"])
        return await starting.start_run(self._db, self._repository, plan)

    async def _why_not(self, run_id: str, task_id: str) -> str:
        row = await self._db.fetch_one(
            "SELECT status, reason, blockers FROM task WHERE run_id = :run AND id = :task",
            {"run": run_id, "task": task_id},
        )
        if row is None:
            return f"run {run_id} has no task '{task_id}'"
        if row["status"] != "pending":
            return f"task {run_id}/{task_id} is {row['status']}"
        if row["blockers"]:
            return f"task {run_id}/{task_id} waits for {row['blockers']} unfinished tasks or phases"
        reason = row["reason"] or "all slots are taken, or its wait is not over"
        return f"task {run_id}/{task_id} cannot start now: {reason}"


def _write(path: Path, text: str) -> None:
    """Write a file so that it is there with all of the text, or not at all, also after a power failure."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scratch = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
