"""The last two steps of a task: verify the exact candidate, then move the branch by compare-and-swap.

The candidate is the attempt merged onto the run's head, as a commit object that no ref points to yet. Only
that commit is verified and only that commit becomes the head; if the head has moved meanwhile, a new
candidate is made and verified. The task's trailer is looked up on the branch first, every time: a merge that an
earlier process did (or does right now) is found there, because it must have moved the head.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final, Literal

from claude_orchestrator.config import Settings
from claude_orchestrator.errors import BlockedError, OrchestratorError
from claude_orchestrator.orchestrator import verifier
from claude_orchestrator.orchestrator.bundle import waive
from claude_orchestrator.orchestrator.signing import Keys
from claude_orchestrator.orchestrator.stopping import unless_stopped
from claude_orchestrator.orchestrator.verifier import Request, Verification
from claude_orchestrator.plans.checks import check_names
from claude_orchestrator.safety.documents import redacted
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.state import attempts, events, gates, tasks
from claude_orchestrator.state.database import Database
from claude_orchestrator.state.tasks import Claim
from claude_orchestrator.workspace.git import Repository

_OF_RUN: Final = "Orchestrator-Task: {id}/"
"""How the line begins by which a merge of a run is recognised."""


@dataclass(frozen=True)
class Landing:
    """How it ended: merged (``commit`` is None when nothing had to change), refused, or waiting for a human.

    ``hopeless`` says that the verifier could not judge, which another attempt cannot change.
    """

    status: Literal["merged", "refused", "waiting"]
    commit: str | None = None
    reason: str = ""
    feedback: str = ""
    hopeless: bool = False


@dataclass(frozen=True)
class Candidate:
    """The commit that would become the head, and the head that it was made for."""

    commit: str
    tree: str
    head: str


class Merger:
    """Verifies and merges attempts on the branch of their run."""

    def __init__(self, db: Database, settings: Settings, repository: Repository) -> None:
        self._db = db
        self._settings = settings
        self._repository = repository
        self._queues: dict[str, asyncio.Lock] = {}
        self._keys = Keys(settings.signing)

    async def land(self, claim: Claim, run: dict[str, Any], commit: str) -> Landing:
        """Bring an attempt's commit onto the run's branch, or say why not.

        Raises StaleFenceError when the claim is lost, RunStoppedError when a human pauses or cancels the run,
        BlockedError when the run's branch is gone or checked out.
        """
        async with self._db.transaction() as tx:
            await tasks.advance(tx, claim, "verifying")
        # One after the other: a candidate whose head moves while it is verified has to be verified again.
        async with self._queues.setdefault(run["id"], asyncio.Lock()):
            return await self._land(claim, run, commit)

    async def _land(self, claim: Claim, run: dict[str, Any], commit: str) -> Landing:
        known_head = (await attempts.get(self._db, claim.attempt_id))["base_commit"]
        while True:
            head = await head_of(self._repository, run)
            if head != known_head:
                await self._note_moved(claim, known_head, head)
                known_head = head
            if merged := await self._repository.commit_with_trailer(run["base_commit"], head, trailer(run, claim)):
                return await self._complete(claim, merged)
            candidate = await self._candidate(claim, run, commit, head)
            if isinstance(candidate, Landing):
                return candidate
            if candidate.tree == await self._repository.tree_of(head):
                landing = await self._idle(claim, commit) or await self._answered(claim, run, candidate)
                return landing or await self._complete(claim, None)
            landing = await self._judged(claim, run, candidate, claim.definition["checks"])
            if landing is not None:
                return landing
            await self._not_checked_out(run)
            async with self._db.transaction() as tx:
                await attempts.start_step(tx, claim, "merge", time.time())
            if await self._repository.move_ref(run["target_ref"], candidate.commit, candidate.head):
                return await self._complete(claim, candidate.commit)

    async def candidate(self, claim: Claim, run: dict[str, Any], commit: str) -> Candidate | str:
        """The candidate on the run's current head, or why there is none to judge."""
        found = await self._candidate(claim, run, commit, await head_of(self._repository, run))
        return found.reason if isinstance(found, Landing) else found

    async def verify(
        self,
        claim: Claim,
        run: dict[str, Any],
        candidate: Candidate,
        checks: Sequence[str | dict[str, Any]],
        files_reported: Sequence[str] = (),
    ) -> Verification:
        """Step ``verify``: judge a candidate in a process of its own and store the evidence.

        ``files_reported`` is what somebody says has changed; a name that git does not show fails the candidate.
        """
        async with self._db.transaction() as tx:
            await attempts.start_step(tx, claim, "verify", time.time())
        # Evidence names the candidate: git must not collect it when it is refused.
        await self._repository.keep(candidate_ref(claim.attempt_id, candidate.commit), candidate.commit)
        folder = self._settings.attempts / claim.attempt_id / "evidence" / candidate.commit[:12]
        request = Request(
            repository=self._repository.root,
            base=candidate.head,
            head=candidate.commit,
            scope=claim.definition.get("files") or None,
            checks=list(checks),
            evidence=folder,
            cache=self._settings.cache,
            check_timeout_s=self._settings.check_timeout_s,
            kind=claim.definition.get("kind"),
            report=await self._report(claim),
            operations=await self._operations(claim),
        )
        verification = await unless_stopped(self._db, claim.run_id, verifier.judge_apart(request, keys=self._keys))
        verification = await self._believe_git(candidate, verification, files_reported)
        await self._store(claim, candidate, verification, folder)
        return verification

    async def _report(self, claim: Claim) -> str:
        """What the agent has said of its work; empty when it was done by hand."""
        done = await attempts.step(self._db, claim.attempt_id, "agent")
        return str((done and done["output"] and done["output"].get("report")) or "")

    async def _operations(self, claim: Claim) -> list[dict[str, Any]]:
        found = await events.of_attempt(self._db, claim.attempt_id, kind="operation.done")
        return [event["data"] for event in found]

    async def _idle(self, claim: Claim, commit: str) -> Landing | None:
        """Why an attempt that has changed nothing is no success, or None when it is one."""
        from claude_orchestrator.graders.semantics.claims import idle_reason

        base = (await attempts.get(self._db, claim.attempt_id))["base_commit"]
        if await self._repository.tree_of(commit) != await self._repository.tree_of(base):
            return None  # the branch has got the same change from somebody else
        report = await self._report(claim) if claim.definition["checks"] else ""
        reason = idle_reason(claim.definition.get("kind"), report)
        feedback = f"The last attempt changed no file: {reason}."
        return Landing("refused", reason=reason, feedback=feedback) if reason else None

    async def _believe_git(
        self, candidate: Candidate, verification: Verification, files_reported: Sequence[str]
    ) -> Verification:
        if not files_reported:
            return verification
        changes = await self._repository.changes(candidate.head, candidate.commit)
        shown = {path for change in changes for path in (change.path, change.old_path)}
        if not (unshown := sorted(set(files_reported) - shown)):
            return verification
        reasons = tuple(f"{path} was reported as changed, but git shows no change" for path in unshown)
        return replace(verification, verdict="failed", reasons=verification.reasons + reasons)

    async def _note_moved(self, claim: Claim, known: str, head: str) -> None:
        async with self._db.transaction() as tx:
            await tasks.record(tx, claim, "task.head_moved", {"from": known, "to": head})

    async def _candidate(self, claim: Claim, run: dict[str, Any], commit: str, head: str) -> Candidate | Landing:
        merge = await self._repository.merge_trees(head, commit)
        if merge.conflicts:
            paths = ", ".join(merge.conflicts)
            return Landing(
                "refused",
                reason=f"merge conflict in {paths}",
                feedback=f"Other tasks changed the same lines meanwhile; merging onto {head[:12]} conflicts in: "
                f"{paths}. Start from the files as they are now.",
            )
        message = _message(claim, run)
        return Candidate(await self._repository.commit_tree(merge.tree, [head], message), merge.tree, head)

    async def _answered(self, claim: Claim, run: dict[str, Any], candidate: Candidate) -> Landing | None:
        """Why an answer without any change is not what the task asks for; None when it is."""
        conditions = [check for check in claim.definition["checks"] if not isinstance(check, str)]
        return await self._judged(claim, run, candidate, conditions) if conditions else None

    async def _judged(
        self, claim: Claim, run: dict[str, Any], candidate: Candidate, checks: Sequence[str | dict[str, Any]]
    ) -> Landing | None:
        """None when the candidate may be merged, otherwise why not."""
        verification = await self._stored(claim, candidate, checks)
        if verification is None:
            verification = await self.verify(claim, run, candidate, checks)
        if verification.verdict == "passed":
            return None
        reasons = redact("; ".join(verification.reasons))  # as it is stored: an approval covers these very words
        if verification.verdict == "needs_review":
            waiver = await gates.waiver(self._db, claim.attempt_id)
            if waiver and waiver["subject"] == reasons:
                await self._note_waiver(claim, candidate, waiver, Path(verification.evidence))
                return None
            return Landing("waiting", reason=reasons)
        return Landing(
            "refused", reason=reasons, feedback=verification.feedback(), hopeless=verification.verdict == "error"
        )

    async def _note_waiver(self, claim: Claim, candidate: Candidate, gate: dict[str, Any], folder: Path) -> None:
        """Record who approved, and why, with the evidence that it is about."""
        waiver = {
            "gate": gate["id"],
            "by": gate["answered_by"] or "",
            "at": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(gate["answered_at"])),
            "reason": gate["reason"] or "",
            "covers": gate["subject"],
        }
        async with self._db.transaction() as tx:
            await attempts.waive_evidence(tx, claim, tree=candidate.tree, waiver=waiver)
            await tasks.record(tx, claim, "task.waived", {"gate": gate["id"]})
        # The bundle follows the database; where that fails, the database has the waiver.
        with contextlib.suppress(OSError, OrchestratorError):
            await asyncio.to_thread(waive, folder, waiver, self._keys)

    async def _stored(
        self, claim: Claim, candidate: Candidate, checks: Sequence[str | dict[str, Any]]
    ) -> Verification | None:
        """An earlier judgement of the same tree against the same head with all of these checks."""
        for row in reversed(await attempts.evidence(self._db, claim.run_id, claim.task_id)):
            if row["attempt_id"] != claim.attempt_id or row["tree"] != candidate.tree or row["verdict"] == "error":
                continue
            found = Verification.from_json(row["document"])
            judged = {check.name for check in found.checks}
            if found.base == candidate.head and judged.issuperset(check_names(checks)):
                return found
        return None

    async def _store(self, claim: Claim, candidate: Candidate, verification: Verification, folder: Path) -> None:
        async with self._db.transaction() as tx:
            await attempts.record_evidence(
                tx,
                claim,
                tree=candidate.tree,
                verdict=verification.verdict,
                document=redacted(verification.to_json()),
                folder=str(folder),
                now=time.time(),
            )
            await attempts.finish_step(tx, claim, "verify", {"verdict": verification.verdict}, time.time())

    async def _not_checked_out(self, run: dict[str, Any]) -> None:
        folder = await self._repository.checked_out_at(run["target_ref"])
        if folder is not None:
            branch = run["target_ref"].removeprefix("refs/heads/")
            raise BlockedError(
                f"{branch} is checked out at {folder}, and a checkout is never touched: "
                f"switch that checkout to another branch, then 'claude-orchestrator resume {run['id']}'"
            )

    async def _complete(self, claim: Claim, commit: str | None) -> Landing:
        async with self._db.transaction() as tx:
            await attempts.start_step(tx, claim, "merge", time.time())
            await attempts.finish_step(tx, claim, "merge", {"commit": commit}, time.time())
            await tasks.complete(tx, claim, commit=commit, now=time.time())
        return Landing("merged", commit)


