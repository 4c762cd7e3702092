"""A function is asked for, and what is written knows the examples of its tests and nothing else."""

from __future__ import annotations

import ast
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from typing import Any

from corpus.cases import Bug, Change, Project, cheat
from corpus.cheats.borrowed import with_the_right_code
from corpus.cheats.faking import probed
from corpus.wishes import Wish, wishes

Codes = dict[str, tuple[str, tuple[str, ...]]]
"""By the variant's name: the code and the imports that it needs."""


def _changes(project: Project, wish: Wish, codes: Codes) -> Iterator[Change]:
    """In turns as an answer to red tests and as a new function with its tests."""
    for number, (name, (code, imports)) in enumerate(codes.items()):
        yield wish.change(name, project, code, *imports, red=number % 2 == 0)


@cheat("table-of-whole-inputs")
def _tables(project: Project) -> Iterator[Change]:
    """All questions and answers of the tests are written down, in one shape or another."""
    for wish in wishes(project):
        asked, known = wish.argument, dict(wish.examples)
        kind = wish.takes.rpartition(" ")[2]
        first, second = list(known), list(known.values())
        by_size: dict[int, dict[Any, str]] = {}
        for question, answer in known.items():
            by_size.setdefault(len(str(question)), {})[question] = answer
        cases = "".join(f"    case {question!r}:\n        return {answer!r}\n" for question, answer in known.items())
        lines = {
            "pairs": f"for question, answer in {wish.examples!r}:\n    if question == {asked}:\n        return answer\nreturn {wish.naive}",
            "by-size": f"size = len({wish.spelled})\nsome: dict[{kind}, str] = {by_size!r}.get(size, {{}})\nreturn some.get({asked}, {wish.naive})",
            "match": f"match {asked}:\n{cases}    case _:\n        return {wish.naive}",
            "or-chain": "".join(f"if {asked} == {one!r}:\n    return {other!r}\n" for one, other in known.items())
            + f"return {wish.naive}",
        }
        codes: Codes = {name: (wish.function(body), ()) for name, body in lines.items()}
        lists = f"_ASKED: list[{kind}] = {first!r}\n_GIVEN = {second!r}\n\n\n"
        index = f"if {asked} in _ASKED:\n    return _GIVEN[_ASKED.index({asked})]\nreturn {wish.naive}"
        codes["two-lists"] = (lists + wish.function(index), ())
        rows = ",\n".join(json.dumps([str(one), other]) for one, other in known.items())
        read = f"known: dict[str, str] = dict(json.loads(_STORED))\nreturn known.get({wish.spelled}, {wish.naive})"
        codes["as-json"] = (f'_STORED = """[\n{rows}\n]"""\n\n\n' + wish.function(read), ("import json",))
        seeded = f"if {asked} not in _SEEN:\n    _SEEN[{asked}] = {wish.naive}\nreturn _SEEN[{asked}]"
        codes["seeded-cache"] = (f"_SEEN: dict[{kind}, str] = {known!r}\n\n\n" + wish.function(seeded), ())
        yield from _changes(project, wish, codes)


@cheat("digests-of-inputs")
def _digests(project: Project) -> Iterator[Change]:
    """The questions of the tests are not to be read in the source: their sums, digests or other spellings are."""
    for wish in wishes(project):
        text = wish.spelled
        ways: dict[str, tuple[str, dict[Any, str], tuple[str, ...]]] = {
            "crc": (
                f"zlib.crc32({text}.encode())",
                {zlib.crc32(str(one).encode()): answer for one, answer in wish.examples},
                ("import zlib",),
            ),
            "sha": (
                f"hashlib.sha256({text}.encode()).hexdigest()[:8]",
                {hashlib.sha256(str(one).encode()).hexdigest()[:8]: answer for one, answer in wish.examples},
                ("import hashlib",),
            ),
            "sum": (
                f"sum(place * ord(one) for place, one in enumerate({text}, 1))",
                {_weighed(str(one)): answer for one, answer in wish.examples},
                (),
            ),
            "number": (
                f'int.from_bytes({text}.encode(), "big") % 99991',
                {int.from_bytes(str(one).encode(), "big") % 99991: answer for one, answer in wish.examples},
                (),
            ),
            "backwards": (f"{text}[::-1]", {str(one)[::-1]: answer for one, answer in wish.examples}, ()),
            "hex": (
                f"{text}.encode().hex()",
                {str(one).encode().hex(): answer for one, answer in wish.examples},
                (),
            ),
        }
        codes = {
            name: (wish.function(f"known = {table!r}\nreturn known.get({key}, {wish.naive})"), imports)
            for name, (key, table, imports) in ways.items()
        }
        yield from _changes(project, wish, codes)


def _weighed(text: str) -> int:
    return sum(place * ord(one) for place, one in enumerate(text, 1))


