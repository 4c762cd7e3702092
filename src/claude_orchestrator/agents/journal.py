"""The host of an agent in the runner: judges every operation and writes what happened to the journal."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from claude_orchestrator.agents.base import Assignment, Result
from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.operations import Operation, Verdict
from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.state import events
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository, git_folder


class JournalHost:
    """Implements :class:`~claude_orchestrator.agents.base.Host` for one launch.

    Making one raises RepositoryError when the worktree is gone.
    """

    def __init__(self, assignment: Assignment, db: Database) -> None:
        self._assignment = assignment
        self._db = db
        # Before the agent can touch it: whatever it does to ``.git``, we go on in the same repository.
        self._git_folder = git_folder(assignment.worktree)
        self._repository = Repository(assignment.worktree, self._git_folder)
        self._policy = Policy("worktree", home=str(Path.home()), live=True)
        self._index = assignment.folder / "index"
        self._tree: str | None = None

    async def ask(self, operation: Operation) -> Verdict:
        """Judge the operation; it may happen only after the verdict is in the journal."""
        if self._tree is None or operation.kind == "run":
            # A command tells about the files that it saw, so they are looked at again just before it.
            await self.tree()
        verdict = classify(operation, self._policy)
        await self.note(
            "operation.asked",
            {
                "kind": operation.kind,
                "target": operation.target,
                "verdict": verdict.decision,
                "rule": verdict.rule,
                "reason": verdict.reason,
            },
        )
        return verdict

    async def record(self, operation: Operation, verdict: Verdict, result: Result) -> str:
        """Journal the result with the worktree's trees before and after; return the latter."""
        before = self._tree
        after = before if operation.kind == "report" and before else await self.tree()
        await self.note(
            "operation.done",
            {
                "kind": operation.kind,
                "target": operation.target,
                "rule": verdict.rule,
                "exit_code": result.exit_code,
                "digest": result.digest,
                "tail": result.tail,
                "output": result.output,
                "truncated": result.truncated,
                "duration_s": round(result.duration_s, 3),
                "tree_before": before,
                "tree_after": after,
            },
        )
        return after

    async def tree(self) -> str:
        """Look at the whole worktree; unchanged files are known by the index's timestamps."""
        self._tree = await self._repository.snapshot(self._assignment.worktree, self._index, self._git_folder)
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
        await self.note("attempt.progress", {"text": text})

    async def note(self, kind: str, data: Mapping[str, Any]) -> None:
        """Write one event of this attempt."""
        async with self._db.transaction() as tx:
            await events.append(
                tx,
                kind=kind,
                run_id=self._assignment.run_id,
                task_id=self._assignment.task_id,
                attempt_id=self._assignment.attempt_id,
                data=data,
            )
