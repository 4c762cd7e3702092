"""The supervisor: starts the runner of an attempt, looks after it, and stops it with its whole process tree.

A runner is a detached process with a kernel lock and an exit file. The supervisor of any process can pick it up
where another left it: a launch is *new* (spawn), *alive* (wait), *done* (read) or *died* (a failed attempt).
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field, replace
from typing import Any, Final

from claude_orchestrator.agents.base import Assignment, Outcome, marker_of
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.config import Settings, keys
from claude_orchestrator.errors import BlockedError, ConfigError, NotReadyError, OrchestratorError, RepositoryError
from claude_orchestrator.models import accounts
from claude_orchestrator.orchestrator.delegator import Delegated, Delegator
from claude_orchestrator.orchestrator.worker import Worker
from claude_orchestrator.state import attempts, budgets, gates, operation_gates, runs, tasks
from claude_orchestrator.state.budgets import MICRO
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace import process

LIVENESS_S: Final = 0.5
"""How often a runner's lock is looked at: its death writes no event."""

GRACE_S: Final = 10.0
"""How long an interrupted runner may take to stop before it is killed."""

START_S: Final = 10.0
"""How long a runner may take to take its lock before another one is started."""

MAX_SPAWNS: Final = 3
"""How often a runner is started that never gets as far as taking its lock."""

NUDGE_S: Final = 10.0
"""How long a runner may take to say whether its agent could be told that it seems to be stuck."""

_OPTIONS: Final = ("operations", "attempts", "command", "max_turns", "difficulty")
"""What of a task's definition its agent is given besides the prompt."""


@dataclass
class Watch:
    """What the supervisor remembers of one launch while it waits; nothing here decides after a restart."""

    last_heartbeat: float = field(default_factory=time.monotonic)
    last_checkpoint: float = field(default_factory=time.monotonic)
    last_look: float = field(default_factory=time.monotonic)
    last_progress: float = field(default_factory=time.monotonic)
    last_sign: float | None = None
    nudged_at: float | None = None
    heard_at: float | None = None
    interrupted_at: float | None = None
    told: bool = False
    gave_up: str = ""


