"""``kill -9`` around reserving and spending: no money is reserved for nobody, and no limit is exceeded by a restart."""

from __future__ import annotations

import asyncio
import random
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_world import KILLED, MOVER, World

from claude_orchestrator.plans.models import Plan
from claude_orchestrator.state import budgets, gates
from claude_orchestrator.state.budgets import Limit
from claude_orchestrator.state.database import Database

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="finds processes through /proc")

TASKS = 4
CALLS = 6
CALL = 100_000
BUDGET = 1_500_000
"""What the run may spend at first, in millionths of a dollar: less than all calls cost, so humans are asked."""


class MoneyWorld(World):
    """A run whose agents do nothing but spend, with a budget that does not last."""

    def plan(self, tasks: int) -> Plan:
        wish = f'SPEND {{"calls": {CALLS}, "least": 0.1, "most": 0.1}}'
        rows = [
            {"id": f"t{n}", "prompt": wish, "files": [f"t{n}.txt"], "checks": [], "max_attempts": 50}
            for n in range(tasks)
        ]
        return Plan.model_validate({"goal": "spend", "budget": BUDGET / 1e6, "phases": [{"id": "one", "tasks": rows}]})


@pytest.fixture
def world(seed: int, request: pytest.FixtureRequest) -> Iterator[World]:
    one = MoneyWorld(Path(tempfile.mkdtemp(prefix="chaos-")), random.Random(seed))
    one.mover = MOVER.with_name("money_mover.py")
    one.environment = {"CLAUDE_ORCHESTRATOR_ATTEMPT_BUDGET": "0.5"}
    one.prepare(TASKS)
    yield one
    request.node.user_properties += [(KILLED, kind) for kind in one.kills]
    one.close()


def within_limit(world: World) -> None:
    """What is spent and what is reserved are together no more than the run may spend now."""

    async def look() -> tuple[budgets.State, Limit | None]:
        async with Database.open(world.settings.database) as db, db.transaction() as tx:
            limit = await budgets.limit_now(tx, "run", world.run_id, 0)
            return await budgets.state_of(tx, Limit("run", world.run_id, "", 0)), limit

    state, limit = asyncio.run(look())
    assert limit is not None
    assert state.spent + state.reserved <= limit.amount, state


def approve_all(world: World) -> None:
    async def answer() -> None:
        async with Database.open(world.settings.database) as db:
            for gate in await gates.listed(db):
                async with db.transaction() as tx:
                    await gates.answer(tx, gate["id"], approve=True, reason="", by="test", now=0)

    asyncio.run(answer())


def finish(world: World) -> None:
    for _ in range(12):
        if world.start_mover().wait(60) == 0:
            break
        within_limit(world)
        approve_all(world)
    unfinished = world.rows("SELECT id, status, reason FROM task WHERE status <> 'completed'")
    assert unfinished == [], (world.root / "movers.log").read_text()[-3000:]
    for mover in world.movers:
        mover.wait(60)
    world._no_orphans()
    asked = world.rows("SELECT count(*) FROM gate JOIN budget_gate ON gate_id = id WHERE budget_gate.kind = 'run'")
    assert asked[0][0] >= 1, "the budget was not enough"
    assert world.rows("SELECT count(*) FROM gate WHERE status = 'open'") == [(0,)]

    async def reserved() -> list[object]:
        async with Database.open(world.settings.database) as db:
            return list(await budgets.reservations(db))

    assert asyncio.run(reserved()) == []


@pytest.mark.timeout(240)
@pytest.mark.parametrize("point", ["begin", "commit", "spawn"])
def test_movers_die_at_their_fault_points(world: World, point: str) -> None:
    for number in range(4):
        most = 4 if point == "spawn" else 12 + 10 * number
        mover = world.start_mover(f"{point}:{world.chance.randint(1, most)}")
        if mover.wait(60) < 0:
            world.kills.append(point)
        within_limit(world)
        approve_all(world)
    finish(world)
    assert world.rows("SELECT count(*), sum(counted) FROM cost") == [(TASKS * CALLS, TASKS * CALLS * CALL)]
    assert world.rows("SELECT count(*) FROM attempt") == [(TASKS,)]


@pytest.mark.timeout(240)
def test_runners_and_movers_die_while_they_spend(world: World) -> None:
    mover = world.start_mover()
    for _ in range(8):
        try:
            mover.wait(world.chance.uniform(0.2, 1.5))  # the instant of the kill is the test's random input
        except subprocess.TimeoutExpired:
            world.kill_runner()
            world.kill_mover(mover)
        within_limit(world)
        if mover.returncode == 0:
            break
        approve_all(world)
        mover = world.start_mover()
    mover.wait(60)
    finish(world)
    for (attempt,) in world.rows("SELECT id FROM attempt"):
        calls = world.rows("SELECT count(*) FROM cost WHERE attempt_id = ?", attempt)[0][0]
        assert calls <= CALLS, "a call was counted twice"
