"""Operations that need a human, through the real runner: asked once, parked, gone on with, and never done unasked."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest
from policy_world import write_policy
from process_world import Launches, done, wait_for

from claude_orchestrator.agents import base, runner
from claude_orchestrator.agents.base import Assignment, Host, Outcome
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.agents.performing import perform
from claude_orchestrator.plans.models import KNOWN_AGENTS
from claude_orchestrator.safety.operations import Operation
from claude_orchestrator.state import gates, operation_gates
from claude_orchestrator.state.database import Database, Row

T = TypeVar("T")
WORKFLOW = ".github/workflows/ci.yml"
ASKS = {"write": WORKFLOW, "content": "on: push\n"}


SCENE = """
INSERT INTO plan VALUES ('p1', 1, 0);
INSERT INTO plan_version VALUES ('p1', 1, 'g', '{}', '', 0, 0);
INSERT INTO run
    (id, number, token, plan_id, plan_version, goal, repository, git_dir, base_commit, target_ref, created_at)
    VALUES ('run', 1, 't', 'p1', 1, 'g', '/r', '/r/.git', 'b', 'refs/heads/x', 0);
INSERT INTO task (run_id, id, phase_id, position, title, definition, locks, max_attempts, blockers, status)
    VALUES ('run', 'task', 'one', 0, 't', '{}', '[]', 5, 0, 'in_progress')
"""
"""The run and the task of the launches, as rows."""


class World(Launches):
    """Launches, with the run and the task that answers need, under the policy of a user who has none."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.policy.unlink()
        self.now(self._prepare)

    async def _prepare(self, db: Database) -> None:
        async with db.transaction() as tx:
            for statement in SCENE.split(";"):
                await tx.execute(statement)

    def now(self, look: Callable[[Database], Awaitable[T]]) -> T:
        async def opened() -> T:
            async with Database.open(self.database) as db:
                return await look(db)

        return asyncio.run(opened())

    def gates(self) -> list[Row]:
        async def read(db: Database) -> list[Row]:
            rows = await gates.listed(db, include_answered=True)
            return [await operation_gates.get(db, row["id"]) for row in rows]

        return self.now(read)

    def answer(self, gate_id: str, *, approve: bool = True, **more: Any) -> None:
        async def give(db: Database) -> None:
            async with db.transaction() as tx:
                values = {"reason": "", "by": "ann", "now": 1.0, **more}
                await gates.answer(tx, gate_id, approve=approve, **values)

        self.now(give)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


