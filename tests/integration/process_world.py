"""Real processes for the tests of the process room and the runner: started, found and waited for by id."""

from __future__ import annotations

import asyncio
import os
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from policy_world import write_policy

from claude_orchestrator.agents.base import Assignment, marker_of
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.state import events
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace import process_table, sandbox

PATIENCE_S = 20.0

FAMILY = """
import os, sys, time
def daemon(seconds, environment):
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            os.execvpe("sleep", ["sleep", seconds], environment)
        os._exit(0)
daemon(sys.argv[1], os.environ)
daemon(sys.argv[1], {"PATH": os.environ["PATH"]})
if os.fork() == 0:
    os.execvp("sleep", ["sleep", sys.argv[1]])
print("ready", flush=True)
os.execvp("sleep", ["sleep", sys.argv[1]])
"""
"""A command with a child and two daemonised grandchildren, one of them without any marker; all ``sleep ARG``."""


def wait_for(what: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
    """Look until ``what`` is true; give what it gave, or fail."""
    deadline = time.monotonic() + patience_s
    while not (found := what()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.01)
    return found


def sleepers(seconds: str) -> list[int]:
    """The ids of all living ``sleep SECONDS`` on this machine; give each test seconds of its own."""
    found = []
    for name in (folder.name for folder in Path("/proc").iterdir() if folder.name.isdigit()):
        try:
            words = Path(f"/proc/{name}/cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[1:2] == [seconds.encode()] and words[0].endswith(b"sleep"):
            found.append(int(name))
    return found


def use_level(level: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Make this process, and the ones it starts, use a rung of the sandbox ladder."""
    if level == "process-group":
        refusing = folder / "no-namespaces" / "unshare"
        refusing.parent.mkdir()
        refusing.write_text("#!/bin/sh\nexit 1\n")
        refusing.chmod(refusing.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{refusing.parent}{os.pathsep}{os.environ['PATH']}")
    forget_probes()
    if sandbox.level() != level:
        pytest.skip(f"this machine has no {level}")
    yield level
    monkeypatch.undo()
    forget_probes()


def forget_probes() -> None:
    """Make the sandbox look at the machine again."""
    for probe in (sandbox._unshare, sandbox._pid_flags, sandbox._network_flags):
        probe.cache_clear()


def make_worktree(folder: Path) -> Path:
    """A repository with one commit, and a worktree of it."""
    project, worktree = folder / "project", folder / "worktree"
    project.mkdir()
    git(project, "init", "--quiet")
    (project / "a.txt").write_text("one\n")
    (project / ".gitignore").write_text("ignored\n")
    git(project, "add", ".")
    git(project, "-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message=base")
    git(project, "worktree", "add", "--quiet", "--detach", str(worktree))
    return worktree


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True, text=True).stdout


class Launches:
    """Launch folders of one attempt in one worktree, whose scripts may run odd commands without asking."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.policy = write_policy(root / "policy.toml")
        self.worktree = make_worktree(root)
        self.database = root / "home" / "state.db"
        self.attempt_id = "r1.task.1"
        self.marker = marker_of(root)
        self._count = 0

    def new(self, options: dict[str, Any], *, agent: str = "script", **other: Any) -> LaunchFolder:
        """A launch with its assignment, not yet started."""
        self._count += 1
        launch = LaunchFolder(self.root / f"launch-{self._count}")
        values = {
            "attempt_id": self.attempt_id,
            "run_id": "run",
            "task_id": "task",
            "number": 1,
            "agent": agent,
            "prompt": "do it",
            "worktree": self.worktree,
            "folder": launch.path,
            "database": self.database,
            "options": options,
            "policy": {"user": str(self.policy)},
            "launch": self._count,
            "timeout_s": 60.0,
        }
        launch.write_assignment(Assignment(**{**values, **other}))
        return launch

    def script(self, *operations: dict[str, Any], **other: Any) -> LaunchFolder:
        return self.new({"operations": list(operations)}, **other)

    def events(self, kind: str) -> list[dict[str, Any]]:
        """The data of all journal events of a kind, oldest first."""

        async def read() -> list[dict[str, Any]]:
            async with Database.open(self.database) as db:
                return [row["data"] for row in await events.after(db, 0, run_id="run") if row["kind"] == kind]

        return asyncio.run(read())

    def close(self) -> None:
        """Whatever a failed test has left running."""
        process_table.kill_marked_now(self.marker)


def done(launch: LaunchFolder) -> bool:
    return launch.state() == "done"


def alive(launch: LaunchFolder) -> bool:
    return launch.state() == "alive"


def run_python(code: str, *arguments: str) -> subprocess.Popen[bytes]:
    """A Python process in a session of its own, with its output in a pipe."""
    command = [sys.executable, "-c", code, *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True)
