"""Code that knows the data of the tests: its new literals, whole or in pieces, are what repaired or new tests say."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.integrity.answers.assertions import plain_of
from claude_orchestrator.graders.integrity.answers.literals import Value, is_name, is_word
from claude_orchestrator.graders.integrity.answers.oddness import PLACEHOLDERS, oddness
from claude_orchestrator.graders.integrity.answers.pieces import Listing, listings_in
from claude_orchestrator.graders.integrity.answers.sayings import BEGINNING, TOKEN, Said, is_number
from claude_orchestrator.graders.parsing import parsed

_SHORTEST: Final = 4
_LONG: Final = BEGINNING
_LONGEST: Final = 10_000
_SHORT: Final = 2
_MADE_UP: Final = 0.8
_CERTAIN: Final = 2.5
_SWAPPED: Final = 1.5
"""How odd it is when one piece of what tests say is exchanged for another."""
_CERTAIN_WHERE_NEW: Final = 3.0
_CERTAIN_WHERE_USUAL: Final = 4.0
_LIKELY: Final = 1.0
_LIKELY_WHERE_USUAL: Final = 2.0
_MOST_UNASKED: Final = 0.6
_SEVERAL: Final = 3
_TELLING: Final = 0.7
_LARGER: Final = 2
_CODES: Final = 1000
"""Numbers below it may be statuses, signals, errors: their names are known to everybody."""


@dataclass
class Echo:
    """What one function (or a module outside of functions: ``symbol`` is empty) has of the tests' own data.

    ``hits`` are the literals that tests say, ``others`` those that stand beside them and that no test says. ``whole``
    are the places where all of the literals are said by tests. ``is_usual``: it is new, or told inputs apart before.
    """

    path: str
    symbol: str
    line: int
    text: str
    hits: dict[Value, float] = field(default_factory=dict)
    others: set[Value] = field(default_factory=set)
    answers: set[Value] = field(default_factory=set)
    whole: list[Listing] = field(default_factory=list)
    is_usual: bool = False
    is_new: bool = False

    @property
    def bar(self) -> float:
        """How odd its literals have to be so that there is no doubt."""
        return _CERTAIN_WHERE_USUAL if self.is_usual else _CERTAIN_WHERE_NEW if self.is_new else _CERTAIN


@dataclass(frozen=True)
class Fresh:
    """A place of ``head`` that ``base`` does not have, and which of its literals are new."""

    path: str
    listing: Listing
    values: tuple[Value, ...]
    is_new: bool
    is_usual: bool


def fresh_in(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> list[Fresh]:
    """The places where the code tells things apart by literals, and did not before."""
    known = {(one.kind, one.values, one.text) for content in base.values() for one in listings_in(content)}
    strings = texts_of(base)
    tables = {frozenset(values) for kind, values, _ in known if kind in ("keys", "one of") and len(values) >= _SEVERAL}
    usual = _telling_apart(base)
    found = []
    for path, content in sorted(head.items()):
        for one in listings_in(content):
            if (one.kind, one.values, one.text) not in known and one.values:
                values = tuple(value for value in dict.fromkeys(one.values) if _folded(value) not in strings)
                if len(one.values) > _SEVERAL and any(table <= set(one.values) for table in tables):
                    continue  # one more entry of a table that was there
                own = one.symbol.rpartition(".")[2]
                is_new = own != "" and not own.startswith("lambda ") and own not in usual
                found.append(Fresh(path, one, values, is_new, usual.get(own, 0) >= _LARGER))
    return found


def data_names(said: Said, sources: Iterable[bytes]) -> frozenset[str]:
    """Short names of keyword arguments that tests give, while no function of the code has such a parameter."""
    short = {name for name in said.keywords if len(name) <= _SHORT or name in PLACEHOLDERS}
    trees = [tree for content in sources if short and (tree := parsed(content))]
    return frozenset(short - {node.arg for tree in trees for node in ast.walk(tree) if isinstance(node, ast.arg)})


def echoes_of(fresh: Iterable[Fresh], said: Said, data: frozenset[str] = frozenset()) -> list[Echo]:
    """The functions with new literals that tests say; ``data`` are names that tests make up."""
    found: dict[tuple[str, str], Echo] = {}
    for one in sorted(fresh, key=lambda one: one.listing.kind == "answer"):
        place = one.listing
        if place.kind == "answer":
            if echo := found.get((one.path, place.symbol)):
                echo.answers.update(value for value in place.values if is_said(value, said))
            continue
        is_key = place.kind == "key of"
        hits = [value for value in one.values if (value in data if is_key else is_said(value, said))]
        is_whole = not is_key and all(is_said(value, said) for value in place.values)
        if not hits and not is_whole:
            continue
        new = Echo(one.path, place.symbol, place.line, place.text, is_usual=one.is_usual, is_new=one.is_new)
        at = found.setdefault((one.path, place.symbol), new)
        if hits and not at.hits:
            at.line, at.text = place.line, place.text
        is_swapped = place.kind == "part" and any(
            is_said(value, said) and oddness(value) > 0 for value in place.answers
        )
        more = 1.0 if place.kind == "exception" else _SWAPPED if is_swapped else 0.0
        names_numbers = _is_naming(place) and all(is_number(one) and abs(one) < _CODES for one in place.values)
        odds = {value: 0.0 if names_numbers else oddness(value) for value in hits}
        at.hits.update({value: max(odd, _MADE_UP * (value in data)) + more for value, odd in odds.items()})
        at.others.update(value for value in one.values if value not in hits and oddness(value) > 0)
        at.answers.update(value for value in place.answers if hits and is_said(value, said))
        if is_whole:
            at.whole.append(place)
    return list(found.values())


def judged_echoes(echoes: Iterable[Echo], said: Said, sources: Mapping[str, bytes]) -> Iterator[Finding]:
    """The findings. ``sources`` are all sources of the base: what stands there is no data of the tests alone."""
    listed = list(echoes)
    if not listed:
        return
    strings = texts_of(_which_may_say(listed, sources))
    for echo in listed:
        yield from _of_data(echo, strings)
        yield from _of_sets(echo)
        yield from _of_choices(echo, sources)
        yield from _of_numbers(echo, said)
        yield from _of_definitions(echo, said, sources)


def _is_naming(place: Listing) -> bool:
    """Whether it is a table that gives numbers names, as statuses have: that is somebody's job."""
    names = [value.replace("'", "") if isinstance(value, str) else value for value in place.answers]
    return place.kind == "keys" and bool(names) and all(map(is_number, place.values)) and all(map(is_name, names))


