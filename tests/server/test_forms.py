"""What a person is asked and what comes of each way to end a form, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.types import ElicitResult, ErrorData, InputRequiredResult
from server_world import CANCELS, DECLINES, ERAS, PLAN, Person, Said, World, accepts, furnish, said

from claude_orchestrator.orchestrator import humans
from claude_orchestrator.orchestrator.planning.models import Option, Question
from claude_orchestrator.server import inbox, keys
from claude_orchestrator.server.planning_forms import answer_in, fields_of
from claude_orchestrator.server.principals import Principal
from claude_orchestrator.state import events

YES = accepts(decision="approve")
NO = accepts(decision="refuse")
LEAVES_OPEN = {
    "unsupported": (None, "this client cannot show forms"),
    "cancelled": (CANCELS, "nobody has answered the form"),
    "declined": (DECLINES, "the person has declined the form"),
    "empty": (accepts(), "the form came back without a decision"),
    "refused": (NO, "the person does not want it like this"),
    "nonsense": (accepts(decision="yes, please"), "the form came back without a decision"),
}
"""How a form can end without a yes, and what is said then."""


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("way", LEAVES_OPEN)
def test_only_a_yes_in_the_form_approves_a_plan(server: World, era: str, way: str) -> None:
    person, why = LEAVES_OPEN[way]
    plan = server.store()
    said = server.call("plan_approve", {"id": plan}, era=era, person=person)
    assert why in said.text
    assert way == "refused" or "claude-orchestrator plan approve p1" in said.text
    assert not server.approved(plan)
    assert "p1 version 1 is approved" in server.call("plan_approve", {"id": plan}, era=era, person=YES).text
    assert server.approved(plan)
    again = server.call("plan_approve", {"id": plan}, era=era)
    assert "approved already" in again.text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("way", LEAVES_OPEN)
def test_nothing_starts_without_an_approval(server: World, movers: list[str], era: str, way: str) -> None:
    person, why = LEAVES_OPEN[way]
    plan = server.store()
    said = server.call("run_start", {"plan": plan}, era=era, person=person)
    assert said.failed
    assert said.text.startswith("nothing was started")
    assert why in said.text
    assert not server.approved(plan)
    assert not movers
    assert "no runs yet" in server.call("run_list").text


@pytest.mark.parametrize("era", ERAS)
def test_a_prompt_becomes_one_plan_that_the_person_approves(server: World, movers: list[str], era: str) -> None:
    asked = {"prompt": "Write hello.txt", "files": ["hello.txt"]}
    said = server.call("run_start", asked, era=era, person=YES)
    assert said.text.startswith("r1 runs p1 version 1")
    assert "task: Write hello.txt (hello.txt" in said.forms[0].message
    assert movers == ["r1"]
    assert "p2" not in server.call("plan_list").text


@pytest.mark.parametrize("era", ERAS)
def test_a_plan_file_with_mistakes_is_answered_with_where_they_are(server: World, era: str) -> None:
    (server.project / "bad.yaml").write_text("goal: x\nphases:\n  - id: a\n    taks: []\n")
    said = server.call("run_start", {"plan": "bad.yaml"}, era=era, person=YES)
    assert said.failed
    assert "bad.yaml:4: unknown key 'taks' in phase 'a'. did you mean 'tasks'?" in said.text
    assert not said.forms


@pytest.mark.parametrize("name", ["plan_approve", "run_start"])
def test_a_plan_whose_review_has_errors_is_shown_to_nobody(server: World, movers: list[str], name: str) -> None:
    task = {"id": "a", "prompt": "Change it", "files": ["src/shop/nowhere.py"]}
    plan = server.store({"goal": "x", "phases": [{"id": "work", "tasks": [task]}]})
    said = server.call(name, {"id" if name == "plan_approve" else "plan": plan}, person=YES)
    assert said.failed
    assert "p1 version 1 cannot be approved as it is:\nerror a [missing-file]" in said.text
    assert not said.forms
    assert not server.approved(plan)


def test_only_plan_files_of_the_repository_are_read(server: World, tmp_path: Path) -> None:
    (tmp_path / "elsewhere.yaml").write_text("secret: 1\n")
    for name in ("../elsewhere.yaml", str(tmp_path / "elsewhere.yaml")):
        said = server.call("run_start", {"plan": name}, person=YES)
        assert said.failed
        assert "give a plan file of the repository" in said.text
        assert "secret" not in said.text


def test_a_client_that_cannot_show_the_form_it_has_promised_leaves_the_question_open(server: World) -> None:
    async def broken(*_: object) -> ErrorData:
        return ErrorData(code=-32603, message="no display")

    async def made() -> Said:
        async with Client(server.app(), mode="legacy", elicitation_callback=broken) as client:
            return said(await client.call_tool("inbox_answer", {"gate": gate}))

    gate = server.gate(server.run())
    assert "this client cannot show forms" in asyncio.run(made()).text
    assert server.gate_row(gate)["status"] == "open"


@pytest.mark.parametrize("default", ["keep", "a word of one's own", None])
def test_a_form_offers_no_default_that_cannot_be_chosen(default: str | None) -> None:
    question = Question("names", "May names change?", options=(Option("keep"), Option("other")), default=default)
    field, words = fields_of(question)
    assert field.default == (default if default == "keep" else None)
    assert ("left empty: a word" in field.about) == (default not in ("keep", None))
    assert words.name == "names-other"
    assert answer_in(question, {}) == default
    assert answer_in(question, {"names": "other", "names-other": "never"}) == "never"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("way", LEAVES_OPEN)
def test_only_a_decision_in_the_form_answers_a_question(server: World, movers: list[str], era: str, way: str) -> None:
    person, _ = LEAVES_OPEN[way]
    gate = server.gate(server.run())
    # What the model passes is a yes: that alone must never be enough.
    said = server.call("inbox_answer", {"gate": gate, "decision": "approve"}, era=era, person=person)
    assert f"{gate} stays open" in said.text
    assert way == "refused" or f"claude-orchestrator approve {gate}" in said.text
    assert server.gate_row(gate)["status"] == "open"
    assert not movers


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize(
    ("content", "status", "reason"),
    [
        ({"decision": "approve"}, "approved", ""),
        ({"decision": "deny", "reason": "not now"}, "denied", "not now"),
        ({"decision": "deny"}, "denied", "denied in the form, without a reason"),
    ],
)
def test_the_person_decides_whatever_the_model_proposes(
    server: World, movers: list[str], era: str, content: dict[str, str], status: str, reason: str
) -> None:
    gate = server.gate(server.run())
    proposed = {"gate": gate, "decision": "approve" if status == "denied" else "deny", "reason": "I would"}
    said = server.call("inbox_answer", proposed, era=era, person=accepts(**content))
    row = server.gate_row(gate)
    assert (row["status"], row["reason"], row["channel"]) == (status, reason, "mcp")
    (form,) = said.forms
    assert "Every attempt has failed" in form.message
    assert "the model proposes" in form.message
    assert form.requested_schema["required"] == ["decision"]
    assert "default" not in form.requested_schema["properties"]["decision"]
    assert movers == (["r1"] if status == "approved" else [])
    assert f"{gate} is already {status}" in server.call("inbox_answer", {"gate": gate}, era=era).text


@pytest.mark.parametrize("kind", ["review", "escalation", "budget", "drift", "operation"])
def test_a_form_says_what_a_yes_and_a_no_mean(kind: str) -> None:
    row = {"id": "g1", "status": "open", "kind": kind, "run_id": "r1", "task_id": "a", "question": "?", "rule": "A2",
           "risk": "low", "operation": {"cwd": "/x"}, "effects": [], "shown": "", "suggestion": None}  # fmt: skip
    decision, _ = inbox.gate_form(row).fields
    assert [value for value, _ in decision.options] == ["approve", "deny"]
    assert all(len(label) > len(value) or kind == "operation" for value, label in decision.options)
    more = inbox.gate_form({**row, "suggestion": [{"argv": ["curl", "*"]}]})
    assert [value for value, _ in more.fields[0].options] == ["approve", "pattern", "deny"]
    if kind == "operation":
        assert "'pattern' would allow in all of r1: curl *" in more.message


@pytest.mark.parametrize("era", ERAS)
def test_a_budget_is_set_by_the_person(server: World, era: str) -> None:
    wanted = {"provider": "anthropic", "daily": 5}
    for person, _ in LEAVES_OPEN.values():
        said = server.call("cost_set_budget", wanted, era=era, person=person)
        assert "the budget of anthropic stays open" in said.text
        assert "anthropic" not in server.call("cost_summary").text
    assert "$5.00" in server.call("cost_set_budget", wanted, era=era, person=YES).text
    assert "$5.00" in server.call("cost_summary").text


# -- planning ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_planning_asks_a_few_typed_questions_at_a_time(server: World, era: str) -> None:
    said = server.call("plan_start", {"goal": "Add a discount to prices"}, era=era, person=accepts())
    assert len(said.forms) >= 2
    questions = [name for form in said.forms for name in form.requested_schema["properties"] if "-other" not in name]
    assert len(questions) == len(set(questions)) >= 8
    for form in said.forms:
        asked = [name for name in form.requested_schema["properties"] if not name.endswith("-other")]
        assert len(asked) <= 4
        assert "questions " in form.message
    kinds = {
        (field["type"], "oneOf" in field)
        for form in said.forms
        for field in form.requested_schema["properties"].values()
    }
    assert {("string", True), ("array", False), ("number", False), ("boolean", False), ("string", False)} <= kinds
    assert "0 of" not in said.text
    assert "next: plan_get(s1, view=map)" in said.text  # an empty field takes its default, so all are answered


@pytest.mark.parametrize("era", ERAS)
def test_what_the_person_fills_in_is_kept_and_read_back(server: World, era: str) -> None:
    person = [accepts(where=["other"], **{"where-other": "src/shop/new.py"}, difficulty="hard"), CANCELS]
    said = server.call("plan_start", {"goal": "Add a discount to prices"}, era=era, person=person)
    assert len(said.forms) == 2
    lines = server.call("plan_get", {"id": "s1", "view": "questions"}).text.splitlines()
    assert next(line for line in lines if line.startswith("- where")).endswith("= src/shop/new.py (by person)")
    assert "next: ask the person" in said.text  # cancelled: what is open stays so
    more = server.call("plan_answer", {"session": "s1"}, era=era, person=accepts())
    assert more.forms
    assert "next: plan_get(s1, view=map)" in more.text
    assert "s2" not in server.call("plan_list").text


@pytest.mark.parametrize("era", ERAS)
def test_an_answer_that_will_not_do_is_asked_again_with_the_reason(server: World, era: str) -> None:
    person = [accepts(difficulty="impossible"), accepts(difficulty="impossible"), accepts()]
    said = server.call("plan_start", {"goal": "Add a discount to prices"}, era=era, person=person)
    again = [form for form in said.forms if "impossible" in form.message]
    assert len(again) == 2  # told once for each time
    assert "easy, medium, hard" in again[0].message
    assert "next: plan_get(s1, view=map)" in said.text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("person", [None, CANCELS, DECLINES], ids=["unsupported", "cancelled", "declined"])
def test_without_a_form_the_questions_come_back(server: World, era: str, person: ElicitResult | None) -> None:
    said = server.call("plan_start", {"goal": "Add a discount to prices"}, era=era, person=person)
    assert not said.failed
    assert "- difficulty: How hard is it? [easy|medium|hard; default" in said.text
    assert "plan_answer(session=s1, answers={id: answer})" in said.text


@pytest.mark.parametrize("era", ERAS)
def test_from_a_goal_to_a_run(server: World, movers: list[str], era: str) -> None:
    server.call("plan_start", {"goal": "Say hello"}, era=era, person=accepts())
    draft = server.call("plan_edit", {"session": "s1", "plan": PLAN}, era=era)
    assert "next: plan_approve(s1)" in draft.text
    assert server.call("plan_approve", {"id": "s1"}, era=era).text.startswith("the approval of s1 stays open")
    said = server.call("plan_approve", {"id": "s1"}, era=era, person=YES)
    assert said.text == "s1 is approved as p1\nnext: run_start(plan=p1)"
    assert "hello: Write it (hello.txt" in said.forms[0].message
    assert server.call("run_start", {"plan": "p1"}, era=era).text.startswith("r1 runs p1 version 1")
    assert movers == ["r1"]
    assert "next: run_start(plan=p1)" in server.call("plan_get", {"id": "s1"}, era=era).text


@pytest.mark.parametrize("era", ERAS)
def test_the_person_sees_what_a_model_has_answered_for_them(server: World, era: str) -> None:
    server.call("plan_start", {"goal": "Add a discount to prices"}, era=era, person=[accepts(cut="one"), CANCELS])
    server.call("plan_answer", {"session": "s1", "answers": {"difficulty": "hard"}, "defaults": True}, era=era)
    server.call("plan_edit", {"session": "s1", "plan": PLAN}, era=era)
    (form,) = server.call("plan_approve", {"id": "s1"}, era=era, person=NO).forms
    lines = form.message.splitlines()
    assert "answered for you by the model: difficulty = hard" in lines
    assert any(re.fullmatch(r"answered by you: [1-9] questions?", line) for line in lines)
    assert any(re.fullmatch(r"answered by defaults: [1-9] questions?", line) for line in lines)
    assert any(line.startswith("estimate: ") for line in lines)


def test_a_draft_of_the_server_names_real_files(server: World) -> None:
    server.call("plan_start", {"goal": "Add a discount to prices"}, person=accepts())
    said = server.call("plan_edit", {"session": "s1", "draft": True})
    assert not said.failed, said.text
    assert "src/shop/prices.py" in server.call("plan_get", {"id": "s1", "view": "yaml"}).text
    assert "# " in server.call("plan_get", {"id": "s1", "view": "markdown"}).text
    for view in ("draft", "review", "map", "questions"):
        assert not server.call("plan_get", {"id": "s1", "view": view}).failed
    assert "give one of plan" in server.call("plan_edit", {"session": "s1"}).text
    assert "abandoned" in server.call("plan_edit", {"session": "s1", "abandon": True}).text


@pytest.mark.parametrize("view", ["draft", "review"])
def test_what_is_not_made_yet_is_said_with_the_call_that_makes_it(server: World, view: str) -> None:
    furnish(server)
    said = server.call("plan_get", {"id": "s1", "view": view})
    assert said.failed
    assert "plan_edit(session=s1" in said.text
    assert "has no draft yet" in server.call("plan_approve", {"id": "s1"}, person=YES).text
    assert "its views are" in server.call("plan_get", {"id": "p1", "view": "map"}).text


# -- who may -----------------------------------------------------------------------------------------------


@pytest.fixture
def below_an_agent(monkeypatch: pytest.MonkeyPatch) -> None:
    """The server was started by an agent that we run."""

    async def why_not(*_: object) -> str:
        return "this process belongs to the attempt r1.hello.1"

    monkeypatch.setattr(humans, "why_not", why_not)


PERSONAL = {
    "inbox_answer": {"gate": "g1", "decision": "approve"},
    "plan_approve": {"id": "p2"},
    "cost_set_budget": {"provider": "anthropic", "daily": 5},
    "run_start": {"plan": "p2"},
    "plan_start": {"goal": "x"},
    "run_control": {"run": "r1", "action": "cancel"},
}


@pytest.mark.usefixtures("below_an_agent")
@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", PERSONAL)
def test_an_agent_of_ours_only_looks(furnished: World, movers: list[str], era: str, name: str) -> None:
    refused = furnished.call(name, PERSONAL[name], era=era, person=YES)
    assert refused.failed
    assert "this process belongs to the attempt r1.hello.1" in refused.text
    assert not refused.forms
    assert not movers
    assert furnished.gate_row("g1")["status"] == "open"
    assert not furnished.approved("p2")
    assert not furnished.call("run_get", {}, era=era).failed


@pytest.mark.usefixtures("below_an_agent")
def test_the_attempt_to_answer_is_written_down(server: World) -> None:
    gate = server.gate(server.run())
    server.call("inbox_answer", {"gate": gate}, person=YES)
    assert f"tried to answer {gate} itself" in server.call("run_get", {"view": "events"}).text


def test_the_attempt_to_approve_is_written_down(server: World, monkeypatch: pytest.MonkeyPatch) -> None:
    furnish(server)
    server.call("plan_edit", {"session": "s1", "plan": PLAN})

    async def why_not(*_: object) -> str:
        return "this process belongs to the attempt r1.hello.1"

    monkeypatch.setattr(humans, "why_not", why_not)
    assert server.call("plan_approve", {"id": "s1"}, person=YES).failed
    kinds = [event["kind"] for event in server.read(lambda db: events.after(db, 0))]
    assert kinds[-1] == "planning.approval_refused"


@pytest.mark.usefixtures("below_an_agent")
@pytest.mark.parametrize("era", ERAS)
def test_waiting_shows_an_agent_no_form(server: World, era: str) -> None:
    server.gate(server.run())
    said = server.call("run_wait", {"max_s": 0.01}, era=era, person=YES)
    assert not said.forms
    assert "g1 (escalation)" in said.text


@pytest.mark.parametrize("era", ERAS)
def test_a_person_without_the_scope_starts_what_is_approved_and_nothing_else(
    server: World, movers: list[str], era: str
) -> None:
    writer = Principal("writer", frozenset({"read", "write"}))
    plan = server.store()
    refused = server.call("run_start", {"plan": plan}, era=era, person=YES, who_calls=lambda: writer)
    assert "only a person can" in refused.text
    assert not refused.forms
    server.call("plan_approve", {"id": plan}, person=YES)
    assert not server.call("run_start", {"plan": plan}, era=era, who_calls=lambda: writer).failed


# -- while waiting -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
def test_what_a_run_asks_is_shown_while_it_is_waited_for(server: World, movers: list[str], era: str) -> None:
    gate = server.gate(server.run())
    said = server.call("run_wait", {"max_s": 0.01}, era=era, person=accepts(decision="deny", reason="no"))
    assert [form.message.splitlines()[0] for form in said.forms] == [f"{gate} open (escalation) of r1.hello"]
    assert server.gate_row(gate)["status"] == "denied"
    assert "r1 failed" in said.text


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("person", [None, CANCELS, DECLINES], ids=["unsupported", "cancelled", "declined"])
def test_a_form_that_nobody_answers_is_shown_once(server: World, era: str, person: ElicitResult | None) -> None:
    gate = server.gate(server.run())
    said = server.call("run_wait", {"max_s": 30}, era=era, person=person)
    assert len(said.forms) == (0 if person is None else 1)
    assert server.gate_row(gate)["status"] == "open"
    assert f"claude-orchestrator approve {gate}" in said.text


# -- between two rounds ------------------------------------------------------------------------------------


NOT_OURS = "Invalid or expired requestState"


async def _rounds(world: World, name: str, arguments: dict[str, Any], answer: ElicitResult, /, **other: Any) -> Said:
    """Ask with one server and answer another: the first has been restarted meanwhile, or is not the one."""
    async with Client(world.app(), elicitation_callback=Person([answer])) as client:
        asked = await client.session.call_tool(name, arguments, allow_input_required=True)
    assert isinstance(asked, InputRequiredResult)
    (key,) = asked.input_requests or {}
    async with Client(other.pop("world", world).app(), elicitation_callback=Person([answer])) as client:
        try:
            given = await client.session.call_tool(
                other.get("name", name),
                other.get("arguments", arguments),
                input_responses={key: answer},
                request_state=asked.request_state,
                allow_input_required=True,
            )
        except MCPError as error:
            return Said(str(error), failed=True)
    if isinstance(given, InputRequiredResult):
        return Said("asked again", failed=False)
    return said(given)


def test_a_form_is_answered_after_a_restart(server: World, movers: list[str]) -> None:
    plan = server.store()
    done = asyncio.run(_rounds(server, "plan_approve", {"id": plan}, YES))
    assert done.text.startswith("p1 version 1 is approved")


def test_an_answer_holds_for_the_question_that_was_asked(server: World, movers: list[str]) -> None:
    """Between question and answer the plan has got another version: the yes was for the one that was shown."""
    plan = server.store()

    async def changed() -> Said:
        async with Client(server.app(), elicitation_callback=Person([YES])) as client:
            asked = await client.session.call_tool("plan_approve", {"id": plan}, allow_input_required=True)
            assert isinstance(asked, InputRequiredResult)
            from claude_orchestrator.plans.models import Plan
            from claude_orchestrator.plans.store import PlanStore
            from claude_orchestrator.state.database import Database

            async with Database.open(server.settings.database) as db:
                await PlanStore(db).save(Plan.model_validate({**PLAN, "id": plan, "goal": "Something else"}))
            given = await client.session.call_tool(
                "plan_approve",
                {"id": plan},
                input_responses=dict.fromkeys(asked.input_requests or {}, YES),
                request_state=asked.request_state,
                allow_input_required=True,
            )
            assert isinstance(given, InputRequiredResult)
            (request,) = (given.input_requests or {}).values()
            return Said(request.params.message, failed=False)  # type: ignore[union-attr]

    assert asyncio.run(changed()).text.startswith("Approve plan p1 version 2? Something else")
    assert not server.approved(plan)


@pytest.mark.parametrize(
    "other", [{"arguments": {"id": "p2"}}, {"name": "run_start", "arguments": {"plan": "p1"}}], ids=["other", "tool"]
)
def test_an_answer_holds_for_its_call_alone(server: World, movers: list[str], other: dict[str, Any]) -> None:
    server.store()
    server.store({**PLAN, "goal": "Another"})
    assert asyncio.run(_rounds(server, "plan_approve", {"id": "p1"}, YES, **other)).text == NOT_OURS
    assert not server.approved("p1")
    assert not server.approved("p2")


def test_another_home_seals_with_another_key(server: World, tmp_path_factory: pytest.TempPathFactory) -> None:
    other = World(type(server.settings)(home=tmp_path_factory.mktemp("other")), server.project)
    server.store()
    other.store()
    assert asyncio.run(_rounds(server, "plan_approve", {"id": "p1"}, YES, world=other)).text == NOT_OURS
    assert not server.approved("p1")
    assert not other.approved("p1")


def test_the_key_is_made_once_and_is_nobody_elses(server: World) -> None:
    home = server.settings.home
    key = keys.request_key(home)
    assert len(key) == 32
    assert keys.request_key(home) == key
    assert (home / keys.FILE).stat().st_mode & 0o777 == 0o600
    assert [path.name for path in home.iterdir() if "mcp" in path.name] == [keys.FILE]


@pytest.mark.parametrize(("mode", "content"), [(0o644, b"x" * 32), (0o600, b"short")])
def test_a_key_that_others_can_read_or_guess_is_not_used(server: World, mode: int, content: bytes) -> None:
    place = server.settings.home / keys.FILE
    place.write_bytes(content)
    place.chmod(mode)
    with pytest.raises(Exception, match="remove it, and a new one is made"):
        server.app()


def test_forms_are_the_same_in_both_eras(server: World, movers: list[str]) -> None:
    furnish(server)
    shown = [
        server.call("inbox_answer", {"gate": "g1"}, era=era, person=CANCELS).forms[0].model_dump(mode="json")
        for era in ERAS
    ]
    assert shown[0] == shown[1]
