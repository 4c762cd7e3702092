"""The names that a module has, read from its source: certain ones, or the admission that nobody can tell."""

from __future__ import annotations

import ast
import functools
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from claude_orchestrator.graders.parsing import parsed

_SCOPES: Final = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
_OWN_NAMESPACE: Final = frozenset({"globals", "vars", "locals", "exec", "eval", "execfile"})
_TOLD_THEIR_NAME: Final = frozenset(
    {
        "getLogger", "get_logger", "getChild", "Logger", "Flask", "Blueprint", "files", "path", "as_file", "get_data",
        "resource_filename", "resource_string", "resource_stream", "open_text", "open_binary", "read_text",
        "read_binary", "version", "metadata", "distribution", "PackageLoader", "split", "rsplit", "startswith",
        "endswith", "replace", "partition", "rpartition", "print", "str", "Celery", "import_module", "find_spec",
        "run_module", "format", "warn", "main", "ModuleType", "run", "Path",
    }
)  # fmt: skip
"""Functions that are handed ``__name__`` and leave the module's names alone."""


@dataclass(frozen=True)
class Star:
    """``from module import *``, with the number of leading dots."""

    module: str
    level: int


@dataclass(frozen=True)
class Summary:
    """What a module binds at its top level.

    ``names`` maps each name to the nodes that bind it. ``is_dynamic``: there may be others that its source does not
    show. ``changes_path``: its submodules may lie elsewhere.
    """

    names: dict[str, tuple[ast.AST, ...]] = field(default_factory=dict)
    stars: tuple[Star, ...] = ()
    is_dynamic: bool = False
    changes_path: bool = False


@functools.lru_cache(maxsize=4096)
def summary(content: bytes) -> Summary | None:
    """The summary of a module's source, or None when it does not parse. It is shared: do not change it."""
    tree = parsed(content)
    if tree is None:
        return None
    names: dict[str, list[ast.AST]] = {}
    stars = []
    for node in top_level(tree):
        for name in bound_names(node):
            names.setdefault(name, []).append(node)
        if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
            stars.append(Star(node.module or "", node.level))
    for node in every_node(tree):
        if isinstance(node, ast.Global):
            for name in node.names:
                names.setdefault(name, []).append(node)
    is_dynamic = (
        "__getattr__" in names or b"globals()" in content or any(_is_dynamic(node) for node in every_node(tree))
    )
    return Summary(
        {name: tuple(nodes) for name, nodes in names.items()}, tuple(stars), is_dynamic, b"__path__" in content
    )


@functools.lru_cache(maxsize=256)
def every_node(tree: ast.Module) -> tuple[ast.AST, ...]:
    """All nodes of a file, as :func:`ast.walk` gives them, walked once."""
    return tuple(ast.walk(tree))


def top_level(tree: ast.Module) -> Iterator[ast.AST]:
    """Every node that is executed when the module is imported, without what lies in functions and classes."""
    todo: list[ast.AST] = list(tree.body)
    while todo:
        node = todo.pop()
        yield node
        if isinstance(node, _SCOPES):
            todo.extend(getattr(node, "decorator_list", []))
        else:
            todo.extend(ast.iter_child_nodes(node))


def bound_names(node: ast.AST) -> Iterator[str]:
    """The names that one node binds in the scope that it stands in."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Name(id=name, ctx=ast.Store()):
            yield name
        case ast.Import(names=aliases):
            yield from (alias.asname or alias.name.partition(".")[0] for alias in aliases)
        case ast.ImportFrom(names=aliases):
            yield from (alias.asname or alias.name for alias in aliases if alias.name != "*")
        case ast.ExceptHandler(name=str(name)):
            yield name
        case ast.MatchAs(name=str(name)) | ast.MatchStar(name=str(name)) | ast.MatchMapping(rest=str(name)):
            yield name
        case _ if type(node).__name__ == "TypeAlias":
            yield node.name.id  # type: ignore[attr-defined]  # Python 3.12


def _is_dynamic(node: ast.AST) -> bool:
    """Whether a node may give the module names that do not stand there."""
    match node:
        case ast.Attribute(value=ast.Name(id="sys"), attr="modules"):
            return True
        case ast.Call(func=ast.Name(id=name)) if name in _OWN_NAMESPACE:
            return True
        case ast.Call(func=called) if any(
            isinstance(part, ast.Name) and part.id == "__name__" for part in _arguments(node)
        ):
            return last_name(called) not in _TOLD_THEIR_NAME
    return False


def _arguments(call: ast.Call) -> list[ast.expr]:
    return [*call.args, *(keyword.value for keyword in call.keywords)]


def last_name(node: ast.AST) -> str:
    """The last part of a dotted name, or nothing."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def dotted_name(node: ast.AST) -> str:
    """``a.b.c`` for an expression that is just that, else nothing."""
    match node:
        case ast.Name(id=name):
            return name
        case ast.Attribute(value=value, attr=attr):
            return f"{inner}.{attr}" if (inner := dotted_name(value)) else ""
    return ""
