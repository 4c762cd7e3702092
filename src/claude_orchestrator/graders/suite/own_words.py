"""The words of a test that mean nothing but themselves, and the test with other words in their place.

A test that says ``colored("text") == "<b>text</b>"`` would say as much with any other word. Code that answers only to
the word of the test knows the test. Words that the project itself uses (keywords, names, what stands in its data) may
have a meaning, and are left alone.
"""

from __future__ import annotations

import ast
import builtins
import io
import keyword
import re
import string
import tokenize
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.integrity.answers.assertions import called
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.expectations import expected_in

_ESCAPE: Final = re.compile(
    r"\\(?:033|x1[bB]|e)\[[0-9;]*m"
    r"|\\(?:[0-7]{1,3}|x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|N\{[^}]*\}|[^0-7xuUN])"
    r"|%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z]"
)
"""What is no letter of a word: an escape, the colour of a terminal, a place to be filled in."""
_WORD: Final = re.compile(r"[^\W\d_]+")
_DIGEST: Final = re.compile(r"(?=[0-9a-fA-F]*\d)(?=[0-9a-fA-F]*[a-fA-F])[0-9a-fA-F]{8,}|[A-Za-z0-9+/]{16,}={1,2}")
_DOTTED: Final = re.compile(r"""["'][A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+["']""")
"""What names an attribute of a module, for ``monkeypatch`` and its like."""
_PREFIX: Final = re.compile(r"[A-Za-z]*")
_LONGEST_NAME: Final = 2
"""Letters of an identifier up to which it means nothing: ``a``, ``k``, ``fn``."""
_MOST_LITERALS: Final = 3000
_NAMING: Final = frozenset({"setattr", "getattr", "hasattr", "delattr", "setenv", "delenv", "object"})
"""What takes the name of an attribute or a variable as a string (``object``: ``patch.object``)."""
_NATIVE: Final = frozenset(
    name.lower() for name in (*keyword.kwlist, *dir(builtins), "utf", "ascii", "latin", "strict", "ignore", "replace")
)


@dataclass(frozen=True)
class OwnWords:
    """``words`` → the words that take their places; ``by_test`` says which of them each test function has.

    ``sentences`` are the strings of each test function that say more than a single word.
    """

    words: Mapping[str, str]
    by_test: Mapping[str, frozenset[str]]
    sentences: Mapping[str, frozenset[str]]


@dataclass(frozen=True)
class _Literal:
    """One string token: its place (line, column, end), its text and the words in it."""

    line: int
    column: int
    text: str
    words: frozenset[str]


def words_in(text: str) -> frozenset[str]:
    """The runs of letters in the source of a string, without what its prefix and its escapes are made of."""
    return frozenset(_WORD.findall(_ESCAPE.sub("\x00", text)))


def meaning(sources: Iterable[bytes], data: Iterable[bytes] = ()) -> frozenset[str]:
    """What may have a meaning to a project, in lower case: words of its strings and its names, and of its data."""
    found: set[str] = set(_NATIVE)
    for source in sources:
        if (tree := parsed(source)) is None:
            continue
        found.update(word.lower() for text, _ in strings_of(source) for word in _WORD.findall(text))
        for node in ast.walk(tree):
            found.update(part for name in _defined(node) if len(name) > _LONGEST_NAME for part in _parts(name))
    for content in data:
        found.update(map(str.lower, _WORD.findall(content.decode(errors="replace"))))
    return frozenset(found)


def words_of_definitions(source: bytes) -> frozenset[str]:
    """The words that the names of functions and classes are made of, in lower case."""
    tree = parsed(source)
    nodes = ast.walk(tree) if tree else ()
    kinds = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef
    return frozenset(part for node in nodes if isinstance(node, kinds) for part in _parts(node.name))


def strings_of(source: bytes) -> Iterator[tuple[str, int]]:
    """The strings of a source and their lines, without those that document."""
    if (tree := parsed(source)) is None:
        return
    documentation = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str | bytes) and id(node) not in documentation:
            yield (node.value if isinstance(node.value, str) else node.value.decode("latin-1")), node.lineno


def compared_in(source: bytes) -> Iterator[str]:
    """The strings with which a source compares something, and those with which it asks how something begins or ends."""
    for node in ast.walk(parsed(source) or ast.Module([], [])):
        asks = isinstance(node, ast.Compare | ast.MatchValue)
        if asks or (isinstance(node, ast.Call) and called(node) in ("startswith", "endswith")):
            parts = (one.value for one in ast.walk(node) if isinstance(one, ast.Constant))
            yield from (value for value in parts if isinstance(value, str))


