"""Functions that do no work: in place of it they give something of the same kind (extreme mutation).

Source of the rule: a function that can be emptied without any test noticing is only run by the tests, and not tested
(R. Niedermayr, E. Juergens, S. Wagner, Will my tests tell me if I break this code?, CSED 2016).
"""

from __future__ import annotations

import ast
import functools
import itertools
import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from claude_orchestrator.graders.parsing import has_plain_places, parsed

_Function = ast.FunctionDef | ast.AsyncFunctionDef

OTHER: Final[Mapping[str, str]] = {
    "str": '"Qz7"', "bytes": 'b"Qz7"', "int": "70001", "float": "70001.5", "list": "[70001]", "tuple": "(70001,)",
    "set": "{70001}", "frozenset": "frozenset({70001})", "dict": '{"Qz7": 70001}', "bool": "True",
    "nothing": "None", "other": "object()",
}  # fmt: skip
"""A kind of value → one of them that hardly anybody expects."""
PLAIN: Final[Mapping[str, str]] = {
    "str": '""', "bytes": 'b""', "int": "0", "float": "0.0", "list": "[]", "tuple": "()", "set": "set()",
    "frozenset": "frozenset()", "dict": "{}",
}  # fmt: skip
"""A kind of value → the plainest of them, which nearly every test that asks for a kind or a range lets through."""
_MADE: Final[Mapping[str, str]] = {
    "str": "str", "repr": "str", "format": "str", "join": "str", "chr": "str", "strip": "str", "lstrip": "str",
    "rstrip": "str", "replace": "str", "lower": "str", "upper": "str", "title": "str", "capitalize": "str",
    "removeprefix": "str", "removesuffix": "str", "sub": "str", "hexdigest": "str", "dumps": "str", "dedent": "str",
    "decode": "str", "encode": "bytes", "bytes": "bytes", "len": "int", "int": "int", "ord": "int", "float": "float",
    "list": "list", "sorted": "list", "split": "list", "splitlines": "list", "findall": "list", "tuple": "tuple",
    "set": "set", "frozenset": "frozenset", "dict": "dict", "bool": "bool", "isinstance": "bool", "any": "bool",
    "all": "bool", "issubclass": "bool", "hasattr": "bool", "callable": "bool", "startswith": "bool",
    "endswith": "bool", "Counter": "dict", "OrderedDict": "dict", "defaultdict": "dict",
}  # fmt: skip
_LITERALS: Final[tuple[tuple[type[ast.expr], str], ...]] = (
    (ast.JoinedStr, "str"), (ast.List, "list"), (ast.ListComp, "list"), (ast.Tuple, "tuple"), (ast.Dict, "dict"),
    (ast.DictComp, "dict"), (ast.Set, "set"), (ast.SetComp, "set"), (ast.Compare, "bool"),
)  # fmt: skip
_UNTOUCHED: Final = frozenset(
    {
        "__new__", "__init_subclass__", "__set_name__", "__getattr__", "__getattribute__", "__class_getitem__",
    }
)  # fmt: skip
"""Methods without whose work an object is none."""
_DEPTH: Final = 4


@dataclass(frozen=True)
class Idle:
    """A function that can be emptied: its name, where its work stands (bytes), and what it gives in its place.

    ``kind`` is that of what it gives; ``kept`` is a constructor that only keeps things, which stays as it is.
    """

    path: str
    name: str
    line: int
    span: tuple[int, int]
    kind: str
    gives: str
    is_refusing: bool
    """Whether it gives nothing and raises errors: then to do nothing is what it does when all is well."""


