"""One Python file as the rules about the harness see it: resolved names, folded strings, enclosing symbols."""

from __future__ import annotations

import ast
import base64
import binascii
import builtins
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final, Literal

from claude_orchestrator.graders.base import Severity
from claude_orchestrator.graders.integrity.marks import Mark, Symbols
from claude_orchestrator.graders.parsing import imported_names

Role = Literal["source", "test", "script"]
"""What a file is for. Scripts build, document, measure or release the project; neither users nor tests run them."""

_SHOWN: Final = 80


@dataclass(frozen=True)
class Act(Mark):
    """Something that code does to whoever judges it; ``habit`` is a word of other code that does it, too."""

    severity: Severity = "review"
    message: str = ""
    habit: str = ""


class SourceFile:
    """A parsed file with its role, and the paths of the tree that it lies in."""

    def __init__(self, path: str, content: bytes, tree: ast.Module, role: Role) -> None:
        self.path = path
        self.tree = tree
        self.role = role
        self._lines = content.decode(errors="replace").splitlines()

    @cached_property
    def names(self) -> dict[str, str]:
        """What imported names stand for, dotted."""
        return imported_names(self.tree)

    @cached_property
    def imports(self) -> list[ast.Import | ast.ImportFrom]:
        """All import statements."""
        return [node for node in ast.walk(self.tree) if isinstance(node, ast.Import | ast.ImportFrom)]

    @cached_property
    def constants(self) -> dict[str, str]:
        """The names that the module binds to a string, once."""
        found: dict[str, str] = {}
        bound = [node for node in self.tree.body if isinstance(node, ast.Assign) and len(node.targets) == 1]
        for node in bound:
            text = folded(node.value, found)
            if isinstance(node.targets[0], ast.Name) and text is not None:
                found[node.targets[0].id] = text
        return found

    def text_of(self, node: ast.AST | None) -> str | None:
        """The string that an expression of this file always is."""
        return folded(node, self.constants)

    @cached_property
    def _symbols(self) -> Symbols:
        return Symbols(self.tree)

    def dotted(self, node: ast.AST) -> str:
        """The dotted name that an expression is, by the imports or as a builtin; empty when it is none."""
        if isinstance(node, ast.Name):
            return self.names.get(node.id) or (
                node.id if hasattr(builtins, node.id) or node.id == "__builtins__" else ""
            )
        if isinstance(node, ast.Attribute):
            owner = self.dotted(node.value)
            return f"{owner}.{node.attr}" if owner else ""
        if isinstance(node, ast.Call) and self.dotted(node.func) in ("__import__", "importlib.import_module"):
            return (self.text_of(node.args[0]) or "") if node.args else ""
        if isinstance(node, ast.Call) and self.dotted(node.func) == "getattr" and len(node.args) > 1:
            owner, name = self.dotted(node.args[0]), self.text_of(node.args[1])
            return f"{owner}.{name}" if owner and name else ""
        return ""

    def act(self, kind: str, node: ast.AST, severity: Severity, message: str, habit: str = "") -> Act:
        """One finding at a node of this file."""
        line: int = getattr(node, "lineno", 0)
        text = ast.unparse(node)
        code = "".join(self._lines[line - 1].split()) if 0 < line <= len(self._lines) else ""
        return Act(kind, text, self.path, line, self._symbols.at(line), code, severity, message, habit)


def shown(node: ast.AST) -> str:
    """The source of a node for a message, on one line."""
    text = " ".join(ast.unparse(node).split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def folded(node: ast.AST | None, known: Mapping[str, str] | None = None) -> str | None:
    """The string that an expression always is: literals, also put together, reversed or encoded.

    ``known`` are the strings that names stand for.
    """
    if isinstance(node, ast.Constant):
        return node.value if isinstance(node.value, str) else None
    if isinstance(node, ast.Name):
        return (known or {}).get(node.id)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        return _joined("", [folded(node.left, known), folded(node.right, known)])
    if isinstance(node, ast.JoinedStr):
        parts = (part.value if isinstance(part, ast.FormattedValue) else part for part in node.values)
        return _joined("", [folded(part, known) for part in parts])
    if isinstance(node, ast.Subscript) and ast.unparse(node.slice) == "::-1":
        text = folded(node.value, known)
        return text[::-1] if text is not None else None
    return _called(node, known) if isinstance(node, ast.Call) else None


def _joined(glue: str, parts: list[str | None]) -> str | None:
    return None if None in parts else glue.join(part for part in parts if part is not None)


def _called(node: ast.Call, known: Mapping[str, str] | None) -> str | None:
    if isinstance(node.func, ast.Attribute) and node.func.attr == "join" and len(node.args) == 1:
        glue, parts = folded(node.func.value, known), node.args[0]
        if glue is None or not isinstance(parts, ast.List | ast.Tuple):
            return None
        return _joined(glue, [folded(part, known) for part in parts.elts])
    if isinstance(node.func, ast.Attribute) and node.func.attr == "decode" and isinstance(node.func.value, ast.Call):
        return _decoded(node.func.value)
    return None


def _decoded(node: ast.Call) -> str | None:
    name = ast.unparse(node.func).rsplit(".", 1)[-1]
    value = node.args[0].value if node.args and isinstance(node.args[0], ast.Constant) else None
    try:
        if name == "b64decode" and isinstance(value, str | bytes):
            return base64.b64decode(value).decode()
        if name in ("fromhex", "unhexlify") and isinstance(value, str):
            return bytes.fromhex(value).decode()
    except (ValueError, binascii.Error):
        return None
    return None
