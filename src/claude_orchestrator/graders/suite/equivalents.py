"""Python that is written in another way and documented to do the same: one form for all of them.

Only what is certain is in here: what the language reference or the library reference calls the same.
"""

from __future__ import annotations

import ast
import builtins
import string
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

_OS_ERRORS: Final = frozenset({"IOError", "EnvironmentError", "WindowsError"})
_ERROR_OF: Final = frozenset({"socket", "select", "os"})
"""Modules whose ``error`` is OSError."""
_RENAMED: Final = {"notifyAll": "notify_all", "currentThread": "current_thread", "activeCount": "active_count"}
_TYPES_OF_SIX: Final = {"text_type": "str", "string_types": "str", "binary_type": "bytes", "integer_types": "int"}
_VIEWS_OF_SIX: Final = {"iteritems": "items", "iterkeys": "keys", "itervalues": "values"}
_UTF8: Final = frozenset({"utf-8", "utf8", "UTF-8", "UTF8"})
_CONVERSIONS: Final = {"s": ord("s"), "r": ord("r"), "a": ord("a"), None: -1, "": -1}
_NO_TUPLES: Final = frozenset({"str", "repr", "len", "int", "float", "type", "id", "hex"})
_BUILTINS: Final = frozenset(vars(builtins))
_OLDEST: Final = (3, 7)
"""Every Python that anybody runs this on is as new."""
_MAJOR: Final = {
    "sys.version_info[0] == 2": False, "sys.version_info[0] < 3": False,
    "sys.version_info[0] == 3": True, "sys.version_info[0] >= 3": True, "sys.version_info[0] > 2": True,
}  # fmt: skip


def result_of_short(node: ast.AST) -> ast.expr | None:
    """What a ``def`` gives that says no more than ``name = lambda …: …`` would; None for all others."""
    if not isinstance(node, ast.FunctionDef) or node.decorator_list:
        return None
    body = node.body[1:] if ast.get_docstring(node, clean=False) is not None else node.body
    return body[0].value if len(body) == 1 and isinstance(body[0], ast.Return) else None


def plain(node: ast.AST, owner: str) -> ast.AST:
    """The one form of a node, its parts as they are; ``owner`` is the class that it is written in."""
    if isinstance(node, ast.Call) and _is_own_super(node, owner):
        return ast.Call(node.func, [], [])
    form = _FORMS.get(type(node))
    simpler = form(node) if form else node
    return simpler if type(simpler) is type(node) else plain(simpler, owner)


