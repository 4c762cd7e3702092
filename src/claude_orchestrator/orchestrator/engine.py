"""The loop that moves a run, and the way of one task through its steps.

    while something can still move:
        adopt the tasks of workers that have died
        claim every task that is ready, and carry each on its way
        sleep until something changes

Any number of processes may run this loop on the same run. Killing one at any instant costs nothing: what it
carried is adopted by the next, and every step can tell from rows, git and the runner's exit file how far it came.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress

from claude_orchestrator.agents.base import Outcome, marker_of
from claude_orchestrator.config import Settings
from claude_orchestrator.errors import (
    BlockedError,
    ConfigError,
    OrchestratorError,
    RepositoryError,
    StaleFenceError,
    StateError,
)
from claude_orchestrator.models.faults import BLAMELESS
from claude_orchestrator.orchestrator.delegator import Delegated, Delegator
from claude_orchestrator.orchestrator.drifting import DriftedError
from claude_orchestrator.orchestrator.healing import Healing, backoff
from claude_orchestrator.orchestrator.merging import Landing, Merger
from claude_orchestrator.orchestrator.stopping import RunStoppedError
from claude_orchestrator.orchestrator.supervisor import LIVENESS_S, Supervisor
from claude_orchestrator.orchestrator.worker import Worker
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.state import attempts, budget_gates, operation_gates, runs, tasks
from claude_orchestrator.state.database import Database, Row
from claude_orchestrator.state.tasks import Claim
from claude_orchestrator.workspace import process, process_table

Carry = Callable[[Claim], Awaitable[None]]


class Engine:
    """Moves one run at a time; ``carry`` takes a claimed task all the way to its end."""

    def __init__(self, db: Database, settings: Settings, worker: Worker, delegator: Delegator, carry: Carry) -> None:
        self._db = db
        self._settings = settings
        self._worker = worker
        self._delegator = delegator
        self._carry = carry
        self._carried: set[asyncio.Task[None]] = set()
        self._begun: set[str] = set()

    async def move(self, run_id: str) -> str:
        """Move a run until it is over, paused, or waits for humans alone; return its status.

        Raises StateError when the state cannot be written any more (a full disk): runners go on by
        themselves, and the next ``resume`` takes over.
        """
        looked_at = 0.0
        try:
            while True:
                revision = self._db.revision
                if time.monotonic() - looked_at >= LIVENESS_S:
                    looked_at = time.monotonic()
                    await operation_gates.expire(self._db, time.time())
                    await budget_gates.release(self._db, time.time())
                    await self._look_for_orphans(run_id)
                await self._claim_all(run_id)
                if not self._carried:
                    async with self._db.transaction() as tx:
                        status = await runs.settle(tx, run_id, time.time())
                    if status != "running":
                        await self._delegator.sweep(run_id)
                        return status
                await self._wait(revision)
        finally:
            for carried in self._carried:
                carried.cancel()
            await asyncio.gather(*self._carried, return_exceptions=True)
            self._carried.clear()

    async def _look_for_orphans(self, run_id: str) -> None:
        """Adopt this run's tasks that nobody carries; of other runs, take only slots and locks that nobody uses."""
        for row in await tasks.active(self._db):
            if self._is_carried(row):
                continue
            if row["run_id"] == run_id:
                await self._adopt(row)
            elif not await asyncio.to_thread(
                process_table.marked, marker_of(self._settings.attempts / row["attempt_id"])
            ):
                async with self._db.transaction() as tx:
                    await tasks.set_aside(tx, run_id=row["run_id"], task_id=row["id"], fence=row["fence"])

    def _is_carried(self, row: Row) -> bool:
        """Whether somebody works on an active task: its owner lives, and is not ourselves in a move that was ended."""
        if row["owner"] != self._worker.id:
            return self._worker.is_alive(row["owner"])
        carried = {task.get_name() for task in self._carried}
        return row["attempt_id"] not in self._begun or row["attempt_id"] in carried

    async def _adopt(self, row: Row) -> None:
        async with self._db.transaction() as tx:
            claim = await tasks.adopt(
                tx, run_id=row["run_id"], task_id=row["id"], fence=row["fence"], worker=self._worker.id
            )
        if claim is not None:
            self._start(claim)

    async def _claim_all(self, run_id: str) -> None:
        while len(self._carried) < self._settings.max_parallel:
            try:
                claim = await self._delegator.claim(run_id)
            except ConfigError as error:  # a person has to put that right, as with what blocks an attempt
                async with self._db.transaction() as tx:
                    await runs.want(tx, run_id, "pause", reason=str(error))
                return
            if claim is None:
                return
            self._start(claim)

    def _start(self, claim: Claim) -> None:
        self._begun.add(claim.attempt_id)
        self._carried.add(asyncio.create_task(self._carry_fenced(claim), name=claim.attempt_id))

    async def _carry_fenced(self, claim: Claim) -> None:
        with suppress(StaleFenceError):  # another process has it now
            await self._carry(claim)

    async def _wait(self, revision: int) -> None:
        """Until a carried task ends, the database changes, or it is time to look at locks and waits again."""
        change = asyncio.create_task(self._db.changed(revision, LIVENESS_S))
        await asyncio.wait({change, *self._carried}, return_when=asyncio.FIRST_COMPLETED)
        change.cancel()
        ended = {carried for carried in self._carried if carried.done()}
        self._carried -= ended
        for carried in ended:
            carried.result()


