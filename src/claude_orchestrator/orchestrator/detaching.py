"""Moving a run in the background: a process in a session of its own, which outlives whoever started it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.config import PREFIX, Settings
from claude_orchestrator.config.keys import SIGNED_WITH
from claude_orchestrator.errors import ConfigError
from claude_orchestrator.orchestrator.worker import live_movers
from claude_orchestrator.state import runs
from claude_orchestrator.state.database import Database

PATIENCE_S: Final = 30.0
"""Seconds in which the new process has to begin to move the run."""


@dataclass(frozen=True)
class Mover:
    """The process that moves the run, and where it writes what it says."""

    pid: int
    log: Path


async def start_mover(settings: Settings, run_id: str) -> Mover:
    """Start ``resume`` in a session of its own, and wait until it moves the run (or the run is over).

    A run that is moved already is only watched by it, and taken over should its mover die. Raises ConfigError when it
    does not start.
    """
    log = settings.home / "logs" / f"{run_id}.log"
    child = _spawn(settings, "resume", run_id, log)
    until = time.monotonic() + PATIENCE_S
    async with Database.open(settings.database) as db:
        while time.monotonic() < until:
            revision = db.revision
            if await live_movers(db, settings.workers, run_id) or (await runs.get(db, run_id))["status"] != "running":
                return Mover(child.pid, log)
            if child.poll() is not None:
                break
            await db.changed(revision, 0.5)
    raise ConfigError(
        f"the background process did not start to move {run_id} (see {log}): 'claude-orchestrator resume {run_id}' does"
    )


def start_stopper(settings: Settings, run_id: str, intent: str) -> Path:
    """Let a process in a session of its own ``pause`` or ``cancel`` a run that nobody moves; return its log."""
    log = settings.home / "logs" / f"{run_id}.log"
    _spawn(settings, intent, run_id, log)
    return log


def _spawn(settings: Settings, command: str, run_id: str, log: Path) -> subprocess.Popen[bytes]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as stream:
        child = subprocess.Popen(
            [sys.executable, "-m", "claude_orchestrator", command, run_id],
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            env={
                **_passed_on(),
                PREFIX + "HOME": str(settings.home),
                PREFIX + "MAX_PARALLEL": str(settings.max_parallel),
            },
            start_new_session=True,
        )
    # A server lives on after its movers: somebody has to collect their exit status, or they stay behind as zombies.
    threading.Thread(target=child.wait, name=f"{command}-{run_id}", daemon=True).start()
    return child


def _passed_on() -> dict[str, str]:
    """Our environment without what tokens are signed with: agents stand below the mover, and it makes no tokens."""
    return {name: value for name, value in os.environ.items() if name != SIGNED_WITH}
