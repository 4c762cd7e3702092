"""Processes that are not our children: found by a marker in their environment, known by their start time.

A process id alone is never believed, because it may be a stranger's by now. POSIX only; macOS answers
through ``ps``, which shows the environment of the user's own processes only.
"""

from __future__ import annotations

import asyncio
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Final, Self

MARKER: Final = "CLAUDE_ORCHESTRATOR_MARKER"
"""Environment variable: the names of the process trees that a process belongs to, outermost first, ``/`` between."""

KILL_TIMEOUT_S: Final = 5.0
_POLL_S: Final = 0.05
_LINUX: Final = sys.platform.startswith("linux")


def nested(marker: str) -> str:
    """The value of :data:`MARKER` for a child's tree ``marker``: inside every tree that we are in ourselves."""
    outer = os.environ.get(MARKER, "").split("/")
    return "/".join([name for name in outer if name not in ("", marker)] + [marker])


def start_time(pid: int) -> str | None:
    """When process ``pid`` started, in the system's own terms: two processes never share pid and start.

    None when there is no such process; a zombie has ended and counts as none.
    """
    if _LINUX:
        try:
            line = Path(f"/proc/{pid}/stat").read_bytes()
        except OSError:
            return None
        state, *fields = line[line.rindex(b")") + 2 :].split()
        return None if state in (b"Z", b"X") else fields[18].decode()
    listing = _ps("-o", "state=,lstart=", "-p", str(pid)).split(maxsplit=1)
    return None if len(listing) < 2 or listing[0].startswith("Z") else listing[1].strip()


def send_signal(pid: int, started: str, number: signal.Signals, wait_s: float = 0.0) -> bool:
    """Signal the process ``pid`` that started at ``started``, then wait up to ``wait_s`` seconds for its end.

    False when that process is gone already.
    """
    try:
        with _Handle(pid) as handle:
            if start_time(pid) != started:
                return False
            handle.send(number)
            handle.wait(wait_s)
            return True
    except (ProcessLookupError, PermissionError):
        return False


async def kill_marked(marker: str) -> list[int]:
    """:func:`kill_marked_now` in a thread, because it waits for the processes to end."""
    return await asyncio.to_thread(kill_marked_now, marker)


def marked(marker: str) -> list[int]:
    """The ids of all processes but ourselves whose environment carries ``marker``."""
    return [pid for pid, value in _markers() if pid != os.getpid() and marker in value.split("/")]


def lineage() -> list[tuple[int, str]]:
    """``(pid, marker value)`` of ourselves and of all processes above us, nearest first.

    The value is what a process was started with: it cannot be changed afterwards, nor taken away from a parent by a
    child. It is empty where there is none, or the system does not let us see it (another user's process). Who has
    detached itself from its parents is below none of them any more.
    """
    # In a PID namespace that sees an outer ``/proc``, our id there is not the one that we know ourselves by.
    pid = int(Path("/proc/self").readlink().name) if _LINUX else os.getpid()
    found = [(pid, os.environ.get(MARKER, "") or _marker_of(pid))]
    while (pid := _parent_of(pid)) > 0 and all(pid != known for known, _ in found):
        found.append((pid, _marker_of(pid)))
    return found


def pid_namespace() -> str:
    """The name of our PID namespace, the same for all who are in it; empty on a system without."""
    return str(Path("/proc/self/ns/pid").readlink()) if _LINUX else ""


def _parent_of(pid: int) -> int:
    """The id of a process's parent; 0 when it has none, or is gone."""
    if not _LINUX:
        said = _ps("-o", "ppid=", "-p", str(pid)).strip()
        return int(said) if said.isdigit() else 0
    try:
        line = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return 0
    return int(line[line.rindex(b")") + 2 :].split()[1])


def kill_marked_now(marker: str) -> list[int]:
    """SIGKILL every process whose environment carries ``marker``, until there is none; return their ids.

    Gives up after a few seconds: what has not ended then hangs inside the kernel.
    """
    killed: list[int] = []
    deadline = time.monotonic() + KILL_TIMEOUT_S
    while (found := marked(marker)) and time.monotonic() < deadline:
        for pid in found:
            try:
                with _Handle(pid) as handle:
                    # Looked up again under the handle: from here on the id cannot become a stranger's.
                    if pid in killed or marker in _marker_of(pid).split("/"):
                        handle.send(signal.SIGKILL)
                        killed.append(pid)
                        handle.wait(0.1)
            except (ProcessLookupError, PermissionError):
                continue
    return sorted(set(killed))


class _Handle:
    """A process that we can signal and wait for without ever meeting its successor of the same id.

    Raises ProcessLookupError when there is no such process. Without pidfd (macOS, old kernels) only
    the shortness of the time between look and signal protects the successor.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._fd = -1
        try:
            self._fd = os.pidfd_open(pid)
        except AttributeError:
            os.kill(pid, 0)
        except ProcessLookupError:
            raise
        except OSError:
            os.kill(pid, 0)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._fd >= 0:
            os.close(self._fd)

    def send(self, number: signal.Signals) -> None:
        if self._fd >= 0:
            signal.pidfd_send_signal(self._fd, number)
        else:
            os.kill(self._pid, number)

    def wait(self, timeout_s: float) -> None:
        """Block until the process has ended or the time is over."""
        if self._fd >= 0:
            select.select([self._fd], [], [], timeout_s)
            return
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and start_time(self._pid) is not None:
            time.sleep(_POLL_S)


def _markers() -> list[tuple[int, str]]:
    """``(pid, marker value)`` of every process that has one and lets us see it."""
    if _LINUX:
        numbers = [int(entry.name) for entry in os.scandir("/proc") if entry.name.isdigit()]
        return [(pid, value) for pid in numbers if (value := _marker_of(pid))]
    lines = [line.split() for line in _ps("-axEww", "-o", "pid=,command=").splitlines()]
    return [(int(pid), value) for pid, *words in lines if (value := _marker_among(words))]


def _marker_of(pid: int) -> str:
    """The marker of one process, or an empty text."""
    if not _LINUX:
        return _marker_among(_ps("-Eww", "-o", "command=", "-p", str(pid)).split())
    try:
        environment = Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return ""
    return _marker_among(environment.decode(errors="replace").split("\0"))


def _marker_among(words: list[str]) -> str:
    prefix = f"{MARKER}="
    return next((word.removeprefix(prefix) for word in words if word.startswith(prefix)), "")


def _ps(*options: str) -> str:
    return subprocess.run(["/bin/ps", *options], capture_output=True, text=True, check=False).stdout
