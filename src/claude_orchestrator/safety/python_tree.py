"""The tree of a Python program and its nodes, quicker than :func:`ast.walk` gives them."""

from __future__ import annotations

import ast
import re
from typing import Final

# Fields that never hold a node of interest: texts, numbers, operators, contexts.
_LEAVES: Final = frozenset("ctx op ops id attr arg module level kind type_comment conversion is_async simple".split())
# What Python's own reader may warn about: unknown escapes, numbers that run into words, leaving `finally`.
_DOUBTFUL: Final = re.compile(r"\\|[0-9][A-Za-z_]|finally").search
_CHILDREN: Final[dict[type, tuple[str, ...]]] = {ast.Constant: (), ast.Name: (), ast.alias: ()}


def parse(code: str) -> ast.Module:
    """The tree of a program; nothing is said about what looks doubtful in it. Raises SyntaxError and ValueError."""
    if not _DOUBTFUL(code):
        return ast.parse(code)
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(code)


def nodes(tree: ast.AST) -> list[ast.AST]:
    """A node and everything below it in the order of :func:`ast.walk`, without operators and contexts."""
    found = [tree]
    add = found.append
    for node in found:
        kind = node.__class__
        fields = _CHILDREN.get(kind)
        if fields is None:
            fields = _CHILDREN[kind] = tuple(field for field in kind._fields if field not in _LEAVES)
        for field in fields:
            value = getattr(node, field, None)
            if value.__class__ is list:
                for item in value:
                    if isinstance(item, ast.AST):
                        add(item)
            elif isinstance(value, ast.AST):
                add(value)
    return found
