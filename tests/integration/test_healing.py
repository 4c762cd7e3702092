"""Providers that fail, through the engine and the real runner: waited for, asked about, gone on with."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_world import a_plan, failures, journal, kinds, run, saw, task_rows, until
from staged_agents import Stage, asked

from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.config import Settings
from claude_orchestrator.models import accounts, health
from claude_orchestrator.models.breaker import Rules
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.orchestrator.delegator import Delegated
from claude_orchestrator.orchestrator.healing import MAX_TRIES
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.orchestrator.supervisor import Supervisor
from claude_orchestrator.state import gates, providers, runs
from claude_orchestrator.state.database import Database
from claude_orchestrator.telling.documents import story_of, summary_document

WORK = {"do": "work"}


@pytest.fixture
def settings(own_world: Path) -> Settings:
    """Short waits, and a breaker that only those tests open that are about it."""
    return Settings(home=own_world, retry_base_s=0.02, retry_cap_s=0.1, heartbeat_s=0.2, breaker_failures=100)


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_world: Path) -> Stage:
    return Stage(tmp_path, monkeypatch, own_world)


def fault(kind: str = "overloaded", **more: Any) -> dict[str, Any]:
    return {"do": "fault", "kind": kind, **more}


def told(settings: Settings, kind: str) -> list[dict[str, Any]]:
    return [event["data"] for event in asyncio.run(journal(settings)) if event["kind"] == kind]


def provider(settings: Settings) -> dict[str, Any]:
    async def read() -> dict[str, Any]:
        async with Database.open(settings.database) as db:
            (row,) = await providers.listed(db, time.time(), 24)
            return row

    return asyncio.run(read())


def summary(settings: Settings) -> dict[str, Any]:
    """What ``status r1 --json`` says."""

    async def read() -> dict[str, Any]:
        async with Database.open(settings.database) as db:
            return summary_document(await runs.progress(db, "r1"), await story_of(db, "r1"))

    return asyncio.run(read())


def test_an_attempt_that_meets_an_overload_goes_on_with_its_token(
    project: Path, settings: Settings, stage: Stage
) -> None:
    stage.play(a=[fault(), fault("network"), WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert [one["resume"] for one in stage.launches()] == [None, {"launch": 0}, {"launch": 1}]
    assert {one["attempt"] for one in stage.launches()} == {"r1.a.1"}
    assert failures(settings) == []
    parked = told(settings, "task.parked")
    assert [one["reason"] for one in parked] == [
        "overloaded, try 1 of 5: it said no",
        "network, try 2 of 5: it said no",
    ]
    row = provider(settings)
    assert (row["successes"], row["failed"], row["failed_kind"]) == (2, 2, "network")
    assert (row["state"], row["failures"]) == ("closed", 0)
    (task,) = summary(settings)["tasks"]
    assert (task["state"], task["provider"], task["retries"]) == ("finished", "anthropic", 2)
    assert (task["cost"]["calls"], task["cost"]["cache_read_tokens"], task["cost"]["usd"]) == (1, 5000, 0.25)


def test_without_a_token_it_starts_anew_and_that_is_no_failed_attempt(
    project: Path, settings: Settings, stage: Stage
) -> None:
    stage.play(a=[fault(resume=False, after=True), WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert [(one["attempt"], one["number"], one["resume"]) for one in stage.launches()] == [
        ("r1.a.1", 1, None),
        ("r1.a.2", 1, None),
    ]
    assert failures(settings) == []


@pytest.mark.parametrize("resume", [True, False])
def test_five_such_tries_in_a_row_are_a_failed_attempt(
    project: Path, settings: Settings, stage: Stage, resume: bool
) -> None:
    stage.play(a=[fault(resume=resume)] * MAX_TRIES + [WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert failures(settings) == ["anthropic: overloaded, 5 times in a row: it said no"]
    assert [one["number"] for one in stage.launches()] == [1] * MAX_TRIES + [2]


def test_an_attempt_that_gets_on_between_its_tries_does_not_fail(
    project: Path, settings: Settings, stage: Stage
) -> None:
    stage.play(a=[fault(after=True)] * (2 * MAX_TRIES) + [WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert failures(settings) == []


def test_a_wrong_key_is_asked_about_at_once_and_the_answer_goes_on(
    project: Path, settings: Settings, stage: Stage
) -> None:
    stage.play(a=[fault("authentication", status="error", detail="the key is wrong: correct it"), WORK])

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        assert await orchestrator.run(a_plan([asked("a")])) == "incomplete"
        async with Database.open(settings.database) as db:
            (gate,) = await gates.listed(db)
            assert gate["kind"] == "escalation"
            assert gate["question"] == (
                "authentication: the key is wrong: correct it. Put that right, then approve to go on,"
                " or deny to give the task up."
            )
            async with db.transaction() as tx:
                await gates.answer(tx, gate["id"], approve=True, reason="", by="ann", now=time.time())
        return await orchestrator.move("r1")

    assert asyncio.run(scenario()) == "completed"
    assert [one["resume"] for one in stage.launches()] == [None, {"launch": 0}]
    assert failures(settings) == []


def test_one_approval_is_enough_for_all_that_one_wrong_key_has_stopped(
    project: Path, settings: Settings, stage: Stage
) -> None:
    wrong = fault("authentication", status="error", detail="the key is wrong")
    stage.play(a=[wrong, WORK], b=[wrong, WORK], c=[{**wrong, "detail": "no right to use the model"}, WORK])

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        assert await orchestrator.run(a_plan([asked(task) for task in "abc"])) == "incomplete"
        async with Database.open(settings.database) as db:
            asks = {gate["task_id"]: gate["id"] for gate in await gates.listed(db)}
            assert set(asks) == {"a", "b", "c"}
            async with db.transaction() as tx:
                await gates.answer(tx, asks["b"], approve=True, reason="", by="ann", now=time.time())
            assert [gate["task_id"] for gate in await gates.listed(db)] == ["c"]
            answered = {row["id"]: row["reason"] for row in await gates.listed(db, include_answered=True)}
            assert answered[asks["a"]] == f"covered by {asks['b']}"
        return await orchestrator.move("r1")

    assert asyncio.run(scenario()) == "incomplete"
    assert [(task["id"], task["status"]) for task in summary(settings)["tasks"]] == [
        ("a", "completed"),
        ("b", "completed"),
        ("c", "escalated"),
    ]


def test_what_is_given_up_after_such_a_question_leaves_no_worktree(
    project: Path, settings: Settings, stage: Stage
) -> None:
    stage.play(a=[fault("setup", status="error", detail="pip install it")])

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        assert await orchestrator.run(a_plan([asked("a")])) == "incomplete"
        async with Database.open(settings.database) as db, db.transaction() as tx:
            await gates.answer(tx, "g1", approve=False, reason="no", by="ann", now=time.time())
        async with orchestrator.session() as session:
            await session.delegator.sweep("r1")
            return str((await session.db.fetch_all("SELECT status FROM run"))[0]["status"])

    assert asyncio.run(scenario()) == "failed"
    assert list(settings.worktrees.iterdir()) == []


@pytest.mark.parametrize(
    ("kind", "said"), [("turns", "used up all its turns"), ("request", "refused what the attempt")]
)
def test_what_the_next_attempt_can_do_better_it_is_told(
    project: Path, settings: Settings, stage: Stage, kind: str, said: str
) -> None:
    stage.play(a=[fault(kind, status="failed", detail="so it was"), WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert failures(settings) == ["so it was"]
    assert said in stage.launches()[1]["prompt"]
    assert "so it was" in stage.launches()[1]["prompt"]


def test_after_three_failures_the_provider_is_left_alone_and_then_tried(
    project: Path, settings: Settings, stage: Stage
) -> None:
    settings = replace(settings, breaker_failures=3, breaker_open_s=0.7)
    stage.play(a=[fault(), fault("network"), fault(), fault(), WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    story = [kind for kind in kinds(settings) if kind.startswith("provider.")]
    assert story == [f"provider.{state}" for state in ("open", "half_open", "open", "half_open", "closed")]
    launched = [one["at"] for one in stage.launches()]
    opened = [one["until"] for one in told(settings, "provider.open")]
    assert [at >= until for at, until in zip(launched[3:], opened, strict=True)] == [True, True]
    assert "waits for anthropic until" in told(settings, "task.wait")[0]["reason"]


def test_a_rate_limit_parks_the_account_for_two_runs_until_the_time_that_was_said(
    project: Path, settings: Settings, stage: Stage
) -> None:
    limited = fault("rate_limit", retry_in=1.5, detail="5-hour limit")
    stage.play(a=[limited, WORK], b=[WORK], c=[WORK], d=[WORK])
    settings = replace(settings, max_parallel=1)

    async def scenario() -> list[str]:
        orchestrator = Orchestrator(project, settings)
        for tasks in (["a", "b"], ["c", "d"]):
            await orchestrator.start(a_plan([asked(task) for task in tasks]))
        first = asyncio.create_task(orchestrator.move("r1"))
        async with Database.open(settings.database) as db:
            await until(db, lambda: _is_parked(db))
            return list(await asyncio.gather(first, orchestrator.move("r2")))

    assert asyncio.run(scenario()) == ["completed", "completed"]
    (parked,) = told(settings, "provider.parked")
    launches = stage.launches()
    assert launches[0]["task"] == "a"
    assert {one["task"] for one in launches[1:]} == {"a", "b", "c", "d"}
    assert all(one["at"] >= parked["until"] for one in launches[1:])
    waiting = {event["run_id"] for event in asyncio.run(journal(settings)) if event["kind"] == "task.wait"}
    assert waiting == {"r1", "r2"}
    assert failures(settings) == []


def test_when_the_one_that_tries_is_killed_the_next_may_try(project: Path, settings: Settings, stage: Stage) -> None:
    stage.play(a=[{"do": "silence"}, WORK], b=[WORK])
    settings = replace(settings, breaker_open_s=0.2)

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        await orchestrator.start(a_plan([asked("a"), asked("b")]))
        async with Database.open(settings.database) as db:
            async with db.transaction() as tx:
                down = Fault("network", "anthropic", "no route")
                for _ in range(3):
                    await health.failed(tx, "anthropic", down, "before", time.time(), Rules(open_s=0.2))
            moving = asyncio.create_task(orchestrator.move("r1"))
            await until(db, lambda: _launched(stage))
            (probe,) = stage.launches()
            os.kill(probe["pid"], signal.SIGKILL)
            return await moving

    assert asyncio.run(scenario()) == "completed"
    assert told(settings, "provider.half_open")[0]["attempt"] == "r1.a.1"
    assert len(told(settings, "provider.half_open")) == 2
    assert failures(settings) == ["the runner died before its agent was done"]


async def _launched(stage: Stage) -> bool:
    return bool(stage.launches())


async def _is_parked(db: Database) -> bool:
    return not (await health.look(db, "anthropic", time.time())).allowed


MOVER = """
import asyncio, sys
from pathlib import Path
from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.session import Orchestrator
settings = Settings(home=Path(sys.argv[2]), retry_base_s=0.02, retry_cap_s=0.1, max_parallel=1)
asyncio.run(Orchestrator(sys.argv[1], settings).move("r1"))
"""


def test_a_park_outlives_the_process_that_noticed_it(project: Path, settings: Settings, stage: Stage) -> None:
    stage.play(a=[fault("rate_limit", retry_in=2.0), WORK], b=[WORK])
    settings = replace(settings, max_parallel=1)

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        await orchestrator.start(a_plan([asked("a"), asked("b")]))
        mover = await asyncio.create_subprocess_exec(sys.executable, "-c", MOVER, str(project), str(settings.home))
        try:
            async with Database.open(settings.database) as db:
                await until(db, lambda: _is_parked(db))
        finally:
            mover.kill()
            await mover.wait()
        return await orchestrator.move("r1")

    assert asyncio.run(scenario()) == "completed"
    (parked,) = told(settings, "provider.parked")
    assert all(one["at"] >= parked["until"] for one in stage.launches()[1:])
    assert [one["resume"] for one in stage.launches("a")] == [None, {"launch": 0}]
    assert task_rows(settings)["a"]["number"] == 1
    assert provider(settings)["failed"] == 1


@pytest.mark.parametrize(
    "scene",
    [fault("authentication", status="error"), fault("network", resume=False), fault("budget", status="interrupted")],
)
def test_a_fault_in_the_instant_of_a_pause_is_no_failed_attempt(
    project: Path, settings: Settings, stage: Stage, monkeypatch: pytest.MonkeyPatch, scene: dict[str, Any]
) -> None:
    stage.play(a=[scene, WORK])
    work = Supervisor.work

    async def pause_then(supervisor: Supervisor, delegated: Delegated) -> Outcome:
        outcome = await work(supervisor, delegated)
        if outcome.fault is not None:
            async with Database.open(settings.database) as db, db.transaction() as tx:
                await runs.want(tx, "r1", "pause")
        return outcome

    monkeypatch.setattr(Supervisor, "work", pause_then)

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        assert await orchestrator.run(a_plan([asked("a")])) == "paused"
        async with Database.open(settings.database) as db, db.transaction() as tx:
            await runs.want(tx, "r1", "run")
        return await orchestrator.move("r1")

    assert asyncio.run(scenario()) == "completed"
    assert failures(settings) == []


def test_a_reset_lets_those_go_on_at_once_that_were_put_off(project: Path, settings: Settings, stage: Stage) -> None:
    stage.play(a=[fault("rate_limit", retry_in=3000), WORK])
    settings = replace(settings, retry_base_s=600, retry_cap_s=1200)

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        moving = asyncio.create_task(orchestrator.run(a_plan([asked("a")])))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "task.parked"))
            async with db.transaction() as tx:
                assert await health.reset(tx, "anthropic", time.time())
        async with asyncio.timeout(60):
            return await moving

    assert asyncio.run(scenario()) == "completed"


def test_a_file_of_keys_that_cannot_be_read_pauses_the_run_until_it_can(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in {name for names in accounts.PROVIDERS.values() for name in names}:
        monkeypatch.delenv(name, raising=False)
    keys = project / ".secrets.json"
    keys.write_text("{broken")
    keys.chmod(0o600)
    task = {"id": "m", "prompt": "do m", "agent": "model", "model": None, "files": ["m.txt"], "checks": []}

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        assert await orchestrator.run(a_plan([task])) == "paused"
        async with Database.open(settings.database) as db:
            assert "is no JSON" in (await runs.get(db, "r1"))["reason"]
            keys.write_text('{"keys": {}}')
            async with db.transaction() as tx:
                await runs.want(tx, "r1", "run")
        return await orchestrator.move("r1")

    assert asyncio.run(scenario()) == "incomplete", "nobody has an account: that is asked"