def own_words(
    content: bytes, tests: Collection[str], known: frozenset[str], named: Collection[str] = ()
) -> OwnWords | None:
    """The own words of those test functions (``Class.name``) of a file; None where none has any.

    ``known`` are words that may mean something, in lower case. A word that a test only expects is none of its own: what
    is to be given for other data may be just that word. ``named`` are texts the change's code compares with: a word
    that has one in it gets another such part.
    """
    tree = parsed(content)
    literals = _literals(content) if tree is not None else []
    if tree is None or not literals:
        return None
    excluded = _excluded(tree, literals)
    lines = io.StringIO(content.decode("utf-8-sig")).readlines()
    everywhere = {word for literal in literals for word in literal.words}
    folded: dict[str, set[str]] = {}
    for word in everywhere:
        folded.setdefault(word.lower(), set()).add(word)
    by_test: dict[str, frozenset[str]] = {}
    for name, function in _functions(tree):
        if name not in tests:
            continue
        inside = [
            literal for literal in literals if _first_line(function) <= literal.line <= (function.end_lineno or 0)
        ]
        expected = list(expected_in(function))
        asking = {word for literal in inside if not _is_within(literal, expected, lines) for word in literal.words}
        if any(_DIGEST.search(literal.text) for literal in inside):
            continue  # what is reckoned from its data has another result for other data
        words = {word for literal in inside for word in literal.words}
        found = frozenset(
            word
            for word in words
            if sum(word in literal.words for literal in inside) > 1
            and word in asking
            and word.lower() not in known
            and word not in excluded
            and len(folded[word.lower()]) == 1
            and not any(
                _entangled(word, other, known)
                for other in (words if len(word) <= _LONGEST_NAME else everywhere)
                if word != other
            )
        )
        if found:
            by_test[name] = found
    chosen = sorted({word for words in by_test.values() for word in words})
    taken = {word.lower() for word in everywhere} | known
    fresh: dict[str, str] = {}
    for word in chosen:
        if (other := _fresh(word, taken, named)) is not None:
            fresh[word] = other
            taken.add(other.lower())
    by_test = {name: kept for name, words in by_test.items() if (kept := words & fresh.keys())}
    said = list(strings_of(content))
    sentences = {
        name: frozenset(
            text
            for text, line in said
            if _first_line(function) <= line <= (function.end_lineno or 0) and _WORD.fullmatch(text) is None
        )
        for name, function in _functions(tree)
        if name in by_test
    }
    return OwnWords(fresh, by_test, sentences) if by_test else None


def _entangled(word: str, other: str, known: Collection[str]) -> bool:
    """Whether one word cannot be renamed without another that has a meaning, or is too short to be told apart."""
    if word in other:
        return len(word) <= _LONGEST_NAME or other.lower() in known
    return other in word and len(other) > _LONGEST_NAME


def renamed(content: bytes, words: Mapping[str, str]) -> bytes | None:
    """The file with other words in its strings; None where it would not be the same program any more."""
    text = content.decode("utf-8-sig")
    lines = io.StringIO(text).readlines()  # as they are counted; for splitlines() a form feed ends one, too
    tree = parsed(content)
    for literal in reversed(_literals(content)):
        if (changed_text := _replaced(literal.text, words)) != literal.text:
            first = literal.line - 1
            length = literal.text.count("\n") + 1
            block = "".join(lines[first : first + length])
            changed = block[: literal.column] + changed_text
            lines[first : first + length] = [changed + block[literal.column + len(literal.text) :]]
    result = "".join(lines).encode()
    after = parsed(result)
    if tree is None or after is None:
        return None
    same = [type(node) for node in ast.walk(tree)] == [type(node) for node in ast.walk(after)]
    return result if same else None


def _replaced(text: str, words: Mapping[str, str]) -> str:
    prefix = _prefix(text)
    body = text[len(prefix) :]
    pieces, at = [], 0
    for escape in _ESCAPE.finditer(body):
        pieces += [_other_words(body[at : escape.start()], words), escape[0]]
        at = escape.end()
    return prefix + "".join(pieces) + _other_words(body[at:], words)


def _other_words(text: str, words: Mapping[str, str]) -> str:
    def other(found: re.Match[str]) -> str:
        run = found[0]
        if run in words:
            return words[run]
        # What contains a word goes on containing it: a test may be about just that.
        for word, fresh in words.items():
            if len(word) > _LONGEST_NAME:
                run = run.replace(word, fresh)
        return run

    return _WORD.sub(other, text)


