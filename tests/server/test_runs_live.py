"""Runs that really move, in the background, while clients come, wait and go."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from server_world import ERAS, PLAN, World, accepts, make_project, said

from claude_orchestrator.orchestrator.worker import live_movers

YES = accepts(decision="approve")
LOUD = {
    "goal": "Say hello aloud",
    "phases": [
        {
            "id": "work",
            "tasks": [
                {
                    "id": "hello",
                    "files": ["hello.txt"],
                    "checks": [],
                    "operations": [{"run": "echo made it"}, {"write": "hello.txt", "content": "hello\n"}],
                }
            ],
        }
    ],
}


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a machine with much to do a process takes long to stop; what is said of it then is another matter."""
    monkeypatch.setattr("claude_orchestrator.server.runs.STOP_PATIENCE_S", 100.0)


def slowly(marker: str) -> dict[str, Any]:
    """A plan whose task waits until a file is there."""
    wait = f"while [ ! -e {marker} ]; do sleep 0.05; done"
    task = {"id": "slow", "files": ["slow.txt"], "checks": [], "operations": [
        {"run": wait}, {"write": "slow.txt", "content": "x\n"}]}  # fmt: skip
    return {"goal": "Be slow", "phases": [{"id": "work", "tasks": [task]}]}


@pytest.mark.parametrize("era", ERAS)
def test_a_run_goes_on_in_the_background_and_is_waited_for(server: World, era: str) -> None:
    plan = server.store(LOUD)
    heard: list[tuple[float, float | None, str | None]] = []

    async def progressed(done: float, total: float | None, message: str | None) -> None:
        heard.append((done, total, message))

    async def started() -> tuple[str, str]:
        async with Client(server.app(), mode=era, elicitation_callback=lambda *_: _yes()) as client:
            first = said(await client.call_tool("run_start", {"plan": plan}))
        # The server that has started it is gone.
        async with Client(server.app(), mode=era) as client:
            second = said(await client.call_tool("run_wait", {"run": "r1"}, progress_callback=progressed))
        return first.text, second.text

    async def _yes() -> Any:
        return YES

    first, second = asyncio.run(started())
    assert first.startswith("r1 runs p1 version 1 in the background")
    assert second.startswith("r1 completed 1/1 tasks")
    assert "take it over: git merge orchestrator/r1" in second
    assert heard
    assert heard[0][1] == 1
    evidence = server.call("run_get", {"task": "r1.hello", "view": "evidence"}, era=era).text
    assert "verified passed" in evidence
    assert "write hello.txt (exit 0)" in evidence
    assert "made it" in server.call("run_get", {"task": "r1.hello", "view": "output"}, era=era).text
    assert not (server.project / "hello.txt").exists()


def test_news_of_a_run_is_waited_for_and_nothing_is_told_twice(server: World) -> None:
    marker = str(server.settings.home / "go")
    run = server.run(slowly(marker))

    def lines(*texts: str) -> list[str]:
        # Where the story goes on at a cursor, it does not say which attempt that was.
        told = [line for text in texts for line in text.splitlines() if not line.startswith("cursor=")]
        return [line.replace(" attempt 1 ", " ") for line in told]

    async def followed() -> tuple[list[str], list[str]]:
        texts: list[str] = []
        async with Client(server.app()) as client:

            async def got(**arguments: Any) -> str:
                texts.append(said(await client.call_tool("run_get", {"run": run, **arguments})).text)
                return texts[-1]

            first = await got(view="events")
            cursor = first.rpartition("cursor=")[2]
            asking = asyncio.create_task(got(view="events", wait_s=50, cursor=cursor))
            assert not said(await client.call_tool("run_control", {"run": run, "action": "resume"})).failed
            second = await asking
            assert "starts" in second or "goes on" in second
            cursor = second.rpartition("cursor=")[2]
            open(marker, "w").close()  # noqa: ASYNC230, PTH123 - one byte of a test
            while "run completed" not in texts[-1]:
                cursor = (await got(view="events", wait_s=50, cursor=cursor)).rpartition("cursor=")[2]
            at = time.monotonic()
            over = await got(wait_s=50)
            assert time.monotonic() - at < 30  # what is over is not waited for
            assert over.startswith(f"{run} completed")
            at_once = await got(view="events", limit=100)
        return lines(*texts[:-2]), lines(at_once)

    told, everything = asyncio.run(followed())
    # Two events of one second may read alike: the same as all of them at once is none twice, and none left out.
    assert told == everything
    assert sum("completed, merged as" in line for line in told) == 1


