"""How this machine keeps the processes of a command together, and how a command is started so.

This is what every command gets; those of checks get walls in its place (``walls.py``).

Best first: a PID namespace (the kernel kills everything in it when its first process
ends) with, on request, a network namespace that has nothing but loopback, both through util-linux
``unshare``; else the keeper alone, which kills the process tree itself. What works is tried out, once
a process, because kernels, containers and security modules forbid in many ways.
"""

from __future__ import annotations

import functools
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Literal

Level = Literal["namespaces", "process-group"]

KEEPER: Final = Path(__file__).with_name("keeper.py")
_PROBE_TIMEOUT_S: Final = 10.0

_USER: Final = ("--user", "--map-current-user")
_PIDS: Final = ("--pid", "--fork", "--kill-child")


def level() -> Level:
    """What keeps a command together here: ``namespaces`` or only the ``process-group`` and its keeper."""
    return "namespaces" if _pid_flags() else "process-group"


def explain() -> str:
    """For ``doctor``: the level, and what it means for a command."""
    if not _pid_flags():
        return "process-group: process trees are walked and killed"
    return "namespaces: process trees die with their owner"


def can_cut_network() -> bool:
    """Whether ``network=False`` really means no network on this machine."""
    return bool(_network_flags())


def wrap(argv: Sequence[str], *, network: bool, lifeline: int, max_memory_bytes: int | None = None) -> list[str]:
    """The argument vector that runs ``argv`` under its keeper behind the best walls there are.

    ``lifeline`` is the file descriptor that the keeper watches; it has to be passed on to the process.
    Without a network namespace ``network=False`` changes nothing: see :func:`can_cut_network`.
    """
    cut = () if network else _network_flags()
    return _wrapped(argv, cut or _pid_flags(), lifeline, max_memory_bytes)


def keeper(lifeline: int, order: Sequence[str]) -> list[str]:
    """The start of the argument vector of a command under its keeper; ``order`` is what the keeper has to do."""
    # -I -S: nothing of the environment or of any site-packages may reach the keeper, and it starts fast.
    return [sys.executable, "-I", "-S", str(KEEPER), str(lifeline), *order, "--"]


def _wrapped(argv: Sequence[str], flags: Sequence[str], lifeline: int, max_memory_bytes: int | None) -> list[str]:
    unshare = [_unshare(), *flags, "--"] if flags else []
    order = [f"space={max_memory_bytes or 0}", f"loopback={int('--net' in flags)}"]
    return [*unshare, *keeper(lifeline, order), *argv]


@functools.cache
def _pid_flags() -> tuple[str, ...]:
    """The flags of ``unshare`` that give a PID namespace here; empty where none do."""
    users: tuple[tuple[str, ...], ...] = ((), _USER) if os.geteuid() == 0 else (_USER,)
    # A container may forbid a fresh /proc: then the old one shows more than the command's own processes.
    candidates = [(*user, *_PIDS, *proc) for proc in (("--mount-proc",), ()) for user in users]
    return next((flags for flags in candidates if _works(flags)), ())


@functools.cache
def _network_flags() -> tuple[str, ...]:
    """The flags for no network on top of the PID namespace; empty where that does not work."""
    pids = _pid_flags()
    # Bringing loopback up takes a capability, which the keeper gives back before it starts the command.
    flags = (*pids, "--net", "--keep-caps") if "--user" in pids else (*pids, "--net")
    return flags if pids and _works(flags) else ()


def _works(flags: Sequence[str]) -> bool:
    if not sys.platform.startswith("linux") or not _unshare():
        return False
    return ends_well(lambda lifeline: _wrapped(["true"], flags, lifeline, None))


def ends_well(command: Callable[[int], Sequence[str]], cwd: Path | None = None) -> bool:
    """Try out a command, made for the descriptor of its lifeline: whether its keeper reports that it ended with 0."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        try:
            subprocess.run(
                command(theirs.fileno()),
                cwd=cwd,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=_PROBE_TIMEOUT_S,
                check=True,
            )
        except (OSError, subprocess.SubprocessError):
            return False
        ours.setblocking(False)
        try:
            return ours.recv(64) == b"0\n"
        except BlockingIOError:
            return False


@functools.cache
def _unshare() -> str:
    return shutil.which("unshare") or ""
