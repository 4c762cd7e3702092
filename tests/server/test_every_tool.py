"""Every tool in both eras: what it says when it works, what it says when it does not, and what it refuses."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest
from mcp import Client
from server_world import ERAS, PLAN, World, accepts, furnish

from claude_orchestrator.server.table import TOOLS

YES = accepts(decision="approve")
MISTAKEN = {"goal": "x", "phases": [{"id": "a", "tasks": [{"id": "b", "promt": "?"}]}]}


@dataclass(frozen=True)
class Case:
    """How one tool is tried in a furnished world: a call that works, and one that is well formed and does not fit."""

    works: Mapping[str, Any]
    says: str
    """Part of the answer of the call that works."""
    fails: Mapping[str, Any]
    complains: str
    """Part of the answer to the other: what would fit, or what to call next."""
    aliases: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Other name → arguments as they are called there."""
    asks: bool = False
    """The person is shown a form, and agrees."""


CASES = {
    "status": Case(
        {}, "r1 incomplete 0/1 tasks: Say hello", {"view": "all"}, "'summary', 'health' or 'context'",
        aliases={"health_check": {}, "healing_status": {}},
    ),
    "plan_start": Case(
        {"goal": "Add a discount to prices"}, "s2 gathering_requirements (feature): Add a discount to prices",
        {"goal": "x", "project": "nowhere"}, "is not a folder",
        aliases={
            "start_planning_session": {"project_path": ".", "goal": "Add a discount to prices"},
            "create_plan": {"goal": "Add a discount to prices", "description": "for members"},
        },
    ),
    "plan_answer": Case(
        {"session": "s1", "answers": {"difficulty": "hard"}}, "s1 gathering_requirements",
        {"session": "s1", "answers": {"difficulty": "impossible"}}, "easy, medium, hard",
        aliases={"answer_planning_question": {"session_id": "s1", "question_id": "difficulty", "answer": "hard"}},
    ),
    "run_start": Case(
        {"plan": "p2"}, "r2 runs p2 version 1 in the background", {"plan": "p9"}, "there is no plan p9", asks=True,
        aliases={
            "spawn_agent": {"task": "Write hello.txt", "files": ["hello.txt"]},
            "start_claude_session": {"prompt": "Write hello.txt", "project_path": "."},
        },
    ),
    "run_get": Case(
        {}, "r1 incomplete 0/1 tasks", {"run": "r9"}, "there is no run 'r9': the newest are r1",
        aliases={
            "tasks_list": {}, "get_pending_tasks": {"run_id": "r1"}, "get_task_details": {"task_id": "r1.hello"},
            "get_session_output": {"session_id": "r1", "task_id": "hello"}, "audit_status": {"limit": 3},
        },
    ),
    "inbox_list": Case(
        {}, "g1 (escalation) of r1.hello: Every attempt has failed", {"gate": "g9"}, "open are g1",
        aliases={"inbox_status": {}},
    ),
    "inbox_answer": Case(
        {"gate": "g1", "decision": "deny"}, "g1 is approved; r1 goes on", {"gate": "g9"}, "open are g1", asks=True,
        aliases={
            "approve_action": {"action_id": "g1", "approved": True},
            "approve_session_action": {"approval_id": "g1", "decision": "approve"},
        },
    ),
    "request_tool": Case(
        {"category": "cost", "reason": "to see what it costs"}, '"tools_loaded": ["cost_summary", "cost_set_budget"]',
        {"category": "money"}, "'core', 'planning', 'runs', 'verify', 'safety', 'cost', 'skills' or 'all'",
    ),
    "call_tool": Case(
        {"name": "run_list", "arguments": {"limit": 1}}, "r1 incomplete", {"name": "run_lst"}, "mean 'run_list'",
    ),
    "plan_get": Case(
        {"id": "p2", "view": "yaml"}, "goal: Say hello", {"id": "p9"}, "there is no plan p9",
        aliases={"get_plan": {"plan_id": "p1"}, "get_planning_session": {"session_id": "s1"}},
    ),
    "plan_list": Case(
        {}, "p2 version 1 (not approved): Say hello", {"limit": 0}, "greater than or equal to 1",
        aliases={"list_plans": {}, "list_planning_sessions": {}},
    ),
    "plan_edit": Case(
        {"session": "s1", "questions": [{"id": "colour", "text": "Which colour?", "options": ["red", "blue"],
         "changes": "the colour"}]},
        "- colour: Which colour? [red|blue]", {"session": "s1", "plan": MISTAKEN}, "did you mean 'prompt'",
    ),
    "plan_approve": Case(
        {"id": "p2"}, "p2 version 1 is approved\nnext: run_start(plan=p2)", {"id": "p9"}, "there is no plan p9",
        asks=True, aliases={"approve_planning_session": {"session_id": "p2"}},
    ),
    "run_list": Case(
        {}, "r1 incomplete 0/1 tasks: Say hello", {"cursor": "x"}, "such as r12", aliases={"list_claude_sessions": {}},
    ),
    "run_wait": Case({"max_s": 0.01}, "r1 incomplete 0/1 tasks", {"run": "r9"}, "there is no run 'r9'"),
    "run_control": Case(
        {"run": "r1", "action": "resume"}, "r1 goes on in the background", {"run": "r1", "action": "stop"},
        "'pause', 'resume' or 'cancel'", aliases={"stop_claude_session": {"session_id": "r1"}},
    ),
    "verify": Case(
        {"base": "HEAD", "checks": ["ruff"]}, "nothing was changed", {"base": "HEAD", "checks": ["x"]}, "use some of",
        aliases={"run_verification": {"base": "HEAD", "checks": ["ruff"], "project_path": "."}},
    ),
    "classify": Case({"operation": "rm -rf /"}, "blocked: B1: deletes /", {"operation": "ls", "kind": "x"}, "'shell'"),
    "policy_get": Case({}, "preset standard in", {"cwd": 7}, "valid string"),
    "cost_summary": Case({}, "total: $0.00 in 0 calls", {"run": "r9"}, "there is no run 'r9'"),
    "cost_set_budget": Case(
        {"provider": "anthropic", "daily": 5}, "anthropic", {"provider": "anthropic"}, "daily, monthly or both",
        asks=True,
    ),
    "skill_list": Case(
        {}, "tests-that-can-fail (built-in)", {"task": 7}, "valid string", aliases={"list_skills": {}},
    ),
    "skill_get": Case(
        {"name": "tests-that-can-fail"}, "Write tests that would notice the bug", {"name": "cooking"},
        "there are reading-a-verdict", aliases={"get_skill_details": {"skill_name": "tests-that-can-fail"}},
    ),
}  # fmt: skip

