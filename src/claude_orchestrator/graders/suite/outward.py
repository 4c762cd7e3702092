"""Whether a file does something to others while it is imported or called: registers, patches, sets global state."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator
from typing import Final

_HARMLESS_DECORATORS: Final = frozenset(
    {
        "property", "staticmethod", "classmethod", "abstractmethod", "overload", "override", "final", "dataclass",
        "cached_property", "lru_cache", "cache", "wraps", "total_ordering", "contextmanager", "asynccontextmanager",
        "singledispatch", "singledispatchmethod", "setter", "getter", "deleter", "fixture", "parametrize", "skipif",
        "skip", "xfail", "usefixtures", "asyncio", "unique", "runtime_checkable", "no_type_check", "given", "settings",
        "example", "patch", "object", "dict", "define", "frozen", "attrs", "attr", "deprecated", "slow",
    }
)  # fmt: skip
_MUTATORS: Final = frozenset(
    {
        "append", "extend", "insert", "add", "update", "setdefault", "pop", "popitem", "clear", "remove", "discard",
        "register", "connect", "subscribe", "seed", "simplefilter", "filterwarnings", "basicConfig", "setLevel",
        "addHandler", "setlocale", "putenv", "unsetenv", "chdir", "umask", "signal", "setrecursionlimit", "settrace",
        "setprofile", "setcontext", "setdefaulttimeout", "disable", "captureWarnings", "addLevelName", "install",
        "set_event_loop_policy", "set_event_loop", "dictConfig", "fileConfig", "setattr", "tzset",
    }
)  # fmt: skip


def pushes(tree: ast.Module) -> Counter[tuple[str, str]]:
    """What a file does to things that it imported: where they come from and the code, counted."""
    origins = _origins(tree)
    found: Counter[tuple[str, str]] = Counter()
    for node in ast.walk(tree):
        for target, code in _effects(node):
            if (root := _root(target)) in origins:
                found[origins[root], ast.dump(code)] += 1
    for node in tree.body:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call) and (root := _root(node.value)) in origins:
            found[origins[root], ast.dump(node)] += 1
    return found


def _origins(tree: ast.Module) -> dict[str, str]:
    """The names that imports bind, and the modules that they come from (with the dots of relative ones)."""
    found = {"__builtins__": "builtins"}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.asname or alias.name.partition(".")[0]: alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            module = "." * node.level + (node.module or "")
            separator = "" if module.endswith(".") else "."
            found |= {alias.asname or alias.name: f"{module}{separator}{alias.name}" for alias in node.names}
    return found


def _effects(node: ast.AST) -> Iterator[tuple[ast.expr, ast.AST]]:
    """What a node acts upon, and the code that does."""
    for target in _targets(node):
        yield target, node if isinstance(node, ast.Assign | ast.AugAssign | ast.Delete) else target
    if isinstance(node, ast.Call):
        if isinstance(node.func, ast.Name) and node.func.id in ("setattr", "delattr") and node.args:
            yield node.args[0], node
        elif isinstance(node.func, ast.Name | ast.Attribute) and _last_name(node) in _MUTATORS:
            yield node.func, node
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        for decorator in node.decorator_list:
            if _last_name(decorator) not in _HARMLESS_DECORATORS:
                yield decorator, ast.Tuple([decorator, ast.Constant(node.name)])


def _targets(node: ast.AST) -> Iterator[ast.expr]:
    if isinstance(node, ast.Assign | ast.Delete):
        listed = node.targets
    elif isinstance(node, ast.AugAssign | ast.AnnAssign | ast.For | ast.AsyncFor):
        listed = [node.target]
    else:
        return
    for target in listed:
        flat = target.elts if isinstance(target, ast.Tuple | ast.List) else [target]
        yield from (one for one in flat if isinstance(one, ast.Attribute | ast.Subscript))


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Call):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.id if isinstance(node, ast.Name) else ""


def _last_name(node: ast.expr) -> str:
    target = node.func if isinstance(node, ast.Call) else node
    return target.attr if isinstance(target, ast.Attribute) else target.id if isinstance(target, ast.Name) else ""
