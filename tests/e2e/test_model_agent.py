"""The model agent with the real client libraries, launch by launch, against scripted providers."""

from __future__ import annotations

import asyncio
import hashlib
import os
import shutil
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("pydantic_ai", reason="the extra 'models' is not installed")

from model_world import KINDS, Attempt, Kind, Serving
from scripted.provider_api import PATIENCE_S, Reply, Script, call, steps

from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.agents.journal import JournalHost
from claude_orchestrator.errors import AgentError, RepositoryError
from claude_orchestrator.models import accounts, choosing
from claude_orchestrator.models.usage import Usage

EMPTY = hashlib.sha256().hexdigest()
FIX = call("replace", path="calc.py", old="a - b", new="a + b")
DONE = call("finish", summary="add adds now", files_changed=["calc.py"])


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@pytest.fixture
def attempt(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Attempt:
    for name in accounts.environment_of("model", os.environ):
        monkeypatch.delenv(name)
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_RETRY_BASE_S", "0.01")
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_RETRY_CAP_S", "0.02")
    return Attempt(tmp_path)


@pytest.fixture
def serve(monkeypatch: pytest.MonkeyPatch) -> Iterator[Serving]:
    serving = Serving(monkeypatch)
    yield serving
    serving.close()


def test_every_provider_does_a_task(kind: Kind, attempt: Attempt, serve: Serving) -> None:
    script = steps(
        Reply("I look first.", [call("read", path="calc.py"), call("list")]),
        Reply(calls=[call("search", pattern="a [+-] b"), FIX]),
        Reply(calls=[call("run", line="python -c 'import calc; print(calc.add(2, 3))'")]),
        Reply(calls=[call("write", path="note.txt", content="fixed\n")]),
        Reply(calls=[DONE]),
    )
    api = serve(kind, script)
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "finished", outcome
    assert "add adds now" in outcome.report
    assert "calc.py" in outcome.report
    assert (attempt.worktree / "calc.py").read_text() == "def add(a, b):\n    return a + b\n"
    assert (attempt.worktree / "note.txt").read_text() == "fixed\n"
    last = "\n".join(api.requests[-1].results)
    assert "return a - b" in last
    assert "calc.py:2:" in last
    assert "5" in last
    assert [event["kind"] for event in attempt.events("operation.done")] == [
        "read", "read", "run", "replace", "run", "write"
    ]  # fmt: skip
    costs = attempt.costs()
    assert len(costs) == 5
    assert {(row["provider"], row["output_tokens"]) for row in costs} == {(kind.provider, 100)}
    assert {row["input_tokens"] + row["cache_read_tokens"] + row["cache_write_tokens"] for row in costs} == {1_000}


# -- leave -----------------------------------------------------------------------------------------

SECRET = call("read", path=".env")


def test_a_refused_operation_is_told_to_the_model_and_does_not_happen(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    script = steps(Reply(calls=[call("run", line="claude-orchestrator inbox approve g99"), FIX]), Reply(calls=[DONE]))
    api = serve(kind, script)
    assert attempt.launch(model=kind.model).status == "finished"
    first, second = api.requests[-1].results
    assert "refused: B" in first
    assert "done" in second
    assert [event["kind"] for event in attempt.events("operation.done")] == ["replace"]


def test_a_question_ends_the_launch_and_the_answer_is_met_at_the_same_place(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["ollama"]
    (attempt.worktree / ".env").write_text("COLOUR=blue\n")
    script = steps(Reply(calls=[FIX, SECRET, call("list")]), Reply(calls=[DONE]))
    api = serve(kind, script)
    waiting = attempt.launch(model=kind.model)
    assert waiting.status == "waiting"
    assert "A5" in waiting.detail
    assert len(api.requests) == 1
    attempt.answer(approve=True)
    outcome = attempt.launch(model=kind.model, resume=waiting.resume)
    assert outcome.status == "finished"
    assert [request.turn for request in api.requests] == [0, 1], "the first answer was asked for again"
    assert api.requests[1].results[1] == "COLOUR=blue\n"
    assert len([event for event in attempt.events("operation.done") if event["kind"] == "replace"]) == 1
    assert (attempt.worktree / "calc.py").read_text().count("a + b") == 1


def test_a_denied_question_goes_on_without_it(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["google"]
    api = serve(kind, steps(Reply(calls=[SECRET]), Reply(calls=[DONE])))
    waiting = attempt.launch(model=kind.model)
    attempt.answer(approve=False, reason="never")
    assert attempt.launch(model=kind.model, resume=waiting.resume).status == "finished"
    assert "never" in api.requests[1].results[0]


def test_the_model_is_told_what_a_person_has_made_of_its_command(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai-chat"]
    api = serve(kind, steps(Reply(calls=[call("run", line="git push origin main")]), Reply(calls=[DONE])))
    waiting = attempt.launch(model=kind.model)
    assert waiting.status == "waiting"
    attempt.answer(approve=True, edited="echo not pushed")
    assert attempt.launch(model=kind.model, resume=waiting.resume).status == "finished"
    assert "A person has changed this operation before it was done: run echo not pushed" in api.requests[1].results[0]
    assert "exit code 0\nnot pushed" in api.requests[1].results[0]


# -- going on --------------------------------------------------------------------------------------


def test_an_interrupted_launch_is_gone_on_with_and_nothing_happens_twice(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["anthropic"]
    ready = attempt.folder.parent / "ready"
    os.mkfifo(ready)
    append = call("run", line="echo line >> log.txt")
    sleep = call("run", line=f"echo started >> log.txt; echo > {ready}; sleep 60")
    script = steps(Reply(calls=[append]), Reply(calls=[append, sleep, append]), Reply(calls=[DONE]))
    api = serve(kind, script)

    async def interrupt(task: asyncio.Task[Outcome]) -> None:
        await asyncio.wait_for(asyncio.to_thread(ready.read_bytes), PATIENCE_S)
        task.cancel()

    interrupted = attempt.launch(model=kind.model, meanwhile=interrupt)
    assert interrupted.status == "interrupted"
    assert attempt.remembered() == interrupted.resume
    outcome = attempt.launch(model=kind.model, resume=attempt.remembered())
    assert outcome.status == "finished", outcome
    assert attempt.log() == "line\nline\nstarted\nline\n"
    assert [request.turn for request in api.requests] == [0, 1, 2]
    assert "Nobody knows how far it came" in api.requests[2].results[2]


def test_an_older_token_cuts_off_what_came_later(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    api = serve(kind, steps(Reply(calls=[call("list")]), Reply(calls=[DONE])))
    assert attempt.launch(model=kind.model).status == "finished"
    assert attempt.launch(model=kind.model, resume={"bytes": 0, "sha256": EMPTY}).status == "finished"
    assert [request.turn for request in api.requests] == [0, 1, 0, 1]
    assert len(attempt.costs()) == 4, "both launches were paid"


def test_a_conversation_that_was_changed_is_refused(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    serve(kind, steps(Reply(calls=[SECRET]), Reply(calls=[DONE])))
    waiting = attempt.launch(model=kind.model)
    [file] = attempt.folder.glob("*.jsonl")
    file.write_text(file.read_text().replace("Make add add", "Make add not"))
    with pytest.raises(AgentError, match="is not the one that was left"):
        attempt.launch(model=kind.model, resume=waiting.resume)


def test_the_end_is_known_again_without_asking(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai-chat"]
    api = serve(kind, steps(Reply(calls=[FIX]), Reply("Done: it adds.")))
    assert attempt.launch(model=kind.model).report == "Done: it adds."
    again = attempt.launch(model=kind.model, resume=attempt.remembered())
    assert (again.status, again.report) == ("finished", "Done: it adds.")
    assert len(api.requests) == 2


def test_another_provider_goes_on_with_the_conversation(attempt: Attempt, serve: Serving) -> None:
    script = steps(Reply(calls=[SECRET]), Reply(calls=[DONE]))
    serve(KINDS["google"], script)
    api = serve(KINDS["anthropic"], script)
    waiting = attempt.launch(provider="google", model="gemini-3.8-flash")
    attempt.answer(approve=False)
    outcome = attempt.launch(provider="anthropic", model="claude-sonnet-5-5", resume=waiting.resume)
    assert outcome.status == "finished", outcome
    assert [request.turn for request in api.requests] == [1]


def test_a_nudge_is_said_before_the_next_request(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["google"]
    held = threading.Event()
    api = serve(kind, steps(Reply(calls=[call("list")], until=held), Reply(calls=[DONE])))

    async def nudge(_: object) -> None:
        await asyncio.to_thread(api.wait_for, lambda request: request.turn == 0)
        assert await attempt.agent.nudge("You seem to be stuck.")
        held.set()

    assert attempt.launch(model=kind.model, meanwhile=nudge).status == "finished"
    assert "You seem to be stuck." not in api.requests[0].words
    assert "You seem to be stuck." in api.requests[1].words


# -- limits ----------------------------------------------------------------------------------------


def test_the_turns_are_limited_over_all_launches(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["ollama"]
    api = serve(kind, lambda _: Reply(calls=[call("list")]))
    outcome = attempt.launch(model=kind.model, options={"max_turns": 3})
    assert outcome.status == "failed"
    assert outcome.fault is not None
    assert outcome.fault.kind == "turns"
    assert "max_turns" in outcome.detail
    assert len(api.requests) == 3
    attempt.launch(model=kind.model, options={"max_turns": 3}, resume=attempt.remembered())
    assert len(api.requests) == 3


class WithoutMoney(JournalHost):
    """Whatever was spent, it was the last."""

    async def spend(self, usage: Usage, key: str) -> bool:
        await super().spend(usage, key)
        return False


def test_an_attempt_without_money_stops_and_can_go_on(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    api = serve(kind, steps(Reply(calls=[FIX]), Reply(calls=[DONE])))
    outcome = attempt.launch(model=kind.model, host=WithoutMoney)
    assert outcome.status == "interrupted"
    assert outcome.fault is not None
    assert outcome.fault.kind == "budget"
    assert len(api.requests) == 1
    assert not attempt.events("operation.done")
    assert attempt.launch(model=kind.model, resume=outcome.resume).status == "finished"
    assert [request.turn for request in api.requests] == [0, 1]


def test_results_are_bounded(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    (attempt.worktree / "long.txt").write_text("x" * 100_000)
    (attempt.worktree / "lines.txt").write_text("".join(f"line {number}\n" for number in range(1, 5_001)))
    calls = [
        call("run", line="seq 1 200000"),
        call("read", path="long.txt"),
        call("read", path="lines.txt", first_line=4_999),
        call("run", line="sleep 60", timeout_s=1),
    ]
    api = serve(kind, steps(Reply(calls=calls), Reply(calls=[DONE])))
    assert attempt.launch(model=kind.model).status == "finished"
    flood, long, lines, late = api.requests[1].results
    assert len(flood) < 31_000
    assert "bytes left out" in flood
    assert flood.endswith("199999\n200000\n")
    assert len(long) < 31_000
    assert lines == "(lines 4999 to 5000 of 5000)\nline 4999\nline 5000\n"
    assert late.startswith("killed after 1 s")


def test_a_long_conversation_is_shown_without_its_oldest_results(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    for number in range(20):
        (attempt.worktree / f"{number}.txt").write_text(f"number {number}" + "x" * 29_000)
    reads = [Reply(calls=[call("read", path=f"{number}.txt")]) for number in range(20)]
    api = serve(kind, steps(*reads, Reply(calls=[DONE])))
    assert attempt.launch(model=kind.model).status == "finished"
    results = api.requests[-1].results
    left_out = [result for result in results if result.startswith("[left out")]
    assert len(results) == 20
    assert results[: len(left_out)] == left_out, "the oldest first"
    assert all(f"number {number}x" in results[number] for number in range(len(left_out), 20))
    assert 200_000 < sum(map(len, results)) <= 330_000
    changes = sum(
        before.results != after.results[: len(before.results)]
        for before, after in zip(api.requests, api.requests[1:], strict=False)
    )
    assert changes == 3, "a beginning that changes with every request is never found in a provider's cache"


def test_calls_that_cannot_be_done_are_answered(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["anthropic"]
    (attempt.worktree / "data.bin").write_bytes(b"\0\1\2")
    calls = [
        call("read", path="missing.py"),
        call("read", path="data.bin"),
        call("read", path="."),
        call("list", path="calc.py"),
        call("search", pattern="nowhere to be found"),
        call("search", pattern="("),
        call("replace", path="calc.py", old="not there", new="x"),
        call("write", path="calc.py/x", content="x"),
        call("fly"),
        call("read", path=7),
    ]
    expected = [
        *("No such file", "no text (3 bytes)", "this is a folder", "Not a directory", "nothing found", "search failed"),
        *("0 times, not 1", "calc.py", "Unknown tool", "valid string"),
    ]
    api = serve(kind, steps(Reply(calls=calls), Reply(calls=[DONE])))
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "finished", outcome
    for text, part in zip(api.requests[1].results, expected, strict=True):
        assert part in text


def test_an_empty_answer_is_asked_about(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai-chat"]
    told = "Your answer was empty"
    api = serve(kind, lambda request: Reply(calls=[DONE]) if told in request.words else Reply())
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "finished", outcome
    assert len(api.requests) == 2


# -- trouble ---------------------------------------------------------------------------------------


def troubled(first: Reply, times: int = 1) -> Script:
    """The first requests meet trouble, later ones do not."""
    left = [first] * times
    good = steps(Reply(calls=[FIX]), Reply(calls=[DONE]))
    return lambda request: left.pop() if left else good(request)


@pytest.mark.parametrize(
    "trouble",
    [Reply(status=529), Reply(status=500), Reply(status=429), Reply(cut=True)],
    ids=["529", "500", "429", "cut"],
)
def test_passing_trouble_is_waited_for(kind: Kind, trouble: Reply, attempt: Attempt, serve: Serving) -> None:
    api = serve(kind, troubled(trouble, 4))
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "finished", outcome
    assert len(api.requests) == 6, "something else asks again, too"
    assert len(attempt.events("attempt.progress")) == 4


@pytest.mark.parametrize(
    ("trouble", "expected"),
    [(Reply(status=529), "overloaded"), (Reply(status=429), "rate_limit"), (Reply(cut=True), "network")],
)
def test_trouble_that_does_not_pass_leaves_the_attempt_to_a_later_launch(
    trouble: Reply, expected: str, attempt: Attempt, serve: Serving
) -> None:
    kind = KINDS["anthropic"]
    api = serve(kind, troubled(trouble, 5))
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "interrupted"
    assert outcome.fault is not None
    assert outcome.fault.kind == expected
    assert len(api.requests) == 5
    assert attempt.launch(model=kind.model, resume=outcome.resume).status == "finished"


def test_a_long_pause_that_the_provider_asks_for_is_not_waited_for_here(
    kind: Kind, attempt: Attempt, serve: Serving
) -> None:
    api = serve(kind, troubled(Reply(status=429, headers={"retry-after": "3600"})))
    before = time.time()
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "interrupted"
    assert outcome.fault is not None
    assert outcome.fault.kind == "rate_limit"
    assert before + 3600 <= (outcome.fault.retry_at or 0) <= time.time() + 3600
    assert len(api.requests) == 1


@pytest.mark.parametrize(
    ("status", "expected", "advice"),
    [
        (401, "authentication", "API_KEY"),
        (403, "authentication", "API_KEY"),
        (404, "request", "name of the model"),
        (400, "request", "scripted trouble"),
    ],
)
def test_what_only_a_person_can_put_right_is_not_tried_again(
    status: int, expected: str, advice: str, kind: Kind, attempt: Attempt, serve: Serving
) -> None:
    api = serve(kind, troubled(Reply(status=status)))
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "error"
    assert outcome.fault is not None
    assert outcome.fault.kind == expected
    assert advice in outcome.detail
    assert "scripted trouble" in outcome.detail
    assert len(api.requests) == 1
    assert (outcome.resume is not None) == (expected == "authentication"), "a person can put that right"


def test_an_empty_account_is_not_taken_for_a_busy_one(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    api = serve(kind, troubled(Reply(status=429, code="insufficient_quota", said="You exceeded your current quota")))
    outcome = attempt.launch(model=kind.model)
    assert outcome.status == "error"
    assert outcome.fault is not None
    assert outcome.fault.kind == "authentication"
    assert "credit" in outcome.detail
    assert len(api.requests) == 1


def test_nobody_listens(attempt: Attempt, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # bound, and nobody listens
        monkeypatch.setenv("OLLAMA_BASE_URL", f"http://127.0.0.1:{taken.getsockname()[1]}/v1")
        outcome = attempt.launch(model="ollama:qwen3:8b")
    assert outcome.status == "interrupted"
    assert outcome.fault is not None
    assert outcome.fault.kind == "network"


def test_a_worktree_that_is_gone_ends_the_launch(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["openai"]
    held = threading.Event()
    api = serve(kind, steps(Reply(calls=[FIX], until=held)))

    async def remove(_: object) -> None:
        await asyncio.to_thread(api.wait_for, lambda request: request.turn == 0)
        shutil.rmtree(attempt.worktree)
        held.set()

    with pytest.raises(RepositoryError):
        attempt.launch(model=kind.model, meanwhile=remove)


@pytest.mark.parametrize(
    ("model", "expected", "part"),
    [
        ("", "authentication", "ANTHROPIC_API_KEY"),
        ("anthropic:claude-x", "authentication", "set ANTHROPIC_API_KEY"),
        ("openai:gpt-x", "authentication", "set OPENAI_API_KEY"),
        ("google:gemini-x", "authentication", "set GEMINI_API_KEY or GOOGLE_API_KEY"),
        ("openai-chat:x", "authentication", "set OPENAI_API_KEY"),
        ("nowhere:x", "setup", "there is no provider 'nowhere'"),
        ("llama9", "setup", "nothing says whose model it is"),
        ("ollama:", "setup", "no model is named"),
    ],
)
def test_what_is_missing_is_named(model: str, expected: str, part: str, attempt: Attempt) -> None:
    outcome = attempt.launch(model=model)
    assert outcome.status == "error"
    assert outcome.fault is not None
    assert outcome.fault.kind == expected
    assert part in outcome.detail


def test_the_difficulty_chooses_the_model_where_none_is_named(attempt: Attempt, serve: Serving) -> None:
    kind = KINDS["google"]
    api = serve(kind, steps(Reply(calls=[DONE])))
    assert attempt.launch(options={"difficulty": "hard"}).status == "finished"
    assert choosing.MODELS["google"]["large"].model in api.requests[0].path