def run(launch: LaunchFolder) -> Outcome:
    """Run a launch in this process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        assert runner.main(launch.path) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    outcome = launch.read_exit()
    assert outcome
    return outcome


def waits(world: World, *operations: dict[str, Any], resume: dict[str, Any] | None = None) -> Outcome:
    outcome = run(world.script(*operations, resume=resume))
    assert outcome.status == "waiting", outcome
    return outcome


SCRIPT = ({"write": "before.txt", "content": "1\n"}, ASKS, {"write": "after.txt", "content": "2\n"})


def test_a_script_is_parked_and_goes_on_with_the_answer(world: World) -> None:
    first = waits(world, *SCRIPT)
    (gate,) = world.gates()
    assert "operation 2 waits for g1" in first.detail
    assert first.resume is not None
    assert not (world.worktree / WORKFLOW).exists()
    assert (gate["status"], gate["rule"], gate["risk"]) == ("open", "A4", "high")
    assert (gate["operation"]["kind"], gate["operation"]["target"]) == ("write", WORKFLOW)
    assert "+on: push" in gate["shown"]
    assert gate["resume"] == first.resume
    world.answer(gate["id"])
    second = run(world.script(*SCRIPT, resume=first.resume))
    assert second.status == "finished"
    assert (world.worktree / WORKFLOW).read_text() == "on: push\n"
    assert [event["target"] for event in world.events("operation.done")] == ["before.txt", WORKFLOW, "after.txt"]
    assert world.gates()[0]["used_at"] is not None
    asked = [event for event in world.events("operation.asked") if event["target"] == WORKFLOW]
    assert [(event["gate"], event.get("answer", "")) for event in asked] == [("g1", ""), ("g1", "approved")]


def test_asked_again_before_the_answer_it_is_the_same_gate(world: World) -> None:
    first = waits(world, *SCRIPT)
    assert waits(world, *SCRIPT).resume == first.resume, "from the beginning, as after a lost token"
    assert waits(world, *SCRIPT, resume=first.resume).resume == first.resume
    assert [gate["id"] for gate in world.gates()] == ["g1"]
    assert len(world.events("gate.opened")) == 1


def test_an_approval_is_for_one_operation_at_one_place(world: World) -> None:
    twice = ({"write": "x.txt", "content": "x\n"}, ASKS, {"delete": "x.txt"}, ASKS)
    first = waits(world, *twice)
    world.answer("g1")
    second = waits(world, *twice, resume=first.resume)
    assert second.resume is not None
    assert second.resume["done"] == 3
    assert [(gate["id"], gate["status"]) for gate in world.gates()] == [("g1", "approved"), ("g2", "open")]


def test_a_used_approval_cannot_be_replayed(world: World) -> None:
    first = waits(world, *SCRIPT)
    world.answer("g1")
    assert run(world.script(*SCRIPT, resume=first.resume)).status == "finished"
    assert (world.worktree / WORKFLOW).exists()
    waits(world, *SCRIPT, resume=first.resume)
    assert [gate["status"] for gate in world.gates()] == ["approved", "open"]


def test_a_denial_reaches_the_agent(world: World) -> None:
    first = waits(world, *SCRIPT)
    world.answer("g1", approve=False, reason="not the CI files")
    second = run(world.script(*SCRIPT, resume=first.resume))
    assert second.status == "failed"
    assert second.detail == (f"operation 2 (write {WORKFLOW}) was refused: denied by ann (g1): not the CI files [A4]")
    assert not (world.worktree / WORKFLOW).exists()
    assert not (world.worktree / "after.txt").exists()


def test_a_script_may_go_on_without_what_is_refused(world: World) -> None:
    script = (SCRIPT[0], {**ASKS, "may_be_refused": True}, {"delete": ".", "may_be_refused": True}, SCRIPT[2])
    first = waits(world, *script)
    world.answer("g1", approve=False, reason="no")
    second = run(world.script(*script, resume=first.resume))
    assert second.status == "finished"
    assert (world.worktree / "after.txt").exists()
    assert not (world.worktree / WORKFLOW).exists()
    verdicts = {event["target"]: (event["verdict"], event["rule"]) for event in world.events("operation.asked")}
    assert verdicts["."] == ("BLOCKED", "B1")


def test_what_is_blocked_is_never_asked(world: World) -> None:
    outcome = run(world.script({"delete": "."}))
    assert outcome.status == "failed"
    assert outcome.detail.endswith("[B1]")
    assert world.gates() == []
    assert (world.worktree / "a.txt").exists()


def test_an_edited_operation_happens_instead(world: World) -> None:
    first = waits(world, *SCRIPT)
    world.answer("g1", way="edited", edited="on: workflow_dispatch\n")
    assert run(world.script(*SCRIPT, resume=first.resume)).status == "finished"
    assert (world.worktree / WORKFLOW).read_text() == "on: workflow_dispatch\n"


def test_an_edited_operation_that_is_blocked_stays_blocked(world: World) -> None:
    script = ({"delete": "ignored"},)
    (world.worktree / "ignored").write_text("mine\n")
    first = waits(world, *script)
    world.answer("g1", way="edited", edited=".")
    second = run(world.script(*script, resume=first.resume))
    assert (second.status, second.detail[-4:]) == ("failed", "[B1]")
    assert world.events("operation.asked")[-1]["answer"] == "blocked"
    assert (world.worktree / "a.txt").exists()
    assert (world.worktree / "ignored").exists()


def test_a_denial_holds_for_the_next_attempt(world: World) -> None:
    first = waits(world, *SCRIPT)
    world.answer("g1", approve=False, reason="no")
    run(world.script(*SCRIPT, resume=first.resume))
    second = run(world.script(*SCRIPT, attempt_id="r1.task.2", number=2))
    assert second.status == "failed"
    assert "denied by ann (g1): no" in second.detail
    assert len(world.gates()) == 1


def token_left(world: World) -> dict[str, Any] | None:
    return world.now(lambda db: operation_gates.token_of_the_dead(db, world.attempt_id, 2))


@pytest.mark.parametrize("answer", [True, None])
def test_a_question_that_needs_no_answer_any_more_is_passed_by(world: World, answer: bool | None) -> None:
    """Its user allows the operation meanwhile; nothing may then lead back to the question, whoever dies."""
    first = waits(world, *SCRIPT)
    assert token_left(world) == first.resume
    if answer:
        world.answer("g1")
    write_policy(world.policy, safe=("A4",))
    assert run(world.script(*SCRIPT, resume=first.resume)).status == "finished"
    assert [gate["status"] for gate in world.gates()] == ["approved" if answer else "withdrawn"]
    assert token_left(world) is None


def test_a_pattern_from_elsewhere_covers_a_question(world: World) -> None:
    second = {"write": WORKFLOW, "content": "on: pull_request\n"}
    first = waits(world, {"write": "a.txt", "content": "x\n"}, ASKS, second)
    world.answer("g1", way="pattern")
    done = run(world.script({"write": "a.txt", "content": "x\n"}, ASKS, second, resume=first.resume))
    assert done.status == "finished"
    assert (world.worktree / WORKFLOW).read_text() == "on: pull_request\n"
    assert [(gate["id"], gate["status"]) for gate in world.gates()] == [("g1", "approved")]
    assert token_left(world) is None


def test_what_looks_like_a_key_is_not_kept(world: World) -> None:
    key = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"
    waits(world, {"write": WORKFLOW, "content": f"token: {key}\n"}, {"report": f"used {key}"})
    run(world.script({"report": f"used {key}"}))
    failed = world.script({"run": f"echo {key}; exit 3"})
    assert "exited with 3" in run(failed).detail
    assert key not in (failed.path / "exit.json").read_text()
    whole = b"".join(file.read_bytes() for file in world.database.parent.glob("state.db*"))
    assert WORKFLOW.encode() in whole
    assert key.encode() not in whole


def test_gates_expire_when_the_policy_says_so(world: World) -> None:
    write_policy(world.policy, safe=(), more='[gates]\nexpire_after = "1s"')
    first = waits(world, *SCRIPT)
    (gate,) = world.gates()
    assert gate["expires_at"] - gate["created_at"] == pytest.approx(1, abs=0.5)
    wait_for(lambda: world.now(lambda db: operation_gates.expire(db, gate["expires_at"] + 0.1)))
    second = run(world.script(*SCRIPT, resume=first.resume))
    assert "denied by policy (g1): nobody answered" in second.detail


def test_a_huge_command_is_asked_about_like_any_other(world: World) -> None:
    began = time.monotonic()
    waits(world, {"run": "pip install " + "a" * 1_000_000})
    (gate,) = world.gates()
    assert "more characters" in gate["shown"]
    assert gate["suggestion"] is None
    assert time.monotonic() - began < 30


# -- the command agent ---------------------------------------------------------------------------------


def test_a_command_that_waits_has_done_nothing_and_starts_over(world: World) -> None:
    options = {"command": ["touch", ".github/workflows/new.yml"]}
    first = run(world.new(options, agent="command"))
    assert (first.status, first.resume) == ("waiting", {})
    assert not (world.worktree / ".github/workflows/new.yml").exists()
    (world.worktree / ".github/workflows").mkdir(parents=True)
    world.answer("g1")
    assert run(world.new(options, agent="command", resume={})).status == "finished"
    assert (world.worktree / ".github/workflows/new.yml").exists()


def test_a_command_with_its_prompt_in_a_file_is_asked_about_once(world: World) -> None:
    """The launch that comes with the answer wants the same command, so the file is at the same place."""
    options = {"command": ["cp", "{prompt_file}", ".github/workflows/new.yml"]}
    assert run(world.new(options, agent="command")).status == "waiting"
    (world.worktree / ".github/workflows").mkdir(parents=True)
    world.answer("g1")
    assert run(world.new(options, agent="command", resume={})).status == "finished"
    assert len(world.gates()) == 1
    assert (world.worktree / ".github/workflows/new.yml").read_text() == "do it"


# -- an agent that cannot resume -----------------------------------------------------------------------


class PatientAgent:
    """Has no token, so it waits in place."""

    name = "patient"
    resumable = False

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        operation = Operation("write", assignment.worktree, WORKFLOW, content="patient\n")
        answer = await host.ask(operation, 1)
        if not answer.allowed:
            return Outcome("failed", answer.refusal)
        await host.record(answer, await perform(operation, assignment, 1))
        return Outcome("finished", "done")


PATIENT = "import test_agent_gates as t; from claude_orchestrator.agents import base, runner; import sys; "
PATIENT += "base.AGENTS['patient'] = 'test_agent_gates:PatientAgent'; from pathlib import Path; "
PATIENT += "sys.exit(runner.main(Path(sys.argv[1])))"


@pytest.mark.parametrize("approve", [True, False])
def test_an_agent_that_cannot_resume_waits_in_place(world: World, approve: bool) -> None:
    launch = world.new({}, agent="patient", timeout_s=0.5)
    path = os.pathsep.join([str(Path(__file__).parent), str(Path(__file__).parents[1])])
    process = subprocess.Popen(
        [sys.executable, "-c", PATIENT, str(launch.path)], env={**os.environ, "PYTHONPATH": path}
    )
    try:
        wait_for(world.gates)
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(1.5)  # the time limit is the agent's, not the human's
        assert launch.state() == "alive"
        world.answer("g1", approve=approve, reason="so be it")
        wait_for(lambda: done(launch))
    finally:
        process.kill()
        process.wait()
    outcome = launch.read_exit()
    assert outcome is not None
    assert outcome.status == ("finished" if approve else "failed")
    assert (world.worktree / WORKFLOW).exists() is approve
    assert base.AGENTS.keys() == set(KNOWN_AGENTS)