async def head_of(repository: Repository, run: dict[str, Any]) -> str:
    """The commit that the run's branch is at. Raises BlockedError when there is no such branch any more."""
    head = await repository.read_ref(run["target_ref"])
    if head is None:
        raise BlockedError(
            f"{run['target_ref']} is gone: restore it with 'git update-ref {run['target_ref']} COMMIT', then resume"
        )
    return head


def candidate_ref(attempt_id: str, commit: str) -> str:
    """The ref that keeps a judged candidate reachable, so that its evidence can be checked again."""
    return f"refs/orchestrator/candidates/{attempt_id}/{commit[:12]}"


def trailer(run: dict[str, Any], claim: Claim) -> str:
    """The commit message line by which a task's merge is recognised on the branch."""
    return f"{_OF_RUN.format(**run)}{claim.task_id} {run['token']}"


def is_own(run: Mapping[str, Any], message: str) -> bool:
    """Whether a commit message is that of a merge of the run."""
    begin, end = _OF_RUN.format(**run), f" {run['token']}"
    return any(line.startswith(begin) and line.endswith(end) for line in message.splitlines())


def _message(claim: Claim, run: dict[str, Any]) -> str:
    title = claim.definition.get("title") or claim.task_id
    checks = ", ".join(check_names(claim.definition["checks"])) or "scope only"
    return (
        f"{title}\n\n{trailer(run, claim)}\nOrchestrator-Attempt: {claim.attempt_id}\nOrchestrator-Checks: {checks}\n"
    )
