"""All that some tests say: their literals, and what stands inside their texts, in names they use as data, in files."""

from __future__ import annotations

import ast
import doctest
import functools
import re
import string
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import PurePosixPath
from types import MappingProxyType
from typing import Final, TypeGuard

from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.integrity.answers.literals import value_of
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.run_log import file_of

_Function = ast.FunctionDef | ast.AsyncFunctionDef
_NUMBER: Final = re.compile(r"(?<![\w.])-?\d+(?:\.\d+)?(?![\w.])")
_EXAMPLE: Final = re.compile(r"^[ \t]*(?:>>>|\.\.\.) +(.+)$", re.MULTILINE)
"""A line of an example as a page of documentation has it."""
TOKEN: Final = re.compile(r"[^\W_]+(?:['_-][^\W_]+)*")
BEGINNING: Final = 8
_DEPTH: Final = 2
_MOST_NUMBERS: Final = 200
_SHORT_TEXT: Final = 200
_ROW: Final = 3
_SEVERAL_DIGITS: Final = 4
_MOST_DIGITS: Final = 15
_LARGEST: Final = 1e300


@dataclass(frozen=True)
class Said:
    """What some tests say.

    ``texts`` are their strings (case is folded), ``numbers`` stand alone or inside of texts, ``names`` are those of
    keyword arguments and attributes.
    ``given`` are numbers with the function and the parameter that they are given to, ``from_files`` all that stands in
    files of data, and ``raw`` the texts as they are written. ``keywords`` are the names of keyword arguments alone,
    ``defined`` those of the classes and functions that the files of these tests define, outside of other classes.
    """

    texts: frozenset[str] = frozenset()
    numbers: frozenset[float] = frozenset()
    names: frozenset[str] = frozenset()
    given: frozenset[tuple[str, str, float]] = frozenset()
    from_files: str = ""
    raw: frozenset[str] = frozenset()
    keywords: frozenset[str] = frozenset()
    defined: frozenset[str] = frozenset()

    @functools.cached_property
    def tokens(self) -> frozenset[str]:
        """The words of the texts."""
        return frozenset(token for text in self.texts for token in TOKEN.findall(text))

    @functools.cached_property
    def token_rows(self) -> frozenset[tuple[str, ...]]:
        """The words of each text of several."""
        rows = (tuple(TOKEN.findall(text)) for text in self.texts if len(text) <= _SHORT_TEXT)
        return frozenset(row for row in rows if len(row) >= _ROW)

    @functools.cached_property
    def joined(self) -> str:
        """All texts in one, to look for a piece."""
        return "\x00".join(sorted(self.texts))

    @functools.cached_property
    def by_beginning(self) -> dict[str, list[str]]:
        """The texts by their first letters, to find one inside of a longer text."""
        found: dict[str, list[str]] = {}
        for text in sorted(self.texts):
            if len(text) >= BEGINNING:
                found.setdefault(text[:BEGINNING], []).append(text)
        return found

    @functools.cached_property
    def arguments(self) -> frozenset[frozenset[float]]:
        """The numbers that are given to the same parameter of the same function."""
        places: dict[tuple[str, str], set[float]] = {}
        for function, place, number in self.given:
            places.setdefault((function, place), set()).add(number)
        return frozenset(map(frozenset, places.values()))

    def __or__(self, other: Said) -> Said:
        return Said(
            self.texts | other.texts,
            self.numbers | other.numbers,
            self.names | other.names,
            self.given | other.given,
            self.from_files + other.from_files,
            self.raw | other.raw,
            self.keywords | other.keywords,
            self.defined | other.defined,
        )


def said_by(
    tests: Mapping[str, bytes], names: Collection[str], files: Mapping[str, bytes] = MappingProxyType({})
) -> Said:
    """What the tests of these ids say. ``files`` are data of tests: read where a test names one, or has no source."""
    found = Said()
    for path in sorted({file_of(name) for name in names}):
        read = []
        if path in tests:
            wanted = frozenset(_parts(name) for name in names if file_of(name) == path)
            found |= _of_file(tests[path], wanted)
            generated = any(one[-1] not in _named(tests[path]) for one in wanted)
            read = [data for place, data in files.items() if _is_read(place, tests[path], generated)]
        elif path in files:  # examples in a page of documentation
            read = [files[path]]
            lines = frozenset(_EXAMPLE.findall(files[path].decode(errors="replace")))
            found |= Said(frozenset(map(str.casefold, lines)), raw=lines)
        found |= Said(from_files="\x00".join(one.decode(errors="replace").casefold() for one in read))
    return found


def _parts(test_id: str) -> tuple[str, ...]:
    return tuple(test_id.split("[", 1)[0].split("::")[1:]) or ("",)


def _is_read(place: str, test: bytes, is_generated: bool) -> bool:
    """Whether a test file names a file of data, by its name or (where tests are made from files) by its stem."""
    path = PurePosixPath(place)
    return path.name.encode() in test or (is_generated and len(path.stem) > 2 and path.stem.encode() in test)


@functools.lru_cache(maxsize=256)
def _named(content: bytes) -> frozenset[str]:
    tree = parsed(content)
    return frozenset(node.name for node in ast.walk(tree) if isinstance(node, _Function)) if tree else frozenset()


