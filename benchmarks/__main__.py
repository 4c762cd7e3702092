"""Run the benchmarks that are named on the command line, or all, and print one table row a figure."""

from __future__ import annotations

import os
import platform
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import classifier, claude_session, engine, pipeline, server, startup, suites, verification, verifier

Figures = Iterator[tuple[str, str]]
BENCHMARKS: dict[str, Callable[[Path], Figures]] = {
    "claude_session": claude_session.measure,
    "classifier": classifier.measure,
    "engine": engine.measure,
    "pipeline": pipeline.measure,
    "server": server.measure,
    "startup": startup.measure,
    "suites": suites.measure,
    "verification": verification.measure,
    "verifier": verifier.measure,
}


def main(names: list[str]) -> int:
    """Print the conditions, then the figures of each benchmark; 2 when a name is unknown."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"error: no benchmark {', '.join(unknown)}: choose from {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    print(
        f"{platform.system()} {platform.machine()}, {os.cpu_count()} CPUs, load {os.getloadavg()[0]:.1f}, "
        f"Python {platform.python_version()}, SQLite {sqlite3.sqlite_version}"
    )
    for name in names or list(BENCHMARKS):
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            for figure, value in BENCHMARKS[name](Path(folder)):
                print(f"{name:<13} {figure:<62} {value}", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
