"""Plans whose tasks the real Claude Code client does, from the command to the merged branch."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from claude_world import KEY, World, runs, writes
from scripted.messages_api import Script, by_task, text

pytest.importorskip("claude_agent_sdk", reason="needs the extra: pip install 'claude-orchestrator[claude]'")
pytestmark = pytest.mark.timeout(400)

Make = Callable[[Script], World]


def test_three_tasks_end_to_end(claude_world: Make) -> None:
    world = claude_world(
        by_task(
            t1=[[text("First."), writes("t1.txt")], "t1 is written."],
            t2=[[writes("t2.txt"), runs("cat t2.txt", "c2")], "t2 is written."],
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
    assert ("run", "cat t2.txt", 0) in done
    assert ("write", "t1.txt", 0) in done
    assert world.processes() == []
