"""What people and agents run before they commit: imports sorted and used, code formatted.

Without it, half of the cases would be refused for the order of their imports, which nobody wants to measure.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from corpus.cases import Case
from corpus.trees import File, Tree

_OWN: Final = 'lint.isort.known-first-party=["almanac", "shelf", "relay"]'


def tidied(cases: list[Case]) -> list[Case]:
    """The cases with every changed or new Python file of base and head as ``ruff`` would leave it."""
    from corpus.worlds import projects

    clean = {file for project in projects() for file in project.tree.files.values()}
    contents = {
        file.content
        for case in cases
        if case.change.tidy
        for tree in (case.change.base, case.change.head)
        for path, file in tree.files.items()
        if path.endswith((".py", ".pyi")) and file not in clean
    }
    better = _formatted(contents)

    def tidy(tree: Tree) -> Tree:
        return Tree(
            {path: File(better.get(file.content, file.content), file.mode) for path, file in tree.files.items()}
        )

    def one(case: Case) -> Case:
        if not case.change.tidy:
            return case
        return replace(case, change=replace(case.change, base=tidy(case.change.base), head=tidy(case.change.head)))

    return [one(case) for case in cases]


def _formatted(contents: set[bytes]) -> dict[bytes, bytes]:
    with tempfile.TemporaryDirectory(prefix="corpus-") as folder:
        files = {}
        for content in contents:
            # A stub is formatted as one only under its own suffix; ours are short enough to be the same.
            file = Path(folder) / f"m{hashlib.sha256(content).hexdigest()[:24]}.py"
            file.write_bytes(content)
            files[content] = file
        ruff = [sys.executable, "-m", "ruff"]
        rules = [
            "--isolated",
            "--no-cache",
            "--quiet",
            "--config",
            "line-length=100",
            "--config",
            'target-version="py311"',
        ]
        sort = [*ruff, "check", *rules, "--config", _OWN, "--select", "I,F401", "--fix", "--exit-zero", folder]
        for argv in (sort, [*ruff, "format", *rules, folder]):
            subprocess.run(argv, check=False, capture_output=True)
        return {content: file.read_bytes() for content, file in files.items()}