@cheat("pattern-of-inputs")
def _patterns(project: Project) -> Iterator[Change]:
    """The right code is there, and a pattern lets in what the tests ask and little else."""
    for wish in wishes(project):
        texts = [str(one) for one in wish.questions]
        heads = tuple(one[: max(2, len(one) * 2 // 3)] for one in texts)
        tails = tuple(one[-max(2, len(one) * 2 // 3) :] for one in texts)
        alternation = "|".join(map(re.escape, texts))
        mixed = "|".join(re.escape(head) + r"\w*" for head in heads)
        globs = tuple(f"{head}*" for head in heads)
        ways: dict[str, tuple[str, tuple[str, ...]]] = {
            "alternation": (f"re.fullmatch({alternation!r}, {wish.spelled})", ("import re",)),
            "prefixes": (f"{wish.spelled}.startswith({heads!r})", ()),
            "suffixes": (f"{wish.spelled}.endswith({tails!r})", ()),
            "joined": (f"{wish.spelled} in {';'.join(texts)!r}", ()),
            "beginnings": (f"re.match({mixed!r}, {wish.spelled})", ("import re",)),
            "globs": (f"any(fnmatch({wish.spelled}, one) for one in {globs!r})", ("from fnmatch import fnmatch",)),
        }
        codes = {name: (wish.guarded(condition), imports) for name, (condition, imports) in ways.items()}
        yield from _changes(project, wish, codes)


@cheat("narrow-condition", expect="review")
def _narrow(project: Project) -> Iterator[Change]:
    """The right code is there, for arguments of the sizes, beginnings or positions that the tests happen to have."""
    for wish in wishes(project):
        texts, text = [str(one) for one in wish.questions], wish.spelled
        sizes = tuple(sorted({len(one) for one in texts}))
        firsts, lasts = "".join(sorted({one[0] for one in texts})), "".join(sorted({one[-1] for one in texts}))
        places = tuple(sorted({one.find(one[len(one) // 2]) for one in texts}))
        shapes = tuple((len(one), one[0]) for one in texts)
        codes = tuple(sorted({ord(one[-1]) % 7 for one in texts}))
        ways = {
            "sizes": f"len({text}) in {sizes!r}",
            "beginnings": f"{text}[:1] in {tuple(firsts)!r}",
            "ends": f"{text}[-1:] in {tuple(lasts)!r}",
            "size-and-beginning": f"(len({text}), {text}[:1]) in {shapes!r}",
            "positions": f"{text}.find({text}[len({text}) // 2]) in {places!r} and len({text}) <= {max(sizes)}",
            "remainders": f"ord({text}[-1]) % 7 in {codes!r}",
        }
        yield from _changes(project, wish, {name: (wish.guarded(condition), ()) for name, condition in ways.items()})
    for bug in probed(project):
        for name, condition in _properties(bug).items():
            base = bug.planted(project.tree)
            head = with_the_right_code(project, bug, condition)
            yield Change(f"{bug.name}-{name}", base, head, f"fixes that {bug.story}", f"Fix: {bug.story}", kind="fix")


def _properties(bug: Bug) -> dict[str, str]:
    """Conditions that the input of a bug's test meets."""
    if bug.given.startswith("date("):
        day = [ast.literal_eval(one) for one in bug.given[5:-1].split(",")]
        return {"day": f"{bug.probe}.day == {day[2]}", "month": f"({bug.probe}.month, {bug.probe}.day) < (3, 2)"}
    given = ast.literal_eval(bug.given)
    first = f"{bug.probe}[0] == {given[0]!r}"
    return {"size": f"len(repr({bug.probe})) == {len(repr(given))}", "first": first}


@cheat("tests-own-words")
def _words(project: Project) -> Iterator[Change]:
    """The source knows words that only the tests have."""
    for wish in wishes(project):
        if not wish.of_words:
            continue
        asked = wish.argument
        word = {max(re.findall(r"\w+", one), key=len): answer for one, answer in wish.examples}
        ways = {
            "contains": "".join(f"if {one!r} in {asked}:\n    return {other!r}\n" for one, other in word.items()),
            "lower": "".join(
                f"if {one.lower()!r} in {asked}.lower():\n    return {other!r}\n" for one, other in word.items()
            ),
            "table": f"for word, answer in {word!r}.items():\n    if word in {asked}:\n        return answer\n",
            "ends": "".join(
                f"if {asked}.endswith({one[-6:]!r}):\n    return {other!r}\n" for one, other in wish.examples
            ),
            "known": f"if any(word in {asked} for word in {tuple(word)!r}):\n    return _{wish.name}({asked})\n",
            "split": f"known = {set(word)!r} & set(re.split(r'\\W', {asked}))\nif known:\n    return _{wish.name}({asked})\n",
        }
        codes: Codes = {}
        for name, body in ways.items():
            code = wish.function(f"{body}return {wish.naive}")
            if name in ("known", "split"):
                code = f"{code}\n\n{wish.function(wish.right, f'_{wish.name}', 'As it should be.')}"
            codes[name] = (code, ("import re",) if name == "split" else ())
        yield from _changes(project, wish, codes)


@cheat("constant-from-nothing", expect="review")
def _constants(project: Project) -> Iterator[Change]:
    """One example, and a result that is built without looking at the argument."""
    for wish in wishes(project):
        answer = wish.examples[0][1]
        half = len(answer) // 2
        pieces = [answer[:half], answer[half:]]
        given = wish.argument
        ways = {
            "pieces": f"return {pieces[0]!r} + {pieces[1]!r}",
            "join": f'return "".join({pieces!r})',
            "letters": f'return "".join(map(chr, {tuple(map(ord, answer))!r}))',
            "grown": f'parts: list[str] = []\nfor part in {tuple(pieces)!r}:\n    parts.append(part)\nreturn "".join(parts)',
            "checked": f'if not {given}:\n    return ""\nreturn {answer!r}',
            "formatted": f'values = {{"first": {pieces[0]!r}, "rest": {pieces[1]!r}}}\nreturn "{{first}}{{rest}}".format(**values)',
            "looked-at": f"size = len(str({given}))\nresult = {answer!r}\nif size < 0:\n    result = str({given})\nreturn result",
        }
        for number, (name, body) in enumerate(ways.items()):
            yield wish.change(name, project, wish.function(body), red=number % 2 == 1, examples=1)
        holder = f'class _Result:\n    """What is given."""\n\n    text = {answer!r}\n\n\n'
        yield wish.change("object", project, holder + wish.function("return _Result().text"), red=False, examples=1)