def idle_functions(path: str, content: bytes, places: Collection[tuple[str, int]]) -> list[Idle]:
    """The functions of a file, of those at ``places`` (dotted name and line), that can do without their work."""
    tree = parsed(content)
    if tree is None or not has_plain_places(content):
        return []
    try:
        kinds = _Kinds(tree)
        found = [
            _idle(path, content, name, node, owner, kinds)
            for name, node, owner in _functions(tree)
            if (name, node.lineno) in places and node.name not in _UNTOUCHED
        ]
    except (RecursionError, ValueError):  # nested too deeply, or a number that cannot be written
        return []
    return [one for one in found if one is not None]


def emptied(content: bytes, functions: Collection[Idle], *, truth: str = "True") -> bytes:
    """A file with some functions emptied; ``truth`` is what those give that say yes or no."""
    for one in sorted(functions, key=lambda one: one.span, reverse=True):
        gives = one.gives.replace(OTHER["bool"], truth) if one.kind == "bool" else one.gives
        content = content[: one.span[0]] + gives.encode() + content[one.span[1] :]
    return content


def _functions(tree: ast.Module) -> Iterator[tuple[str, _Function, ast.ClassDef | None]]:
    stack: list[tuple[ast.stmt, str, ast.ClassDef | None]] = [(node, "", None) for node in tree.body]
    while stack:
        node, prefix, owner = stack.pop()
        if isinstance(node, _Function):
            yield f"{prefix}{node.name}", node, owner
        elif isinstance(node, ast.ClassDef):
            stack += [(one, f"{prefix}{node.name}.", node) for one in node.body]
        elif isinstance(node, ast.If | ast.Try):
            blocks = [node.body, node.orelse, *(one.body for one in getattr(node, "handlers", ()))]
            stack += [(one, prefix, owner) for block in blocks for one in block]


@functools.lru_cache(maxsize=4)
def _line_starts(content: bytes) -> tuple[int, ...]:
    """Where each line of a file begins."""
    return (0, *itertools.accumulate(len(line) + 1 for line in content.split(b"\n")))


def _idle(
    path: str, content: bytes, name: str, node: _Function, owner: ast.ClassDef | None, kinds: _Kinds
) -> Idle | None:
    body = node.body
    docstring = isinstance(body[0], ast.Expr) and isinstance(body[0].value, ast.Constant)
    body = body[1:] if docstring and len(body) > 1 else body
    starts = _line_starts(content)
    first, last = body[0], body[-1]
    line = min([first.lineno, *(one.lineno for one in getattr(first, "decorator_list", ()))])
    column = first.col_offset
    if last.end_lineno is None or last.end_col_offset is None:
        return None
    span = (starts[line - 1] + column, starts[last.end_lineno - 1] + last.end_col_offset)
    if node.name == "__init__" and all(map(_keeps, body)):
        return Idle(path, name, node.lineno, (span[0], span[0]), "kept", "", is_refusing=False)
    own = list(_own_nodes(node))
    if any(isinstance(one, ast.Yield | ast.YieldFrom) for one in own):
        return Idle(path, name, node.lineno, span, "generator", "yield 70001", is_refusing=False)
    kind = kinds.of_function(node, owner)
    value = OTHER.get(kind, kind)
    refuses = kind == "nothing" and any(isinstance(one, ast.Raise | ast.Assert) for one in own)
    return Idle(path, name, node.lineno, span, kind, f"return {value}", refuses)


def _keeps(node: ast.stmt) -> bool:
    """Whether a statement of a constructor only keeps something as it is: that is no work."""
    if isinstance(node, ast.Assign | ast.AnnAssign):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        is_own = all(isinstance(one, ast.Attribute) and ast.unparse(one.value) == "self" for one in targets)
        return is_own and (node.value is None or isinstance(node.value, ast.Name | ast.Constant))
    return isinstance(node, ast.Expr) and ast.unparse(node).startswith("super().__init__(")


def _own_nodes(node: ast.AST) -> Iterator[ast.AST]:
    """What is in a function, without the functions and classes in it."""
    stack: list[ast.AST] = list(node.body) if isinstance(node, _Function) else [node]
    while stack:
        one = stack.pop()
        yield one
        if not isinstance(one, _Function | ast.ClassDef | ast.Lambda):
            stack.extend(ast.iter_child_nodes(one))


