"""Coding agents that are started by one, and the inbox that only a human may answer (B9)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Program, custom
from claude_orchestrator.safety.values import show

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_BYPASSES = re.compile(
    r"--(?:allow-)?dangerously\S*|--yolo|--(?:permission-mode|approval-mode|ask-for-approval|sandbox)(?:=| )(?:bypassPermissions|yolo|never|danger-full-access)"
    r"|--yes-always|--allow-all-tools|--allow-all|--auto-approve\S*|--no-confirm|--bypass-\S+|-a(?:=| )?never|-s(?:=| )?danger-full-access|--full-access",
    re.IGNORECASE,
)
_SHORT = {"gemini": "-y", "qwen": "-y", "crush": "-y", "cursor-agent": "-f", "aider": "--yes", "copilot": "--allow-all"}
_INFO_FLAGS = frozenset(("--version", "-v", "-V", "--help", "-h"))


def _agent(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    if len(argv) == 2 and argv[1] in _INFO_FLAGS:
        walk.emit("S2", f"{argv[0]} informs")
        return None
    options = [a if a[:1] == "-" else " " + a for a in argv[1:]]
    text = "".join(option if option[0] == " " else " " + option for option in options)
    short = _SHORT.get(argv[0])
    if re.search(r"(?:^| )(?:" + _BYPASSES.pattern + ")(?= |$)", text, re.IGNORECASE) or (short and short in argv[1:]):
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
        words[0] in _ANSWERS or (words[0] in ("inbox", "gates") and any(word in _ANSWERS for word in words[1:]))
    ):
        walk.emit("B9", f"answers a request for approval, which only a human may: {show(' '.join(argv))}")
    walk.emit("A8", f"runs {show(' '.join(argv[:4]))}")
    return None


ROWS: dict[str, Program] = {
    **{
        name: custom(_agent)
        for name in "claude codex gemini aider cursor-agent opencode goose amp qwen copilot crush".split()
    },
    "claude-orchestrator": custom(_orchestrator),
}