READING = {tool.name for tool in TOOLS if tool.reads} | {"call_tool", "run_wait", "verify"}
"""Tools whose call that works changes nothing of a furnished world."""

NAMES = [tool.name for tool in TOOLS]
OTHER_NAMES = [(name, other) for name, case in CASES.items() for other in case.aliases]


@pytest.fixture
def world(request: pytest.FixtureRequest, name: str, movers: list[str]) -> World:
    """The furnished world, or one of its own for a tool that changes something."""
    if name in READING:
        found: World = request.getfixturevalue("furnished")
        return found
    own: World = request.getfixturevalue("server")
    furnish(own)
    return own


def test_every_tool_and_every_other_name_has_a_case() -> None:
    assert sorted(CASES) == sorted(NAMES)
    assert {tool.name: sorted(alias.name for alias in tool.aliases) for tool in TOOLS} == {
        name: sorted(case.aliases) for name, case in CASES.items()
    }


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", NAMES)
def test_a_tool_does_what_it_says(world: World, name: str, era: str) -> None:
    case = CASES[name]
    said = world.call(name, case.works, era=era, person=YES if case.asks else None)
    assert not said.failed, said.text
    assert case.says in said.text
    assert bool(said.forms) == case.asks


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", NAMES)
def test_an_error_says_what_would_do(furnished: World, movers: list[str], name: str, era: str) -> None:
    said = furnished.call(name, CASES[name].fails, era=era, person=YES)
    assert said.failed, said.text
    assert CASES[name].complains in said.text
    assert not any(word in said.text for word in ("Traceback", "pydantic", "Error executing"))
    assert not movers


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", NAMES)
def test_an_unknown_argument_is_refused_and_nothing_is_done(
    furnished: World, movers: list[str], name: str, era: str
) -> None:
    said = furnished.call(name, {**CASES[name].works, "verbse": True}, era=era, person=YES)
    assert said.failed
    assert "there is no argument 'verbse'" in said.text
    assert f"It takes: {name}(" in said.text
    assert not said.forms
    assert not movers


@pytest.mark.parametrize(("name", "other"), OTHER_NAMES, ids=[other for _, other in OTHER_NAMES])
def test_another_name_does_the_same(world: World, name: str, other: str) -> None:
    case = CASES[name]
    for era in ERAS if name in READING - {"verify"} else ERAS[:1]:
        said = world.call(other, case.aliases[other], era=era, person=YES if case.asks else None)
        assert not said.failed, said.text
        assert bool(said.forms) == case.asks


@pytest.mark.parametrize("era", ERAS)
def test_other_names_are_not_listed(furnished: World, era: str) -> None:
    async def listed() -> set[str]:
        async with Client(furnished.app(), mode=era) as client:
            return {tool.name for tool in (await client.list_tools()).tools}

    assert not asyncio.run(listed()) & {other for _, other in OTHER_NAMES}


def test_other_names_give_their_arguments_to_the_right_ones(server: World, movers: list[str]) -> None:
    furnish(server)
    answer = {"session_id": "s1", "question_id": "difficulty", "answer": "hard"}
    assert not server.call("answer_planning_question", answer).failed
    questions = server.call("plan_get", {"id": "s1", "view": "questions"}).text.splitlines()
    assert "= hard (by host)" in next(line for line in questions if line.startswith("- difficulty"))
    assert "there is no argument 'priority'" in server.call("create_plan", {"goal": "x", "priority": 1}).text
    denied = server.call("approve_action", {"id": "g1", "approved": False}, person=YES)
    assert "(the model proposes: deny)" in denied.forms[0].message


def test_objects_that_a_model_writes_as_text_are_taken_for_what_they_say(furnished: World) -> None:
    said = furnished.call("call_tool", {"name": "run_list", "arguments": json.dumps({"limit": 1})})
    assert not said.failed, said.text


def test_the_hosts_draft_is_checked_and_reviewed_at_once(server: World) -> None:
    furnish(server)
    said = server.call("plan_edit", {"session": "s1", "plan": PLAN})
    assert not said.failed, said.text
    assert said.text.startswith("s1 reviewing (feature)")
    assert "estimate:" in said.text


def test_what_goes_wrong_inside_is_told_without_its_details(furnished: World, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(*_: object) -> None:
        raise KeyError("a secret of the inside")

    monkeypatch.setattr("claude_orchestrator.state.runs.recent", broken)
    said = furnished.call("run_list")
    assert said.failed
    assert "run_list failed unexpectedly (KeyError)" in said.text
    assert "secret" not in said.text
