"""``cost`` as a user runs it: what was spent, budgets, bad input; and what status says of money."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import pytest
from cli_world import World

from claude_orchestrator.state import budgets, spending
from claude_orchestrator.state.database import Database

PLAN = """\
goal: Cost something
budget: 5
phases:
  - id: one
    tasks:
      - id: a
        files: [a.txt]
        checks: []
        budget: 2
        operations:
          - report: nothing
"""


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def spend(world: World) -> float:
    """A run whose task has made three calls, one of them of unknown price; when they were made."""
    (world.folder / "plan.yaml").write_text(PLAN)
    world.cli("run", world.folder / "plan.yaml", "--project", world.project)

    now = time.time()

    async def write() -> None:
        async with Database.open(world.home / "state.db") as db, db.transaction() as tx:
            for call, model, micro in (("1", "m1", 1_250_000), ("2", "m1", 500), ("3", "m2", None)):
                cost = spending.Cost("r1.a.1", call, "r1", "a", "anthropic", model, 1000, 10, 200, 0, micro, micro or 0)
                await spending.record(tx, cost, now)

    asyncio.run(write())
    return now


def test_costs_by_provider_task_and_day(world: World) -> None:
    now = spend(world)
    said = world.cli("cost").stdout
    assert "anthropic/m1" in said
    assert "$1.25" in said
    assert next(line for line in said.splitlines() if "anthropic/m2" in line).endswith("unknown")
    assert next(line for line in said.splitlines() if "total" in line).endswith("$1.25 + 1 call of unknown price")
    assert "r1/a" in world.cli("cost", "r1", "--by", "task").stdout
    assert budgets.period_of("day", now) in world.cli("cost", "--by", "day").stdout
    assert "run r1: $1.25 of $5.00 spent, $3.75 left" in world.cli("cost", "r1").stdout
    assert "task r1/a: $1.25 of $2.00 spent, $0.75 left" in world.cli("cost", "r1").stdout


def test_costs_as_json(world: World) -> None:
    spend(world)
    world.cli("cost", "set-budget", "anthropic", "--daily", "5", "--monthly", "$50")
    found = world.json("cost", "r1")
    assert [(row["model"], row["usd"], row["unknown_calls"]) for row in found["rows"]] == [
        ("m1", 1.2505, 0),
        ("m2", None, 1),
    ]
    assert found["total"]["input_tokens"] == 3000
    assert [(budget["kind"], budget["limit_usd"]) for budget in found["budgets"]] == [
        ("run", 5.0),
        ("task", 2.0),
        ("day", 5.0),
        ("month", 50.0),
    ]
    status = world.json("status", "r1")
    assert (status["cost"]["usd"], status["cost"]["unknown_calls"], status["cost"]["budget_usd"]) == (1.2505, 1, 5.0)


def test_status_shows_the_cost_of_a_run(world: World) -> None:
    spend(world)
    said = world.cli("status", "r1").stdout
    assert "cost: $1.25 + 1 call of unknown price of $5.00 in 3 calls (3,600 tokens in, 30 out)" in said


def test_budgets_are_set_changed_and_removed(world: World) -> None:
    assert "$5.00 left" in world.cli("cost", "set-budget", "anthropic", "--daily", "5").stdout
    said = world.cli("cost", "set-budget", "anthropic", "--monthly", "50").stdout
    assert "of $5.00 spent" in said, "what is not given stays"
    assert "of $50.00 spent" in said
    assert world.cli("cost", "set-budget", "anthropic", "--none").stdout == "  anthropic has no limit\n"
    assert "is the name as 'cost' shows it?" in world.cli("cost", "set-budget", "antropic", "--daily", "5").stderr


@pytest.mark.parametrize(
    "words",
    [
        ["set-budget"],
        ["set-budget", "anthropic"],
        ["set-budget", "anthropic", "--daily", "0"],
        ["set-budget", "anthropic", "--daily", "nan"],
        ["set-budget", "anthropic", "--daily", "-1"],
        ["set-budget", "anthropic", "--monthly", "much"],
        ["set-budget", "anthropic", "--none", "--daily", "1"],
        ["set-budget", "a b", "--none"],
        ["--by", "week"],
        ["r9"],
    ],
)
def test_bad_input_is_one_line(world: World, words: list[str]) -> None:
    complaint = world.cli("cost", *words, code=2).stderr
    assert complaint.startswith("error: ")
    assert complaint.count("\n") == 1
