"""The drift check: a task whose ground has moved is not begun before a human has said that it still makes sense."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from engine_world import a_plan, git, journal, kinds, script, task_rows, want, write

from claude_orchestrator.config import Settings
from claude_orchestrator.errors import NotReadyError, StaleFenceError
from claude_orchestrator.orchestrator import drifting
from claude_orchestrator.orchestrator.planning import ground
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans import store
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.plans.store import PlanStore
from claude_orchestrator.state import gates, grounds
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository


async def approve(project: Path, settings: Settings, plan: Plan) -> Plan:
    async with Database.open(settings.database) as db:
        stored = await PlanStore(db).save(plan)
        repository = await Repository.open(project)
        rests_on = await ground.ground_of(repository, await repository.resolve("HEAD"), stored)
        async with db.transaction() as tx:
            await store.approve(tx, str(stored.id), stored.version)
            await ground.stamp(tx, str(stored.id), stored.version or 0, rests_on)
    return stored


def approved(project: Path, settings: Settings, plan: Plan) -> Plan:
    return asyncio.run(approve(project, settings, plan))


def start(project: Path, settings: Settings, plan: Plan, **options: Any) -> str:
    return asyncio.run(Orchestrator(project, settings).start(plan, **options))


def move(project: Path, settings: Settings) -> str:
    return asyncio.run(Orchestrator(project, settings).move("r1"))


def commit(project: Path, path: str, content: str | None, subject: str) -> str:
    if content is None:
        (project / path).unlink()
    else:
        (project / path).write_text(content)
    git(project, "add", "--all")
    git(project, "commit", "--quiet", f"--message={subject}")
    return git(project, "rev-parse", "HEAD")


def commit_on_branch(project: Path, path: str, content: str, subject: str) -> str:
    """A commit of somebody else on the run's branch."""
    folder = project.parent / "elsewhere"
    git(project, "worktree", "add", "--quiet", str(folder), "orchestrator/r1")
    try:
        return commit(folder, path, content, subject)
    finally:
        git(project, "worktree", "remove", "--force", str(folder))


def asked(settings: Settings, *, everything: bool = False) -> list[dict[str, Any]]:
    async def read() -> list[dict[str, Any]]:
        async with Database.open(settings.database) as db:
            found = await gates.listed(db, include_answered=everything)
            return [{**gate, "moved": await grounds.moved(db, gate["id"])} for gate in found]

    return asyncio.run(read())


def answer(settings: Settings, gate: str, *, approve: bool, reason: str = "") -> str:
    async def say() -> str:
        async with Database.open(settings.database) as db, db.transaction() as tx:
            row = await gates.answer(tx, gate, approve=approve, reason=reason, by="test", now=0)
        return str(row["run_status"])

    return asyncio.run(say())


def moved_paths(gate: dict[str, Any]) -> list[str]:
    return [row["path"] for row in gate["moved"]]


CALC: Sequence[dict[str, Any]] = [{"replace": "calc.py", "old": "a + b", "new": "b + a"}]


def test_a_plan_whose_ground_stands_runs_as_ever(project: Path, settings: Settings) -> None:
    plan = approved(project, settings, a_plan([script("one", *CALC, files=["calc.py"])]))
    commit(project, "shared.txt", "changed\n", "not what the task rests on")
    start(project, settings, plan)
    assert move(project, settings) == "completed"
    assert asked(settings, everything=True) == []


def test_a_base_that_has_moved_since_the_approval_stops_the_tasks_that_rest_on_it(
    project: Path, settings: Settings
) -> None:
    plan = approved(
        project, settings, a_plan([script("one", *CALC, files=["calc.py"]), script("two", write("two.txt"))])
    )
    moved = commit(project, "calc.py", "def add(a, b):\n    return a + b\n", "Drop the types")
    start(project, settings, plan)
    assert move(project, settings) == "incomplete"
    [gate] = asked(settings)
    assert (gate["kind"], gate["task_id"], moved_paths(gate)) == ("drift", "one", ["calc.py"])
    assert f"calc.py ({moved[:9]} Drop the types)" in gate["question"]
    rows = task_rows(settings)
    assert (rows["one"]["status"], rows["two"]["status"]) == ("waiting", "completed")
    assert not (settings.worktrees / "r1.one.1").exists()
    assert asyncio.run(held(settings)) == []

    assert answer(settings, gate["id"], approve=True) == "running"
    assert move(project, settings) == "completed"
    assert "b + a" in git(project, "show", "orchestrator/r1:calc.py")
    assert len(asked(settings, everything=True)) == 1
    assert task_rows(settings)["one"]["attempt_id"] == "r1.one.1", "the attempt that was stopped goes on"


async def held(settings: Settings) -> list[dict[str, Any]]:
    async with Database.open(settings.database) as db:
        return await db.fetch_all("SELECT * FROM file_lock")


def test_what_the_run_itself_has_merged_is_no_drift(project: Path, settings: Settings) -> None:
    second = script("two", {"replace": "calc.py", "old": "b + a", "new": "a + b + 0"}, files=["calc.py"])
    plan = approved(project, settings, a_plan([script("one", *CALC, files=["calc.py"])], [second]))
    start(project, settings, plan)
    assert move(project, settings) == "completed"
    assert asked(settings, everything=True) == []


