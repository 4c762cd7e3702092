"""What the results of a function depend on: its parameters, or nothing."""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value
from claude_orchestrator.graders.integrity.hollow.forms import form_of, maker_of
from claude_orchestrator.graders.integrity.tampering.canonical import Function

FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef
_Scope = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda


@dataclass(frozen=True)
class Result:
    """One expression that a function gives back. ``form`` is ``MISSING`` when it is not always the same."""

    node: ast.expr
    form: Value
    guards: tuple[ast.expr, ...] = ()


class Flow:
    """Follows the data through one function; ``constants`` are what names of the module stand for."""

    def __init__(self, function: _Scope, constants: Mapping[str, ast.expr]) -> None:
        self.function = function
        self.given = [one.arg for one in _arguments(function)]
        self.body: list[ast.stmt] = function.body if isinstance(function, Function) else [ast.Return(function.body)]
        self._constants = constants

    @cached_property
    def dependent(self) -> frozenset[str]:
        """The parameters, and the names of what was made of them, or under a condition about them."""
        found = set(self.given)
        size = -1
        while size != len(found):
            size = len(found)
            for node, is_governed in _governed(self.body, found):
                touched = _coloured(node, found, is_governed=is_governed)
                # What is given once is the same wherever it is given at all.
                is_fixed = self._stored.get(_only_target(node)) == 1 and not _mentions(node, found)
                found.update(() if is_fixed else touched)
        return frozenset(found)

    @cached_property
    def names(self) -> Mapping[str, ast.expr]:
        """What the names stand for that are given a value once and for all."""
        local = {
            target: node.value  # type: ignore[attr-defined]
            for node in _own_nodes(self.body)
            if (target := _only_target(node)) and self._stored[target] == 1
        }
        free = {name: value for name, value in self._constants.items() if name not in self._stored}
        return {name: value for name, value in {**free, **local}.items() if name not in self.dependent}

    @cached_property
    def _stored(self) -> Counter[str]:
        """How often each name is given something, or what it stands for may be changed."""
        found: Counter[str] = Counter()
        for node in _own_nodes(self.body):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store | ast.Del):
                found[node.id] += 1
            elif isinstance(node, ast.Call | ast.Subscript | ast.Attribute) and (changed := _changed_by(node)):
                found[changed] += 1
        return found

    @cached_property
    def results(self) -> list[Result]:
        """All that the function gives back, with the conditions that it stands under."""
        found = [Result(value, self._form(value), guards) for value, guards in _given_back(self.body, ())]
        returned = {one.node.id for one in found if isinstance(one.node, ast.Name)} & self.dependent
        return [*found, *(Result(value, self._form(value), guards) for value, guards in self._chosen(returned))]

    @cached_property
    def kept(self) -> list[Result]:
        """What the function puts into its object, or into what it is given, and that is always the same."""
        found = []
        for node, guards in _with_guards(self.body, ()):
            target = node.targets[0] if isinstance(node, ast.Assign) else None
            is_own = isinstance(target, ast.Attribute | ast.Subscript) and _root(target) in self.given
            if isinstance(node, ast.Assign) and is_own and (form := self._form(node.value)) != MISSING:
                found.append(Result(node.value, form, guards))
        return found

    def _form(self, node: ast.expr) -> Value:
        return MISSING if self.depends(node) else form_of(node, self.names)

    def _chosen(self, names: set[str]) -> Iterator[tuple[ast.expr, tuple[ast.expr, ...]]]:
        """What some names are given under a condition."""
        for node, guards in _with_guards(self.body, ()):
            if guards and _only_target(node) in names:
                yield node.value, guards  # type: ignore[attr-defined]

    def depends(self, node: ast.AST) -> bool:
        """Whether something of the parameters is in an expression; the class of an object is not."""
        todo: list[ast.AST] = [node]
        while todo:
            one = todo.pop()
            if isinstance(one, ast.Call) and maker_of(one.func) == "":
                todo.extend((*one.args, *one.keywords))
            elif isinstance(one, ast.Name) and one.id in self.dependent:
                return True
            else:
                todo.extend(ast.iter_child_nodes(one))
        return False

    @cached_property
    def has_effects(self) -> bool:
        """Whether the function does something to what it is given, or with it, beside giving something back."""
        for node in _own_nodes(self.body):
            if isinstance(node, ast.Expr) and isinstance(node.value, ast.Call | ast.Await) and self.depends(node.value):
                return True
            if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
                return True
            if isinstance(node, ast.Global | ast.Nonlocal | ast.With | ast.AsyncWith):
                return True
        return False


def constants_of(tree: ast.Module | None) -> dict[str, ast.expr]:
    """What the names of a module stand for, where it gives them a value once."""
    found: dict[str, list[ast.expr]] = {}
    for node in tree.body if tree else ():
        name = _only_target(node)
        if name:
            found.setdefault(name, []).append(node.value)  # type: ignore[attr-defined]
    return {name: values[0] for name, values in found.items() if len(values) == 1}


