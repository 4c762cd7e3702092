"""The drift check: whether what a task rests on is still as it was when its plan was approved.

Looked at when the task is claimed and its worktree is not made yet. What the run itself has merged is no drift; every
other change of a stamped file is, before the run or beside it, and stops the task with a question.
"""

from __future__ import annotations

import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.errors import OrchestratorError
from claude_orchestrator.orchestrator.merging import is_own
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.state import grounds, tasks
from claude_orchestrator.state.database import Database
from claude_orchestrator.state.grounds import Stamp
from claude_orchestrator.state.tasks import Claim
from claude_orchestrator.workspace import worktrees
from claude_orchestrator.workspace.git import Repository

_NAMED: Final = 5
"""Files that a question names; ``inbox show`` has all of them."""


_SUBJECT: Final = 60
"""Characters of a commit's subject that a question shows."""

_COMMIT: Final = re.compile(r"\x01([0-9a-f]{40,64})\x02")


class DriftedError(OrchestratorError):
    """A task cannot be begun before a human has said whether it still makes sense."""

    def __init__(self, drift: Drift) -> None:
        super().__init__(drift.question)
        self.drift = drift


@dataclass(frozen=True)
class Commit:
    """A commit, and which of the files in question it has changed."""

    id: str
    subject: str
    message: str
    paths: frozenset[str]


@dataclass(frozen=True)
class Moved:
    """A file that has changed: its blob at the commit ``since``, and now. Empty: it was, or is, not there."""

    was: str
    now: str
    since: str


@dataclass(frozen=True)
class Drift:
    """Files of a task's ground that are not as they were any more at ``head``, and who has changed each last."""

    head: str
    files: Mapping[str, Moved]
    by: Mapping[str, Commit]

    @property
    def question(self) -> str:
        """What a human is asked; one line."""
        named = [self._named(path, moved) for path, moved in list(self.files.items())[:_NAMED]]
        more = f" and {len(self.files) - _NAMED} more" if len(self.files) > _NAMED else ""
        return (
            f"what this task rests on has changed since its plan was approved: {', '.join(named)}{more}."
            " Approve to go on with the files as they are now, deny with a reason to give the task up and plan it anew."
        )

    def _named(self, path: str, moved: Moved) -> str:
        gone = "" if moved.was and moved.now else " is there now" if moved.now else " is gone"
        by = self.by.get(path)
        return f"{path}{gone}" + (f" ({by.id[:9]} {' '.join(by.subject.split())[:_SUBJECT]})" if by else "")

    @property
    def subject(self) -> str:
        """What exactly an approval covers."""
        return "\n".join(f"{path} {moved.now or '-'}" for path, moved in self.files.items())


async def check(db: Database, repository: Repository, claim: Claim, run: Mapping[str, Any], head: str) -> Drift | None:
    """What of the claimed task's ground is not so any more at ``head``; None when it may begin.

    Without stamps this is one look at an index. Raises RepositoryError when ``head`` is no commit of the repository.
    """
    ground = await grounds.of_task(db, dict(run), claim.task_id)
    if not ground:
        return None
    now = await _blobs(repository, head)
    differing = [stamp for stamp in ground if now.get(stamp.path, "") != stamp.blob]
    moved = await _not_ours(repository, run, head, differing) if differing else []
    if not moved:
        return None
    files = {stamp.path: Moved(stamp.blob, now.get(stamp.path, ""), stamp.commit) for stamp in moved}
    return Drift(head, files, await _changed_by(repository, run, head, files))


async def ask(db: Database, repository: Repository, claim: Claim, drift: Drift, worktree: Path) -> str:
    """Stop the claimed task with a question; return the gate's id. ``worktree`` is where it would have worked.

    Raises StaleFenceError when somebody else has taken the task over.
    """
    if worktree.exists():  # of an earlier try to begin, which was killed
        async with db.transaction() as tx:
            await tasks.own(tx, claim)
        await worktrees.remove(repository, worktree)
    async with db.transaction() as tx:
        return await grounds.ask(
            tx,
            claim,
            question=redact(drift.question),
            subject=drift.subject,
            head=drift.head,
            moved={path: (moved.was, moved.now, moved.since) for path, moved in drift.files.items()},
            now=time.time(),
        )


async def _blobs(repository: Repository, commit: str) -> dict[str, str]:
    return {path: entry.blob for path, entry in (await repository.entries(commit)).items()}


async def _not_ours(
    repository: Repository, run: Mapping[str, Any], head: str, differing: Sequence[Stamp]
) -> list[Stamp]:
    """The stamps of ``differing`` that not only the run's own merges have made differ."""
    at_base = await _blobs(repository, run["base_commit"])
    moved = []
    for since, stamps in _by_begin(run, differing).items():
        history = await _history(repository, since, head, [stamp.path for stamp in stamps])
        for stamp in stamps:
            touched = [is_own(run, commit.message) for commit in history if stamp.path in commit.paths]
            was_so = stamp.accepted or at_base.get(stamp.path, "") == stamp.blob
            if not (was_so and touched and all(touched)):
                moved.append(stamp)
    return moved


def _by_begin(run: Mapping[str, Any], stamps: Sequence[Stamp]) -> dict[str, list[Stamp]]:
    """The stamps by the commit from which on only the run itself may have changed them."""
    groups: dict[str, list[Stamp]] = {}
    for stamp in stamps:
        groups.setdefault(stamp.commit if stamp.accepted else run["base_commit"], []).append(stamp)
    return groups


async def _changed_by(
    repository: Repository, run: Mapping[str, Any], head: str, files: Mapping[str, Moved]
) -> dict[str, Commit]:
    """The latest commit of somebody else that has changed each file, as far as git knows."""
    by: dict[str, Commit] = {}
    for since in dict.fromkeys(moved.since for moved in files.values()):
        paths = [path for path, moved in files.items() if moved.since == since]
        for commit in await _history(repository, since, head, paths):
            if not is_own(run, commit.message):
                by.update({path: commit for path in commit.paths if path in paths and path not in by})
    return by


async def _history(repository: Repository, since: str, head: str, paths: Sequence[str]) -> list[Commit]:
    """The commits in ``since..head`` that have changed any of ``paths``, the newest first.

    None where ``since`` is no commit of the repository (any more): then nobody can say whose changes they are.
    """
    code, out, _ = await repository.attempt_git(
        "--literal-pathspecs", "log", "-z", "-c", "--no-renames", "--name-only", "--format=%x01%H%x02%s%x02%B%x02",
        f"{since}..{head}", "--", *paths,
    )  # fmt: skip
    said = out.decode(errors="surrogateescape") if code == 0 else ""
    begins = [*_COMMIT.finditer(said)]
    commits = []
    for begin, after in zip_longest(begins, begins[1:]):
        end = after.start() if after else len(said)
        subject, _, rest = said[begin.end() : end].partition("\x02")
        message, _, names = rest.rpartition("\x02")
        commits.append(Commit(begin[1], subject, message, frozenset(names.strip("\0\n").split("\0"))))
    return commits
