"""``claude-orchestrator verify`` as people and programs use it."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner
from verifier_world import CODE, PROJECT, PYPROJECT, World, with_argument

from claude_orchestrator.cli.verify import verify

app = typer.Typer()
app.command()(verify)


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path, PROJECT)


def run(world: World, *arguments: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["--project", str(world.project), *arguments])
    return done.exit_code, done.output


def test_each_verdict_has_its_exit_code(world: World, own_world: Path) -> None:
    world.commit({"src/calc/more.py": "x = undefined\n"})
    code, said = run(world, "--base", world.base, "--checks", "ruff")
    assert code == 1
    assert said.startswith("FAILED in ")
    assert "src/calc/more.py:1: F821" in said
    evidence = Path(said.rsplit("evidence: ", 1)[1].strip())
    assert evidence.is_relative_to(own_world)
    assert (evidence / "verification.json").exists()
    assert run(world, "--base", "HEAD", "--checks", "ruff")[0] == 0
    assert run(world, "--base", world.base, "--checks", "none", "--files", "docs/**")[0] == 1
    world.commit({"src/calc/more.py": None, "pyproject.toml": PYPROJECT + "\n[tool.ruff]\nline-length = 99\n"})
    assert run(world, "--base", world.base, "--checks", "ruff")[0] == 3


def test_json_is_the_whole_verification(world: World) -> None:
    world.commit({"src/calc/__init__.py": CODE + "\n\nx = 1\n"})
    code, said = run(world, "--base", world.base, "--head", "main", "--checks", "ruff,bandit", "--json")
    assert code == 0
    assert [check["name"] for check in json.loads(said)["checks"]] == ["scope", "ruff", "bandit"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "nowhere"], "'nowhere' is no commit"),
        (["--base", "HEAD", "--checks", "spelling"], "unknown check 'spelling'"),
        (["--base", "HEAD", "--checks", ""], "no check is named"),
        ([], "Missing option"),
    ],
)
def test_what_cannot_be_judged(world: World, arguments: list[str], said: str) -> None:
    code, output = run(world, *arguments)
    assert code == 2
    assert said in output


def test_a_folder_that_is_no_repository(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["--project", str(tmp_path), "--base", "HEAD"])
    assert done.exit_code == 2
    assert "is not a git repository" in done.output


def test_a_home_that_cannot_be_written_to(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_HOME", "/dev/null/home")
    code, said = run(world, "--base", "HEAD", "--checks", "ruff")
    assert code == 2
    assert "/dev/null/home" in said
    assert "Traceback" not in said


def test_control_c_stops_everything(world: World, tmp_path: Path) -> None:
    """The test under judgement says through a pipe that it runs; then the command is interrupted."""
    fifo = tmp_path / "runs"
    os.mkfifo(fifo)
    name = f"interrupted-{tmp_path.name}"
    slow = (
        "import subprocess, sys, threading\n\n\ndef test_slow():\n"
        f"    child = [sys.executable, '-c', 'import threading; threading.Event().wait(300)', {name!r}]\n"
        "    subprocess.Popen(child, start_new_session=True)\n"
        f"    open({str(fifo)!r}, 'w').write('x')\n"
        "    threading.Event().wait(300)\n"
    )
    world.commit({"tests/test_slow.py": slow})
    program = "import typer; from claude_orchestrator.cli.verify import verify; typer.run(verify)"
    command = [
        sys.executable,
        "-c",
        program,
        "--project",
        str(world.project),
        "--base",
        world.base,
        "--checks",
        "pytest",
    ]
    temporary = tmp_path / "tmp"
    temporary.mkdir()
    environment = {**os.environ, "TMPDIR": str(temporary)}
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
    try:
        with fifo.open() as reading:
            assert reading.read() == "x"
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 130
    assert "interrupted" in said
    assert not with_argument(name)
    assert not list(temporary.iterdir())
