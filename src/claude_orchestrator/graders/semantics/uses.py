"""What a file imports, and what it takes from the modules that it has imported."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.bindings import bound_names, dotted_name, every_node, last_name

_CATCHES: Final = frozenset(
    {"ImportError", "ModuleNotFoundError", "AttributeError", "Exception", "BaseException", "NameError", "SyntaxError"}
)
_ASKS: Final = frozenset(
    {
        "TYPE_CHECKING", "version_info", "platform", "hexversion", "implementation", "find_spec", "hasattr", "getattr",
        "system", "python_implementation", "PY2", "PY3", "PYPY", "WINDOWS", "WIN", "MAC", "LINUX", "maxsize",
        "__version__", "VERSION", "is_available", "has_module", "importorskip", "skip", "skipif", "requires",
    }
)  # fmt: skip
"""Words by which a condition asks what there is before using it."""

_FLAGS: Final = ("HAS_", "HAVE_", "IS_", "WITH_", "has_", "have_")
_VERSION_FLAG: Final = re.compile(r"_*PY(?:THON)?_?\d[\d_]*(?:PLUS|_?MINUS|_?OR_\w+)?", re.IGNORECASE)
"""How projects name what they asked ``sys.version_info``: ``PY310``, ``PY_3_14_PLUS``."""


@dataclass(frozen=True)
class Use:
    """One use of a module. ``name`` is what is taken from it (empty: only the module itself).

    ``level`` counts the leading dots. ``is_attribute``: taken as ``module.name``. ``is_guarded``: the code is prepared
    for its absence, or asks first.
    """

    module: str
    name: str
    level: int
    line: int
    symbol: str
    is_attribute: bool = False
    is_guarded: bool = False

    @property
    def spelled(self) -> str:
        """The module as it is written."""
        return "." * self.level + self.module

    @property
    def key(self) -> tuple[str, str, int]:
        """What is used, wherever in the file."""
        return self.module, self.name, self.level


@functools.lru_cache(maxsize=1024)
def uses(content: bytes) -> tuple[Use, ...]:
    """All uses in a file, attribute chains of imported modules included (one entry for each attribute of a chain)."""
    tree = parsed(content)
    if tree is None:
        return ()
    reader = _Reader(_modules_by_name(tree))
    reader.visit(tree)
    changed = {(use.module, use.name.partition(".")[0]) for use in reader.assigned}
    asked = reader.optional
    return tuple(
        use
        for use in reader.found
        if (use.module, use.name.partition(".")[0]) not in changed and use.module.partition(".")[0] not in asked
    )


def _modules_by_name(tree: ast.Module) -> dict[str, str]:
    """Names that mean one imported module everywhere in the file → its dotted name."""
    meant: dict[str, set[str]] = {}
    other: set[str] = set()
    for node in every_node(tree):
        match node:
            case ast.Import(names=aliases):
                for alias in aliases:
                    name = alias.asname or alias.name.partition(".")[0]
                    meant.setdefault(name, set()).add(alias.name if alias.asname else name)
            case ast.ImportFrom(names=aliases, level=0, module=str(module)):
                for alias in aliases:
                    meant.setdefault(alias.asname or alias.name, set()).add(f"{module}.{alias.name}")
            case ast.arg(arg=name):
                other.add(name)
            case ast.Global(names=names) | ast.Nonlocal(names=names):
                other.update(names)
            case ast.Name(id=name, ctx=ast.Del()):
                other.add(name)
            case _:
                other.update(bound_names(node))
    return {name: next(iter(found)) for name, found in meant.items() if len(found) == 1 and name not in other}


class _Reader(ast.NodeVisitor):
    def __init__(self, modules: dict[str, str]) -> None:
        self.found: list[Use] = []
        self.assigned: list[Use] = []
        self.optional: set[str] = set()
        self._modules = modules
        self._symbols: list[str] = []
        self._guards = 0
        self._functions = 0
        self._is_lazy = False

    # -- imports --------------------------------------------------------------------------------------

    def visit_Import(self, node: ast.Import) -> None:
        for alias in node.names:
            self._add(node, alias.name, "", 0)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        self._is_lazy |= node.module == "__future__" and any(alias.name == "annotations" for alias in node.names)
        for alias in node.names:
            self._add(node, node.module or "", "" if alias.name == "*" else alias.name, node.level)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        dotted = dotted_name(node)
        module = self._modules.get(dotted.partition(".")[0]) if dotted else None
        if module is None:
            self.generic_visit(node)
            return
        first, *attributes = f"{module}{dotted[len(dotted.partition('.')[0]) :]}".split(".")[module.count(".") :]
        prefix = module.rpartition(".")[0]
        at = f"{prefix}.{first}" if prefix else first
        use = Use(at, ".".join(attributes), 0, node.lineno, ".".join(self._symbols), True, self._guards > 0)
        if isinstance(node.ctx, ast.Load):
            self.found.append(use)
        else:
            self.assigned.append(use)

    def _add(self, node: ast.stmt, module: str, name: str, level: int) -> None:
        self.found.append(Use(module, name, level, node.lineno, ".".join(self._symbols), is_guarded=self._guards > 0))

    # -- guards ---------------------------------------------------------------------------------------

    def _guarded(self, *nodes: ast.AST) -> None:
        self._guards += 1
        for node in nodes:
            self.visit(node)
        self._guards -= 1

    def _maybe_guarded(self, is_guarded: bool, *nodes: ast.AST) -> None:
        self._guards += is_guarded
        for node in nodes:
            self.visit(node)
        self._guards -= is_guarded

    def visit_TryStar(self, node: ast.TryStar) -> None:
        self.visit_Try(node)

    def visit_Try(self, node: ast.Try | ast.TryStar) -> None:
        expects = any(catches(handler.type, _CATCHES) for handler in node.handlers)
        self._maybe_guarded(expects, *node.body, *node.handlers, *node.orelse)
        self._maybe_guarded(False, *node.finalbody)

    def visit_If(self, node: ast.If) -> None:
        self.visit(node.test) if not asks(node.test) else self._guarded(node.test)
        self._maybe_guarded(asks(node.test), *node.body, *node.orelse)

    def visit_IfExp(self, node: ast.IfExp) -> None:
        self._maybe_guarded(asks(node.test), node.test, node.body, node.orelse)

    def visit_BoolOp(self, node: ast.BoolOp) -> None:
        self._maybe_guarded(any(asks(value) for value in node.values), *node.values)

    def visit_With(self, node: ast.With | ast.AsyncWith) -> None:
        contexts = [item.context_expr for item in node.items]
        expects = any(
            isinstance(context, ast.Call) and any(catches(part, _CATCHES) for part in context.args)
            for context in contexts
        )
        self._maybe_guarded(expects, *node.items, *node.body)

    def visit_AsyncWith(self, node: ast.AsyncWith) -> None:
        self.visit_With(node)

    def visit_Call(self, node: ast.Call) -> None:
        if last_name(node.func) in ("importorskip", "find_spec", "setattr", "patch", "object"):
            for part in node.args[:1]:
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    self.optional.add(part.value.partition(".")[0])
        if last_name(node.func) == "setattr" and len(node.args) > 1:
            target, name = dotted_name(node.args[0]), node.args[1]
            module = self._modules.get(target)
            if module and isinstance(name, ast.Constant) and isinstance(name.value, str):
                self.assigned.append(Use(module, name.value, 0, node.lineno, "", True))
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        # Nobody evaluates it in a function: a type checker sees what is wrong there.
        self._maybe_guarded(self._is_lazy or self._functions > 0, node.annotation)
        self._maybe_guarded(False, node.target, *([node.value] if node.value else ()))

    def visit_arg(self, node: ast.arg) -> None:
        self._maybe_guarded(self._is_lazy, *([node.annotation] if node.annotation else ()))

    def _visit_scope(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> None:
        for decorator in node.decorator_list:
            self._maybe_guarded(asks(decorator), decorator)
        self._symbols.append(node.name)
        is_function = not isinstance(node, ast.ClassDef)
        self._functions += is_function
        returns = None if isinstance(node, ast.ClassDef) else node.returns
        self._maybe_guarded(self._is_lazy, *([returns] if returns else ()))
        fields = [part for name, part in ast.iter_fields(node) if name not in ("decorator_list", "returns")]
        children = [child for part in fields for child in (part if isinstance(part, list) else [part])]
        guarded = any(asks(decorator) for decorator in node.decorator_list) or _leaves_early(node)
        self._maybe_guarded(guarded, *(child for child in children if isinstance(child, ast.AST)))
        self._functions -= is_function
        self._symbols.pop()

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self._visit_scope(node)

    def visit_AsyncFunctionDef(self, node: ast.AsyncFunctionDef) -> None:
        self._visit_scope(node)

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        self._visit_scope(node)


def catches(caught: ast.expr | None, names: frozenset[str]) -> bool:
    """Whether an ``except`` (None: a bare one), or an argument of ``suppress``, covers one of the names."""
    if caught is None:
        return True
    parts = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(last_name(part) in names or not last_name(part) for part in parts)


def asks(test: ast.AST) -> bool:
    """Whether an expression asks about the platform, the version, or what is there."""
    return any(
        word in _ASKS
        or word in ("os.name", "sys.modules", "sys.version")
        or word.startswith(_FLAGS)
        or _VERSION_FLAG.fullmatch(word)
        for word in _words(test)
    )


def _words(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        if isinstance(part, (ast.Name, ast.Attribute)):
            yield last_name(part)
            yield dotted_name(part)


def _leaves_early(node: ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) -> bool:
    """Whether a function ends at once where something is not there (``if sys.platform != "win32": return``)."""
    if isinstance(node, ast.ClassDef):
        return False
    return any(
        (isinstance(part, ast.If) and asks(part.test) and isinstance(part.body[-1], (ast.Return, ast.Raise)))
        or (isinstance(part, ast.Assert) and asks(part.test))
        or (isinstance(part, ast.Expr) and isinstance(part.value, ast.Call) and asks(part.value.func))
        for part in node.body
    )