def test_a_commit_on_the_runs_branch_beside_it_stops_what_comes_after(project: Path, settings: Settings) -> None:
    first = script("one", *CALC, files=["calc.py"])
    check = script("two", {"replace": "shared.txt", "old": "base", "new": "top"}, files=["shared.txt"])
    plan = approved(project, settings, a_plan([first], [check]))
    start(project, settings, plan)
    theirs = commit_on_branch(project, "shared.txt", "base, or so\n", "Say it otherwise")
    assert move(project, settings) == "incomplete"
    [gate] = asked(settings)
    assert (gate["task_id"], moved_paths(gate)) == ("two", ["shared.txt"])
    assert theirs[:9] in gate["question"]
    answer(settings, gate["id"], approve=True)
    assert move(project, settings) == "completed"


def test_an_answer_covers_the_files_as_they_were_and_no_later_move(project: Path, settings: Settings) -> None:
    task = script("one", *CALC, files=["calc.py", "shared.txt"])
    plan = approved(project, settings, a_plan([task]))
    commit(project, "calc.py", "def add(a, b):\n    return a + b\n", "Drop the types")
    start(project, settings, plan)
    assert move(project, settings) == "incomplete"
    answer(settings, "g1", approve=True)
    commit_on_branch(project, "calc.py", "def add(a, b):\n    return (a + b)\n", "Once more")
    assert move(project, settings) == "incomplete"
    [_, again] = asked(settings, everything=True)
    assert (again["id"], again["status"], moved_paths(again)) == ("g2", "open", ["calc.py"])
    assert "Once more" in again["question"]
    assert "Drop the types" not in again["question"]
    answer(settings, "g2", approve=True)
    assert move(project, settings) == "completed"


def test_a_denied_task_has_failed_with_the_reason(project: Path, settings: Settings) -> None:
    plan = approved(
        project, settings, a_plan([script("one", *CALC, files=["calc.py"])], [script("two", write("two.txt"))])
    )
    commit(project, "calc.py", None, "Away with it")
    start(project, settings, plan)
    assert move(project, settings) == "incomplete"
    [gate] = asked(settings)
    assert "calc.py is gone" in gate["question"]
    assert answer(settings, gate["id"], approve=False, reason="re-plan without calc") == "failed"
    rows = task_rows(settings)
    assert (rows["one"]["status"], rows["one"]["reason"]) == ("failed", "denied: re-plan without calc")
    assert rows["one"]["attempt_status"] == "failed"
    assert move(project, settings) == "failed"


def test_a_file_that_somebody_else_has_created_first_is_drift(project: Path, settings: Settings) -> None:
    plan = approved(
        project, settings, a_plan([script("one", write("new.txt"), files=["new.txt"], creates=["new.txt"])])
    )
    commit(project, "new.txt", "theirs\n", "I was first")
    start(project, settings, plan)
    assert move(project, settings) == "incomplete"
    [gate] = asked(settings)
    assert "new.txt is there now" in gate["question"]
    assert gate["moved"][0]["was"] == ""


@pytest.mark.parametrize("intent", ["pause", "cancel"])
def test_pause_and_cancel_while_it_is_asked(project: Path, settings: Settings, intent: str) -> None:
    plan = approved(project, settings, a_plan([script("one", *CALC, files=["calc.py"])]))
    commit(project, "calc.py", "def add(a, b):\n    return a + b\n", "Drop the types")
    start(project, settings, plan)
    assert move(project, settings) == "incomplete"

    async def stop() -> None:
        async with Database.open(settings.database) as db:
            await want(db, "r1", "run")
            await want(db, "r1", intent)

    asyncio.run(stop())
    assert move(project, settings) == {"pause": "paused", "cancel": "cancelled"}[intent]
    if intent == "cancel":
        assert asked(settings) == []
        assert task_rows(settings)["one"]["attempt_status"] == "cancelled"
        with pytest.raises(NotReadyError, match="withdrawn"):
            answer(settings, "g1", approve=True)
        return
    answer(settings, "g1", approve=True)

    async def go_on() -> None:
        async with Database.open(settings.database) as db:
            await want(db, "r1", "run")

    asyncio.run(go_on())
    assert move(project, settings) == "completed"


def test_a_task_by_hand_is_stopped_too(project: Path, settings: Settings) -> None:
    plan = approved(project, settings, a_plan([script("one", files=["calc.py"])]))
    commit(project, "calc.py", "def add(a, b):\n    return a + b\n", "Drop the types")

    async def delegate() -> None:
        async with Orchestrator(project, settings).session() as session:
            await session.delegator.delegate_task(plan.phases[0].tasks[0], plan, plan.phases[0])

    with pytest.raises(NotReadyError, match=r"what this task rests on has changed.*\(gate g1\)"):
        asyncio.run(delegate())
    assert task_rows(settings)["one"]["status"] == "waiting"


