"""The host of an agent in the runner: judges every operation and writes what happened to the journal."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Mapping
from typing import Any

from claude_orchestrator.agents import leave, questions
from claude_orchestrator.agents.base import Answer, Assignment, Result
from claude_orchestrator.agents.loops import SCRIPTED, Finding, Loops
from claude_orchestrator.agents.recoverable import Recoverable
from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.models import health, prices
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.documents import redacted
from claude_orchestrator.safety.operations import Decision, Operation, Verdict
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.safety.risk import risk_of
from claude_orchestrator.state import attempts, budgets, events, operation_gates, spending
from claude_orchestrator.state.budgets import Spender
from claude_orchestrator.state.database import Database, Row, Transaction
from claude_orchestrator.state.operation_gates import Question
from claude_orchestrator.workspace.git import Repository, git_folder


class JournalHost:
    """Implements :class:`~claude_orchestrator.agents.base.Host` for one launch.

    Making one raises RepositoryError when the worktree is gone, ConfigError when a layer of the policy is unreadable.
    """

    def __init__(self, assignment: Assignment, db: Database) -> None:
        self._assignment = assignment
        self._db = db
        # Before the agent can touch it: whatever it does to ``.git``, we go on in the same repository.
        self._git_folder = git_folder(assignment.worktree)
        self._repository = Repository(assignment.worktree, self._git_folder)
        self._recoverable = Recoverable(assignment.worktree, self._git_folder)
        self._policy = leave.policy_of(assignment.policy, self._recoverable)
        self._index = assignment.folder / "index"
        self._tree: str | None = None
        self._waited_s = 0.0
        self._waits_since: float | None = None
        self.spent_up = asyncio.Event()
        self._told = math.inf if assignment.allowance_usd is None else budgets.micro(assignment.allowance_usd)
        self._spent = 0
        """Set once the agent has been told that it may spend no more."""
        self.findings: asyncio.Queue[Finding] = asyncio.Queue()
        """What seems to be wrong with the agent, for the runner that can tell it."""
        self._loops = None if assignment.agent in SCRIPTED else Loops()

    # -- asking ----------------------------------------------------------------------------------

    async def ask(self, operation: Operation, position: int, resume: Mapping[str, Any] | None = None) -> Answer:
        """Judge the operation; it may happen only after the verdict, or a human's answer, is in the journal."""
        answer = await self._judge(operation, position, resume)
        if self._loops is not None and not answer.allowed and not answer.waiting:
            self._found(self._loops.refused(operation, answer))
        return answer

    def _found(self, finding: Finding | None) -> None:
        if finding is not None:
            self.findings.put_nowait(finding)

    async def _judge(self, operation: Operation, position: int, resume: Mapping[str, Any] | None) -> Answer:
        if self._tree is None or operation.kind not in ("write", "report"):
            # A command tells about the files that it saw, so they are looked at again just before it.
            await self.tree()
        verdict = classify(operation, self._policy)
        if verdict.decision is not Decision.REQUIRES_APPROVAL:
            async with self._db.transaction() as tx:
                await self._pass_by(tx, operation, position)
                await self._asked(tx, operation, verdict)
            return Answer(operation, verdict, verdict.allowed)
        question = self._question(operation, verdict, position, resume)
        while True:
            await operation_gates.expire(self._db, time.time())
            answer = await self._by_pattern(operation, position, verdict, question) or await self._by_gate(
                operation, verdict, question
            )
            if not answer.waiting or resume is not None:
                return answer
            await self._until_answered(answer.gate)

    async def observe(self, operation: Operation) -> Answer:
        """Judge what is not in our hands, and journal it as such."""
        await self.tree()
        verdict = classify(operation, self._policy)
        data = {
            "kind": operation.kind,
            "target": redact(operation.target),
            "verdict": verdict.decision,
            "rule": verdict.rule,
            "reason": redact(verdict.reason),
        }
        await self.note("operation.observed", data)
        return Answer(operation, verdict, verdict.allowed)

    async def _until_answered(self, gate_id: str) -> None:
        """Wait in place: for a commit of any process, or for the time at which the gate expires."""
        self._waits_since = time.monotonic()
        try:
            while True:
                revision = self._db.revision
                gate = await operation_gates.get(self._db, gate_id)
                left = None if gate["expires_at"] is None else gate["expires_at"] - time.time()
                if gate["status"] != "open" or (left is not None and left <= 0):
                    return
                await self._db.changed(revision, left)
        finally:
            self._waited_s = self.waited_s()
            self._waits_since = None

    def waited_s(self) -> float:
        """Seconds for which the agent has waited in place for humans."""
        return self._waited_s + (0.0 if self._waits_since is None else time.monotonic() - self._waits_since)

    async def _by_pattern(
        self, operation: Operation, position: int, verdict: Verdict, question: Question
    ) -> Answer | None:
        """Leave through what humans have approved for the whole run; None where that says nothing.

        An answer to this very question counts for more.
        """
        gate = await operation_gates.current(self._db, question.attempt_id, question.key)
        if await operation_gates.denial(self._db, question) or (gate and operation_gates.is_unused(gate)):
            return None
        approvals = await operation_gates.patterns(self._db, question.run_id)
        policy = leave.with_patterns(self._policy, [pattern for _, pattern in approvals], operation, verdict)
        if not approvals or not (verdict := classify(operation, policy)).allowed:
            return None
        approved = ", ".join(gate_id for gate_id, _ in approvals)
        async with self._db.transaction() as tx:
            await self._pass_by(tx, operation, position)
            await self._asked(tx, operation, verdict, gate=approved, answer="approved")
        return Answer(operation, verdict, allowed=True, gate=approved)

    async def _pass_by(self, tx: Transaction, operation: Operation, position: int) -> None:
        """The operation was asked about before (only a launch that goes on can meet that), and needs no answer now."""
        if self._assignment.resume is not None:
            key = self._key(operation, position)
            await operation_gates.pass_by(tx, self._assignment.attempt_id, key, time.time())

    async def _by_gate(self, operation: Operation, verdict: Verdict, question: Question) -> Answer:
        """What the operation's gate says; it is opened when there is none, in the transaction that says so."""
        async with self._db.transaction() as tx:
            now = time.time()
            denied = await operation_gates.denial(tx, question)
            gate = denied or await operation_gates.ask(tx, question, now)
            answer = self._answered(operation, verdict, gate)
            if not answer.waiting:
                await operation_gates.use(tx, gate, now)
            is_new = gate["created_at"] == now
            if is_new or not answer.waiting:
                refused = gate["status"] == "approved" and not answer.allowed  # what it was edited into is blocked
                said = "" if answer.waiting else "blocked" if refused else gate["status"]
                await self._asked(tx, answer.operation, answer.verdict, gate=gate["id"], answer=said)
            return answer

    def _answered(self, operation: Operation, verdict: Verdict, gate: Row) -> Answer:
        """The answer of a gate, for the agent."""
        if gate["status"] == "open":
            return Answer(operation, verdict, allowed=False, waiting=True, gate=gate["id"])
        if gate["status"] != "approved":
            return Answer(operation, _as_decided(verdict, "denied", gate), allowed=False, gate=gate["id"])
        if gate["edited"] is not None:
            operation = questions.edited(operation, gate["edited"])
            verdict = classify(operation, self._policy)
            if verdict.decision is Decision.BLOCKED:
                return Answer(operation, verdict, allowed=False, gate=gate["id"])
        return Answer(operation, _as_decided(verdict, "approved", gate), allowed=True, gate=gate["id"])

    def _question(
        self, operation: Operation, verdict: Verdict, position: int, resume: Mapping[str, Any] | None
    ) -> Question:
        ours, expiry = self._assignment, self._policy.expire_after_s
        return Question(
            run_id=ours.run_id,
            task_id=ours.task_id,
            attempt_id=ours.attempt_id,
            key=self._key(operation, position),
            launch=ours.launch,
            resume=resume,
            text=redact(questions.question_of(operation, verdict)),
            operation=redacted(questions.to_document(operation)),
            effects=redacted(questions.effects_of(verdict)),
            rule=verdict.rule,
            shown=redact(questions.shown_of(operation)),
            risk=risk_of(verdict.effects, str(ours.worktree)),
            suggestion=leave.pattern_of(operation, verdict, ours.worktree),
            expires_at=None if expiry is None else time.time() + expiry,
        )

    def _key(self, operation: Operation, position: int) -> str:
        ours = self._assignment
        return questions.key_of(operation, run_id=ours.run_id, task_id=ours.task_id, position=position)

    async def _asked(
        self, tx: Transaction, operation: Operation, verdict: Verdict, *, gate: str = "", answer: str = ""
    ) -> None:
        data = {
            "kind": operation.kind,
            "target": redact(operation.target),
            "verdict": verdict.decision,
            "rule": verdict.rule,
            "reason": redact(verdict.reason),
            **({"gate": gate} if gate else {}),
            **({"answer": answer} if answer else {}),
        }
        await self._append(tx, "operation.asked", data)

    # -- recording -------------------------------------------------------------------------------

    async def record(self, answer: Answer, result: Result) -> str:
        """Journal the result with the worktree's trees before and after; return the latter."""
        before, operation = self._tree, answer.operation
        after = before if operation.kind == "report" and before else await self.tree()
        data = {
            "kind": operation.kind,
            "target": redact(operation.target),
            "rule": answer.verdict.rule,
            "exit_code": result.exit_code,
            "digest": result.digest,
            "tail": redact(result.tail),
            "output": result.output,
            "truncated": result.truncated,
            "duration_s": round(result.duration_s, 3),
            "tree_before": before,
            "tree_after": after,
            **({"gate": answer.gate} if answer.gate else {}),
        }
        await self.note("operation.done", data)
        if self._loops is not None:
            self._found(self._loops.done(operation, result, after))
        return after

    async def tree(self) -> str:
        """Look at the whole worktree; unchanged files are known by the index's timestamps."""
        self._tree = await self._repository.snapshot(self._assignment.worktree, self._index, self._git_folder)
        self._recoverable.look(self._tree)
        return self._tree

    async def restore(self, tree: str) -> None:
        """Put the worktree back to ``tree``. Raises RepositoryError when that does not succeed."""
        if await self.tree() == tree:
            return
        await self._repository.put_back(self._assignment.worktree, tree, self._index, self._git_folder)
        if await self.tree() != tree:
            raise RepositoryError(f"the worktree cannot be put back to {tree}: the attempt has to be made again")

    async def progress(self, text: str) -> None:
        """Journal a line for people who watch."""
        await self.note("attempt.progress", {"text": redact(text)})

    # -- going on and paying ---------------------------------------------------------------------

    async def remember(self, token: Mapping[str, Any]) -> None:
        """Keep the token for a launch after this one's death."""
        async with self._db.transaction() as tx:
            await attempts.remember(tx, self._assignment.attempt_id, token)

    async def spend(self, usage: Usage, key: str) -> bool:
        """Record the call with its price; whether another one as large as the largest so far is within the allowance.

        A price that nobody knows counts as all that is left of the allowance where somebody has set a limit.
        """
        ours = self._assignment
        spender = Spender(ours.run_id, ours.task_id, ours.attempt_id, ours.provider or usage.provider)
        price = await asyncio.to_thread(prices.price_of, usage)
        async with self._db.transaction() as tx:
            now = time.time()
            allowance = await budgets.allowance_of(tx, ours.attempt_id)
            left = max(0, allowance.left) if allowance else 0
            is_unknown = price.micro_usd is None and await budgets.limits_of(tx, spender, now)
            cost = spending.Cost(
                **vars(spender),
                call=key,
                model=usage.model,
                input_tokens=usage.input_tokens,
                output_tokens=usage.output_tokens,
                cache_read_tokens=usage.cache_read_tokens,
                cache_write_tokens=usage.cache_write_tokens,
                micro_usd=price.micro_usd,
                prices=price.table,
                counted=left if is_unknown else price.micro_usd or 0,
            )
            if await spending.record(tx, cost, now):
                self._spent += cost.counted
                await health.succeeded(tx, spender.provider, now, ours.run_id)
            allowance = await budgets.allowance_of(tx, ours.attempt_id)
        # A limit that is not on record is the one that this launch was told.
        may_go_on = self._spent < self._told if allowance is None else allowance.is_enough
        if not may_go_on:
            self.spent_up.set()
        return may_go_on

    async def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Write one event of this attempt."""
        async with self._db.transaction() as tx:
            await self._append(tx, kind, data)

    async def _append(self, tx: Transaction, kind: str, data: Mapping[str, Any]) -> None:
        await events.append(
            tx,
            kind=kind,
            run_id=self._assignment.run_id,
            task_id=self._assignment.task_id,
            attempt_id=self._assignment.attempt_id,
            data=data,
        )


def _as_decided(verdict: Verdict, how: str, gate: Row) -> Verdict:
    """The verdict with what a human has made of it as its reason."""
    because = f": {gate['reason']}" if gate["reason"] else ""
    reason = f"{how} by {gate['answered_by']} ({gate['id']}){because}"
    return Verdict(verdict.decision, reason, verdict.rule, verdict.effects)
