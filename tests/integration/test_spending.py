"""Agents that spend more than they may, in real processes: what that overshoots, who is asked, and who goes on."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from itertools import accumulate
from pathlib import Path

import pytest
from engine_world import kinds, saw, task_rows, until
from process_world import wait_for
from spending_world import mover, rows, spending, start, use_spending_agents

from claude_orchestrator.agents import folder
from claude_orchestrator.config import Settings
from claude_orchestrator.errors import ForbiddenError
from claude_orchestrator.orchestrator import humans
from claude_orchestrator.orchestrator.inbox import Inbox
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.state import budgets
from claude_orchestrator.state.budgets import MICRO
from claude_orchestrator.state.database import Database


@pytest.fixture
def _here(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "subprocess", folder.subprocess)  # put back afterwards
    use_spending_agents()


def move(project: Path, settings: Settings) -> str:
    return asyncio.run(Orchestrator(project, settings).move("r1"))


def answer(settings: Settings, gate: str, *, approve: bool) -> None:
    async def say() -> None:
        async with Database.open(settings.database) as db:
            inbox = Inbox(db, settings)
            await (inbox.approve(gate) if approve else inbox.deny(gate, reason="too dear"))

    asyncio.run(say())


def processes_of(home: Path) -> list[int]:
    """The processes that have the home in their command line, or in their environment."""
    found = []
    for place in Path("/proc").glob("[0-9]*"):
        try:
            text = (place / "cmdline").read_bytes() + (place / "environ").read_bytes()
            is_dead = (place / "stat").read_text().rpartition(")")[2].split()[0] == "Z"
        except OSError:
            continue
        if str(home).encode() in text and not is_dead and int(place.name) != os.getpid():
            found.append(int(place.name))
    return found


def most_at_work(settings: Settings) -> int:
    """How many attempts were at work at once, by the journal."""
    change = {"task.delegated": 1, "task.resumed": 1, "task.parked": -1}
    return max(accumulate(change.get(kind, 0) for kind in kinds(settings)))


@pytest.mark.timeout(300)
@pytest.mark.parametrize(("tasks", "budget", "at_once"), [(24, 10, 20), (12, 2, 4)])
def test_many_at_once_overshoot_a_limit_by_less_than_one_reservation(
    project: Path, settings: Settings, tasks: int, budget: int, at_once: int
) -> None:
    settings = replace(settings, max_parallel=20, attempt_budget=0.5)
    wishes = [spending(f"t{number}", calls=100, least=0.02, most=0.1) for number in range(tasks)]
    run_id = start(project, settings, wishes, budget=budget)
    movers = [mover(project, settings, run_id) for _ in range(4)]
    try:
        assert [one.wait(240) for one in movers] == [1] * 4, "all have stopped, and nothing is completed"
    finally:
        for one in movers:
            one.kill()
            one.wait()
    wait_for(lambda: not processes_of(settings.home))
    [(spent, calls)] = rows(settings, "SELECT sum(counted), count(*) FROM cost")
    assert 0.9 * budget * MICRO < spent < (budget + 0.5) * MICRO, f"{calls} calls"
    assert most_at_work(settings) == at_once
    assert {status for (status,) in rows(settings, "SELECT status FROM task")} == {"waiting"}
    assert rows(settings, "SELECT count(*) FROM gate JOIN budget_gate ON gate_id = id WHERE budget_gate.kind = 'run'"
                          " AND status = 'open'") == [(1,)], "all are asked for at once"  # fmt: skip


@pytest.mark.usefixtures("_here")
def test_a_task_goes_on_from_its_session_when_its_budget_is_raised(project: Path, settings: Settings) -> None:
    start(project, settings, [spending("a", calls=8, least=0.1, most=0.1, budget=0.5)])
    assert move(project, settings) == "incomplete"
    [(gate, question)] = rows(settings, "SELECT id, question FROM gate")
    assert "task r1/a" in question
    assert rows(settings, "SELECT count(*), sum(counted) FROM cost") == [(5, 500_000)]
    answer(settings, gate, approve=True)
    assert move(project, settings) == "completed"
    assert rows(settings, "SELECT count(*), sum(counted) FROM cost") == [(8, 800_000)], "no call was made twice"
    assert rows(settings, "SELECT count(*), max(launch) FROM attempt") == [(1, 2)]
    assert task_rows(settings)["a"]["failures"] == 0


@pytest.mark.usefixtures("_here")
def test_deny_gives_the_task_up_and_the_run_fails(project: Path, settings: Settings) -> None:
    start(project, settings, [spending("a", calls=8, least=0.1, most=0.1, budget=0.5)])
    assert move(project, settings) == "incomplete"
    answer(settings, "g1", approve=False)
    assert move(project, settings) == "failed"
    assert task_rows(settings)["a"]["reason"] == "denied: too dear"
    assert rows(settings, "SELECT status, worktree FROM attempt") == [("cancelled", None)]


@pytest.mark.usefixtures("_here")
def test_a_run_that_waits_for_a_new_day_goes_on_by_itself_when_there_is_money(
    project: Path, settings: Settings
) -> None:
    start(project, settings, [spending("a", calls=3, least=0.1, most=0.1)])
    session = Orchestrator(project, settings)

    async def play() -> None:
        async with Database.open(settings.database) as db:
            async with db.transaction() as tx:
                await budgets.set_provider(tx, "anthropic", {"day": MICRO // 10})
            moving = asyncio.create_task(session.move("r1"))
            await until(db, lambda: saw(db, "task.budget_wait"))
            done, _ = await asyncio.wait({moving}, timeout=1.5)
            assert not done, "it waits for midnight"
            await Inbox(db, settings).set_budget("anthropic", {"day": MICRO})
            assert await asyncio.wait_for(moving, 60) == "completed"

    asyncio.run(play())
    assert rows(settings, "SELECT status FROM gate") == [("withdrawn",)]


@pytest.mark.usefixtures("_here")
def test_an_agent_that_does_not_listen_is_stopped(project: Path, settings: Settings) -> None:
    deaf = spending("a", calls=10**9, least=0.001, most=0.001, budget=0.5, deaf=True, max_attempts=1)
    start(project, settings, [deaf])
    assert move(project, settings) == "incomplete"
    assert rows(settings, "SELECT reason FROM attempt") == [("it went on after it had spent what it may",)]
    wait_for(lambda: not processes_of(settings.home))


@pytest.mark.usefixtures("_here")
def test_no_agent_can_raise_its_own_budget(project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    start(project, settings, [spending("a", calls=8, least=0.1, most=0.1, budget=0.5)])
    move(project, settings)
    monkeypatch.setattr(humans, "_below_attempt", lambda *_: "this process belongs to the attempt r1.a.1")
    with pytest.raises(ForbiddenError, match="only a human"):
        answer(settings, "g1", approve=True)

    async def remove_limits() -> None:
        async with Database.open(settings.database) as db:
            await Inbox(db, settings).set_budget("anthropic", None)

    with pytest.raises(ForbiddenError, match="only a human can change the budget of anthropic"):
        asyncio.run(remove_limits())
    assert {"gate.answer_refused", "budget.change_refused"} <= set(kinds(settings))


def test_a_budget_of_nothing_is_a_limit(project: Path, settings: Settings) -> None:
    task = {"id": "a", "prompt": "do a"}
    plan = Plan.model_validate({"goal": "g", "budget": 9, "phases": [{"id": "one", "tasks": [task]}]})
    asyncio.run(Orchestrator(project, settings).start(plan, budget=0))
    assert rows(settings, "SELECT kind, micro_usd FROM budget") == [("run", 0)]
