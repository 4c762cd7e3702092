"""How tasks stand, what their agents have used, and how providers do, in words."""

from __future__ import annotations

import io
from typing import Any

import pytest
from rich.console import Console
from test_cli_words import event, progress, task

from claude_orchestrator.cli import health, report
from claude_orchestrator.cli.live import render
from claude_orchestrator.models.breaker import Breaker, Rules
from claude_orchestrator.telling.documents import summary_document
from claude_orchestrator.telling.standing import agent_words, standing, tokens, used
from claude_orchestrator.telling.words import Story

USAGE = {
    "task_id": "t1",
    "calls": 2,
    "input_tokens": 1234,
    "output_tokens": 300,
    "cache_read_tokens": 5000,
    "cache_write_tokens": 100,
    "micro_usd": 250_000,
    "unknown": 0,
}


def gate(kind: str, task_id: str = "t1", gate_id: str = "g1") -> dict[str, Any]:
    return {"id": gate_id, "kind": kind, "task_id": task_id}


@pytest.mark.parametrize(
    ("what", "gates", "expected"),
    [
        (task(), [], ("idle", "")),
        (task(blockers=2, reason="waits for nothing that counts"), [], ("idle", "")),
        (task(status="in_progress"), [], ("working", "")),
        (task(status="verifying"), [gate("operation", "t2")], ("working", "")),
        (task(status="in_progress"), [gate("operation")], ("waiting", "human")),
        (task(status="waiting"), [gate("review")], ("waiting", "human")),
        (task(status="escalated"), [gate("escalation")], ("waiting", "human")),
        (task(status="waiting"), [gate("budget")], ("waiting", "budget")),
        (task(status="waiting", budget_gate="g7"), [gate("budget", "t2", "g7")], ("waiting", "budget")),
        (task(reason="waits for r1/t2, which holds a.py"), [], ("waiting", "lock")),
        (task(reason="waits for anthropic until 14:03:00: rate limit"), [], ("waiting", "account")),
        (task(reason="waits for the rest of the budget of run r1, which others may spend"), [], ("waiting", "budget")),
        (task(ready_at=5.0), [], ("waiting", "retry")),
        (task(status="completed"), [], ("finished", "")),
        (task(status="failed"), [], ("finished", "")),
        (task(status="cancelled"), [], ("finished", "")),
    ],
)
def test_idle_waiting_working_and_finished_are_told_apart(
    what: dict[str, Any], gates: list[dict[str, Any]], expected: tuple[str, str]
) -> None:
    assert standing(what, gates) == expected


def test_numbers_that_a_person_can_read() -> None:
    assert [tokens(n) for n in (0, 999, 1000, 12_345, 999_949, 1_234_567)] == [
        "0",
        "999",
        "1.0k",
        "12.3k",
        "999.9k",
        "1.2M",
    ]
    assert used(USAGE) == "1.2k in, 300 out, 5.1k cached, $0.25"
    assert used({**USAGE, "unknown": 1, "cache_read_tokens": 0, "cache_write_tokens": 0}) == "1.2k in, 300 out, $0.25+"


def test_a_running_agent_shows_who_it_is_and_what_it_has_used() -> None:
    story = Story("r1")
    for _ in range(2):
        story.add(event("task.parked", reason="overloaded", retry_at=1.0))
    story.add(event("attempt.nudged", cause="silence", heard=True))
    story.add(event("operation.asked", kind="run", target="pytest", verdict="SAFE"))
    busy = task(status="in_progress", provider="anthropic", model="big", number=1, started_at=100.0)
    assert agent_words(busy, USAGE, story) == (
        "anthropic:big  1.2k in, 300 out, 5.1k cached, $0.25  2 retries  1 nudge"
    )
    assert agent_words(task(), None, Story("r1")) == ""

    one = {**progress(busy), "usage": {"t1": USAGE}, "cost": USAGE}
    lines = list(report.run_lines(one, story, 130.0))
    assert lines[0] == "r1 running  0/1 tasks  30 s  A goal"
    assert lines[2].endswith("runs pytest")
    assert lines[3].strip() == agent_words(busy, USAGE, story)

    console = Console(width=140, height=40, file=io.StringIO(), force_terminal=False)
    console.print(render([one], {"r1": story}, (), 130.0, 40))
    assert isinstance(console.file, io.StringIO)
    drawn = console.file.getvalue().splitlines()
    assert "1.2k in, 300 out, 5.1k cached, $0.25" in drawn[0]
    assert "1.2k/300/5.1k $0.25  runs pytest  anthropic:big  2 retries  1 nudge" in drawn[2]

    (document,) = summary_document(one, story)["tasks"]
    assert (document["state"], document["waits_for"], document["doing"]) == ("working", None, "runs pytest")
    assert (document["provider"], document["model"], document["retries"], document["nudges"]) == (
        "anthropic",
        "big",
        2,
        1,
    )
    assert document["cost"] == {
        "calls": 2,
        "input_tokens": 1234,
        "output_tokens": 300,
        "cache_read_tokens": 5000,
        "cache_write_tokens": 100,
        "usd": 0.25,
        "unknown_calls": 0,
    }


RULES = Rules()
OPEN = Breaker(state="open", failures=3, until=130.0, since=100.0, why="overloaded: 529")


@pytest.mark.parametrize(
    ("breaker", "said", "healthy"),
    [
        (Breaker(), "works", True),
        (OPEN, "failing (3 in a row): nobody starts", False),
        (Breaker(state="open", failures=3, until=100.0), "has failed: the next attempt alone tries it", True),
        (OPEN.enter("r1.a.1", 110.0, RULES), "failing: r1.a.1 alone tries it", False),
        (Breaker().limited(7300.0, "", 100.0, RULES, 1.0), "parked: its rate limit is reached", False),
    ],
)
def test_how_a_provider_does(breaker: Breaker, said: str, healthy: bool) -> None:
    row = {
        "name": "anthropic",
        "failed_at": 90.0,
        "failed_kind": "rate_limit",
        "failure": "5-hour limit",
        "succeeded_at": 50.0,
        "successes": 4,
        "failed": 1,
    }
    lines = list(health.lines(row, breaker, 100.0))
    assert lines[0] == f"anthropic  {said}"
    assert ("health reset anthropic" in " ".join(lines)) is not healthy
    assert "    last failure  10 s ago: rate limit: 5-hour limit" in lines
    assert lines[-1] == "    last 24 hours  4 well, 1 failure"
    document = health.document(row, breaker, 100.0)
    assert document["healthy"] is healthy
    assert (document["waits_until"] is None) is healthy
    assert document["last_failure"] == {"at": 90.0, "kind": "rate_limit", "detail": "5-hour limit"}
