"""What is listed, for whom, and what it costs; the way to what is not."""

from __future__ import annotations

import asyncio
import json
import re
from pathlib import Path
from typing import Any, get_args

import anyio
import pytest
from mcp import Client
from mcp.types import Tool as ListedTool
from server_world import ERAS, World, accepts

from claude_orchestrator.config import Settings
from claude_orchestrator.server import app as application
from claude_orchestrator.server.context import ContextTracker, estimated_tokens, list_tokens
from claude_orchestrator.server.declaring import TIERS, Category, Tier
from claude_orchestrator.server.principals import SCOPES, Principal
from claude_orchestrator.server.table import TOOLS

YES = accepts(decision="approve")
SNAPSHOT = Path(__file__).parent / "tools.json"
MOST_TOKENS = {"core": 1_000, "standard": 3_000, "all": 6_000}
PERSONAL = {"inbox_answer", "plan_approve", "cost_set_budget"}


@pytest.fixture
def bare(settings: Settings, tmp_path: Path) -> World:
    """A server without a repository: lists need none."""
    return World(settings, tmp_path)


def listed(world: World, era: str = "auto", **options: Any) -> list[ListedTool]:
    async def asked() -> list[ListedTool]:
        async with Client(world.app(**options), mode=era) as client:
            return (await client.list_tools()).tools

    return asyncio.run(asked())


def names(world: World, era: str = "auto", **options: Any) -> list[str]:
    return [tool.name for tool in listed(world, era, **options)]


def somebody(*scopes: Any) -> Any:
    return lambda: Principal("ada", frozenset(scopes))


@pytest.mark.parametrize("era", ERAS)
def test_each_tier_has_the_one_before_and_stays_below_its_budget(bare: World, era: str) -> None:
    tiers = {tier: listed(bare, era, tools=tier) for tier in TIERS}
    found = {tier: [tool.name for tool in tools] for tier, tools in tiers.items()}
    core = "status plan_start plan_answer run_start run_get inbox_list inbox_answer request_tool call_tool"
    assert found["core"] == core.split()
    assert set(found["core"]) - {"call_tool"} < set(found["standard"]) < set(found["all"])
    assert found["all"] == [tool.name for tool in TOOLS if tool.name != "call_tool"]
    for tier, tools in tiers.items():
        assert list_tokens(tools) <= MOST_TOKENS[tier]


def test_the_list_is_the_same_every_time_and_as_it_was(bare: World) -> None:
    """A changed list costs clients their cache; ``python tests/server/test_lists.py`` writes down a wanted change."""
    now = [document(tool) for tool in listed(bare)]
    assert now == [document(tool) for tool in listed(bare, "legacy")]
    assert now == json.loads(SNAPSHOT.read_text())


def document(tool: ListedTool) -> dict[str, Any]:
    found: dict[str, Any] = tool.model_dump(mode="json", by_alias=True, exclude_none=True)
    return found


def test_instructions_and_descriptions_are_short(bare: World) -> None:
    assert len(application.INSTRUCTIONS) <= 1_200
    for tool in listed(bare):
        assert 10 < len(tool.description or "") <= 200


def test_what_instructions_name_is_there() -> None:
    known = {tool.name for tool in TOOLS}
    named = set(re.findall(r"\b([a-z]+_[a-z]+)\(", application.INSTRUCTIONS))
    assert named
    assert named <= known


def test_schemas_carry_nothing_for_nobody(bare: World) -> None:
    for tool in listed(bare):
        assert tool.input_schema["additionalProperties"] is False
        text = json.dumps(tool.input_schema)
        assert '"title"' not in text
        assert '"null"' not in text
        assert tool.output_schema is None


