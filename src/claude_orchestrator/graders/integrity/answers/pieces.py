"""The literals by which code tells things apart: what it compares with, looks up, looks for, or matches."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, parts_of, value_of
from claude_orchestrator.graders.integrity.answers.oddness import SPACED
from claude_orchestrator.graders.parsing import parsed

_Scope = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
_METHODS: Final = frozenset(
    {
        "startswith", "endswith", "removeprefix", "removesuffix", "__eq__", "__contains__", "find", "index", "rfind",
        "count", "partition", "rpartition", "issubset", "issuperset", "isdisjoint", "intersection", "fnmatch",
        "eq", "ne", "contains",
    }
)  # fmt: skip
_FIRST_ONLY: Final = frozenset({"replace", "split", "rsplit"})
_PATTERNS: Final = frozenset({"compile", "match", "search", "fullmatch", "sub", "subn", "findall", "finditer"})
_LOOKS_UP: Final = frozenset({"get", "pop", "setdefault", "__getitem__"})
_IS_PATTERN: Final = re.compile(r"\\[wsdbSWDB]|\(\?[:P=!<]|\[[^]]+\][*+?{]|[.\])][*+]")
_CLASS: Final = re.compile(r"(?<!\\)\[\^?\]?(?:\\.|[^]\\])*\]")
_GROUP: Final = re.compile(r"\(\?(?:P<\w+>|P=\w+\)|[aiLmsux-]+:|[:=!>]|<[=!])")
_BREAK: Final = re.compile(r"\\[wWdDsSbBAZnrt]|(?:\\x\w\w)|[*+?]|\{\d*,?\d*\}|[.^$()]|\x00")
_REPEATED: Final = re.compile(r"\\?.[*?]|\\?.\{0?,\d*\}")

_PAIR: Final = 2
_LONGEST_PATTERN: Final = 2000
"""Letters of a regular expression that is read: longer ones are made by programs, or to keep us busy."""

Kind = Literal["equal", "one of", "part", "pattern", "keys", "same set", "sub set", "answer", "exception", "key of"]
"""How the literals of one place are used; ``answer``: given back; ``exception``: beside what takes any word;
``key of``: one that something is asked for."""


_Found = tuple[Kind, tuple[Value, ...], frozenset[Value]]
_Names = Mapping[str, ast.expr]


@dataclass(frozen=True)
class Listing:
    """The literals of one place in code. ``answers`` are the values of a table; ``line`` counts from 1."""

    symbol: str
    line: int
    text: str
    kind: Kind
    values: tuple[Value, ...]
    answers: frozenset[Value] = frozenset()


@functools.lru_cache(maxsize=512)
def listings_in(content: bytes) -> tuple[Listing, ...]:
    """All of a file, in order."""
    tree = parsed(content)
    if tree is None:
        return ()
    return tuple(_Reader(tree).read())


class _Reader:
    def __init__(self, tree: ast.Module) -> None:
        self.tree = tree
        self.shared = _named_in(tree)
        self.seen: set[int] = set()

    def read(self) -> Iterator[Listing]:
        yield from self._of_scope(self.tree, "", self.shared)

    def _of_scope(self, scope: _Scope, symbol: str, names: _Names) -> Iterator[Listing]:
        todo: list[ast.AST] = [scope.body] if isinstance(scope, ast.Lambda) else list(reversed(scope.body))
        if isinstance(scope, ast.FunctionDef | ast.AsyncFunctionDef):
            names = {**names, **_defaults(scope)}
            todo += [*scope.decorator_list, *(one for one in scope.args.defaults)]
        while todo:
            node = todo.pop()
            if isinstance(node, ast.Lambda):
                yield from self._of_scope(node, symbol or f"lambda {node.lineno}", names)
            elif isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
                own = f"{symbol}.{node.name}" if symbol else node.name
                yield from self._of_scope(node, own, {**names, **_named_in(node)})
            elif not isinstance(node, ast.Raise | ast.Assert):
                for found in self._of_node(node, names):
                    yield Listing(
                        symbol,
                        getattr(node, "lineno", getattr(getattr(node, "iter", None), "lineno", 0)),
                        _short(node),
                        *found,
                    )
                todo.extend(reversed(list(ast.iter_child_nodes(node))))

    def _of_node(self, node: ast.AST, names: _Names) -> Iterator[_Found]:
        match node:
            case ast.Compare():
                yield from self._of_comparison(node, names)
            case ast.Call():
                yield from self._of_call(node, names)
            case ast.Subscript(ctx=ast.Load(), slice=ast.Constant(value=str() as key)):
                yield "key of", (key,), frozenset()
            case ast.Subscript(ctx=ast.Load()):
                yield from self._of_table(node.value, node.slice, names)
            case ast.Assign(targets=[ast.Subscript(slice=ast.Constant() as key)]):
                yield "keys", tuple(_leaves(key)), frozenset(_leaves(node.value))
            case ast.Constant() | ast.JoinedStr() if _is_pattern(node):
                yield from self._of_pattern(node)
            case ast.Match():
                yield from self._of_match(node)
            case ast.Return() | ast.IfExp():
                given = [node.body, node.orelse] if isinstance(node, ast.IfExp) else [getattr(node, "value", None)]
                yield "answer", tuple(value for one in given for value in _plain(one)), frozenset()
            case ast.For() | ast.AsyncFor() | ast.comprehension():
                place = self._meant(node.iter, names)
                if isinstance(place, ast.List | ast.Tuple | ast.Set):
                    yield "one of", tuple(_leaves(place)), frozenset()
                    yield from _of_rows(place)

    def _of_call(self, node: ast.Call, names: _Names) -> Iterator[_Found]:
        name = called(node)
        if not node.args:
            return
        if name in _METHODS | _FIRST_ONLY:
            arguments = node.args[:1] if name in _FIRST_ONLY else node.args
            others = node.args[1:2] if name == "replace" else []
            answers = frozenset(value for one in others for value in _leaves(self._meant(one, names)))
            yield "part", tuple(value for one in arguments for value in _leaves(self._meant(one, names))), answers
        if isinstance(node.func, ast.Attribute):
            place = self._meant(node.func.value, names)
            if name in ("index", "count", "__contains__") and isinstance(place, ast.List | ast.Tuple | ast.Set):
                yield "one of", tuple(_leaves(place)), frozenset()
            if name in _LOOKS_UP:
                yield from self._of_table(node.func.value, node.args[0], names)
        for one in node.args:
            if isinstance(one, ast.List | ast.Tuple | ast.Set) and name not in _METHODS:
                yield "one of", tuple(_leaves(one)), frozenset()
        if name in _PATTERNS:
            yield from self._of_pattern(self._meant(node.args[0], names))

    def _of_match(self, node: ast.Match) -> Iterator[_Found]:
        asked: list[ast.expr] = []
        for case in node.cases:
            for one in ast.walk(case.pattern):
                asked += [one.value] if isinstance(one, ast.MatchValue) else getattr(one, "keys", ())
        returned = [one.value for case in node.cases for one in case.body if isinstance(one, ast.Return)]
        answers = frozenset(value for one in returned for value in _leaves(one))
        yield "keys", tuple(value for one in asked for value in _leaves(one)), answers

    def _of_pattern(self, node: ast.expr) -> Iterator[_Found]:
        whole = value_of(node)
        parts = [one for one in _leaves(node) if isinstance(one, str | bytes)] if whole == MISSING else [whole]
        texts = [one.decode(errors="replace") if isinstance(one, bytes) else one for one in parts]
        texts = [one for one in texts if len(str(one)) <= _LONGEST_PATTERN]
        runs = tuple(run for text in texts if isinstance(text, str) for run in runs_of(text))
        if runs and id(node) not in self.seen:
            self.seen.update(map(id, ast.walk(node)))
            yield "pattern", runs, frozenset()
            yield (
                "exception",
                tuple(one for text in texts if isinstance(text, str) for one in _exceptions(text)),
                frozenset(),
            )

    def _of_comparison(self, node: ast.Compare, names: _Names) -> Iterator[_Found]:
        sides = [node.left, *node.comparators]
        for left, operator, right in zip(sides, node.ops, sides[1:], strict=False):
            if isinstance(operator, ast.Lt | ast.Gt | ast.LtE | ast.GtE):
                for one in (left, right):
                    meant = self._meant(one, names)
                    if isinstance(meant, ast.Set):
                        yield "sub set", tuple(_leaves(meant)), frozenset()
                continue
            if isinstance(operator, ast.In | ast.NotIn):
                place = self._meant(right, names)
                if value_of(left) != MISSING or isinstance(left, ast.JoinedStr):
                    yield "part", tuple(_leaves(left)), frozenset()
                elif isinstance(place, ast.Dict):
                    yield "keys", _keys(place), frozenset(v for one in place.values for v in _leaves(one))
                else:
                    yield "one of", tuple(_leaves(place)), frozenset()
                continue
            for one, other in ((left, right), (right, left)):
                meant = self._meant(one, names)
                if value_of(other) == MISSING and (value_of(meant) != MISSING or isinstance(meant, ast.JoinedStr)):
                    is_same_set = (
                        _is_set(meant)
                        or isinstance(meant, ast.Dict)
                        or (isinstance(meant, ast.List | ast.Tuple) and _is_listing(other))
                    )
                    values = tuple(_leaves(meant))
                    if (
                        isinstance(meant, ast.List | ast.Tuple)
                        and not is_same_set
                        and all(isinstance(v, str) for v in values)
                    ):
                        values = (*values, " ".join(map(str, values)))
                    yield "same set" if is_same_set else "equal", values, frozenset()

    def _of_table(self, place: ast.expr, key: ast.expr, names: _Names) -> Iterator[_Found]:
        table = self._meant(place, names)
        if isinstance(table, ast.Call) and called(table) in ("dict", "MappingProxyType", "OrderedDict", "defaultdict"):
            keys = tuple(one.arg for one in table.keywords if one.arg)
            if keys:
                yield "keys", keys, frozenset(value for one in table.keywords for value in _leaves(one.value))
            inner = table.args[-1] if table.args else None
            if isinstance(inner, ast.Call) and called(inner) == "zip" and len(inner.args) == _PAIR:
                asked, answers = (self._meant(one, names) for one in inner.args)
                yield "keys", tuple(_leaves(asked)), frozenset(_leaves(answers))
            yield from _of_rows(self._meant(inner, names)) if inner else ()
            table = inner if isinstance(inner, ast.Dict) else table
        if isinstance(table, ast.Dict) and value_of(key) == MISSING:
            yield "keys", _keys(table), frozenset(value for one in table.values for value in _leaves(one))

    def _meant(self, node: ast.expr, names: _Names, depth: int = 4) -> ast.expr:
        """What a name stands for; a list of words that is split; else the expression itself."""
        if depth == 0:
            return node
        meant: ast.expr | None = None
        if isinstance(node, ast.Name):
            meant = names.get(node.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id in ("self", "cls"):
            meant = names.get(node.attr)
        elif isinstance(node, ast.Call):
            return self._made(node, names, depth)
        return node if meant is None else self._meant(meant, names, depth - 1)

    def _made(self, node: ast.Call, names: _Names, depth: int) -> ast.expr:
        name = called(node)
        items: list[ast.expr] = []
        if name in ("set", "frozenset", "tuple", "list", "sorted") and node.args:
            inner = self._meant(node.args[0], names, depth - 1)
            if isinstance(inner, ast.Constant) and isinstance(inner.value, str):
                items = [ast.Constant(one) for one in inner.value]
            elif isinstance(inner, ast.List | ast.Tuple | ast.Set):
                items = list(inner.elts)
            elif isinstance(inner, ast.Dict):
                items = [one for one in inner.keys if one is not None]
        elif name in ("split", "splitlines") and isinstance(node.func, ast.Attribute):
            text = value_of(self._meant(node.func.value, names, depth - 1))
            by = value_of(node.args[0]) if node.args else None
            if isinstance(text, str) and (by is None or isinstance(by, str)) and by != "":
                words = text.splitlines() if name == "splitlines" else text.split(by)
                items = [ast.Constant(one) for one in words]
        if not items:
            return node
        made: ast.expr = ast.Set(items) if "set" in name else ast.Tuple(items, ast.Load())
        return ast.copy_location(made, node)


def _is_pattern(node: ast.Constant | ast.JoinedStr) -> bool:
    """Whether a text looks like a regular expression, and not like prose."""
    texts = [one for one in _leaves(node) if isinstance(one, str)]
    return (
        all(len(text) <= _LONGEST_PATTERN for text in texts)
        and any(map(_IS_PATTERN.search, texts))
        and not any("\n\n" in text for text in texts)
    )


def _named_in(scope: ast.AST) -> dict[str, ast.expr]:
    """The literals, collections and patterns that a scope gives a name, once."""
    found: dict[str, ast.expr] = {}
    many: set[str] = set()
    for node in ast.iter_child_nodes(scope):
        for one in ast.walk(node) if isinstance(node, ast.If | ast.Try | ast.With | ast.For | ast.While) else [node]:
            targets = (
                one.targets if isinstance(one, ast.Assign) else [one.target] if isinstance(one, ast.AnnAssign) else []
            )
            value = getattr(one, "value", None)
            for target in targets:
                if isinstance(target, ast.Name):
                    many |= {target.id} & found.keys()
                    if isinstance(
                        value, ast.Dict | ast.List | ast.Tuple | ast.Set | ast.Call | ast.Constant | ast.BinOp
                    ):
                        found[target.id] = value
    return {key: value for key, value in found.items() if key not in many}


def _defaults(function: ast.FunctionDef | ast.AsyncFunctionDef) -> dict[str, ast.expr]:
    """The tables that are defaults of parameters."""
    listed = [*function.args.posonlyargs, *function.args.args]
    pairs = [*zip(reversed(listed), reversed(function.args.defaults), strict=False)]
    pairs += [
        (one, value) for one, value in zip(function.args.kwonlyargs, function.args.kw_defaults, strict=True) if value
    ]
    return {one.arg: value for one, value in pairs if isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set)}


def _of_rows(place: ast.expr) -> Iterator[_Found]:
    """A list of questions and answers, as the table that it is."""
    pairs = [one.elts for one in getattr(place, "elts", ()) if len(getattr(one, "elts", ())) == _PAIR]
    if pairs:
        answers = frozenset(value for pair in pairs for value in _leaves(pair[1]))
        yield "keys", tuple(value for pair in pairs for value in _leaves(pair[0])), answers


def _keys(table: ast.Dict) -> tuple[Value, ...]:
    return tuple(value for key in table.keys if key is not None for value in _leaves(key))


def _is_set(node: ast.expr) -> bool:
    return isinstance(node, ast.Set) or (isinstance(node, ast.Call) and called(node) in ("set", "frozenset"))


def _is_listing(node: ast.expr) -> bool:
    """Whether an expression is a list of all that something has."""
    return isinstance(node, ast.Call) and called(node) in ("sorted", "list", "tuple", "keys", "set")


def _leaves(node: ast.expr | None) -> Iterator[Value]:
    """The plain values in a literal, in a collection of literals, or between the places of an f-string."""
    if node is None:
        return
    if isinstance(node, ast.JoinedStr):
        yield from (one.value for one in node.values if isinstance(one, ast.Constant))
        return
    value = value_of(node)
    if value != MISSING:
        yield from (part for part in parts_of(value) if isinstance(part, str | bytes | int | float))
    elif isinstance(node, ast.List | ast.Tuple | ast.Set):
        for one in node.elts:
            yield from _leaves(one)
    elif isinstance(node, ast.Dict):
        for key in node.keys:
            yield from _leaves(key)


def _exceptions(pattern: str) -> Iterator[str]:
    """The texts of several words that are alternatives to a class of characters."""
    for group in re.findall(r"\((?:\?:)?([^()]*\|[^()]*)\)", pattern):
        alternatives = group.split("|")
        if any(re.fullmatch(r"(?:\\\w|\[[^]]+\]|\.)[+*]", one) for one in alternatives):
            yield from (one for one in alternatives if SPACED.search(one))


def _plain(node: ast.expr | None) -> Iterator[Value]:
    return _leaves(node) if isinstance(node, ast.Constant | ast.UnaryOp) else iter(())


def runs_of(pattern: str) -> tuple[str, ...]:
    """The texts that a regular expression takes as they are: its alternatives, between its classes and repetitions."""
    text = _GROUP.sub("|", _CLASS.sub("\x00", pattern.replace("\\\\", "\x00")))
    found = []
    for alternative in re.split(r"(?<!\\)[|()]", text):
        cut = _REPEATED.sub("\x00", re.sub(r"\\s[+*]?|\[ \]", " ", alternative))
        for run in re.split(_BREAK_OUT, cut):
            plain = re.sub(r"\\(.)", r"\1", run)
            if plain.strip():
                found.append(plain)
    return tuple(dict.fromkeys(found))


_BREAK_OUT: Final = re.compile(rf"(?<!\\)(?:{_BREAK.pattern})")


def _short(node: ast.AST) -> str:
    return " ".join(ast.unparse(node).split())[:80]
