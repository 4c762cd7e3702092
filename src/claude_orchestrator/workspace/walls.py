"""The walls around a command of a check: what it may write, see, reach and use up.

The ladder, best rung first: bubblewrap; user namespaces, which our keeper furnishes itself; Landlock; on macOS
seatbelt; limits and the process tree alone. Which rung a machine reaches is tried out, once a process.
"""

from __future__ import annotations

import functools
import os
import shutil
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal, get_args

from claude_orchestrator.errors import OrchestratorError
from claude_orchestrator.workspace import sandbox, seatbelt
from claude_orchestrator.workspace.inside import landlock

Rung = Literal["bubblewrap", "namespaces", "landlock", "seatbelt", "limits"]

LADDER: Final[tuple[Rung, ...]] = get_args(Rung)
PRIVATE: Final = ("/tmp", "/var/tmp", "/dev/shm")  # noqa: S108  # nosec B108 - places to hide, not to use
PRIVATE_BYTES: Final = 512_000_000
OWN_PROCESSES: Final = ("bubblewrap", "namespaces")
"""Rungs on which a command has a process space of its own, and sees the network and the disk only as it may."""


class SandboxError(OrchestratorError):
    """The sandbox that was asked for does not work here."""


@dataclass(frozen=True)
class Limits:
    """What one command and all that it starts may use."""

    memory_bytes: int = 8_000_000_000
    processes: int = 500
    disk_bytes: int = 4_000_000_000

    @classmethod
    def of_megabytes(cls, memory: float, processes: int, disk: float) -> Limits:
        """The limits as people set them."""
        return cls(int(memory * 1_000_000), processes, int(disk * 1_000_000))

    def __str__(self) -> str:
        megabytes = f"{self.memory_bytes // 1_000_000} MB of memory, {self.disk_bytes // 1_000_000} MB on disk"
        return f"{self.processes} processes, {megabytes}"


@dataclass(frozen=True)
class Walls:
    """What a command may do, on one rung.

    It may write below ``writable`` only. ``hidden`` folders are empty for it, but what is in ``shown`` or ``writable``
    is there. ``own_temporary``: the system's temporary folders are its own, new and empty. ``nice`` is how far it
    steps back for others. Where the rung cannot do all of that, it does less: see :func:`abilities`.
    """

    rung: Rung
    writable: tuple[Path, ...]
    hidden: tuple[Path, ...] = ()
    shown: tuple[Path, ...] = ()
    limits: Limits = Limits()
    own_temporary: bool = True
    nice: int = 0

    @property
    def kill_all(self) -> bool:
        """Whether the kernel ends everything that a command started when its first process ends."""
        return self.rung in OWN_PROCESSES

    def wrap(self, argv: Sequence[str], *, cwd: Path, lifeline: int) -> list[str]:
        """The argument vector that runs ``argv`` in ``cwd`` under its keeper behind these walls."""
        places = self._places()
        order = [
            f"processes={self.limits.processes}",
            f"memory={self.limits.memory_bytes}",
            f"disk={self.limits.disk_bytes}",
            f"nice={self.nice}",
            "drop=1",
            *(f"write={path}" for path in places.writable),
        ]
        shown = [f"show={path}" for path in places.shown]
        if self.rung in OWN_PROCESSES:
            order += [f"count={path}" for path in places.private]
        told = [
            *(f"private={path}" for path in places.private),
            *(f"hide={path}" for path in places.hidden),
            *shown,
            f"room={places.room}",
        ]
        if self.rung == "bubblewrap":
            return [*_bubblewrap(places, cwd), *sandbox.keeper(lifeline, [*order, *shown]), *argv]
        if self.rung == "namespaces":
            return [*_unshare(), *sandbox.keeper(lifeline, [*order, *told, "mounts=1", "loopback=1"]), *argv]
        if self.rung == "landlock":
            return [*sandbox.keeper(lifeline, [*order, *told, "also=/dev", "landlock=1"]), *argv]
        if self.rung == "seatbelt":
            profile = seatbelt.profile(places.writable, places.hidden, places.shown)
            return [*sandbox.keeper(lifeline, order), seatbelt.PROGRAM, "-p", profile, *argv]
        return [*sandbox.keeper(lifeline, order), *argv]

    def _places(self) -> _Places:
        writable = _without_nested(_real(self.writable))
        private = [path for path in PRIVATE if Path(path).is_dir() and not Path(path).is_symlink()]
        if not self.own_temporary:
            private = []
        if self.rung == "landlock" and "/dev/shm" in private:  # noqa: S108  # nosec B108
            private.remove("/dev/shm")  # noqa: S108  # nosec B108 - semaphores of Python live there
        if self.rung == "seatbelt":
            private = []
        hidden = [path for path in _without_nested(_real(self.hidden)) if not _lies_in(path, private)]
        empty = [*private, *hidden]
        shown = [path for path in _real([*self.shown, *_ours()], literal=True) if _lies_in(path, empty)]
        shown = _without_nested(path for path in shown if path not in empty and not _lies_in(path, writable))
        room = min(PRIVATE_BYTES, self.limits.disk_bytes)
        return _Places(tuple(private), tuple(hidden), tuple(shown), tuple(writable), room)


@dataclass(frozen=True)
class _Places:
    """Real paths that exist; nothing hidden lies in something private, nothing shown in something writable."""

    private: tuple[str, ...]
    hidden: tuple[str, ...]
    shown: tuple[str, ...]
    writable: tuple[str, ...]
    room: int


# -- which rung ------------------------------------------------------------------------------------


