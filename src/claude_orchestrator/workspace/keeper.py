"""The process between us and a command: it starts the command and lets nothing of it live on.

Run as ``python -I -S keeper.py LIFELINE [NAME=VALUE...] -- PROGRAM [ARGUMENT...]``; it imports nothing but the files
in ``inside``, because it starts with every command. LIFELINE is our end of a socket: when the other end
closes, whoever wanted the command is gone or has had enough (the kernel closes it also after
``kill -9``), and the command's whole process tree is killed. What became of the command goes back the
same way, one line: its exit code, negative for a signal; ``cannot ERRNO`` when it did not start; or ``limit WORDS``
when it was killed because it took too much. The names and values are those of :class:`Order`.

In a PID namespace of its own the keeper is process 1, and the kernel kills the tree when it ends.
Elsewhere on Linux it adopts orphans (``PR_SET_CHILD_SUBREAPER``), so that a daemonised grandchild
stays its descendant and is found. macOS has no such call: there the walk finds what is still attached.
"""

from __future__ import annotations

import _signal as signal  # type: ignore[import-not-found]  # the modules over these two take longer than all the rest
import _socket as socket
import os
import select
import sys

if __name__ == "__main__":
    # The packages above are there in name only: their own code would cost more than ours.
    _PLACE = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  (pathlib is slow to import)
    for _name, _folder in (("claude_orchestrator", os.path.dirname(_PLACE)), ("claude_orchestrator.workspace", _PLACE)):  # noqa: PTH120
        sys.modules[_name] = type(sys)(_name)
        vars(sys.modules[_name])["__path__"] = [_folder]

from claude_orchestrator.workspace.inside import kernel
from claude_orchestrator.workspace.inside.watch import Watch, descendants

SIOCSIFFLAGS = 0x8914
IFF_UP = 0x1
IFF_RUNNING = 0x40
_TASKS_A_PROCESS = 8


class Order:
    """What the keeper has to do besides starting the command.

    ``loopback=1``: bring it up. ``mounts=1``: build the view of the files; ``landlock=1``: restrict the command
    by Landlock. Both keep to ``write``, ``show``, ``hide`` and ``private`` (paths, any number) and ``room`` (bytes
    in each private folder); ``also`` is writable, but nobody counts there, ``count`` the other way round.
    ``drop=1``: no privileges. Limits: ``space`` (address space of each process in bytes), ``memory`` (bytes, of
    all), ``processes``, ``disk`` (bytes). ``nice``: how far the command steps back for others.
    """

    def __init__(self, words: list[str]) -> None:
        self._values: dict[str, list[str]] = {}
        for word in words:
            name, _, value = word.partition("=")
            self._values.setdefault(name, []).append(value)

    def paths(self, name: str) -> list[str]:
        """All values of a name."""
        return self._values.get(name, [])

    def number(self, name: str) -> int:
        """The value of a name, 0 when there is none."""
        return int(self._values.get(name, ["0"])[0])


def main(lifeline: int, order: Order, command: list[str]) -> None:
    """Start ``command``, wait for its end, its limits or the lifeline's end, and kill what is left of it."""
    os.set_inheritable(lifeline, False)
    alone = os.getpid() == 1
    if order.number("memory"):
        kernel.stand_first_when_memory_ends()
    try:
        build_walls(order)
    except OSError as error:
        os.write(lifeline, b"cannot %d\n" % (error.errno or 0))
        os._exit(0)
    if not alone:
        kernel.prctl(kernel.PR_SET_CHILD_SUBREAPER, 1)
    wakeup, awakener = watch_children()
    if select.select([lifeline], [], [], 0)[0]:
        os._exit(0)  # nobody wants it any more: do not even start
    processes, memory, disk = (order.number(name) for name in ("processes", "memory", "disk"))
    folders = [*order.paths("write"), *order.paths("count")]
    shown = order.paths("show")
    watch = Watch(processes, memory, disk, folders, shown) if processes or memory or disk else None
    child = os.fork()
    if child == 0:
        become(command, lifeline, order, None if alone else os.getppid())
    if watch:
        shut_descriptors(lifeline, wakeup, awakener)
        kernel.prctl(kernel.PR_SET_DUMPABLE, 0)  # the command may not look into us, nor write in our memory
    said = wait(child, lifeline, wakeup, watch)
    if not alone:
        kill_descendants()
    if said is not None:
        os.write(lifeline, said + b"\n")
    os._exit(0)


