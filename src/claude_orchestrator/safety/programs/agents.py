"""Coding agents that are started by one, and the inbox that only a human may answer (B9)."""

from __future__ import annotations

import itertools
import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Program, custom
from claude_orchestrator.safety.values import show

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_BYPASSES = re.compile(
    r"--(?:allow-)?dangerously\S*|--yolo|--yes-always|--allow-all-tools|--allow-all|--auto-approve\S*|--no-confirm|--bypass-\S+|--full-access",
    re.IGNORECASE,
)
_MODES = re.compile(
    r"(?:--permission-mode|--approval-mode|--ask-for-approval|--sandbox|-a|-s)[= ]?(?:bypassPermissions|yolo|never|danger-full-access)",
    re.IGNORECASE,
)
_SHORT = {"gemini": "-y", "qwen": "-y", "crush": "-y", "cursor-agent": "-f", "aider": "--yes", "copilot": "--allow-all"}
_INFO_FLAGS = frozenset(("--version", "-v", "-V", "--help", "-h"))


def _agent(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", f"{argv[0]} informs")
        return None
    short = _SHORT.get(argv[0])
    pairs = [f"{first} {second}" for first, second in itertools.pairwise(argv)]
    if (
        any(_BYPASSES.fullmatch(argument) or _MODES.fullmatch(argument) for argument in argv[1:])
        or any(_MODES.fullmatch(pair) for pair in pairs)
        or (short and short in argv[1:])
    ):
        walk.emit("B9", f"starts an agent without its approvals: {show(' '.join(argv))}")
    walk.emit("A8", f"starts an agent: {show(' '.join(argv[:4]))}")
    return None


_ANSWERS = frozenset(("approve", "deny"))


def _orchestrator(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", f"{argv[0]} informs")
        return None
    words = [a for a in argv[1:] if a[:1] != "-"]
    if words and (
        words[0] in _ANSWERS or (words[0] in ("inbox", "gates", "plan") and any(word in _ANSWERS for word in words[1:]))
    ):
        walk.emit("B9", f"answers a request for approval, which only a human may: {show(' '.join(argv))}")
    if words[:1] == ["cost"] and "set-budget" in words:
        walk.emit("B9", f"changes what may be spent, which only a human may: {show(' '.join(argv))}")
    if words[:2] == ["token", "issue"]:
        walk.emit("B9", f"makes a token, which only a human may: {show(' '.join(argv))}")
    walk.emit("A8", f"runs {show(' '.join(argv[:4]))}")
    return None


ROWS: dict[str, Program] = {
    **{
        name: custom(_agent)
        for name in (
            "claude codex gemini aider cursor-agent opencode goose amp qwen copilot crush @anthropic-ai/claude-code @openai/codex"
            " @google/gemini-cli @qwen-code/qwen-code @sourcegraph/amp @github/copilot"
        ).split()
    },
    "claude-orchestrator": custom(_orchestrator),
}
