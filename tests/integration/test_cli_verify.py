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
from verifier_world import CODE, PROJECT, World, with_argument

from claude_orchestrator.cli.claims import journal_in
from claude_orchestrator.cli.verify import verify
from claude_orchestrator.errors import VerificationError

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
    world.commit({"src/calc/more.py": "x = 1\n"})
    assert run(world, "--base", world.base, "--checks", "ruff")[0] == 0
    assert run(world, "--base", world.base, "--checks", "none", "--files", "docs/**")[0] == 1
    world.commit({"src/calc/more.py": None, "src/calc/fast.so": "compiled"})
    assert run(world, "--base", world.base, "--checks", "ruff")[0] == 3


def test_json_is_the_whole_verification(world: World) -> None:
    world.commit({"src/calc/__init__.py": CODE + "\n\nx = 1\n"})
    code, said = run(world, "--base", world.base, "--head", "main", "--checks", "ruff,bandit", "--json")
    assert code == 0
    answer = json.loads(said)
    assert [check["name"] for check in answer["checks"]] == ["scope", "integrity", "semantics", "ruff", "bandit"]
    assert answer["signer"].startswith("SHA256:")
    assert answer["unsigned_because"] == ""


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--base", "nowhere"], "'nowhere' is no commit"),
        (["--base", "HEAD", "--checks", "spelling"], "unknown check 'spelling'"),
        (["--base", "HEAD", "--checks", ""], "no check is named"),
        ([], "say what to do"),
        (["--base", "HEAD", "--check", "x"], "do not go together"),
        (["--base", "HEAD", "--signer", "x"], "it belongs to --check"),
        (["--base", "HEAD", "--kind", "fux"], "unknown kind 'fux'"),
        (["--base", "HEAD", "--report", "no-such-file"], "cannot be read"),
        (["--base", "HEAD", "--journal", "/dev/null/x"], "cannot be read"),
        (["--base", "HEAD", "--text-check", "contains: {in: a}"], "'contains' needs 'text'"),
        (["--base", "HEAD", "--text-check", "contains: {"], "broken YAML"),
        (["--base", "HEAD", "--text-check", "ruff"], "it is no mapping"),
    ],
)
def test_what_cannot_be_judged(world: World, arguments: list[str], said: str) -> None:
    code, output = run(world, *arguments)
    assert code == 2
    assert said in " ".join(output.replace("│", " ").split())


@pytest.mark.parametrize("option", ["--base", "--head", "--files"])
def test_a_variable_of_a_script_that_is_not_set(world: World, option: str) -> None:
    others = {"--base": [], "--head": ["--base", "main"], "--files": ["--base", "main"]}[option]
    code, said = run(world, *others, option, "")
    assert code == 2
    assert "it is empty: name" in said


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
    # The test under judgement has to reach the pipe.
    environment = {**os.environ, "TMPDIR": str(temporary), "CLAUDE_ORCHESTRATOR_SANDBOX": "limits"}
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


def test_conditions_on_texts(world: World, tmp_path: Path) -> None:
    world.commit({"NEWS.md": "## 1.2\n"})
    report = tmp_path / "report.md"
    report.write_text("All done.\n")
    arguments = ["--base", world.base, "--checks", "none", "--report", str(report)]
    conditions = ["--text-check", 'contains: {in: NEWS.md, text: "1.2"}', "--text-check", "non_empty: {in: report}"]
    code, said = run(world, *arguments, *conditions)
    assert code == 0, said
    assert "contains:NEWS.md  passed" in said
    code, said = run(world, *arguments, *conditions, "--text-check", "regex: {in: report, pattern: tests}")
    assert code == 1
    assert "the agent's report: nothing matches 'tests'" in said


@pytest.mark.parametrize(
    "content",
    [
        '[{"kind": "run", "target": "true", "exit_code": 0}]',
        '{"kind": "run", "target": "true", "exit_code": 0}\n',
        (
            '{"kind": "operation.asked", "data": {"kind": "run"}}\n'
            '{"kind": "operation.done", "data": {"kind": "run", "target": "true", "exit_code": 0}}\n'
        ),
    ],
)
def test_a_journal_is_a_list_lines_or_events(content: str, tmp_path: Path) -> None:
    file = tmp_path / "journal"
    file.write_text(content)
    assert journal_in(file, "--journal") == [{"kind": "run", "target": "true", "exit_code": 0}]


def test_a_bundle_is_checked_and_replayed(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    world.commit({"src/calc/more.py": "x = undefined\n"})
    bundle = tmp_path / "bundle"
    assert run(world, "--base", world.base, "--checks", "ruff", "--bundle", str(bundle))[0] == 1
    code, said = run(world, "--check", str(bundle))
    assert code == 0, said
    assert said.startswith("whole: failed, ")
    assert "the key of this installation" in said
    nowhere = tmp_path / "nowhere"
    nowhere.mkdir()
    done = CliRunner().invoke(app, ["--replay", str(bundle), "--project", str(nowhere), "--json"])
    assert done.exit_code == 0, done.output
    answer = json.loads(done.output)
    assert (answer["stands"], answer["recorded"], answer["bundle"]["whole"]) == (True, "failed", True)
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_HOME", str(tmp_path / "stranger"))
    code, said = run(world, "--check", str(bundle))
    assert code == 0
    assert "not a key of this installation" in said
    signer = json.loads((bundle / "bundle.json").read_text())["signer"]
    assert run(world, "--check", str(bundle), "--signer", signer)[0] == 0
    assert run(world, "--check", str(bundle), "--signer", "SHA256:somebody")[0] == 1
    (bundle / "ruff-own.out").write_text("[]")
    code, said = run(world, "--check", str(bundle), "--json")
    assert code == 1
    assert json.loads(said)["problems"] == ["ruff-own.out was changed: it has another SHA-256 than the document says"]
    assert run(world, "--replay", str(bundle))[0] == 1


@pytest.mark.parametrize("option", ["--check", "--replay"])
def test_what_is_no_bundle(world: World, option: str) -> None:
    done = CliRunner().invoke(app, ["--project", str(world.project), option, "nowhere"])
    assert isinstance(done.exception, VerificationError)
    assert "name the folder of a bundle" in str(done.exception)
