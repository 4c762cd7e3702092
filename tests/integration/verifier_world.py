"""Small real repositories for the verifier's tests, and short ways to judge a change of them."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from lean_python import make_lean_python

from claude_orchestrator.graders.base import CheckResult
from claude_orchestrator.graders.interpreter import TOOLS
from claude_orchestrator.orchestrator.verification import Request, Verification
from claude_orchestrator.orchestrator.verifier import judge

CODE = "def add(a: int, b: int) -> int:\n    return a + b\n"
TESTS = (
    "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n\n\n"
    "def test_zero():\n    assert add(0, 0) == 0\n"
)
PYPROJECT = '[project]\nname = "calc"\nversion = "1"\n\n[tool.pytest.ini_options]\ntestpaths = ["tests"]\n'
PROJECT = {"src/calc/__init__.py": CODE, "tests/test_calc.py": TESTS, "pyproject.toml": PYPROJECT}


class World:
    """A repository, and the folders that a verification of it needs."""

    def __init__(self, folder: Path, files: Mapping[str, str | None], cache: Path | None = None) -> None:
        self.folder = folder
        self.cache = cache or folder / "cache"
        self.project = folder / "project"
        self.project.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        self.base = self.commit(files)
        self._count = 0

    def git(self, *arguments: str) -> str:
        identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
        done = subprocess.run(
            ["git", *identity, *arguments], cwd=self.project, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def commit(self, files: Mapping[str, str | None]) -> str:
        """Write (None: delete) files, commit, and return the commit."""
        for path, content in files.items():
            file = self.project / path
            if content is None:
                file.unlink()
            else:
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        self.git("add", "--all")
        self.git("commit", "--quiet", "--allow-empty", "--message=change")
        return self.git("rev-parse", "HEAD")

    def request(self, head: str, *, scope: list[str] | None = None, checks: tuple[str, ...] = ("pytest",)) -> Request:
        self._count += 1
        evidence = self.folder / f"evidence{self._count}"
        return Request(self.project, self.base, head, evidence, scope, list(checks), self.cache, 60.0)

    def judge(
        self,
        files: Mapping[str, str | None],
        *,
        scope: list[str] | None = None,
        checks: tuple[str, ...] = ("pytest",),
        timeout_s: float = 60.0,
        kind: str | None = None,
    ) -> Verification:
        """Commit a change of the base and judge it."""
        self.git("checkout", "--quiet", "--detach", self.base)
        head = self.commit(files)
        request = replace(self.request(head, scope=scope, checks=checks), check_timeout_s=timeout_s, kind=kind)
        return asyncio.run(judge(request))


def check(verification: Verification, name: str) -> CheckResult:
    """The result of one check."""
    return next(found for found in verification.checks if found.name == name)


def make_venv(folder: Path, *path_lines: str | Path, packages: bool = True) -> Path:
    """A virtual environment whose path is longer by some folders; with ``packages`` it has the verifier's tools."""
    make_lean_python(folder, TOOLS if packages else ())
    site = folder / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}" / "site-packages"
    (site / "more.pth").write_text("".join(f"{line}\n" for line in path_lines))
    return folder / "bin" / "python"


def with_argument(argument: str) -> list[int]:
    """The processes of this machine that have an argument in their command line (zombies have none)."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if argument.encode() in (folder / "cmdline").read_bytes().split(b"\0"):
                found.append(int(folder.name))
        except OSError:
            continue
    return found
