"""Modules of a project that its build writes and git ignores, such as ``_version.py``: a part of the environment.

Packages that take their version from git (setuptools-scm, hatch-vcs, pdm) import such a module, and a checkout of their
commits lacks it. Only what holds plain values is taken over, because nobody judges it.
"""

from __future__ import annotations

import ast
import os
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath
from typing import Final

from claude_orchestrator.workspace.git import Repository

_VERSION: Final = re.compile(r"_{0,2}version(_info)?_{0,2}\.py")
_SAYS_SO: Final = re.compile(rb"\bgenerated\b", re.IGNORECASE)
_HEADER_BYTES: Final = 400
_MOST_BYTES: Final = 16_384
_MOST_FILES: Final = 20
_VALUES: Final = (
    ast.Module, ast.Expr, ast.Assign, ast.AnnAssign, ast.If, ast.Pass, ast.ImportFrom, ast.alias, ast.Name,
    ast.Constant, ast.Tuple, ast.List, ast.Dict, ast.Subscript, ast.UnaryOp, ast.BinOp, ast.expr_context, ast.operator,
    ast.unaryop,
)  # fmt: skip
_OF_TESTS: Final = re.compile(r"conftest\.py|test_.*\.py|.*_test\.py")
"""Modules whose plain values decide what is run, such as ``collect_ignore``."""
_HARMLESS_IMPORTS: Final = frozenset({"__future__", "typing", "typing_extensions"})


async def generated_modules(repository: Repository) -> dict[str, str]:
    """The generated modules in the user's checkout, path → text: ignored by git, in a package, and plain values.

    A bare repository has none. At most 20, each of at most 16 KiB, are looked at.
    """
    code, out, _ = await repository.attempt_git(
        "ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory", "--", "*.py"
    )
    paths = [path for path in out.decode(errors="surrogateescape").split("\0") if path.endswith(".py")]
    contents = {path: _content(repository.root, path) for path in paths[: _MOST_FILES * 10]} if code == 0 else {}
    found = {path: text for path, text in contents.items() if text is not None}
    return dict(list(found.items())[:_MOST_FILES])


def only_generated(modules: Mapping[str, str]) -> dict[str, str]:
    """Those of some modules, which anybody may have written down, that could have been found in a checkout."""
    return dict([(path, text) for path, text in modules.items() if _is_generated(path, text)][:_MOST_FILES])


def missing_in(folder: Path, generated: Mapping[str, str]) -> dict[str, str]:
    """Those of the modules that a checkout lacks, while it has the package that each belongs to.

    The paths may come from a stranger's bundle: none that leads out of the checkout is among them.
    """
    top = folder.resolve()
    return {
        path: text
        for path, text in generated.items()
        if (top / path).is_relative_to(top)
        and (top / path).parent.resolve() == (top / path).parent
        and not os.path.lexists(top / path)
        and (top / path).with_name("__init__.py").is_file()
    }


def _content(root: Path, path: str) -> str | None:
    """The text of a file that is a generated module, else None."""
    file = root / path
    if len(PurePosixPath(path).parts) == 1 or not file.with_name("__init__.py").is_file():
        return None
    try:
        if file.resolve() != root.resolve() / path or file.stat().st_size > _MOST_BYTES:
            return None
        text = file.read_bytes().decode()
    except (OSError, ValueError):
        return None
    return text if _is_generated(path, text) else None


def _is_generated(path: str, text: str) -> bool:
    """Whether a module is called or says that it was generated, and holds plain values; its path leads downwards."""
    place = PurePosixPath(path)
    is_below = len(place.parts) > 1 and not place.is_absolute() and ".." not in place.parts and "\0" not in path
    if not is_below or place.suffix != ".py" or _OF_TESTS.fullmatch(place.name):
        return False
    try:
        content = text.encode()
        tree = ast.parse(content) if len(content) <= _MOST_BYTES else None
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        return False
    is_named_so = _VERSION.fullmatch(place.name) or _SAYS_SO.search(content[:_HEADER_BYTES])
    return bool(is_named_so) and tree is not None and _holds_values(tree)


def _holds_values(tree: ast.Module) -> bool:
    """Whether a module does nothing when it is imported but to bind names to values."""
    return all(isinstance(node, _VALUES) and not _acts(node) for node in ast.walk(tree))


def _acts(node: ast.AST) -> bool:
    """Whether a node loads another module, or changes what something else holds (``__builtins__["len"] = …``)."""
    if isinstance(node, ast.ImportFrom):
        return node.level > 0 or node.module not in _HARMLESS_IMPORTS
    return isinstance(node, ast.Subscript) and not isinstance(node.ctx, ast.Load)
