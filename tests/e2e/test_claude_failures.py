"""What comes in the way of the real Claude Code client: providers, limits, crashes, and a client that is none."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path

import pytest
from claude_sessions import Sessions
from claude_world import runs, writes
from integration.process_world import git, sleepers, use_level, wait_for
from scripted.messages_api import Reply, Request, Script, text

from claude_orchestrator.agents.claude import agent as claude_code

pytest.importorskip("claude_agent_sdk", reason="needs the extra: pip install 'claude-orchestrator[claude]'")
pytest_plugins = ("claude_fixtures",)
pytestmark = pytest.mark.timeout(400)

Make = Callable[[Script], Sessions]
PATIENCE_S = 150.0
A_CALL_USD = 0.006
"""What the client reckons for a call with the tokens of a :class:`Reply`."""


@pytest.mark.parametrize(
    ("reply", "status", "kind"),
    [
        (Reply(status=401, error="authentication_error"), "error", "authentication"),
        (Reply(status=404, error="not_found_error"), "failed", "request"),
        (Reply(status=429, error="rate_limit_error"), "interrupted", "rate_limit"),
        (Reply(status=529, error="overloaded_error"), "interrupted", "overloaded"),
        (Reply([text("I begin")], cut_after=3), "interrupted", "network"),
    ],
    ids=["401", "404", "429", "529", "cut"],
)
def test_trouble_with_the_provider(claude_sessions: Make, reply: Reply, status: str, kind: str) -> None:
    world = claude_sessions(lambda _: reply)
    outcome = world.run()
    assert outcome.fault is not None, outcome
    assert (outcome.status, outcome.fault.kind, outcome.fault.provider) == (status, kind, "anthropic")
    assert (outcome.resume is not None) is (status == "interrupted")
    if status == "error":
        assert "ANTHROPIC_API_KEY" in outcome.detail


def test_no_key_and_no_login_is_said_at_once(claude_sessions: Make) -> None:
    world = claude_sessions(lambda _: "never asked")
    del world.accounts["ANTHROPIC_API_KEY"]
    outcome = world.run()
    assert outcome.fault is not None, outcome
    assert (outcome.status, outcome.fault.kind) == ("error", "authentication")
    assert "ANTHROPIC_API_KEY" in outcome.detail
    assert not world.api.requests


def test_a_session_goes_on_after_trouble(claude_sessions: Make) -> None:
    trouble = [Reply(status=529, error="overloaded_error")]

    def play(request: Request) -> Reply | str | list[dict[str, object]]:
        if request.turn == 0:
            return [writes("one.txt")]
        return trouble[0] if trouble else "Now it is done."

    world = claude_sessions(play)
    first = world.run()
    assert first.status == "interrupted", first
    trouble.clear()
    second = world.run(resume=first.resume)
    assert (second.status, second.report) == ("finished", "Now it is done.")
    assert len({request.session for request in world.api.requests}) == 1
    assert [event["target"] for event in world.events("operation.done")] == ["one.txt"]
    assert "stopped amid this task" in world.api.requests[-1].words
    assert world.spent() == pytest.approx(2 * A_CALL_USD)


def test_a_loop_of_turns_ends_at_the_limit(claude_sessions: Make) -> None:
    world = claude_sessions(lambda request: [runs(f"echo {request.turn}", f"t{request.turn}")])
    outcome = world.run(options={"max_turns": 3})
    assert outcome.fault is not None, outcome
    assert (outcome.status, outcome.fault.kind) == ("failed", "turns")
    assert len(world.api.requests) == 3


def test_what_may_be_spent_is_not_overshot(claude_sessions: Make) -> None:
    world = claude_sessions(
        lambda request: Reply([runs(f"echo {request.turn}", f"t{request.turn}")], input_tokens=2_500, output_tokens=0)
    )
    outcome = world.run(allowance_usd=0.1)
    assert outcome.fault is not None, outcome
    assert (outcome.status, outcome.fault.kind) == ("interrupted", "budget")
    assert outcome.resume is not None
    assert 0.08 <= world.spent() <= 0.1


def test_a_model_that_never_answers(claude_sessions: Make) -> None:
    world = claude_sessions(lambda _: Reply(until=threading.Event()))
    outcome = world.run(timeout_s=8.0)
    assert outcome.status == "timeout", outcome
    wait_for(lambda: not _left(world), PATIENCE_S)


def test_an_interrupted_session_says_what_it_has_cost_and_goes_on(claude_sessions: Make) -> None:
    world = claude_sessions(
        lambda request: [runs("echo 1 >> n.txt; sleep 0.3; sleep 86397", "long")] if request.turn == 0 else "Done."
    )
    launch = world.launch()
    wait_for(lambda: sleepers("86397"), PATIENCE_S)
    assert launch.interrupt()
    first = world.end(launch)
    assert first.status == "interrupted", first
    wait_for(lambda: not _left(world), PATIENCE_S)
    assert world.spent() == pytest.approx(A_CALL_USD)
    second = world.run(resume=first.resume)
    assert (second.status, second.report) == ("finished", "Done.")
    assert (world.worktree / "n.txt").read_text() == "1\n"
    assert world.spent() == pytest.approx(2 * A_CALL_USD)


@pytest.mark.parametrize("level", ["namespaces", "process-group"])
def test_a_killed_runner_takes_everything_along_and_its_session_goes_on(
    claude_sessions: Make, level: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in use_level(level, tmp_path, monkeypatch):
        _kill_and_go_on(claude_sessions, "86396" if level == "namespaces" else "86394")


def _kill_and_go_on(claude_sessions: Make, seconds: str) -> None:
    command = f"echo 1 >> n.txt; (setsid sleep {seconds} &); sleep {seconds}"
    world = claude_sessions(lambda request: [runs(command, "long")] if request.turn == 0 else "Done.")
    launch = world.launch()
    wait_for(lambda: len(sleepers(seconds)) == 2, PATIENCE_S)
    runner_id = json.loads((launch.path / "started.json").read_text())["pid"]
    os.kill(runner_id, signal.SIGKILL)
    wait_for(lambda: not sleepers(seconds), PATIENCE_S)
    wait_for(lambda: not _left(world), PATIENCE_S)
    (token,) = _remembered(world)
    second = world.run(resume=token)
    assert (second.status, second.report) == ("finished", "Done.")
    assert (world.worktree / "n.txt").read_text() == "1\n"
    assert [request.turn for request in world.api.requests] == [0, 1], "nothing is asked twice"
    assert "outcome is unknown" in world.said_of("long")[0]
    assert sum(row["input_tokens"] for row in world.costs()) == 2_000, "tokens are known, whoever is killed"
    assert world.spent() == pytest.approx(A_CALL_USD), "the price of the turn that was killed is not"


def test_a_session_that_died_before_it_began_starts_over(claude_sessions: Make) -> None:
    world = claude_sessions(lambda request: "Done.")
    token = {"session": "7d9c8f4e-3b1a-4c52-9e07-1f2d3c4b5a69", "usd": 0.0}
    assert world.run(resume=token).report == "Done."
    assert "do it" in world.api.requests[0].words


def test_interrupted_before_it_began_it_starts_over(claude_sessions: Make) -> None:
    world = claude_sessions(lambda request: "Done.")
    launch = world.launch()
    wait_for(launch.interrupt, PATIENCE_S)
    first = world.end(launch)
    assert first.status in ("interrupted", "finished"), first
    if first.status == "interrupted":
        assert world.run(resume=first.resume).report == "Done."
    wait_for(lambda: not _left(world), PATIENCE_S)


def test_a_question_that_the_client_never_noted_is_not_waited_for(
    claude_sessions: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = claude_sessions(lambda request: f"Turn {request.turn}.")
    assert world.run().report == "Turn 0."
    monkeypatch.setattr(claude_code, "PENDING_S", 0.1)
    token = {"session": world.api.requests[0].session, "usd": A_CALL_USD, "waiting": "toolu_lost"}
    assert world.run(resume=token).report == "Turn 1."
    assert "stopped amid this task" in world.api.requests[-1].words


def test_a_worktree_that_is_taken_away(claude_sessions: Make) -> None:
    def play(request: Request) -> list[dict[str, object]] | str:
        git(world.root / "project", "worktree", "remove", "--force", str(world.worktree))
        return [writes("one.txt")] if request.turn == 0 else "Done."

    world = claude_sessions(play)
    outcome = world.run()
    assert outcome.status in ("error", "failed"), outcome
    assert outcome.detail
    wait_for(lambda: not _left(world), PATIENCE_S)


@pytest.mark.parametrize(
    ("named", "says"), [("false", "exited with 1"), ("no-such-claude", "which is no program")], ids=["exits", "missing"]
)
def test_a_client_that_is_none(claude_sessions: Make, named: str, says: str) -> None:
    world = claude_sessions(lambda _: "Never asked.")
    world.accounts["CLAUDE_ORCHESTRATOR_CLAUDE"] = named
    outcome = world.run()
    assert outcome.fault is not None, outcome
    assert (outcome.status, outcome.fault.kind) == ("error", "setup")
    assert says in outcome.detail
    assert "CLAUDE_ORCHESTRATOR_CLAUDE" in outcome.detail


def test_a_missing_extra_names_the_command_that_installs_it(
    claude_sessions: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = claude_sessions(lambda _: "Never asked.")
    monkeypatch.setitem(sys.modules, "claude_agent_sdk", None)
    outcome = world.run()
    assert outcome.fault is not None
    assert (outcome.status, outcome.fault.kind) == ("error", "setup")
    assert "pip install 'claude-orchestrator[claude]'" in outcome.detail


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace, which sees every connection")
def test_nothing_but_loopback_is_contacted(claude_sessions: Make, tmp_path: Path) -> None:
    world = claude_sessions(lambda request: [runs("echo 1", "one")] if request.turn == 0 else "Done.")
    client = tmp_path / "traced"
    seen = tmp_path / "connections"
    from claude_orchestrator.agents.claude import options as claude_options

    traced = f"exec strace -f -qq -e trace=connect,sendto -e signal=none -o '{seen}'"
    client.write_text(f"#!/bin/sh\n{traced} '{claude_options.program()}' \"$@\"\n")
    client.chmod(0o755)
    world.accounts["CLAUDE_ORCHESTRATOR_CLAUDE"] = str(client)
    assert world.run().status == "finished"
    internet = [line for line in seen.read_text().splitlines() if "AF_INET" in line]
    assert internet
    assert [line for line in internet if "127.0.0.1" not in line] == []


def _left(world: Sessions) -> list[int]:
    from claude_orchestrator.workspace import process_table

    return process_table.marked(world.marker)


def _remembered(world: Sessions) -> list[dict[str, object]]:
    rows = world.now(lambda db: db.fetch_all("SELECT remembered FROM attempt WHERE id = 'r1.task.1'", {}))
    return [json.loads(row["remembered"]) for row in rows]