def test_annotations_are_true(bare: World) -> None:
    declared = {tool.name: tool for tool in TOOLS}
    for tool in [*listed(bare), *listed(bare, tools="core")]:
        hints, mine = tool.annotations, declared[tool.name]
        assert hints is not None
        assert hints.read_only_hint == mine.reads
        assert not (mine.reads and mine.scope != "read")
        if not mine.reads:
            assert hints.destructive_hint is not None
            assert hints.idempotent_hint is not None
        if mine.scope in ("approve", "admin"):
            assert mine.person
            assert hints.destructive_hint
    writing = {tool.name for tool in TOOLS if not tool.reads and not tool.destructive}
    assert writing == {"plan_start", "plan_answer", "plan_edit", "run_start", "verify"}
    assert {tool.name for tool in TOOLS if tool.open_world} == {"run_start", "call_tool"}


def test_clients_are_told_what_needs_a_person_and_what_is_always_needed(bare: World) -> None:
    every = {tool.name: tool.meta or {} for tool in [*listed(bare), *listed(bare, tools="core")]}
    assert {name for name, meta in every.items() if meta.get("anthropic/requiresUserInteraction")} == PERSONAL
    assert {name for name, meta in every.items() if meta.get("anthropic/alwaysLoad")} == set(names(bare, tools="core"))
    assert set().union(*every.values()) <= {
        "anthropic/requiresUserInteraction",
        "anthropic/alwaysLoad",
        "anthropic/searchHint",
    }


@pytest.mark.parametrize("era", ERAS)
def test_read_only_lists_and_does_nothing_that_changes_anything(furnished: World, movers: list[str], era: str) -> None:
    readers = [tool.name for tool in TOOLS if tool.scope == "read" and tool.name != "call_tool"]
    assert names(furnished, era, read_only=True) == readers
    for name in sorted({tool.name for tool in TOOLS if tool.scope != "read"}):
        refused = furnished.call(name, {}, era=era, person=YES, read_only=True)
        assert refused.text == f"{name} is not for you: this server is read-only"
    waited = furnished.call("run_wait", {"max_s": 0.01}, era=era, person=YES, read_only=True)
    assert not waited.forms
    assert furnished.gate_row("g1")["status"] == "open"


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("scope", SCOPES)
def test_a_scope_lists_and_allows_its_own_tools_and_no_other(furnished: World, era: str, scope: str) -> None:
    mine = [tool.name for tool in TOOLS if tool.scope == scope]
    assert names(furnished, era, who_calls=somebody(scope)) == [name for name in mine if name != "call_tool"]
    for tool in TOOLS:
        if tool.scope != scope:
            said = furnished.call(tool.name, {}, era=era, person=YES, who_calls=somebody(scope))
            assert said.text == f"{tool.name} is not for you: it needs the scope '{tool.scope}'"
    nobody = furnished.call("nonsense", {}, era=era, who_calls=somebody(scope)).text
    assert nobody == f"there is no tool 'nonsense'. There are: {', '.join(mine)}"


def test_two_principals_of_one_server_see_their_own(furnished: World) -> None:
    scopes: list[Any] = ["read"]
    app = furnished.app(who_calls=lambda: Principal("ada", frozenset(scopes)))

    async def both() -> tuple[set[str], set[str]]:
        async with Client(app) as client:
            first = {tool.name for tool in (await client.list_tools()).tools}
            scopes[:] = ["approve"]
            return first, {tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools}

    first, second = asyncio.run(both())
    assert first
    assert second == {"inbox_answer", "plan_approve"}
    assert not first & second


def test_every_tool_has_a_category_and_every_category_a_tool() -> None:
    assert {tool.category for tool in TOOLS} == set(get_args(Category))


# -- the gateway -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("category", [*get_args(Category), "all"])
def test_request_tool_names_what_can_be_called(furnished: World, era: str, category: str) -> None:
    said = json.loads(furnished.call("request_tool", {"category": category, "reason": "x"}, era=era).text)
    wanted = [tool.name for tool in TOOLS if category in (tool.category, "all") and not tool.gateway]
    assert (said["success"], said["category"], said["tools_loaded"]) == (True, category, wanted)
    assert [line.partition("(")[0] for line in said["tools"].splitlines()] == wanted


