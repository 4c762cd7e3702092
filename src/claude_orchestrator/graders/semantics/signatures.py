"""What a function or a class can be called with, where its source leaves no doubt."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.semantics.bindings import dotted_name, last_name

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
Resolve = Callable[[str], "tuple[ast.ClassDef, Resolve] | None"]
"""Finds the class that a base class's name means, and how names are resolved where that class stands."""

_SAME_ARGUMENTS: Final = frozenset(
    {"staticmethod", "classmethod", "cache", "lru_cache", "abstractmethod", "final", "override", "contextmanager",
     "asynccontextmanager", "coroutine", "no_type_check"}
)  # fmt: skip
_PLAIN_BASES: Final = frozenset({"object", "ABC", "Generic", "Protocol"})
_DEPTH: Final = 6


@dataclass(frozen=True)
class Signature:
    """The arguments of something that can be called, without ``self``."""

    positional: tuple[str, ...]
    positional_only: int = 0
    required: frozenset[str] = frozenset()
    keyword_only: frozenset[str] = frozenset()
    takes_more: bool = False
    takes_more_keywords: bool = False

    def fault(self, call: ast.Call) -> str:
        """What is wrong with a call, or nothing."""
        given = len(call.args)
        has_star = any(isinstance(one, ast.Starred) for one in call.args)
        keywords = [keyword.arg for keyword in call.keywords if keyword.arg]
        by_name = {*self.positional[self.positional_only :], *self.keyword_only}
        if not self.takes_more_keywords:
            for name in keywords:
                if name not in by_name:
                    return f"has no argument '{name}'{_instead(name, sorted(by_name))}"
        if not has_star and given > len(self.positional) and not self.takes_more:
            return f"takes {len(self.positional)} positional arguments, and is given {given}"
        taken = set(self.positional[:given])
        if not has_star and (twice := next((name for name in keywords if name in taken and name in by_name), "")):
            return f"gets '{twice}' twice"
        if has_star or any(keyword.arg is None for keyword in call.keywords):
            return ""
        missing = sorted(self.required - taken - set(keywords))
        return f"needs '{missing[0]}', which is not given" if missing else ""


def _plain(most: int, *keywords: str, by_name: tuple[str, ...] = (), takes_more: bool = False) -> Signature:
    unnamed = tuple(f"argument {number}" for number in range(most - len(by_name)))
    names = frozenset(keywords)
    return Signature((*unnamed, *by_name), len(unnamed), keyword_only=names, takes_more=takes_more)


BUILTINS: Final = {
    "sorted": _plain(1, "key", "reverse"),
    "min": _plain(1, "key", "default", takes_more=True),
    "max": _plain(1, "key", "default", takes_more=True),
    "sum": _plain(2, by_name=("start",)),
    "enumerate": _plain(2, by_name=("iterable", "start")),
    "round": _plain(2, by_name=("number", "ndigits")),
    "print": _plain(0, "sep", "end", "file", "flush", takes_more=True),
    "any": _plain(1), "all": _plain(1), "len": _plain(1), "abs": _plain(1), "repr": _plain(1), "ord": _plain(1),
    "chr": _plain(1), "isinstance": _plain(2), "issubclass": _plain(2), "hasattr": _plain(2), "getattr": _plain(3),
    "reversed": _plain(1), "tuple": _plain(1), "frozenset": _plain(1), "filter": _plain(2),
}  # fmt: skip
"""What every Python has had for long, with the most arguments that each takes."""


def _instead(name: str, known: list[str]) -> str:
    import difflib

    near = difflib.get_close_matches(name, known, 1, 0.7)
    return f" (did you mean '{near[0]}'?)" if near else ""


