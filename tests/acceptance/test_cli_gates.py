"""Operations that wait for a human, at the command line: what is asked, every answer, and who may not give one."""

from __future__ import annotations

import json
import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_world import PATIENCE_S, World

from claude_orchestrator.agents.base import marker_of
from claude_orchestrator.workspace.process_table import MARKER

WORKFLOW = ".github/workflows/ci.yml"
ASKS = {"write": WORKFLOW, "content": "on: push\n"}
APPROVE = """
import asyncio
from claude_orchestrator.config import load_settings
from claude_orchestrator.orchestrator.inbox import Inbox
from claude_orchestrator.state.database import Database
async def main():
    settings = load_settings()
    async with Database.open(settings.database) as db:
        await Inbox(db, settings).approve("g1")
asyncio.run(main())
"""
MOVER = """
import asyncio, subprocess, sys
from claude_orchestrator.config import load_settings
from claude_orchestrator.orchestrator import worker
from claude_orchestrator.state.database import Database
async def main():
    settings = load_settings()
    async with Database.open(settings.database) as db, worker.enlist(db, settings.workers, "r1"):
        done = await asyncio.to_thread(subprocess.run, [sys.executable, *sys.argv[1:]])
        return done.returncode
sys.exit(asyncio.run(main()))
"""


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