class TaskWay:
    """The way of a task: worktree → context → agent → verify → merge, and every way off it."""

    def __init__(
        self, db: Database, settings: Settings, delegator: Delegator, supervisor: Supervisor, merger: Merger
    ) -> None:
        self._db = db
        self._settings = settings
        self._delegator = delegator
        self._supervisor = supervisor
        self._merger = merger
        self._healing = Healing(db, settings)

    async def carry(self, claim: Claim) -> None:
        """Carry a claimed task from wherever it is to its end.

        Raises StaleFenceError when somebody else has taken it over, StateError when nothing can be recorded.
        """
        try:
            delegated = await self._delegator.prepare(claim)
            if await attempts.session(self._db, claim.attempt_id) is not None:
                await self._left_by_hand(delegated)
                return
            outcome = await self._supervisor.work(delegated)
            if outcome.status != "finished":
                await self._ended_early(delegated, outcome)
                return
            commit = await self._agent_done(delegated, outcome)
            landing = await self._merger.land(claim, delegated.run, commit)
            await self._landed(delegated, landing)
        except DriftedError as error:
            await self._healing.left(claim)
            await self._delegator.ask_about(claim, error.drift)
        except RunStoppedError as stop:
            await self._stopped(claim, stop.intent, resume={})
        except BlockedError as error:
            await self._blocked(claim, str(error))
        except StateError:
            raise
        except OSError as error:
            raise StateError(
                f"cannot use {error.filename or self._settings.home}: {error.strerror}: put that right,"
                " then 'claude-orchestrator resume' goes on"
            ) from error
        except OrchestratorError as error:
            await self._broke_off(claim, str(error))
        except Exception as error:  # noqa: BLE001 - one task that we cannot handle must not end its run, each time anew
            await self._broke_off(claim, f"{type(error).__name__}: {error}")

    async def _left_by_hand(self, delegated: Delegated) -> None:
        """Somebody worked on it by hand and is gone: keep what is there, and let the task's own agent start anew."""
        lost = await self._why_not_kept(delegated)
        async with self._db.transaction() as tx:
            await tasks.record(tx, delegated.claim, "attempt.abandoned", {"not_kept": lost})
        intent = (await runs.get(self._db, delegated.claim.run_id))["intent"]
        await self._stopped(delegated.claim, intent, None)
        if not lost:
            await self._delegator.clean_up(delegated)

    async def _agent_done(self, delegated: Delegated, outcome: Outcome) -> str:
        """Keep the attempt's commit before anything else happens to its worktree; then the step is done."""
        row = await attempts.get(self._db, delegated.claim.attempt_id)
        done = await attempts.step(self._db, delegated.claim.attempt_id, "agent")
        if done and done["status"] == "done":
            await self._healing.left(delegated.claim)
            return str(row["commit_id"])
        commit = await self._delegator.keep(delegated)
        async with self._db.transaction() as tx:
            await attempts.finish_step(tx, delegated.claim, "agent", vars(outcome), time.time())
            await self._healing.finished(tx, delegated.claim)
        return commit

    async def _ended_early(self, delegated: Delegated, outcome: Outcome) -> None:
        lost = await self._why_not_kept(delegated)
        detail = f"{outcome.detail} ({lost})" if lost else outcome.detail
        asked_for = outcome.resume is not None or await attempts.was_interrupted(self._db, delegated.claim)
        intent = (await runs.get(self._db, delegated.claim.run_id))["intent"]
        # An agent that is stopped may well blame its provider for the connection that it had to close.
        if outcome.fault is not None and outcome.status != "waiting" and intent == "run":
            await self._healing.treat(delegated.claim, outcome, detail)
        elif (
            outcome.status == "waiting"
            or (outcome.status == "interrupted" and asked_for)
            or (outcome.fault is not None and outcome.fault.kind in BLAMELESS)
        ):
            await self._healing.left(delegated.claim)
            await self._stopped(delegated.claim, intent, outcome.resume)
        else:
            await self._healing.left(delegated.claim)
            await self._failed(delegated.claim, detail, f"The agent did not finish: {detail}")
        if outcome.resume is None and not lost:
            await self._delegator.clean_up(delegated)

    async def _why_not_kept(self, delegated: Delegated) -> str:
        """Keep what an agent that did not finish has made; why that is not possible, or an empty text."""
        try:
            await self._supervisor.checkpoint(delegated)
        except BlockedError:
            raise
        except RepositoryError as error:
            if delegated.worktree.is_dir():
                return f"its work is still in {delegated.worktree}, it cannot be recorded: {error}"
        return ""

    async def _stopped(self, claim: Claim, intent: str, resume: dict[str, object] | None) -> None:
        async with self._db.transaction() as tx:
            if intent == "cancel":
                await tasks.cancel(tx, claim, now=time.time())
            else:
                await tasks.park(tx, claim, resume=resume, now=time.time())

    async def _landed(self, delegated: Delegated, landing: Landing) -> None:
        claim = delegated.claim
        if landing.status == "refused":
            await self._failed(claim, landing.reason, landing.feedback, final=landing.hopeless)
        elif landing.status == "waiting":
            async with self._db.transaction() as tx:
                await tasks.wait_for_review(
                    tx,
                    claim,
                    question=f"{landing.reason}. Approve to merge it as it is, deny to refuse it.",
                    subject=landing.reason,
                    now=time.time(),
                )
        await self._delegator.clean_up(delegated)

    async def _blocked(self, claim: Claim, reason: str) -> None:
        """Pause the run until a person has put things right; the attempt then goes on where it is."""
        async with self._db.transaction() as tx:
            await tasks.own(tx, claim)
            await runs.want(tx, claim.run_id, "pause", reason=reason)
            await tasks.set_aside(tx, run_id=claim.run_id, task_id=claim.task_id, fence=claim.fence)

    async def _broke_off(self, claim: Claim, reason: str) -> None:
        """The attempt cannot be carried on; a runner that still works at it must not meet the next one."""
        await process.kill_marked(marker_of(self._settings.attempts / claim.attempt_id))
        await self._failed(claim, reason, reason)

    async def _failed(self, claim: Claim, reason: str, feedback: str, *, final: bool = False) -> None:
        now = time.time()
        async with self._db.transaction() as tx:
            await tasks.fail(
                tx,
                claim,
                reason=redact(reason),
                feedback=redact(feedback),
                retry_at=now + backoff(self._settings, claim.number),
                now=now,
                final=final,
            )
