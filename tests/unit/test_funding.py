"""Who pays for an attempt: what a claim is granted, what it waits for, and what goes on unasked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tasks_world import World, a_task, play

from claude_orchestrator.models.choosing import MODELS
from claude_orchestrator.orchestrator.funding import candidates, funding
from claude_orchestrator.state import attempts, budgets, events
from claude_orchestrator.state.database import Transaction
from claude_orchestrator.state.grants import Wait
from claude_orchestrator.state.runs import NewTask


def paid_task(task_id: str = "a", **definition: Any) -> NewTask:
    values = {"id": task_id, "agent": "claude", "model": "opus", **definition}
    return NewTask(task_id, "one", task_id, json.dumps(values), json.dumps([task_id]), 2, ())


async def ill(_tx: Transaction, provider: str, _now: float) -> Wait | None:
    return Wait(f"{provider}, which is overloaded", until=200.0) if provider == "first" else None


def test_the_agent_says_who_pays() -> None:
    assert candidates({"agent": "claude", "model": "opus"}, {}) == [("anthropic", "opus")]
    assert candidates({"agent": "acp", "command": ["/opt/bin/gemini", "--acp"]}, {}) == [("gemini", "")]
    assert candidates({"agent": "model"}, {}) == [("", "")], "the agent says what is missing"


def test_a_provider_with_little_money_left_gets_a_smaller_model(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        async with w.db.transaction() as tx:
            await budgets.put(tx, "day", "anthropic", 200_000)
        account = {"ANTHROPIC_API_KEY": "x"}
        first = await w.take(fund=funding(5, environment=lambda: account))
        row = await attempts.get(w.db, first.attempt_id)
        assert (row["provider"], row["model"]) == ("anthropic", MODELS["anthropic"]["small"].model)
        async with w.db.transaction() as tx:
            await budgets.unset_provider(tx, "anthropic")
        second = await w.take(fund=funding(5, environment=lambda: account))
        assert (await attempts.get(w.db, second.attempt_id))["model"] == MODELS["anthropic"]["large"].model

    tasks = [paid_task(name, agent="model", model=None, difficulty="hard") for name in "ab"]
    play(tmp_path, scenario, tasks)


def test_the_first_provider_that_is_well_is_granted(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        fund = funding(5, choose=lambda *_: [("first", "big"), ("second", "small")], health=ill)
        claim = await w.take(fund=fund)
        row = await attempts.get(w.db, claim.attempt_id)
        assert (row["provider"], row["model"]) == ("second", "small")

    play(tmp_path, scenario, [paid_task()])


def test_a_task_whose_providers_are_all_ill_waits_and_the_next_one_is_taken(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        fund = funding(5, choose=lambda *_: [("first", "")], health=ill)
        assert (await w.take(fund=fund)).task_id == "free"
        for _ in range(3):
            assert await w.claim(fund=fund) is None
        row = await w.db.fetch_one("SELECT status, reason FROM task WHERE id = 'a'")
        assert row == {"status": "pending", "reason": "waits for first, which is overloaded"}
        told = [event for event in await events.after(w.db, 0) if event["kind"] == "task.wait"]
        assert len(told) == 1, "told once, not at every look"
        assert await w.settle() == "running", "a wait ends by itself"

    play(tmp_path, scenario, [paid_task(), a_task("free")])


def test_an_attempt_that_goes_on_stays_with_its_provider(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        first = await w.take(fund=funding(5, choose=lambda *_: [("second", "small")]))
        await w.park(first, resume={"session": "s"})
        again = await w.take(fund=funding(5, choose=lambda *_: [("third", "")]))
        assert again.attempt_id == first.attempt_id
        row = await attempts.get(w.db, again.attempt_id)
        assert (row["provider"], row["model"]) == ("second", "small")

    play(tmp_path, scenario, [paid_task()])


def test_what_needs_no_agent_any_more_waits_for_no_provider(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        fund = funding(5, choose=lambda *_: [("first", "")])
        claim = await w.take(fund=fund)
        async with w.db.transaction() as tx:
            await attempts.start_step(tx, claim, "agent", w.now)
            await attempts.finish_step(tx, claim, "agent", {}, w.now)
        await w.park(claim, resume={})
        assert (await w.take(fund=funding(5, choose=lambda *_: [], health=ill))).attempt_id == claim.attempt_id

    play(tmp_path, scenario, [paid_task()])
