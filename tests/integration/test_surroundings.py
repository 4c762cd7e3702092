"""What people do to the repository meanwhile; other homes, other processes, and clocks that are wrong."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from engine_world import (
    a_plan,
    failures,
    git,
    kept,
    kinds,
    run,
    saw,
    script,
    task_rows,
    until,
    want,
    write,
)

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator import starting
from claude_orchestrator.orchestrator.delegator import Delegator
from claude_orchestrator.orchestrator.merging import Candidate, Merger
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.orchestrator.worker import enlist
from claude_orchestrator.state import attempts, events, gates, runs, tasks
from claude_orchestrator.state.database import Database
from claude_orchestrator.workspace.git import Repository

ENGINE = """
import asyncio, sys
from claude_orchestrator.orchestrator.delegator import Delegator
from claude_orchestrator.orchestrator.merging import Candidate, Merger
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.orchestrator.worker import enlist
asyncio.run(Orchestrator(sys.argv[1]).move(sys.argv[2]))
"""


# -- what people do to the repository -------------------------------------------------------------


def test_a_branch_that_is_gone_pauses_the_run_and_costs_no_attempt(
    project: Path, settings: Settings, tmp_path: Path
) -> None:
    go = tmp_path / "go"
    slow = [write("a.txt"), {"run": f"until [ -e {go} ]; do sleep 0.05; done; echo ran >> {tmp_path}/log"}]

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        plan = a_plan([script("a", *slow), script("b", write("b.txt"), depends_on=["a"])])
        run_id = await orchestrator.start(plan)
        git(project, "update-ref", "-d", f"refs/heads/orchestrator/{run_id}")
        assert await orchestrator.move(run_id) == "paused"
        async with Database.open(settings.database) as db:
            assert "is gone: restore it" in (await runs.get(db, run_id))["reason"]
            git(project, "branch", f"orchestrator/{run_id}", "main")
            await want(db, run_id, "run")
            moving = asyncio.create_task(orchestrator.move(run_id))
            await until(db, lambda: saw(db, "operation.asked", "until"))
            git(project, "update-ref", "-d", f"refs/heads/orchestrator/{run_id}")
            go.touch()
            assert await asyncio.wait_for(moving, 20) == "paused"
            git(project, "branch", f"orchestrator/{run_id}", "main")
            await want(db, run_id, "run")
        return await orchestrator.move(run_id)

    assert asyncio.run(scenario()) == "completed"
    assert failures(settings) == []
    assert (tmp_path / "log").read_text() == "ran\n", "what the agent had done was not done again"


def test_a_repository_that_moves_away_pauses_the_run_and_costs_no_attempt(
    project: Path, settings: Settings, tmp_path: Path
) -> None:
    go, away = tmp_path / "go", tmp_path / "away"
    slow = [{"run": f"until [ -e {go} ]; do sleep 0.05; done"}]

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([script("a", *slow)], [script("b", write("b.txt"))]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "operation.asked", "until"))
            project.rename(away)
            go.touch()
            assert await asyncio.wait_for(moving, 20) == "paused"
            assert "is gone" in (await runs.get(db, run_id))["reason"]
            away.rename(project)
            await want(db, run_id, "run")
        return await orchestrator.move(run_id)

    assert asyncio.run(scenario()) == "completed"


@pytest.mark.parametrize(
    "configuration",
    [
        {"core.autocrlf": "true", "core.safecrlf": "true"},
        {"core.splitIndex": "true", "submodule.recurse": "true", "log.showSignature": "true"},
        {"i18n.commitEncoding": "ISO-8859-1", "i18n.logOutputEncoding": "ISO-8859-1"},
        {"commit.gpgsign": "true", "gpg.program": "false", "core.hooksPath": "/nowhere", "commit.template": "/nowhere"},
    ],
    ids=lambda configuration: next(iter(configuration)),
)
def test_the_users_configuration_is_no_obstacle(
    project: Path, settings: Settings, configuration: dict[str, str]
) -> None:
    for name, value in configuration.items():
        git(project, "config", name, value)
    before = (project / ".git" / "config").read_bytes(), (project / ".git" / "index").read_bytes()
    plan = a_plan([script("a", write("a.txt", "line\n"), {"run": "sleep 0.01"}, title="Ünïcode ✓")])
    assert run(project, settings, plan) == "completed"
    assert ((project / ".git" / "config").read_bytes(), (project / ".git" / "index").read_bytes()) == before
    shown = subprocess.run(
        ["git", "-c", "i18n.logOutputEncoding=UTF-8", "log", "-1", "--format=%s", "orchestrator/r1"],
        cwd=project, check=True, capture_output=True, text=True,
    )  # fmt: skip
    assert shown.stdout == "Ünïcode ✓\n"
    assert not list((project / ".git").glob("sharedindex*"))


def test_a_sparse_checkout_is_worked_on_as_a_whole(project: Path, settings: Settings) -> None:
    (project / "inside").mkdir()
    (project / "inside" / "f").write_text("f\n")
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=inside")
    git(project, "sparse-checkout", "set", "inside")
    plan = a_plan([script("a", write("outside/new.txt"), {"run": "test -e inside/f"}, files=["outside/new.txt"])])
    assert run(project, settings, plan) == "completed"
    assert git(project, "show", "orchestrator/r1:outside/new.txt") == "x"


def test_a_sha256_repository(tmp_path: Path, settings: Settings) -> None:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--object-format=sha256")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=base")
    assert run(folder, settings, a_plan([script("a", write("a.txt"))])) == "completed"
    assert git(folder, "show", "orchestrator/r1:a.txt") == "x"


def test_a_target_that_stands_for_another_branch_never_moves_that(project: Path, settings: Settings) -> None:
    git(project, "symbolic-ref", "refs/heads/alias", "refs/heads/main")
    before = git(project, "rev-parse", "main")
    run(project, settings, a_plan([script("a", write("a.txt"))]), target="alias")
    assert git(project, "rev-parse", "main") == before
    assert git(project, "status", "--porcelain") == ""


def test_a_verdict_on_another_head_does_not_count(project: Path, settings: Settings) -> None:
    """The branch gets a part of the change meanwhile: the tree is the same, what the change does to it is not."""
    plan = a_plan([script("a", {"report": "x"}, files=["a.txt", "b.txt"])])

    async def scenario() -> int:
        async with Orchestrator(project, settings).session() as session:
            stored = await session.store.save(plan)
            [phase] = stored.phases
            delegated = await session.delegator.delegate_task(phase.tasks[0], stored, phase)
            for name in ("a.txt", "b.txt"):
                (delegated.worktree / name).write_text("x\n")
            assert (await session.verifier.verify(checks=[])).passed
            git(project, "worktree", "add", "--quiet", "../mine", "orchestrator/r1")
            (project.parent / "mine" / "a.txt").write_text("x\n")
            git(project.parent / "mine", "add", "a.txt")
            git(project.parent / "mine", "commit", "--quiet", "--message=mine")
            git(project, "worktree", "remove", "../mine")
            await session.delegator.mark_completed("a", delegated)
            return len(await attempts.evidence(session.db, "r1", "a"))

    assert asyncio.run(scenario()) == 2


def test_a_merge_that_is_on_the_branch_already_is_found_there(project: Path, settings: Settings) -> None:
    """The engine died between moving the branch and writing so."""

    async def scenario() -> None:
        async with Orchestrator(project, settings).session() as session:
            stored = await session.store.save(a_plan([script("a", {"report": "x"})]))
            [phase] = stored.phases
            delegated = await session.delegator.delegate_task(phase.tasks[0], stored, phase)
            (delegated.worktree / "a.txt").write_text("x\n")
            merger = Merger(session.db, settings, session.repository)
            candidate = await merger.candidate(delegated.claim, delegated.run, await session.delegator.keep(delegated))
            assert isinstance(candidate, Candidate)
            assert await session.repository.move_ref(delegated.run["target_ref"], candidate.commit, candidate.head)
            assert await session.delegator.mark_completed("a", delegated) == candidate.commit
        assert git(project, "rev-list", "--count", "main..orchestrator/r1") == "1"

    asyncio.run(scenario())


def test_an_approval_covers_what_was_asked_and_nothing_else(project: Path, settings: Settings) -> None:
    change = write("pytest.ini", "[pytest]\naddopts = --ignore=docs\n")
    plan = a_plan([script("a", change, files=["pytest.ini"], checks=["pytest"])])

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(plan)
        assert await orchestrator.move(run_id) == "incomplete"
        async with Database.open(settings.database) as db, db.transaction() as tx:
            await tx.execute("UPDATE gate SET subject = 'something smaller'")
            await gates.answer(tx, "g1", approve=True, reason="", by="test", now=0)
            await runs.want(tx, run_id, "run")
        return await orchestrator.move(run_id)

    assert asyncio.run(scenario()) == "incomplete"
    assert git(project, "rev-list", "--count", "main..orchestrator/r1") == "0"
    assert task_rows(settings)["a"]["status"] == "waiting"


# -- two homes, and a home that has lost its memory --------------------------------------------------


def test_two_homes_on_one_repository_keep_each_others_attempts(project: Path, tmp_path: Path) -> None:
    for name in ("one", "two"):
        settings = Settings(home=tmp_path / name)
        assert run(project, settings, a_plan([script("a", write("a.txt", f"{name}\n"))]), target=name) == "completed"
    assert kept(project, "r1.a.1", "a.txt") == "one"
    assert kept(project, "r2.a.1", "a.txt") == "two"


def test_a_lost_database_does_not_make_old_launches_count(project: Path, settings: Settings, tmp_path: Path) -> None:
    assert run(project, settings, a_plan([script("a", write("a.txt"))])) == "completed"
    for file in settings.home.glob("state.db*"):
        file.unlink()
    other = tmp_path / "other"
    git(tmp_path, "clone", "--quiet", str(project), "other")
    assert run(other, settings, a_plan([script("a", write("a.txt"))])) == "completed"
    assert git(other, "show", "orchestrator/r2:a.txt") == "x"


# -- other processes, and clocks ----------------------------------------------------------------------


def test_a_dead_engine_holds_no_slot_and_no_lock_of_other_runs(project: Path, own_world: Path, tmp_path: Path) -> None:
    """Its task is set aside as soon as no process of it is left, and goes on where it was with the next resume."""
    settings = Settings(home=own_world, max_parallel=1, retry_base_s=0.05)
    go, log = tmp_path / "go", tmp_path / "log"
    slow = script("a", write("a.txt"), {"run": f"echo ran >> {log}; until [ -e {go} ]; do sleep 0.05; done"})
    other = script("b", write("a.txt", "other\n"), files=["a.txt"])

    async def scenario() -> None:
        orchestrator = Orchestrator(project, settings)
        first, second = await orchestrator.start(a_plan([slow])), await orchestrator.start(a_plan([other]))
        engine = await asyncio.create_subprocess_exec(sys.executable, "-c", ENGINE, str(project), first)
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "operation.asked", "until"))
            engine.kill()
            await engine.wait()
            moving = asyncio.create_task(orchestrator.move(second))
            with pytest.raises(TimeoutError):  # the runner lives: its slot and its files are in use
                await asyncio.wait_for(asyncio.shield(moving), 1.5)
            go.touch()
            assert await asyncio.wait_for(moving, 20) == "completed"
        assert await orchestrator.move(first) == "completed"

    asyncio.run(scenario())
    assert log.read_text() == "ran\n"
    assert git(project, "show", "orchestrator/r1:a.txt") == "x"
    assert "task.set_aside" in kinds(settings)


def test_a_task_of_a_living_worker_is_never_taken_over(project: Path, settings: Settings) -> None:
    async def scenario() -> None:
        orchestrator = Orchestrator(project, settings)
        async with orchestrator.session() as mine:
            stored = await mine.store.save(a_plan([script("a", write("a.txt"))]))
            [phase] = stored.phases
            delegated = await mine.delegator.delegate_task(phase.tasks[0], stored, phase)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(orchestrator.move("r1"), 1.2)
            [row] = await tasks.active(mine.db)
            assert row["fence"] == delegated.claim.fence

    asyncio.run(scenario())


def test_a_move_that_was_cancelled_can_be_made_again(project: Path, settings: Settings, tmp_path: Path) -> None:
    go = tmp_path / "go"
    plan = a_plan([script("a", write("a.txt"), {"run": f"until [ -e {go} ]; do sleep 0.05; done"})])

    async def scenario() -> str:
        async with Orchestrator(project, settings).session() as session:
            run_id = await starting.start_run(session.db, session.repository, plan)
            moving = asyncio.create_task(session.engine.move(run_id))
            await until(session.db, lambda: saw(session.db, "operation.asked", "until"))
            moving.cancel()
            await asyncio.gather(moving, return_exceptions=True)
            go.touch()
            return await asyncio.wait_for(session.engine.move(run_id), 20)

    assert asyncio.run(scenario()) == "completed"
    assert task_rows(settings)["a"]["number"] == 1


def test_a_clock_that_is_put_forward_is_no_lack_of_progress(
    project: Path, own_world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = Settings(home=own_world, no_progress_s=5.0, heartbeat_s=0.1)
    go = tmp_path / "go"
    now, shift = time.time, [0.0]
    monkeypatch.setattr(time, "time", lambda: now() + shift[0])

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        plan = a_plan([script("a", {"run": f"until [ -e {go} ]; do sleep 0.05; done"}, write("a.txt"))])
        run_id = await orchestrator.start(plan)
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            await until(db, lambda: saw(db, "operation.asked", "until"))
            shift[0] = 36000.0
            beats = kinds_of(await events.after(db, 0), "attempt.heartbeat")
            await until(db, lambda: more_beats(db, beats + 3))
        go.touch()
        return await moving

    def kinds_of(found: list[dict[str, Any]], kind: str) -> int:
        return sum(event["kind"] == kind for event in found)

    async def more_beats(db: Database, count: int) -> bool:
        return kinds_of(await events.after(db, 0), "attempt.heartbeat") >= count

    assert asyncio.run(scenario()) == "completed"
    assert failures(settings) == []


def test_waiting_for_an_agent_costs_next_to_nothing(
    project: Path, settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that finds nothing to claim wakes nobody, ourselves least of all."""
    looks: list[float] = []
    claim = Database.transaction

    def counted(db: Database) -> Any:
        looks.append(time.monotonic())
        return claim(db)

    monkeypatch.setattr(Database, "transaction", counted)
    assert run(project, settings, a_plan([script("a", {"run": ["sleep", "1"]}, write("a.txt"))])) == "completed"
    assert len(looks) < 60 * max(1.0, looks[-1] - looks[0])


def test_500_tasks_that_wait_for_one_file_write_little(project: Path, settings: Settings) -> None:
    """Each wait is told once, however often the holder changes."""

    async def scenario() -> int:
        repository = await Repository.open(project)
        run_id = await Orchestrator(project, settings).start(
            a_plan([script(f"t{n}", {"report": "x"}, files=["**"]) for n in range(500)])
        )
        async with Database.open(settings.database) as db, enlist(db, settings.workers) as me:
            delegator = Delegator(db, settings, repository, me)
            for _ in range(5):
                claim = await delegator.claim(run_id)
                assert claim is not None
                assert await delegator.claim(run_id) is None
                async with db.transaction() as tx:
                    await tasks.complete(tx, claim, commit=None, now=0)
            found = await events.after(db, 0, limit=100_000)
        return sum(event["kind"] == "task.lock_wait" for event in found)

    assert asyncio.run(scenario()) == 499
