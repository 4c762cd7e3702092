"""Whether a process lives, told by a kernel lock that it holds on a file: released by any death, at once."""

from __future__ import annotations

from pathlib import Path

from filelock import FileLock, Timeout


def hold(path: Path) -> FileLock:
    """Take the lock file of this process; keep the returned object for as long as the process lives."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = FileLock(path)
    lock.acquire(timeout=0)
    return lock


def is_held(path: Path) -> bool:
    """Whether some process holds the lock file; a missing file means no.

    Two processes that ask at the same instant may see each other's question and answer "held": ask again later.
    """
    if not path.exists():
        return False
    lock = FileLock(path)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return True
    lock.release()
    return False
