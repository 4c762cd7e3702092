"""The agent protocol: an assignment comes in, every operation is asked for, an outcome goes out."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, Protocol

from claude_orchestrator.errors import AgentError
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.models.usage import Usage
from claude_orchestrator.safety.operations import Operation, Verdict

Status = Literal["finished", "failed", "interrupted", "waiting", "timeout", "error"]
"""How a launch ended. ``waiting``: a human has to decide first, and a later launch goes on with the answer."""

AGENTS: Final = {
    "script": "claude_orchestrator.agents.script:ScriptAgent",
    "command": "claude_orchestrator.agents.command:CommandAgent",
    "claude": "claude_orchestrator.agents.claude.agent:ClaudeAgent",
    "acp": "claude_orchestrator.agents.acp.agent:AcpAgent",
    "model": "claude_orchestrator.agents.model.agent:ModelAgent",
}
"""Name → where the class is; it is imported when an assignment needs it."""


PROMPT: Final = "prompt.md"
"""The file with an attempt's prompt, in the attempt's folder."""


def marker_of(attempt: Path) -> str:
    """The marker of every process of the attempt with that folder.

    Another home has attempts of the same names, whose processes are none of our business.
    """
    place = attempt.resolve()
    return f"{place.name}.{hashlib.sha256(bytes(place)).hexdigest()[:16]}"


@dataclass(frozen=True)
class Assignment:
    """Everything that one launch of an agent needs; written to its folder before the runner starts."""

    attempt_id: str
    run_id: str
    task_id: str
    number: int
    """The try, from 1, as the agent sees it; a launch that goes on after a pause has the same number."""
    agent: str
    prompt: str
    worktree: Path
    folder: Path
    """The launch folder: for outputs and scratch files, never inside the worktree."""
    database: Path
    """Where the journal is."""
    options: dict[str, Any]
    """What the agent's kind needs: ``operations`` or ``attempts`` (script), ``command`` (command, acp), ``max_turns``
    (claude, model)."""
    timeout_s: float
    resume: dict[str, Any] | None = None
    """The token that an interrupted or waiting launch left, or None to start from the beginning."""
    launch: int = 1
    """The number of this launch of the attempt."""
    policy: dict[str, Any] = field(default_factory=dict)
    """What the user and the project allow, for :func:`~claude_orchestrator.agents.leave.policy_of`."""
    provider: str = ""
    """The account that pays for the attempt, chosen when it was claimed; empty for agents that call no model."""
    model: str = ""
    """The model, as the provider calls it; empty: the client's own choice."""
    allowance_usd: float | None = None
    """What this launch may still spend, in US dollars: it is reserved. None: no limit."""

    @property
    def marker(self) -> str:
        """The marker of every process of the attempt."""
        return marker_of(self.folder.parent)

    def to_json(self) -> str:
        """The assignment as a JSON document."""
        return json.dumps(asdict(self), default=str)

    @classmethod
    def from_json(cls, text: str) -> Assignment:
        """Read what :meth:`to_json` wrote. Raises AgentError for anything else."""
        try:
            values = json.loads(text)
            paths = {name: Path(values[name]) for name in ("worktree", "folder", "database")}
            return cls(**{**values, **paths})
        except (ValueError, TypeError, KeyError) as error:
            raise AgentError(f"the assignment is unreadable ({error}): start the attempt again") from error


