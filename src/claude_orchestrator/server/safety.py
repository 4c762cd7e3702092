"""``classify`` and ``policy_get``: what may happen, and who says so."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.server.calling import Call

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy import Policy

Kind = Literal[
    "shell", "git", "file_write", "file_edit", "file_delete", "file_move", "file_read", "mcp_tool", "agent_tool", "http"
]


async def classify(
    call: Call,
    operation: Annotated[str, Field(description="command line, path, URL, …")],
    kind: Kind = "shell",
    cwd: str = "",
) -> str:
    """Judge an operation from its text; nothing is run."""
    from claude_orchestrator.safety.rows import judge_row

    folder = call.folder(cwd)
    workspace = await _workspace(call, cwd)
    row = {"op": operation, "kind": kind, "cwd": str(folder), "workspace": str(workspace)}
    judged = judge_row(row, _policy(workspace))
    lines = [f"{judged['verdict']}: {judged['reason']}"]
    lines += [f"{effect['rule']} {' '.join(effect['what'].split())}" for effect in judged["effects"]]
    return "\n".join(lines)


async def policy_get(call: Call, cwd: str = "") -> str:
    """The policy that holds in a folder: every rule with its decision, and what the layers add."""
    from claude_orchestrator.safety.rulebook import RULEBOOK

    workspace = await _workspace(call, cwd)
    policy = _policy(workspace)
    lines = [f"preset {policy.preset} in {workspace}"]
    for decision in dict.fromkeys(policy.table.values()):
        rules = [f"{rule} {RULEBOOK[rule][0]}" for rule, each in policy.table.items() if each is decision]
        lines.append(f"{decision.lower()}: {'; '.join(rules)}")
    for title, items in (
        ("protected branches", policy.protected_branches),
        ("protected paths", policy.protected_paths),
        ("trusted servers", tuple(sorted(policy.trusted_servers))),
        ("rules", tuple(f"{rule.describe()} ({rule.source})" for rule in policy.rules)),
        ("ignored", policy.ignored),
    ):
        if items:
            lines.append(f"{title}: {', '.join(items)}")
    return "\n".join(lines)


async def _workspace(call: Call, cwd: str) -> Path:
    try:
        return await call.repository(cwd)
    except RepositoryError:
        return call.folder(cwd)


def _policy(workspace: Path) -> Policy:
    """The policy as before a real call: the user's layer and the project's, and a look at the file system."""
    from claude_orchestrator.safety.policy import load_policy
    from claude_orchestrator.safety.policy_file import PROJECT_FILE, read_layer, user_file

    return load_policy(
        user=read_layer(user_file()),
        project=read_layer(str(workspace / PROJECT_FILE)),
        home=os.environ.get("HOME") or "/home/dev",
        root=os.geteuid() == 0,
        live=True,
    )
