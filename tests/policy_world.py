"""The user's layer of the policy in tests: what odd commands of scripts need, so that nobody is asked."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

ODD: tuple[str, ...] = ("A1", "A6", "A7", "A8", "A9")
"""Rules of what tests let scripts do: programs of any kind, deletions, signals to themselves."""


def write_policy(path: Path, *, safe: Sequence[str] = ODD, more: str = "") -> Path:
    """A policy file in which these rules need nobody; ``more`` is TOML that comes first."""
    lines = [f'{rule} = "safe"' for rule in safe]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([more, "[decisions]", *lines, ""]), encoding="utf-8")
    return path


def allow_odd_commands() -> Path:
    """The policy file of this test, as every process of it reads it, allows what tests do in scripts."""
    return write_policy(Path(os.environ["CLAUDE_ORCHESTRATOR_POLICY"]))
