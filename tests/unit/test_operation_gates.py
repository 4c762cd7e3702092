"""Gates of operations as rows: one a question, one answer, used once, and nothing that a crash could repeat or lose."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tasks_world import World, a_task, play

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.state import attempts, events, gates, operation_gates, tasks
from claude_orchestrator.state.database import Database, Row
from claude_orchestrator.state.operation_gates import MAX_RESUMES, Question
from claude_orchestrator.state.tasks import Claim

TOKEN = {"tree": "t", "done": 2}
PATTERN = [{"argv": ["pip", "install", "*"]}]


def question(claim: Claim, key: str = "k", **more: Any) -> Question:
    values: dict[str, Any] = {
        "run_id": claim.run_id,
        "task_id": claim.task_id,
        "attempt_id": claim.attempt_id,
        "key": key,
        "launch": 1,
        "resume": TOKEN,
        "text": "wants to run pip install x",
        "operation": {"kind": "run"},
        "effects": [{"rule": "A3", "what": "installs x"}],
        "rule": "A3",
        "shown": "run pip install x",
        "risk": "medium",
    }
    return Question(**{**values, **more})


async def ask(w: World, asked: Question) -> Row:
    async with w.db.transaction() as tx:
        return await operation_gates.ask(tx, asked, w.now)


async def use(w: World, gate: Row) -> bool:
    async with w.db.transaction() as tx:
        return await operation_gates.use(tx, await operation_gates.get(tx, gate["id"]), w.now)


async def park(w: World, claim: Claim) -> None:
    async with w.db.transaction() as tx:
        await tasks.park(tx, claim, resume=TOKEN, now=w.now)


async def kinds(w: World, prefix: str) -> list[str]:
    return [event["kind"] for event in await events.after(w.db, 0) if event["kind"].startswith(prefix)]


def test_the_same_question_is_one_gate_whoever_asks(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim))
        assert (gate["kind"], gate["status"], gate["operation"], gate["resume"]) == (
            "operation",
            "open",
            {"kind": "run"},
            TOKEN,
        )
        assert (await ask(w, question(claim)))["id"] == gate["id"]
        again = await ask(w, question(claim, launch=2))
        assert (again["id"], (await operation_gates.get(w.db, gate["id"]))["launch"]) == (gate["id"], 2)
        assert (await ask(w, question(claim, key="elsewhere")))["id"] != gate["id"]
        assert await kinds(w, "gate.") == ["gate.opened", "gate.opened"]

    play(tmp_path, scenario, [a_task("a")])


def test_the_attempt_is_parked_and_holds_nothing_until_the_answer(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim))
        await park(w, claim)
        assert await w.status("a") == "waiting"
        assert await w.settle() == "incomplete"
        assert await w.db.fetch_all("SELECT * FROM file_lock") == []
        assert await w.claim() is None
        await w.answer(gate["id"], approve=True)
        again = await w.take()
        assert (again.attempt_id, again.number) == (claim.attempt_id, 1)
        assert (await attempts.get(w.db, again.attempt_id))["resume"] == TOKEN

    play(tmp_path, scenario, [a_task("a")])


def test_an_answer_before_the_attempt_is_parked_is_not_lost(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim))
        await w.answer(gate["id"], approve=False)
        assert await w.status("a") == "delegated", "its runner may still be ending"
        await park(w, claim)
        assert await w.status("a") == "pending"
        await w.take()

    play(tmp_path, scenario, [a_task("a")])


def test_an_approval_is_used_up(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim))
        await w.answer(gate["id"], approve=True)
        assert (await ask(w, question(claim)))["id"] == gate["id"], "nobody has used it yet"
        assert await use(w, gate)
        assert not await use(w, gate)
        again = await ask(w, question(claim))
        assert (again["id"] != gate["id"], again["status"], again["round"]) == (True, "open", 2)
        assert (await kinds(w, "gate.")).count("gate.used") == 1

    play(tmp_path, scenario, [a_task("a")])


def test_a_denial_holds_for_later_attempts_until_the_task_is_tried_anew(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        assert await operation_gates.denial(w.db, question(claim)) is None
        gate = await ask(w, question(claim))
        await w.answer(gate["id"], approve=False, reason="no packages")
        await use(w, gate)
        await w.fail(claim)
        w.now += 10
        second = await w.take()
        denial = await operation_gates.denial(w.db, question(second))
        assert denial is not None
        assert (denial["id"], denial["reason"]) == (gate["id"], "no packages")
        assert await operation_gates.denial(w.db, question(second, key="other")) is None
        await w.fail(second)
        (escalation,) = await gates.listed(w.db)
        await w.answer(escalation["id"], approve=True)
        third = await w.take()
        assert await operation_gates.denial(w.db, question(third)) is None

    play(tmp_path, scenario, [a_task("a")])


def test_a_pattern_covers_the_run_and_its_open_questions(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim, other = await w.take(), await w.take()
        first = await ask(w, question(claim, suggestion=PATTERN))
        second = await ask(w, question(other, suggestion=PATTERN))
        third = await ask(w, question(other, key="else", suggestion=[{"argv": ["rm"]}]))
        async with w.db.transaction() as tx:
            await gates.answer(tx, first["id"], approve=True, reason="", by="ann", now=w.now, way="pattern")
        assert await operation_gates.patterns(w.db, w.run_id) == [(first["id"], PATTERN)]
        assert (await operation_gates.get(w.db, second["id"]))["status"] == "approved"
        assert (await operation_gates.get(w.db, third["id"]))["status"] == "open"

    play(tmp_path, scenario, [a_task("a"), a_task("b")])


def test_answers_that_do_not_fit_are_refused(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim))
        await w.fail(await w.take(), final=True)
        (escalation,) = [row for row in await gates.listed(w.db) if row["kind"] == "escalation"]
        for gate_id, words in ((gate["id"], "no pattern"), (escalation["id"], "about no operation")):
            with pytest.raises(NotReadyError, match=words):
                async with w.db.transaction() as tx:
                    await gates.answer(tx, gate_id, approve=True, reason="", by="a", now=w.now, way="pattern")
        assert len(await gates.listed(w.db)) == 2

    play(tmp_path, scenario, [a_task("a"), a_task("b")])


def test_what_nobody_answers_in_time_is_denied(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim, expires_at=w.now + 60))
        await park(w, claim)
        assert await operation_gates.expire(w.db, w.now + 59) == []
        w.now += 60
        with pytest.raises(NotReadyError, match="expired"):
            await w.answer(gate["id"], approve=True)
        assert await operation_gates.expire(w.db, w.now) == [gate["id"]]
        assert await operation_gates.expire(w.db, w.now) == []
        row = await operation_gates.get(w.db, gate["id"])
        assert (row["status"], row["way"], row["channel"], row["answered_by"]) == (
            "denied",
            "expired",
            "expiry",
            "policy",
        )
        assert await w.status("a") == "pending"

    play(tmp_path, scenario, [a_task("a")])


def test_an_attempt_that_is_over_asks_nothing_any_more(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim))
        await w.fail(claim)
        assert (await operation_gates.get(w.db, gate["id"]))["status"] == "withdrawn"
        with pytest.raises(NotReadyError, match="already withdrawn"):
            await w.answer(gate["id"], approve=True)
        w.now += 10
        assert (await ask(w, question(await w.take())))["id"] != gate["id"]

    play(tmp_path, scenario, [a_task("a")])


def test_a_runner_that_dies_at_a_question_has_left_its_token(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        assert await operation_gates.token_of_the_dead(w.db, claim.attempt_id, 1) is None
        gate = await ask(w, question(claim))
        assert await operation_gates.token_of_the_dead(w.db, claim.attempt_id, 1) == TOKEN
        await w.answer(gate["id"], approve=True)
        assert await operation_gates.token_of_the_dead(w.db, claim.attempt_id, MAX_RESUMES) == TOKEN
        assert await operation_gates.token_of_the_dead(w.db, claim.attempt_id, MAX_RESUMES + 1) is None
        await use(w, gate)
        assert await operation_gates.token_of_the_dead(w.db, claim.attempt_id, 1) is None, "it may have done something"
        await ask(w, replace(question(claim, key="in-place"), resume=None))
        assert await operation_gates.token_of_the_dead(w.db, claim.attempt_id, 1) is None

    play(tmp_path, scenario, [a_task("a")])


def test_of_two_answers_at_once_one_wins(tmp_path: Path) -> None:
    async def scenario(w: World) -> None:
        claim = await w.take()
        gate = await ask(w, question(claim))

        async def answer(db: Database, approve: bool, by: str) -> str:
            try:
                async with db.transaction() as tx:
                    await gates.answer(tx, gate["id"], approve=approve, reason=by, by=by, now=w.now, channel="python")
            except NotReadyError as error:
                return str(error)
            return by

        async with Database.open(w.db.path) as other:
            said = await asyncio.gather(answer(w.db, True, "ann"), answer(other, False, "bob"))
        row = await operation_gates.get(w.db, gate["id"])
        assert row["answered_by"] in said
        assert sorted(said) != ["ann", "bob"]
        assert any(f"already {row['status']} (by {row['answered_by']})" in one for one in said)
        answers = [event for event in await events.after(w.db, 0) if event["kind"] in ("gate.approved", "gate.denied")]
        assert [event["data"]["by"] for event in answers] == [row["answered_by"]]

    play(tmp_path, scenario, [a_task("a")])
