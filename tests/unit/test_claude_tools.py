"""Claude Code's calls as operations, and its ends as outcomes: without the client."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from claude_orchestrator.agents import questions
from claude_orchestrator.agents.claude import ends as claude_ends
from claude_orchestrator.agents.claude.bill import Bill
from claude_orchestrator.agents.claude.tools import (
    arguments_of,
    failure_of,
    operation_of,
    position_of,
    result_of,
)
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.operations import Operation
from claude_orchestrator.safety.policy import load_policy

HERE = Path("/code/tree")


@pytest.mark.parametrize(
    ("tool", "arguments", "kind", "target"),
    [
        ("Bash", {"command": "pytest -q", "description": "Test"}, "run", "pytest -q"),
        ("Bash", {"command": "pytest -q", "timeout": 5000}, "run", "pytest -q"),
        ("Bash", {"command": "ls", "dangerouslyDisableSandbox": True}, "tool", "Bash"),
        ("Bash", {"command": ["ls"]}, "tool", "Bash"),
        ("Bash", {}, "tool", "Bash"),
        ("Write", {"file_path": "/code/tree/a/b.py", "content": "x"}, "write", "a/b.py"),
        ("Write", {"file_path": "/etc/x", "content": "x"}, "write", "/etc/x"),
        ("Write", {"file_path": "/code/tree/a.py"}, "tool", "Write"),
        ("Edit", {"file_path": "a.py", "old_string": "x", "new_string": "y", "replace_all": True}, "replace", "a.py"),
        ("Edit", {"file_path": "a.py", "old_string": "x", "new_string": "y", "file": "b.py"}, "tool", "Edit"),
        ("Read", {"file_path": "/code/tree/a.py", "limit": 5}, "read", "a.py"),
        ("Read", {"file_path": "/code/tree/a.pdf", "pages": "1-2"}, "tool", "Read"),
        ("Grep", {"pattern": "x"}, "tool", "Grep"),
        ("mcp__other__do", {"command": "ls"}, "tool", "mcp__other__do"),
    ],
)
def test_a_call_is_the_operation_that_it_says(tool: str, arguments: dict[str, Any], kind: str, target: str) -> None:
    operation = operation_of(tool, arguments, HERE, HERE)
    assert (operation.kind, operation.target) == (kind, target)
    assert operation.kind != "tool" or operation.arguments == arguments


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Bash", {"command": "git push --force origin main"}),
        ("Bash", {"command": "pip install requests"}),
        ("Bash", {"command": "pytest -q | tail -5"}),
        ("Write", {"file_path": "/code/tree/.github/workflows/ci.yml", "content": "on: push"}),
        ("Write", {"file_path": "/code/tree/a.py", "content": "x = 1"}),
        ("Write", {"file_path": "/etc/passwd", "content": "x"}),
        ("Edit", {"file_path": "/code/tree/a.py", "old_string": "x", "new_string": "y"}),
        ("Edit", {"file_path": "/home/ann/.ssh/config", "old_string": "x", "new_string": "y"}),
        ("Read", {"file_path": "/code/tree/a.py"}),
        ("Read", {"file_path": "/code/tree/.env"}),
    ],
)
def test_as_an_operation_it_is_judged_as_the_call_is(tool: str, arguments: dict[str, Any]) -> None:
    policy = load_policy("worktree", home="/home/ann")
    call = Operation("tool", HERE, tool, workspace=HERE, arguments=arguments)
    translated = classify(operation_of(tool, arguments, HERE, HERE), policy)
    judged = classify(call, policy)
    assert (translated.decision, translated.rule) == (judged.decision, judged.rule)


@pytest.mark.parametrize("blanks", [" ", "\n", "\u00a0", "\ufeff"])
@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("Grep", {"pattern": "KEY", "path": "/home/ann/.local/share/claude-orchestrator"}),
        ("Grep", {"pattern": "KEY", "path": "/proc/self/environ"}),
        ("Glob", {"pattern": "*", "path": "/home/ann/.local/share/claude-orchestrator"}),
        ("NotebookEdit", {"notebook_path": "/home/ann/a.ipynb", "new_source": "x"}),
        ("Write", {"file_path": "/home/ann/.bashrc", "content": "x"}),
        ("Read", {"file_path": "/proc/self/environ"}),
    ],
)
def test_blanks_around_a_path_hide_nothing_for_the_client_ignores_them(
    tool: str, arguments: dict[str, str], blanks: str
) -> None:
    policy = load_policy("worktree", home="/home/ann")
    hidden = {name: f"{blanks}{value}{blanks}" if "path" in name else value for name, value in arguments.items()}
    found = [classify(operation_of(tool, given, HERE, HERE), policy) for given in (arguments, hidden)]
    assert not found[0].allowed
    assert found[0].rule == found[1].rule


def test_what_a_human_made_of_an_operation_is_what_the_call_does() -> None:
    call = {"command": "make", "description": "Build", "timeout": 5}
    line = questions.edited(operation_of("Bash", call, HERE, HERE), "make -n && echo 'done'")
    assert line.argv == (), "a shell reads it, as it would have read the first"
    assert arguments_of(line, call) == {**call, "command": "make -n && echo 'done'"}
    file = {"file_path": "/code/tree/a.py", "content": "x"}
    assert arguments_of(questions.edited(operation_of("Write", file, HERE, HERE), "y"), file)["content"] == "y"
    change = {"file_path": "/code/tree/a.py", "old_string": "x", "new_string": "y"}
    edited = questions.edited(operation_of("Edit", change, HERE, HERE), "z")
    assert arguments_of(edited, change) == {**change, "new_string": "z"}


def test_a_position_is_the_same_for_a_call_and_another_for_every_other() -> None:
    assert position_of("toolu_1") == position_of("toolu_1")
    assert len({position_of(f"toolu_{number}") for number in range(1_000)}) == 1_000


def test_results_of_commands(tmp_path: Path) -> None:
    output = tmp_path / "operation-1.log"
    good = result_of({"stdout": "one", "stderr": "two"}, 0.5, output)
    assert (good.exit_code, good.tail, good.output) == (0, "one\ntwo", output)
    assert output.read_text() == "one\ntwo"
    nothing = result_of({"stdout": "", "stderr": "", "returnCodeInterpretation": "No matches found"}, 0.5, output)
    assert (nothing.exit_code, nothing.tail) == (1, "")
    bad = failure_of("Exit code 124\nran out of time", 0.5, output, is_command=True)
    assert (bad.exit_code, bad.tail) == (124, "ran out of time")
    stopped = failure_of("the call was interrupted", 0.5, output, is_command=True)
    assert (stopped.exit_code, stopped.tail) == (1, "the call was interrupted")
    long = result_of({"stdout": "é" * 5_000, "stderr": ""}, 0.5, output)
    assert len(long.tail.encode()) <= 2_003
    assert result_of({"filePath": "a"}, 0.5, output).digest != result_of({"filePath": "b"}, 0.5, output).digest


TOKEN = {"session": "s", "usd": 0.0}


def result(**changes: Any) -> Any:
    values = {
        "subtype": "success", "is_error": False, "terminal_reason": "completed", "result": "Done.", "errors": None,
        "api_error_status": None, "total_cost_usd": 0.0, "uuid": "u",
    }  # fmt: skip
    return SimpleNamespace(**{**values, **changes})


@pytest.mark.parametrize(
    ("said", "status", "kind"),
    [
        ({}, "finished", None),
        ({"result": ""}, "finished", None),
        ({"terminal_reason": None}, "finished", None),
        ({"terminal_reason": "hook_stopped"}, "failed", None),
        ({"terminal_reason": "some_new_reason"}, "failed", None),
        ({"is_error": True}, "failed", None),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 401}, "error", "authentication"),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 403}, "error", "authentication"),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 404}, "failed", "request"),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 429}, "interrupted", "rate_limit"),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 500}, "interrupted", "overloaded"),
        ({"is_error": True, "terminal_reason": "api_error", "api_error_status": 529}, "interrupted", "overloaded"),
        ({"is_error": True, "terminal_reason": "api_error"}, "interrupted", "network"),
        ({"is_error": True, "terminal_reason": "prompt_too_long"}, "failed", "request"),
        ({"is_error": True, "terminal_reason": "max_turns"}, "failed", "turns"),
        ({"is_error": True, "terminal_reason": "budget_exhausted"}, "interrupted", "budget"),
    ],
)
def test_an_end_is_judged_by_its_reason(said: dict[str, Any], status: str, kind: str | None) -> None:
    outcome = claude_ends.ended(result(**said), TOKEN, "anthropic", None)
    assert outcome.status == status
    assert (outcome.fault.kind if outcome.fault else None) == kind
    assert (outcome.resume == TOKEN) is (status == "interrupted")


def test_a_limit_says_until_when_it_holds() -> None:
    limited = {"is_error": True, "terminal_reason": "api_error", "api_error_status": 429}
    for at, expected in ((4e9, 4e9), (5.0, None), (None, None)):
        fault = claude_ends.ended(result(**limited), TOKEN, "anthropic", at).fault
        assert fault is not None
        assert fault.retry_at == expected


class Spender:
    """A host that only hears of spending."""

    def __init__(self) -> None:
        self.calls: dict[str, Usage] = {}

    async def spend(self, usage: Usage, key: str) -> bool:
        assert key not in self.calls
        self.calls[key] = usage
        return True

    def usd(self) -> float:
        return round(sum(usage.usd or 0.0 for usage in self.calls.values()), 9)


def events(call: str, tokens: int) -> list[dict[str, Any]]:
    start = {"id": call, "model": "claude-sonnet-4-5", "usage": {"input_tokens": tokens, "output_tokens": 1}}
    delta = {"type": "message_delta", "usage": {"output_tokens": 50}}
    return [{"type": "message_start", "message": start}, delta, {"type": "message_stop"}]


@pytest.mark.parametrize("limited", [False, True])
def test_a_bill_is_what_the_client_says_however_often_the_session_goes_on(limited: bool) -> None:
    asyncio.run(_billed(limited=limited))


async def _billed(*, limited: bool) -> None:
    host = Spender()
    first = Bill(cast(Any, host), "anthropic", 0.0, limited=limited)
    for event in [*events("m1", 1_000), *events("m2", 2_000)]:
        assert await first.hear(event)
    await first.settle(result(total_cost_usd=0.012, uuid="r1"))
    assert host.usd() == 0.012
    killed = Bill(cast(Any, host), "anthropic", first.total_usd, limited=limited)
    for event in events("m3", 500):
        await killed.hear(event)
    lost = host.usd() - 0.012
    resumed = Bill(cast(Any, host), "anthropic", first.total_usd, limited=limited)
    for event in events("m4", 500):
        await resumed.hear(event)
    await resumed.settle(result(total_cost_usd=0.015, uuid="r2"))
    assert host.usd() == round(0.015 + lost, 9)
    assert sum(usage.input_tokens for usage in host.calls.values()) == 4_000
    assert sum(usage.output_tokens for usage in host.calls.values()) == 200
    assert (lost > 0) is limited, "where spending is limited, the table's price stands in for what was lost"