def of_function(node: ast.FunctionDef | ast.AsyncFunctionDef, *, is_bound: bool) -> Signature | None:
    """The signature of a function; with ``is_bound`` that of a method without its object. None: unclear."""
    decorators = {last_name(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list}
    if not decorators <= _SAME_ARGUMENTS:
        return None
    given = node.args
    names = [one.arg for one in (*given.posonlyargs, *given.args)]
    needed = names[: len(names) - len(given.defaults)]
    skipped = 1 if is_bound and "staticmethod" not in decorators else 0
    if skipped and not names:
        return None
    required = {
        *needed[skipped:],
        *(one.arg for one, default in zip(given.kwonlyargs, given.kw_defaults, strict=True) if default is None),
    }
    return Signature(
        tuple(names[skipped:]),
        max(0, len(given.posonlyargs) - skipped),
        frozenset(required),
        frozenset(one.arg for one in given.kwonlyargs),
        given.vararg is not None,
        given.kwarg is not None,
    )


def of_class(node: ast.ClassDef, resolve: Resolve, depth: int = _DEPTH) -> Signature | None:
    """How objects of a class are made. None: unclear."""
    if depth == 0 or node.keywords or not _bases_are_plain(node, resolve, depth):
        return None
    decorators = [last_name(one.func if isinstance(one, ast.Call) else one) for one in node.decorator_list]
    own = _methods(node)
    if "__new__" in own or any(
        name not in ("dataclass", "final", "total_ordering", "runtime_checkable") for name in decorators
    ):
        return None
    if "__init__" in own:
        return of_function(own["__init__"], is_bound=True) if _count(node, "__init__") == 1 else None
    if "dataclass" in decorators:
        fields = list(_fields(node, resolve, depth))
        return None if None in fields else _of_fields([one for one in fields if one])
    bases = [found for base in _base_names(node) if (found := resolve(base))]
    if len(bases) > 1:
        return None
    return of_class(*bases[0], depth - 1) if bases else Signature(())


def _bases_are_plain(node: ast.ClassDef, resolve: Resolve, depth: int) -> bool:
    """Whether nothing that a class inherits can change how it is called."""
    if depth == 0:
        return False
    names = list(_base_names(node))
    if len(names) != len(node.bases):
        return False
    for name in names:
        if name.rpartition(".")[2] in _PLAIN_BASES:
            continue
        found = resolve(name)
        if not found or found[0].keywords or not _bases_are_plain(*found, depth - 1) or "__new__" in _methods(found[0]):
            return False
    return True


def _base_names(node: ast.ClassDef) -> Iterator[str]:
    for base in node.bases:
        name = dotted_name(base.value if isinstance(base, ast.Subscript) else base)
        if name:
            yield name


def _methods(node: ast.ClassDef) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    return {one.name: one for one in node.body if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef))}


def _count(node: ast.ClassDef, name: str) -> int:
    return sum(
        1 for one in ast.walk(node) if isinstance(one, (ast.FunctionDef, ast.AsyncFunctionDef)) and one.name == name
    )


@dataclass(frozen=True)
class _Field:
    name: str
    has_default: bool
    is_keyword_only: bool


def _fields(node: ast.ClassDef, resolve: Resolve, depth: int) -> Iterator[_Field | None]:
    """The fields of a dataclass in order, those of its bases first; None among them: unclear."""
    decorator = next(
        one for one in node.decorator_list if last_name(one.func if isinstance(one, ast.Call) else one) == "dataclass"
    )
    options = {one.arg: one.value for one in decorator.keywords} if isinstance(decorator, ast.Call) else {}
    if None in options or "init" in options:
        yield None
    keyword_only = _is_true(options.get("kw_only"))
    for base in _base_names(node):
        if not (found := resolve(base)):
            continue
        names = [last_name(one.func if isinstance(one, ast.Call) else one) for one in found[0].decorator_list]
        if "dataclass" in names and depth > 1:
            yield from _fields(found[0], found[1], depth - 1)
        elif "__init__" in _methods(found[0]) or names:
            yield None
    for one in node.body:
        if not isinstance(one, ast.AnnAssign) or not isinstance(one.target, ast.Name):
            continue
        said = ast.unparse(one.annotation)
        if "ClassVar" in said:
            continue
        if "KW_ONLY" in said:
            keyword_only = True
            continue
        yield from _field(one, one.target.id, keyword_only=keyword_only)


def _field(node: ast.AnnAssign, name: str, *, keyword_only: bool) -> Iterator[_Field | None]:
    if isinstance(node.value, ast.Call) and last_name(node.value.func) == "field":
        options = {one.arg: one.value for one in node.value.keywords}
        init = options.get("init")
        if isinstance(init, ast.Constant) and init.value is False:
            return
        unclear = None in options or init is not None
        has_default = "default" in options or "default_factory" in options
        yield None if unclear else _Field(name, has_default, _is_true(options.get("kw_only")) or keyword_only)
    elif isinstance(node.value, ast.Call) and last_name(node.value.func) not in (
        "Path",
        "dict",
        "list",
        "set",
        "frozenset",
    ):
        # Some other function may describe a field.
        yield _Field(name, True, keyword_only)
    else:
        yield _Field(name, node.value is not None, keyword_only)


def _is_true(node: ast.expr | None) -> bool:
    return isinstance(node, ast.Constant) and node.value is True


def _of_fields(fields: list[_Field]) -> Signature:
    # A field that a later class states again keeps its place.
    last = {one.name: one for one in fields}
    ordered = [last[name] for name in dict.fromkeys(one.name for one in fields)]
    return Signature(
        tuple(one.name for one in ordered if not one.is_keyword_only),
        required=frozenset(one.name for one in ordered if not one.has_default),
        keyword_only=frozenset(one.name for one in ordered if one.is_keyword_only),
    )
