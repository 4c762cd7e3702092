"""Python source as syntax trees, each content parsed once."""

from __future__ import annotations

import ast
import functools
import warnings


@functools.lru_cache(maxsize=4096)
def parsed(content: bytes) -> ast.Module | None:
    """The syntax tree of a file, or None when it does not parse. It is shared: do not change it."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
