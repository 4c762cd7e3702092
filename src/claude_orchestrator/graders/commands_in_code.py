"""Commands that new code has run, judged as if an agent ran them: what is never allowed is not let in either."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.parsing import parsed

_STARTERS: Final = frozenset(
    {
        "system", "popen", "run", "call", "check_call", "check_output", "Popen", "getoutput", "getstatusoutput",
        "create_subprocess_shell", "create_subprocess_exec",
    }
)  # fmt: skip
_FOREIGN: Final = frozenset({"B5", "B6", "B7"})
"""Rules of the operation policy: code from the network is run, a secret is sent away, a program is opened to it."""


def command_findings(path: str, before: bytes | None, after: bytes) -> list[Finding]:
    """The commands in ``after``, written out and not in ``before``, that the operation policy blocks for everybody."""
    if not path.endswith(".py"):
        return []
    known = {words for _, words in _commands(before or b"")}
    found = []
    for line, words in _commands(after):
        if words not in known and (verdict := _blocked(words)) is not None:
            rule, reason = verdict
            severity: Severity = "problem" if rule in _FOREIGN else "review"
            found.append(Finding("scope/command", path, line, f"has a command run that {reason}", severity))
    return found


def _commands(content: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    """The commands of a file with their lines; one word is a line for a shell."""
    tree = parsed(content) if any(name.encode() in content for name in _STARTERS) else None
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and node.args:
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            parts = first.elts if isinstance(first, ast.List | ast.Tuple) else [first]
            parts = node.args if name == "create_subprocess_exec" else parts
            words = [one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if name in _STARTERS and words and len(words) == len(parts):
                yield node.lineno, tuple(words)


def _blocked(words: tuple[str, ...]) -> tuple[str, str] | None:
    """The rule by which a command is blocked, and what it does; None for all that a human may allow."""
    from claude_orchestrator.safety.classifier import classify
    from claude_orchestrator.safety.operations import Decision, Operation
    from claude_orchestrator.safety.policy import Policy

    root = "/project"
    argv = words if len(words) > 1 else ()
    verdict = classify(Operation("run", root, " ".join(words), argv, workspace=root), Policy())
    if verdict.decision is not Decision.BLOCKED:
        return None
    return verdict.rule, verdict.reason.partition(": ")[2]