def _arguments(function: _Scope) -> list[ast.arg]:
    listed = function.args
    more = [one for one in (listed.vararg, listed.kwarg) if one is not None]
    return [*listed.posonlyargs, *listed.args, *listed.kwonlyargs, *more]


def _own_nodes(body: list[ast.stmt]) -> Iterator[ast.AST]:
    """The nodes of a block, without those of functions and classes in it."""
    todo: list[ast.AST] = list(reversed(body))
    while todo:
        node = todo.pop()
        yield node
        if not isinstance(node, Function | ast.ClassDef | ast.Lambda):
            todo.extend(reversed(list(ast.iter_child_nodes(node))))


def _only_target(node: ast.AST) -> str:
    """The name that an assignment gives to something."""
    if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
        return node.targets[0].id
    is_named = isinstance(node, ast.AnnAssign | ast.NamedExpr) and isinstance(node.target, ast.Name)
    return node.target.id if is_named and node.value is not None else ""  # type: ignore[attr-defined]


def _changed_by(node: ast.Call | ast.Subscript | ast.Attribute) -> str:
    """The name of what a method is called on, or a part of which is set."""
    if isinstance(node, ast.Call):
        return _root(node.func) if isinstance(node.func, ast.Attribute) else ""
    return "" if isinstance(node.ctx, ast.Load) else _root(node)


def _root(node: ast.expr) -> str:
    while isinstance(node, ast.Attribute | ast.Subscript | ast.Starred):
        node = node.value
    return node.id if isinstance(node, ast.Name) else ""


def _names_in(node: ast.AST) -> set[str]:
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}


def _mentions(node: ast.AST, names: set[str]) -> bool:
    return not names.isdisjoint(_names_in(node))


def _governed(body: list[ast.stmt], dependent: set[str], *, above: bool = False) -> Iterator[tuple[ast.stmt, bool]]:
    """The statements of a block, and whether they stand under a condition about the dependent names."""
    for node in body:
        yield node, above
        inner = above or any(not dependent.isdisjoint(_names_in(one)) for one in _heads(node))
        for block in _blocks(node):
            yield from _governed(block, dependent, above=inner)
            # What comes after an early end stands under its condition, too: that decides no value, only whether.


def _heads(node: ast.stmt) -> list[ast.AST]:
    match node:
        case ast.If() | ast.While():
            return [node.test]
        case ast.For() | ast.AsyncFor():
            return [node.iter]
        case ast.Match():
            return [node.subject]
        case ast.With() | ast.AsyncWith():
            return list(node.items)
        case ast.Try():
            return list(node.body)  # what is raised depends on what is done
    return []


def _blocks(node: ast.stmt) -> list[list[ast.stmt]]:
    if isinstance(node, Function | ast.ClassDef):
        return []
    found = [block for name in ("body", "orelse", "finalbody") if (block := getattr(node, name, None))]
    return [*found, *(one.body for one in (*getattr(node, "handlers", ()), *getattr(node, "cases", ())))]


def _coloured(node: ast.stmt, dependent: set[str], *, is_governed: bool) -> set[str]:
    """The names to which a statement hands on what depends on the parameters."""
    if isinstance(node, ast.Return):
        return set()  # nothing comes after it
    if isinstance(node, Function | ast.ClassDef):
        return set() if dependent.isdisjoint(_names_in(node)) else {node.name}
    found: set[str] = set()
    own = [one for one in ast.iter_child_nodes(node) if not isinstance(one, ast.stmt | ast.ExceptHandler)]
    touched = is_governed or any(not dependent.isdisjoint(_names_in(one)) for one in own)
    if not touched:
        return found
    for one in (part for child in own for part in ast.walk(child)):
        if isinstance(one, ast.Name) and isinstance(one.ctx, ast.Store):
            found.add(one.id)
        elif isinstance(one, ast.Attribute | ast.Subscript) and not isinstance(one.ctx, ast.Load):
            found.add(_root(one))
        elif isinstance(one, ast.Call):
            found.add(_root(one.func) if isinstance(one.func, ast.Attribute) else "")
            found.update(_root(argument) for argument in one.args)
    return found - {""}


def _given_back(body: list[ast.stmt], guards: tuple[ast.expr, ...]) -> Iterator[tuple[ast.expr, tuple[ast.expr, ...]]]:
    """The values of ``return`` and ``yield``, each with the conditions around it."""
    for node, around in _with_guards(body, guards):
        if isinstance(node, ast.Return) and node.value is not None:
            yield node.value, around
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Yield | ast.YieldFrom) and node.value.value:
            yield node.value.value, around


def _with_guards(body: list[ast.stmt], guards: tuple[ast.expr, ...]) -> Iterator[tuple[ast.stmt, tuple[ast.expr, ...]]]:
    """The statements of a block, each with the conditions around it."""
    for node in body:
        yield node, guards
        around = guards
        if isinstance(node, ast.If | ast.While):
            around = (*guards, node.test)
        elif isinstance(node, ast.For):
            around = (*guards, node.iter)
        for block in _blocks(node):
            yield from _with_guards(block, around)
