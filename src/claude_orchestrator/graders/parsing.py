"""Python source as syntax trees, each content parsed once."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
import warnings
from collections.abc import Mapping


@functools.lru_cache(maxsize=4096)
def parsed(content: bytes) -> ast.Module | None:
    """The syntax tree of a file, or None when it does not parse. It is shared: do not change it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def imported_names(tree: ast.Module | None) -> dict[str, str]:
    """What the names stand for that a file imports, with their dots (``import html as h``: h → html)."""
    found: dict[str, str] = {}
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Import):
            for one in node.names:
                name = one.name if one.asname else one.name.partition(".")[0]
                found[one.asname or name] = name
        elif isinstance(node, ast.ImportFrom) and not node.level:
            found.update((one.asname or one.name, f"{node.module}.{one.name}") for one in node.names)
    return found


def full_name(node: ast.AST, imported: Mapping[str, str]) -> str:
    """The dotted name of what an expression refers to, by what its file imports; empty for all that is not imported."""
    if isinstance(node, ast.Attribute):
        start = full_name(node.value, imported)
        return f"{start}.{node.attr}" if start else ""
    return imported.get(node.id, "") if isinstance(node, ast.Name) else ""


def has_plain_places(content: bytes) -> bool:
    """Whether the lines and columns of a syntax tree lead to the bytes of its file."""
    if content.startswith(b"\xef\xbb\xbf") or b"\r" in content.replace(b"\r\n", b""):
        return False
    try:
        content.decode()
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0] == "utf-8"
    except (SyntaxError, ValueError):
        return False
