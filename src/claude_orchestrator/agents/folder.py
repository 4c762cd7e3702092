"""The folder of one launch: how the engine and the runner, which may never meet, know of each other.

``assignment.json`` (engine) · ``lock`` (kernel lock, held by the runner for its whole life) ·
``started.json`` (runner, before it does anything) · ``output.log`` and ``operation-N.log`` ·
``exit.json`` (runner, the last thing that counts). Each JSON file appears whole or not at all, also
after a power failure, and is never changed: a launch happens at most once.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final, Literal

from filelock import FileLock, Timeout

from claude_orchestrator.agents.base import Assignment, Outcome, marker_of
from claude_orchestrator.errors import AgentError
from claude_orchestrator.workspace import liveness, process, process_table

State = Literal["new", "alive", "done", "died"]

LOCK_PATIENCE_S: Final = 5.0
"""How long a runner waits for a lock that is taken although nothing has started: somebody just looks at it."""

_FOR_THE_RUNNER: Final = (
    "PYTHONPATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG",
    "CLAUDE_ORCHESTRATOR_RETRY_BASE_S", "CLAUDE_ORCHESTRATOR_RETRY_CAP_S",
)  # fmt: skip


class LaunchFolder:
    """One launch of a runner. Any process may ask and act; only the runner writes ``started`` and ``exit``."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = path / "lock"
        self._assignment = path / "assignment.json"
        self._started = path / "started.json"
        self._exit = path / "exit.json"

    # -- the engine's side ------------------------------------------------------------------------

    def write_assignment(self, assignment: Assignment) -> None:
        """Make the folder and put the assignment in. Writing it again before the start replaces it."""
        self.path.mkdir(parents=True, exist_ok=True)
        _write_whole(self._assignment, assignment.to_json())

    def state(self) -> State:
        """Whether the runner has still to be started, lives (also when stopped), is done, or died before that."""
        if self._exit.exists():
            return "done"
        # The lock is looked at only after the start: a look takes it for an instant, in a runner's way.
        if not self._started.exists():
            return "new"
        if liveness.is_held(self._lock):
            return "alive"
        return "done" if self._exit.exists() else "died"

    def read_exit(self) -> Outcome | None:
        """The outcome that the runner left; None while there is none."""
        try:
            return Outcome.from_json(self._exit.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError as error:
            raise AgentError(f"{self._exit} is damaged: the attempt has to be made again") from error

    def spawn(self, accounts: Mapping[str, str] | None = None) -> int:
        """Start a runner, detached from us: it outlives us and hears nothing of our terminal. Return its id.

        ``accounts`` are variables that its agent needs to reach a provider: they are in the runner's environment and
        nowhere else. Harmless at any time: a second runner of one launch ends at once. Raises AgentError without an
        assignment.
        """
        self.read_assignment()  # without one, a runner could only say so where nobody reads it
        own = {name: value for name, value in os.environ.items() if name in _FOR_THE_RUNNER}
        environment = {**own, process_table.MARKER: process_table.nested(marker_of(self.path.parent))}
        with (self.path / "output.log").open("ab") as output:
            # -P: the package is found where it is installed, never in the current folder.
            runner = subprocess.Popen(
                [sys.executable, "-P", "-m", "claude_orchestrator.agents.runner", str(self.path)],
                cwd=self.path,
                env={**process.agent_environment(), **(accounts or {}), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
        # Somebody has to collect our child's exit status, or it stays behind as a zombie.
        threading.Thread(target=runner.wait, name=f"runner-{runner.pid}", daemon=True).start()
        return runner.pid

    def pid_namespace(self) -> str:
        """The PID namespace of the runner that is at work now; empty where there is none, or no way to tell."""
        if self.state() != "alive":
            return ""
        try:
            return str(json.loads(self._started.read_text(encoding="utf-8")).get("pid_namespace", ""))
        except (OSError, ValueError, AttributeError):
            return ""

    def interrupt(self) -> bool:
        """Ask the runner to stop and to leave a resume token; False when there is no runner to ask."""
        return self._signal(signal.SIGTERM)

    def nudge(self) -> bool:
        """Let the runner tell its agent that it seems to be stuck; False when there is no runner that could."""
        return self._signal(signal.SIGUSR1)

    def kill(self) -> None:
        """Kill the runner and everything that it has started; returns when they are gone."""
        self._signal(signal.SIGKILL, process_table.KILL_TIMEOUT_S)
        process_table.kill_marked_now(marker_of(self.path.parent))

    def last_output_at(self) -> float:
        """When the runner or one of its commands last wrote output (seconds since the epoch), or 0."""
        return max((file.stat().st_mtime for file in self.path.glob("*.log")), default=0.0)

    def _signal(self, number: signal.Signals, wait_s: float = 0.0) -> bool:
        try:
            started = json.loads(self._started.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return False
        # Believed only while the lock is held; and the start time says that it is not a stranger's id.
        if not liveness.is_held(self._lock):
            return False
        return process_table.send_signal(started["pid"], started["process_start"], number, wait_s)

    # -- the runner's side ------------------------------------------------------------------------

    def read_assignment(self) -> Assignment:
        """The assignment. Raises AgentError when there is none."""
        try:
            return Assignment.from_json(self._assignment.read_text(encoding="utf-8"))
        except OSError as error:
            raise AgentError(f"{self._assignment} cannot be read: {error.strerror}") from error

    def take(self) -> FileLock | None:
        """Become the one runner of this launch; None when another is, or was. Keep the lock to the end."""
        deadline = time.monotonic() + LOCK_PATIENCE_S
        while not self._started.exists() and time.monotonic() < deadline:
            try:
                lock = liveness.hold(self._lock)
            except Timeout:
                time.sleep(0.01)
                continue
            if not self._started.exists():
                return lock
            lock.release()
        return None

    def write_started(self) -> None:
        """Say that this process runs the launch: from here on nobody else ever will."""
        pid = os.getpid()
        space = process_table.pid_namespace()
        started = {
            "pid": pid,
            "process_start": process_table.start_time(pid),
            "at": time.time(),
            "pid_namespace": space,
        }
        _write_whole(self._started, json.dumps(started))

    def write_exit(self, outcome: Outcome) -> None:
        """Leave the outcome: from here on the launch is done, whatever happens to this process."""
        _write_whole(self._exit, outcome.to_json())


def _write_whole(path: Path, text: str) -> None:
    """Write a file so that after any crash it is there with all of ``text``, or not at all."""
    scratch = path.with_name(f".{path.name}.{os.getpid()}")
    with scratch.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    scratch.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
