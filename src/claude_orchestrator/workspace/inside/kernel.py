"""The few system calls of Linux that Python has no function for."""

from __future__ import annotations

import ctypes
import os
import sys

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_CAPBSET_DROP = 24
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
_CAPABILITY_VERSION = 0x20080522


def prctl(option: int, value: int) -> bool:
    """Linux ``prctl(2)``: whether it was done. Nothing elsewhere."""
    if sys.platform != "linux":
        return False
    result: int = ctypes.CDLL(None).prctl(option, value, 0, 0, 0)
    return result == 0


def call(what: str, number: int, *arguments: object) -> int:
    """``syscall(2)``. Raises OSError with ``what`` failed."""
    result = int(ctypes.CDLL(None, use_errno=True).syscall(ctypes.c_long(number), *arguments))
    if result < 0:
        raise OSError(ctypes.get_errno(), what)
    return result


def give_up_privileges() -> None:
    """No capability, for us and for everything that we start, and none by a program's set-user-id bit either.

    Raises OSError when that cannot be done.
    """
    if sys.platform != "linux":
        return
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)
    for number in range(64):
        prctl(PR_CAPBSET_DROP, number)  # refused to those who have none to give up
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION, 0)
    none = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, none) != 0:
        raise OSError(ctypes.get_errno(), "capset")
    if not prctl(PR_SET_NO_NEW_PRIVS, 1):
        raise OSError(0, "no_new_privs")


def stand_first_when_memory_ends() -> None:
    """When the machine's memory is full, the kernel ends this process before any other."""
    try:
        with open("/proc/self/oom_score_adj", "w") as file:  # noqa: PTH123
            file.write("1000")
    except OSError:
        pass


def tasks_of_user() -> int:
    """How many threads the user of this process has on this machine, as ``RLIMIT_NPROC`` counts them."""
    count = 0
    for entry in os.scandir("/proc"):
        try:
            if entry.name.isdigit() and entry.stat().st_uid == os.getuid():
                with open(f"/proc/{entry.name}/stat", "rb") as file:  # noqa: PTH123
                    count += int(file.read().rpartition(b")")[2].split()[17])
        except OSError:
            continue
    return count
