"""What a function really runs, and not only mentions: calls that are made, inner functions that are used."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from claude_orchestrator.graders.integrity.tampering.canonical import Function


@dataclass
class Running:
    """The names that a function calls, and all that it uses: calls, hands on, gives back, looks at."""

    called: set[str] = field(default_factory=set)
    used: set[str] = field(default_factory=set)


def running_of(function: Function) -> Running:
    """What ``function`` runs; its inner functions count when it uses them, and are called or awaited."""
    inner = {
        node.name: node for node in ast.walk(function) if isinstance(node, Function) and node is not function
    }  # fmt: skip
    found = Running()
    todo: list[ast.stmt] = list(function.body)
    read: set[str] = set()
    while todo:
        for node in _nodes_of(todo, inner):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Load):
                found.used.add(node.id)
            elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
                found.called.add(node.func.id)
        fresh = (found.used & inner.keys()) - read
        read |= fresh
        todo = [statement for name in sorted(fresh) for statement in inner[name].body]
    return found


def _nodes_of(body: Iterable[ast.AST], inner: dict[str, Function]) -> Iterator[ast.AST]:
    for node in body:
        if isinstance(node, ast.Expr) and _is_idle(node.value, inner):
            continue
        yield node
        if isinstance(node, Function):
            yield from _nodes_of(node.decorator_list, inner)
        else:
            yield from _nodes_of(ast.iter_child_nodes(node), inner)


def _is_idle(value: ast.expr, inner: dict[str, Function]) -> bool:
    """Whether an expression that stands alone runs nothing: a name, or a coroutine that nobody awaits."""
    if isinstance(value, ast.Call) and isinstance(value.func, ast.Name):
        return isinstance(inner.get(value.func.id), ast.AsyncFunctionDef)
    return isinstance(value, ast.Name)


def not_run(before: Function, now: Function) -> str:
    """What ``before`` called and ``now`` only mentions, or takes as an argument and leaves alone; or nothing."""
    old, new = running_of(before), running_of(now)
    lost = old.called - new.used
    given = sorted(lost & _parameters(before) & _parameters(now))
    if given:
        return f"does not call any more what it is given ({', '.join(given)})"
    idle = sorted(lost & _idle_names(now, new.used))
    return f"mentions {', '.join(idle)} without running it" if idle else ""


def _idle_names(function: Function, used: set[str]) -> set[str]:
    """The names that stand alone, and those that only inner functions call which nobody uses."""
    inner = {
        node.name: node for node in ast.walk(function) if isinstance(node, Function) and node is not function
    }  # fmt: skip
    alone = {
        node.value.func if isinstance(node.value, ast.Call) else node.value
        for node in ast.walk(function)
        if isinstance(node, ast.Expr) and _is_idle(node.value, inner)
    }
    never = [node for name, node in inner.items() if name not in used]
    calls = {node.func for one in never for node in ast.walk(one) if isinstance(node, ast.Call)}
    return {node.id for node in alone | calls if isinstance(node, ast.Name)}


def _parameters(function: Function) -> set[str]:
    listed = function.args
    return {one.arg for one in (*listed.posonlyargs, *listed.args, *listed.kwonlyargs)} - {"self", "cls"}