def plain_block(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """The statements of a block without ``else`` after what leaves the block, and without branches nothing enters."""
    for node in body:
        if isinstance(node, ast.If):
            is_live = _decided(node.test)
            if is_live is not None:
                yield from plain_block(node.body if is_live else node.orelse)
                continue
            if node.orelse and isinstance(node.body[-1], ast.Return | ast.Raise | ast.Continue | ast.Break):
                yield ast.copy_location(ast.If(node.test, node.body, []), node)
                yield from plain_block(node.orelse)
                continue
        yield node


def _decided(test: ast.expr) -> bool | None:
    """What a question for the version of Python says on each that is in use; None: that depends."""
    said = ast.unparse(test).replace("sys.version_info.major", "sys.version_info[0]")
    name = said.removeprefix("not ").removeprefix("six.").removeprefix("compat.")
    if name in ("PY2", "PY3"):
        return (name == "PY3") != said.startswith("not ")
    if said.startswith(("sys.version_info >= (", "sys.version_info < (")) and isinstance(test, ast.Compare):
        is_old = _is_old(test.comparators[0]) and len(test.ops) == 1
        return isinstance(test.ops[0], ast.GtE) if is_old else None
    return _MAJOR.get(said)


def _is_old(version: ast.expr) -> bool:
    parts = (
        [one.value for one in version.elts if isinstance(one, ast.Constant)] if isinstance(version, ast.Tuple) else []
    )
    numbers = tuple(part for part in parts if isinstance(part, int))
    return isinstance(version, ast.Tuple) and 0 < len(numbers) == len(version.elts) and numbers <= _OLDEST


def builtin_aliases(body: Iterable[ast.stmt]) -> dict[str, str]:
    """Other names that the code of a module gives to builtins, like ``izip = zip`` where there is no ``izip``."""
    found: dict[str, set[str]] = {}
    for node in body:
        if isinstance(node, ast.Try | ast.If | ast.Assign):
            for one in ast.walk(node):
                if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                    name, value = one.targets[0].id, one.value
                    if not (isinstance(value, ast.Attribute) and value.attr == name):
                        found.setdefault(name, set()).add(value.id if isinstance(value, ast.Name) else "")
    only = {name: targets.pop() for name, targets in found.items() if len(targets) == 1}
    return {name: target for name, target in only.items() if target in _BUILTINS}


# -- forms ------------------------------------------------------------------------------------------


def _function(node: ast.FunctionDef) -> ast.AST:
    value = result_of_short(node)
    return ast.Assign([ast.Name(node.name, ast.Store())], ast.Lambda(node.args, value)) if value is not None else node


def _return(node: ast.Return) -> ast.AST:
    return ast.Return(None) if isinstance(node.value, ast.Constant) and node.value.value is None else node


def _negation(node: ast.UnaryOp) -> ast.AST:
    """``not x is y``, ``not x in y``."""
    if isinstance(node.op, ast.Not) and isinstance(node.operand, ast.Compare) and len(node.operand.ops) == 1:
        compared = node.operand
        other = {ast.Is: ast.IsNot, ast.In: ast.NotIn, ast.IsNot: ast.Is, ast.NotIn: ast.In}.get(type(compared.ops[0]))
        return ast.Compare(compared.left, [other()], compared.comparators) if other else node
    return node


def _name(node: ast.Name) -> ast.AST:
    return ast.Name("OSError", node.ctx) if node.id in _OS_ERRORS else node


def _attribute(node: ast.Attribute) -> ast.AST:
    base = node.value.id if isinstance(node.value, ast.Name) else ""
    if node.attr == "error" and base in _ERROR_OF:
        return ast.Name("OSError", node.ctx)
    if base == "six" and node.attr in _TYPES_OF_SIX:
        return ast.Name(_TYPES_OF_SIX[node.attr], node.ctx)
    return ast.Attribute(node.value, _RENAMED[node.attr], node.ctx) if node.attr in _RENAMED else node


def _is_own_super(node: ast.Call, owner: str) -> bool:
    said = ast.unparse(node) if isinstance(node.func, ast.Name) and node.func.id == "super" else ""
    return bool(owner) and said in (f"super({owner}, self)", f"super({owner}, cls)")


def _call(node: ast.Call) -> ast.AST:
    if isinstance(node.func, ast.Attribute):
        return _call_of_method(node, node.func)
    name = node.func.id if isinstance(node.func, ast.Name) else ""
    if name == "open" and len(node.args) == 2 and _text(node.args[1]) == "r":
        return ast.Call(node.func, node.args[:1], node.keywords)
    if name == "next" and node.args and _is_view_of_six(node.args[0]):
        # What became of it can be gone through, and is no iterator any more.
        return ast.Call(node.func, [ast.Call(ast.Name("iter", ast.Load()), node.args[:1], []), *node.args[1:]], [])
    return _set(node, node.args[0]) if name == "set" and len(node.args) == 1 else _collection(node, name)


def _set(node: ast.Call, only: ast.expr) -> ast.AST:
    if isinstance(only, ast.List | ast.Tuple) and only.elts:
        return ast.Set(only.elts)
    return ast.SetComp(only.elt, only.generators) if isinstance(only, ast.ListComp | ast.GeneratorExp) else node


def _collection(node: ast.Call, name: str) -> ast.AST:
    """``list()``, ``tuple()``, ``dict()``, ``dict(a=1)``."""
    if node.args or not all(one.arg for one in node.keywords):
        return node
    if name == "dict":
        return ast.Dict([ast.Constant(one.arg or "") for one in node.keywords], [one.value for one in node.keywords])
    empty = {"list": ast.List([], ast.Load()), "tuple": ast.Tuple([], ast.Load())}.get(name)
    return empty if empty and not node.keywords else node


def _call_of_method(node: ast.Call, function: ast.Attribute) -> ast.AST:
    called, only = function.attr, node.args[0] if len(node.args) == 1 and not node.keywords else None
    if called in ("encode", "decode") and _text(only) in _UTF8:
        return ast.Call(function, [], [])
    if called == "format" and (text := _text(function.value)) is not None:
        return _formatted(text, node) or node
    if called == "replace" and not node.args and _is_without_zone(node.keywords):
        return _in_utc(function.value) or node
    owner = function.value.id if isinstance(function.value, ast.Name) else ""
    if owner == "six" and called in _VIEWS_OF_SIX and only is not None:
        return ast.Call(ast.Attribute(only, _VIEWS_OF_SIX[called], ast.Load()), [], [])
    if owner == "typing" and called == "cast" and len(node.args) == 2:
        return node.args[1]
    return node


def _is_view_of_six(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and ast.unparse(node.func) in {f"six.{name}" for name in _VIEWS_OF_SIX}


def _is_without_zone(keywords: list[ast.keyword]) -> bool:
    return len(keywords) == 1 and keywords[0].arg == "tzinfo" and ast.unparse(keywords[0].value) == "None"


def _in_utc(node: ast.expr) -> ast.AST | None:
    """``now(timezone.utc)`` and ``fromtimestamp(t, timezone.utc)``, whose time zone is taken away, as ``utcnow()``."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute):
        return None
    values = [*node.args, *(one.value for one in node.keywords if one.arg in ("tz", "tzinfo"))]
    if len(values) != len(node.args) + len(node.keywords) or not values or not _is_utc(values[-1]):
        return None
    old = {("now", 1): "utcnow", ("fromtimestamp", 2): "utcfromtimestamp"}.get((node.func.attr, len(values)))
    return ast.Call(ast.Attribute(node.func.value, old, ast.Load()), values[:-1], []) if old else None


def _is_utc(node: ast.expr) -> bool:
    return ast.unparse(node) in (
        "timezone.utc",
        "datetime.timezone.utc",
        "UTC",
        "datetime.UTC",
        "dt.timezone.utc",
        "dt.UTC",
    )


# -- texts with values in them ----------------------------------------------------------------------


def _formatted(text: str, call: ast.Call) -> ast.AST | None:
    """``"…{}…".format(x)`` as an f-string: where each argument stands in it once, in their order."""
    if call.keywords or any(isinstance(one, ast.Starred) for one in call.args):
        return None
    parts: list[ast.expr] = []
    used = 0
    try:
        pieces = list(string.Formatter().parse(text))
    except ValueError:
        return None
    named = {name for _, name, _, _ in pieces if name is not None}
    if "" in named and len(named) > 1:
        return None  # Python refuses to number them by itself and by hand
    for before, name, spec, conversion in pieces:
        parts += [ast.Constant(before)] if before else []
        if name is None:
            continue
        if name not in ("", str(used)) or used >= len(call.args) or "{" in (spec or ""):
            return None
        shown = ast.JoinedStr([ast.Constant(spec)]) if spec else None
        parts.append(ast.FormattedValue(call.args[used], _CONVERSIONS.get(conversion, -1), shown))
        used += 1
    return _joined(parts) if used == len(call.args) else None


def _interpolated(node: ast.BinOp) -> ast.AST:
    """``"…%s…" % (x,)`` as an f-string."""
    if not isinstance(node.op, ast.Mod):
        return node
    text = _text(node.left) or ""
    values = node.right.elts if isinstance(node.right, ast.Tuple) else [node.right] if _is_no_tuple(node.right) else []
    if "\0" in text or not values or any(isinstance(one, ast.Starred) for one in values):
        return node
    parts: list[ast.expr] = []
    pieces = text.replace("%%", "\0").split("%")
    if len(pieces) != len(values) + 1 or any(piece[:1] not in ("s", "r") for piece in pieces[1:]):
        return node
    for number, piece in enumerate(pieces):
        if number:
            parts.append(ast.FormattedValue(values[number - 1], _CONVERSIONS[piece[0]], None))
        said = (piece[1:] if number else piece).replace("\0", "%")
        parts += [ast.Constant(said)] if said else []
    return _joined(parts)


def _f_string(node: ast.JoinedStr) -> ast.AST:
    return _joined(node.values)


def _joined(parts: list[ast.expr]) -> ast.JoinedStr:
    """An f-string whose neighbouring texts are one, and that does not ask for ``str`` where it gets that anyway."""
    joined: list[ast.expr] = []
    for part in parts:
        said, last = _text(part), _text(joined[-1]) if joined else None
        if said is not None and last is not None:
            joined[-1] = ast.Constant(last + said)
        elif isinstance(part, ast.FormattedValue) and part.conversion == ord("s") and part.format_spec is None:
            joined.append(ast.FormattedValue(part.value, -1, None))
        else:
            joined.append(part)
    return ast.JoinedStr(joined)


def _is_no_tuple(node: ast.expr) -> bool:
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Name) and node.func.id in _NO_TUPLES
    return isinstance(node, ast.Constant | ast.JoinedStr)


def _text(node: ast.expr | None) -> str | None:
    return node.value if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


_FORMS: Final[dict[type, Callable[[Any], ast.AST]]] = {
    ast.FunctionDef: _function,
    ast.Return: _return,
    ast.UnaryOp: _negation,
    ast.Name: _name,
    ast.Attribute: _attribute,
    ast.Call: _call,
    ast.BinOp: _interpolated,
    ast.JoinedStr: _f_string,
}
