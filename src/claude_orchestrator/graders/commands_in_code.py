"""Commands that new code has run, judged as if an agent ran them: what is never allowed is not let in either."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.parsing import full_name, imported_names, parsed

Words = tuple[str, ...]
"""A command word by word; one word is a line for a shell."""

_STARTERS: Final = frozenset(
    {
        "os.system", "os.popen", "asyncio.create_subprocess_shell", "asyncio.create_subprocess_exec",
        *(f"subprocess.{name}" for name in ("run", "call", "check_call", "check_output", "Popen", "getoutput")),
        "subprocess.getstatusoutput",
    }
)  # fmt: skip
_HINTS: Final = (b"subprocess", b"system", b"popen")
_FOREIGN: Final = frozenset({"B5", "B6", "B7"})
"""Rules of the operation policy: code from the network is run, a secret is sent away, a program is opened to it."""


def command_findings(path: str, known: Collection[Words], content: bytes) -> list[Finding]:
    """The commands in a file that are not ``known``, and that the operation policy blocks for everybody."""
    found = []
    for line, words in commands_in(path, content):
        if words not in known and (verdict := _blocked(words)) is not None:
            rule, reason = verdict
            severity: Severity = "problem" if rule in _FOREIGN else "review"
            found.append(Finding("scope/command", path, line, f"has a command run that {reason}", severity))
    return found


def commands_in(path: str, content: bytes) -> Iterator[tuple[int, Words]]:
    """The commands that a file of Python starts, as far as they are written out, with their lines."""
    has_any = path.endswith(".py") and any(hint in content for hint in _HINTS)
    tree = parsed(content) if has_any else None
    imported = imported_names(tree)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Call) and node.args and (name := full_name(node.func, imported)) in _STARTERS:
            first = node.args[0]
            parts = first.elts if isinstance(first, ast.List | ast.Tuple) else [first]
            parts = node.args if name.endswith("_exec") else parts
            words = [one.value for one in parts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
            if words and len(words) == len(parts):
                yield node.lineno, tuple(words)


def _blocked(words: Words) -> tuple[str, str] | None:
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
