"""Budgets: what a claim reserves, what is free again afterwards, and what a human is asked when nothing is left."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tasks_world import World, play

from claude_orchestrator.orchestrator.funding import funding
from claude_orchestrator.state import attempts, budget_gates, budgets, events, gates, runs, spending, tasks
from claude_orchestrator.state.budgets import MICRO, Limit, State, dollars, micro
from claude_orchestrator.state.runs import NewTask
from claude_orchestrator.state.tasks import Claim

NOON = datetime(2026, 11, 26, 12, tzinfo=UTC).timestamp()
MIDNIGHT = datetime(2026, 11, 27, tzinfo=UTC).timestamp()

Ending = Callable[[World, Claim], Coroutine[Any, Any, object]]


def paid(task_id: str, budget: int | None = None, agent: str = "claude") -> NewTask:
    definition = json.dumps({"id": task_id, "agent": agent})
    return NewTask(task_id, "one", task_id, definition, json.dumps([task_id]), 2, (), budget)


async def spend(w: World, claim: Claim, amount: int | None, call: str = "c1", counted: int | None = None) -> None:
    cost = spending.Cost(claim.attempt_id, call, w.run_id, claim.task_id, "anthropic", "m", 1, 1, 0, 0, amount,
                         (amount or 0) if counted is None else counted)  # fmt: skip
    async with w.db.transaction() as tx:
        assert await spending.record(tx, cost, w.now)


async def limit(w: World, kind: Any, subject: str, usd: float) -> None:
    async with w.db.transaction() as tx:
        await budgets.put(tx, kind, subject, micro(usd))


async def run_state(w: World) -> State:
    return await budgets.state_of(w.db, Limit("run", w.run_id, "", 0))


async def allowance(w: World, claim: Claim) -> int | None:
    value = (await attempts.get(w.db, claim.attempt_id))["allowance"]
    return None if value is None else int(value)


async def open_gates(w: World) -> list[dict[str, Any]]:
    return [gate for gate in await gates.listed(w.db) if gate["kind"] == "budget"]


def test_agents_without_a_model_reserve_nothing(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, 0.01)
        assert await allowance(w, await w.take(fund=funding(5.0))) is None
        assert (await run_state(w)).reserved == 0

    play(tmp_path, scenario, [paid("a", agent="command")])


def test_an_attempt_reserves_what_one_may_spend_or_what_the_tightest_limit_leaves(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        assert await allowance(w, await w.take(fund=funding(5.0))) == 5 * MICRO
        await limit(w, "run", w.run_id, 8)
        assert await allowance(w, await w.take(fund=funding(5.0))) == 2 * MICRO, "its task's budget"
        assert await allowance(w, await w.take(fund=funding(5.0))) == 1 * MICRO, "8 less 5 and 2"
        assert (await run_state(w)).reserved == 8 * MICRO

    play(tmp_path, scenario, [paid("a"), paid("b", 2 * MICRO), paid("c")])


def test_the_rest_waits_for_those_who_have_reserved_and_goes_on_when_they_did_not_need_it(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, 5)
        first = await w.take(fund=funding(5.0))
        for _ in range(3):
            assert await w.claim(fund=funding(5.0)) is None
        row = await w.db.fetch_one("SELECT status, reason FROM task WHERE id = 'b'")
        assert row == {
            "status": "pending",
            "reason": "waits for the rest of the budget of run r1, which others may spend",
        }
        assert await open_gates(w) == [], "nothing is spent: there is nothing to decide"
        await spend(w, first, MICRO)
        await w.complete(first)
        assert await allowance(w, await w.take(fund=funding(5.0))) == 4 * MICRO

    play(tmp_path, scenario, [paid("a"), paid("b")])


async def _complete(w: World, claim: Claim) -> None:
    await w.complete(claim)


async def _fail(w: World, claim: Claim) -> None:
    await w.fail(claim, final=True)


async def _park(w: World, claim: Claim) -> None:
    await w.park(claim, {})


async def _cancel(w: World, claim: Claim) -> None:
    async with w.db.transaction() as tx:
        await tasks.cancel(tx, claim, now=w.now)


async def _review(w: World, claim: Claim) -> None:
    async with w.db.transaction() as tx:
        await tasks.wait_for_review(tx, claim, question="so?", subject="config", now=w.now)


async def _set_aside(w: World, claim: Claim) -> None:
    async with w.db.transaction() as tx:
        await tasks.set_aside(tx, run_id=w.run_id, task_id=claim.task_id, fence=claim.fence)


async def _verify(w: World, claim: Claim) -> None:
    async with w.db.transaction() as tx:
        await tasks.advance(tx, claim, "verifying")


@pytest.mark.parametrize("ending", [_complete, _fail, _park, _cancel, _review, _set_aside, _verify])
def test_whatever_ends_the_work_frees_what_was_not_spent(tmp_path: Path, ending: Ending) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, MICRO)
        assert await run_state(w) == State(MICRO, 4 * MICRO, 0)
        await ending(w, claim)
        assert await run_state(w) == State(MICRO, 0, 0)

    play(tmp_path, scenario, [paid("a")])


def test_an_adopted_attempt_keeps_its_reservation(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take(fund=funding(5.0))
        async with w.db.transaction() as tx:
            await tasks.adopt(tx, run_id=w.run_id, task_id="a", fence=claim.fence, worker="w2")
        assert (await run_state(w)).reserved == 5 * MICRO

    play(tmp_path, scenario, [paid("a")])


def test_an_attempt_that_goes_on_gets_a_new_reservation(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, 2 * MICRO)
        await w.park(claim, {})
        again = await w.take(fund=funding(5.0))
        assert await allowance(w, again) == 3 * MICRO, "one attempt may spend 5, however often it is stopped"
        assert await run_state(w) == State(2 * MICRO, 3 * MICRO, 0)
        await spend(w, again, MICRO, "c2")
        assert await budgets.allowance_of(w.db, again.attempt_id) == budgets.Allowance(2 * MICRO, 2 * MICRO)

    play(tmp_path, scenario, [paid("a")])


def test_one_gate_for_a_run_and_limit_asks_for_all_tasks_that_need_it(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, 2)
        first = await w.take(fund=funding(5.0))
        await spend(w, first, 2 * MICRO + 1234)
        await w.complete(first)
        assert await w.claim(fund=funding(5.0)) is None
        [gate] = await open_gates(w)
        assert gate["question"] == (
            "too little is left of the budget of run r1: $2.00 of $2.00 is spent. Approve raises it by $2.01 to $4.01,"
            " deny gives up the tasks that wait for it."
        )
        assert [await w.status(name) for name in "bc"] == ["waiting", "waiting"]
        assert await w.settle() == "incomplete"
        await w.answer(gate["id"], approve=True)
        assert await w.settle() == "running"
        assert await allowance(w, await w.take(fund=funding(5.0))) == micro(4.01) - (2 * MICRO + 1234)
        assert await w.claim(fund=funding(5.0)) is None, "the other waits for what is reserved"
        assert await open_gates(w) == []

    play(tmp_path, scenario, [paid("a"), paid("b"), paid("c")])


def test_deny_gives_the_waiting_tasks_up(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "task", "r1/a", 1)
        claim = await w.take(fund=funding(5.0), only="a")
        await spend(w, claim, MICRO)
        await w.park(claim, {"session": "s"})
        assert await w.claim(fund=funding(5.0), only="a") is None
        [gate] = await open_gates(w)
        assert (gate["attempt_id"], gate["task_id"]) == (claim.attempt_id, "a")
        await w.answer(gate["id"], approve=False, reason="too dear")
        row = await w.db.fetch_one("SELECT task.status, task.reason, attempt.status AS attempt FROM task"
                                   " JOIN attempt ON attempt.id = task.attempt_id WHERE task.id = 'a'")  # fmt: skip
        assert row == {"status": "failed", "reason": "denied: too dear", "attempt": "cancelled"}
        assert await w.status("b") == "pending"

    play(tmp_path, scenario, [paid("a"), paid("b")])


def test_an_attempt_that_has_spent_what_it_may_asks_and_goes_on_from_its_session(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, micro(4.99))
        async with w.db.transaction() as tx:
            await budgets.stop(tx, claim.attempt_id)
        await w.park(claim, {"session": "s"})
        assert await w.claim(fund=funding(5.0)) is None
        [gate] = await open_gates(w)
        assert gate["question"].startswith(
            f"too little is left of the budget of attempt {claim.attempt_id}: $4.99 of $5"
        )
        await w.answer(gate["id"], approve=True)
        again = await w.take(fund=funding(5.0))
        assert again.attempt_id == claim.attempt_id
        assert (await attempts.get(w.db, again.attempt_id))["resume"] == {"session": "s"}
        assert await allowance(w, again) == micro(5.01)

    play(tmp_path, scenario, [paid("a")])


def test_an_attempt_that_stops_although_it_has_money_is_not_started_again_and_again(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, micro(0.10))
        async with w.db.transaction() as tx:
            await budgets.stop(tx, claim.attempt_id)
        await w.park(claim, {"session": "s"})
        assert await w.claim(fund=funding(5.0)) is None
        [gate] = await open_gates(w)
        assert "Approve raises it by $5.00 to $5.10" in gate["question"]

    play(tmp_path, scenario, [paid("a")])


def test_a_client_that_stops_a_little_early_gets_the_rest_unasked(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take(fund=funding(5.0))
        for number in range(4):
            await spend(w, claim, MICRO, f"c{number}")
        async with w.db.transaction() as tx:
            await budgets.stop(tx, claim.attempt_id)
        await w.park(claim, {"session": "s"})
        assert await allowance(w, await w.take(fund=funding(5.0))) == MICRO

    play(tmp_path, scenario, [paid("a")])


def test_an_attempt_with_large_calls_is_not_begun_with_less_than_one_of_them(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, 3)
        claim = await w.take(fund=funding(5.0))
        for number in range(3):
            await spend(w, claim, micro(0.9), f"c{number}")
        await w.park(claim, {})
        assert await w.claim(fund=funding(5.0)) is None, "0.30 is left, and one call took 0.90"
        assert len(await open_gates(w)) == 1

    play(tmp_path, scenario, [paid("a")])


def test_a_limit_of_a_day_ends_with_the_day(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        await limit(w, "day", "anthropic", 1)
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, MICRO)
        await w.complete(claim)
        assert await w.claim(fund=funding(5.0)) is None
        [gate] = await open_gates(w)
        assert "anthropic on 2026-11-26 (UTC)" in gate["question"]
        assert "or wait until 2026-11-27 00:00 UTC" in gate["question"]
        assert await w.settle() == "running", "it goes on by itself within a day"
        assert await budget_gates.release(w.db, MIDNIGHT - 1) == []
        w.now = MIDNIGHT
        assert await budget_gates.release(w.db, w.now) == [gate["id"]]
        assert await allowance(w, await w.take(fund=funding(5.0))) == MICRO
        [closed] = await gates.listed(w.db, include_answered=True)
        assert closed["status"] == "withdrawn"

    play(tmp_path, scenario, [paid("a"), paid("b")])


def test_an_approval_raises_a_day_and_not_every_day(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        await limit(w, "day", "anthropic", 1)
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, MICRO)
        await w.complete(claim)
        assert await w.claim(fund=funding(5.0)) is None
        [gate] = await open_gates(w)
        await w.answer(gate["id"], approve=True)
        today = await budgets.limit_now(w.db, "day", "anthropic", w.now)
        tomorrow = await budgets.limit_now(w.db, "day", "anthropic", MIDNIGHT)
        assert today is not None
        assert tomorrow is not None
        assert (today.amount, tomorrow.amount) == (2 * MICRO, MICRO)
        assert await allowance(w, await w.take(fund=funding(5.0))) == MICRO

    play(tmp_path, scenario, [paid("a"), paid("b")])


def test_a_limit_that_the_user_raises_or_removes_lets_the_waiting_go_on(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        await limit(w, "month", "anthropic", 1)
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, MICRO)
        await w.complete(claim)
        for change in ({"month": 2 * MICRO}, {}):
            assert await w.claim(fund=funding(5.0)) is None
            assert await budget_gates.release(w.db, w.now) == []
            async with w.db.transaction() as tx:
                if change:
                    await budgets.set_provider(tx, "anthropic", change)
                else:
                    await budgets.unset_provider(tx, "anthropic")
            assert len(await budget_gates.release(w.db, w.now)) == 1
            claim = await w.take(fund=funding(5.0))
            await spend(w, claim, MICRO)
            await w.complete(claim)

    play(tmp_path, scenario, [paid("a"), paid("b"), paid("c")])


def test_a_month_that_is_days_away_leaves_the_run_to_humans(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        await limit(w, "month", "anthropic", 1)
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, MICRO)
        await w.complete(claim)
        assert await w.claim(fund=funding(5.0)) is None
        assert await w.settle() == "incomplete"

    play(tmp_path, scenario, [paid("a"), paid("b")])


def test_a_cancelled_run_asks_for_no_money(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, 1)
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, MICRO)
        await w.complete(claim)
        assert await w.claim(fund=funding(5.0)) is None
        await w.want("cancel")
        assert await w.settle() == "cancelled"
        assert await open_gates(w) == []

    play(tmp_path, scenario, [paid("a"), paid("b")])


def test_another_provider_with_money_is_taken_before_anybody_is_asked(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        await limit(w, "day", "anthropic", 1)

        def choose(*_: object) -> list[tuple[str, str]]:
            return [("anthropic", "a"), ("google", "g")]

        first = await w.take(fund=funding(5.0, choose=choose))
        await spend(w, first, MICRO)
        second = await w.take(fund=funding(5.0, choose=choose))
        assert (await attempts.get(w.db, second.attempt_id))["provider"] == "google"

    play(tmp_path, scenario, [paid("a"), paid("b")])


def test_every_wait_is_in_the_journal(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, 1)
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, MICRO)
        await w.complete(claim)
        await w.claim(fund=funding(5.0))
        told = [event for event in await events.after(w.db, 0) if event["kind"] == "task.budget_wait"]
        assert [event["task_id"] for event in told] == ["b", "c"]

    play(tmp_path, scenario, [paid("a"), paid("b"), paid("c")])


@pytest.mark.parametrize(
    ("amount", "shown"),
    [(0, "$0.00"), (5_000_000, "$5.00"), (9_999, "$0.009999"), (1, "$0.000001"), (1_234_567_890, "$1,234.57")],
)
def test_money_is_shown_in_cents_and_finer_only_below_one(amount: int, shown: str) -> None:
    assert dollars(amount) == shown


def test_dollars_are_kept_as_whole_millionths() -> None:
    assert [micro(usd) for usd in (0.1, 0.29, 2.5, 0.0000001)] == [100_000, 290_000, 2_500_000, 1]


@pytest.mark.parametrize(
    ("period", "begin", "end"),
    [
        ("2026-11-26", (2026, 11, 26), (2026, 11, 27)),
        ("2026-11", (2026, 11, 1), (2026, 12, 1)),
        ("2026-12", (2026, 12, 1), (2027, 1, 1)),
        ("2028-02", (2028, 2, 1), (2028, 3, 1)),
    ],
)
def test_days_and_months_are_those_of_utc(period: str, begin: Any, end: Any) -> None:
    assert budgets.bounds(period) == tuple(datetime(*day, tzinfo=UTC).timestamp() for day in (begin, end))


def test_plans_set_limits_of_their_run_and_tasks(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        found = await budgets.all_limits(w.db, w.now, w.run_id)
        assert found == [Limit("task", "r1/b", "", 3 * MICRO)]
        assert (await runs.get(w.db, w.run_id))["status"] == "running"

    play(tmp_path, scenario, [paid("a"), paid("b", 3 * MICRO)])


def test_an_approval_does_not_lower_what_was_set_meanwhile(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        async with w.db.transaction() as tx:
            await budgets.set_provider(tx, "anthropic", {"day": micro(5)})
        await spend(w, await w.take(fund=funding(5.0)), micro(5))
        assert await w.claim(fund=funding(5.0)) is None
        (gate,) = await open_gates(w)
        async with w.db.transaction() as tx:
            await budgets.set_provider(tx, "anthropic", {"day": micro(20)})
        await w.answer(gate["id"], approve=True)
        now = await budgets.limit_now(w.db, "day", "anthropic", w.now)
        assert now is not None
        assert now.amount == micro(20)

    play(tmp_path, scenario, [paid("a"), paid("b")])


def test_one_approval_is_enough_also_after_a_call_that_was_larger_than_the_limit(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, 0.10)
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, micro(1.0))
        async with w.db.transaction() as tx:
            await tasks.park(tx, claim, resume={"calls": 1}, now=w.now)
        assert await w.claim(fund=funding(5.0)) is None
        (gate,) = await open_gates(w)
        await w.answer(gate["id"], approve=True)
        assert (await w.take(fund=funding(5.0))).attempt_id == claim.attempt_id

    play(tmp_path, scenario, [paid("a")])


@pytest.mark.parametrize("usd", [1e13, 1e300, float("inf")])
def test_a_limit_larger_than_any_sum_can_be_set(tmp_path: Path, usd: float) -> None:
    async def scenario(w: World) -> None:
        await limit(w, "run", w.run_id, usd)
        assert await allowance(w, await w.take(fund=funding(usd))) == micro(1e9)

    play(tmp_path, scenario, [paid("a")])


def test_a_new_day_comes_also_for_a_limit_that_was_lowered_meanwhile(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        w.now = NOON
        async with w.db.transaction() as tx:
            await budgets.set_provider(tx, "anthropic", {"day": micro(5)})
        claim = await w.take(fund=funding(5.0))
        await spend(w, claim, micro(4))
        async with w.db.transaction() as tx:
            await tasks.park(tx, claim, resume={"calls": 1}, now=w.now)
        assert await w.claim(fund=funding(5.0)) is None
        async with w.db.transaction() as tx:
            await budgets.set_provider(tx, "anthropic", {"day": micro(1)})
        assert await budget_gates.release(w.db, w.now) == []
        w.now = MIDNIGHT
        assert await budget_gates.release(w.db, w.now) == ["g1"]
        assert (await w.take(fund=funding(10.0))).attempt_id == claim.attempt_id

    play(tmp_path, scenario, [paid("a")])