@dataclass
class _Kinds:
    """What kind of value functions give, as far as their source says so."""

    tree: ast.Module
    functions: dict[str, list[tuple[_Function, ast.ClassDef | None]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for _, node, owner in _functions(self.tree):
            self.functions.setdefault(node.name, []).append((node, owner))

    def of_function(self, node: _Function, owner: ast.ClassDef | None, depth: int = _DEPTH) -> str:
        """The kind that a function gives most often, besides None; a parameter's name where it gives what it got."""
        own = list(_own_nodes(node))
        values = [one.value for one in own if isinstance(one, ast.Return) and one.value is not None]
        values = [one for one in values if not (isinstance(one, ast.Constant) and one.value is None)]
        if not values:
            has_none = any(isinstance(one, ast.Return) and one.value is not None for one in own)
            return "other" if has_none else "nothing"
        given = [one.arg for one in (*node.args.posonlyargs, *node.args.args)]
        if stated := self._of_annotation(node.returns, owner if given[:1] == ["self"] else None):
            return stated
        names = {target.id: one.value for one in own if isinstance(one, ast.Assign) for target in one.targets
                 if isinstance(target, ast.Name)}  # fmt: skip
        names |= {
            one.target.id: one.value
            for one in own
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name) and one.value is not None
        }
        found = Counter(self._of(one, names, owner, given, depth) for one in values)
        found.pop("", None)
        found.pop("other", None)
        return found.most_common(1)[0][0] if found else "other"

    def _of_annotation(self, node: ast.expr | None, owner: ast.ClassDef | None) -> str:
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            text = node.value
        else:
            text = ast.unparse(node) if node is not None else ""
        name = text.replace("| None", "").removeprefix("Optional[").strip().partition("[")[0].rpartition(".")[2]
        if owner is not None and name in (owner.name, "Self"):
            return "self"
        return name.lower() if name in OTHER or name in ("List", "Dict", "Tuple", "Set") else ""

    def _of(
        self, node: ast.expr, names: Mapping[str, ast.expr], owner: ast.ClassDef | None, given: list[str], depth: int
    ) -> str:
        if depth == 0:
            return ""
        for kind, name in _LITERALS:
            if isinstance(node, kind):
                return name
        sides: list[ast.expr] = []
        found = ""
        match node:
            case ast.Constant():
                found = type(node.value).__name__
            case ast.UnaryOp(op=ast.Not()):
                found = "bool"
            case ast.Name() if node.id in given:
                return node.id
            case ast.Name() if node.id in names:
                sides = [names[node.id]]
            case ast.BinOp():
                sides = [node.left, node.right]
            case ast.IfExp():
                sides = [node.body, node.orelse]
            case ast.BoolOp():
                sides = node.values
            case ast.Call():
                return self._of_call(node, owner, given, depth)
        kinds = (self._of(one, names, owner, given, depth - 1) for one in sides)
        return next((one for one in kinds if one), found if found in OTHER else "")

    def _of_call(self, node: ast.Call, owner: ast.ClassDef | None, given: list[str], depth: int) -> str:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        text = ast.unparse(node.func)
        if owner is not None and given[:1] == ["self"] and text in (owner.name, "self.__class__", "type(self)"):
            return "self"
        if re.fullmatch(r"_?[A-Z]\w*[a-z]\w*", text) and text not in _MADE:
            return f"object.__new__({text})"
        called = self.functions.get(name, [])
        if called and not (isinstance(node.func, ast.Attribute) and name in _MADE):
            kinds = {self.of_function(one, its, depth - 1) for one, its in called[:3]} if depth > 1 else set()
            return kinds.pop() if len(kinds) == 1 and kinds <= OTHER.keys() else ""
        return _MADE.get(name, "")
