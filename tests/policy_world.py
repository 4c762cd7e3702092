"""The user's layer of the policy in tests: what odd commands of scripts need, so that nobody is asked."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path

ODD: tuple[str, ...] = ("A1", "A5", "A6", "A7", "A8", "A9")
"""Rules of what tests let scripts do: programs of any kind, deletions, signals to themselves, a look around."""

COMMANDS: tuple[tuple[str, ...], ...] = (("sleep", "*"), ("no-such-program",))
"""Commands that no table knows, or that take longer than anybody waits."""


def write_policy(
    path: Path, *, safe: Sequence[str] = ODD, commands: Sequence[Sequence[str]] = COMMANDS, more: str = ""
) -> Path:
    """A policy file in which these rules and commands need nobody; ``more`` is TOML that comes first."""
    decisions = [f'{rule} = "safe"' for rule in safe]
    rules = [f'[[rule]]\ndecision = "allow"\nargv = {json.dumps(list(argv))}' for argv in commands]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([more, "[decisions]", *decisions, *rules, ""]), encoding="utf-8")
    return path


def allow_odd_commands() -> Path:
    """The policy file of this test, as every process of it reads it, allows what tests do in scripts."""
    return write_policy(Path(os.environ["CLAUDE_ORCHESTRATOR_POLICY"]))