def test_request_tool_names_nothing_that_the_caller_may_not(furnished: World) -> None:
    said = furnished.call("request_tool", {"category": "all"}, who_calls=somebody("read")).text
    assert set(json.loads(said)["tools_loaded"]) == {t.name for t in TOOLS if t.scope == "read" and not t.gateway}
    said = furnished.call("request_tool", {"category": "all"}, read_only=True).text
    assert set(json.loads(said)["tools_loaded"]) == {t.name for t in TOOLS if t.scope == "read" and not t.gateway}


def test_signatures_take_half_of_what_schemas_take(bare: World) -> None:
    said = json.loads(bare.call("request_tool", {"category": "all"}).text)
    assert estimated_tokens(said["tools"]) < 0.6 * list_tokens(listed(bare))


@pytest.mark.parametrize("era", ERAS)
def test_through_the_gateway_every_check_of_the_target_holds(furnished: World, movers: list[str], era: str) -> None:
    def through(name: str, arguments: dict[str, Any], **options: Any) -> Any:
        return furnished.call("call_tool", {"name": name, "arguments": arguments}, era=era, tools="core", **options)

    direct = furnished.call("run_list", {"limit": 1}, era=era)
    assert through("run_list", {"limit": 1}).text == direct.text
    assert through("list_plans", {}).text == furnished.call("plan_list", {}, era=era).text
    for name, arguments, options in (
        ("run_list", {"limt": 1}, {}),
        ("run_list", {"limit": 0}, {}),
        ("run_control", {"run": "r1", "action": "cancel"}, {"read_only": True}),
        ("run_control", {"run": "r1", "action": "cancel"}, {"who_calls": somebody("read")}),
        ("nonsense", {}, {}),
    ):
        mine, its = through(name, arguments, **options), furnished.call(name, arguments, era=era, **options)
        assert mine.failed
        assert mine.text == its.text
    assert not movers


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("name", [*sorted(PERSONAL), "approve_action", "approve_planning_session"])
def test_what_needs_a_person_is_not_reachable_through_the_gateway(furnished: World, era: str, name: str) -> None:
    given = {"name": name, "arguments": {"gate": "g1", "decision": "approve"}}
    said = furnished.call("call_tool", given, era=era, person=YES, tools="core")
    assert said.failed
    assert "so it is not reachable here" in said.text
    assert not said.forms
    assert furnished.gate_row("g1")["status"] == "open"


@pytest.mark.parametrize("name", ["call_tool", "request_tool"])
def test_the_gateway_is_not_called_through_itself(furnished: World, name: str) -> None:
    assert "by itself" in furnished.call("call_tool", {"name": name, "arguments": {}}).text


@pytest.mark.parametrize("era", ERAS)
def test_forms_are_shown_through_the_gateway_too(server: World, movers: list[str], era: str) -> None:
    plan = server.store()
    given = {"name": "run_start", "arguments": {"plan": plan}}
    said = server.call("call_tool", given, era=era, person=YES, tools="core")
    assert said.text.startswith("r1 runs p1")
    assert len(said.forms) == 1


# -- lists that grow ---------------------------------------------------------------------------------------


def test_a_dynamic_list_grows_where_the_protocol_allows_it_and_the_answer_waits_for_that(furnished: World) -> None:
    async def grown() -> tuple[list[str], str, list[str]]:
        order: list[str] = []

        async def heard(message: Any) -> None:
            if getattr(message, "method", "") == "notifications/tools/list_changed":
                order.append("told")
                await client.list_tools(cache_mode="bypass")
                order.append("listed")

        async with Client(furnished.app(tools="core", dynamic=True), mode="legacy", message_handler=heard) as client:
            assert client.server_capabilities.tools.list_changed  # type: ignore[union-attr]
            before = [tool.name for tool in (await client.list_tools()).tools]
            assert "run_list" not in before
            await client.call_tool("request_tool", {"category": "runs"})
            order.append("answered")
            again = await client.call_tool("request_tool", {"category": "runs"})
            assert not again.is_error
            after = [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]
            return order, before[-1], after

    order, _, after = asyncio.run(grown())
    assert order == ["told", "listed", "answered"]
    assert {"run_list", "run_wait", "run_control"} <= set(after)


