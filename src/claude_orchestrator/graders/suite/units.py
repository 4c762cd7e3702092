"""Python code taken apart into functions and statements that can be compared without regard to layout."""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.equivalents import (
    builtin_aliases,
    plain,
    plain_block,
    result_of_short,
)

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_SKIPPED: Final = frozenset({"annotation", "returns", "type_comment", "ctx", "kind", "type_params"})
_IDENTIFIERS: Final = {
    "Name": "id", "arg": "arg", "Attribute": "attr", "keyword": "arg",
    "FunctionDef": "name", "AsyncFunctionDef": "name", "ClassDef": "name", "ExceptHandler": "name",
    "MatchAs": "name", "MatchStar": "name", "MatchMapping": "rest",
}  # fmt: skip
_BLOCKS: Final = ("body", "handlers", "orelse", "finalbody", "cases")
_NO_COVER: Final = re.compile(r"#\s*pragma:\s*no\s*cover", re.IGNORECASE)
_PROSE: Final = re.compile(r"""str:(?:'(?=[^']*\s)(?:[^'\\]|\\.)*'|"(?=[^"]*\s)(?:[^"\\]|\\.)*")""")
_SAYING: Final = frozenset(
    {
        "warn", "warn_explicit", "deprecated", "debug", "info", "warning", "error", "exception", "critical", "log",
        "print",
    }
)  # fmt: skip
_SCOPES: Final = (
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.Lambda,
    ast.ListComp,
    ast.SetComp,
    ast.DictComp,
    ast.GeneratorExp,
)
_DEEPEST: Final = 10_000
_TYPE_MAKERS: Final = frozenset({"TypeVar", "ParamSpec", "TypeVarTuple"})
_NOT_RUN: Final = (ast.Import, ast.ImportFrom, ast.Pass, ast.Global, ast.Nonlocal)


@dataclass(frozen=True)
class Signature:
    """Code without its identifiers, and these in order: ``.`` before an attribute, ``=`` before a keyword."""

    structure: str
    names: tuple[str, ...]


@dataclass(frozen=True)
class Statement:
    """A statement that is run line by line; of a compound one only what stands before its block."""

    lines: tuple[int, int]
    key: Signature
    is_aside: bool = False
    """Whether it says something is wrong, or is what is done then: it raises, warns, logs, or handles an exception."""

    @property
    def without_prose(self) -> Signature:
        """Its key without what people read: text with spaces in it."""
        return Signature(_PROSE.sub("str", self.key.structure), self.key.names)


@dataclass(frozen=True)
class _Source:
    lines: list[str]
    excused: set[str]


@dataclass(eq=False)
class Unit:
    """A function, or one statement of a module or class with all that is in it; looked at only when it has to be."""

    path: str
    name: str
    node: ast.stmt
    source: _Source

    @property
    def is_function(self) -> bool:
        """Whether it is a function or method."""
        return isinstance(self.node, _Function)

    @property
    def owner(self) -> str:
        """The class that it is written in."""
        place = self.name.rpartition(".")[0] if self.is_function else self.name
        return place.rpartition(".")[2]

    @property
    def line(self) -> int:
        """Where it begins."""
        return self.node.lineno

    @functools.cached_property
    def text(self) -> str:
        """It as it is written."""
        first = min([self.line, *(one.lineno for one in getattr(self.node, "decorator_list", ()))])
        return "\n".join(self.source.lines[first - 1 : self.node.end_lineno])

    @functools.cached_property
    def signature(self) -> Signature:
        """All of it."""
        return _signature(self.node, self.owner)

    @functools.cached_property
    def statements(self) -> list[Statement]:
        """The statements in it that count."""
        if isinstance(self.node, _Function):
            body = [] if _is_stub(self.node) else self.node.body
            return list(_statements(body, self.source, self.owner))
        return list(_statements([self.node], self.source, self.owner))

    @property
    def end(self) -> tuple[int, int] | None:
        """The lines of its last statement, where that is a plain one at its top and does not only complain."""
        last = self.statements[-1] if self.statements else None
        node = self.node.body[-1] if isinstance(self.node, _Function) else None
        if last is None or node is None or list(_blocks(node)) or last.is_aside:
            return None
        return last.lines if last.lines[0] == node.lineno else None

    @functools.cached_property
    def local_names(self) -> frozenset[str]:
        """The names that only it knows."""
        if isinstance(self.node, _Function):
            return _local_names(self.node)
        return (
            frozenset(one.arg for one in ast.walk(self.node) if isinstance(one, ast.arg)) if self._says else frozenset()
        )

    @functools.cached_property
    def _says(self) -> str | None:
        """The name of the function that ``name = lambda …`` is."""
        target = self.node.targets[0] if isinstance(self.node, ast.Assign) and len(self.node.targets) == 1 else None
        is_lambda = isinstance(target, ast.Name) and isinstance(getattr(self.node, "value", None), ast.Lambda)
        return target.id if is_lambda and isinstance(target, ast.Name) else None

    @functools.cached_property
    def canonical(self) -> Signature:
        """The signature with local variables numbered in order of appearance, and its own name left out."""
        numbers: dict[str, str] = {}
        own = self.name.rpartition(".")[2] if self.is_function else self._says
        names = (
            numbers.setdefault(name, f"{len(numbers)}") if name in self.local_names else "self" if name == own else name
            for name in self.signature.names
        )
        return Signature(self.signature.structure, tuple(names))