def reached(setting: str = "auto") -> Rung:
    """The best rung that works here, or the one that ``setting`` names. Raises SandboxError if that does not work."""
    if setting == "auto":
        return next(rung for rung in LADDER if works(rung))
    if setting not in LADDER:
        raise SandboxError(f"there is no sandbox '{setting}': use auto or one of {', '.join(LADDER)}")
    found = LADDER[LADDER.index(setting)]
    if not works(found):
        raise SandboxError(f"the sandbox '{setting}' does not work on this machine: use auto, or see doctor")
    return found


@functools.cache
def works(rung: Rung) -> bool:
    """Whether a command behind these walls can write where it may and nowhere else; tried out once."""
    if rung == "limits":
        return True
    if not _may_work(rung):
        return False
    with tempfile.TemporaryDirectory() as folder:
        inside, outside = Path(folder, "inside"), Path(folder, "outside")
        inside.mkdir()
        outside.mkdir()
        walls = Walls(rung, (inside,), shown=(outside,))
        script = f"echo > {inside}/a && mv {inside}/a {inside}/b && ! 2>/dev/null >{outside}/a"
        argv = ["/bin/sh", "-c", script]
        return sandbox.ends_well(lambda lifeline: walls.wrap(argv, cwd=inside, lifeline=lifeline), inside)


def _may_work(rung: Rung) -> bool:
    if rung == "seatbelt":
        return sys.platform == "darwin" and Path(seatbelt.PROGRAM).exists()
    if not sys.platform.startswith("linux"):
        return False
    if rung == "bubblewrap":
        return shutil.which("bwrap") is not None
    return landlock.is_enough(landlock.version()) if rung == "landlock" else shutil.which("unshare") is not None


@dataclass(frozen=True)
class Abilities:
    """What a rung does here, in words."""

    network: str
    files: str
    processes: str


def abilities(rung: Rung) -> Abilities:
    """What commands of checks can and cannot do behind that rung on this machine."""
    if rung in OWN_PROCESSES:
        return Abilities("cut off", "read-only outside, home hidden", "own process space")
    if rung == "landlock":
        tcp = "TCP cut off" if landlock.cuts_tcp(landlock.version()) else "reachable"
        return Abilities(tcp, "read-only outside, home hidden", "process tree walked and killed")
    if rung == "seatbelt":
        return Abilities("this machine only", "read-only outside, home hidden", "process tree walked and killed")
    return Abilities("reachable", "not protected", "process tree walked and killed")


def explain(rung: Rung, limits: Limits) -> str:
    """One line for ``doctor``."""
    can = abilities(rung)
    return f"{rung}: network {can.network}; files {can.files}; {can.processes}; at most {limits} for each command"


# -- command lines -----------------------------------------------------------------------------------


def _bubblewrap(places: _Places, cwd: Path) -> list[str]:
    program = shutil.which("bwrap") or "bwrap"
    argv = [
        program, "--die-with-parent", "--new-session", "--unshare-pid", "--unshare-net", "--unshare-ipc",
        "--as-pid-1", "--cap-drop", "ALL", "--ro-bind", "/", "/", "--dev", "/dev", "--proc", "/proc",
    ]  # fmt: skip
    for path in sorted({*places.private, "/dev/shm"}):  # noqa: S108  # nosec B108
        argv += ["--perms", "1777", "--size", str(places.room), "--tmpfs", path]
    for path in places.hidden:
        argv += ["--tmpfs", path]
    kept = {**dict.fromkeys(places.shown, "--ro-bind"), **dict.fromkeys(places.writable, "--bind")}
    for path, how in sorted(kept.items(), key=lambda item: item[0].count("/")):
        argv += [how, path, path]
    for path in [*places.hidden, "/dev"]:
        argv += ["--remount-ro", path]
    return [*argv, "--chdir", str(cwd), "--"]


def _unshare() -> list[str]:
    flags = ["--mount", "--pid", "--fork", "--kill-child", "--mount-proc", "--net", "--ipc"]
    users = [] if os.geteuid() == 0 else ["--user", "--map-current-user", "--keep-caps"]
    return [shutil.which("unshare") or "unshare", *users, *flags, "--"]


# -- paths -------------------------------------------------------------------------------------------


@functools.cache
def _ours() -> tuple[Path, ...]:
    """What the keeper and our own tools need: our Python with its packages, and our own files."""
    prefixes = [Path(prefix) for prefix in (sys.prefix, sys.base_prefix)]
    packages = [Path(path) for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    return (*needed_by(Path(sys.executable)), *prefixes, *packages, sandbox.KEEPER.parents[1])


def needed_by(executable: Path) -> tuple[Path, ...]:
    """The folders that a program of a Python installation needs: its prefix, and that of each link on the way."""
    found = []
    seen: set[Path] = set()
    while executable not in seen:
        seen.add(executable)
        folder = executable.parent
        is_installation = folder.name in ("bin", "Scripts") and folder.parent not in (Path.home(), Path("/"))
        found.append(folder.parent if is_installation else folder)
        if executable.is_symlink():
            executable = folder / executable.readlink()
    return tuple(found)


def _real(paths: Iterable[Path], *, literal: bool = False) -> list[str]:
    """Those that exist, without links on the way; with ``literal`` also as they are named."""
    found: dict[str, None] = {}
    for path in paths:
        if path.exists():
            found[str(path.resolve())] = None
            if literal:
                found[os.path.abspath(path)] = None  # noqa: PTH100 - Path.absolute keeps '..'
    return sorted(found)


def _lies_in(path: str, folders: Iterable[str]) -> bool:
    return any(path == folder or path.startswith(folder.rstrip("/") + "/") for folder in folders)


def _without_nested(paths: Iterable[str]) -> list[str]:
    found: list[str] = []
    for path in sorted(paths):
        if not _lies_in(path, found):
            found.append(path)
    return found
