"""Agents that seem to be stuck, in the real runner: told so once, then stopped; and those that only seem so are not."""

from __future__ import annotations

import asyncio
import os
import signal
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_world import a_plan, failures, journal, run, script, task_rows, until, write
from staged_agents import Stage, asked

from claude_orchestrator.agents.loops import CIRCLES_NUDGE, CIRCLES_STOP, FAILS_NUDGE, FAILS_STOP
from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.state import events
from claude_orchestrator.state.database import Database

WORK = {"do": "work"}


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, own_world: Path) -> Stage:
    return Stage(tmp_path, monkeypatch, own_world)


def nudges(settings: Settings) -> list[tuple[str, bool]]:
    """Cause, and whether it was heard, of each nudge of the first attempt."""
    told = [event for event in asyncio.run(journal(settings)) if event["kind"] == "attempt.nudged"]
    return [(one["data"]["cause"], one["data"]["heard"]) for one in told if one["attempt_id"] == "r1.a.1"]


def commands(settings: Settings) -> int:
    happened = asyncio.run(journal(settings))
    return sum(e["kind"] == "operation.done" and e["data"]["kind"] == "run" for e in happened)


def test_a_silent_agent_that_is_nudged_goes_on(project: Path, settings: Settings, stage: Stage) -> None:
    stage.play(a=[{"do": "silence"}])
    assert run(project, replace(settings, no_progress_s=2.0), a_plan([asked("a")])) == "completed"
    assert nudges(settings) == [("silence", True)]
    assert failures(settings) == []
    assert len(stage.launches()) == 1


@pytest.mark.parametrize(("hears", "said"), [(True, "no progress for 2 s, also after a nudge"), (False, "for 2 s")])
def test_one_that_stays_silent_is_stopped_and_retried(
    project: Path, settings: Settings, stage: Stage, hears: bool, said: str
) -> None:
    stage.play(a=[{"do": "silence", "hears": hears, "heeds": False}, WORK])
    assert run(project, replace(settings, no_progress_s=2.0), a_plan([asked("a")])) == "completed"
    assert nudges(settings) == [("silence", hears)]
    (failure,) = failures(settings)
    assert failure.endswith(said)
    assert [one["number"] for one in stage.launches()] == [1, 2]


def test_a_runner_that_does_not_even_answer_is_stopped(
    project: Path, settings: Settings, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("claude_orchestrator.orchestrator.supervisor.NUDGE_S", 0.5)
    monkeypatch.setattr("claude_orchestrator.orchestrator.supervisor.GRACE_S", 0.5)
    stage.play(a=[{"do": "silence"}, WORK])
    settings = replace(settings, no_progress_s=2.0)

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([asked("a")]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: _launched(stage))
            os.kill(stage.launches()[0]["pid"], signal.SIGSTOP)
            return await moving

    assert asyncio.run(scenario()) == "completed"
    assert nudges(settings) == []
    assert failures(settings) == ["no progress for 2 s"]


async def _launched(stage: Stage) -> bool:
    return bool(stage.launches())


def test_the_same_failing_call_is_nudged_and_then_stopped(project: Path, settings: Settings, stage: Stage) -> None:
    stage.play(a=[{"do": "loop", "run": "cat no-such-file"}, WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert nudges(settings) == [("failing", True)]
    (failure,) = failures(settings)
    assert failure.startswith(f"the same call failed {FAILS_STOP} times: run cat no-such-file: ")
    assert FAILS_STOP <= commands(settings) <= FAILS_STOP + 1
    assert "the same call failed" in stage.launches()[1]["prompt"]


def test_one_that_heeds_the_nudge_is_not_stopped(project: Path, settings: Settings, stage: Stage) -> None:
    stage.play(a=[{"do": "loop", "run": "cat no-such-file", "heeds": True}])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert nudges(settings) == [("failing", True)]
    assert FAILS_NUDGE <= commands(settings) < FAILS_STOP


def test_one_that_cannot_be_told_is_stopped_as_well(project: Path, settings: Settings, stage: Stage) -> None:
    stage.play(a=[{"do": "loop", "run": "cat shared.txt", "hears": False}, WORK])
    assert run(project, settings, a_plan([asked("a")])) == "completed"
    assert nudges(settings) == [("circles", False)]
    assert CIRCLES_NUDGE < CIRCLES_STOP <= commands(settings) <= CIRCLES_STOP + 1
    assert failures(settings)[0].startswith(f"went in circles: run cat shared.txt {CIRCLES_STOP} times")


def test_a_script_may_do_the_same_as_often_as_it_likes(project: Path, settings: Settings) -> None:
    again: list[dict[str, Any]] = [{"run": ["cat", "no-such-file"], "may_fail": True}] * (FAILS_STOP + 2)
    same: list[dict[str, Any]] = [{"run": ["cat", "shared.txt"]}] * (CIRCLES_STOP + 2)
    assert run(project, settings, a_plan([script("a", *again, *same, write("a.txt"))])) == "completed"
    assert nudges(settings) == []
    assert task_rows(settings)["a"]["number"] == 1


def test_a_nudge_is_not_repeated_by_the_next_mover(project: Path, settings: Settings, stage: Stage) -> None:
    """The move is ended after the nudge, as by ``kill -9``: what was said is in the journal, and holds."""
    stage.play(a=[{"do": "silence", "heeds": False}, WORK])
    settings = replace(settings, no_progress_s=2.0)

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([asked("a")]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: _nudged(db))
        moving.cancel()
        await asyncio.gather(moving, return_exceptions=True)
        return await orchestrator.move(run_id)

    assert asyncio.run(scenario()) == "completed"
    assert nudges(settings) == [("silence", True)]
    assert failures(settings) == ["no progress for 2 s, also after a nudge"]


async def _nudged(db: Database) -> bool:
    return any(event["kind"] == "attempt.nudged" for event in await events.after(db, 0))
