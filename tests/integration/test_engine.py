"""Whole runs on real repositories with real runners and the real verifier; no checks but the scope unless said."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import pytest
from engine_world import a_plan, git, kinds, run, script, task_rows, write

from claude_orchestrator.config import Settings
from claude_orchestrator.errors import NotReadyError, RepositoryError, VerificationError
from claude_orchestrator.orchestrator.session import Orchestrator, Session
from claude_orchestrator.state import attempts, events, gates, runs
from claude_orchestrator.state.database import Database


def test_a_plan_runs_to_its_end_and_the_checkout_is_not_touched(project: Path, settings: Settings) -> None:
    (project / "shared.txt").write_text("my uncommitted work\n")
    (project / "new.txt").write_text("untracked\n")
    plan = a_plan(
        [script("a", write("a.txt", "a\n")), script("b", write("b.txt", "b\n"))],
        [script("c", {"replace": "a.txt", "old": "a", "new": "c"}, files=["a.txt"])],
    )
    assert run(project, settings, plan) == "completed"
    assert git(project, "show", "orchestrator/r1:a.txt") == "c"
    assert git(project, "show", "orchestrator/r1:shared.txt") == "base"
    assert git(project, "rev-list", "--count", "main..orchestrator/r1") == "3"
    assert git(project, "status", "--porcelain").split() == ["M", "shared.txt", "??", "new.txt"]
    assert (project / "shared.txt").read_text() == "my uncommitted work\n"
    assert git(project, "symbolic-ref", "HEAD") == "refs/heads/main"
    assert git(project, "worktree", "list").count("\n") == 0
    assert list(settings.worktrees.iterdir()) == []
    for attempt in ("r1.a.1", "r1.b.1", "r1.c.1"):
        assert git(project, "cat-file", "-t", f"refs/orchestrator/attempts/{attempt}") == "commit"


def test_a_refused_attempt_is_corrected_from_its_evidence(project: Path, settings: Settings) -> None:
    broken = [{"replace": "calc.py", "old": "a + b", "new": "a - b"}]
    good = [{"replace": "calc.py", "old": "    return a + b", "new": '    """Sum."""\n    return a + b'}]
    plan = a_plan([script("fix", files=["calc.py"], checks=["pytest"], attempts={1: broken, 2: good})])
    assert run(project, settings, plan) == "completed"
    prompt = (settings.attempts / "r1.fix.2" / "prompt.md").read_text()
    assert "test_calc.py::test_add" in prompt
    assert "Sum" in git(project, "show", "orchestrator/r1:calc.py")


def test_a_file_outside_the_scope_is_named_and_nothing_merges(project: Path, settings: Settings) -> None:
    plan = a_plan([script("a", write("a.txt"), write("sneaky.txt"), max_attempts=2), script("b", write("b.txt"))])
    assert run(project, settings, plan) == "incomplete"
    rows = task_rows(settings)
    assert (rows["a"]["status"], rows["b"]["status"]) == ("escalated", "completed")
    assert "sneaky.txt" in rows["a"]["reason"]
    assert git(project, "rev-list", "--count", "main..orchestrator/r1") == "1"


def test_dependents_of_an_escalated_task_stay_pending_until_a_human_answers(project: Path, settings: Settings) -> None:
    fails = [{"run": ["false"]}]
    plan = a_plan([script("a", max_attempts=1, attempts={1: fails}), script("b", write("b.txt"), depends_on=["a"])])
    assert run(project, settings, plan) == "incomplete"
    assert task_rows(settings)["b"]["status"] == "pending"

    async def deny() -> str:
        async with Database.open(settings.database) as db:
            [gate] = await gates.listed(db)
            async with db.transaction() as tx:
                answered = await gates.answer(tx, gate["id"], approve=False, reason="no use", by="test", now=0)
        return str(answered["run_status"])

    assert asyncio.run(deny()) == "failed"
    assert task_rows(settings)["a"]["status"] == "failed"


def test_nothing_to_change_is_completed_without_a_commit(project: Path, settings: Settings) -> None:
    assert run(project, settings, a_plan([script("a", {"report": "nothing to do"})])) == "completed"
    assert git(project, "rev-list", "--count", "main..orchestrator/r1") == "0"


def test_parallel_tasks_meet_a_moved_head_and_are_verified_again(project: Path, settings: Settings) -> None:
    plan = a_plan([script(name, write(f"{name}.txt")) for name in ("a", "b", "c")])
    assert run(project, settings, plan) == "completed"
    assert "task.head_moved" in kinds(settings)
    assert kinds(settings).count("task.verified") == 3, "one engine verifies each candidate once"
    assert git(project, "ls-tree", "--name-only", "orchestrator/r1", "a.txt", "b.txt", "c.txt").count(".txt") == 3


def test_overlapping_tasks_never_run_at_once(project: Path, settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    mark = [{"run": f"echo start >> {log}; git --version > /dev/null; echo end >> {log}"}]
    plan = a_plan([script(f"t{n}", *mark, files=["docs/**" if n % 2 else "docs"]) for n in range(3)])
    assert run(project, settings, plan) == "completed"
    assert log.read_text().split() == ["start", "end"] * 3
    assert "task.lock_wait" in kinds(settings)


def test_pause_frees_everything_and_resume_repeats_nothing(project: Path, settings: Settings, tmp_path: Path) -> None:
    log = tmp_path / "log"
    wait = (
        f"import time, pathlib; open({str(log)!r}, 'a').write('slow ')\n"
        f"while not pathlib.Path({str(tmp_path / 'go')!r}).exists(): time.sleep(0.01)"
    )
    task = script(
        "a", {"run": f"echo once >> {log}"}, write("a.txt"), {"run": [sys.executable, "-c", wait]}, write("b.txt"),
        files=["a.txt", "b.txt"],
    )  # fmt: skip

    async def scenario() -> None:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([task]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            while not (log.exists() and "slow" in log.read_text()):
                await db.changed(db.revision, 0.2)
            async with db.transaction() as tx:
                await runs.want(tx, run_id, "pause")
            assert await asyncio.wait_for(moving, 20) == "paused"
            assert await db.fetch_all("SELECT * FROM file_lock") == []
            assert git(project, "show", "refs/orchestrator/attempts/r1.a.1:a.txt") == "x"
            async with db.transaction() as tx:
                await runs.want(tx, run_id, "run")
        (tmp_path / "go").touch()
        assert await orchestrator.move(run_id) == "completed"

    asyncio.run(scenario())
    assert log.read_text().split() == ["once", "slow", "slow"]
    assert git(project, "show", "orchestrator/r1:b.txt") == "x"
    assert task_rows(settings)["a"]["failures"] == 0


def test_cancel_stops_the_agent_and_keeps_what_it_made(project: Path, settings: Settings) -> None:
    task = script("a", write("a.txt"), {"run": ["sleep", "100"]})

    async def scenario() -> None:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([task, script("b", write("b.txt"), depends_on=["a"])]))
        moving = asyncio.create_task(orchestrator.move(run_id))
        async with Database.open(settings.database) as db:
            while not [e for e in await events.after(db, 0) if e["data"].get("target", "").startswith("sleep")]:
                await db.changed(db.revision, 0.2)
            async with db.transaction() as tx:
                await runs.want(tx, run_id, "cancel")
        assert await asyncio.wait_for(moving, 20) == "cancelled"

    asyncio.run(scenario())
    assert {row["status"] for row in task_rows(settings).values()} == {"cancelled"}
    assert git(project, "show", "refs/orchestrator/attempts/r1.a.1:a.txt") == "x"
    assert list(settings.worktrees.iterdir()) == []


def test_an_agent_that_makes_no_progress_is_stopped(project: Path, own_world: Path) -> None:
    settings = Settings(home=own_world, no_progress_s=0.5, heartbeat_s=0.1, retry_base_s=0.05)
    plan = a_plan([script("a", {"run": ["sleep", "100"]}, max_attempts=1)])
    assert run(project, settings, plan) == "incomplete"
    assert "no progress" in task_rows(settings)["a"]["reason"]
    assert "attempt.heartbeat" in kinds(settings)


def test_a_long_attempt_is_checkpointed(project: Path, own_world: Path, tmp_path: Path) -> None:
    settings = Settings(home=own_world, checkpoint_s=0.1, heartbeat_s=0.1)
    wait = f"while ! git -C {project} rev-parse -q --verify refs/orchestrator/attempts/r1.a.1; do sleep 0.05; done"
    plan = a_plan([script("a", write("a.txt"), {"run": wait})])
    assert run(project, settings, plan) == "completed"
    assert "attempt.checkpoint" in kinds(settings)


def test_a_checked_out_target_pauses_the_run_instead_of_moving_under_it(project: Path, settings: Settings) -> None:
    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(a_plan([script("a", write("a.txt"))]))
        git(project, "switch", "--quiet", f"orchestrator/{run_id}")
        assert await orchestrator.move(run_id) == "paused"
        async with Database.open(settings.database) as db:
            assert "checked out at" in (await runs.get(db, run_id))["reason"]
            git(project, "switch", "--quiet", "main")
            async with db.transaction() as tx:
                await runs.want(tx, run_id, "run")
        return await orchestrator.move(run_id)

    assert asyncio.run(scenario()) == "completed"
    assert task_rows(settings)["a"]["number"] == 1


def test_a_named_target_must_not_be_checked_out(project: Path, settings: Settings) -> None:
    with pytest.raises(RepositoryError, match="checked out"):
        run(project, settings, a_plan([script("a", write("a.txt"))]), target="main")
    assert run(project, settings, a_plan([script("a", write("a.txt"))]), target="work") == "completed"
    assert git(project, "show", "work:a.txt") == "x"


def test_two_runs_on_one_repository(project: Path, settings: Settings) -> None:
    async def scenario() -> list[str]:
        plans = [a_plan([script("a", write("a.txt", f"{n}\n")), script("b", write("b.txt"))]) for n in range(2)]
        return await asyncio.gather(*(Orchestrator(project, settings).run(plan) for plan in plans))

    assert asyncio.run(scenario()) == ["completed", "completed"]
    assert {git(project, "show", f"orchestrator/r{n}:a.txt") for n in (1, 2)} == {"0", "1"}


def test_the_worktree_deleted_under_the_agent_is_a_failed_attempt(project: Path, settings: Settings) -> None:
    remove = "import os, shutil; shutil.rmtree(os.getcwd())"
    gone = [write("a.txt"), {"run": [sys.executable, "-c", remove], "may_fail": True}]
    plan = a_plan([script("a", attempts={1: gone, 2: [write("a.txt")]})])
    assert run(project, settings, plan) == "completed"
    assert task_rows(settings)["a"]["failures"] == 1


def test_a_change_of_the_judges_rules_waits_for_a_human(project: Path, settings: Settings) -> None:
    plan = a_plan(
        [script("a", write("pytest.ini", "[pytest]\naddopts = -k nothing\n"), files=["pytest.ini"], checks=["pytest"])]
    )

    async def scenario() -> str:
        orchestrator = Orchestrator(project, settings)
        run_id = await orchestrator.start(plan)
        assert await orchestrator.move(run_id) == "incomplete"
        assert git(project, "rev-list", "--count", "main..orchestrator/r1") == "0"
        async with Database.open(settings.database) as db:
            [gate] = await gates.listed(db)
            assert gate["kind"] == "review"
            async with db.transaction() as tx:
                await gates.answer(tx, gate["id"], approve=True, reason="meant so", by="test", now=0)
                await runs.want(tx, run_id, "run")
        return await orchestrator.move(run_id)

    assert asyncio.run(scenario()) == "completed"
    assert "addopts" in git(project, "show", "orchestrator/r1:pytest.ini")
    assert "task.waived" in kinds(settings)


def test_agents_see_the_variables_that_the_user_names_and_checks_do_not(
    project: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("A_KEY", "dummy-one")
    monkeypatch.setenv("ANOTHER_KEY", "dummy-two")
    monkeypatch.setenv("CLAUDE_ORCHESTRATOR_AGENT_ENV", "A_KEY, MISSING")
    look = "import os\n\n\ndef test_no_key():\n    assert not [name for name in os.environ if name.endswith('_KEY')]\n"
    seen = {"run": 'echo "$A_KEY $ANOTHER_KEY" > seen.txt'}
    plan = a_plan(
        [script("a", write("test_look.py", look), seen, files=["test_look.py", "seen.txt"], checks=["pytest"])]
    )
    assert run(project, settings, plan) == "completed"
    assert git(project, "show", "orchestrator/r1:seen.txt") == "dummy-one"


def test_what_was_refused_can_be_looked_at_for_ever(project: Path, settings: Settings) -> None:
    broken = [{"replace": "calc.py", "old": "a + b", "new": "a - b"}]
    plan = a_plan([script("a", files=["calc.py"], checks=["pytest"], max_attempts=1, attempts={1: broken})])
    assert run(project, settings, plan) == "incomplete"
    git(project, "gc", "--quiet", "--prune=now")

    async def judged() -> str:
        async with Database.open(settings.database) as db:
            [evidence] = await attempts.evidence(db, "r1", "a")
            return str(evidence["document"]["head"])

    assert "a - b" in git(project, "show", f"{asyncio.run(judged())}:calc.py")


class TestTaskByTask:
    """The Python API of the design's §7: somebody else does the work."""

    @staticmethod
    async def work(session: Session, plan_id: str) -> list[str | None]:
        commits = []
        plan = await session.store.load(plan_id)
        for phase in plan.phases:
            for task in phase.tasks:
                delegated = await session.delegator.delegate_task(task, plan, phase)
                await session.supervisor.start_supervision(task.id, f"session-{task.id}")
                (delegated.worktree / f"{task.id}.txt").write_text("by hand\n")
                verification = await session.verifier.verify(checks=["pytest"], files_changed=[f"{task.id}.txt"])
                assert verification.passed
                commits.append(await session.delegator.mark_completed(task.id, delegated))
        return commits

    def test_the_sketch(self, project: Path, settings: Settings) -> None:
        plan = a_plan([script("a", {"report": "x"})], [script("b", {"report": "x"})])

        async def scenario() -> None:
            async with Orchestrator(project, settings).session() as session:
                plan_id = (await session.store.save(plan)).id
                assert plan_id is not None
                first, second = await self.work(session, plan_id)
                assert git(project, "rev-parse", "orchestrator/r1") == second
                assert git(project, "rev-parse", "orchestrator/r1~1") == first
                assert (await runs.get(session.db, "r1"))["status"] == "completed"

        asyncio.run(scenario())

    def test_what_is_not_ready_or_not_verified_is_refused(self, project: Path, settings: Settings) -> None:
        plan = a_plan([script("a", {"report": "x"}), script("b", {"report": "x"}, depends_on=["a"])])

        async def scenario() -> None:
            async with Orchestrator(project, settings).session() as session:
                stored = await session.store.save(plan)
                [phase] = stored.phases
                first, second = phase.tasks
                with pytest.raises(NotReadyError, match="waits for 1"):
                    await session.delegator.delegate_task(second, stored, phase)
                delegated = await session.delegator.delegate_task(first, stored, phase)
                (delegated.worktree / "a.txt").write_text("fine\n")
                assert (await session.verifier.verify()).passed
                (delegated.worktree / "elsewhere.txt").write_text("not in scope, and after the verification\n")
                with pytest.raises(VerificationError, match=r"elsewhere\.txt"):
                    await session.delegator.mark_completed("a", delegated)
                verification = await session.verifier.verify(files_changed=["a.txt", "never.txt"])
                assert not verification.passed
                assert any("never.txt" in reason for reason in verification.reasons)
                assert len(await attempts.evidence(session.db, "r1", "a")) == 3

        asyncio.run(scenario())

    def test_what_a_lost_session_left_is_kept_and_not_merged(self, project: Path, settings: Settings) -> None:
        plan = a_plan([script("a", write("a.txt", "by the agent\n"))])

        async def scenario() -> str:
            async with Orchestrator(project, settings).session() as session:
                stored = await session.store.save(plan)
                delegated = await session.delegator.delegate_task(stored.phases[0].tasks[0], stored, stored.phases[0])
                (delegated.worktree / "a.txt").write_text("half done by hand\n")
            return await Orchestrator(project, settings).move("r1")

        assert asyncio.run(scenario()) == "completed"
        assert git(project, "show", "orchestrator/r1:a.txt") == "by the agent"
        assert git(project, "show", "refs/orchestrator/attempts/r1.a.1:a.txt") == "half done by hand"
        assert task_rows(settings)["a"]["failures"] == 0