def build_walls(order: Order) -> None:
    """What has to be done before there is a command: the network, the files, our own privileges."""
    if order.number("loopback"):
        bring_loopback_up()
    if order.number("mounts"):
        from claude_orchestrator.workspace.inside import mounts

        here = os.getcwd()  # noqa: PTH109
        private, hidden, shown, writable = (order.paths(name) for name in ("private", "hide", "show", "write"))
        mounts.build(private, hidden, shown, writable, order.number("room"))
        os.chdir(here)
        kernel.give_up_privileges()


def shut_descriptors(*ours: int) -> None:
    """Close what only the command needs, so that its output ends with it."""
    for name in os.listdir("/dev/fd"):  # noqa: PTH208
        if int(name) > 2 and int(name) not in ours:
            try:
                os.close(int(name))
            except OSError:
                continue


def watch_children() -> tuple[int, int]:
    """A pipe whose first end is readable when a child ended; other polite signals are not for us."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        # A handler, not SIG_IGN: a handler is gone after exec, SIG_IGN would be the command's as well.
        signal.signal(number, lambda *_: None)
    return reader, writer


def become(command: list[str], lifeline: int, order: Order, keeper: int | None) -> None:
    """In the child: put limits and signals right and become the command."""
    try:
        os.setsid()
        if keeper is not None:
            kernel.prctl(kernel.PR_SET_PDEATHSIG, signal.SIGKILL)
            if os.getppid() != keeper:  # it died before the kernel knew that we care
                os._exit(1)
        limit(order, alone=keeper is None)
        if order.number("drop"):
            kernel.give_up_privileges()
        if order.number("landlock"):
            from claude_orchestrator.workspace.inside import landlock

            hidden = [*order.paths("hide"), *order.paths("private")]
            landlock.restrict(hidden, order.paths("show"), [*order.paths("write"), *order.paths("also")])
        # Python ignores some signals, and a shell lets what it starts in the background ignore more.
        for number in signal.valid_signals():
            if signal.getsignal(number) == signal.SIG_IGN:
                signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, [])
        os.execvp(command[0], command)  # noqa: S606  # nosec B606
    except OSError as error:
        os.write(lifeline, b"cannot %d\n" % (error.errno or 0))
    os._exit(127)


def limit(order: Order, *, alone: bool) -> None:
    """The limits that the kernel holds by itself; the watch looks after the rest."""
    import resource

    os.nice(order.number("nice"))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    if order.number("space"):
        lower(resource.RLIMIT_AS, order.number("space"))
    if order.number("disk"):
        lower(resource.RLIMIT_FSIZE, order.number("disk") + 1_000_000)
    if order.number("processes") and sys.platform == "linux":
        # The kernel counts threads, and where we are not alone those of all programs of the user.
        others = 0 if alone else kernel.tasks_of_user()
        lower(resource.RLIMIT_NPROC, others + _TASKS_A_PROCESS * order.number("processes"))


def lower(what: int, value: int) -> None:
    """Set a limit where it is lower than the one there is."""
    import resource

    hard = resource.getrlimit(what)[1]
    if hard == resource.RLIM_INFINITY or value < hard:
        resource.setrlimit(what, (value, value))


def wait(child: int, lifeline: int, wakeup: int, watch: Watch | None) -> bytes | None:
    """What became of the child, or None when the lifeline was closed first. Reaps adopted orphans as well."""
    poller = select.poll()
    poller.register(lifeline, select.POLLIN)
    poller.register(wakeup, select.POLLIN)
    while True:
        ready = dict(poller.poll(watch.interval_s * 1000 if watch else None))
        if wakeup in ready:
            os.read(wakeup, 4096)
        status = reap(child)
        if lifeline in ready and status is None:
            return None
        over = watch.exceeded(at_end=status is not None) if watch else ""
        if over:
            return b"limit " + over.encode()
        if status is not None:
            return b"%d" % status


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
                try:
                    os.kill(pid, signal.SIGKILL)
                except OSError:
                    continue
            os.waitpid(-1, 0)
            reap(0)
    except ChildProcessError:
        pass


def bring_loopback_up() -> None:
    """Set IFF_UP on ``lo`` of our new network namespace."""
    import fcntl
    import struct

    any_socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        fcntl.ioctl(any_socket.fileno(), SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", IFF_UP | IFF_RUNNING))
    finally:
        any_socket.close()
    kernel.prctl(kernel.PR_CAP_AMBIENT, kernel.PR_CAP_AMBIENT_CLEAR_ALL)  # no program inherits what this took


if __name__ == "__main__":
    end = sys.argv.index("--")
    main(int(sys.argv[1]), Order(sys.argv[2:end]), sys.argv[end + 1 :])
