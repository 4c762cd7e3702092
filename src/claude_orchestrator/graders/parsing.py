"""Python source as syntax trees, each content parsed once."""

from __future__ import annotations

import ast
import functools
import io
import tokenize
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


def has_plain_places(content: bytes) -> bool:
    """Whether the lines and columns of a syntax tree lead to the bytes of its file."""
    if content.startswith(b"\xef\xbb\xbf") or b"\r" in content.replace(b"\r\n", b""):
        return False
    try:
        content.decode()
        return tokenize.detect_encoding(io.BytesIO(content).readline)[0] == "utf-8"
    except (SyntaxError, ValueError):
        return False
