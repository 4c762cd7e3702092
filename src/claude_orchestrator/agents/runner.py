"""The runner: a detached process that holds one launch of one agent, from its lock to its exit file.

``python -m claude_orchestrator.agents.runner FOLDER``. The engine that spawned it may be gone at any time;
nothing here depends on it. SIGTERM interrupts the agent, SIGUSR1 has it told that it seems to be stuck. When the
runner itself is killed, the keepers of its commands see their lifelines end and take the commands along.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
import traceback
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from claude_orchestrator.agents.base import Agent, Assignment, Outcome, agent_named
from claude_orchestrator.agents.folder import LaunchFolder
from claude_orchestrator.agents.journal import JournalHost
from claude_orchestrator.agents.loops import Finding
from claude_orchestrator.errors import AgentError, OrchestratorError
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.state.database import Database

STOPPING_S: Final = 8.0
"""How long an agent may take to stop when it is interrupted or out of time."""

SPENT_S: Final = 3.0
"""How long an agent may take to end that has been told that it may spend no more."""

NUDGE_S: Final = 5.0
"""How long an agent may take to say whether it can be told anything."""

SILENT: Final = Finding(
    "nudge",
    "silence",
    "You have said and done nothing for a long time. If something hangs, end it and go on in another way. If the task"
    " is done, end. If you cannot go on, end and say what is missing.",
)
"""What an agent is told that makes no progress."""

_AGENT: Final = "agent"
_KEYS: Final = ("KEY", "TOKEN")
"""How the names of variables with keys end."""
_SHORTEST_KEY: Final = 6
_SHORTEST_WAIT_S: Final = 0.2
_POLITE: Final = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)


def main(folder: Path) -> int:
    """Run the launch in ``folder`` if nobody else does or did; return the process's exit code."""
    # Held back until there is a loop that can interrupt the agent; before, they would just kill us.
    signal.pthread_sigmask(signal.SIG_BLOCK, [*_POLITE, signal.SIGUSR1])
    launch = LaunchFolder(folder)
    lock = launch.take()
    if lock is None:
        return 0
    try:
        launch.write_started()
        asyncio.run(_hold(launch))
    finally:
        lock.release()
    return 0


async def _hold(launch: LaunchFolder) -> None:
    """Do the assignment, whatever goes wrong, and leave its outcome."""
    interrupted = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in _POLITE:
        loop.add_signal_handler(number, interrupted.set)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _POLITE)
    try:
        assignment = launch.read_assignment()
        async with Database.open(assignment.database) as db:
            host = JournalHost(assignment, db)
            loop.add_signal_handler(signal.SIGUSR1, host.findings.put_nowait, SILENT)
            signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGUSR1])
            outcome = _without_keys(await _outcome(assignment, host, interrupted))
            launch.write_exit(outcome)
            await host.note("attempt.exited", {"status": outcome.status, "detail": outcome.detail})
    except OrchestratorError as error:
        if launch.read_exit() is None:
            launch.write_exit(Outcome("error", str(error)))
    if any(task.get_name() == _AGENT for task in asyncio.all_tasks()):
        os._exit(0)  # an agent that ignores its cancellation would hold us, and our lock, for ever


async def _outcome(assignment: Assignment, host: JournalHost, interrupted: asyncio.Event) -> Outcome:
    """Let the agent work until it is done, interrupted, or out of time."""
    try:
        return await _work(_agent_for(assignment), assignment, host, interrupted)
    except OrchestratorError as error:
        return Outcome("error", str(error))
    except Exception as error:  # noqa: BLE001  (an agent's defect must become an outcome, not a missing one)
        traceback.print_exc()
        return Outcome("error", f"{type(error).__name__}: {error}")


def _without_keys(outcome: Outcome) -> Outcome:
    """The outcome as it may be kept, shown, and told to the next attempt."""
    fault = outcome.fault and replace(outcome.fault, detail=_without_our_keys(outcome.fault.detail))
    detail, report = _without_our_keys(outcome.detail), _without_our_keys(outcome.report)
    return replace(outcome, detail=detail, report=report, fault=fault)


def _without_our_keys(text: str) -> str:
    """The text without what looks like a key, and without ours, whatever they look like: providers quote them."""
    for name, value in os.environ.items():
        if name.endswith(_KEYS) and len(value) >= _SHORTEST_KEY:
            text = text.replace(value, "[redacted: key]")
    return redact(text)


def _agent_for(assignment: Assignment) -> Agent:
    agent = agent_named(assignment.agent)
    if assignment.resume is not None and not agent.resumable:
        raise AgentError(f"agent '{agent.name}' cannot go on where it stopped: make a new attempt")
    return agent


async def _work(agent: Agent, assignment: Assignment, host: JournalHost, interrupted: asyncio.Event) -> Outcome:
    work = asyncio.create_task(agent.work(assignment, host), name=_AGENT)
    stop = asyncio.create_task(interrupted.wait())
    deaf = asyncio.create_task(_goes_on_spending(host))
    steering = asyncio.create_task(_steer(agent, host))
    began = time.monotonic()
    # The time that humans take is not the agent's.
    while (left := assignment.timeout_s + host.waited_s() - (time.monotonic() - began)) > 0:
        done, _ = await asyncio.wait(
            {work, stop, deaf, steering}, timeout=max(left, _SHORTEST_WAIT_S), return_when=asyncio.FIRST_COMPLETED
        )
        if done:
            break
    has_overspent = deaf.cancel() is False
    looped = steering.result() if steering.cancel() is False else ""
    if work.done():
        stop.cancel()
        return work.result()
    asked_to_stop = stop.cancel() is False
    work.cancel()
    await asyncio.wait({work}, timeout=STOPPING_S)
    # An agent that was stopped before it began has used nothing of its token.
    stopped = Outcome("interrupted", "interrupted", resume=assignment.resume)
    if not work.done():
        stopped = Outcome("interrupted", f"did not stop within {STOPPING_S:g} s")
    elif not work.cancelled():
        stopped = work.result()
    if asked_to_stop or stopped.status != "interrupted":
        return stopped
    if looped:
        return Outcome("failed", looped, stopped.report)
    if has_overspent:
        fault = Fault("budget", assignment.provider, "it went on after it had spent what it may")
        return replace(stopped, detail=fault.detail, fault=fault)
    return Outcome("timeout", f"not done within {assignment.timeout_s:g} s", stopped.report)


async def _goes_on_spending(host: JournalHost) -> None:
    """Until an agent that may spend no more should have ended."""
    await host.spent_up.wait()
    await asyncio.sleep(SPENT_S)


async def _steer(agent: Agent, host: JournalHost) -> str:
    """Tell the agent what is found of it; return why, once it is to be stopped."""
    while True:
        finding = await host.findings.get()
        if finding.action == "stop":
            return finding.text
        heard = await _nudged(agent, finding.text)
        with suppress(OrchestratorError):  # the agent's own next word to the journal says it
            await host.note("attempt.nudged", {"cause": finding.cause, "text": redact(finding.text), "heard": heard})


async def _nudged(agent: Agent, text: str) -> bool:
    try:
        async with asyncio.timeout(NUDGE_S):
            return await agent.nudge(text)
    except Exception:  # noqa: BLE001 - an agent's defect means that it has not heard, and nothing else
        traceback.print_exc()
        return False


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