@dataclass(frozen=True)
class Outcome:
    """How a launch ended. ``report`` is what the agent says of itself: only compared with facts, never believed."""

    status: Status
    detail: str = ""
    """One line, or the tail of an output, for people and for the next attempt's prompt."""
    report: str = ""
    resume: dict[str, Any] | None = None
    """With ``interrupted`` and ``waiting``: the token that lets a later launch go on; None when it must start over."""
    fault: Fault | None = None
    """With ``interrupted``, ``failed`` and ``error``: what came in the way that was not the work's fault."""

    def to_json(self) -> str:
        """The outcome as a JSON document."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Outcome:
        """Read what :meth:`to_json` wrote. Raises ValueError for anything else.

        A runner that began before an upgrade says nothing of faults.
        """
        values = json.loads(text)
        if not isinstance(values, dict) or {*values, "fault"} != {field.name for field in fields(cls)}:
            raise ValueError("no outcome")
        fault = values.get("fault")
        return cls(**{**values, "fault": fault and Fault(**fault)})


@dataclass(frozen=True)
class Result:
    """What an operation that was performed led to."""

    exit_code: int
    """A command's exit code (negative: a signal); 0 or 1 for an operation on files."""
    tail: str
    """The last 2 KB of the output, or why an operation on files was not possible."""
    duration_s: float
    digest: str = ""
    """SHA-256 of a command's whole output."""
    output: Path | None = None
    """The file with the output."""
    truncated: bool = False
    """Whether the file lacks some of the output."""


@dataclass(frozen=True)
class Answer:
    """What an agent is told when it has asked for an operation."""

    operation: Operation
    """What may be performed: what was asked for, or what a human has made of it."""
    verdict: Verdict
    """With the human's reason, where one has decided."""
    allowed: bool
    waiting: bool = False
    """A human has to decide first: end the launch as ``waiting`` with the token that was given."""
    gate: str = ""
    """The gate through which a human has decided, or is to."""

    @property
    def refusal(self) -> str:
        """Why it must not happen, for the agent."""
        return f"{self.verdict.reason} [{self.verdict.rule}]"


class Host(Protocol):
    """What an agent may ask of the process that it works in."""

    async def ask(self, operation: Operation, position: int, resume: Mapping[str, Any] | None = None) -> Answer:
        """Ask leave, before every operation; the question and the answer are in the journal on return.

        ``position`` is where the agent is: the same when a later launch comes by again, another for every other
        operation of the attempt. ``resume`` is the token with which a later launch would come back to this question:
        with one, an answer may be ``waiting``; without one, this waits for the human, however long that takes.
        """

    async def observe(self, operation: Operation) -> Answer:
        """Judge and journal what the agent does, or has done, without asking. Nobody is asked, so nobody waits."""

    async def record(self, answer: Answer, result: Result) -> str:
        """Journal what was performed; return the tree of the worktree as it is now."""

    async def tree(self) -> str:
        """The tree of the worktree (git's id for all that it holds and does not ignore) as it is now."""

    async def restore(self, tree: str) -> None:
        """Put the worktree back to a tree that it had before; ignored files stay as they are."""

    async def progress(self, text: str) -> None:
        """Journal a line about the work, for people who watch."""

    async def remember(self, token: Mapping[str, Any]) -> None:
        """Keep the token with which a later launch goes on if this one dies without an outcome (``kill -9``).

        The latest one counts. An agent that repeats or loses work when it goes on from it must not give one.
        """

    async def spend(self, usage: Usage, key: str) -> bool:
        """Record what was used; return whether the attempt may spend any more.

        ``key`` names the call (a message's id): a key of the attempt that was recorded before counts once.
        """


class Agent(Protocol):
    """One way to get an assignment done."""

    name: str
    resumable: bool
    """Whether a launch may leave a token that a later one can go on from."""

    async def work(self, assignment: Assignment, host: Host) -> Outcome:
        """Do the work in the assignment's worktree.

        An interruption is the cancellation of the task that runs this: stop within seconds, then either let
        CancelledError through or return an outcome ``interrupted`` with a resume token. An error of the
        OrchestratorError family says that the attempt cannot be made as it stands.
        """

    async def nudge(self, text: str) -> bool:
        """Tell the agent, amid its work, that it seems to be stuck; False when it cannot be told anything."""


def agent_named(name: str) -> Agent:
    """A new agent of that kind. Raises AgentError when there is none."""
    if name not in AGENTS:
        raise AgentError(f"there is no agent '{name}': use one of {', '.join(AGENTS)}")
    module, _, attribute = AGENTS[name].partition(":")
    agent: Agent = getattr(import_module(module), attribute)()
    return agent