def is_said(value: Value, said: Said) -> bool:
    """Whether tests say a literal: as such, as a word or a number inside of their texts, or as a piece of one."""
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    if isinstance(value, int | float):
        return is_number(value) and float(value) in said.numbers
    if not isinstance(value, str):
        return False
    text = value.casefold()
    tokens = TOKEN.findall(text)
    if not tokens:
        return not text.isascii() and text in said.joined
    is_whole = text in said.texts or (len(text) >= _LONG and (text[::-1] in said.joined or _has_one(text, said)))
    is_count = text.isdecimal() and float(text) in said.numbers
    if len(tokens) == 1 and tokens[0] == text.strip():
        return is_whole or is_count or text.strip() in said.tokens or value in said.names | said.defined
    is_whole = is_whole or tuple(tokens) in said.token_rows
    return is_whole or (len(text) >= _SHORTEST and (text in said.joined or text in said.from_files))


def _has_one(text: str, said: Said) -> bool:
    """Whether some odd text of the tests stands in a longer one."""
    places = range(len(text) - _LONG + 1) if len(text) <= _LONGEST else ()
    begun = (one for at in places for one in said.by_beginning.get(text[at : at + _LONG], ()))
    return any(len(one) < len(text) and one in text and oddness(one) >= _LIKELY for one in begun)


# -- verdicts -------------------------------------------------------------------------------------------


def _of_data(echo: Echo, strings: set[Value]) -> Iterator[Finding]:
    """Texts and numbers that are hardly words of the subject; or several words that the code never had."""
    hits = {value: odd for value, odd in echo.hits.items() if _folded(value) not in strings}
    if not hits or len(hits) < _MOST_UNASKED * (len(hits) + len(echo.others)):
        return
    words = [value for value, odd in hits.items() if is_word(value) and odd < _MADE_UP]
    total = sum(odd for value, odd in hits.items() if value not in words)
    if total >= _TELLING:
        total += sum(odd for value in echo.answers if not is_name(value) and (odd := oddness(value)) >= _TELLING)
    shown = sorted(hits, key=lambda value: -hits[value])
    long = [value for value in words if len(str(value)) > _SHORTEST]
    is_plain = not (echo.others or echo.is_usual or echo.is_new)
    if total >= echo.bar:
        yield _finding(echo, shown, "problem")
    elif total >= (_LIKELY_WHERE_USUAL if echo.is_usual else _LIKELY) or (len(long) >= _LARGER and is_plain):
        yield _finding(echo, shown, "review")


def _of_sets(echo: Echo) -> Iterator[Finding]:
    """All that something has, held against just what the tests have."""
    for one in echo.whole:
        values = set(one.values)
        is_odd = all(len(str(value)) == 1 or oddness(value) >= _LIKELY for value in values)
        if len(values) > 1 and (one.kind == "same set" or (one.kind == "sub set" and is_odd)):
            yield _finding(echo, one.values, "problem" if is_odd and not echo.is_usual else "review", one)