def test_a_run_is_paused_goes_on_and_is_cancelled(server: World) -> None:
    marker = str(server.settings.home / "go")
    run = server.run(slowly(marker))

    def control(action: str) -> str:
        answer = server.call("run_control", {"run": run, "action": action})
        assert not answer.failed, answer.text
        return answer.text

    assert control("resume").startswith(f"{run} goes on in the background")
    movers = server.read(lambda db: live_movers(db, server.settings.workers, run))
    assert len(movers) == 1
    assert movers[0] != os.getpid()
    assert control("pause").startswith(f"{run} is paused")
    assert "run_control(run=r1, action=resume) goes on" in server.call("run_get").text
    assert control("resume").startswith(f"{run} goes on")
    assert control("cancel").startswith(f"{run} is cancelled")
    again = server.call("run_control", {"run": run, "action": "resume"})
    assert again.failed
    assert "already cancelled" in again.text


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_a_run_that_nobody_moves_is_stopped_all_the_same(server: World, action: str) -> None:
    run = server.run()
    done = server.call("run_control", {"run": run, "action": action})
    assert done.text.startswith(f"{run} is {action}{'d' if action == 'pause' else 'led'}")


def test_an_answer_lets_the_run_go_on_and_the_wait_sees_it_through(server: World) -> None:
    """Waiting, asking, answering and finishing in one call."""
    run = server.run()
    server.gate(run)
    done = server.call("run_wait", {"run": run}, person=YES)
    assert done.text.splitlines()[0] == "g1 is approved; r1 goes on"
    assert "r1 completed 1/1 tasks" in done.text
    assert len(done.forms) == 1


def test_the_run_that_is_meant_is_the_newest_of_the_project(server: World, tmp_path: Path) -> None:
    mine = server.run()
    other = World(server.settings, make_project(tmp_path / "other"))
    assert other.run({**PLAN, "goal": "Elsewhere"}) == "r2"
    assert server.call("run_get").text.startswith(f"{mine} ")
    assert other.call("run_get").text.startswith("r2 ")
    assert World(server.settings, tmp_path).call("run_get").text.startswith("r2 ")
    first, second = server.call("run_list").text.splitlines()
    assert first == f"r2 running (nobody moves it) 0/1 tasks: Elsewhere (in {other.project})"
    assert "(in " not in second
    assert "say which run" in server.call("run_control", {"run": "", "action": "cancel"}).text


def test_json_is_for_programs(furnished: World) -> None:
    import json

    document = json.loads(furnished.call("run_get", {"view": "json"}).text)
    assert (document["run"], document["status"], document["moved"]) == ("r1", "incomplete", False)
    assert [task["id"] for task in document["tasks"]] == ["hello"]


def test_tasks_are_named_and_the_wrong_name_is_answered_with_the_right_ones(furnished: World) -> None:
    assert "give task, one of hello" in furnished.call("run_get", {"view": "evidence"}).text
    assert "has no task 'x'" in furnished.call("run_get", {"view": "output", "task": "r1.x"}).text
    assert "r1.hello: no attempt yet" in furnished.call("run_get", {"view": "output", "task": "hello"}).text


def test_lists_go_on_where_they_ended(server: World) -> None:
    for _ in range(3):
        server.run({**PLAN, "goal": "Again"})
    first = server.call("run_list", {"limit": 2}).text.splitlines()
    assert [line.split()[0] for line in first] == ["r3", "r2", "1"]
    assert first[-1] == "1 older: cursor=r2"
    assert server.call("run_list", {"limit": 2, "cursor": "r2"}).text.startswith("r1 ")


@pytest.mark.parametrize("number", ["²", "9" * 5000])
def test_a_cursor_that_is_none_is_answered_with_that(furnished: World, number: str) -> None:
    for name, arguments in (("run_list", {"cursor": f"r{number}"}), ("run_get", {"cursor": f"e{number}"})):
        said = furnished.call(name, arguments)
        assert said.failed
        assert said.text.startswith("cursor '")
        assert len(said.text) < 200


def test_an_error_does_not_give_back_all_that_it_was_given(furnished: World) -> None:
    said = furnished.call("x" * 1_000_000)
    assert said.failed
    assert len(said.text) <= 10_001
