"""The process between us and a command: it starts the command and lets nothing of it live on.

Run as ``python -I -S keeper.py LIFELINE LOOPBACK MEMORY PROGRAM [ARGUMENT...]``; it imports nothing of
this package, because it starts with every command. LIFELINE is our end of a socket: when the other end
closes, whoever wanted the command is gone or has had enough (the kernel closes it also after
``kill -9``), and the command's whole process tree is killed. The command's exit status goes back the
same way, one line: the exit code, negative for a signal; or ``cannot ERRNO`` when it did not start.

In a PID namespace of its own the keeper is process 1, and the kernel kills the tree when it ends.
Elsewhere on Linux it adopts orphans (``PR_SET_CHILD_SUBREAPER``), so that a daemonised grandchild
stays its descendant and is found. macOS has no such call: there the walk finds what is still attached.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import socket
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
PR_CAP_AMBIENT = 47
PR_CAP_AMBIENT_CLEAR_ALL = 4
SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
IFF_RUNNING = 0x40


def main(lifeline: socket.socket, loopback: bool, memory: int, command: list[str]) -> None:
    """Start ``command``, wait for its end or the lifeline's, and kill what is left of it."""
    lifeline.set_inheritable(False)
    alone = os.getpid() == 1
    if loopback:
        bring_loopback_up()
    if not alone:
        prctl(PR_SET_CHILD_SUBREAPER, 1)
    wakeup = watch_children()
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(0)  # nobody wants it any more: do not even start
    child = os.fork()
    if child == 0:
        become(command, lifeline, memory, None if alone else os.getppid())
    status = wait(child, lifeline, wakeup)
    if not alone:
        kill_descendants()
    if status is not None:
        lifeline.sendall(b"%d\n" % status)
    os._exit(0)


def watch_children() -> int:
    """A file descriptor that is readable when a child ended; other polite signals are not for us."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler, not SIG_IGN: a handler is gone after exec, SIG_IGN would be the command's as well.
        signal.signal(number, lambda *_: None)
    return reader


def become(command: list[str], lifeline: socket.socket, memory: int, keeper: int | None) -> None:
    """In the child: put limits and signals right and become the command."""
    try:
        os.setsid()
        if keeper is not None:
            prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:  # it died before the kernel knew that we care
                os._exit(1)
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if memory:
            resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
        for ignored_by_python in (signal.SIGPIPE, signal.SIGXFSZ):
            signal.signal(ignored_by_python, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvp(command[0], command)  # noqa: S606  # nosec B606
    except OSError as error:
        lifeline.sendall(b"cannot %d\n" % (error.errno or 0))
    os._exit(127)


def wait(child: int, lifeline: socket.socket, wakeup: int) -> int | None:
    """The child's exit code, or None when the lifeline was closed first. Reaps adopted orphans as well."""
    poller = select.poll()
    poller.register(lifeline, select.POLLIN)
    poller.register(wakeup, select.POLLIN)
    while True:
        ready = dict(poller.poll())
        if wakeup in ready:
            os.read(wakeup, 4096)
        status = reap(child)
        if status is not None or lifeline.fileno() in ready:
            return status


def reap(child: int) -> int | None:
    """Collect every ended child; the exit code of ``child`` when it is among them."""
    found = None
    try:
        while True:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return found
            if pid == child:
                found = os.waitstatus_to_exitcode(status)
    except ChildProcessError:
        return found


def kill_descendants() -> None:
    """Kill until there is no child left; orphans become our children, so then there is nothing left."""
    try:
        while True:
            for pid in descendants(os.getpid()):
                with contextlib.suppress(OSError):
                    os.kill(pid, signal.SIGKILL)
            os.waitpid(-1, 0)
    except ChildProcessError:
        pass


def descendants(root: int) -> list[int]:
    """All living processes below ``root``."""
    children: dict[int, list[int]] = {}
    for pid, parent in parents():
        children.setdefault(parent, []).append(pid)
    found: list[int] = []
    level = [root]
    while level:
        level = [pid for parent in level for pid in children.get(parent, [])]
        found += level
    return found


def parents() -> list[tuple[int, int]]:
    """``(process, parent)`` of every process that we can see."""
    if sys.platform != "linux":
        import subprocess

        listing = subprocess.run(["/bin/ps", "-axo", "pid=,ppid="], capture_output=True, text=True, check=False).stdout
        return [(int(pid), int(parent)) for pid, parent in map(str.split, listing.splitlines())]
    found = []
    for name in filter(str.isdigit, os.listdir("/proc")):  # noqa: PTH208  (pathlib is slow to import)
        try:
            with open(f"/proc/{name}/stat", "rb") as file:  # noqa: PTH123
                line = file.read()
        except OSError:
            continue
        found.append((int(name), int(line[line.rindex(b")") + 2 :].split(None, 2)[1])))
    return found


def bring_loopback_up() -> None:
    """Set IFF_UP on ``lo`` of our new network namespace, then give the capability for it back."""
    import fcntl
    import struct

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
    prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL)


def prctl(option: int, value: int) -> None:
    """Linux ``prctl(2)``; nothing elsewhere, and a refusal is not our end: the lifeline still holds."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(option, value, 0, 0, 0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])), sys.argv[2] == "loopback", int(sys.argv[3]), sys.argv[4:])
