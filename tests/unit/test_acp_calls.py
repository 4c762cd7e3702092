"""What the tool calls of ACP agents stand for, and how their errors are read; without the package."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claude_orchestrator.agents.acp.agent import AcpAgent, method_for
from claude_orchestrator.agents.acp.calls import Call
from claude_orchestrator.agents.acp.faults import outcome_of
from claude_orchestrator.agents.base import Assignment
from claude_orchestrator.agents.leave import policy_of
from claude_orchestrator.safety.classifier import classify
from claude_orchestrator.safety.operations import Decision

WORKTREE = Path("/work/tree")


def call(kind: str, title: str = "", **values: Any) -> Call:
    return Call(title=title, kind=kind, **values)


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (call("execute", raw={"command": "ls -la | wc"}), [("run", "ls -la | wc", "")]),
        (call("execute", raw={"command": ["bash", "-lc", "ls"]}), [("run", "bash -lc ls", "")]),
        (call("execute", raw={"command": "git", "args": ["log", "-1"]}), [("run", "git log -1", "")]),
        (call("execute", "`ls`"), [("run", "ls", "")]),
        (call("execute", "ls [in /x] (shows `a`)"), [("run", "ls [in /x] (shows `a`)", "")]),
        (call("execute"), [("run", "", "")]),
        (call("edit", diffs=[("/work/tree/a.py", None, "new")]), [("write", "a.py", "new")]),
        (call("edit", diffs=[("a.py", "old", "new")], paths=["/work/tree/a.py"]), [("replace", "a.py", "new")]),
        (call("edit", diffs=[("a.py", "", "new")]), [("write", "a.py", "new")]),
        (call("edit", paths=["a.py"], raw={"command": "create"}), [("tool", "Edit", "")]),
        (
            call("edit", diffs=[("a", None, "1"), ("/etc/b", None, "2")]),
            [("write", "a", "1"), ("write", "/etc/b", "2")],
        ),
        (call("edit", "Edit"), [("tool", "acp.Edit", "")]),
        (call("delete", paths=["a", "b"]), [("delete", "a", ""), ("delete", "b", "")]),
        (call("move", paths=["a", "b"]), [("move", "a", "b")]),
        (call("move", "Move", paths=["a"]), [("tool", "acp.Move", "")]),
        (call("read", raw={"file_path": "/work/tree/x/../../etc"}), [("read", "/work/tree/x/../../etc", "")]),
        (call("read", "TodoWrite"), [("tool", "acp.TodoWrite", "")]),
        (call("search"), [("read", ".", "")]),
        (call("search", raw={"pattern": "x", "dir_path": "/etc"}), [("read", "/etc", "")]),
        (call("read", raw={"path": "a", "paths": ["b", "/etc/c"]}), [("read", p, "") for p in ("a", "b", "/etc/c")]),
        (
            call("edit", diffs=[("a", None, "1")], raw={"command": "rm x"}),
            [("run", "rm x", ""), ("write", "a", "1")],
        ),
        (call("fetch", raw={"url": "https://example.org"}), [("http", "GET https://example.org", "")]),
        (call("fetch", "Fetch"), [("tool", "acp.Fetch", "")]),
        (call("think"), [("tool", "think", "")]),
        (call("switch_mode", "Bypass"), [("tool", "acp.Bypass", "")]),
        (call("other", "think"), [("tool", "acp.think", "")]),
        (call("", ""), [("tool", "acp.unnamed", "")]),
        (call("read", paths=["a"], raw={"command": "rm x"}), [("run", "rm x", ""), ("read", "a", "")]),
        (call("other", raw={"cmd": "rm x"}), [("run", "rm x", "")]),
        (call("think", raw={"command": "rm x"}), [("run", "rm x", ""), ("tool", "think", "")]),
    ],
)
def test_operations(made: Call, expected: list[tuple[str, str, str]]) -> None:
    found = made.operations(WORKTREE)
    assert [(operation.kind, operation.target, operation.content) for operation in found] == expected
    assert {operation.workspace for operation in found} == {WORKTREE}


def test_the_folder_of_a_command() -> None:
    (inside,) = call("execute", raw={"command": "ls", "cwd": "sub"}).operations(WORKTREE)
    (outside,) = call("execute", raw={"command": "ls", "workdir": "/etc"}).operations(WORKTREE)
    assert (inside.cwd, outside.cwd) == (WORKTREE / "sub", Path("/etc"))


@pytest.mark.parametrize("title", ["think", "TodoWrite", "read_file", "inbox.approve", "a\u202eb"])
def test_a_name_alone_makes_nothing_safe(title: str) -> None:
    (operation,) = call("other", title).operations(WORKTREE)
    assert classify(operation, policy_of({})).decision is not Decision.SAFE


def test_what_is_learnt_is_added_up() -> None:
    made = Call()
    text = SimpleNamespace(type="content", content=SimpleNamespace(text="out"))
    nothing: dict[str, Any] = dict.fromkeys(
        ("title", "kind", "status", "raw_input", "raw_output", "locations", "content")
    )
    made.learn(SimpleNamespace(**{**nothing, "title": "Run", "kind": "execute", "status": "pending"}))  # type: ignore[arg-type]
    made.learn(SimpleNamespace(**{**nothing, "raw_input": {"command": "ls"}, "content": [text]}))  # type: ignore[arg-type]
    assert not made.is_over
    made.learn(SimpleNamespace(**{**nothing, "status": "failed"}))  # type: ignore[arg-type]
    assert made.is_over
    assert made.outcome() == (1, "out")
    made.learn(SimpleNamespace(**{**nothing, "content": []}))  # type: ignore[arg-type]
    assert made.outcome() == (1, "")
    made.learn(SimpleNamespace(**{**nothing, "raw_output": {"exitCode": 4, "stdout": "more"}}))  # type: ignore[arg-type]
    assert made.outcome() == (4, "more")
    assert made.operations(WORKTREE)[0].target == "ls"


@pytest.mark.parametrize(
    ("code", "message", "data", "status", "kind"),
    [
        (-32000, "Authentication required", None, "error", "authentication"),
        (-32603, "Internal error", {"details": "Quota exceeded"}, "interrupted", "rate_limit"),
        (-32603, "Internal error", "HTTP 503", "interrupted", "overloaded"),
        (-32603, "Internal error", {"code": "ETIMEDOUT"}, "interrupted", "network"),
        (-32602, "Invalid params", {"errors": []}, "failed", ""),
    ],
)
def test_errors(code: int, message: str, data: Any, status: str, kind: str) -> None:
    outcome = outcome_of(code, message, data, "agent", {"session": "s"})
    assert (outcome.status, outcome.fault.kind if outcome.fault else "") == (status, kind)
    assert outcome.resume == ({"session": "s"} if status == "interrupted" else None)
    assert outcome.detail.startswith("agent answered with an error: ")
    assert "\n" not in outcome.detail


def test_without_the_package(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setitem(sys.modules, "acp", None)
    values: dict[str, Any] = dict.fromkeys(("attempt_id", "run_id", "task_id", "agent", "prompt"), "x")
    places = dict.fromkeys(("worktree", "folder", "database"), tmp_path)
    assignment = Assignment(**values, **places, number=1, options={"command": ["gemini", "--acp"]}, timeout_s=1.0)
    outcome = asyncio.run(AcpAgent().work(assignment, None))  # type: ignore[arg-type]
    assert outcome.status == "error"
    assert "pip install 'claude-orchestrator[acp]'" in outcome.detail
    assert outcome.fault
    assert outcome.fault.kind == "setup"


def method(name: str, description: str | None = None, variables: list[tuple[str, bool]] | None = None) -> Any:
    named = None if variables is None else [SimpleNamespace(name=one, optional=other) for one, other in variables]
    return SimpleNamespace(id=name, name=name.title(), description=description, vars=named)


def test_the_way_to_log_in() -> None:
    browser, by_id = method("oauth-personal"), method("gemini-api-key")
    by_words = method("key", "Requires setting the `SOME_API_KEY` environment variable")
    by_list = method("list", variables=[("A_KEY", False), ("B_URL", True)])
    every = [browser, by_list, by_words, by_id]
    assert method_for(every, {}) is None
    assert method_for(every, {"GEMINI_API_KEY": "x"}) == "gemini-api-key"
    assert method_for(every, {"SOME_API_KEY": "x", "GEMINI_API_KEY": "x"}) == "key"
    assert method_for(every, {"A_KEY": "x"}) == "list"
    assert method_for(every, {"B_URL": "x"}) is None
