"""What the judging process writes down for the evidence besides the outputs of the commands."""

from __future__ import annotations

import json
import os
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.errors import VerificationError

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench
    from claude_orchestrator.graders.change import JudgedChange

TESTS: Final = "tests.json"
"""Run → ``trouble``, and ``tests``: id → outcome."""

PACKAGES: Final = "packages.json"
"""The distributions that the project's Python sees, as ``name-version``."""

_DISTRIBUTION: Final = (".dist-info", ".egg-info")


def write_json(file: Path, value: Any) -> None:
    """Write a JSON file under another name and rename it. Raises OSError."""
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    temporary.write_text(json.dumps(value, indent=2) + "\n")
    temporary.replace(file)


def trees_of(change: JudgedChange) -> dict[str, str]:
    """The trees of a change by the names of the runs that they are for (``base``, ``head``, ``own``…)."""
    trees = {field.name: getattr(change, field.name) for field in fields(change) if field.name.endswith("_tree")}
    return {name.removesuffix("_tree"): tree for name, tree in trees.items() if tree}


async def keep_records(bench: Bench) -> None:
    """Write how every test ended in every run, and what is installed where they ran."""
    runs = {
        name: {"trouble": run.trouble, "tests": {test: ending.outcome for test, ending in run.tests.items()}}
        for name, run in (await bench.suite).items()
    }
    write_json(bench.evidence / TESTS, runs)
    try:
        path = (await bench.interpreter()).path
    except VerificationError:
        return
    write_json(bench.evidence / PACKAGES, sorted({name for folder in path for name in _installed(folder)}))


def _installed(folder: str) -> list[str]:
    try:
        return [file.stem for file in Path(folder).iterdir() if file.suffix in _DISTRIBUTION]
    except OSError:
        return []
