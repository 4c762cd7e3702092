"""A runner that kills itself once a task at one moment of asking a human; started by a mover of the chaos tests.

    python gate_runner.py MOMENT FOLDER

MOMENT is ``ask`` (before the gate is opened), ``asked`` (right after), ``use`` (before an answer is used), ``used``
(right after, before the operation begins), ``exit`` (before the exit file of a waiting launch) or ``exited`` (right
after it). Dying is SIGKILL to itself: no handler, no ``finally``.
"""

from __future__ import annotations

import os
import signal
import sys
from pathlib import Path

from claude_orchestrator.agents import runner
from claude_orchestrator.agents.base import Answer, Outcome
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.agents.journal import JournalHost
from claude_orchestrator.safety.operations import Operation, Verdict
from claude_orchestrator.state import operation_gates
from claude_orchestrator.state.operation_gates import Question


def arm(moment: str, folder: Path) -> None:
    by_gate, write_exit = JournalHost._by_gate, LaunchFolder.write_exit
    attempt = folder.parent
    died = attempt.parent / f"died.{attempt.name.rpartition('.')[0]}"

    def passing(name: str) -> None:
        if name == moment and not died.exists():
            died.touch()
            os.kill(os.getpid(), signal.SIGKILL)

    async def fused_gate(self: JournalHost, operation: Operation, verdict: Verdict, question: Question) -> Answer:
        gate = await operation_gates.current(self._db, question.attempt_id, question.key)
        passing("ask" if gate is None or operation_gates.is_spent(gate) else "use")
        answer = await by_gate(self, operation, verdict, question)
        passing("asked" if answer.waiting else "used")
        return answer

    def fused_exit(self: LaunchFolder, outcome: Outcome) -> None:
        if outcome.status == "waiting":
            passing("exit")
        write_exit(self, outcome)
        if outcome.status == "waiting":
            passing("exited")

    JournalHost._by_gate = fused_gate  # type: ignore[method-assign]
    LaunchFolder.write_exit = fused_exit  # type: ignore[method-assign]


if __name__ == "__main__":
    arm(sys.argv[1], Path(sys.argv[2]))
    sys.exit(runner.main(Path(sys.argv[2])))
