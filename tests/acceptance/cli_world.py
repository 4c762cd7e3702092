"""A user's world: a home, a repository, plans, and the real command in processes of its own."""

import json
import os
import queue
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path
from typing import Any

PATIENCE_S = 30.0


class Talk:
    """A command that runs, and what it says line by line."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.said: list[str] = []
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self._lines.put(line.rstrip("\n"))
        self._lines.put(None)

    def until(self, text: str) -> str:
        """The first line that holds ``text``; waits for it when it has not been said yet."""
        if said := next((line for line in self.said if text in line), None):
            return said
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                line = self._lines.get(timeout=max(0.01, deadline - time.monotonic()))
            except queue.Empty:
                line = None
            assert line is not None, f"never said {text!r}:\n" + "\n".join(self.said)
            self.said.append(line)
            if text in line:
                return line

    def end(self) -> tuple[int, str]:
        """Wait for the end; the exit code and all that was said."""
        code = self.process.wait(PATIENCE_S)
        while (line := self._lines.get(timeout=PATIENCE_S)) is not None:
            self.said.append(line)
        return code, "\n".join(self.said)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the process, or, as a terminal does, SIGINT to its whole group."""
        if number == signal.SIGINT:
            os.killpg(self.process.pid, number)
        else:
            self.process.send_signal(number)


class World:
    """Everything of one test, in its temporary folder."""

    patience_s = PATIENCE_S

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.home = folder / "home"
        self.project = folder / "project"
        self._talks: list[Talk] = []
        self.project.mkdir()
        self.git("init", "--quiet", "--initial-branch=main")
        (self.project / "a.txt").write_text("one\n")
        self.git("add", "--all")
        self.git("commit", "--quiet", "-m", "Start")

    def git(self, *arguments: str) -> str:
        identity = ["-c", "user.name=A User", "-c", "user.email=user@localhost"]
        done = subprocess.run(
            ["git", *identity, *arguments],
            cwd=self.project,
            check=True,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        return done.stdout.strip()

    # -- plans ---------------------------------------------------------------------------------

    def plan(self, *tasks: dict[str, Any], name: str = "plan.yaml", goal: str = "Something useful") -> Path:
        """A plan of one phase; JSON is YAML."""
        path = self.folder / name
        path.write_text(json.dumps({"goal": goal, "phases": [{"id": "only", "title": "Only", "tasks": list(tasks)}]}))
        return path

    def task(self, task_id: str = "t1", *operations: dict[str, Any], **more: Any) -> dict[str, Any]:
        """A task that writes ``<id>.txt``, or does the operations that are given."""
        default = {"operations": list(operations) or [{"write": f"{task_id}.txt", "content": f"{task_id}\n"}]}
        return {"id": task_id, "title": f"Do {task_id}", "files": [f"{task_id}.txt"], "checks": [], **default, **more}

    def gated(self, task_id: str = "t1") -> dict[str, Any]:
        """A task that writes its file and then waits until :meth:`open_gate`."""
        gate = self.folder / f"gate-{task_id}"
        os.mkfifo(gate)
        return self.task(task_id, {"write": f"{task_id}.txt", "content": "x\n"}, {"run": ["cat", str(gate)]})

    def open_gate(self, task_id: str = "t1") -> None:
        """Let the task that waits, or will wait, at its gate go on."""
        subprocess.run(["sh", "-c", f"echo > {self.folder}/gate-{task_id}"], check=True, timeout=PATIENCE_S)

    # -- the command ------------------------------------------------------------------------------

    def environment(self, **more: str) -> dict[str, str]:
        ours = {"CLAUDE_ORCHESTRATOR_HOME": str(self.home), "PYTHONUNBUFFERED": "1", "HOME": str(self.folder)}
        return {**os.environ, **ours, **more}

    def cli(self, *arguments: str | Path, code: int | None = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run the command in the project's folder; ``code`` is what it must exit with (None: whatever)."""
        done = subprocess.run(
            [sys.executable, "-m", "claude_orchestrator", *map(str, arguments)],
            cwd=self.project,
            check=False,
            env=self.environment(**environment),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=2 * self.patience_s,
        )
        assert code is None or done.returncode == code, f"exit {done.returncode}\n{done.stdout}\n{done.stderr}"
        assert "Traceback" not in done.stderr, done.stderr
        return done

    def json(self, *arguments: str | Path, code: int = 0) -> Any:
        """What the command says with ``--json``: one document and nothing else."""
        return json.loads(self.cli(*arguments, "--json", code=code).stdout)

    def start(self, *arguments: str | Path) -> Talk:
        """Start the command, with its standard error among its output."""
        process = subprocess.Popen(
            [sys.executable, "-m", "claude_orchestrator", *map(str, arguments)],
            cwd=self.project,
            env=self.environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._talks.append(talk := Talk(process))
        return talk

    def close(self) -> None:
        """End what is left of our own."""
        for talk in self._talks:
            if talk.process.poll() is None:
                talk.process.kill()
            talk.process.wait(PATIENCE_S)
        for run in self._unfinished():
            self.cli("cancel", run, code=None)

    def _unfinished(self) -> list[str]:
        """The runs that somebody could still move; without a command, because nearly every test ends with none."""
        database = self.home / "state.db"
        if not database.is_file():
            return []
        with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True)) as connection:
            return [
                row[0]
                for row in connection.execute("SELECT id FROM run WHERE status NOT IN ('completed', 'cancelled')")
            ]
