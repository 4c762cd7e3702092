"""What an expression always gives, calls of classes and the like included, in a form that can be compared."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, is_name, value_of, weight

_SAME: Final = frozenset({"list", "tuple", "iter", "copy", "deepcopy", "dict", "set", "frozenset", "sorted"})
_KINDS: Final = frozenset({"callee", "name", "keyword"})
_DEPTH: Final = 6
_LARGEST: Final = 50_000
"""Parts of what a name stands for: names of names of names can stand for more than there is memory."""
_NAME_HEFT: Final = 0.5
_KEY_HEFT: Final = 0.25


def form_of(node: ast.expr | None, names: Mapping[str, ast.expr], depth: int = _DEPTH) -> Value:
    """The value of an expression that depends on nothing; else ``MISSING``.

    ``names`` says what the names in it stand for. Calls are known by the last part of what is called; what they are
    called on has to be a name as well, and their arguments have to depend on nothing.
    """
    value = value_of(node)
    if value != MISSING or node is None or depth == 0:
        return value
    match node:
        case ast.Name():
            meant = names.get(node.id)
            found = form_of(meant, names, depth - 1) if meant is not None else MISSING
            found = found if _size(found) < _LARGEST else MISSING
        case ast.Tuple() | ast.List() | ast.Set():
            kind = "{" if isinstance(node, ast.Set) else "["
            found = _collected(kind, _forms_of(node.elts, names, depth))
        case ast.Dict():
            keys = _forms_of(node.keys, names, depth)
            values = _forms_of(node.values, names, depth)
            found = _collected("{:", [_collected("[", list(pair)) for pair in zip(keys, values, strict=False)])
            found = found if len(keys) == len(values) else MISSING
        case ast.BinOp():
            sides = _forms_of([node.left, node.right], names, depth)
            found = _collected(type(node.op).__name__, sides)
        case ast.Call():
            found = _made(node, names, depth)
        case _:
            found = MISSING
    return found


def _forms_of(nodes: Iterable[ast.expr | None], names: Mapping[str, ast.expr], depth: int) -> list[Value]:
    """The forms of some expressions up to the first that has none: then the whole has none."""
    found: list[Value] = []
    for node in nodes:
        found.append(form_of(node, names, depth))
        if found[-1] == MISSING:
            break
    return found


def _size(form: Value) -> int:
    """How many parts a form has; no more are counted than matter."""
    found, todo = 0, [form]
    while todo and found < _LARGEST:
        one = todo.pop()
        found += 1
        todo += one if isinstance(one, tuple) else ()
    return found


def _made(node: ast.Call, names: Mapping[str, ast.expr], depth: int) -> Value:
    callee = maker_of(node.func)
    if callee is None or any(keyword.arg is None for keyword in node.keywords):
        return MISSING
    parts = _forms_of(node.args, names, depth)
    if callee in _SAME and len(parts) == 1 and not node.keywords:
        return parts[0]
    given = [(one.arg, form_of(one.value, names, depth)) for one in node.keywords]
    if given and not parts:
        return _collected("{:", [_collected("[", [name, value]) for name, value in given])
    words: list[Value] = [MISSING if value == MISSING else ("keyword", name) for name, value in given]
    return _collected("call", [("callee", callee), *parts, *words, *(value for _, value in given)])


def maker_of(node: ast.expr) -> str | None:
    """The last name of what is called, when that is a name, also one in a module; "" for the class of an object."""
    if isinstance(node, ast.Name):
        return "" if node.id == "cls" else node.id
    if isinstance(node, ast.Attribute):
        if node.attr == "__class__":
            return ""
        return node.attr if isinstance(node.value, ast.Name) and node.value.id not in ("self", "cls") else None
    is_type = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "type"
    return "" if is_type else None


def _collected(kind: str, parts: list[Value]) -> Value:
    if MISSING in parts:
        return MISSING
    return (kind, *sorted(parts, key=repr)) if kind.startswith("{") else (kind, *parts)


def is_composite(form: Value) -> bool:
    """Whether a form has parts."""
    return isinstance(form, tuple) and len(form) > 1 and form[0] not in (*_KINDS, "constant", "raises", "missing")


def parts_of(form: Value) -> Iterator[Value]:
    """A form and all that is in it, without the names of what is called."""
    if isinstance(form, tuple) and form[:1] and form[0] in _KINDS:
        return
    yield form
    if is_composite(form) and isinstance(form, tuple):
        for part in form[1:]:
            yield from parts_of(part)


def leaves_of(form: Value) -> list[Value]:
    """The plain values in a form."""
    return [one for one in parts_of(form) if not is_composite(one)]


def heft(form: Value) -> float:
    """How much data there is in a form: what nobody would write again by chance weighs most, names weigh little."""
    if not is_composite(form) or not isinstance(form, tuple):
        return min(weight(form), _NAME_HEFT) if is_name(form) else weight(form)
    if form[0] == "{:":
        pairs = [one for one in form[1:] if isinstance(one, tuple) and len(one) == 3]
        return sum((_KEY_HEFT if is_name(key) else heft(key)) + heft(value) for _, key, value in pairs)
    return sum(heft(part) for part in form[1:] if not (isinstance(part, tuple) and part[0] in _KINDS))


def has_data(form: Value) -> bool:
    """Whether there is more in a form than names, yes and no, and the numbers that everything begins with."""
    values = leaves_of(_without_keys(form))
    return any(weight(one) > 0 and not is_name(one) for one in values)


def _without_keys(form: Value) -> Value:
    if not is_composite(form) or not isinstance(form, tuple):
        return form
    if form[0] == "{:":
        return ("[", *(_without_keys(pair[2]) for pair in form[1:] if isinstance(pair, tuple) and len(pair) == 3))
    return (form[0], *(_without_keys(part) for part in form[1:]))


def shown(node: ast.AST) -> str:
    """An expression in a message."""
    return " ".join(ast.unparse(node).split())[:80]