@functools.lru_cache(maxsize=64)
def _of_file(content: bytes, wanted: frozenset[tuple[str, ...]]) -> Said:
    tree = parsed(content)
    if tree is None:
        return Said()
    nodes: dict[int, ast.AST] = {}
    for function, owner in _functions(tree):
        parts = (owner.name, function.name) if owner else (function.name,)
        if parts in wanted or parts[-1:] in wanted or any(one[-2:] == parts for one in wanted):
            nodes.update((id(node), node) for node in _with_what_it_uses(function, owner, tree))
    said = _of_nodes([*nodes.values(), *_examples(tree, {one[-1].rpartition(".")[2] for one in wanted})])
    return replace(said, defined=_defined(tree))


def _defined(tree: ast.Module) -> frozenset[str]:
    """The names of classes and functions outside of classes: those within may be what the code asks for.

    A class that holds tests is no such class; but what it calls ``Meta`` is asked for by code that asks others for it.
    """
    classes = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    within = {id(one) for node in classes if not _holds_tests(node) for one in node.body}
    found = (node for node in ast.walk(tree) if isinstance(node, _Function | ast.ClassDef) and id(node) not in within)
    return frozenset(node.name for node in found)


def _holds_tests(node: ast.ClassDef) -> bool:
    return any(isinstance(one, _Function) and one.name.startswith("test") for one in node.body)


def _functions(tree: ast.Module) -> Iterator[tuple[_Function, ast.ClassDef | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ClassDef):
            yield from ((one, node) for one in node.body if isinstance(one, _Function))
    yield from ((one, None) for one in tree.body if isinstance(one, _Function))


def _with_what_it_uses(function: _Function, owner: ast.ClassDef | None, tree: ast.Module) -> list[ast.AST]:
    """A test, and what it uses by name: constants of its module and class, helpers, fixtures."""
    known = {**_by_name(tree), **(_by_name(owner) if owner else {})}
    found: list[ast.AST] = [function]
    found += [known[name] for name in ("setUp", "setup_method", "setUpClass") if owner and name in known]
    at = 0
    for _ in range(_DEPTH):
        for node in found[at:]:
            at += 1
            for name in sorted(_mentions(node) & known.keys()):
                if known[name] not in found and not name.startswith("test"):
                    found.append(known[name])
    return found


@functools.lru_cache(maxsize=256)
def _by_name(scope: ast.Module | ast.ClassDef) -> dict[str, ast.AST]:
    """What a module or a class defines by a name of its own."""
    known: dict[str, ast.AST] = {}
    for node in scope.body:
        if isinstance(node, _Function):
            known[node.name] = node
        for target in getattr(node, "targets", ()):
            if isinstance(target, ast.Name):
                known[target.id] = node
    return known


def _mentions(node: ast.AST) -> set[str]:
    found = {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
    found |= {one.attr for one in ast.walk(node) if isinstance(one, ast.Attribute)}
    if isinstance(node, _Function):
        found |= {one.arg for one in node.args.args}
    return found


def _of_nodes(nodes: Iterable[ast.AST]) -> Said:
    raw: set[str] = set()
    numbers: set[float] = set()
    names: set[str] = set()
    keywords: set[str] = set()
    given: set[tuple[str, str, float]] = set()
    for top in nodes:
        docstrings = {id(one) for one in _docstrings(top)}
        for node in ast.walk(top):
            if isinstance(node, ast.Constant) and id(node) not in docstrings:
                _take(node.value, raw, numbers)
            elif isinstance(node, ast.BinOp | ast.UnaryOp):
                _take(value_of(node), raw, numbers)
            elif isinstance(node, ast.Call):
                keywords.update(one.arg for one in node.keywords if one.arg)
                places = [(str(at), one) for at, one in enumerate(node.args)]
                places += [(one.arg or "", one.value) for one in node.keywords]
                values = [(place, value_of(one)) for place, one in places]
                given.update((called(node), place, float(v)) for place, v in values if is_number(v))
            elif isinstance(node, ast.Attribute):
                names.add(node.attr)
    texts = frozenset(text.casefold() for text in raw)
    return Said(
        texts,
        frozenset(numbers),
        frozenset(names | keywords),
        frozenset(given),
        raw=frozenset(raw),
        keywords=frozenset(keywords),
    )


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether a literal is a number that can be compared with others: one of hundreds of digits is a key or so."""
    return isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LARGEST


def _take(value: object, raw: set[str], numbers: set[float]) -> None:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, str):
        raw.add(value)
        numbers.update(float(one) for one in _NUMBER.findall(value)[:_MOST_NUMBERS])
        digits = "".join(sign for sign in value[:_SHORT_TEXT] if sign in string.digits)
        if _SEVERAL_DIGITS <= len(digits) <= _MOST_DIGITS:
            numbers.add(float(digits))
    elif is_number(value):
        numbers.add(float(value))


def _docstrings(top: ast.AST) -> Iterator[ast.AST]:
    for node in ast.walk(top):
        body = getattr(node, "body", None)
        if isinstance(body, list) and body and isinstance(body[0], ast.Expr):
            yield body[0].value


def _examples(tree: ast.Module, names: set[str]) -> Iterator[ast.AST]:
    """What the examples in docstrings ask, for tests that are doctests: ``module.Class.function``."""
    for node in ast.walk(tree):
        if not (isinstance(node, _Function | ast.ClassDef) and node.name in names):
            continue
        text = ast.get_docstring(node) or ""
        try:
            examples = doctest.DocTestParser().get_examples(text) if ">>>" in text else []
        except ValueError:
            continue
        for one in examples:
            code = parsed(one.source.encode(errors="replace"))
            yield from [code, ast.Constant(one.want)] if code else ()
