"""Trouble around the real Claude Code client, through the command: waited for, gone on with, told, asked about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from claude_world import World, runs, writes
from scripted.messages_api import Block, Reply, Request, Script

pytest.importorskip("claude_agent_sdk", reason="needs the extra: pip install 'claude-orchestrator[claude]'")
pytestmark = pytest.mark.timeout(400)

Make = Callable[[Script], World]
Said = Reply | str | list[Block]


def test_a_rate_limited_session_goes_on_and_is_no_failed_attempt(claude_world: Make) -> None:
    limits = [Reply(status=429, error="rate_limit_error")] * 2  # the client tries twice by itself

    def play(request: Request) -> Said:
        if request.turn == 0:
            return [writes("t1.txt")]
        return limits.pop() if limits else "Now it is done."

    world = claude_world(play)
    world.cli("run", world.plan(world.asked("t1")))
    assert len(world.events("provider.parked")) == 1
    assert world.events("task.attempt_failed") == []
    assert world.rows("SELECT count(*) AS attempts, max(launch) AS launches FROM attempt") == [
        {"attempts": 1, "launches": 2}
    ]
    assert world.json("health")[0]["healthy"]


def test_an_overloaded_provider_is_left_alone_and_tried_again(claude_world: Make) -> None:
    trouble = [Reply(status=529, error="overloaded_error")] * 8

    def play(request: Request) -> Said:
        if request.turn == 0:
            return [writes("t1.txt")]
        return trouble.pop() if trouble else "Now it is done."

    world = claude_world(play)
    world.more = {"CLAUDE_ORCHESTRATOR_BREAKER_OPEN_S": "0.5", "CLAUDE_ORCHESTRATOR_BREAKER_FAILURES": "2"}
    world.cli("run", world.plan(world.asked("t1")))
    assert world.events("provider.open")
    assert world.events("provider.half_open")
    assert world.events("provider.closed")
    assert world.events("task.attempt_failed") == []
    assert [event["target"] for event in world.events("operation.done")].count("t1.txt") == 1


def test_a_model_that_repeats_a_failing_call_is_told_so_and_then_stopped(claude_world: Make) -> None:
    def play(request: Request) -> Said:
        return [runs("cat no-such-file", f"c{request.turn}")] if request.turn < 30 else "I give up."

    world = claude_world(play)
    world.cli("run", world.plan(world.asked("t1")), code=1)
    (nudge,) = world.events("attempt.nudged")
    assert (nudge["cause"], nudge["heard"]) == ("failing", True)
    assert any("failed in the same way each time" in request.words for request in world.api.requests)
    (failed,) = world.events("task.attempt_failed")
    assert failed["reason"].startswith("the same call failed 6 times: run cat no-such-file")
    world.wait_until(lambda: not world.processes())


def test_a_wrong_key_is_asked_about_and_the_task_goes_on_after_the_answer(claude_world: Make) -> None:
    wrong = [True]

    def play(request: Request) -> Said:
        if wrong:
            return Reply(status=401, error="authentication_error")
        return [writes("t1.txt")] if request.turn == 0 else "done"

    world = claude_world(play)
    world.cli("run", world.plan(world.asked("t1")), code=1)
    (gate,) = world.json("inbox")
    assert gate["kind"] == "escalation"
    assert "ANTHROPIC_API_KEY" in gate["question"]
    wrong.clear()
    world.cli("approve", gate["id"])
    world.cli("resume", "r1")
    assert world.git("show", "orchestrator/r1:t1.txt") == "done"
