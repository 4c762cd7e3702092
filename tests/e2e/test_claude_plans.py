"""Plans whose tasks the real Claude Code client does, from the command to the merged branch."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Callable

import pytest
from claude_world import KEY, World, runs, writes
from scripted.messages_api import Reply, Script, by_task, text

pytest.importorskip("claude_agent_sdk", reason="needs the extra: pip install 'claude-orchestrator[claude]'")
pytest_plugins = ("claude_fixtures",)
pytestmark = pytest.mark.timeout(400)

Make = Callable[[Script], World]
WORKFLOW = ".github/workflows/ci.yml"


def test_three_tasks_end_to_end(claude_world: Make) -> None:
    both = threading.Barrier(2)

    def meet(_: object) -> list[dict[str, object]]:
        both.wait(120)
        return [runs("test -f t2.txt && cat t2.txt || echo mine", "c2")]

    world = claude_world(
        by_task(
            t1=[[text("First."), writes("t1.txt")], meet, "t1 is written."],
            t2=[[writes("t2.txt")], meet, "t2 is written."],
            t3=[[runs("cat t1.txt t2.txt > t3.txt", "c3")], "t3 is written."],
        )
    )
    plan = world.plan(world.asked("t1"), world.asked("t2"), world.asked("t3", depends_on=["t1", "t2"]))
    world.cli("run", plan)
    assert world.git("show", "orchestrator/r1:t3.txt") == "done\ndone"
    assert {request.path for request in world.api.requests} == {"/v1/messages"}
    assert {request.headers.get("x-api-key") for request in world.api.requests} == {KEY}
    assert len({request.session for request in world.api.requests}) == 3
    done = {(event["kind"], event["target"], event["exit_code"]) for event in world.events("operation.done")}
    assert ("run", "cat t1.txt t2.txt > t3.txt", 0) in done
    assert ("write", "t1.txt", 0) in done
    assert world.processes() == []


def test_a_question_is_answered_from_elsewhere_and_a_new_engine_goes_on(claude_world: Make) -> None:
    world = claude_world(
        by_task(t1=[[runs("echo 1 >> t1.txt", "one")], [writes(WORKFLOW, "on: push\n", "w")], "It is done."])
    )
    world.cli("run", world.plan(world.asked("t1", files=["t1.txt", ".github"])), code=1)
    (gate,) = world.json("inbox")
    assert (gate["kind"], gate["rule"], gate["status"]) == ("operation", "A4", "open")
    assert "+on: push" in world.cli("inbox", "show", "g1").stdout
    assert world.processes() == [], "who waits costs nothing"
    world.cli("approve", "g1")
    world.cli("resume")
    assert world.git("show", f"orchestrator/r1:{WORKFLOW}") == "on: push"
    assert world.git("show", "orchestrator/r1:t1.txt") == "1"
    assert len(world.rows("SELECT id FROM attempt")) == 1
    assert len({request.session for request in world.api.requests}) == 1
    assert [request.turn for request in world.api.requests] == [0, 1, 2]


def test_a_killed_engine_is_replaced_while_its_agent_works(claude_world: Make) -> None:
    released = threading.Event()
    world = claude_world(by_task(t1=[[runs("echo 1 >> t1.txt", "one")], Reply([text("It is done.")], until=released)]))
    talk = world.start("run", world.plan(world.asked("t1")))
    world.api.wait_for(lambda request: request.turn == 1)
    talk.process.kill()
    talk.process.wait()
    resumed = world.start("resume")
    resumed.until("taken over")
    released.set()
    code, said = resumed.end()
    assert code == 0, said
    assert world.git("show", "orchestrator/r1:t1.txt") == "1"
    assert [request.turn for request in world.api.requests] == [0, 1], "the runner has never stopped"
    assert len(world.rows("SELECT id FROM attempt WHERE launch = 1")) == 1


def test_a_killed_runner_is_replaced_and_nothing_is_done_twice(claude_world: Make) -> None:
    world = claude_world(by_task(t1=[[runs("echo 1 >> t1.txt; tail -f t1.txt", "one")], "It is done."]))
    talk = world.start("run", world.plan(world.asked("t1")))
    worktrees = world.home / "worktrees"
    world.wait_until(lambda: any(file.read_text() for file in worktrees.glob("*/t1.txt")))
    (started,) = world.home.glob("attempts/r1.t1.1/launch-1/started.json")
    os.kill(json.loads(started.read_text())["pid"], signal.SIGKILL)
    code, said = talk.end()
    assert code == 0, said
    assert world.git("show", "orchestrator/r1:t1.txt") == "1"
    assert [request.turn for request in world.api.requests] == [0, 1]
    (attempt,) = world.rows("SELECT launch, deaths FROM attempt")
    assert attempt == {"launch": 2, "deaths": 1}
    assert world.processes() == []


def test_an_agent_that_claims_success_and_changed_nothing(claude_world: Make) -> None:
    world = claude_world(by_task(t1=["I created t1.txt, and all tests pass."]))
    task = world.asked("t1")
    del task["checks"]
    world.cli("run", world.plan(task), code=1)
    (attempt,) = world.rows("SELECT status, reason FROM attempt")
    assert attempt["status"] == "failed"
    (row,) = world.rows("SELECT status FROM task")
    assert row["status"] == "escalated"


def test_a_task_that_has_spent_its_budget_waits_for_a_human(claude_world: Make) -> None:
    world = claude_world(
        lambda request: Reply([runs(f"echo {request.turn}", f"t{request.turn}")], input_tokens=2_500, output_tokens=0)
    )
    world.cli("run", world.plan(world.asked("t1", budget=0.05)), code=1)
    (spent,) = world.rows("SELECT sum(micro_usd) AS usd FROM cost")
    assert 40_000 <= spent["usd"] <= 50_000
    (gate,) = world.json("inbox")
    assert (gate["kind"], gate["status"]) == ("budget", "open")
