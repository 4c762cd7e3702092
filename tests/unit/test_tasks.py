"""The transaction functions of tasks: what a claim grants, what an ending releases, and what a fence stops."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tasks_world import World, a_task, play

from claude_orchestrator.errors import NotReadyError, StaleFenceError
from claude_orchestrator.state import attempts, events, gates, runs, tasks
from claude_orchestrator.state.runs import NewPhase


def test_claims_follow_dependencies_and_phases(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        first = await w.take()
        assert first.task_id == "a"
        assert await w.claim() is None
        await w.complete(first)
        second = await w.take()
        assert second.task_id == "b"
        await w.complete(second)
        assert (await w.take()).task_id == "c"

    phases = [NewPhase("one", "", ()), NewPhase("two", "", ("one",))]
    play(tmp_path, scenario, [a_task("a"), a_task("b", needs=("a",)), a_task("c", "two")], phases)


def test_the_limit_counts_over_all_workers(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await w.take(worker="w1", limit=2)
        await w.take(worker="w2", limit=2)
        assert await w.claim(worker="w3", limit=2) is None

    play(tmp_path, scenario, [a_task("a"), a_task("b"), a_task("c")])


def test_an_overlapping_task_waits_and_says_for_whom(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        holder = await w.take()
        other = await w.take()
        assert other.task_id == "c"
        row = await w.db.fetch_one("SELECT reason FROM task WHERE id = 'b'")
        assert row is not None
        assert "r1/a" in row["reason"]
        waits = [event for event in await events.after(w.db, 0) if event["kind"] == "task.lock_wait"]
        assert len(waits) == 1, "told once, not at every look"
        await w.complete(holder)
        assert (await w.take()).task_id == "b"

    play(tmp_path, scenario, [a_task("a", lock="x"), a_task("b", lock="x"), a_task("c")])


def test_a_failed_attempt_waits_then_gets_the_next_number(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        assert await w.fail(await w.take()) == "pending"
        assert await w.claim() is None
        w.now += 6
        second = await w.take()
        assert (second.number, second.attempt_id) == (2, "r1.a.2")
        assert await attempts.feedback(w.db, second) == "why"

    play(tmp_path, scenario, [a_task("a")])


def test_the_last_failure_escalates_and_blocks_only_dependents(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        for _ in range(2):
            await w.fail(await w.take(only="a"))
            w.now += 6
        assert await w.status("a") == "escalated"
        await w.complete(await w.take())
        assert await w.settle() == "incomplete"
        assert await w.status("b") == "pending"
        [gate] = await gates.listed(w.db)
        await w.answer(gate["id"], approve=True)
        await w.want("run")
        assert (await w.take()).number == 1

    play(tmp_path, scenario, [a_task("a"), a_task("b", needs=("a",)), a_task("c")])


def test_a_final_failure_escalates_at_once(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        assert await w.fail(await w.take(), final=True) == "escalated"
        [gate] = await gates.listed(w.db)
        await w.answer(gate["id"], approve=False)
        assert await w.status("a") == "failed"
        with pytest.raises(NotReadyError, match="already denied"):
            await w.answer(gate["id"], approve=True)

    play(tmp_path, scenario, [a_task("a")])


def test_a_stale_fence_writes_nothing(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        old = await w.take(worker="dead")
        async with w.db.transaction() as tx:
            new = await tasks.adopt(tx, run_id="r1", task_id="a", fence=old.fence, worker="w2")
            again = await tasks.adopt(tx, run_id="r1", task_id="a", fence=old.fence, worker="w3")
        assert new is not None
        assert new.attempt_id == old.attempt_id
        assert again is None, "only one adopts"
        for write in (w.complete(old), w.fail(old)):
            with pytest.raises(StaleFenceError):
                await write
        await w.complete(new)
        with pytest.raises(StaleFenceError):
            await w.complete(new)

    play(tmp_path, scenario, [a_task("a")])


def test_a_parked_attempt_goes_on_and_an_interrupted_one_starts_anew(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        for resume, expected in (({"done": 3}, ("r1.a.1", 1)), (None, ("r1.a.2", 1))):
            claim = await w.take()
            await w.want("pause")
            async with w.db.transaction() as tx:
                await tasks.park(tx, claim, resume=resume, now=w.now)
            assert await w.settle() == "paused"
            assert await w.claim() is None
            await w.want("run")
            claim = await w.take()
            assert (claim.attempt_id, claim.number) == expected
            assert (await attempts.get(w.db, claim.attempt_id))["resume"] == resume
            async with w.db.transaction() as tx:
                await tasks.park(tx, claim, resume={}, now=w.now)

    play(tmp_path, scenario, [a_task("a")])


@pytest.mark.parametrize("approve", [True, False])
def test_a_review_waits_without_slot_or_lock(tmp_path: Path, approve: bool) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take(limit=1)
        async with w.db.transaction() as tx:
            gate = await tasks.wait_for_review(tx, claim, question="so?", subject="config", now=w.now)
        assert await w.db.fetch_all("SELECT * FROM file_lock") == []
        await w.complete(await w.take(limit=1))
        assert await w.settle() == "incomplete"
        await w.answer(gate, approve=approve)
        await w.want("run")
        again = await w.take()
        assert (again.attempt_id == claim.attempt_id) is approve
        assert (await gates.waiver(w.db, claim.attempt_id) is not None) is approve

    play(tmp_path, scenario, [a_task("a"), a_task("b")])


def test_cancel_ends_everything_that_is_not_running(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        running = await w.take()
        await w.fail(await w.take(), final=True)
        await w.want("cancel")
        assert await w.settle() == "running", "the running attempt is stopped first"
        async with w.db.transaction() as tx:
            await tasks.cancel(tx, running, now=w.now)
        assert await w.settle() == "cancelled"
        assert {await w.status(task) for task in "abc"} == {"cancelled"}
        assert await gates.listed(w.db) == []
        with pytest.raises(NotReadyError, match="already cancelled"):
            await w.want("run")

    play(tmp_path, scenario, [a_task("a"), a_task("b"), a_task("c")])


def test_a_clock_that_is_put_back_does_not_prolong_a_wait(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await w.fail(await w.take())
        assert await w.claim() is None
        w.now -= 3600
        assert (await w.take()).number == 2

    play(tmp_path, scenario, [a_task("a")])


def test_the_latest_feedback_is_that_of_the_latest_attempt_whatever_the_clock_said(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        for number in range(1, 12):
            claim = await w.take()
            async with w.db.transaction() as tx:
                await tasks.fail(tx, claim, reason="", feedback=f"why {number}", retry_at=0, now=w.now, final=True)
            await w.answer(f"g{number}", approve=True)
            w.now -= 10
        assert await attempts.feedback(w.db, claim) == "why 11"
        assert [row["id"] for row in await attempts.of_task(w.db, w.run_id, "a")][-2:] == ["r1.a.10", "r1.a.11"]

    play(tmp_path, scenario, [a_task("a")])


def test_a_pause_does_not_take_a_cancel_back_but_a_resume_does(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        await w.want("cancel")
        await w.want("pause")
        assert (await runs.get(w.db, w.run_id))["intent"] == "cancel"
        await w.want("run")
        await w.want("pause")
        assert await w.settle() == "paused"

    play(tmp_path, scenario, [a_task("a")])


@pytest.mark.parametrize("agent_done", [False, True])
def test_a_task_set_aside_frees_everything_and_goes_on_in_its_attempt(tmp_path: Path, agent_done: bool) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        async with w.db.transaction() as tx:
            await attempts.note(tx, claim, {"launch": 1, "commit_id": "c" * 40})
            await attempts.start_step(tx, claim, "agent", 0)
            if agent_done:
                await attempts.finish_step(tx, claim, "agent", {}, 0)
        for fence, left in ((claim.fence - 1, 1), (claim.fence, 0), (claim.fence, 0)):  # too late, now, and once more
            async with w.db.transaction() as tx:
                await tasks.set_aside(tx, run_id=w.run_id, task_id="a", fence=fence)
            assert len(await tasks.active(w.db)) == left
            assert len(await w.db.fetch_all("SELECT * FROM file_lock")) == left
        with pytest.raises(StaleFenceError):
            await w.complete(claim)
        again = await w.take(worker="w2")
        assert (again.attempt_id, again.fence) == (claim.attempt_id, claim.fence + 2)
        row = await attempts.get(w.db, claim.attempt_id)
        assert (row["status"], row["launch"], row["resume"]) == ("running", 1, None)
        assert row["commit_id"] == ("c" * 40 if agent_done else None), "a checkpoint is not all that the agent made"

    play(tmp_path, scenario, [a_task("a")])


def test_no_write_of_an_attempt_gets_past_the_fence(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        old = await w.take()
        async with w.db.transaction() as tx:
            assert await tasks.adopt(tx, run_id=w.run_id, task_id="a", fence=old.fence, worker="w2")
        writes: list[Callable[[Any], Awaitable[None]]] = [
            lambda tx: attempts.note(tx, old, {"launch": 7}),
            lambda tx: attempts.start_step(tx, old, "agent", 0),
            lambda tx: attempts.finish_step(tx, old, "agent", {}, 0),
            lambda tx: attempts.record_evidence(tx, old, tree="t", verdict="passed", document={}, folder="", now=0),
            lambda tx: tasks.advance(tx, old, "verifying"),
            lambda tx: tasks.cancel(tx, old, now=0),
            lambda tx: tasks.park(tx, old, resume=None, now=0),
        ]
        for write in writes:
            with pytest.raises(StaleFenceError):
                async with w.db.transaction() as tx:
                    await write(tx)

    play(tmp_path, scenario, [a_task("a")])
