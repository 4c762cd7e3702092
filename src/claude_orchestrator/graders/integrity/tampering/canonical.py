"""Python code as a row of tokens that do not change with layout, comments, annotations and names of local variables."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

Tokens = tuple[str, ...]
"""Names are written ``n:``, attributes and keywords ``a:``, constants ``c:``; the rest is structure."""
Function = ast.FunctionDef | ast.AsyncFunctionDef

OPAQUE: Final = "_"
_SKIPPED: Final = frozenset({"annotation", "returns", "type_comment", "ctx", "kind", "type_params", "lineno"})
BUILTINS: Final = frozenset(dir(builtins))


def tokens_of(node: ast.AST, known: Mapping[str, Tokens] | None = None) -> Tokens:
    """The tokens of some code; names in ``known`` are replaced by what they stand for."""
    return _written([node], known or {})


def _written(nodes: Sequence[ast.AST], known: Mapping[str, Tokens]) -> Tokens:
    parts: list[str] = []
    try:
        for node in nodes:
            _write(node, parts, known)
    except RecursionError:
        # What is nested so deeply is compared by what is in it.
        return tuple(_flat(one) for node in nodes for one in ast.walk(node))
    return tuple(parts)


def _flat(node: ast.AST) -> str:
    if isinstance(node, ast.Name):
        return f"n:{node.id}"
    if isinstance(node, ast.Attribute):
        return f"a:{node.attr}"
    return f"c:{node.value!r}" if isinstance(node, ast.Constant) else type(node).__name__


def _write(node: ast.AST, parts: list[str], known: Mapping[str, Tokens]) -> None:
    node = _plainly(node)
    if isinstance(node, ast.Name):
        parts.extend(known.get(node.id, (f"n:{node.id}",)))
        return
    if isinstance(node, ast.Constant):
        parts.append(f"c:{node.value!r}")
        return
    parts.append(f"({type(node).__name__}")
    for name, value in ast.iter_fields(node):
        if name in _SKIPPED:
            continue
        items = value if isinstance(value, list) else [value]
        if name == "body" and isinstance(node, Function | ast.ClassDef):
            items = without_docstring(items)
        is_name = name in ("name", "rest") or isinstance(node, ast.arg)
        for item in items:
            if isinstance(item, ast.AST):
                _write(item, parts, known)
            elif item is not None:
                parts.extend(_word(item, known, is_name=is_name))
        if isinstance(value, list):
            parts.append(";")
    parts.append(")")


def _plainly(node: ast.AST) -> ast.AST:
    """The same in the plainest way to write it."""
    if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call) and not (node.exc.args or node.exc.keywords):
        return ast.Raise(node.exc.func, node.cause)
    if isinstance(node, ast.AnnAssign) and node.value is not None:
        return ast.Assign([node.target], node.value)
    return _plainly(node.value) if isinstance(node, ast.Await) else node


def _word(item: object, known: Mapping[str, Tokens], *, is_name: bool) -> Tokens:
    if not isinstance(item, str):
        return (str(item),)
    return known.get(item, (f"n:{item}",)) if is_name else (f"a:{item}",)


def without_docstring(body: list[ast.stmt]) -> list[ast.stmt]:
    """A block without the strings that stand alone in it."""
    return [one for one in body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]


def statements_in(body: list[ast.stmt]) -> Iterator[ast.stmt]:
    """All statements of a block, also the nested ones; expressions are not looked into."""
    todo = list(reversed(body))
    while todo:
        node = todo.pop()
        yield node
        for name in ("finalbody", "orelse", "body"):
            todo.extend(reversed(getattr(node, name, ())))
        for part in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())):
            todo.extend(reversed(part.body))


def local_names(function: Function) -> list[str]:
    """The names that a function binds, without its arguments, in order of appearance."""
    found: dict[str, None] = {}
    for node in ast.walk(function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            found[node.id] = None
        elif isinstance(node, ast.ExceptHandler) and node.name:
            found[node.name] = None
    return list(found)


def signature_of(function: Function) -> Tokens:
    """A function without its own name and decorators, its local variables numbered."""
    known: dict[str, Tokens] = {name: (f"v{at}",) for at, name in enumerate(local_names(function))}
    return _written([function.args, *without_docstring(function.body)], known)


def names_in(tokens: Tokens) -> frozenset[str]:
    """The identifiers in some code, without the builtins."""
    found = {token[2:] for token in tokens if token.startswith(("n:", "a:"))}
    return frozenset(found - BUILTINS - {"self", "pytest"})


def renamed(tokens: Tokens, renames: Mapping[str, str]) -> Tokens:
    """The tokens with names and attributes by their new names."""
    if not renames:
        return tokens
    return tuple(
        f"{token[:2]}{renames.get(token[2:], token[2:])}" if token.startswith(("n:", "a:")) else token
        for token in tokens
    )


def dotted(node: ast.AST) -> str:
    """``a.b.c`` for a name or a chain of attributes, else what its last attribute says."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        start = dotted(node.value)
        return f"{start}.{node.attr}" if start else node.attr
    return dotted(node.func) if isinstance(node, ast.Call) else ""