@dataclass
class Side:
    """The units of some files, and the names that they define."""

    units: list[Unit] = field(default_factory=list)
    defined: set[str] = field(default_factory=set)
    aliases: dict[str, str] = field(default_factory=dict)
    """Other names of builtins."""


def take_apart(files: Mapping[str, bytes], base: Mapping[str, bytes]) -> Side | None:
    """The units of some files, or None when one does not parse. What ``base`` excused from coverage is left out."""
    excused = {line.strip() for content in base.values() for line in _text(content) if _NO_COVER.search(line)}
    side = Side()
    for path, content in files.items():
        tree = parsed(content)
        if tree is None:
            return None
        side.aliases |= builtin_aliases(tree.body)
        _collect(side, path, tree, _Source(_text(content), excused))
    return side


def _text(content: bytes) -> list[str]:
    return content.decode(errors="replace").splitlines()


# -- taking apart -----------------------------------------------------------------------------------


def _collect(side: Side, path: str, tree: ast.Module, source: _Source) -> None:
    def visit(body: Iterable[ast.stmt], prefix: str) -> None:
        for node in plain_block(_without_docstring(body)):
            if _is_excluded(node, source.lines, source.excused):
                continue
            if isinstance(node, _Function):
                side.defined.add(node.name)
                side.units.append(Unit(path, f"{prefix}{node.name}", node, source))
            elif isinstance(node, ast.ClassDef):
                side.defined.add(node.name)
                if not any(_last(one) == "Protocol" for one in node.bases):
                    visit(node.body, f"{prefix}{node.name}.")
            elif isinstance(node, ast.If | ast.Try) and any(
                isinstance(one, _Function | ast.ClassDef) for one in ast.walk(node)
            ):
                for block in _blocks(node):
                    visit(block, prefix)
            elif not isinstance(node, _NOT_RUN) and not _names_a_type(node):
                side.defined.update(one.id for one in ast.walk(node) if isinstance(one, ast.Name) and _stores(one))
                side.units.append(Unit(path, prefix.rstrip("."), node, source))

    visit(tree.body, "")


def attributes_set(units: Iterable[Unit]) -> set[str]:
    """The attributes that some units assign."""
    nodes = (node for unit in units for node in ast.walk(unit.node))
    return {node.attr for node in nodes if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)}


def _local_names(node: _Function) -> frozenset[str]:
    stated = {name for one in ast.walk(node) if isinstance(one, ast.Global | ast.Nonlocal) for name in one.names}
    bound = {one.arg for one in ast.walk(node) if isinstance(one, ast.arg)}
    bound |= {one.id for one in ast.walk(node) if isinstance(one, ast.Name) and _stores(one)}
    bound |= {one.name for one in ast.walk(node) if isinstance(one, ast.ExceptHandler | ast.MatchAs) and one.name}
    bound |= {one.name for one in ast.walk(node) if isinstance(one, _Function) and one is not node}
    return frozenset(bound - stated)


def _is_stub(node: _Function) -> bool:
    """Whether nobody is meant to call it: overloads, abstract methods, bodies that say nothing."""
    if any(_last(one) in ("overload", "abstractmethod", "abstractproperty") for one in node.decorator_list):
        return True
    return all(_says_nothing(one) for one in _without_docstring(node.body))


def _says_nothing(node: ast.stmt) -> bool:
    if isinstance(node, ast.Raise) and node.exc is not None:
        return _last(node.exc) == "NotImplementedError"
    return isinstance(node, ast.Pass) or (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))


def _names_a_type(node: ast.stmt) -> bool:
    """Whether a statement only gives checkers of types a name (``T = TypeVar("T")``)."""
    if not isinstance(node, ast.Assign) or not isinstance(node.value, ast.Call):
        return False
    maker = node.value.func
    return (maker.attr if isinstance(maker, ast.Attribute) else getattr(maker, "id", "")) in _TYPE_MAKERS


def _statements(
    body: Iterable[ast.stmt], source: _Source, owner: str, *, is_aside: bool = False
) -> Iterator[Statement]:
    for node in plain_block(_without_docstring(body)):
        if _is_excluded(node, source.lines, source.excused) or _says_nothing(node) or isinstance(node, _NOT_RUN):
            continue
        if isinstance(node, ast.AnnAssign) and node.value is None:
            continue
        # A function within another one has a first argument of its own, and no ``super()``.
        within = "" if isinstance(node, _Function | ast.ClassDef) else owner
        if (result := result_of_short(node)) is not None:
            yield Statement((result.lineno, node.end_lineno or node.lineno), _signature(node, within), is_aside)
            continue
        blocks = list(_blocks(node))
        if not isinstance(node, _Function | ast.ClassDef | ast.Try) and not _is_export_list(node):
            last = node.end_lineno or node.lineno
            if blocks:
                last = max(node.lineno, min(last, _first_line(blocks[0]) - 1))
            yield Statement((node.lineno, last), _signature(node, owner, header=True), is_aside or _says(node))
        handled = {id(handler.body) for handler in getattr(node, "handlers", ())}
        for block in blocks:
            yield from _statements(block, source, within, is_aside=is_aside or id(block) in handled)


