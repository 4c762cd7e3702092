"""How a session of Claude Code is started: its options, its environment, and the program itself."""

from __future__ import annotations

import json
import os
import shutil
from collections import deque
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from claude_orchestrator.agents import performing
from claude_orchestrator.agents.base import Assignment
from claude_orchestrator.agents.claude.tools import TOOLS
from claude_orchestrator.errors import AgentError
from claude_orchestrator.models.accounts import CLAUDE
from claude_orchestrator.workspace.process_table import MARKER
from claude_orchestrator.workspace.tether import Tether

if TYPE_CHECKING:
    from claude_agent_sdk import ClaudeAgentOptions

    from claude_orchestrator.agents.claude.gatekeeper import Gatekeeper

PROGRAM: Final = "CLAUDE_ORCHESTRATOR_CLAUDE"
"""Environment variable: another program than the one that the SDK carries."""

INSTALL: Final = "pip install 'claude-orchestrator[claude]'"
MAX_TURNS: Final = 200
"""How often the model may be asked where the task does not say."""

BUFFER_BYTES: Final = 64 * 1024 * 1024
"""How long a message of the client may be; the SDK's own limit of 1 MiB is less than a file that an agent writes."""

SHARE: Final = 0.8
"""The part of what a launch may spend that the client is told. It stops after the call that reaches its limit, so the
rest is for that call."""

RULES: Final = (
    "Work only in the current folder. Do not commit: what you leave in the folder is taken as it is.\n"
    "When a tool is refused, do it another way, or say why the task cannot be done without it."
    " Keep what commands print short: what is cut from it cannot be looked up."
)
"""What the client's own system prompt ends with."""

_BY_DESCRIPTOR: Final = {
    "ANTHROPIC_API_KEY": "CLAUDE_CODE_API_KEY_FILE_DESCRIPTOR",
    "CLAUDE_CODE_OAUTH_TOKEN": "CLAUDE_CODE_OAUTH_TOKEN_FILE_DESCRIPTOR",  # nosec B105 - names
}
"""Keys that the client takes from a descriptor: so they are in no environment that its commands could look into."""
_NOT_FOR_COMMANDS: Final = (
    *_BY_DESCRIPTOR, *_BY_DESCRIPTOR.values(), "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_MESSAGING_TOKEN",
    "CLAUDE_CODE_MESSAGING_SOCKET",
)  # fmt: skip
_SETTINGS: Final = {
    "CLAUDE_CODE_DISABLE_BACKGROUND_TASKS": "1",  # a command ends with its call
    "CLAUDE_BASH_MAINTAIN_PROJECT_WORKING_DIR": "1",  # every command starts where it was judged
    "DISABLE_AUTOUPDATER": "1",
}
_UNLESS_CHOSEN: Final = {
    "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
    "CLAUDE_CODE_MAX_RETRIES": "4",  # then it is our turn: we wait for the provider in all windows at once
}


def program() -> Path:
    """The client: the one that the user names, else the SDK's own, else the one that is installed.

    Raises AgentError when there is none.
    """
    if named := os.environ.get(PROGRAM):
        if found := shutil.which(named):
            return Path(found).resolve()
        raise AgentError(f"{PROGRAM} names '{named}', which is no program: correct it, or unset it")
    import claude_agent_sdk

    bundled = Path(claude_agent_sdk.__file__).with_name("_bundled") / "claude"
    if os.access(bundled, os.X_OK):
        return bundled
    if found := shutil.which("claude"):
        return Path(found)
    raise AgentError(f"there is no Claude Code on this machine: install it, or name it in {PROGRAM}")


def tether(assignment: Assignment) -> Tether:
    """The client's stand-in, which keeps its process tree together and its keys to itself."""
    passed = {*performing.environment(), *CLAUDE, MARKER}
    dropped = [name for name in os.environ if name not in passed]
    return Tether(program(), assignment.folder, handed_over=_BY_DESCRIPTOR, dropped=dropped)


def options(
    assignment: Assignment, gatekeeper: Gatekeeper, stand_in: Tether, stderr: deque[str], **session: str
) -> ClaudeAgentOptions:
    """The options of a launch. ``session`` is the ``session_id`` of a new session, or the one to ``resume``.

    Nothing of the user's or the project's settings is loaded: what the session may do is decided by the gatekeeper
    alone. ``stderr`` gets the client's complaints.
    """
    from claude_agent_sdk import ClaudeAgentOptions

    return ClaudeAgentOptions(
        **session,  # type: ignore[arg-type]  # both are texts
        cli_path=stand_in.path,
        cwd=assignment.worktree,
        env=_environment(assignment, stand_in.environment),
        model=assignment.model or None,
        system_prompt={"type": "preset", "preset": "claude_code", "append": RULES},
        setting_sources=[],
        settings=json.dumps({"permissions": {"ask": list(TOOLS)}}),
        strict_mcp_config=True,
        tools=list(TOOLS),
        permission_mode="default",
        can_use_tool=gatekeeper.permit,
        hooks=gatekeeper.hooks(),
        max_turns=int(assignment.options.get("max_turns") or MAX_TURNS),
        max_budget_usd=None if assignment.allowance_usd is None else SHARE * assignment.allowance_usd,
        max_buffer_size=BUFFER_BYTES,
        include_partial_messages=True,
        verbatim_prompts=True,
        stderr=stderr.append,
    )


def _environment(assignment: Assignment, marked: Mapping[str, str]) -> dict[str, str]:
    """What the client's environment has besides the runner's."""
    scratch = assignment.folder / "tmp"
    scratch.mkdir(exist_ok=True)
    before_commands = assignment.folder / "before-commands.sh"
    before_commands.write_text(f"unset {' '.join(_NOT_FOR_COMMANDS)}\n", encoding="utf-8")
    chosen = {name: os.environ.get(name, value) for name, value in _UNLESS_CHOSEN.items()}
    places = {"CLAUDE_CODE_TMPDIR": str(scratch), "CLAUDE_ENV_FILE": str(before_commands)}
    path = {"PATH": performing.environment()["PATH"]}
    # Commands are judged as bash reads them, whatever shell the user prefers.
    shell = {"CLAUDE_CODE_SHELL": bash} if (bash := shutil.which("bash")) else {}
    return {**path, **shell, **_SETTINGS, **chosen, **places, **marked}
