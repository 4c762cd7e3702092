"""What a user can get wrong, and what the machine can: one clear line, the right exit code, never a traceback."""

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import World

from claude_orchestrator import __version__


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path)
    yield world
    world.close()


def complaint(world: World, *arguments: str | Path, code: int = 2, **environment: str) -> str:
    """The one line on standard error, without ``error: ``."""
    done = world.cli(*arguments, code=code, **environment)
    *_, last = done.stderr.splitlines()
    assert done.stderr.count("error: ") == 1, done.stderr
    return last.removeprefix("error: ")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "r9"], "there is no run 'r9'"),
        (["watch", "r9"], "there is no run 'r9'"),
        (["pause", "r9"], "there is no run 'r9'"),
        (["cancel", "r9"], "there is no run 'r9'"),
        (["resume", "r9"], "there is no run 'r9'"),
        (["evidence", "r9", "t1"], "there is no run 'r9'"),
        (["approve", "g9"], "there is no gate 'g9'"),
        (["deny", "g9", "--reason", "no"], "there is no gate 'g9'"),
        (["deny", "g9"], "Missing option '--reason'"),
        (["plan", "show", "p9"], "there is no plan p9"),
        (["run", "p9"], "there is no plan p9"),
        (["run", "nowhere.yaml"], "nowhere.yaml"),
        (["statsu"], "No such command 'statsu'. Did you mean 'status'?"),
        (["status", "--jsno"], "No such option: --jsno"),
        (["run", "p1", "--max-parallel", "0"], "--max-parallel"),
        (["run"], "Missing argument 'PLAN'"),
    ],
)
def test_wrong_words(world: World, arguments: list[str], said: str) -> None:
    assert said in complaint(world, *arguments)


def test_an_unknown_task_is_told_the_known_ones(world: World) -> None:
    world.cli("run", world.plan(world.task("first")))
    assert "(did you mean 'first'?): its tasks are first" in complaint(world, "evidence", "r1", "frist")


def test_a_broken_plan_is_explained_line_by_line(world: World) -> None:
    plan = world.folder / "broken.yaml"
    plan.write_text("goal: x\nphases:\n  - id: a\n    title: A\n    tasks:\n      - id: t\n        titel: T\n")
    checked = world.cli("plan", "check", plan, code=2)
    assert f"{plan}:7: unknown key 'titel'" in checked.stdout
    assert world.json("plan", "check", plan, code=2)["problems"][0]["line"] == 6
    run = world.cli("run", plan, code=2)
    assert f"{plan}:7: unknown key 'titel'" in run.stderr
    assert "see above" in run.stderr
    plan.write_text("goal: [\n")
    assert f"{plan}:" in world.cli("plan", "check", plan, code=2).stdout


def test_what_is_no_repository_or_has_no_commit_is_refused(world: World, tmp_path: Path) -> None:
    plan = world.plan(world.task())
    (tmp_path / "plain").mkdir()
    assert "is not a git repository" in complaint(world, "run", plan, "--project", tmp_path / "plain")
    assert "is not a folder" in complaint(world, "run", plan, "--project", tmp_path / "nowhere")
    subprocess.run(["git", "init", "--quiet", str(tmp_path / "empty")], check=True, timeout=30)
    assert "has no commits yet" in complaint(world, "run", plan, "--project", tmp_path / "empty")
    assert "'v9' is no commit" in complaint(world, "run", plan, "--base", "v9")
    assert "main is checked out" in complaint(world, "run", plan, "--target", "main")
    assert world.json("status") == []


def test_a_missing_git_is_said(world: World, tmp_path: Path) -> None:
    plan, nothing = world.plan(world.task()), tmp_path / "bin"
    nothing.mkdir()
    assert "git is not installed" in complaint(world, "run", plan, PATH=str(nothing))
    assert "git is not installed" in complaint(world, "demo", PATH=str(nothing))
    assert "✗ git: not found" in world.cli("doctor", code=1, PATH=str(nothing)).stdout


