"""A repository, a plan and a run to torment, and the checks that must hold whatever was killed when."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from claude_orchestrator.config import Settings
from claude_orchestrator.orchestrator.session import Orchestrator
from claude_orchestrator.plans.models import Plan
from claude_orchestrator.state.database import Database

KILLED = "killed"
"""The property of a test that names one process that it killed."""

MOVER = Path(__file__).with_name("mover.py")
AGENT = (
    "import os,sys,time;"
    "fd=os.open(sys.argv[1],os.O_WRONLY|os.O_APPEND|os.O_CREAT);"
    "os.write(fd,('start '+sys.argv[2]+' '+os.environ['CLAUDE_ORCHESTRATOR_MARKER']+'\\n').encode());"
    "time.sleep(float(sys.argv[3]));"
    "os.write(fd,('end '+sys.argv[2]+' '+os.environ['CLAUDE_ORCHESTRATOR_MARKER']+'\\n').encode())"
)
"""What the script agent runs: it leaves a line outside every worktree when it starts and when it ends."""


@dataclass
class World:
    """One torment: its folders, its processes, and what was killed so far."""

    root: Path
    chance: random.Random
    run_id: str = ""
    kills: list[str] = field(default_factory=list)
    movers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    answerers: list[subprocess.Popen[bytes]] = field(default_factory=list)
    mover: Path = MOVER
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def home(self) -> Path:
        return self.root / "home"

    @property
    def project(self) -> Path:
        return self.root / "project"

    @property
    def effects(self) -> Path:
        return self.root / "effects.log"

    @property
    def settings(self) -> Settings:
        return Settings(home=self.home, retry_base_s=0.05, retry_cap_s=0.2)

    # -- preparing --------------------------------------------------------------------------------

    def prepare(self, tasks: int) -> None:
        """A repository with one commit, and a run of ``tasks`` script tasks in two phases, not yet moving."""
        self.project.mkdir(parents=True)
        self.git("init", "--quiet", "--initial-branch=main")
        (self.project / "README.md").write_text("base\n")
        self.git("add", ".")
        self.git("-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "--quiet", "--message=base")
        self.run_id = asyncio.run(Orchestrator(self.project, self.settings).start(self.plan(tasks)))

    def plan(self, tasks: int) -> Plan:
        half = tasks // 2
        phases = [
            {"id": "first", "tasks": [self.task(f"t{n}") for n in range(half)]},
            {"id": "second", "tasks": [self.task(f"t{n}") for n in range(half, tasks)]},
        ]
        return Plan.model_validate({"goal": "survive", "phases": phases})

    def task(self, task_id: str) -> dict[str, Any]:
        pause = round(self.chance.uniform(0.0, 0.25), 3)
        return {
            "id": task_id,
            "files": [f"out/{task_id}.txt"],
            "checks": [],
            "max_attempts": 50,
            "operations": [
                {"write": f"out/{task_id}.txt", "content": f"{task_id}\n"},
                {"run": [sys.executable, "-I", "-S", "-c", AGENT, str(self.effects), task_id, str(pause)]},
            ],
        }

    def git(self, *arguments: str) -> str:
        done = subprocess.run(["git", *arguments], cwd=self.project, check=True, capture_output=True, text=True)
        return done.stdout.strip()

    # -- moving and killing ------------------------------------------------------------------------

    def start_mover(self, point: str = "") -> subprocess.Popen[bytes]:
        """Start a process that moves the run, armed with a fault point or not."""
        env = {
            **os.environ,
            "CLAUDE_ORCHESTRATOR_HOME": str(self.home),
            "CLAUDE_ORCHESTRATOR_RETRY_BASE_S": "0.05",
            "CLAUDE_ORCHESTRATOR_RETRY_CAP_S": "0.2",
            **self.environment,
        }
        with (self.root / "movers.log").open("ab") as log:
            mover = subprocess.Popen(
                [sys.executable, str(self.mover), str(self.project), self.run_id, *([point] if point else [])],
                env=env,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.movers.append(mover)
        return mover

    def start_answerer(self, point: str = "") -> subprocess.Popen[bytes]:
        """Start a process that approves what is asked, armed with a fault point or not."""
        with (self.root / "movers.log").open("ab") as log:
            answerer = subprocess.Popen(
                [sys.executable, str(MOVER.with_name("answerer.py")), *([point] if point else [])],
                env={**os.environ, "CLAUDE_ORCHESTRATOR_HOME": str(self.home)},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.answerers.append(answerer)
        return answerer

    def kill_mover(self, mover: subprocess.Popen[bytes]) -> bool:
        """``kill -9`` of one of our movers, if it still lives."""
        if mover.poll() is not None:
            return False
        mover.kill()
        mover.wait()
        self.kills.append("engine")
        return True

    def runners(self) -> dict[str, int]:
        """Attempt id → process id of every runner that holds its launch's lock now."""
        found = {}
        for started in self.home.glob("attempts/*/launch-*/started.json"):
            if not (started.parent / "exit.json").exists():
                try:
                    found[started.parent.parent.name] = int(json.loads(started.read_text())["pid"])
                except (OSError, ValueError):
                    continue
        return {attempt: pid for attempt, pid in found.items() if self.is_ours(pid)}

    def is_ours(self, pid: int) -> bool:
        """Whether a process id is (still) a runner of this world: its command line names our home."""
        try:
            return str(self.home).encode() in Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False

    def kill_runner(self) -> bool:
        """``kill -9`` of one running runner."""
        runners = sorted(self.runners().items())
        if not runners:
            return False
        _, pid = self.chance.choice(runners)
        os.kill(pid, signal.SIGKILL)
        self.kills.append("runner")
        return True

    def finish(self, *, timeout_s: float = 60) -> None:
        """Move the run to its end without further torment, and wait for the movers that are left."""
        last = self.start_mover()
        assert last.wait(timeout_s) == 0, (self.root / "movers.log").read_text()[-3000:]
        for mover in self.movers:
            mover.wait(timeout_s)

    def finish_with_answers(self, *, timeout_s: float = 60) -> None:
        """As :meth:`finish`, for a run whose tasks ask: two processes answer, and one moves whenever there is cause."""
        deadline = time.monotonic() + timeout_s
        answerers = [self.start_answerer() for _ in range(2)]
        while self.start_mover().wait(timeout_s) != 0:
            assert time.monotonic() < deadline, (self.root / "movers.log").read_text()[-3000:]
            self.wait_for_answers()
        for process in (*answerers, *self.movers):
            process.wait(timeout_s)

    def wait_for_answers(self, *, timeout_s: float = 60) -> None:
        """Until every question has its answer: before that a mover only starts, finds nothing to do, and ends."""

        async def wait() -> None:
            async with asyncio.timeout(timeout_s), Database.open(self.settings.database) as db:
                revision = db.revision
                while await db.fetch_all("SELECT id FROM gate WHERE status = 'open'"):
                    await db.changed(revision, 1.0)
                    revision = db.revision

        asyncio.run(wait())

    def close(self) -> None:
        """End what a failed test may have left: our own movers, and our own runners by id."""
        for process in (*self.movers, *self.answerers):
            if process.poll() is None:
                process.kill()
                process.wait()
        for pid in self.runners().values():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.root, ignore_errors=True)

    # -- what must hold ------------------------------------------------------------------------------

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.home / "state.db") as connection:
            found = connection.execute(sql, values).fetchall()
        connection.close()
        return found

    def check(self, *, asked: bool = False) -> None:
        """Nothing lost, nothing twice, nothing unverified merged, nothing left behind, integrity ok.

        ``asked``: every attempt had to ask before its command.
        """
        task_ids = [row[0] for row in self.rows("SELECT id FROM task WHERE run_id = ?", self.run_id)]
        self._nothing_lost(task_ids)
        self._merged_once(task_ids)
        self._only_verified()
        if asked:
            self._nothing_unasked()
        else:
            self.no_agent_run_twice()
        self._no_orphans()
        assert self.rows("PRAGMA integrity_check") == [("ok",)]
        assert self.rows("SELECT * FROM file_lock") == []
        assert self.git("status", "--porcelain") == "", "the user's checkout is as it was"
        worktrees = self.git("worktree", "list", "--porcelain").count("worktree ")
        assert worktrees == 1, f"{worktrees - 1} worktrees left"

    def _nothing_lost(self, task_ids: list[str]) -> None:
        unfinished = self.rows("SELECT id, status, reason FROM task WHERE status <> 'completed'")
        assert unfinished == []
        for task_id in task_ids:
            assert self.git("show", f"orchestrator/{self.run_id}:out/{task_id}.txt") == task_id
        for (attempt,) in self.rows("SELECT id FROM attempt WHERE status = 'passed'"):
            assert self.git("cat-file", "-t", f"refs/orchestrator/attempts/{attempt}") == "commit"

    def _merged_once(self, task_ids: list[str]) -> None:
        log = self.git("log", "--format=%B", f"main..orchestrator/{self.run_id}")
        for task_id in task_ids:
            assert log.count(f"Orchestrator-Task: {self.run_id}/{task_id} ") == 1, task_id
        on_branch = self.git("log", "--format=%H", f"main..orchestrator/{self.run_id}").split()
        recorded = [row[0] for row in self.rows("SELECT merge_commit FROM task")]
        assert sorted(recorded) == sorted(on_branch), "every merge is on record, and nothing else is on the branch"

    def _only_verified(self) -> None:
        passed = {(row[0], row[1]) for row in self._passed()}
        for line in self.git("log", "--format=%T %P", f"main..orchestrator/{self.run_id}").splitlines():
            tree, parent = line.split()
            assert (tree, parent) in passed, f"tree {tree} on {parent} was merged without a passed verification"

    def _passed(self) -> list[tuple[str, str]]:
        rows = self.rows("SELECT tree, document FROM evidence WHERE verdict = 'passed'")
        return [(tree, json.loads(document)["base"]) for tree, document in rows]

    def no_agent_run_twice(self) -> None:
        started = self._attempts_started()
        assert len(started) == len(set(started)), "an attempt's agent was started twice"
        launches = self.rows("SELECT id, launch FROM attempt WHERE launch > 1")
        assert launches == [], "nothing was paused, so every attempt has one launch"

    def _attempts_started(self) -> list[str]:
        """The attempt of every command that was started, once for each start."""
        starts = [line.split()[2] for line in self.effects.read_text().splitlines() if line.startswith("start ")]
        # A marker's last name is fresh for every command; the one before is the attempt's, a dot and a hash behind it.
        return [marker.split("/")[-2].rpartition(".")[0] for marker in starts]

    def _nothing_unasked(self) -> None:
        """No question twice, one answer each, and no command without an approval of its own that was used before."""
        gates = self.rows("SELECT gate.id, gate.attempt_id, status, used_at IS NOT NULL, round FROM gate"
                          " JOIN operation_gate ON gate_id = gate.id")  # fmt: skip
        attempts = [attempt for _, attempt, *_ in gates]
        assert len(attempts) == len(set(attempts)), "an attempt was asked about twice"
        assert {status for _, _, status, _, _ in gates} <= {"approved", "withdrawn"}
        answers = [row[0] for row in self.rows("SELECT data FROM event WHERE kind = 'gate.approved'")]
        assert len(answers) == len({json.loads(data)["gate"] for data in answers}), "a question was answered twice"
        used = {attempt for _, attempt, _, was_used, _ in gates if was_used}
        started = self._attempts_started()
        assert len(started) == len(set(started)), "a command was started twice on one approval"
        assert set(started) <= used, "a command was started without an approval"

    def _no_orphans(self) -> None:
        """No process of this world is left: neither by command line nor by environment."""
        deadline = time.monotonic() + 10
        while left := self._processes():
            assert time.monotonic() < deadline, f"left behind: {left}"
            time.sleep(0.05)  # a killed tree needs a moment to vanish, and its end is no event for us

    def _processes(self) -> dict[int, str]:
        mark, found = str(self.root).encode(), {}
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
                text = (folder / "cmdline").read_bytes() + (folder / "environ").read_bytes()
            except OSError:
                continue
            if mark in text and state != "Z" and int(folder.name) != os.getpid():
                found[int(folder.name)] = text[:200].decode(errors="replace")
        return found
