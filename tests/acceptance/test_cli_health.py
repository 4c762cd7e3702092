"""``health`` and what ``status`` says of agents, as a user runs them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import World

from claude_orchestrator.models import health
from claude_orchestrator.models.breaker import Rules
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.state.database import Database


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


def met(world: World, *faults: Fault) -> None:
    """Attempts have met these faults just now."""

    async def write() -> None:
        async with Database.open(world.home / "state.db") as db, db.transaction() as tx:
            for fault in faults:
                await health.failed(tx, fault.provider, fault, "r1.a.1", time.time(), Rules())

    asyncio.run(write())


def test_health_from_nothing_to_a_parked_account_and_back(world: World) -> None:
    assert "no attempt has used a provider yet" in world.cli("health").stdout
    assert world.json("health") == []
    met(world, Fault("network", "google", "no route"))
    assert world.cli("health").stdout.startswith("google  works\n")

    met(world, Fault("rate_limit", "anthropic", "5-hour limit reached", retry_at=time.time() + 3600))
    said = world.cli("health", code=1).stdout
    assert "anthropic  parked: its rate limit is reached" in said
    assert "rate limit: 5-hour limit reached" in said
    ill, well = world.json("health", code=1)
    assert (ill["provider"], ill["healthy"], well["provider"], well["healthy"]) == ("anthropic", False, "google", True)
    assert ill["parked_until"] == ill["waits_until"] > time.time() + 3000

    assert world.cli("health", "reset", "anthropic").stdout == "anthropic: attempts may start\n"
    assert [one["healthy"] for one in world.json("health")] == [True, True]
    assert "no attempt has used a provider 'antropic'" in world.cli("health", "reset", "antropic", code=2).stderr


def test_status_tells_how_each_task_stands(world: World) -> None:
    plan = world.plan(world.task("a"), world.task("b", depends_on=["a"]), world.gated("c"))
    run = world.start("run", plan)
    run.until("b attempt 1 completed")
    standing = {task["id"]: (task["state"], task["waits_for"]) for task in world.json("status", "r1")["tasks"]}
    assert standing == {"a": ("finished", None), "b": ("finished", None), "c": ("working", None)}
    world.open_gate("c")
    assert run.end()[0] == 0
    document = world.json("status", "r1")
    assert document["cost"]["calls"] == 0
    assert {task["state"] for task in document["tasks"]} == {"finished"}
