"""The hooks that tell a session something, as Claude Code calls them, and ``setup`` where it has to refuse."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_world import World

HOOKS = ("session-start", "post-compact", "stop")
PROGRAM = Path(sys.executable).with_name("claude-orchestrator")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


def hook(world: World, event: str, given: object, *, program: tuple[str, ...] = (str(PROGRAM),)) -> str:
    done = subprocess.run(
        [*program, "hook", event],
        cwd=world.folder,
        env=world.environment(),
        input=json.dumps(given).encode(),
        capture_output=True,
        check=False,
        timeout=30,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    return done.stdout.decode()


def test_a_session_hears_of_a_question_until_it_is_answered(world: World) -> None:
    given = {"cwd": str(world.project), "source": "startup"}
    assert hook(world, "session-start", given) == ""
    asks = world.task("t1", {"write": ".github/workflows/ci.yml", "content": "on: push"}, files=[".github"])
    world.cli("run", world.plan(asks, goal="A pipeline"), code=1)
    said = json.loads(hook(world, "session-start", given))["hookSpecificOutput"]["additionalContext"]
    assert "Run r1 (incomplete): “A pipeline”" in said
    assert "claude-orchestrator approve g1" in said
    assert hook(world, "session-start", {"cwd": str(world.folder)}) == "", "another folder is another project"
    assert hook(world, "post-compact", given).startswith("claude-orchestrator: kept in the context: Run r1")
    world.cli("approve", "g1")
    world.cli("resume")
    said = json.loads(hook(world, "session-start", given))["hookSpecificOutput"]["additionalContext"]
    assert "Run r1 (completed)" in said
    assert "g1" not in said


def test_the_whole_command_line_says_the_same(world: World, tmp_path: Path) -> None:
    world.cli("run", world.plan(world.task()))
    transcript = tmp_path / "t.jsonl"
    transcript.write_text("{}\n")
    given = {
        "cwd": str(world.project),
        "last_assistant_message": "All tests pass.",
        "transcript_path": str(transcript),
    }
    whole = (sys.executable, "-c", "from claude_orchestrator.cli.main import main; main()")
    for event in HOOKS:
        assert hook(world, event, given) == hook(world, event, given, program=whole) != ""
        assert event in world.cli("hook", "--help").stdout


def cpu_s(command: list[str], given: bytes, world: World) -> float:
    """CPU seconds of the command: the least of several, which others on the machine disturb least."""
    least = 60.0
    environment = {name: value for name, value in world.environment().items() if name != "PYTHONDONTWRITEBYTECODE"}
    for _ in range(7):
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(command, env=environment, input=given, capture_output=True, check=True, timeout=30)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        least = min(least, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)
    return least


def test_they_cost_little_more_than_a_bare_python(world: World) -> None:
    bare = cpu_s([sys.executable, "-c", "pass"], b"", world)
    given = json.dumps({"cwd": str(world.project), "last_assistant_message": "It is written."}).encode()
    for event in HOOKS:
        assert cpu_s([str(PROGRAM), "hook", event], given, world) < 3 * bare + 0.01


# -- setup, with a stand-in for Claude Code ----------------------------------------------------------------


def claude(world: World, script: str = "echo '[]'") -> str:
    path = world.folder / "claude"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


def registered(world: World, **entry: Any) -> None:
    (world.folder / ".claude.json").write_text(json.dumps({"mcpServers": {"orchestrator": entry}}))


def failing(world: World, *arguments: str, program: str) -> str:
    done = world.cli("setup", *arguments, code=2, CLAUDE_ORCHESTRATOR_CLAUDE=program)
    assert done.stderr.startswith("error: ")
    assert len(done.stderr.splitlines()) == 1
    return done.stderr


def test_setup_says_in_a_line_why_it_cannot(world: World) -> None:
    program = claude(world)
    assert "is no program" in failing(world, program="/nowhere/claude")
    assert "a repository must not" in failing(world, "--plugin", "--scope", "project", program=program)
    assert "choose one" in failing(world, "--plugin", "--check", program=program)
    registered(world, command="/usr/bin/other", args=["x"])
    assert "another MCP server named 'orchestrator'" in failing(world, program=program)
    (world.folder / ".claude.json").write_text("{")
    assert "cannot be read" in failing(world, program=program)
    (world.folder / ".claude.json").unlink()
    refuses = claude(world, "echo 'no such scope' >&2; exit 1")
    assert failing(world, program=refuses) == "error: 'claude mcp add --scope' failed: no such scope\n"


def test_a_stranger_under_our_name_is_left_alone(world: World) -> None:
    registered(world, command="/usr/bin/other", args=["x"])
    done = world.cli("setup", "--remove", CLAUDE_ORCHESTRATOR_CLAUDE=claude(world, "exit 1"))
    assert "nothing of claude-orchestrator is registered" in done.stdout


def test_check_says_what_is_wrong_with_the_server(world: World) -> None:
    program = claude(world, "echo 9.9.9 '(Claude Code)'")
    broken = world.folder / "claude-orchestrator"
    broken.write_text("#!/bin/sh\necho 'it is broken' >&2\nexit 3\n")
    broken.chmod(0o755)
    registered(world, command=str(broken), args=["serve"])
    said = world.cli("setup", "--check", code=1, CLAUDE_ORCHESTRATOR_CLAUDE=program).stdout
    assert said.startswith("Claude Code 9.9.9: ")
    assert "✗ server (user)" in said
    assert "it is broken" in said
    registered(world, command=str(PROGRAM), args=["serve"])
    said = world.cli("setup", "--check", CLAUDE_ORCHESTRATOR_CLAUDE=program).stdout
    assert "✓ server (user)" in said
    assert "starts, and lists" in said


def test_check_starts_nothing_that_a_repository_names(world: World) -> None:
    program = claude(world, "echo 9.9.9 '(Claude Code)'")
    started = world.folder / "started"
    stranger = world.project / "claude-orchestrator"
    stranger.write_text(f"#!/bin/sh\ntouch {started}\n")
    stranger.chmod(0o755)
    file = world.project / ".mcp.json"
    for command, arguments in (
        ("sh", ["-c", f"touch {started}"]),
        (str(stranger), ["serve"]),
        ("./" + stranger.name, ["serve"]),
    ):
        file.write_text(json.dumps({"mcpServers": {"orchestrator": {"command": command, "args": arguments}}}))
        done = world.cli("setup", "--check", code=1, CLAUDE_ORCHESTRATOR_CLAUDE=program)
        assert f"✗ server (project): {command}" in done.stdout
        assert "is not what setup registers, so it is not started" in done.stdout
        assert not started.exists()
