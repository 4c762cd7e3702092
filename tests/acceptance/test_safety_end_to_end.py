"""A plan that wants dangerous, risky and harmless things: verdicts, questions, a ``kill -9``, answers, continuation.

Nothing dangerous can happen here even if everything fails: ``pip`` and ``rm`` are scripts of this test that only write
down that they were called, the home folder is this test's, and ``origin`` is a repository beside it.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import World

WORKFLOW = ".github/workflows/ci.yml"


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    one = World(tmp_path)
    programs = tmp_path / "programs"
    programs.mkdir()
    for name in ("pip", "rm"):
        program = programs / name
        program.write_text(f'#!/bin/sh\necho {name} "$@" >> {tmp_path}/calls.log\n')
        program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    subprocess.run(["git", "init", "--quiet", "--bare", str(tmp_path / "origin.git")], check=True)
    one.git("remote", "add", "origin", str(tmp_path / "origin.git"))
    one.git("push", "--quiet", "origin", "main")
    yield one
    one.close()


def test_everything_that_a_plan_may_and_may_not_do(world: World) -> None:
    pushed = world.git("ls-remote", "origin")
    world.git("commit", "--quiet", "--allow-empty", "-m", "Not to be pushed")

    def after(task_id: str) -> dict[str, str]:
        return {"write": f"{task_id}.txt", "content": "after\n"}

    plan = world.plan(
        world.task("install", {"run": "pip install requests"}, after("install")),
        world.task("push", {"run": "git push --force origin main", "may_be_refused": True}, after("push")),
        world.task("wipe", {"run": "rm -rf ~", "may_be_refused": True}, after("wipe")),
        world.task(
            "search",
            {"write": "search.txt", "content": "DROP DATABASE x;\n"},
            {"run": 'grep "DROP DATABASE" search.txt'},
        ),
        world.task("workflow", {"write": WORKFLOW, "content": "on: push\n"}, files=[".github"]),
    )
    talk = world.start("run", plan)
    talk.until("asks (g1)")
    talk.process.kill()  # its first question has just been asked; nothing has been parked yet
    talk.end()
    world.cli("resume", "r1", code=1)

    statuses = {task["id"]: task["status"] for task in world.json("status", "r1")["tasks"]}
    assert statuses == {
        "install": "waiting",
        "push": "completed",
        "wipe": "completed",
        "search": "completed",
        "workflow": "waiting",
    }
    waiting = {gate["task_id"]: gate for gate in world.json("inbox")}
    assert {task: gate["rule"] for task, gate in waiting.items()} == {"install": "A3", "workflow": "A4"}
    assert not (world.folder / "calls.log").exists(), "nothing that needs a human has happened"

    world.cli("approve", waiting["install"]["id"])
    world.cli("approve", waiting["workflow"]["id"])
    world.cli("resume", "r1")

    assert (world.folder / "calls.log").read_text() == "pip install requests\n"
    assert world.git("ls-remote", "origin") == pushed
    assert world.git("show", f"orchestrator/r1:{WORKFLOW}") == "on: push"
    verdicts = {}
    for task_id in statuses:
        (attempt,) = world.json("evidence", "r1", task_id)["attempts"]
        first = [one for one in attempt["operations"] if not one["target"].endswith(".txt") or task_id == "search"]
        verdicts[task_id] = [(one["verdict"], one["rule"], one.get("answer", ""), bool(one["done"])) for one in first]
    assert verdicts["push"] == [("BLOCKED", "B4", "", False)]
    assert verdicts["wipe"] == [("BLOCKED", "B1", "", False)]
    assert verdicts["search"] == [("SAFE", "S4", "", True), ("SAFE", "S1", "", True)]
    for task_id, rule in (("install", "A3"), ("workflow", "A4")):
        assert verdicts[task_id][0] == ("REQUIRES_APPROVAL", rule, "", False)
        assert verdicts[task_id][-1] == ("REQUIRES_APPROVAL", rule, "approved", True)
    assert len(world.json("inbox", "--all")) == 2, "no question was asked twice"