def test_a_home_that_cannot_be_used_is_said(world: World, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    home = str(tmp_path / "file" / "home")
    assert "set CLAUDE_ORCHESTRATOR_HOME to a writable folder" in complaint(
        world, "run", world.plan(world.task()), CLAUDE_ORCHESTRATOR_HOME=home
    )
    assert "no runs yet" in world.cli("status", CLAUDE_ORCHESTRATOR_HOME=home).stdout
    assert "is not a positive number" in complaint(world, "status", CLAUDE_ORCHESTRATOR_MAX_PARALLEL="many")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is read-only for root")
def test_a_read_only_home_is_said(world: World) -> None:
    world.home.mkdir()
    world.home.chmod(0o500)
    assert "writable folder" in complaint(world, "run", world.plan(world.task()))
    assert "✗ home" in world.cli("doctor", code=1).stdout
    world.home.chmod(0o700)


def test_a_newer_or_damaged_database_is_refused(world: World, tmp_path: Path) -> None:
    newer = tmp_path / "newer"
    world.cli("plan", "list", CLAUDE_ORCHESTRATOR_HOME=str(newer))
    with sqlite3.connect(newer / "state.db") as connection:
        connection.execute("INSERT INTO migration (version, name, applied_at) VALUES (999, 'future', 0)")
    connection.close()
    assert "upgrade claude-orchestrator" in complaint(world, "status", CLAUDE_ORCHESTRATOR_HOME=str(newer))
    assert "✗ database" in world.cli("doctor", code=1, CLAUDE_ORCHESTRATOR_HOME=str(newer)).stdout

    damaged = tmp_path / "damaged"
    damaged.mkdir()
    (damaged / "state.db").write_bytes(b"this is no database" * 1000)
    assert "is damaged" in complaint(world, "status", CLAUDE_ORCHESTRATOR_HOME=str(damaged))
    assert "✗ database" in world.cli("doctor", code=1, CLAUDE_ORCHESTRATOR_HOME=str(damaged)).stdout


def test_the_variables_that_agents_may_see_are_named_and_never_shown(world: World) -> None:
    said = world.cli("doctor", code=1, CLAUDE_ORCHESTRATOR_AGENT_ENV="A_KEY, MISSING_KEY", A_KEY="dummy-value").stdout
    assert "✗ agents may see: A_KEY, MISSING_KEY" in said
    assert "set MISSING_KEY" in said
    assert "dummy-value" not in said


def test_worktrees_that_were_left_behind_are_found(world: World) -> None:
    world.cli("run", world.plan(world.task()))
    (world.home / "worktrees" / "r1.t1.1").mkdir(parents=True)
    assert "✗ worktrees: 1 left behind" in world.cli("doctor", code=1).stdout


def test_the_demo_wants_a_folder_of_its_own(world: World) -> None:
    assert "is not an empty folder" in complaint(world, "demo", "--keep", world.project)


def test_looking_makes_nothing(world: World) -> None:
    assert world.cli("status").stdout.startswith("no runs yet")
    assert world.json("status") == []
    world.cli("doctor")
    assert not world.home.exists()


def test_the_version_and_the_exit_codes_are_told(world: World) -> None:
    assert world.cli("--version").stdout == f"claude-orchestrator {__version__}\n"
    told = " ".join(world.cli("--help", COLUMNS="200").stdout.split())
    assert "Exit codes: 0 all tasks are completed" in told
    assert "Commands" in world.cli("plan", code=2).stdout


@pytest.mark.parametrize("statement", ["import claude_orchestrator.cli.main", "import claude_orchestrator.__main__"])
def test_start_up_stays_light(statement: str) -> None:
    heavy = "('rich', 'pydantic', 'yaml', 'aiosqlite', 'sqlite3', 'claude_orchestrator.orchestrator')"
    look = f"{statement}, sys; print([name for name in sys.modules if name.startswith({heavy})])"
    bare = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    done = subprocess.run(
        [sys.executable, "-c", look], env=bare, capture_output=True, text=True, timeout=30, check=True
    )
    assert done.stdout == "[]\n"