def test_a_plan_from_a_file_is_not_looked_at(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One look at an index for each claim, and no git command more than without the check."""
    calls: list[tuple[str, ...]] = []
    attempt_git = Repository.attempt_git

    async def counted(self: Repository, *arguments: str, **options: Any) -> tuple[int, bytes, bytes]:
        calls.append(arguments)
        return await attempt_git(self, *arguments, **options)

    monkeypatch.setattr(Repository, "attempt_git", counted)
    start(project, settings, a_plan([script("one", *CALC, files=["calc.py"])]))
    assert move(project, settings) == "completed"
    assert [call for call in calls if call[0] == "--literal-pathspecs"] == []

    async def plan_of_query() -> str:
        async with Database.open(settings.database) as db:
            rows = await db.fetch_all(
                "EXPLAIN QUERY PLAN SELECT path, blob, base_commit FROM plan_ground"
                " WHERE plan_id = 'p1' AND version = 1 AND task_id = 'one'"
            )
            return str(rows)

    assert "SEARCH plan_ground USING" in asyncio.run(plan_of_query())


def test_stamps_are_made_once_and_bounded(project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    tasks = [
        script("all", files=["**"]),
        script("glob", files=["*.py"]),
        script("folder", files=["."]),
        script("new", write("docs/a.md"), files=["docs"], creates=["docs/a.md"]),
    ]

    async def stamped() -> list[dict[str, Any]]:
        async with Database.open(settings.database) as db:
            return await db.fetch_all("SELECT task_id, path, blob = '' AS missing FROM plan_ground ORDER BY 1, 2")

    plan = approved(project, settings, a_plan(tasks))
    first = asyncio.run(stamped())
    assert [(row["task_id"], row["path"], row["missing"]) for row in first] == [
        ("glob", "calc.py", 0),
        ("glob", "test_calc.py", 0),
        ("new", "docs", 1),
        ("new", "docs/a.md", 1),
    ]
    commit(project, "calc.py", "x = 1\n", "moved")
    approved(project, settings, plan)
    assert asyncio.run(stamped()) == first, "the version was approved for the commit of then"
    monkeypatch.setattr(ground, "MOST", 1)
    approved(project, settings, a_plan([script("glob", files=["*.py"]), script("one", files=["calc.py"])]))
    assert [row["task_id"] for row in asyncio.run(stamped())][-1:] == ["one"]


def test_what_a_killed_try_to_begin_left_is_removed_by_its_owner_alone(project: Path, settings: Settings) -> None:
    plan = approved(project, settings, a_plan([script("one", *CALC, files=["calc.py"])]))
    start(project, settings, plan)
    commit_on_branch(project, "calc.py", "def add(a, b):\n    return a + b\n", "Drop the types")

    async def stop() -> bool:
        async with Orchestrator(project, settings).session("r1") as session:
            claim = await session.delegator.claim("r1")
            assert claim is not None
            left = settings.worktrees / claim.attempt_id
            left.mkdir(parents=True)
            with pytest.raises(drifting.DriftedError) as caught:
                await session.delegator.prepare(claim)
            with pytest.raises(StaleFenceError):
                await session.delegator.ask_about(replace(claim, fence=claim.fence - 1), caught.value.drift)
            assert left.is_dir(), "it may be another's by now"
            await session.delegator.ask_about(claim, caught.value.drift)
            return left.exists()

    assert not asyncio.run(stop())
    assert [gate["kind"] for gate in asked(settings)] == ["drift"]


def test_of_a_history_that_is_gone_nobody_says_whose_it_is(project: Path) -> None:
    async def known() -> tuple[list[Any], list[Any]]:
        repository = await Repository.open(project)
        lost = await drifting._history(repository, "1" * 40, "HEAD", ["calc.py"])
        return lost, await drifting._history(repository, "HEAD~1", "HEAD", ["calc.py", "shared.txt"])

    commit(project, "calc.py", "x = 1\n", "A subject: with \u00e9")
    lost, there = asyncio.run(known())
    assert lost == []
    assert [(one.subject, one.paths) for one in there] == [("A subject: with \u00e9", frozenset({"calc.py"}))]


def test_a_name_that_is_no_text_is_left_out(project: Path, settings: Settings) -> None:
    (project / os.fsdecode(b"caf\xe9.txt")).write_text("x")
    commit(project, "shared.txt", "more\n", "odd names")
    plan = approved(project, settings, a_plan([script("one", *CALC, files=["*.txt", "calc.py"])]))
    start(project, settings, plan)
    assert move(project, settings) == "completed"
    assert asked(settings, everything=True) == []


def test_the_journal_tells_of_it(project: Path, settings: Settings) -> None:
    plan = approved(project, settings, a_plan([script("one", *CALC, files=["calc.py"])]))
    commit(project, "calc.py", "def add(a, b):\n    return a + b\n", "Drop the types")
    start(project, settings, plan)
    move(project, settings)
    answer(settings, "g1", approve=True)
    move(project, settings)
    said = kinds(settings)
    assert said.count("task.drifted") == said.count("gate.opened") == said.count("gate.approved") == 1
    [drifted] = [event for event in asyncio.run(journal(settings)) if event["kind"] == "task.drifted"]
    assert drifted["data"] == {"gate": "g1"}