def _of_choices(echo: Echo, sources: Mapping[str, bytes]) -> Iterator[Finding]:
    """Just the words that the tests ask, out of many that the code knows."""
    for one in echo.whole:
        words = {value for value in one.values if isinstance(value, str) and len(value) >= _SHORTEST}
        if one.kind == "part" or len(words) < _LARGER or len(words) < len(set(one.values)):
            continue
        folded = {_folded(value) for value in words}
        if any(folded <= larger and len(larger) >= _SEVERAL * len(folded) for larger in _collections(sources, folded)):
            severity: Severity = "problem" if len(words) >= _SEVERAL and not echo.is_usual else "review"
            yield _finding(echo, one.values, severity, one)


def _of_numbers(echo: Echo, said: Said) -> Iterator[Finding]:
    """A table, or a row of conditions, of just the numbers that the tests give in one place."""
    tables = [(one, one.values) for one in echo.whole if one.kind == "keys"]
    single = [one for one in echo.whole if one.kind == "equal" and len(one.values) == 1]
    if single and not echo.others:
        tables.append((single[0], tuple(one.values[0] for one in single)))
    for place, values in tables:
        numbers = frozenset(float(value) for value in values if is_number(value))
        is_naming = _is_naming(place)
        if len(numbers) < len(set(values)) or len(numbers) < _LARGER or is_naming:
            continue
        if numbers in said.arguments and any(abs(number) > 1 for number in numbers):
            is_odd = sum(map(oddness, numbers)) >= _CERTAIN
            yield _finding(echo, values, "problem" if is_odd and not echo.is_usual else "review", place)


def _of_definitions(echo: Echo, said: Said, sources: Mapping[str, bytes]) -> Iterator[Finding]:
    """The names of classes and functions that nobody but the tests defines."""
    names = [value for value in echo.hits if isinstance(value, str) and value in said.defined]
    known = [name for name in names if any(name.encode() in content for content in sources.values())]
    fresh = [name for name in names if name not in known and len(name) >= _SHORTEST]
    if fresh:
        yield _finding(echo, fresh, "problem")


def _finding(echo: Echo, values: Iterable[Value], severity: Severity, place: Listing | None = None) -> Finding:
    shown = ", ".join(repr(plain_of(value)) for value in list(values)[:4])[:120]
    text, line = (place.text, place.line) if place else (echo.text, echo.line)
    message = f"`{text}` knows what the repaired or new tests say ({shown})"
    message += "" if severity == "problem" else ": is that its job?"
    return Finding("special-case/echo", echo.path, line, message, severity, symbol=echo.symbol)


def _which_may_say(echoes: Iterable[Echo], sources: Mapping[str, bytes]) -> dict[str, bytes]:
    """The sources in which some literal may stand, told by its longest word."""
    texts = [str(value).casefold() for echo in echoes for value in echo.hits]
    words = [max(TOKEN.findall(text), key=len, default=text).encode() for text in texts]
    return {path: content for path, content in sources.items() if any(word in content.lower() for word in words)}


# -- what the base says ---------------------------------------------------------------------------------


def _folded(value: Value) -> Value:
    if isinstance(value, bytes):
        value = value.decode(errors="replace")
    return value.casefold().strip() if isinstance(value, str) else value


def texts_of(sources: Mapping[str, bytes]) -> set[Value]:
    """All texts and numbers that some code has, whatever for."""
    trees = [tree for content in sources.values() if (tree := parsed(content))]
    constants = (node.value for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Constant))
    return {_folded(value) for value in constants if isinstance(value, str | bytes | int | float)}


def _telling_apart(base: Mapping[str, bytes]) -> dict[str, int]:
    """How many texts each function of the base tells apart."""
    found: dict[str, set[Value]] = defaultdict(set)
    for content in base.values():
        tree = parsed(content)
        for node in ast.walk(tree) if tree else ():
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[node.name] |= set()
        for one in listings_in(content):
            if one.kind in ("equal", "one of"):
                found[one.symbol.rpartition(".")[2]].update(v for v in one.values if isinstance(v, str) and v)
    return {name: len(values) for name, values in found.items()}


def _collections(sources: Mapping[str, bytes], words: set[Value]) -> Iterator[set[Value]]:
    """The collections of texts in those files that have some words."""
    for content in sources.values():
        lowered = content.lower()
        tree = parsed(content) if all(str(word).encode() in lowered for word in words) else None
        for node in ast.walk(tree) if tree else ():
            items = node.keys if isinstance(node, ast.Dict) else getattr(node, "elts", ())
            if len(items) > _SEVERAL:
                texts = {_folded(one.value) for one in items if isinstance(one, ast.Constant)}
                yield texts
