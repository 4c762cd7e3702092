"""Calls with arguments that the callee does not have, or without those that it needs."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.bindings import bound_names, dotted_name, every_node, last_name
from claude_orchestrator.graders.semantics.modules import Module, Modules
from claude_orchestrator.graders.semantics.sides import Sides
from claude_orchestrator.graders.semantics.signatures import (
    BUILTINS,
    Definition,
    Resolve,
    Signature,
    of_class,
    of_function,
)
from claude_orchestrator.graders.semantics.uses import catches

_HOPS: Final = 5
_HANDED_ON: Final = {
    "json.dumps": frozenset[str](), "json.dump": frozenset[str](),
    "json.loads": frozenset({"strict"}), "json.load": frozenset({"strict"}),
}  # fmt: skip
"""What it takes that these hand ``**kw`` on to, beside their own arguments, unless ``cls`` is given."""
_FUNCTIONS: Final = (ast.FunctionDef, ast.AsyncFunctionDef)
_SETS_NAMES: Final = re.compile(rb"\b(?:has|set)attr\(|__dict__|\bpatch\b|\b(?:exec|locals|vars)\(|\bAttributeError\b")
"""What gives a class members by their names, or is ready for one that is not there."""
_MAKING: Final = frozenset({"__getattr__", "__getattribute__", "__init_subclass__"})
_EXPECTS: Final = frozenset({"TypeError", "Exception", "BaseException", "ValidationError"})


@dataclass(frozen=True)
class Fault:
    """A call that cannot work: whom it calls, and why not."""

    callee: str
    why: str
    line: int
    symbol: str

    @property
    def key(self) -> tuple[str, str, str]:
        """The same for the same mistake in the same function."""
        return self.callee, self.why, self.symbol


async def call_findings(sides: Sides) -> list[Finding]:
    """The calls that the change makes wrong, in its own files and in others."""
    changed = sides.changed_python()
    if not changed:
        return []
    await sides.prepare()
    await sides.load_changed()
    altered = _altered(sides, changed)
    users = [path for path in await sides.users(altered) if path not in changed]
    await sides.read("base", users)

    def compute() -> list[Finding]:
        return [finding for path in [*changed, *users] for finding in _new_in(sides, path, altered)]

    return await sides.settle(compute)


def _altered(sides: Sides, changed: Iterable[str]) -> frozenset[str]:
    """Names of functions and classes that can be called otherwise than before."""
    found = set()
    for path in changed:
        before = _shapes(sides.trees["base"].contents.get(sides.before(path), b""))
        after = _shapes(sides.trees["head"].contents.get(path, b""))
        found |= {name for name, shape in before.items() if name in after and after[name] != shape}
    return frozenset(found)


@functools.lru_cache(maxsize=512)
def _shapes(content: bytes) -> dict[str, str]:
    tree = parsed(content)
    shapes = {}
    for node in tree.body if tree else ():
        if isinstance(node, _FUNCTIONS):
            shapes[node.name] = ast.dump(node.args)
        elif isinstance(node, ast.ClassDef):
            parts = [
                ast.dump(one.args) if isinstance(one, _FUNCTIONS) else ast.dump(one)
                for one in node.body
                if isinstance(one, ast.AnnAssign)
                or (isinstance(one, _FUNCTIONS) and one.name in ("__init__", "__new__"))
            ]
            shapes[node.name] = "".join([*parts, *map(ast.dump, (*node.bases, *node.decorator_list))])
    return shapes


def _new_in(sides: Sides, path: str, altered: frozenset[str]) -> Iterator[Finding]:
    before = sides.trees["base"].contents.get(sides.before(path), b"")
    after = sides.trees["head"].contents.get(path, b"")
    known = {ast.dump(call) for call, _, _ in _calls(before)}
    head = _Callees(sides.modules("head"), path, after)
    looked_at = [one for one in _calls(after) if ast.dump(one[0]) not in known or head.is_about(one[0].func, altered)]
    faults = [fault for call, symbol, owner in looked_at if (fault := head.fault(call, symbol, owner))]
    if not faults:
        return
    base = _Callees(sides.modules("base"), sides.before(path), before)
    old = {fault.key for call, symbol, owner in _calls(before) if (fault := base.fault(call, symbol, owner))}
    seen = set()
    for fault in faults:
        if fault.key not in old and fault.key not in seen:
            seen.add(fault.key)
            message = f"calls {fault.callee}(), which {fault.why}"
            yield Finding("semantics/call", path, fault.line, message, symbol=fault.symbol, text=fault.callee)


@functools.lru_cache(maxsize=512)
def _calls(content: bytes) -> tuple[tuple[ast.Call, str, ast.ClassDef | None], ...]:
    """The calls of a file that are not expected to fail, with the enclosing symbol and class."""
    tree = parsed(content)
    found: list[tuple[ast.Call, str, ast.ClassDef | None]] = []

    def walk(node: ast.AST, symbol: str, owner: ast.ClassDef | None) -> None:
        if isinstance(node, ast.Try) and any(catches(handler.type, _EXPECTS) for handler in node.handlers):
            for part in (*node.handlers, *node.finalbody):
                walk(part, symbol, owner)
            return
        if isinstance(node, (ast.With, ast.AsyncWith)) and any(
            _expects_failure(item.context_expr) for item in node.items
        ):
            return
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)):
            symbol = f"{symbol}.{node.name}" if symbol else node.name
            owner = node if isinstance(node, ast.ClassDef) else owner
        if isinstance(node, ast.Call):
            if last_name(node.func) in ("raises", "assertRaises", "assertRaisesRegex", "partial"):
                return
            found.append((node, symbol, owner))
        for child in ast.iter_child_nodes(node):
            walk(child, symbol, owner)

    if tree:
        walk(tree, "", None)
    return tuple(found)


def _expects_failure(context: ast.expr) -> bool:
    return isinstance(context, ast.Call) and (
        last_name(context.func)
        in ("raises", "assertRaises", "assertRaisesRegex", "suppress", "warns", "deprecated_call")
    )


class _Callees:
    """Finds what the calls of one file call."""

    def __init__(self, modules: Modules, path: str, content: bytes) -> None:
        self._modules = modules
        self._file = Module("", modules.tree, file=path)
        self._names = _names_of(content)
        self._assigned = _assigned_attributes(content)
        self._sets_names = _SETS_NAMES.search(content) is not None

    def is_about(self, called: ast.expr, names: frozenset[str]) -> bool:
        """Whether a call may be of one of ``names``."""
        said = dotted_name(called)
        if not names or not said:
            return False
        first, last = said.partition(".")[0], said.rpartition(".")[2]
        meant = self._names.imports.get(first, ("", "", 0))[1]
        return last in names or meant in names

    def fault(self, call: ast.Call, symbol: str, owner: ast.ClassDef | None) -> Fault | None:
        """What is wrong with a call, where that is certain."""
        said = dotted_name(call.func)
        signature = self._signature(said, owner) if said else None
        signature = signature and self._narrowed(signature, said, call)
        why = signature.fault(call) if signature else self._is_missing(*said.split("."))
        return Fault(said, why, call.lineno, symbol) if why else None

    def _is_missing(self, owner: str = "", name: str = "", *more: str) -> str:
        """That a class of this file has no such member, when nothing can give it one; else nothing."""
        if (
            not name
            or more
            or name.startswith("__")
            or hasattr(type, name)
            or name in self._assigned
            or self._names.has_stars
        ):
            return ""
        todo, seen = [owner], set[str]()
        while todo:
            node = self._names.definitions.get(one := todo.pop())
            if not isinstance(node, ast.ClassDef) or node.keywords or node.decorator_list or one in seen:
                return ""
            seen.add(one)
            members = {bound for part in every_node(node) for bound in bound_names(part)}
            if name in members or _MAKING & members:
                return ""
            bases = [dotted_name(base) for base in node.bases]
            todo += [base for base in bases if base != "object"]
        return "is not there" if not self._sets_names else ""

    def _narrowed(self, signature: Signature, said: str, call: ast.Call) -> Signature:
        """The signature of a function that hands on the rest of its arguments to something that is known."""
        first, _, rest = said.partition(".")
        module, name, _ = self._names.imports.get(first, ("", "", 0))
        more = _HANDED_ON.get(".".join(filter(None, (module, name, rest))))
        if more is None or "cls" not in signature.keyword_only or {"cls", None} & {word.arg for word in call.keywords}:
            return signature
        return replace(signature, takes_more_keywords=False, keyword_only=signature.keyword_only | more)

    def _signature(self, said: str, owner: ast.ClassDef | None) -> Signature | None:
        first, _, rest = said.partition(".")
        if first == "self" and owner is not None:
            return self._of_method(rest, owner) if rest and "." not in rest else None
        if said in BUILTINS and said not in self._names.bound and not self._names.has_stars:
            return BUILTINS[said]
        found = self._resolve(said)
        if found is None:
            return self._of_class_method(first, rest)
        node, resolve = found
        if isinstance(node, ast.ClassDef):
            return of_class(node, resolve)
        return of_function(node, is_bound=False)

    def _of_class_method(self, owner: str, name: str) -> Signature | None:
        """Of ``Class.method`` where both stand in this file."""
        node = self._names.definitions.get(owner)
        if not isinstance(node, ast.ClassDef) or node.keywords or node.decorator_list or "." in name:
            return None
        found = [one for one in ast.walk(node) if isinstance(one, _FUNCTIONS) and one.name == name]
        if len(found) != 1 or found[0] not in node.body or name in self._assigned or _is_abstract(found[0]):
            return None
        decorators = {last_name(one) for one in found[0].decorator_list}
        return of_function(found[0], is_bound="classmethod" in decorators)

    def _of_method(self, name: str, owner: ast.ClassDef) -> Signature | None:
        found = [node for node in ast.walk(owner) if isinstance(node, _FUNCTIONS) and node.name == name]
        is_bound_twice = any(name in bound_names(node) for node in ast.walk(owner) if isinstance(node, ast.Name))
        is_other = len(found) != 1 or found[0] not in owner.body or name in self._assigned
        if is_other or is_bound_twice or _is_abstract(found[0]):
            return None
        return of_function(found[0], is_bound=True)

    # -- names → definitions ----------------------------------------------------------------------

    def _resolve(self, said: str) -> tuple[Definition, Resolve] | None:
        first, *rest = said.split(".")
        if first in self._names.definitions and not rest:
            return self._names.definitions[first], self._class_named
        if first not in self._names.imports:
            return None
        module, name, level = self._names.imports[first]
        names = [*([name] if name else []), *rest]
        if (module, level) == ("os", 0) and names[:1] == ["path"]:
            module, names = "os.path", names[1:]
        # os puts this module of its own under another name when it is loaded.
        module = "posixpath" if (module, level) == ("os.path", 0) else module
        return self._through(module, level, names, self._file, _HOPS) if names else None

    def _class_named(self, name: str) -> tuple[ast.ClassDef, Resolve] | None:
        found = self._resolve(name)
        return (found[0], found[1]) if found and isinstance(found[0], ast.ClassDef) else None

    def _through(
        self, module: str, level: int, names: list[str], origin: Module, hops: int
    ) -> tuple[Definition, Resolve] | None:
        """Follow an import to the one definition that it certainly means."""
        located = self._modules.related(origin, module, level)
        if located.missing or hops == 0:
            return None
        known = located.modules
        while len(known) == 1 and len(names) > 1 and (child := self._modules.child(known[0], names[0])):
            known, names = (child,), names[1:]
        content = known[0].place.read(known[0].file) if len(known) == 1 == len(names) and known[0].file else None
        inside = _names_of(content or b"from unknown import *")
        # What is defined below a star is what is meant, whatever the star brings.
        definition = inside.definitions.get(names[0])
        if inside.has_stars and (definition is None or definition.lineno < inside.last_star):
            return None
        if definition is not None:
            return definition, self._resolver_in(known[0], inside, hops)
        if names[0] in inside.imports and inside.imports[names[0]][1]:
            target, name, dots = inside.imports[names[0]]
            return self._through(target, dots, [name], known[0], hops - 1)
        return None

    def _resolver_in(self, module: Module, inside: _Names, hops: int) -> Resolve:
        def resolve(name: str) -> tuple[ast.ClassDef, Resolve] | None:
            first, *rest = name.split(".")
            found: tuple[Definition, Resolve] | None = None
            if first in inside.definitions and not rest:
                found = inside.definitions[first], self._resolver_in(module, inside, hops)
            elif first in inside.imports:
                target, own, dots = inside.imports[first]
                found = self._through(target, dots, [*([own] if own else []), *rest], module, hops - 1)
            return (found[0], found[1]) if found and isinstance(found[0], ast.ClassDef) else None

        return resolve


@dataclass(frozen=True)
class _Names:
    """The names of a file that mean one thing only: a definition at its top level, or (module, name, dots)."""

    definitions: dict[str, Definition]
    imports: dict[str, tuple[str, str, int]]
    has_stars: bool
    last_star: int = 0
    bound: frozenset[str] = frozenset()


@functools.lru_cache(maxsize=512)
def _names_of(content: bytes) -> _Names:
    tree = parsed(content)
    if tree is None:
        return _Names({}, {}, has_stars=True)
    count: dict[str, int] = {}
    imports: dict[str, tuple[str, str, int]] = {}
    has_stars, last_star = False, 0
    for node in every_node(tree):
        names = [node.arg] if isinstance(node, ast.arg) else list(bound_names(node))
        if isinstance(node, ast.Import):
            for alias in node.names:
                bound = alias.asname or alias.name.partition(".")[0]
                imports[bound] = (alias.name if alias.asname else bound, "", 0)
        elif isinstance(node, ast.ImportFrom):
            if node.names[0].name == "*":
                has_stars, last_star = True, node.lineno
            imports |= {alias.asname or alias.name: (node.module or "", alias.name, node.level) for alias in node.names}
        elif isinstance(node, _FUNCTIONS) and node not in tree.body:
            names = [] if _is_method(node, tree) else names
        for name in names:
            count[name] = count.get(name, 0) + 1
    definitions = {
        node.name: node
        for node in tree.body
        if isinstance(node, (*_FUNCTIONS, ast.ClassDef)) and count.get(node.name) == 1 and node.name not in imports
    }
    return _Names(
        definitions,
        {name: meant for name, meant in imports.items() if count.get(name) == 1},
        has_stars,
        last_star,
        frozenset(count),
    )


def _is_method(node: ast.AST, tree: ast.Module) -> bool:
    return id(node) in _method_ids(tree)


@functools.lru_cache(maxsize=64)
def _method_ids(tree: ast.Module) -> frozenset[int]:
    return frozenset(id(one) for node in every_node(tree) if isinstance(node, ast.ClassDef) for one in node.body)


@functools.lru_cache(maxsize=512)
def _assigned_attributes(content: bytes) -> frozenset[str]:
    tree = parsed(content)
    nodes = every_node(tree) if tree else ()
    return frozenset(
        node.attr for node in nodes if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load)
    )


def _is_abstract(node: ast.FunctionDef | ast.AsyncFunctionDef) -> bool:
    """Whether a method only stands for those of subclasses, which may take more."""
    body = [one for one in node.body if not (isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant))]
    return not body or all(isinstance(one, (ast.Pass, ast.Raise)) for one in body)