def test_a_client_that_does_not_read_the_list_again_is_not_kept_waiting(
    furnished: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(application, "RELIST_S", 0.01)

    async def asked() -> bool:
        async with Client(furnished.app(tools="core", dynamic=True), mode="legacy") as client:
            with anyio.fail_after(10):
                return bool((await client.call_tool("request_tool", {"category": "runs"})).is_error)

    assert not asyncio.run(asked())


@pytest.mark.parametrize(("era", "dynamic"), [("auto", True), ("auto", False), ("legacy", False)])
def test_otherwise_a_list_never_changes(furnished: World, era: str, dynamic: bool) -> None:
    async def asked() -> tuple[list[str], list[str]]:
        async with Client(furnished.app(tools="core", dynamic=dynamic), mode=era) as client:
            before = [tool.name for tool in (await client.list_tools()).tools]
            said = await client.call_tool("request_tool", {"category": "runs"})
            assert not said.is_error
            called = await client.call_tool("run_list", {})  # unlisted, and callable all the same
            assert not called.is_error
            return before, [tool.name for tool in (await client.list_tools(cache_mode="bypass")).tools]

    before, after = asyncio.run(asked())
    assert before == after


# -- what it costs -----------------------------------------------------------------------------------------


def test_status_shows_what_the_server_has_put_into_the_context(furnished: World) -> None:
    async def asked() -> tuple[str, str]:
        async with Client(furnished.app()) as client:
            first = await client.call_tool("status", {"view": "context"})
            await client.call_tool("skill_list", {})
            second = await client.call_tool("status", {"view": "context"})
            return first.content[0].text, second.content[0].text  # type: ignore[union-attr]

    first, second = asyncio.run(asked())
    assert "0 results 0 tokens" in first
    assert re.search(r"2 results [1-9][\d,]* tokens", second)
    assert "of 200,000" in second
    assert first in furnished.call("status").text


def test_a_smaller_tier_is_recommended_where_the_list_takes_too_much() -> None:
    def sizes() -> dict[Tier, int]:
        return {"core": 900, "standard": 3_000, "all": 6_000}

    assert ContextTracker(sizes).recommended() == "all"
    assert ContextTracker(sizes, window=40_000).recommended() == "standard"
    assert ContextTracker(sizes, window=1_000).recommended() == "core"
    assert ContextTracker(sizes, window=40_000).line("all").endswith("'--tools standard' would list fewer")
    assert "would list fewer" not in ContextTracker(sizes).line("all")


@pytest.mark.parametrize(
    ("text", "counted"),
    [("", 0), ("hello", 1), ("internationalisation", 2), ("123456", 2), ('{"a":[]}', 4), ("日本", 1),
     ("plan_start(goal: str)", 6)],
)  # fmt: skip
def test_tokens_are_estimated_without_a_table_and_rather_too_high(text: str, counted: int) -> None:
    """Beside each text: what o200k_base counts."""
    assert counted <= estimated_tokens(text) <= 2 * counted


if __name__ == "__main__":
    import tempfile

    from claude_orchestrator.server.app import make_app

    with tempfile.TemporaryDirectory() as home:
        shown = asyncio.run(make_app(Settings(home=Path(home)), project=Path()).list_tools())
    SNAPSHOT.write_text(json.dumps([document(tool) for tool in shown], indent=2, ensure_ascii=False) + "\n")
