"""What a command costs before it does anything: CPU and wall clock of whole processes."""

from __future__ import annotations

import os
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

ROUNDS = 9


def measure(folder: Path) -> Iterator[tuple[str, str]]:
    """``--version`` and ``status`` beside a bare Python in the same run."""
    program = [sys.executable, "-m", "claude_orchestrator"]
    commands = {
        "python -c pass": [sys.executable, "-c", "pass"],
        "claude-orchestrator --version": [*program, "--version"],
        "claude-orchestrator status (empty home)": [*program, "status"],
    }
    for name, command in commands.items():
        wall, cpu = _median(command, folder)
        yield f"{name}: ms wall / ms CPU (median of {ROUNDS})", f"{wall:.0f} / {cpu:.0f}"


def _median(command: list[str], home: Path) -> tuple[float, float]:
    walls, cpus = [], []
    env = {**os.environ, "CLAUDE_ORCHESTRATOR_HOME": str(home)}
    for _ in range(ROUNDS):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        started = time.perf_counter()
        subprocess.run(command, env=env, check=True, stdout=subprocess.DEVNULL)
        walls.append(time.perf_counter() - started)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpus.append(after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return statistics.median(walls) * 1000, statistics.median(cpus) * 1000