class Supervisor:
    """Looks after the attempts that one worker owns."""

    def __init__(self, db: Database, settings: Settings, delegator: Delegator, worker: Worker) -> None:
        self._db = db
        self._settings = settings
        self._delegator = delegator
        self._worker = worker
        self._by_hand: dict[str, asyncio.Task[None]] = {}

    # -- an attempt with an agent of ours ----------------------------------------------------------

    async def work(self, delegated: Delegated) -> Outcome:
        """Step ``agent``: start or adopt the runner and wait for its end. Repeatable by any process."""
        done = await attempts.step(self._db, delegated.claim.attempt_id, "agent")
        if done and done["status"] == "done":
            return Outcome(**done["output"])
        launch = await self._launch(delegated)
        watch = Watch()
        for _ in range(MAX_SPAWNS):
            if launch.state() == "new":
                launch.spawn(self._accounts(delegated))
            await self._watch(delegated, launch, watch)
            if launch.state() != "new":
                break
        outcome = launch.read_exit()
        if outcome is None:
            await process.kill_marked(marker_of(delegated.folder))
            outcome = await self._of_the_dead(delegated, watch)
        if outcome.status == "interrupted" and watch.gave_up:
            return Outcome("timeout", watch.gave_up, outcome.report)
        return outcome

    def _accounts(self, delegated: Delegated) -> dict[str, str]:
        """The keys, and what else the attempt's agent needs to reach its provider.

        Raises BlockedError while a file with keys cannot be used.
        """
        agent = delegated.claim.definition["agent"]
        try:
            known = self._delegator.known_keys()
        except ConfigError as error:
            raise BlockedError(str(error)) from error
        shown = {name.strip() for name in self._settings.agent_env.split(",")} - {keys.SIGNED_WITH}
        return {**{name: known[name] for name in shown if name in known}, **accounts.environment_of(agent, known)}

    async def _of_the_dead(self, delegated: Delegated, watch: Watch) -> Outcome:
        """How a launch ended whose runner left no outcome."""
        row = await attempts.get(self._db, delegated.claim.attempt_id)
        token = await operation_gates.token_of_the_dead(self._db, row["id"], row["launch"])
        if token is not None:
            return Outcome("waiting", "the runner died while a human was asked", resume=token)
        async with self._db.transaction() as tx:
            token = await attempts.revive(tx, delegated.claim, row["launch"])
        if watch.interrupted_at is not None:
            return Outcome("interrupted", f"did not stop within {GRACE_S:g} s and was killed", resume=token)
        if token is not None:
            return Outcome("interrupted", "the runner died; its agent goes on where it was", resume=token)
        return Outcome("error", "the runner died before its agent was done")

    async def _launch(self, delegated: Delegated) -> LaunchFolder:
        """The current launch of the attempt; a new one for a new attempt and for a parked one that goes on."""
        claim = delegated.claim
        row = await attempts.get(self._db, claim.attempt_id)
        number = row["launch"]
        if number == 0 or row["resume"] is not None:
            number += 1
            launch = LaunchFolder(delegated.folder / f"launch-{number}")
            layers = await self._delegator.policy_layers(delegated)
            allowance = await budgets.allowance_of(self._db, claim.attempt_id)
            assignment = self._assignment(delegated, launch, row, number)
            if allowance is not None:
                assignment = replace(assignment, allowance_usd=max(0, allowance.left) / MICRO)
            launch.write_assignment(replace(assignment, policy=layers))
            async with self._db.transaction() as tx:
                await attempts.note(tx, claim, {"launch": number, "resume": None})
                await attempts.start_step(tx, claim, "agent", time.time())
                await tasks.advance(tx, claim, "in_progress")
        return LaunchFolder(delegated.folder / f"launch-{number}")

    def _assignment(
        self, delegated: Delegated, launch: LaunchFolder, attempt: dict[str, Any], number: int
    ) -> Assignment:
        definition = delegated.claim.definition
        return Assignment(
            attempt_id=delegated.claim.attempt_id,
            run_id=delegated.claim.run_id,
            task_id=delegated.claim.task_id,
            number=delegated.claim.number,
            agent=definition["agent"],
            prompt=delegated.prompt,
            worktree=delegated.worktree,
            folder=launch.path,
            database=self._db.path,
            options={key: definition[key] for key in _OPTIONS if definition.get(key)},
            timeout_s=definition["timeout"],
            resume=attempt["resume"],
            launch=number,
            provider=attempt["provider"],
            model=attempt["model"],
        )

    async def _watch(self, delegated: Delegated, launch: LaunchFolder, watch: Watch) -> None:
        """Wait until the launch is over (or does not start), doing on time what is due meanwhile."""
        spawned_at = time.monotonic()
        while (state := launch.state()) == "alive" or (state == "new" and time.monotonic() - spawned_at < START_S):
            revision = self._db.revision
            await self._look_after(delegated, launch, watch)
            await self._obey(delegated, launch, watch)
            await self._db.changed(revision, min(LIVENESS_S, self._settings.heartbeat_s))

    async def _obey(self, delegated: Delegated, launch: LaunchFolder, watch: Watch) -> None:
        intent = (await runs.get(self._db, delegated.claim.run_id))["intent"]
        if intent != "run" and watch.interrupted_at is None:
            await self._interrupt(delegated, watch, f"the run is to {intent}")
        if watch.interrupted_at is None:
            return
        # A runner that is still starting hears nothing: it is told as soon as it can.
        watch.told = watch.told or launch.interrupt()
        if time.monotonic() - watch.interrupted_at > GRACE_S:
            await asyncio.to_thread(launch.kill)

    async def _interrupt(self, delegated: Delegated, watch: Watch, reason: str) -> None:
        watch.interrupted_at = time.monotonic()
        async with self._db.transaction() as tx:
            await tasks.record(tx, delegated.claim, "attempt.interrupted", {"reason": reason})

    async def _look_after(self, delegated: Delegated, launch: LaunchFolder, watch: Watch) -> None:
        now = time.monotonic()
        if now - watch.last_heartbeat >= self._settings.heartbeat_s:
            watch.last_heartbeat = now
            await self._heartbeat(delegated)
        if now - watch.last_checkpoint >= self._settings.checkpoint_s:
            watch.last_checkpoint = now
            await self._checkpoint_if_possible(delegated)
        if watch.interrupted_at is None and (stuck := await self._stuck(delegated, launch, watch)):
            watch.gave_up = stuck
            await self._interrupt(delegated, watch, watch.gave_up)

    async def _stuck(self, delegated: Delegated, launch: LaunchFolder, watch: Watch) -> str:
        """Why the agent is to be stopped, or an empty text. One that makes no progress is told so first, once.

        If it could be told, it gets one more limit's time; if not, it is stopped at once.
        """
        limit = self._settings.no_progress_s
        if not await self._is_silent(delegated, launch, watch):
            return ""
        now, silence = time.monotonic(), f"no progress for {limit:.0f} s"
        told_at, heard = await attempts.last_nudge(self._db, delegated.claim)
        if watch.last_sign is not None and told_at > watch.last_sign:
            if not heard:
                return silence
            watch.heard_at = watch.heard_at or now
            return f"{silence}, also after a nudge" if now - watch.heard_at > limit else ""
        if watch.nudged_at is None and launch.nudge():
            watch.nudged_at = now
            return ""
        return silence if watch.nudged_at is None or now - watch.nudged_at > NUDGE_S else ""

    async def _is_silent(self, delegated: Delegated, launch: LaunchFolder, watch: Watch) -> bool:
        """Whether neither output nor an operation has come for too long, and no human is asked meanwhile.

        Signs of life are compared with each other, never with the clock: that may be put forward, and stands
        still while the machine sleeps.
        """
        now, limit = time.monotonic(), self._settings.no_progress_s
        if now - watch.last_look >= min(self._settings.heartbeat_s, limit / 4):
            watch.last_look = now
            sign = max(launch.last_output_at(), await attempts.last_operation_at(self._db, delegated.claim))
            asking = await gates.asking(self._db, delegated.claim.attempt_id) is not None
            if sign != watch.last_sign or asking or launch.state() == "new":
                watch.last_sign, watch.last_progress = sign, now
                watch.nudged_at = watch.heard_at = None
        return now - watch.last_progress > limit

    async def _checkpoint_if_possible(self, delegated: Delegated) -> None:
        """Files that change while git reads them may spoil a checkpoint; the agent works on, the next may succeed."""
        try:
            await self.checkpoint(delegated)
        except RepositoryError as error:
            async with self._db.transaction() as tx:
                await tasks.record(tx, delegated.claim, "attempt.checkpoint_failed", {"reason": str(error)})

    async def _heartbeat(self, delegated: Delegated) -> None:
        async with self._db.transaction() as tx:
            await tasks.record(tx, delegated.claim, "attempt.heartbeat")

    async def checkpoint(self, delegated: Delegated) -> str:
        """Commit the worktree as it is under the attempt's ref, and record it; return the commit."""
        commit = await self._delegator.keep(delegated)
        operations = await attempts.operations_done(self._db, delegated.claim)
        async with self._db.transaction() as tx:
            await tasks.record(
                tx, delegated.claim, "attempt.checkpoint", {"commit": commit, "operations_done": operations}
            )
        return commit

    # -- the Python API: somebody else works in the worktree ------------------------------------------

    async def start_supervision(self, task_id: str, session_id: str) -> None:
        """Look after a delegated task that somebody else (``session_id``) works on: heartbeats and checkpoints.

        It ends with the task, or with :meth:`stop_supervision`. Raises NotReadyError when this process has no
        delegated task of that id.
        """
        claim = await tasks.claimed_by(self._db, self._worker.id, task_id)
        if claim is None:
            raise NotReadyError(f"task '{task_id}' is not delegated to this process: call delegate_task first")
        delegated = await self._delegator.prepare(claim)
        async with self._db.transaction() as tx:
            await tasks.advance(tx, claim, "in_progress")
            await attempts.note(tx, claim, {"session": session_id})
            await tasks.record(tx, claim, "attempt.session", {"session": session_id})
        self._by_hand[task_id] = asyncio.create_task(self._supervise(delegated), name=f"supervise-{session_id}")

    async def stop_supervision(self, task_id: str) -> None:
        """Stop looking after a task; nothing happens when it was not looked after."""
        if (supervision := self._by_hand.pop(task_id, None)) is not None:
            supervision.cancel()
            await asyncio.gather(supervision, return_exceptions=True)

    async def _supervise(self, delegated: Delegated) -> None:
        heartbeat, checkpoint = self._settings.heartbeat_s, self._settings.checkpoint_s
        last_checkpoint = time.monotonic()
        try:
            while await tasks.claimed_by(self._db, self._worker.id, delegated.claim.task_id) == delegated.claim:
                await self._heartbeat(delegated)
                if time.monotonic() - last_checkpoint >= checkpoint:
                    last_checkpoint = time.monotonic()
                    await self.checkpoint(delegated)
                await asyncio.sleep(min(heartbeat, checkpoint))
        except OrchestratorError:
            return  # the task has ended or changed hands between the look and the write

    async def close(self) -> None:
        """Stop all supervision of this process."""
        for task_id in list(self._by_hand):
            await self.stop_supervision(task_id)
