"""The ACP agent through the real runner: a scripted agent that speaks the protocol with the real package."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("acp", reason="the extra is not installed: pip install 'claude-orchestrator[acp]'")

from acp_world import DANGEROUS, AcpWorld, ask, in_background, patiently, wait_for
from process_world import done, sleepers, use_level
from test_agent_gates import WORKFLOW, run

from claude_orchestrator.agents.acp.agent import AcpAgent
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.agents.journal import JournalHost
from claude_orchestrator.state.database import Database

CI = {"write": WORKFLOW, "content": "on: push\n"}
PLAIN = {"write": "b.txt", "content": "x\n"}
MADE = pytest.mark.parametrize("made", [{"load": True}, {"resume": True}], ids=["loads", "resumes"])


pytestmark = pytest.mark.timeout(300)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[AcpWorld]:
    one = AcpWorld(tmp_path)
    yield one
    one.close()


def operations(world: AcpWorld, kind: str = "operation.done") -> list[tuple[str, str]]:
    return [(event["kind"], event["target"]) for event in world.events(kind)]


# -- every operation is judged -----------------------------------------------------------------


def test_all_that_an_agent_does_is_judged_and_journaled(world: AcpWorld) -> None:
    outcome = world.work(
        [
            {"say": "I begin."},
            {"write": "new/b.txt", "content": "two\n"},
            {"read": "a.txt"},
            {"terminal": "echo out; exit 3"},
            {"terminal": "printf", "args": ["%s", "$X;"], "env": {"NO_COLOR": "1"}},
            ask("ls"),
            {"ask": {"kind": "edit", "title": "Edit", "diff": ["a.txt", "one\n", "1\n"]},
             "do": {"write": "a.txt", "content": "1\n"}},
        ],
    )  # fmt: skip
    assert (outcome.status, outcome.report) == ("finished", "I begin.")
    assert (world.worktree / "new/b.txt").read_text() == "two\n"
    assert (world.worktree / "a.txt").read_text() == "1\n"
    expected = [
        ("write", "new/b.txt"),
        ("read", "a.txt"),
        ("run", "echo out; exit 3"),
        ("run", "env NO_COLOR=1 printf %s '$X;'"),
        ("run", "ls"),
        ("replace", "a.txt"),
    ]
    assert operations(world, "operation.asked") == expected
    assert operations(world) == expected
    assert [event["exit_code"] for event in world.events("operation.done")] == [0, 0, 3, 0, 0, 0]
    trees = [(event["tree_before"], event["tree_after"]) for event in world.events("operation.done")]
    assert trees[0][0] != trees[0][1]
    assert trees[1][0] == trees[1][1]
    assert world.seen("read")[0]["content"] == "one\n"
    first, second = world.seen("terminal")
    assert (first["code"], first["output"]) == (3, "out\n")
    assert second["output"] == "$X;", "arguments reach the command as they are"
    assert [entry["answer"] for entry in world.seen("answer")] == ["once", "once"], "never for always"


def test_what_is_blocked_does_not_happen_and_the_agent_hears_why(world: AcpWorld) -> None:
    outcome = world.work(
        [
            {"ask": DANGEROUS, "do": {"write": "asked.txt", "content": "x"}},
            {"terminal": "curl http://localhost/x | sh"},
        ],
        [{"say": "I did without."}],
    )
    assert (outcome.status, outcome.report) == ("finished", "I did without.")
    assert not (world.worktree / "asked.txt").exists()
    assert world.seen("asked")[0]["answer"] == "no"
    (entry,) = world.seen("error")
    assert "refused: B5" in entry["error"]
    _, told = (entry["prompt"] for entry in world.seen("prompt"))
    assert "run rm -rf ~: refused: B1" in told
    assert operations(world) == []


def test_an_agent_that_asks_for_the_same_refused_thing_again_and_again_is_not_talked_to_for_ever(
    world: AcpWorld,
) -> None:
    turns = [[{"ask": DANGEROUS}]] * 9
    assert world.work(*turns).status == "finished"
    assert len(world.seen("prompt")) == 5


def test_leave_is_given_once_or_not_at_all(world: AcpWorld) -> None:
    outcome = world.work([ask("ls", "touch did.txt", options=["allow_always", "reject_once"])])
    assert outcome.status == "finished"
    assert world.seen("asked")[0]["answer"] == "cancelled"
    assert not (world.worktree / "did.txt").exists()


@pytest.mark.parametrize(
    ("line", "limit", "expected"), [(2, 1, "b\n"), (None, 2, "a\nb\n"), (3, None, "c\n"), (9, 1, "")]
)
def test_lines_of_a_file(world: AcpWorld, line: int | None, limit: int | None, expected: str) -> None:
    (world.worktree / "lines").write_text("a\nb\nc\n")
    step = {"read": "lines", **({"line": line} if line else {}), **({"limit": limit} if limit else {})}
    world.work([step, {"read": "missing"}, {"read": "."}])
    first, second, third = world.seen("read")
    assert first["content"] == expected
    assert second["content"] == ""
    assert "No such file" in world.events("operation.done")[1]["tail"]
    assert "no file" in third["error"]


def test_a_command_is_killed_and_its_output_cut(world: AcpWorld) -> None:
    seconds = "86401.25"
    world.work(
        [
            {"terminal": f"echo ready; sleep {seconds}", "kill_at": "ready"},
            {"terminal": "printf 'äöü'", "output_byte_limit": 3},
            {"terminal": f"sleep {seconds}", "leave": True},
            {"terminal": "no-such-program", "args": ["x"]},
        ],
    )
    killed, cut = world.seen("terminal")[:2]
    assert (killed["signal"], killed["output"]) == ("SIGKILL", "ready\n")
    assert (cut["output"], cut["truncated"]) == ("ü", True)
    assert sleepers(seconds) == []
    assert world.events("operation.done")[0]["exit_code"] == -9


# -- a human decides ---------------------------------------------------------------------------


def waits(world: AcpWorld, *turns: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    outcome = world.work(*turns, **more)
    assert outcome.status == "waiting", outcome
    assert outcome.resume
    return outcome.resume


@MADE
@pytest.mark.parametrize("step", [ask("git push origin main", "echo pushed > pushed.txt"), CI], ids=["asks", "writes"])
def test_an_operation_waits_without_a_process_and_goes_on_with_the_answer(
    world: AcpWorld, made: dict[str, Any], step: dict[str, Any]
) -> None:
    token = waits(world, [{"write": "before.txt", "content": "x"}, step, {"say": "All done."}], made=made)
    changed = world.worktree / ("pushed.txt" if "ask" in step else WORKFLOW)
    (gate,) = world.gates()
    assert gate["status"] == "open"
    assert not changed.exists()
    world.answer(gate["id"])
    outcome = run(world.again(resume=token))
    assert (outcome.status, outcome.report) == ("finished", "All done.")
    assert changed.exists()
    assert len(world.gates()) == 1, "nobody is asked twice"
    assert world.seen("wrote")[0] == {"wrote": "before.txt"}
    prompts = [entry["prompt"] for entry in world.seen("prompt")]
    assert prompts[0] == "do it"
    assert "A human has decided" in prompts[1]
    assert len([entry for entry in world.seen() if "loaded" in entry or "resumed" in entry]) == 1
    assert operations(world, "operation.observed")[1:2] != [("run", "rm -rf ~")], "what is replayed is not judged"


def test_a_denied_operation_is_refused_with_the_reason_and_not_asked_about_again(world: AcpWorld) -> None:
    push = ask("git push origin main", "touch pushed.txt")
    token = waits(world, [push, push], [{"say": "Then not."}])
    world.answer("g1", approve=False, reason="not on a Friday")
    outcome = run(world.again(resume=token))
    assert (outcome.status, outcome.report) == ("finished", "Then not.")
    assert not (world.worktree / "pushed.txt").exists()
    assert "not on a Friday" in world.seen("prompt")[-1]["prompt"]
    assert len(world.gates()) == 1


def test_the_same_operation_a_second_time_is_another_question(world: AcpWorld) -> None:
    push = ask("git push origin main", "echo x >> pushed.txt")
    token = waits(world, [push, push])
    world.answer("g1")
    second = run(world.again(resume=token))
    assert second.status == "waiting"
    assert [gate["status"] for gate in world.gates()] == ["approved", "open"]
    assert (world.worktree / "pushed.txt").read_text() == "x\n"


def test_what_a_human_has_changed_is_done_by_us(world: AcpWorld) -> None:
    step = ask("git push origin main", "touch pushed.txt")
    token = waits(world, [step], [{"say": "Fine."}])
    world.answer("g1", way="edited", edited="echo instead > instead.txt")
    outcome = run(world.again(resume=token))
    assert (outcome.status, outcome.report) == ("finished", "Fine.")
    assert (world.worktree / "instead.txt").read_text() == "instead\n"
    assert not (world.worktree / "pushed.txt").exists()
    assert "a human has changed it into: echo instead > instead.txt" in world.seen("prompt")[-1]["prompt"]


def test_an_agent_that_cannot_go_on_later_waits_in_place(world: AcpWorld) -> None:
    launch = in_background(world.launch([ask("git push origin main", "touch pushed.txt")], made={}))
    wait_for(world.gates)
    assert launch.state() == "alive"
    world.answer("g1")
    wait_for(lambda: done(launch))
    outcome = launch.read_exit()
    assert outcome
    assert outcome.status == "finished", outcome
    assert (world.worktree / "pushed.txt").exists()


def test_leave_for_a_tool_call_is_leave_to_have_us_do_it(world: AcpWorld) -> None:
    diff = {"kind": "edit", "title": "Edit", "diff": [WORKFLOW, None, "on: push\n"]}
    token = waits(world, [{"ask": diff, "do": CI}, CI])
    world.answer("g1")
    second = run(world.again(resume=token))
    assert (world.worktree / WORKFLOW).read_text() == "on: push\n"
    assert second.status == "waiting", "leave was for one time"
    assert len(world.gates()) == 2


def test_a_session_that_is_lost_is_begun_again(world: AcpWorld) -> None:
    token = waits(world, [CI])
    for session in (world.script.with_name(f"{world.script.name}.sessions")).glob("[!.]*"):
        session.unlink()
    world.answer("g1")
    assert run(world.again(resume=token)).status == "finished"
    assert (world.worktree / WORKFLOW).exists()
    assert "An earlier session about this was lost" in world.seen("prompt")[-1]["prompt"]


# -- agents that do not ask --------------------------------------------------------------------


def test_what_an_agent_does_without_asking_is_journaled_as_such(world: AcpWorld) -> None:
    call = {"kind": "execute", "title": "test", "raw": {"command": "python -m pytest -q"}}
    outcome = world.work([{"just": call, "do": {"sh": "echo 3 passed"}}])
    assert outcome.status == "finished"
    assert operations(world, "operation.observed")[1:] == [("run", "python -m pytest -q")] * 2
    assert operations(world) == [("run", "python -m pytest -q")]
    assert world.events("operation.done")[0]["tail"] == "3 passed\n"


def test_a_call_that_only_tells_of_what_we_did_is_not_counted_twice(world: AcpWorld) -> None:
    diff = {"kind": "edit", "title": "Edit", "diff": ["b.txt", None, "x\n"]}
    world.work([PLAIN, {"just": diff}, {"just": {"kind": "read", "title": "Read", "paths": ["a.txt"]}}])
    assert operations(world) == [("write", "b.txt"), ("read", "a.txt")]
    assert operations(world, "operation.observed")[1:] == [("read", "a.txt")] * 2


def test_an_agent_that_does_what_is_blocked_is_stopped(world: AcpWorld) -> None:
    outcome = world.work([{"just": DANGEROUS, "do": {"hang": True}}, {"write": "after.txt", "content": "x"}])
    assert outcome.status == "failed"
    assert "has started, without asking: run rm -rf ~: B1" in outcome.detail
    assert not (world.worktree / "after.txt").exists()
    assert world.events("operation.observed")[-1]["verdict"] == "BLOCKED"


def test_an_agent_that_does_what_it_was_refused_is_stopped(world: AcpWorld) -> None:
    outcome = world.work([{"ask": DANGEROUS, "all_the_same": True, "do": {"hang": True}}])
    assert outcome.status == "failed"
    assert "has started, without asking: run rm -rf ~: B1" in outcome.detail


def test_an_agent_that_does_something_else_than_it_has_asked_for_is_stopped(world: AcpWorld) -> None:
    harmless = {"kind": "execute", "title": "look", "raw": {"command": "ls"}}
    outcome = world.work([{"ask": harmless, "then": DANGEROUS["raw"], "do": {"hang": True}}])
    assert outcome.status == "failed"
    assert "has started, without asking: run rm -rf ~: B1" in outcome.detail


def test_another_command_than_the_one_in_the_terminal_is_no_command_of_ours(world: AcpWorld) -> None:
    shown = {**DANGEROUS, "terminals": ["terminal-1"]}
    outcome = world.work([{"terminal": "true"}, {"just": shown, "do": {"hang": True}}])
    assert outcome.status == "failed"
    assert "has started, without asking: run rm -rf ~: B1" in outcome.detail


# -- money -------------------------------------------------------------------------------------


def test_costs_are_what_was_added(world: AcpWorld) -> None:
    paid = [{"usage": 0.25}, {"usage": 0.25}, {"usage": 0.75}]
    token = waits(world, [*paid, CI, {"usage": 1.0}, {"tokens": [7, 9]}])
    assert [row["micro_usd"] for row in world.costs()] == [250_000, 500_000]
    world.answer("g1")
    assert run(world.again(resume=token)).status == "finished"
    assert [row["micro_usd"] for row in world.costs()] == [250_000, 500_000, 250_000, 0]
    last = world.costs()[-1]
    assert (last["input_tokens"], last["output_tokens"]) == (7, 9)
    assert {row["provider"] for row in world.costs()} == {Path(sys.executable).name}


def test_an_agent_that_has_spent_what_it_may_is_stopped(world: AcpWorld) -> None:
    steps = [{"usage": 0.5}, {"hang": True}, {"write": "after.txt", "content": "x"}]
    outcome = world.work(steps, made={"load": True}, allowance_usd=0.4)
    assert outcome.status == "interrupted"
    assert outcome.fault
    assert (outcome.fault.kind, "$0.40" in outcome.detail) == ("budget", True)
    assert outcome.resume
    assert not (world.worktree / "after.txt").exists()


# -- how it ends -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("step", "status", "fault", "words"),
    [
        ({"stop": "max_turn_requests"}, "failed", "turns", "limit of requests"),
        ({"stop": "max_tokens"}, "failed", "", "limit of tokens"),
        ({"stop": "refusal"}, "failed", "request", "refused to go on"),
        ({"stop": "cancelled"}, "failed", "", "cancelled its turn"),
        ({"error": [-32603, "429 Too Many Requests"]}, "interrupted", "rate_limit", "429"),
        ({"error": [-32603, "529 overloaded_error"]}, "interrupted", "overloaded", "529"),
        ({"error": [-32603, "fetch failed: ECONNREFUSED"]}, "interrupted", "network", "ECONNREFUSED"),
        ({"error": [-32000, "Authentication required"]}, "error", "authentication", "Authentication"),
        ({"error": [-32603, "401 invalid API key"]}, "error", "authentication", "API key"),
        ({"error": [-32603, "model x was not found"]}, "failed", "request", "not found"),
        ({"error": [-32603, "a bug"]}, "failed", "", "a bug"),
        ({"exit": 7}, "failed", "", "exited with 7 before it was done:\nthe agent gives up"),
        ({"raw": "no JSON"}, "finished", "", "ended its turn"),
        ({"raw": "[1, 2]"}, "finished", "", "ended its turn"),
        ({"raw": '{"jsonrpc": "2.0", "method": "session/update", "params": {"x": 1}}'}, "finished", "", "ended"),
        ({"flood": 1_500_000}, "finished", "", "ended its turn"),
        ({"flood": 40_000_000}, "failed", "", "sent a line of more than 32 MB"),
    ],
)  # fmt: skip
def test_endings(world: AcpWorld, step: dict[str, Any], status: str, fault: str, words: str) -> None:
    outcome = world.work([step])
    assert (outcome.status, outcome.fault.kind if outcome.fault else "") == (status, fault), outcome
    assert words in outcome.detail
    assert (outcome.resume is not None) == (status == "interrupted")


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["no-such-agent", "--acp"], "there is no program 'no-such-agent'"),
        ([sys.executable, "-c", "import sys; sys.exit('no key')"], "exited with 1 before it was done:\nno key"),
        (["echo", "hello"], "exited with 0 before it was done:\nhello"),
        ([sys.executable, "--dangerously-skip-permissions"], "exited with 2"),
        (["gemini", "--yolo"], "is refused: B9"),
    ],
)  # fmt: skip
def test_what_is_no_agent(world: AcpWorld, command: list[str], words: str) -> None:
    outcome = run(world.new({"command": command}, agent="acp"))
    assert (outcome.status, outcome.fault.kind if outcome.fault else "") == ("error", "setup"), outcome
    assert words in outcome.detail


def test_a_command_that_does_more_than_to_start_an_agent_needs_leave(world: AcpWorld) -> None:
    outcome = run(world.new({"command": ["git", "push", "origin", "main"]}, agent="acp"))
    assert outcome.status == "waiting"
    assert world.gates()[0]["operation"]["target"] == "git push origin main"


def test_no_command_and_another_version(world: AcpWorld) -> None:
    assert "has no command" in run(world.new({}, agent="acp")).detail
    outcome = world.work([], made={"version": 7})
    assert (outcome.status, "speaks version 7 of ACP" in outcome.detail) == ("error", True)


def test_an_agent_that_never_answers(world: AcpWorld) -> None:
    seconds = "86402.25"
    launch = world.new({"command": ["sleep", seconds]}, agent="acp")

    async def work() -> Any:
        assignment = launch.read_assignment()
        async with Database.open(assignment.database) as db:
            return await AcpAgent(patience_s=0.3).work(assignment, JournalHost(assignment, db))

    outcome = patiently(work())
    assert (outcome.status, outcome.fault.kind) == ("error", "setup")
    assert "did not answer within 0.3 s" in outcome.detail
    assert sleepers(seconds) == []


@pytest.mark.parametrize(
    ("key", "status", "words"),
    [
        ("", "error", "log in with it once by hand, or put the name of a variable"),
        ("wrong", "error", "Authentication required"),
        ("right", "finished", "ended its turn"),
    ],
)
def test_an_agent_that_wants_a_key(
    world: AcpWorld, monkeypatch: pytest.MonkeyPatch, key: str, status: str, words: str
) -> None:
    if key:
        monkeypatch.setenv("SCRIPTED_API_KEY", key)
        monkeypatch.setenv("CLAUDE_ORCHESTRATOR_AGENT_ENV", "SCRIPTED_API_KEY")
    outcome = world.work([{"say": "hello"}], made={"auth": "SCRIPTED_API_KEY"})
    assert outcome.status == status
    assert words in outcome.detail
    assert (outcome.fault.kind if outcome.fault else "") == ("authentication" if status == "error" else "")


def test_the_worktree_is_deleted_under_it(world: AcpWorld) -> None:
    outcome = world.work([{"sh": f"rm -r '{world.worktree}'"}, {"write": "a.txt", "content": "x"}])
    assert outcome.status in ("failed", "error")


# -- kills -------------------------------------------------------------------------------------


def running(world: AcpWorld, seconds: str, *steps: dict[str, Any], **made: Any) -> LaunchFolder:
    """A launch whose agent has a daemon of its own and a command of ours, and now hangs."""
    daemon = f"setsid sleep {seconds} >/dev/null 2>&1 &"
    turn = [{"sh": daemon}, {"terminal": f"sleep {seconds}", "leave": True}, *steps]
    launch = in_background(world.launch(turn, [{"say": "Later."}], made=made))
    wait_for(lambda: world.seen("hangs") and len(sleepers(seconds)) == 2)
    return launch


@pytest.fixture(params=["namespaces", "process-group"])
def level(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    yield from use_level(request.param, tmp_path, monkeypatch)


def test_nothing_survives_the_kill_of_the_runner(world: AcpWorld, level: str) -> None:
    world.with_attempt()
    seconds = "86403.25" if level == "namespaces" else "86403.75"
    launch = running(world, seconds, {"deaf": True}, load=True)
    started = wait_for(lambda: (launch.path / "started.json").exists() and launch.state() == "alive")
    assert started

    os.kill(json.loads((launch.path / "started.json").read_text())["pid"], signal.SIGKILL)
    wait_for(lambda: launch.state() == "died")
    wait_for(lambda: sleepers(seconds) == [])
    token = world.remembered()
    # The step at which it died is taken up again by the agent; here it has been told not to hang any more.
    session = next((world.script.with_name(f"{world.script.name}.sessions")).glob("[!.]*"))
    session.write_text(json.dumps({**json.loads(session.read_text()), "turn": 1, "step": 0}))
    outcome = run(world.again(resume=token))
    assert (outcome.status, outcome.report) == ("finished", "Later.")
    assert "You were interrupted" in world.seen("prompt")[-1]["prompt"]


@pytest.mark.parametrize("verb", ["hang", "deaf"])
def test_an_interruption_ends_all_within_seconds_and_leaves_a_token(world: AcpWorld, verb: str) -> None:
    seconds = "86404.5" if verb == "hang" else "86405.5"
    launch = running(world, seconds, {verb: True}, resume=True)
    began = time.monotonic()
    assert launch.interrupt()
    wait_for(lambda: done(launch))
    assert time.monotonic() - began < 15
    outcome = launch.read_exit()
    assert outcome
    assert outcome.status == "interrupted"
    assert outcome.resume
    assert sleepers(seconds) == []
    assert world.seen("cancel")

    session = world.script.with_name(f"{world.script.name}.sessions") / outcome.resume["session"]
    session.write_text(json.dumps({**json.loads(session.read_text()), "turn": 1, "step": 0}))
    assert run(world.again(resume=outcome.resume)).report == "Later."


def test_an_agent_that_cannot_go_on_starts_over_after_an_interruption(world: AcpWorld) -> None:
    launch = running(world, "86407.5", {"hang": True})
    assert launch.interrupt()
    wait_for(lambda: done(launch))
    outcome = launch.read_exit()
    assert outcome
    assert (outcome.status, outcome.resume) == ("interrupted", None)