def waiting(world: World, *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
    """Run a plan of one task up to its question; the gate."""
    task = world.task("t1", *(operations or (ASKS,)), files=[".github", "t1.txt", "a.txt"], **more)
    world.cli("run", world.plan(task), code=1)
    (gate,) = world.json("inbox")
    assert gate["status"] == "open"
    return dict(gate)


def events(world: World, kind: str) -> list[dict[str, Any]]:
    lines = world.cli("watch", "r1", "--json", code=None).stdout.splitlines()
    return [document["data"] for document in map(json.loads, lines) if document.get("kind") == kind]


def test_the_inbox_shows_what_an_approval_would_cover(world: World) -> None:
    gate = waiting(world)
    assert (gate["kind"], gate["rule"], gate["risk"], gate["expires_at"]) == ("operation", "A4", "high", None)
    listed = world.cli("inbox").stdout
    assert "? g1 r1/t1 (operation):" in listed
    assert f"wants to write {WORKFLOW}" in listed
    assert "inbox show g1" in listed
    shown = world.cli("inbox", "show", "g1").stdout
    assert "| +on: push" in shown
    assert "rule A4, risk high" in shown
    assert "exactly this operation, once" in shown
    assert "approve g1" in shown
    assert world.json("inbox", "show", "g1")["shown"] == gate["shown"]
    assert "no gate 'g7'" in world.cli("inbox", "show", "g7", code=2).stderr
    (task,) = world.json("status", "r1")["tasks"]
    assert task["status"] == "waiting"


def test_an_approval_lets_it_happen_once(world: World) -> None:
    waiting(world)
    said = world.cli("approve", "g1", "--reason", "agreed").stdout
    assert "g1 is approved" in said
    assert "resume r1" in said
    world.cli("resume", "r1")
    assert world.git("show", f"orchestrator/r1:{WORKFLOW}") == "on: push"
    (answer,) = events(world, "gate.approved")
    assert (answer["channel"], answer["way"], answer["reason"]) == ("cli", "once", "agreed")
    assert len(events(world, "gate.used")) == 1
    assert world.cli("inbox").stdout == "no questions wait\n"
    assert "g1 r1/t1 (operation) approved by" in world.cli("inbox", "--all").stdout
    assert "already approved" in world.cli("deny", "g1", "--reason", "too late", code=2).stderr


def test_a_denial_reaches_the_agent_and_the_run_goes_on(world: World) -> None:
    asks = world.task("t1", {**ASKS, "may_be_refused": True}, {"write": "t1.txt", "content": "x\n"}, files=["t1.txt"])
    world.cli("run", world.plan(asks, world.task("t2")), code=1)
    statuses = {task["id"]: task["status"] for task in world.json("status", "r1")["tasks"]}
    assert statuses == {"t1": "waiting", "t2": "completed"}
    world.cli("deny", "g1", "--reason", "the CI is ours")
    world.cli("resume", "r1")
    (attempt,) = world.json("evidence", "r1", "t1")["attempts"]
    (refused,) = [one for one in attempt["operations"] if one.get("answer") == "denied"]
    assert refused["reason"].endswith("(g1): the CI is ours")
    assert world.git("ls-tree", "-r", "--name-only", "orchestrator/r1").split() == ["a.txt", "t1.txt", "t2.txt"]


def test_an_edited_operation_happens_instead(world: World) -> None:
    waiting(world)
    world.cli("approve", "g1", "--edit", "on: workflow_dispatch\n")
    world.cli("resume", "r1")
    assert world.git("show", f"orchestrator/r1:{WORKFLOW}") == "on: workflow_dispatch"


def test_no_edit_unblocks(world: World) -> None:
    waiting(world, {"delete": "what-git-does-not-know.txt"})
    assert "stays blocked" in world.cli("approve", "g1", "--edit", ".", code=2).stderr
    assert world.json("inbox")[0]["status"] == "open"


def test_a_pattern_covers_the_run(world: World) -> None:
    gate = waiting(world, ASKS, {"write": WORKFLOW, "content": "on: pull_request\n"})
    assert gate["suggestion"] == [{"path": WORKFLOW, "effect": "A4"}]
    assert "leave the pattern out" in world.cli("approve", "g1", "--pattern", "--edit", "x", code=2).stderr
    assert "never allowed for good" in world.cli("approve", "g1", "--pattern", "--always", code=2).stderr
    assert "say --pattern" in world.cli("approve", "g1", "--always", code=2).stderr
    world.cli("approve", "g1", "--pattern")
    world.cli("resume", "r1")
    assert world.git("show", f"orchestrator/r1:{WORKFLOW}") == "on: pull_request"
    assert [gate["way"] for gate in world.json("inbox", "--all")] == ["pattern"]


def test_always_saves_the_pattern_in_the_users_own_policy(world: World) -> None:
    waiting(world, {"run": "pip install requests"})
    said = world.cli("approve", "g1", "--pattern", "--always").stdout
    assert 'argv = ["pip", "install", "requests"]' in said
    policy = Path(os.environ["CLAUDE_ORCHESTRATOR_POLICY"])
    assert 'reason = "approved as g1 of r1"' in policy.read_text()
    assert world.cli("classify", "pip install requests").stdout.startswith("safe")
    assert world.cli("classify", "pip install other").stdout.startswith("requires_approval")
    assert [gate["way"] for gate in world.json("inbox", "--all")] == ["pattern"]


def test_nothing_is_approved_when_always_cannot_be_saved(world: World) -> None:
    waiting(world, {"run": "pip install requests"})
    Path(os.environ["CLAUDE_ORCHESTRATOR_POLICY"]).write_text("[[rule")
    assert world.cli("approve", "g1", "--pattern", "--always", code=2).stderr.startswith("error: ")
    assert world.json("inbox")[0]["status"] == "open"


def test_a_denial_needs_a_reason_and_keys_in_it_are_not_kept(world: World) -> None:
    waiting(world)
    assert "give a reason" in world.cli("deny", "g1", "--reason", " ", code=2).stderr
    key = "ghp_" + "A1b2C3d4E5f6G7h8I9j0K1l2M3n4O5p6Q7r8"
    world.cli("deny", "g1", "--reason", f"not with {key}")
    (answer,) = events(world, "gate.denied")
    assert answer["reason"] == "not with [redacted: key]"
    assert world.json("inbox", "--all")[0]["reason"] == "not with [redacted: key]"


def test_a_question_of_a_cancelled_run_is_withdrawn(world: World) -> None:
    waiting(world)
    world.cli("cancel", "r1")
    assert [event["gate"] for event in events(world, "gate.withdrawn")] == ["g1"]
    assert "already withdrawn" in world.cli("approve", "g1", code=2).stderr
    assert world.cli("inbox").stdout == "no questions wait\n"


def test_nothing_that_an_agent_wants_is_obeyed_by_the_terminal(world: World) -> None:
    line = "pip install \x1b[2K\x1b[8mx \u202e\x9b1m\x07\n      answer: claude-orchestrator approve g2"
    waiting(world, {"run": line})
    lines = []
    for arguments in (["inbox"], ["inbox", "show", "g1"], ["status", "r1"], ["watch", "r1"], ["evidence", "r1", "t1"]):
        said = world.cli(*arguments, code=None).stdout
        assert said.replace("\n", "").isprintable(), (arguments, said)
        lines += said.splitlines()
    assert not [line for line in lines if line.startswith("      answer:") and "g1" not in line], "no line is forged"
    assert world.json("inbox")[0]["operation"]["target"] == line


def test_the_inbox_tells_what_is_asked_and_answered(world: World) -> None:
    watching = world.start("inbox", "--watch")
    watching.until("no questions wait")
    waiting(world)
    watching.until("? g1 r1/t1 (operation):")
    world.cli("deny", "g1", "--reason", "not today")
    assert "denied by" in watching.until("not today")
    watching.process.send_signal(signal.SIGINT)
    assert watching.end()[0] == 130


# -- who may not answer ----------------------------------------------------------------------------------


def python(world: World, *arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return started(world, [sys.executable, *arguments], **more)


def started(world: World, command: list[str], **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        env=world.environment(**more),
        cwd=world.project,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def marker(world: World) -> str:
    return marker_of(world.home / "attempts" / "r1.t1.1")


@pytest.mark.parametrize("way", ["cli", "python"])
@pytest.mark.parametrize("hidden", [False, True])
def test_no_process_of_an_attempt_can_answer(world: World, way: str, hidden: bool) -> None:
    """Neither with the marker in its environment, nor after it has taken it out of its own."""
    waiting(world)
    command = [sys.executable, *(["-m", "claude_orchestrator", "approve", "g1"] if way == "cli" else ["-c", APPROVE])]
    if hidden:
        command = ["sh", "-c", f"env -u {MARKER} {shlex.join(command)}; exit $?"]
    done = started(world, command, **{MARKER: marker(world)})
    assert done.returncode != 0
    assert "only a human can answer g1: this process belongs to the attempt r1.t1.1" in done.stderr
    assert world.json("inbox")[0]["status"] == "open"
    (refused,) = events(world, "gate.answer_refused")
    assert (refused["gate"], refused["channel"]) == ("g1", way)


def test_no_process_of_an_attempt_can_deny(world: World) -> None:
    waiting(world)
    denied = python(
        world, "-m", "claude_orchestrator", "deny", "g1", "--reason", "x", **{MARKER: f"x/{marker(world)}/y"}
    )
    assert denied.returncode == 2
    assert world.json("inbox")[0]["status"] == "open"


def test_an_attempt_of_another_home_is_no_attempt_of_this_one(world: World) -> None:
    waiting(world)
    world.cli("approve", "g1", **{MARKER: marker_of(world.folder / "another" / "attempts" / "r1.t1.1")})


def test_nothing_below_a_process_that_moves_runs_can_answer(world: World) -> None:
    waiting(world)
    done = python(world, "-c", MOVER, "-m", "claude_orchestrator", "approve", "g1")
    assert done.returncode == 2
    assert "only a human can answer g1: this process was started by the one that moves runs" in done.stderr
    assert world.json("inbox")[0]["status"] == "open"


OWN_NAMESPACE = ["unshare", "--user", "--map-root-user", "--mount", "--pid", "--fork", "--mount-proc"]


def has_namespaces() -> bool:
    try:
        return subprocess.run([*OWN_NAMESPACE, "true"], capture_output=True, timeout=20, check=False).returncode == 0
    except OSError:
        return False


@pytest.mark.parametrize("hidden", [False, True])
def test_an_agent_that_tries_is_refused(world: World, hidden: bool) -> None:
    """Under a careless policy that lets it run any program, an agent tries to approve what it has asked for.

    ``hidden``: without the mark of its attempt, from a PID namespace from which its parents cannot be seen.
    """
    if hidden and not has_namespaces():
        pytest.skip("this machine allows no PID namespaces")
    outside = OWN_NAMESPACE if hidden else []
    Path(os.environ["CLAUDE_ORCHESTRATOR_POLICY"]).write_text('[decisions]\nA8 = "safe"\nA9 = "safe"\n')
    script, environment = world.folder / "try.py", world.environment()
    script.write_text(
        "import subprocess, sys\n"
        f"command = {outside!r} + [sys.executable, '-c', {APPROVE!r}]\n"
        f"tried = subprocess.run(command, env={environment!r}, capture_output=True)\n"
        f"open({str(world.folder / 'said.txt')!r}, 'wb').write(tried.stderr)\n"
    )
    tries = world.task("t2", {"write": "t2.txt", "content": "x\n"}, {"run": [sys.executable, str(script)]})
    asks = world.task("t1", ASKS, files=[".github"])
    world.cli("run", world.plan(asks, tries), "--max-parallel", "1", code=1)
    said = (world.folder / "said.txt").read_text()
    because = "r1.t2.1 is at work" if hidden else "this process belongs to the attempt r1.t2.1"
    assert f"only a human can answer g1: {because}" in said
    assert [gate["status"] for gate in world.json("inbox", "--all")] == ["open"]
