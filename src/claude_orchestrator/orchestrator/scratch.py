"""The verifier's private folder: short-named, in the system's temporary folder, gone afterwards.

Not below the evidence: tests make sockets in their temporary folder, and those need short paths. Its owner holds
a kernel lock on a file in it, so that what a killed verifier left behind is known and removed by the next.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from claude_orchestrator.workspace.git import Repository

_PREFIX: Final = "co-"
_LOCK: Final = "owner.lock"
_SHA256_LENGTH: Final = 64


@contextmanager
def work_folder() -> Iterator[Path]:
    """A new folder for one verification; removes it afterwards, and those whose owners were killed."""
    remove_abandoned()
    work = Path(tempfile.mkdtemp(prefix=_PREFIX)).resolve()
    try:
        with (work / "new.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            # Only now under its name: nobody may find it without its lock held.
            (work / "new.lock").rename(work / _LOCK)
            yield work
    finally:
        _remove(work)


def remove_abandoned() -> None:
    """Remove the folders of verifications whose owners are gone."""
    for work in Path(tempfile.gettempdir()).resolve().glob(f"{_PREFIX}*"):
        with suppress(OSError):
            if work.is_symlink() or work.stat().st_uid != os.geteuid():
                continue
            with (work / _LOCK).open("r+") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                _remove(work)


async def private_repository(repository: Repository, work: Path, commits: Sequence[str]) -> Repository:
    """A repository of our own in ``work`` that reads the objects of another and keeps new ones to itself.

    What the other has only promised of ``commits`` (a partial clone) is fetched there first.

    Nothing but objects comes along: no replacement of objects, no attributes, no configuration that names programs. All
    of these can be set by whoever works in a worktree of the other repository.
    """
    code, _, _ = await repository.attempt_git("config", "--get-regexp", r"^remote\..*\.promisor$")
    if code == 0:
        from claude_orchestrator.graders.scope import SUBMODULE  # not at the top: it takes a moment

        for commit in commits:
            wanted = {entry.blob for entry in (await repository.entries(commit)).values() if entry.mode != SUBMODULE}
            await repository.git("cat-file", "--batch-check", stdin="".join(f"{blob}\n" for blob in wanted).encode())
    ours = Repository(work / "git", work / "git" / ".git")
    for folder in ("objects/info", "refs"):
        (ours.git_dir / folder).mkdir(parents=True)
    (ours.git_dir / "HEAD").write_text("ref: refs/heads/main\n")
    (ours.git_dir / "objects" / "info" / "alternates").write_text(f"{repository.git_dir / 'objects'}\n")
    # Where git-lfs is installed, files that the user has already downloaded are found.
    storage = str(repository.git_dir / "lfs").replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    is_long = len(commits[0]) == _SHA256_LENGTH
    (ours.git_dir / "config").write_text(
        f"[core]\n\trepositoryformatversion = {int(is_long)}\n\tbare = false\n"
        + ("[extensions]\n\tobjectformat = sha256\n" if is_long else "")
        + f'[lfs]\n\tstorage = "{storage}"\n',
        errors="surrogateescape",
    )
    return ours


def _remove(folder: Path) -> None:
    """Remove a folder in which tests may have made folders read-only; what cannot be removed stays."""
    shutil.rmtree(folder, ignore_errors=True)
    if folder.exists():
        for place, names, _ in os.walk(folder):
            for name in names:
                below = Path(place, name)
                # A link may lead to anybody's file.
                if not below.is_symlink():
                    below.chmod(0o700)
        shutil.rmtree(folder, ignore_errors=True)
