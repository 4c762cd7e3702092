"""The worktree of one attempt: made at a commit, kept as a commit under the attempt's ref, removed."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.workspace.git import Repository

_RECORDS: Final = 3
"""How many of git's records of one worktree are looked for at most."""


def attempt_ref(attempt_id: str) -> str:
    """The ref that keeps an attempt's commits reachable for ever."""
    return f"refs/orchestrator/attempts/{attempt_id}"


async def create(repository: Repository, folder: Path, commit: str) -> None:
    """Make a detached worktree at ``commit``; what an interrupted earlier try left there is removed first.

    Only to be called while no agent has worked in ``folder`` yet.
    """
    folder.parent.mkdir(parents=True, exist_ok=True)
    add = ("worktree", "add", "--quiet", "--detach", "--force", str(folder), commit)
    if folder.exists() or (await repository.attempt_git(*add))[0] != 0:
        await remove(repository, folder)
        await repository.git(*add)


async def keep(repository: Repository, folder: Path, *, base: str, attempt_id: str, scratch: Path, message: str) -> str:
    """Commit everything in the worktree that git does not ignore under the attempt's ref; return the commit.

    The worktree's own index and HEAD stay as the agent left them. The commit's first parent is ``base``; commits
    that the agent made itself stay reachable through a second parent. The same content gives the same commit,
    so nothing is made twice on resume. ``scratch`` is a free file name for a private index: a fresh one each time, as
    a git that outlives a killed caller may still be writing the last. Raises RepositoryError when the worktree is gone.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise RepositoryError(f"the worktree {folder} is gone: the attempt cannot be recorded")
    ref = attempt_ref(attempt_id)
    # By git's record of it, not by its ``.git``, with which the agent may have done anything.
    git_folder = repository.git_folder_of(folder)
    try:
        if git_folder is None:
            await repository.git("read-tree", base, env={"GIT_INDEX_FILE": str(scratch)})
        tree = await repository.snapshot(folder, scratch, git_folder or repository.git_dir)
    finally:
        scratch.unlink(missing_ok=True)
    made_by_agent = await repository.head_of(git_folder) if git_folder else None
    parents = [base]
    if made_by_agent and made_by_agent != base and not await repository.is_ancestor(made_by_agent, base):
        parents.append(made_by_agent)
    kept = await repository.read_ref(ref)
    if kept and await repository.tree_of(kept) == tree and await repository.parents(kept) == parents:
        return kept
    commit = await repository.commit_tree(tree, parents, message)
    await repository.keep(ref, commit)
    return commit


async def remove(repository: Repository, folder: Path) -> None:
    """Remove a worktree and git's records of it; nothing happens where there is none.

    There may be two records: a git that outlived its killed caller made the worktree once more.
    """
    for _ in range(_RECORDS):
        await repository.attempt_git("worktree", "remove", "--force", "--force", str(folder))
        if folder.exists():
            shutil.rmtree(folder, ignore_errors=True)
        if repository.git_folder_of(folder) is None:
            return
