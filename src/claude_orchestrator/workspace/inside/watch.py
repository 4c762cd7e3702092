"""The watch over what a command uses: processes, memory, disk."""

from __future__ import annotations

import os
import sys
import time

MEGABYTE = 1_000_000
_INTERVAL_S = 0.2 if sys.platform == "linux" else 1.0
_MODEST = 40
"""A look at the disk is followed by that many times its duration without one."""


class Usage:
    """One process: its parent, and its resident memory in bytes."""

    def __init__(self, parent: int, memory: int) -> None:
        self.parent = parent
        self.memory = memory


class Watch:
    """Looks at everything below one process and at the folders that it may write to; 0 means: no limit.

    What is in ``shown`` cannot be written to: it is passed over where it stands below such a folder.
    """

    interval_s = _INTERVAL_S

    def __init__(self, processes: int, memory: int, disk: int, folders: list[str], shown: list[str]) -> None:
        self._processes = processes
        self._memory = memory
        self._disk = disk
        self._folders = folders
        self._shown = frozenset(shown)
        self._started = time.time() - 0.02  # the clock of files is coarser
        self._free = self._space() if disk else 0
        self._next_walk = time.monotonic() + _INTERVAL_S

    def exceeded(self, *, at_end: bool = False) -> str:
        """In words, the limit that the command is over; empty when it keeps to all of them."""
        if (self._processes or self._memory) and not at_end:
            tree = descendants(os.getpid())
            if self._processes and len(tree) > self._processes:
                return f"it had more than {self._processes} processes at once"
            if self._memory and self._memory_of(tree) > self._memory:
                return f"it took more than {self._memory // MEGABYTE} MB of memory"
        if self._disk and self._is_time(at_end) and self._written() > self._disk:
            return f"it wrote more than {self._disk // MEGABYTE} MB to its folders"
        return ""

    def _memory_of(self, tree: dict[int, Usage]) -> int:
        total = sum(usage.memory for usage in tree.values())
        # Processes share pages: only a sum that is too high is worth the exact look.
        return total if total <= self._memory else sum(_share(pid, usage) for pid, usage in tree.items())

    def _is_time(self, at_end: bool) -> bool:
        is_less = self._free - self._space() > self._disk // 2
        return is_less if at_end else is_less or time.monotonic() >= self._next_walk

    def _space(self) -> int:
        """Free bytes on the disks of the folders."""
        disks = {}
        for folder in self._folders:
            try:
                found = os.statvfs(folder)
                disks[os.stat(folder).st_dev] = found.f_bavail * found.f_frsize  # noqa: PTH116
            except OSError:
                continue
        return sum(disks.values())

    def _written(self) -> int:
        """The bytes on disk of all files that have changed since the start, also of deleted ones still in use."""
        begun = time.monotonic()
        found: dict[tuple[int, int], int] = {}
        for folder in self._folders:
            self._walk(folder, found)
        for pid in descendants(os.getpid()):
            self._open_files(pid, found)
        self._next_walk = time.monotonic() + max(_INTERVAL_S, _MODEST * (time.monotonic() - begun))
        return sum(found.values())

    def _walk(self, folder: str, found: dict[tuple[int, int], int]) -> None:
        folders = [folder]
        while folders:
            try:
                entries = list(os.scandir(folders.pop()))
            except OSError:
                continue
            for entry in entries:
                try:
                    self._count(entry.stat(follow_symlinks=False), found)
                    if entry.is_dir(follow_symlinks=False) and entry.path not in self._shown:
                        folders.append(entry.path)
                except OSError:
                    continue

    def _open_files(self, pid: int, found: dict[tuple[int, int], int]) -> None:
        try:
            for name in os.listdir(f"/proc/{pid}/fd"):  # noqa: PTH208
                file = os.stat(f"/proc/{pid}/fd/{name}")  # noqa: PTH116
                if file.st_nlink == 0 and file.st_size:
                    self._count(file, found)
        except OSError:
            return

    def _count(self, file: os.stat_result, found: dict[tuple[int, int], int]) -> None:
        if file.st_ctime >= self._started:
            found[file.st_dev, file.st_ino] = file.st_blocks * 512


def _share(pid: int, usage: Usage) -> int:
    """The memory of a process, with shared pages divided among those who share them."""
    try:
        with open(f"/proc/{pid}/smaps_rollup", "rb") as file:  # noqa: PTH123
            return next(int(line.split()[1]) * 1024 for line in file if line.startswith(b"Pss:"))
    except (OSError, StopIteration):
        return usage.memory


def descendants(root: int) -> dict[int, Usage]:
    """All living processes below ``root``."""
    everybody = _processes()
    children: dict[int, list[int]] = {}
    for pid, usage in everybody.items():
        children.setdefault(usage.parent, []).append(pid)
    found: dict[int, Usage] = {}
    level = [root]
    while level:
        level = [pid for parent in level for pid in children.get(parent, [])]
        found.update((pid, everybody[pid]) for pid in level)
    return found


def _processes() -> dict[int, Usage]:
    """Every process that we can see."""
    if sys.platform != "linux":
        return _processes_by_ps()
    found = {}
    page = os.sysconf("SC_PAGE_SIZE")
    for name in os.listdir("/proc"):  # noqa: PTH208  (pathlib is slow to import)
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                fields = file.read().rpartition(b")")[2].split()
        except OSError:
            continue
        found[int(name)] = Usage(int(fields[1]), int(fields[21]) * page)
    return found


def _processes_by_ps() -> dict[int, Usage]:
    import subprocess

    columns = ["/bin/ps", "-axo", "pid=,ppid=,rss="]
    listing = subprocess.run(columns, capture_output=True, text=True, check=False).stdout
    lines = (line.split() for line in listing.splitlines())
    return {int(pid): Usage(int(parent), int(memory) * 1024) for pid, parent, memory in lines}
