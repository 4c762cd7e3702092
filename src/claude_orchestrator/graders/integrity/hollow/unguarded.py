"""Safeguards that a change takes out of a function and puts nowhere else."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Mapping
from typing import Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.hollow.definitions import FunctionNode, by_place
from claude_orchestrator.graders.parsing import full_name, imported_names, parsed

_EQUAL: Final = "compares secrets in a time that tells nothing of them"
_COMMANDS: Final = "keeps a text from being read as commands"
_HTML: Final = "keeps a text from being read as HTML"
_UNGUESSED: Final = "makes what cannot be guessed"
_INSIDE: Final = "keeps a path inside its folder"
_GUARDS: Final[Mapping[str, str]] = {
    "hmac.compare_digest": _EQUAL, "secrets.compare_digest": _EQUAL,
    "shlex.quote": _COMMANDS, "shlex.join": _COMMANDS,
    "html.escape": _HTML, "markupsafe.escape": _HTML,
    "secrets.token_bytes": _UNGUESSED, "secrets.token_hex": _UNGUESSED, "secrets.token_urlsafe": _UNGUESSED,
    "secrets.choice": _UNGUESSED, "secrets.randbits": _UNGUESSED, "secrets.SystemRandom": _UNGUESSED,
    "random.SystemRandom": _UNGUESSED, "os.urandom": _UNGUESSED,
    "werkzeug.utils.safe_join": _INSIDE, "werkzeug.utils.secure_filename": _INSIDE,
}  # fmt: skip
"""What is there for security → what for (the manuals of these modules)."""
_NAMES: Final = tuple({name.rpartition(".")[2].encode() for name in _GUARDS})

_Guards = Counter[str]
"""How often something is referred to that is there for one purpose."""


def unguarded_findings(
    base: Mapping[str, bytes], head: Mapping[str, bytes], old_names: Mapping[str, str]
) -> list[Finding]:
    """The functions of ``head`` that lost a safeguard, where the changed files have fewer for the same purpose."""
    if not any(name in content for content in base.values() for name in _NAMES):
        return []
    fewer = sum(map(_guards_of, base.values()), _Guards()) - sum(map(_guards_of, head.values()), _Guards())
    found = []
    for path, content in sorted(head.items()) if fewer else ():
        before = _by_function(base.get(old_names.get(path, path), b""))
        for name, (node, guards) in _by_function(content).items():
            if name not in before:
                continue
            old, lost = before[name][0], (before[name][1] - guards) & fewer
            if _starts_a_shell(old) and not _starts_a_shell(node):
                lost.pop(_COMMANDS, None)  # nothing reads commands there any more
            for purpose in sorted(lost):
                message = f"`{name}` does without what {purpose}, and nothing has it instead"
                found.append(Finding("special-case/unguarded", path, node.lineno, message, "review", symbol=name))
    return found


def _by_function(content: bytes) -> dict[str, tuple[FunctionNode, _Guards]]:
    """The functions of a file, each with its safeguards."""
    imported = imported_names(parsed(content))
    return {name: (node, _in_code(node, imported)) for name, node in by_place(content)}


def _guards_of(content: bytes) -> _Guards:
    tree = parsed(content) if any(name in content for name in _NAMES) else None
    return _in_code(tree, imported_names(tree)) if tree else _Guards()


def _in_code(code: ast.AST, imported: Mapping[str, str]) -> _Guards:
    names = (full_name(one, imported) for one in ast.walk(code) if isinstance(one, ast.Name | ast.Attribute))
    return Counter(_GUARDS[name] for name in names if name in _GUARDS)


def _starts_a_shell(code: ast.AST) -> bool:
    return any(isinstance(one, ast.keyword) and one.arg == "shell" for one in ast.walk(code))
