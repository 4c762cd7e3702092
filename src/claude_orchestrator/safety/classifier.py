"""The stand-in for the classifier: where an operation takes place decides, and nothing else.

Outside the attempt's worktree, or inside a ``.git``, is BLOCKED; everything else is SAFE. What a command
does once it runs is not looked at yet.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from claude_orchestrator.safety.operations import Decision, Operation, Verdict


@dataclass(frozen=True)
class Policy:
    """What verdicts depend on: the one folder that the attempt may work in."""

    worktree: Path


def classify(operation: Operation, policy: Policy) -> Verdict:
    """Judge one operation by the place it touches. Never raises: what cannot be judged is BLOCKED."""
    if operation.kind == "report":
        return Verdict(Decision.SAFE, "a report touches nothing", "report")
    root = policy.worktree.resolve()
    try:
        place = operation.place()
    except (OSError, RuntimeError, ValueError) as error:
        return Verdict(Decision.BLOCKED, f"'{operation.target}' is no usable path: {error}", "no-path")
    if not place.is_relative_to(root) or (place == root and operation.kind != "run"):
        return Verdict(Decision.BLOCKED, f"'{operation.target}' is outside the worktree", "outside-worktree")
    if any(part.casefold() == ".git" for part in place.relative_to(root).parts):
        return Verdict(Decision.BLOCKED, f"'{operation.target}' is inside git's own files", "git-internals")
    return Verdict(Decision.SAFE, "inside the worktree", "worktree")
