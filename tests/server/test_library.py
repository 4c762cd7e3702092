"""Resources and the news of them, prompts, and the names that complete them, in both eras of the protocol."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import anyio
import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp.shared.subscriptions import ResourceUpdated
from mcp.types import PromptReference, ResourceTemplateReference
from server_world import ERAS, World, furnish

from claude_orchestrator.server.principals import Principal
from claude_orchestrator.state import runs
from claude_orchestrator.state.database import Database


def with_client(world: World, era: str, act: Any, **options: Any) -> Any:
    async def acted() -> Any:
        async with Client(world.app(**options), mode=era) as client:
            return await act(client)

    return asyncio.run(acted())


def text_of(result: Any) -> str:
    (content,) = result.contents
    return str(content.text)


@pytest.mark.parametrize("era", ERAS)
def test_runs_and_plans_are_resources(furnished: World, era: str) -> None:
    async def looked(client: Client) -> tuple[list[str], list[str], dict[str, str]]:
        found = [str(each.uri) for each in (await client.list_resources()).resources]
        templates = [each.uri_template for each in (await client.list_resource_templates()).resource_templates]
        uris = ("run://r1", "plan://p2", "plan://s1")
        return found, templates, {uri: text_of(await client.read_resource(uri)) for uri in uris}

    found, templates, texts = with_client(furnished, era, looked)
    assert found == ["run://r1", "plan://p2", "plan://p1"]
    assert templates == ["run://{id}", "plan://{id}"]
    assert json.loads(texts["run://r1"])["status"] == "incomplete"
    assert "\ngoal: Say hello\n" in texts["plan://p2"]
    assert texts["plan://s1"].startswith("s1 gathering_requirements")


@pytest.mark.parametrize("era", ERAS)
@pytest.mark.parametrize("uri", ["run://r9", "plan://p9", "plan://s9", "file:///etc/passwd"])
def test_what_is_not_there_is_no_resource(furnished: World, era: str, uri: str) -> None:
    async def looked(client: Client) -> str:
        try:
            await client.read_resource(uri)
        except MCPError as error:
            return str(error)
        return ""

    said = with_client(furnished, era, looked)
    assert ("there is no" in said) == (not uri.startswith("file:"))
    assert said


@pytest.mark.parametrize("era", ERAS)
def test_resources_need_the_scope_to_read(furnished: World, era: str) -> None:
    async def looked(client: Client) -> tuple[int, str, int]:
        listed = len((await client.list_resources()).resources)
        named = (
            await client.complete(ResourceTemplateReference(uri="run://{id}"), {"name": "id", "value": ""})
        ).completion
        try:
            await client.read_resource("run://r1")
        except MCPError as error:
            return listed, str(error), len(named.values)
        return listed, "", len(named.values)

    writer = lambda: Principal("w", frozenset({"write"}))  # noqa: E731
    assert with_client(furnished, era, looked, who_calls=writer) == (0, "run://r1 needs the scope 'read'", 0)


@pytest.mark.parametrize("era", ERAS)
def test_ids_are_completed(furnished: World, era: str) -> None:
    async def asked(client: Client) -> list[list[str]]:
        run, plan = ResourceTemplateReference(uri="run://{id}"), ResourceTemplateReference(uri="plan://{id}")
        review, goal = PromptReference(name="review"), PromptReference(name="plan")
        return [
            (await client.complete(ref, {"name": name, "value": value})).completion.values
            for ref, name, value in (
                (run, "id", ""), (plan, "id", ""), (plan, "id", "p"), (review, "id", ""), (review, "id", "r"),
                (review, "id", "x"), (goal, "goal", ""),
            )
        ]  # fmt: skip

    assert with_client(furnished, era, asked) == [
        ["r1"], ["p2", "p1", "s1"], ["p2", "p1"], ["r1", "p2", "p1", "s1"], ["r1"], [], [],
    ]  # fmt: skip


@pytest.mark.parametrize("era", ERAS)
def test_prompts_say_how_to_plan_and_to_review(furnished: World, era: str) -> None:
    async def asked(client: Client) -> tuple[dict[str, list[str]], list[str]]:
        listed = {each.name: [a.name for a in each.arguments or ()] for each in (await client.list_prompts()).prompts}
        got = [
            await client.get_prompt("plan", {"goal": "Say hello"}),
            await client.get_prompt("review", {"id": "p2"}),
        ]
        return listed, [each.messages[0].content.text for each in got]  # type: ignore[union-attr]

    listed, (plan, review) = with_client(furnished, era, asked)
    assert listed == {"plan": ["goal"], "review": ["id"]}
    assert plan.startswith("Plan this with claude-orchestrator: Say hello")
    assert "plan_start" in plan
    assert "Review p2" in review


async def paused(world: World) -> None:
    """Somebody else, in another process's connection, changes the run."""
    async with Database.open(world.settings.database) as db, db.transaction() as tx:
        await runs.want(tx, "r1", "pause")


def test_clients_of_the_newer_protocol_hear_of_changes_by_others(server: World) -> None:
    server.run()

    async def listened(client: Client) -> str:
        async with client.listen(resource_subscriptions=["run://r1"]) as events:
            await paused(server)
            with anyio.fail_after(20):
                async for event in events:
                    assert isinstance(event, ResourceUpdated)
                    return event.uri
        return ""

    assert with_client(server, "auto", listened) == "run://r1"


@pytest.mark.filterwarnings("ignore:resources/(un)?subscribe is removed")
def test_clients_of_the_older_protocol_hear_of_changes_by_others(server: World) -> None:
    server.run()
    server.store()

    async def listened() -> list[str]:
        heard: list[str] = []
        news = anyio.Event()

        async def told(message: Any) -> None:
            if getattr(message, "method", "") == "notifications/resources/updated":
                heard.append(str(message.params.uri))
                news.set()

        async with Client(server.app(), mode="legacy", message_handler=told) as client:
            await client.subscribe_resource("run://r1")
            await client.subscribe_resource("plan://p2")
            await client.unsubscribe_resource("plan://p2")
            await paused(server)
            with anyio.fail_after(20):
                await news.wait()
        return heard

    assert set(asyncio.run(listened())) == {"run://r1"}


def test_a_planning_session_tells_of_its_steps(server: World) -> None:
    furnish(server)

    async def listened(client: Client) -> str:
        async with client.listen(resource_subscriptions=["plan://s1"]) as events:
            await client.call_tool("plan_answer", {"session": "s1", "answers": {"difficulty": "hard"}})
            with anyio.fail_after(20):
                async for event in events:
                    assert isinstance(event, ResourceUpdated)
                    return event.uri
        return ""

    assert with_client(server, "auto", listened) == "plan://s1"