def _says(node: ast.stmt) -> bool:
    call = node.value if isinstance(node, ast.Expr) else None
    return isinstance(node, ast.Raise) or (isinstance(call, ast.Call) and _last(call) in _SAYING)


def _first_line(block: list[ast.stmt]) -> int:
    return min((node.lineno for node in block), default=1)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for name in _BLOCKS:
        for child in getattr(node, name, ()) if name in ("handlers", "cases") else ():
            if not (isinstance(child, ast.ExceptHandler) and _is_import_error(child)):
                yield child.body
        if name not in ("handlers", "cases") and getattr(node, name, None):
            yield getattr(node, name)


def _is_import_error(handler: ast.ExceptHandler) -> bool:
    listed = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return all(one is not None and _last(one) in ("ImportError", "ModuleNotFoundError") for one in listed)


def _is_excluded(node: ast.stmt, lines: list[str], excused: set[str]) -> bool:
    line = lines[node.lineno - 1] if node.lineno <= len(lines) else ""
    if _NO_COVER.search(line) and line.strip() in excused:
        return True
    if not isinstance(node, ast.If):
        return False
    test = ast.unparse(node.test)
    return (
        "TYPE_CHECKING" in test
        or re.search(r"__name__ == ['\"]__main__['\"]", test) is not None
        or re.search(r"\bsys\.(version_info|platform|implementation)\b|\bos\.name\b|\bplatform\.\w+\(|\bPY[23]\b", test)
        is not None
    )


def _is_export_list(node: ast.stmt) -> bool:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AugAssign) else []
    return any(isinstance(target, ast.Name) and target.id in ("__all__", "__version__") for target in targets)


def _without_docstring(body: Iterable[ast.stmt]) -> list[ast.stmt]:
    return [
        node
        for node in body
        if not (
            isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        )
    ]


def _stores(name: ast.Name) -> bool:
    return isinstance(name.ctx, ast.Store | ast.Del)


def _last(node: ast.expr) -> str:
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


# -- signatures -------------------------------------------------------------------------------------


def _signature(node: ast.stmt, owner: str, *, header: bool = False) -> Signature:
    writer = _Writer(owner)
    # What could be parsed is at most so deep; these are functions of Python alone, which need no more of the stack.
    limit = sys.getrecursionlimit()
    sys.setrecursionlimit(limit + _DEEPEST)
    try:
        writer.write(node, header=header)
    finally:
        sys.setrecursionlimit(limit)
    return Signature(" ".join(writer.parts), tuple(writer.names))


@dataclass
class _Writer:
    """Writes a tree down in its plain form; ``owner`` is the class that it stands in."""

    owner: str
    parts: list[str] = field(default_factory=list)
    names: list[str] = field(default_factory=list)
    _short: ast.expr | None = None
    """The lambda as which a function is written: it is no function within another one."""

    def write(self, node: ast.AST, *, header: bool = False) -> None:
        if isinstance(node, ast.AnnAssign):
            if node.value is None:
                return
            node = ast.Assign([node.target], node.value)
        written, node = node, plain(node, self.owner)
        if isinstance(written, _Function) and isinstance(node, ast.Assign):
            self._short = node.value
        if isinstance(node, ast.Constant):
            # A number of thousands of digits is too long to be written in tens.
            value = hex(node.value) if isinstance(node.value, int) else repr(node.value)
            self.parts.append(f"{type(node.value).__name__}:{value}")
            return
        kind = type(node).__name__
        self.parts.append(f"({kind}")
        for name, value in ast.iter_fields(node):
            if name in _SKIPPED or (header and name in _BLOCKS and isinstance(value, list)):
                continue
            if name == _IDENTIFIERS.get(kind) and isinstance(value, str):
                self.names.append({"Attribute": ".", "keyword": "="}.get(kind, "") + value)
                continue
            self.parts.append(f"|{name}")
            self._write_all(value, is_block=name in _BLOCKS and isinstance(value, list))
        self.parts.append(")")

    def _write_all(self, value: object, *, is_block: bool) -> None:
        listed: list[Any] = value if isinstance(value, list) else [value]
        for child in plain_block(_without_docstring(listed)) if is_block else listed:
            if isinstance(child, ast.AST):
                if not isinstance(child, ast.Pass):
                    owner = self.owner
                    if isinstance(child, _SCOPES) and child is not self._short:
                        self.owner = ""
                    self.write(child)
                    self.owner = owner
            elif child is not None or isinstance(value, list):
                self.parts.append(repr(child))
