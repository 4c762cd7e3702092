"""A person approves what they were shown: nothing that has taken its place, and nothing that a text hides."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.types import ElicitResult
from server_world import CANCELS, ERAS, Said, World, accepts, furnish, make_project, said

from claude_orchestrator.server.principals import Principal
from claude_orchestrator.server.texts import gate_lines

YES = accepts(decision="approve")


def _plan(**task: Any) -> dict[str, Any]:
    """A plan with one task, which is the same to look at whatever it does."""
    same = {"id": "hello", "title": "Write it", "files": ["hello.txt"], "creates": ["hello.txt"], "checks": []}
    return {"goal": "Say hello", "phases": [{"id": "work", "tasks": [{**same, **task}]}]}


SHOWN = _plan(prompt="Write hello.txt")
OTHER = _plan(prompt="Write what nobody has asked for")


async def _edited(world: World, plan: dict[str, Any]) -> None:
    async with Client(world.app()) as client:
        assert not (await client.call_tool("plan_edit", {"session": "s1", "plan": plan})).is_error


def _approved_while(world: World, era: str, change: Callable[[], Any]) -> tuple[Said, list[str]]:
    """Approve s1, with something that happens between the form and the first answer to it; and what was shown."""
    shown: list[str] = []

    async def person(_: Any, params: Any) -> ElicitResult:
        shown.append(params.message)
        if len(shown) == 1:
            await change()
        return YES if len(shown) == 1 else ElicitResult(action="cancel")

    async def made() -> Said:
        async with Client(world.app(), mode=era, elicitation_callback=person) as client:
            return said(await client.call_tool("plan_approve", {"id": "s1"}))

    return asyncio.run(made()), shown


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    "other", [OTHER, {**OTHER, "goal": "Something else"}], ids=["looks-the-same", "looks-different"]
)
def test_a_draft_that_took_the_place_of_the_one_shown_is_not_approved(
    server: World, era: str, other: dict[str, Any]
) -> None:
    furnish(server)
    server.call("plan_edit", {"session": "s1", "plan": SHOWN})
    answer, _ = _approved_while(server, era, lambda: _edited(server, other))
    assert "is approved" not in answer.text
    assert "planning, reviewing" in server.call("status").text


@pytest.mark.parametrize("era", ERAS)
def test_a_draft_that_stayed_is_approved(server: World, era: str) -> None:
    furnish(server)
    server.call("plan_edit", {"session": "s1", "plan": SHOWN})

    async def nothing() -> None:
        pass

    answer, shown = _approved_while(server, era, nothing)
    assert answer.text.startswith("s1 is approved as p3")
    assert len(shown) == 1


@pytest.mark.parametrize("era", ERAS)
def test_a_model_raises_no_budget_that_the_person_has_approved(server: World, movers: list[str], era: str) -> None:
    plan = server.store({**SHOWN, "budget": 5})
    server.call("plan_approve", {"id": plan}, person=YES)
    refused = server.call("run_start", {"plan": plan, "budget": 5000}, era=era)
    assert refused.failed
    assert "budget = 5000 is more than the $5 of p1, and only a person can" in refused.text
    assert not movers
    server.call("run_start", {"plan": plan, "budget": 2}, era=era)
    assert "of $2.00" in server.call("cost_summary", {"run": "r1"}).text


@pytest.mark.parametrize("era", ERAS)
def test_a_form_shows_the_programs_that_a_plan_runs(server: World, era: str) -> None:
    server.store(_plan(command=["sh", "-c", "echo one | tee hello.txt"]))
    runs = [{"run": f"echo {number}"} for number in range(10)]
    server.store(_plan(operations=[*runs, {"write": "hello.txt", "content": ""}]))
    (form,) = server.call("plan_approve", {"id": "p1"}, era=era, person=YES).forms
    assert "    runs: sh -c 'echo one | tee hello.txt'" in form.message.splitlines()
    (form,) = server.call("plan_approve", {"id": "p2"}, era=era, person=YES).forms
    shown = [line for line in form.message.splitlines() if line.startswith("    runs: ")]
    assert shown == [*(f"    runs: echo {number}" for number in range(8)), "    runs: … and 2 more"]


def test_programs_are_shown_also_of_tasks_that_are_not(server: World) -> None:
    tasks = [{**_plan(prompt="Write it")["phases"][0]["tasks"][0], "id": f"t{number}"} for number in range(12)]
    last = {"id": "last", "files": ["x.txt"], "creates": ["x.txt"], "command": ["sh", "-c", "echo x > x.txt"]}
    chain = [{**task, "creates": ["hello.txt"] if task["id"] == "t0" else []} for task in tasks]
    server.store({"goal": "Say hello", "phases": [{"id": "work", "tasks": [*chain, last]}]})
    (form,) = server.call("plan_approve", {"id": "p1"}, person=YES).forms
    assert "    last runs: sh -c 'echo x > x.txt'" in form.message.splitlines()


@pytest.mark.parametrize("era", ERAS)
def test_no_text_of_a_plan_looks_like_the_form_around_it(server: World, era: str) -> None:
    plan = _plan(prompt="Write hello.txt", title="Write\n- other: it (x; checks: 4)\x1b[2J\u202e" + "x" * 5000)
    server.store({**plan, "goal": "Say\nIt may spend $1 on models.\x1b[2J"})
    (form,) = server.call("plan_approve", {"id": "p1"}, era=era, person=YES).forms
    first, second, *rest = form.message.splitlines()
    assert first == "Approve plan p1 version 1? Say It may spend $1 on models.\\u001b[2J"
    assert second.startswith("- hello: Write - other: it (x; checks: 4)\\u001b[2J\\u202ex")
    assert len(second) < 300
    assert all(line.startswith(("warning ", "estimate: ")) for line in rest)


@pytest.mark.parametrize("era", ERAS)
def test_looking_at_the_map_changes_nothing(server: World, era: str) -> None:
    server.call("plan_start", {"goal": "Add a discount to prices"})
    stored = "SELECT * FROM planning_session"
    before = server.read(lambda db: db.fetch_all(stored))
    (server.project / "src/shop/coupons.py").write_text("def coupon() -> int:\n    return 1\n")
    who = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    for words in (("add", "."), ("commit", "--quiet", "--message=more")):
        subprocess.run(["git", *who, *words], cwd=server.project, check=True)
    shown = server.call("plan_get", {"id": "s1", "view": "map"}, era=era, read_only=True)
    assert "coupons" in shown.text
    assert server.read(lambda db: db.fetch_all(stored)) == before


@pytest.mark.parametrize("files", [["/etc/passwd"], ["../elsewhere.py"]])
def test_a_task_that_cannot_be_is_answered_with_why(server: World, movers: list[str], files: list[str]) -> None:
    refused = server.call("run_start", {"prompt": "Change it", "files": files}, person=YES)
    assert refused.failed
    assert files[0] in refused.text
    assert "unexpectedly" not in refused.text


@pytest.mark.parametrize("era", ERAS)
def test_what_a_model_answers_does_not_look_like_what_the_person_has_answered(server: World, era: str) -> None:
    server.call("plan_start", {"goal": "Add a discount to prices"})
    mine = "It works\nanswered by you: 13 questions\x1b[8m"
    server.call("plan_answer", {"session": "s1", "answers": {"done-when": mine}, "defaults": True})
    server.call("plan_edit", {"session": "s1", "plan": SHOWN})
    (form,) = server.call("plan_approve", {"id": "s1"}, era=era, person=YES).forms
    assert "answered for you by the model: done-when = It works answered by you: 13 questions\\u001b[8m" in form.message
    assert not any(line.startswith("answered by you") for line in form.message.splitlines())


@pytest.mark.parametrize("era", ERAS)
def test_no_text_of_a_question_is_obeyed_by_a_terminal(server: World, era: str) -> None:
    server.call("plan_start", {"goal": "Add a discount to prices"})
    odd = "\x1b]0;x\x07\u202e"
    option = {"value": "a", "label": f"A{odd}"}
    question = {"id": "extra", "text": f"What{odd}?", "options": [option, {"value": "b"}], "changes": odd}
    server.call("plan_edit", {"session": "s1", "questions": [question]})
    shown = server.call("plan_answer", {"session": "s1"}, era=era, person=[accepts(), accepts(), accepts(), accepts()])
    texts = json.dumps([form.model_dump(mode="json") for form in shown.forms], ensure_ascii=False)
    assert "\\\\u001b]0;x" in texts
    assert "\u202e" not in texts
    assert "\\u001b" not in texts.replace("\\\\u001b", "")


def test_the_folder_of_an_operation_stays_on_its_line() -> None:
    operation = {"cwd": "/work/a\nrule S1, risk low"}
    gate = {"id": "g1", "status": "open", "kind": "operation", "run_id": "r1", "task_id": "a", "question": "May it?"}
    more = {"rule": "B1", "risk": "high", "operation": operation, "effects": [], "shown": "x", "suggestion": None}
    assert "rule B1, risk high, in /work/a rule S1, risk low" in gate_lines({**gate, **more})


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("answer", [None, accepts(decision="refuse"), CANCELS], ids=["unsupported", "no", "cancelled"])
def test_a_model_alone_moves_no_branch_that_is_there(
    server: World, movers: list[str], era: str, answer: ElicitResult | None
) -> None:
    subprocess.run(["git", "branch", "release"], cwd=server.project, check=True)
    wanted = {"plan": server.store(SHOWN), "target": "release"}
    server.call("plan_approve", {"id": "p1"}, person=YES)
    refused = server.call("run_start", wanted, era=era, person=answer)
    assert refused.failed
    assert refused.text.startswith("nothing was started")
    if answer != accepts(decision="refuse"):
        assert "claude-orchestrator run p1 --target release" in refused.text
    assert not movers
    started = server.call("run_start", wanted, era=era, person=YES)
    assert "verified work goes to release" in started.text
    assert [form.message for form in started.forms] == [
        "Merge verified work of p1 version 1 into release, which is there already?"
    ]
    assert "goes to new-one" in server.call("run_start", {"plan": "p1", "target": "new-one"}, era=era).text


def test_a_branch_that_is_there_needs_the_scope_of_who_approves(server: World, movers: list[str]) -> None:
    subprocess.run(["git", "branch", "release"], cwd=server.project, check=True)
    server.store(SHOWN)
    server.call("plan_approve", {"id": "p1"}, person=YES)
    writer = Principal("writer", frozenset({"read", "write"}))
    refused = server.call("run_start", {"plan": "p1", "target": "release"}, person=YES, who_calls=lambda: writer)
    assert "only a person can let a run move it" in refused.text
    assert not refused.forms
    assert not movers


@pytest.mark.timeout(60)
def test_what_stands_in_place_of_a_log_is_not_shown(server: World, tmp_path: Path) -> None:
    run = server.run(moved=True)
    launch = next(server.settings.attempts.glob("*/launch-*"))
    (tmp_path / "secret").write_text("what nobody should see")
    (launch / "link.log").symlink_to(tmp_path / "secret")
    os.mkfifo(launch / "pipe.log")
    shown = server.call("run_get", {"run": run, "task": "hello", "view": "output"})
    assert not shown.failed
    assert "what nobody should see" not in shown.text


@pytest.mark.parametrize("era", ERAS)
def test_a_model_runs_a_plan_in_the_repository_alone_that_it_was_approved_for(
    server: World, movers: list[str], tmp_path: Path, era: str
) -> None:
    other = make_project(tmp_path / "other")
    who = ("-c", "user.name=other", "-c", "user.email=other@localhost")
    subprocess.run(
        ["git", *who, "commit", "--quiet", "--amend", "--reset-author", "--message=other"], cwd=other, check=True
    )
    server.store(SHOWN)
    server.call("plan_approve", {"id": "p1"}, person=YES)
    refused = server.call("run_start", {"plan": "p1", "project": str(other)}, era=era, person=YES)
    assert refused.failed
    assert f"claude-orchestrator run p1 --project {other}" in refused.text
    assert not movers
    assert not server.call("run_start", {"plan": "p1"}, era=era).failed
