"""``plan review``, ``approve``, ``export``, ``import``, and what becomes of a task whose ground has moved."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_world import PATIENCE_S, World

from claude_orchestrator.agents.base import marker_of
from claude_orchestrator.workspace.process_table import MARKER


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


def good(**more: Any) -> dict[str, Any]:
    """A task that changes what is there."""
    change = {"replace": "a.txt", "old": "one", "new": "two"}
    return {"id": "t1", "title": "Count on", "files": ["a.txt"], "checks": [], "operations": [change], **more}


def stored(world: World, *tasks: dict[str, Any]) -> None:
    world.cli("plan", "import", world.plan(*(tasks or (good(),))))


def moved(world: World, content: str = "one, or so\n") -> str:
    (world.project / "a.txt").write_text(content)
    world.git("commit", "--quiet", "--all", "-m", "Say it otherwise")
    return world.git("rev-parse", "HEAD")


PROJECT = "--project"


# -- review --------------------------------------------------------------------------------------------------------


def test_a_review_of_a_file_tells_what_is_wrong_and_how_to_put_it_right(world: World) -> None:
    file = world.plan(good(files=["b.txt", "a.txt"]))
    said = world.cli("plan", "review", file, PROJECT, world.project, code=1).stdout
    assert "'b.txt' is not there, and no task makes it" in said
    assert "creates: [b.txt]" in said
    assert "no history" in said
    document = json.loads(world.cli("plan", "review", file, PROJECT, world.project, "--json", code=1).stdout)
    assert document["approvable"] is False
    assert [finding["rule"] for finding in document["findings"]] == ["missing-file"]
    assert document["estimate"]["seconds"] is None
    fine = world.plan(good(), name="fine.yaml")
    assert "nothing was found" in world.cli("plan", "review", fine, PROJECT, world.project).stdout


def test_a_review_rests_on_what_this_home_has_done(world: World) -> None:
    for _ in range(5):
        world.cli("run", world.plan(good(), name="again.yaml"))
    said = json.loads(world.cli("plan", "review", "p1", PROJECT, world.project, "--json").stdout)["estimate"]
    assert said["attempts"] == 5
    assert 0 < said["seconds"]["p50"] <= said["seconds"]["p90"]
    assert said["usd"] == {"p50": 0.0, "p90": 0.0}, "a script costs nothing"


def test_what_cannot_be_reviewed(world: World) -> None:
    assert "there is no plan p7" in world.cli("plan", "review", "p7", PROJECT, world.project, code=2).stderr
    assert "no planning session" in world.cli("plan", "review", "s7", code=None).stderr
    assert "git" in world.cli("plan", "review", world.plan(good()), PROJECT, world.folder, code=2).stderr


# -- approve -------------------------------------------------------------------------------------------------------


def test_approving_a_stored_plan_stamps_it(world: World) -> None:
    stored(world)
    assert "not approved" in world.cli("plan", "list").stdout
    refused = world.cli("plan", "approve", "p1", PROJECT, world.project, code=2).stderr
    assert "--yes" in refused, "nobody is there to be asked"
    said = world.cli("plan", "approve", "p1", PROJECT, world.project, "--yes").stdout
    assert "p1 version 1 is approved; its tasks rest on 1 file as of" in said
    assert "approved: 1" in world.cli("plan", "list").stdout
    again = json.loads(world.cli("plan", "approve", "p1", PROJECT, world.project, "--yes", "--json").stdout)
    assert (again["plan"], again["version"], again["files"], again["approved"]) == ("p1", 1, 1, True)


def test_a_plan_with_errors_is_not_approved(world: World) -> None:
    stored(world, good(files=["nowhere.txt", "a.txt"]))
    said = world.cli("plan", "approve", "p1", PROJECT, world.project, "--yes", code=2).stderr
    assert "the review of p1 has errors" in said
    assert "not approved" in world.cli("plan", "list").stdout


def test_an_agent_approves_nothing(world: World) -> None:
    """Below an attempt of this home, neither 'plan approve' nor running an unapproved plan works."""
    stored(world)
    marker = marker_of(world.home / "attempts" / "r1.t1.1")
    for command in (["plan", "approve", "p1", "--yes", PROJECT, world.project], ["run", "p1", PROJECT, world.project]):
        done = subprocess.run(
            [sys.executable, "-m", "claude_orchestrator", *map(str, command)],
            env=world.environment(**{MARKER: marker}),
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert done.returncode == 2, done.stdout
        assert "only a human can" in done.stderr
    assert "not approved" in world.cli("plan", "list").stdout
    assert world.json("status") == []


@pytest.mark.parametrize(("typed", "code"), [("y", 0), ("n", 1)])
def test_at_a_terminal_it_is_asked(world: World, typed: str, code: int) -> None:
    stored(world)
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "claude_orchestrator", "plan", "approve", "p1", PROJECT, str(world.project)],
        env=world.environment(TERM="dumb"),
        stdin=theirs,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    os.close(theirs)
    os.write(ours, f"{typed}\n".encode())
    said, _ = process.communicate(timeout=PATIENCE_S)
    os.close(ours)
    assert process.returncode == code, said
    assert "nothing was found" in said
    assert "approve p1 version 1?" in said
    approved = world.json("plan", "list")[0]["approved_version"]
    assert approved == (1 if typed == "y" else None)


def test_a_session_is_reviewed_and_approved(world: World) -> None:
    (world.project / "calc.py").write_text('def add(a, b):\n    """Add."""\n    return a + b\n')
    (world.project / "test_calc.py").write_text(
        "from calc import add\n\n\ndef test_add():\n    assert add(1, 2) == 3\n"
    )
    world.git("add", "--all")
    world.git("commit", "--quiet", "-m", "Calculate")
    world.cli("plan", "new", "Let add take three numbers", "--yes", PROJECT, world.project, code=None)
    task = {
        "id": "t1",
        "title": "Add three",
        "kind": "feature",
        "prompt": "Let calc.add take a third number, 0 where it is not given.",
        "files": ["calc.py", "test_calc.py"],
        "success_criteria": ["add(1, 2, 3) is 6"],
    }
    world.cli("plan", "draft", "s1", "--file", world.plan(task), code=None)
    assert world.cli("plan", "review", "s1").stdout
    said = world.cli("plan", "approve", "s1", "--yes").stdout
    assert "p1 version 1 is approved; its tasks rest on 2 files" in said
    assert "approve: " not in said, "it is being approved"
    assert "p1 version 1 is approved" in world.cli("plan", "approve", "s1", "--yes").stdout, "a second time, the same"


def test_a_session_without_a_draft_says_how_to_get_one(world: World) -> None:
    world.cli("plan", "new", "Fix that a.txt says one")
    done = world.cli("plan", "approve", "s1", "--yes", code=2)
    assert "s1 has no draft yet" in done.stderr
    assert "plan resume s1' asks what is open and makes one" in done.stderr
    assert done.stdout == ""


def test_running_a_plan_that_nobody_has_approved_says_so(world: World) -> None:
    stored(world)
    done = world.cli("run", "p1", PROJECT, world.project)
    assert "p1 version 1 was not approved: running it approves it" in done.stderr
    assert "was not approved" not in world.cli("run", "p1", PROJECT, world.project).stderr


# -- export and import -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["out.yaml", "out.md"])
def test_a_plan_goes_out_and_comes_back_unchanged(world: World, name: str) -> None:
    stored(world, good(success_criteria=['a.txt says "two"'], prompt="Count on.\n\nThen stop."))
    file = world.folder / name
    world.cli("plan", "export", "p1", "--output", file)
    assert "is there already" in world.cli("plan", "export", "p1", "--output", file, code=2).stderr
    said = world.json("plan", "import", file)
    assert (said["plan"], said["version"]) == ("p1", 1), "nothing has changed, so it is the same version"
    form = "markdown" if name.endswith(".md") else "yaml"
    assert world.cli("plan", "export", "p1", "--format", form).stdout.rstrip("\n") == file.read_text().rstrip("\n")
    file.write_text(file.read_text().replace("Then stop.", "Then go on."))
    assert world.json("plan", "import", file)["version"] == 2
    assert "Then go on." in world.cli("plan", "show", "p1").stdout


def test_what_cannot_be_imported(world: World) -> None:
    broken = world.folder / "broken.md"
    broken.write_text("# Goal\n\n## Phase `a`\n\n### Task `t`\n\n- **Fils:** `a`\n")
    assert "broken.md:" in world.cli("plan", "import", broken, code=2).stderr
    assert "cannot be read" in world.cli("plan", "import", world.folder / "nowhere.md", code=2).stderr


# -- drift -------------------------------------------------------------------------------------------------------------


def test_a_drifted_task_is_asked_about_everywhere(world: World) -> None:
    stored(world)
    world.cli("plan", "approve", "p1", PROJECT, world.project, "--yes")
    commit = moved(world)
    said = world.cli("run", "p1", PROJECT, world.project, code=1).stdout
    assert "what this task rests on has changed since its plan was approved: a.txt" in said
    assert "t1 attempt 1 is not begun, what it rests on has changed: g1" in said
    (gate,) = world.json("inbox")
    assert (gate["kind"], gate["task_id"], [file["path"] for file in gate["files"]]) == ("drift", "t1", ["a.txt"])
    assert f"{commit[:9]} Say it otherwise" in gate["question"]
    assert "(drift):" in world.cli("inbox").stdout
    shown = world.cli("inbox", "show", "g1").stdout
    look = next(line for line in shown.splitlines() if "look:" in line).partition("look:")[2].strip()
    assert "+one, or so" in subprocess.run(look, shell=True, capture_output=True, text=True, check=True).stdout
    status = world.json("status", "r1")
    assert (status["status"], status["tasks"][0]["status"], status["tasks"][0]["waits_for"]) == (
        "incomplete",
        "waiting",
        "human",
    )
    assert status["gates"][0]["kind"] == "drift"
    assert "inbox show g1" in world.cli("status", "r1").stdout
    assert world.json("evidence", "r1", "t1")["drifts"][0]["status"] == "open"
    world.cli("approve", "g1", "--reason", "only words")
    world.cli("resume", "r1")
    evidence = world.cli("evidence", "r1", "t1").stdout
    assert "g1 r1/t1 (drift) approved by" in evidence
    assert "only words" in evidence
    assert world.git("show", "orchestrator/r1:a.txt") == "two, or so"


def test_a_drifted_task_is_given_up(world: World) -> None:
    stored(world)
    world.cli("plan", "approve", "p1", PROJECT, world.project, "--yes")
    moved(world, "other\n")
    world.cli("run", "p1", PROJECT, world.project, code=1)
    assert "r1 has failed" in world.cli("deny", "g1", "--reason", "plan it anew").stdout
    (task,) = world.json("status", "r1")["tasks"]
    assert (task["status"], task["reason"]) == ("failed", "denied: plan it anew")
