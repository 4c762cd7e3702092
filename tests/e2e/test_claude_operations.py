"""What the real Claude Code client may do: every call judged, a human asked, and the answer found again."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import pytest
from claude_sessions import ASKS, BLOCKED, Sessions, no_key_in
from claude_world import runs, writes
from scripted.messages_api import Reply, Script, tool

from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.agents.claude.agent import ClaudeAgent
from claude_orchestrator.agents.journal import JournalHost
from claude_orchestrator.state.database import Database

pytest.importorskip("claude_agent_sdk", reason="needs the extra: pip install 'claude-orchestrator[claude]'")
pytest_plugins = ("claude_fixtures",)
pytestmark = pytest.mark.timeout(400)

Make = Callable[[Script], Sessions]
ENVIRONMENTS = "env; tr '\\0' '\\n' < /proc/$PPID/environ; for p in /proc/[0-9]*/environ; do tr '\\0' '\\n' < $p; done"


def steps(*replies: object) -> Script:
    """One reply for each turn; the end of the work after the last."""
    return lambda request: replies[request.turn] if request.turn < len(replies) else "That is all."


def test_what_is_done_is_in_the_journal_as_the_verifier_reads_it(claude_sessions: Make) -> None:
    world = claude_sessions(
        steps(
            [tool("Read", "r", file_path="a.txt"), runs("echo out; echo err >&2; exit 3", "failing")],
            [tool("Edit", "e", file_path="a.txt", old_string="one", new_string="two"), runs("grep nothing a.txt", "g")],
            [writes("b/new.txt", "x" * 1_500_000), tool("Bash", "back", command="sleep 60", run_in_background=True)],
            [runs("python -c 'print(1)' | tee c.txt", "piped")],
        )
    )
    outcome = world.run()
    assert (outcome.status, outcome.report) == ("finished", "That is all.")
    done = {(event["kind"], event["target"]): event for event in world.events("operation.done")}
    failed = done["run", "echo out; echo err >&2; exit 3"]
    assert (failed["exit_code"], failed["tail"].split()) == (3, ["out", "err"])
    assert done["run", "grep nothing a.txt"]["exit_code"] == 1
    assert done["run", "python -c 'print(1)' | tee c.txt"]["exit_code"] == 0
    edited = done["replace", "a.txt"]
    assert edited["tree_before"] != edited["tree_after"]
    assert (world.worktree / "a.txt").read_text() == "two\n"
    assert (world.worktree / "b/new.txt").stat().st_size == 1_500_000
    assert world.said_of("back")[1], "nothing runs on when its call has ended"
    assert {event["verdict"] for event in world.events("operation.asked")} == {"SAFE"}
    assert ("read", "a.txt") in done


def test_an_id_that_comes_again_is_of_another_call(claude_sessions: Make) -> None:
    # Servers that speak for other models count their calls anew in each answer.
    again = [runs("echo 1 >> one.txt", "same"), runs("echo 2 >> two.txt", "same"), runs(BLOCKED, "same")]
    world = claude_sessions(steps(*([call] for call in again)))
    assert world.run().status == "finished"
    assert [path.read_text() for path in sorted(world.worktree.glob("*o*.txt"))] == ["1\n", "2\n"]
    assert [event["verdict"] for event in world.events("operation.asked")] == ["SAFE", "SAFE", "BLOCKED"]
    assert [event["target"] for event in world.events("operation.done")] == ["echo 1 >> one.txt", "echo 2 >> two.txt"]
    assert (world.worktree / "a.txt").exists()


def test_what_is_blocked_does_not_happen_and_the_model_is_told_why(claude_sessions: Make) -> None:
    world = claude_sessions(steps([runs(BLOCKED, "b")], [tool("WebFetch", "w", url="http://localhost/", prompt="x")]))
    assert world.run().status == "finished"
    said, is_error = world.said_of("b")
    assert is_error
    assert "mv" in said
    assert not (world.worktree / "b.txt").exists()
    assert world.said_of("w")[1], "there is no such tool here"
    assert world.events("operation.done") == []
    assert [event["verdict"] for event in world.events("operation.asked")] == ["BLOCKED"]


def test_what_needs_a_human_waits_and_goes_on_with_the_answer(claude_sessions: Make) -> None:
    world = claude_sessions(
        steps([runs("echo 1 >> count.txt", "first")], [runs(ASKS.format("yes.txt"), "a"), runs("echo 2 > x.txt", "s")])
    )
    first = world.run()
    assert first.status == "waiting", first
    (gate,) = world.gates()
    assert (gate["status"], gate["operation"]["kind"]) == ("open", "run")
    assert gate["resume"] == {**(first.resume or {}), "usd": 0.0}
    assert not (world.worktree / "yes.txt").exists()
    assert not (world.worktree / "x.txt").exists(), "what comes after waits as well"
    world.answer(gate["id"])
    second = world.run(resume=first.resume)
    assert second.status == "finished", second
    assert (world.worktree / "yes.txt").read_text() == "one\n"
    assert (world.worktree / "count.txt").read_text() == "1\n"
    assert "make this one again when that is decided" in world.said_of("s")[0]
    assert world.gates()[0]["used_at"] is not None
    assert len({request.session for request in world.api.requests}) == 1
    assert sum(row["input_tokens"] for row in world.costs()) == 1_000 * len(world.api.requests)
    assert world.spent() == pytest.approx(0.006 * len(world.api.requests))


def test_a_denied_call_and_an_edited_one(claude_sessions: Make) -> None:
    world = claude_sessions(steps([runs(ASKS.format("one.txt"), "a")], [runs(ASKS.format("two.txt"), "b")]))
    first = world.run()
    world.answer("g1", approve=False, reason="not that one")
    second = world.run(resume=first.resume)
    assert second.status == "waiting", second
    said, is_error = world.said_of("a")
    assert is_error
    assert "not that one" in said
    world.answer("g2", edited=ASKS.format("three.txt"))
    assert world.run(resume=second.resume).status == "finished"
    assert {path.name for path in world.worktree.glob("*.txt")} == {"a.txt", "three.txt"}
    assert ("run", "cp a.txt three.txt") in {(e["kind"], e["target"]) for e in world.events("operation.done")}


def test_a_denied_look_around_does_not_happen(claude_sessions: Make) -> None:
    # The client would run it by itself: it takes commands that only read for harmless.
    with_rule = '\n[[rule]]\ndecision = "ask"\nargv = ["ls", "..."]\n'
    world = claude_sessions(steps([runs("ls a.txt", "a")]))
    with world.policy.open("a") as file:
        file.write(with_rule)
    first = world.run()
    assert first.status == "waiting", first
    world.answer("g1", approve=False, reason="no need")
    assert world.run(resume=first.resume).status == "finished"
    assert "no need" in world.said_of("a")[0]
    assert world.events("operation.done") == []


def test_commands_see_no_key(claude_sessions: Make) -> None:
    world = claude_sessions(steps([runs(ENVIRONMENTS, "look")]))
    world.accounts["ANTHROPIC_AUTH_TOKEN"] = ""
    assert world.end(world.launch()).status == "finished", "the runner's own environment has the key"
    seen, is_error = world.said_of("look")
    assert not is_error
    assert "PATH=" in seen
    assert no_key_in(seen)
    assert "MESSAGING_TOKEN=" not in seen.partition("CLAUDE_CODE_EXECPATH")[0]
    assert {request.headers.get("x-api-key") for request in world.api.requests} == {world.accounts["ANTHROPIC_API_KEY"]}


def test_a_nudge_reaches_the_model_amid_its_turn(claude_sessions: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    world = claude_sessions(steps(Reply([runs("echo 1", "one")], until=released)))
    for name, value in world.accounts.items():
        monkeypatch.setenv(name, value)
    agent = ClaudeAgent()

    async def work() -> Outcome:
        assignment = world.new({}, agent="claude").read_assignment()
        async with Database.open(world.database) as db:
            working = asyncio.create_task(agent.work(assignment, JournalHost(assignment, db)))
            await asyncio.to_thread(world.api.wait_for, lambda _: True)
            assert await agent.nudge("You seem to be stuck.")
            released.set()
            return await working

    assert not asyncio.run(agent.nudge("Nobody is there yet."))
    assert asyncio.run(work()).status == "finished"
    assert "You seem to be stuck." not in world.api.requests[0].words
    assert "You seem to be stuck." in world.api.requests[-1].words
    assert len({request.session for request in world.api.requests}) == 1
