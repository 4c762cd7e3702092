"""When an agent is taken for one that is stuck, and, above all, when it is not."""

from __future__ import annotations

import itertools
from pathlib import Path

from claude_orchestrator.agents.base import Answer, Result
from claude_orchestrator.agents.loops import (
    CIRCLES_NUDGE,
    CIRCLES_STOP,
    FAILS_NUDGE,
    FAILS_STOP,
    SLOW_S,
    Finding,
    Loops,
)
from claude_orchestrator.safety.operations import Decision, Operation, Verdict

HERE = Path("/w")


def command(line: str) -> Operation:
    return Operation("run", HERE, line)


def result(exit_code: int = 0, said: str = "", duration_s: float = 0.1) -> Result:
    return Result(exit_code, said, duration_s, digest=said)


def repeated(loops: Loops, times: int, line: str, how: Result, tree: str = "t") -> list[Finding | None]:
    return [loops.done(command(line), how, tree) for _ in range(times)]


def actions(findings: list[Finding | None]) -> list[tuple[int, str, str]]:
    """Which call, from 1, led to what."""
    return [(n, found.action, found.cause) for n, found in enumerate(findings, 1) if found is not None]


def test_the_same_failing_call_is_nudged_then_stopped() -> None:
    found = repeated(Loops(), FAILS_STOP, "pyest", result(127, "pyest: not found"))
    assert actions(found) == [(FAILS_NUDGE, "nudge", "failing"), (FAILS_STOP, "stop", "failing")]
    last = found[-1]
    assert last is not None
    assert last.text == "the same call failed 6 times: run pyest: pyest: not found"


def test_times_and_addresses_in_a_message_do_not_hide_that_it_is_the_same() -> None:
    loops = Loops()
    found = [
        loops.done(command("pytest"), Result(1, f"1 failed in 0.{n}3s", 1.0, digest=str(n)), "t") for n in range(6)
    ]
    assert [action for _, action, _ in actions(found)] == ["nudge", "stop"]


def test_another_failure_or_anything_between_begins_anew() -> None:
    loops = Loops()
    for n in range(20):
        assert loops.done(command("make"), result(2, "error in line " + "abcdefghijklmnopqrstuvwxyz"[n]), "t") is None
    for n in range(20):
        assert loops.done(command("make"), result(2, "error"), f"t{n}") is None
        assert loops.done(Operation("replace", HERE, "a.py", content=str(n), old="x"), result(), f"t{n + 1}") is None


def test_a_refused_operation_counts_as_a_failing_one() -> None:
    loops, wanted = Loops(), Operation("delete", HERE, "/etc/passwd")
    answer = Answer(wanted, Verdict(Decision.BLOCKED, "outside", "B2"), allowed=False)
    found = [loops.refused(wanted, answer) for _ in range(FAILS_STOP)]
    assert [action for _, action, _ in actions(found)] == ["nudge", "stop"]
    assert "outside [B2]" in str(found[-1])


def test_circles_of_any_length_are_seen() -> None:
    loops = Loops()
    found = [
        loops.done(command(line), result(0, f"said by {line}"), "t")
        for line in itertools.islice(itertools.cycle(["ls", "cat a", "git status"]), 3 * CIRCLES_STOP)
    ]
    kinds = [(action, cause) for _, action, cause in actions(found)]
    assert kinds[:3] == [("nudge", "circles")] * 3
    assert actions(found)[0][0] == 3 * (CIRCLES_NUDGE - 1) + 1
    assert next(n for n, action, _ in actions(found) if action == "stop") == 3 * (CIRCLES_STOP - 1) + 1


def test_work_that_changes_files_is_no_circle() -> None:
    loops = Loops()
    assert [n for n in range(200) if loops.done(command("pytest"), result(0, "ok"), f"tree {n // 5}")] == []


def test_a_build_that_is_polled_by_a_command_that_waits_is_none() -> None:
    poll = result(0, "building", duration_s=SLOW_S)
    assert actions(repeated(Loops(), 200, "sleep 5; status", poll)) == []
    assert actions(repeated(Loops(), 200, "sleep 5; test -e done", result(1, "", duration_s=SLOW_S))) == []


def test_a_build_whose_output_goes_on_is_none() -> None:
    loops = Loops()
    assert [n for n in range(200) if loops.done(command("tail build.log"), result(0, f"step {n}"), "t")] == []


def test_a_file_that_is_read_in_parts_is_none() -> None:
    loops, read = Loops(), Operation("read", HERE, "long.py")
    assert [n for n in range(200) if loops.done(read, Result(0, "", 0.0), "t")] == []


def test_calls_of_a_tool_differ_by_their_arguments() -> None:
    loops = Loops()
    for n in range(100):
        call = Operation("mcp", HERE, "server.find", arguments={"page": n})
        assert loops.done(call, result(1, "no such page"), "t") is None