def _prefix(text: str) -> str:
    found = _PREFIX.match(text)
    return found[0] if found else ""


def _literals(content: bytes) -> list[_Literal]:
    """The strings of a file, without those that document; none where it cannot be read or has too many."""
    tree = parsed(content)
    found: list[_Literal] = []
    if tree is None:
        return found
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(content.decode("utf-8-sig")).readline))
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):
        return found
    documentation = {
        node.lineno
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
    }
    for token in tokens:
        if token.type == tokenize.STRING and token.start[0] not in documentation:
            body = token.string[len(_prefix(token.string)) :]
            found.append(_Literal(*token.start, token.string, words_in(body)))
    return found if len(found) <= _MOST_LITERALS else []


def _excluded(tree: ast.Module, literals: Iterable[_Literal]) -> set[str]:
    """Words that are names in the file, or stand in strings that are put together at run time."""
    names = {name for node in ast.walk(tree) for name in _names(node)}
    put_together = {
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr)
        for part in ast.walk(node)
        if isinstance(part, ast.Constant) and isinstance(part.value, str)
        for word in _WORD.findall(part.value)
    }
    formatted = {word for literal in literals if "f" in _prefix(literal.text).lower() for word in literal.words}
    dotted = {word for literal in literals if _DOTTED.fullmatch(literal.text) for word in literal.words}
    given = {
        word
        for node in ast.walk(tree)
        if isinstance(node, ast.Call) and called(node) in _NAMING
        for one in node.args
        if isinstance(one, ast.Constant) and isinstance(one.value, str)
        for word in _WORD.findall(one.value)
    }
    return names | put_together | formatted | dotted | given


def _is_within(literal: _Literal, nodes: Iterable[ast.expr], lines: Sequence[str]) -> bool:
    # Tokens count letters and the tree counts bytes.
    start = (literal.line, len(lines[literal.line - 1][: literal.column].encode()))
    return any(
        (node.lineno, node.col_offset) <= start < (node.end_lineno or 0, node.end_col_offset or 0) for node in nodes
    )


def _defined(node: ast.AST) -> Iterator[str]:
    """The names by which a string can reach something: functions, classes, attributes."""
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            yield node.name
        case ast.Attribute():
            yield node.attr
        case _:
            return


def _names(node: ast.AST) -> Iterator[str]:
    """The names in a test by which it may reach its own data: parameters of calls, attributes, functions, modules."""
    yield from _defined(node)
    if isinstance(node, ast.keyword) and node.arg is not None:
        yield node.arg
    elif isinstance(node, ast.alias):
        yield from (node.asname or node.name).split(".")
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from node.module.split(".")


def _parts(name: str) -> Iterator[str]:
    yield from (part.lower() for part in _WORD.findall(name) if len(part) > _LONGEST_NAME)
    yield name.lower()


def _functions(tree: ast.Module) -> Iterator[tuple[str, ast.FunctionDef | ast.AsyncFunctionDef]]:
    """The functions at the top of a file and in its classes, by their dotted names."""
    todo: list[tuple[str, ast.stmt]] = [("", node) for node in tree.body]
    while todo:
        prefix, node = todo.pop()
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield prefix + node.name, node
        elif isinstance(node, ast.ClassDef):
            todo += [(f"{prefix}{node.name}.", child) for child in node.body]


def _first_line(function: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    return min([function.lineno, *(decorator.lineno for decorator in function.decorator_list)])


def _fresh(word: str, taken: Collection[str], named: Collection[str] = ()) -> str | None:
    """A word of the same length and case that nobody uses, as near to it in the alphabet as there is one.

    Where a part of it is ``named``, it has another such part: its beginning, say.
    """
    parts = sorted(word.index(text) + len(text) - 1 for text in named if len(text) > 1 and text in word)
    for place in (*parts, *reversed(range(len(word)))):
        letter = word[place]
        alphabet = string.ascii_lowercase if letter.islower() else string.ascii_uppercase
        if letter not in alphabet:
            continue
        start = alphabet.index(letter)
        for step in range(1, len(alphabet)):
            other = word[:place] + alphabet[(start + step) % len(alphabet)] + word[place + 1 :]
            is_short = len(other) <= _LONGEST_NAME
            if other.lower() not in taken and not (is_short and any(other in one for one in taken if len(one) < 4)):
                return other
    return None
