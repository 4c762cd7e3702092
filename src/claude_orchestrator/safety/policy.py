"""What is allowed: a preset, loosened or tightened by the user's rules, tightened by the project's.

The rules' ids and what each means are those of ``docs/reference/policy.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from claude_orchestrator.safety.operations import Decision


@dataclass(frozen=True)
class Policy:
    """What verdicts depend on beside the operation. Made by :func:`load_policy`, never changed."""

    preset: str = "standard"
    decisions: Mapping[str, Decision] = field(default_factory=dict)
    """Rule id → decision, where a layer has another than the letter of the id says."""
    protected_branches: tuple[str, ...] = ("main", "master", "release/*")
    secret_paths: tuple[str, ...] = ()
    """Globs of secret files in addition to the built-in ones."""
    protected_paths: tuple[str, ...] = ()
    """Globs below the workspace that only a human may have written, in addition to the built-in ones."""
    home: str = "/home/dev"
    root: bool = False
    """Whether commands run as root."""
    live: bool = False
    """Whether the file system may be looked at, only ever to become stricter (symbolic links)."""
    tracked: Callable[[str], bool] | None = None
    """Whether git can bring an absolute path back; only the ``worktree`` preset asks."""
