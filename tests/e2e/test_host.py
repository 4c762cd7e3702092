"""The real Claude Code as the host of our plugin: plan, approve, run, wait, and get what was verified."""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scripted.messages_api import Reply, Request, Script, by_task, text

pytest.importorskip("claude_agent_sdk", reason="needs the extra: pip install 'claude-orchestrator[claude]'")

from claude_world import runs, writes
from host_world import PREFIX, HostWorld, allowed, ours

from claude_orchestrator.cli.hook_stop import NUDGE

pytestmark = pytest.mark.timeout(400)

Make = Callable[[Script], HostWorld]


@pytest.fixture
def host_world(tmp_path: Path) -> Iterator[Make]:
    made: list[HostWorld] = []

    def make(script: Script) -> HostWorld:
        made.append(HostWorld(tmp_path, script))
        made[-1].api.__enter__()
        return made[-1]

    yield make
    for world in made:
        world.close()


def draft(world_task: dict[str, object]) -> dict[str, object]:
    return {"goal": "The project says hello", "phases": [{"id": "only", "tasks": [world_task]}]}


TASK = {
    "id": "t1",
    "prompt": "[t1] Write t1.txt.",
    "files": ["t1.txt"],
    "creates": ["t1.txt"],
    "success_criteria": ["t1.txt says that it is done"],
    "checks": [{"contains": {"in": "t1.txt", "text": "done"}}],
    "agent": "claude",
    "max_attempts": 1,
}


def test_from_a_goal_to_a_verified_result(host_world: Make) -> None:
    world = host_world(
        by_task(
            host=[
                ours("plan_start", goal="The project says hello", kind="feature"),
                ours("plan_get", id="s1", view="map"),
                ours("plan_edit", "wrong", session="s1", plan=draft({**TASK, "promt": "x"})),
                ours("plan_edit", session="s1", plan=draft(TASK)),
                ours("plan_approve", id="s1"),
                ours("run_start", plan="p1"),
                ours("run_wait", run="r1", max_s=100),
                ours("run_get", run="r1", view="tasks"),
                "It is done.",
            ],
            t1=[[writes("t1.txt")], "t1 is written."],
        )
    )
    said = world.host("[host] Plan and run it.", *allowed(), person=True)
    results = world.results()
    assert said["result"] == "It is done."
    assert "promt" in results["wrong"][0]
    assert "p1" in results["plan_approve"][0]
    assert results["run_start"][0].startswith("r1 runs p1 version 1")
    assert "completed" in results["run_wait"][0]
    assert world.git("show", "orchestrator/r1:t1.txt") == "done"
    (task,) = world.rows("SELECT status FROM task")
    assert task == {"status": "completed"}
    (verdict,) = world.rows("SELECT verdict FROM evidence")
    assert verdict == {"verdict": "passed"}
    (approved,) = world.rows("SELECT plan_id, stage FROM planning_session")
    assert approved == {"plan_id": "p1", "stage": "approved"}
    forms = world.shown()
    assert all("Plan s1" in form["message"] for form in forms[:-1])
    assert "Approve plan s1? The project says hello" in forms[-1]["message"]
    assert world.permitted == [PREFIX + "plan_approve"], "what a person decides is asked, also where all is allowed"
    assert world.processes() == []


ATTEMPTS = (
    ours("plan_approve", id="p2"),
    ours("run_start", plan="p2"),
    ours("inbox_answer", gate="g1", decision="approve", reason="I am sure"),
    [runs("claude-orchestrator approve g1", "shell")],
    "I could not.",
)
WORKFLOW = ".github/workflows/ci.yml"


@pytest.mark.parametrize("allowing", [False, True], ids=["headless", "allowed but not answered"])
def test_the_model_approves_nothing_itself(host_world: Make, allowing: bool) -> None:
    world = host_world(by_task(host=ATTEMPTS))
    asks = world.task("t1", {"write": WORKFLOW, "content": "on: push"}, files=[".github"])
    world.cli("run", world.plan(asks), code=1)
    world.store_plan("p2")
    world.host("[host] Get it done.", *allowed(), "--allowedTools", "Bash", person=allowing, answers=False)
    results = world.results()
    for call in ("plan_approve", "run_start", "inbox_answer"):
        words, is_error = results[call]
        assert is_error or "stays open" in words, (call, words)
    assert "B9" in results["shell"][0] or "only a human may" in results["shell"][0]
    assert results["shell"][1]
    (gate,) = world.rows("SELECT status FROM gate")
    assert gate == {"status": "open"}
    assert world.rows("SELECT plan_id FROM plan_version WHERE approved_at IS NOT NULL") == [{"plan_id": "p1"}]
    assert len(world.rows("SELECT id FROM run")) == 1
    assert PREFIX + "inbox_answer" in world.permitted if allowing else not world.permitted


def test_a_run_goes_on_without_its_host(host_world: Make) -> None:
    released = threading.Event()
    world = host_world(
        by_task(
            host=[ours("run_start", plan="p1"), Reply([text("It runs.")], until=released)],
            t1=[[writes("t1.txt")], Reply([text("It is written.")], until=released)],
        )
    )
    world.store_plan("p1", agent=True)
    host = world.start_host("[host] Run it.", *allowed(), person=True)
    heard = threading.Thread(target=world.heard, args=[host], daemon=True)
    heard.start()
    begun = world.api.wait_for(lambda request: request.turn == 1).results()["run_start"]
    assert begun[0].startswith("r1 runs p1"), begun
    world.api.wait_for(lambda request: "[t1]" in request.words and request.turn == 1)
    os.killpg(host.pid, signal.SIGKILL)
    host.wait(world.patience_s)
    released.set()
    world.wait_until(lambda: world.rows("SELECT id FROM run WHERE status = 'completed'"))
    assert world.git("show", "orchestrator/r1:t1.txt") == "done"
    assert world.processes() == []


def test_a_session_knows_how_the_work_stands_also_after_compaction(host_world: Make) -> None:
    def play(request: Request) -> str:
        return "Nothing to do." if request.body.get("tools") else "We looked at the plan."

    world = host_world(play)
    asks = world.task("t1", {"write": WORKFLOW, "content": "on: push"}, files=[".github"])
    world.cli("run", world.plan(asks, goal="A pipeline for everybody"), code=1)
    world.conversation("Hello.", "/compact", "Go on.")
    first, last = world.api.requests[0], world.api.requests[-1]
    assert "A pipeline for everybody" in first.words
    assert "claude-orchestrator approve g1" in first.words
    assert "Hello." not in last.words, "what was said before is a summary now"
    assert "A pipeline for everybody" in last.words
    assert "kept in the context: Run r1 (incomplete), Question g1" in last.words


def test_a_claim_of_tests_that_never_ran_is_answered_once(host_world: Make) -> None:
    world = host_world(by_task(host=[[writes("a.txt", "two\n")], "Done, all tests pass.", "All tests pass, really."]))
    (world.project / "a.txt").unlink()
    said = world.host("[host] Change it.", "--permission-mode", "acceptEdits")
    assert said["result"] == "All tests pass, really."
    told = [request for request in world.api.requests if NUDGE in request.words]
    assert [request.turn for request in told] == [2]
    assert "a.txt" in told[0].words
