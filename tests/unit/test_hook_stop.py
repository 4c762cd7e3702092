"""The nudge at the end of a turn: what counts as a claim, what a transcript shows, and that it is said once."""

from __future__ import annotations

import io
import json
import sys
from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.cli import hook_stop
from claude_orchestrator.cli.hook_stop import NUDGE, claims_tests, unproven


@pytest.mark.parametrize(
    "said",
    [
        "Done. All tests pass.",
        "I fixed it and the test suite is green.",
        "I ran the tests, and they are fine.",
        "All 42 tests passed!",
        "The tests now pass.",
        "Result: 12 passed in 0.3 s",
        "Fixed.\n- tests: passing\n- docs: written",
        "The existing unit tests still pass with the change.",
        "> make it pass\nDone.\n\nAll tests pass.",
    ],
)
def test_a_claim(said: str) -> None:
    assert claims_tests(said)


@pytest.mark.parametrize(
    "said",
    [
        "",
        "I changed the parser.",
        "The tests should pass now.",
        "I have not run the tests.",
        "I couldn't run the tests here, so whether they pass is open.",
        "Run `pytest` to see whether the tests pass.",
        "Do the tests pass?",
        "Please make sure the tests pass before you merge.",
        "Two tests fail, the other tests passed.",
        "Once the tests pass, merge it.",
        "```\n3 passed\n```",
        "> all tests pass\nThat is what you wrote.",
        "I pass the argument on to the test runner.",
        "I added a test for it.",
    ],
)
def test_no_claim(said: str) -> None:
    assert not claims_tests(said)


def used(name: str, call: str = "c", **given: Any) -> dict[str, Any]:
    block = {"type": "tool_use", "id": call, "name": name, "input": given}
    return {"type": "assistant", "message": {"role": "assistant", "content": [block]}}


def came(call: str = "c", *, error: bool = False) -> dict[str, Any]:
    block = {"type": "tool_result", "tool_use_id": call, "content": "…", "is_error": error}
    return {"type": "user", "message": {"role": "user", "content": [block]}}


def told(reason: str) -> dict[str, Any]:
    return {"type": "attachment", "attachment": {"type": "hook_blocking_error", "blockingError": {"message": reason}}}


EDIT = used("Edit", file_path="/p/src/core.py")
TESTS = used("Bash", command="python -m pytest -q")


def lines(*entries: dict[str, Any]) -> list[bytes]:
    return [json.dumps(entry).encode() for entry in entries]


def test_no_test_at_all() -> None:
    assert unproven(lines(used("Bash", command="ls"))) == (
        f"{NUDGE} in this session no command ran them. Run them now and report what they say, or say plainly that they"
        " were not run."
    )


def test_tests_before_the_last_edit_prove_nothing() -> None:
    assert "since your last change (core.py) no command ran them" in unproven(lines(TESTS, came(), EDIT))
    assert unproven(lines(EDIT, TESTS, came())) == ""


def test_a_run_that_failed_proves_nothing() -> None:
    assert "ended with an error" in unproven(lines(EDIT, TESTS, came(error=True)))
    assert unproven(lines(EDIT, TESTS, came(error=True), used("Bash", "d", command="make test"), came("d"))) == ""


@pytest.mark.parametrize(
    "entry",
    [
        used("Bash", command="cargo test --workspace"),
        used("Bash", command="npm run test:unit"),
        used("Bash", command="./gradlew check"),
        used("Bash", command="tox -e py312"),
        used("Agent", prompt="Run everything"),
        used("mcp__plugin_orchestrator_orchestrator__verify", base="main"),
        used("mcp__ide__executeCode", code="x"),
    ],
)
def test_what_may_have_run_them_is_believed(entry: dict[str, Any]) -> None:
    assert unproven(lines(EDIT, entry)) == ""


def test_it_is_said_once_for_a_change() -> None:
    reason = unproven(lines(EDIT))
    assert unproven(lines(EDIT, told(reason))) == ""
    assert unproven(lines(EDIT, told(reason), EDIT)) == reason


def test_lines_that_are_none_and_what_subagents_did_are_passed_over() -> None:
    strange = [b"{", b"[]", b"null", b'{"message": 3}', b'{"message": {"content": [1, "x"]}}']
    assert unproven([*lines(EDIT), *strange, *lines({**TESTS, "isSidechain": True})]) != ""


def asked(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], given: object) -> str:
    text = given if isinstance(given, bytes) else json.dumps(given).encode()
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text)))
    assert hook_stop.stop() == 0
    return capsys.readouterr().out


def test_the_whole_hook(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    transcript = tmp_path / "t.jsonl"
    transcript.write_bytes(b"\n".join(lines(EDIT)))
    given = {"transcript_path": str(transcript), "last_assistant_message": "All tests pass.", "stop_hook_active": False}
    said = json.loads(asked(monkeypatch, capsys, given))
    assert said["decision"] == "block"
    assert said["reason"].startswith(NUDGE)
    for silent in (
        {**given, "stop_hook_active": True},
        {**given, "last_assistant_message": "It is written."},
        {**given, "background_tasks": [{"id": "b1"}]},
        {**given, "transcript_path": str(tmp_path / "missing")},
        {**given, "transcript_path": None},
        {**given, "last_assistant_message": None},
        [],
        b"\xff",
        b"",
    ):
        assert asked(monkeypatch, capsys, silent) == ""


def test_only_the_end_of_a_long_transcript_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    transcript = tmp_path / "t.jsonl"
    reads = [used("Read", file_path="x")] * 20
    monkeypatch.setattr(hook_stop, "MOST_READ", 800)
    given = {"transcript_path": str(transcript), "last_assistant_message": "All tests pass."}
    transcript.write_bytes(b"\n".join(lines(TESTS, *reads)))
    assert asked(monkeypatch, capsys, given) == "", "what was before is not known"
    transcript.write_bytes(b"\n".join(lines(TESTS, *reads, EDIT)))
    assert NUDGE in asked(monkeypatch, capsys, given)
