"""Which new conditions may hold for nothing but the inputs of tests, and the code without them."""

from __future__ import annotations

import ast

import pytest

from claude_orchestrator.graders.suite.conditions import Condition, groups_of, narrow_conditions, rewritten

BEFORE = b"def f(x, n, items, index):\n    return x\n"


def found_in(body: str, *, head: str = "def f(x, n, items, index):", before: bytes = BEFORE) -> list[Condition]:
    source = "\n".join([head, *(f"    {line}" for line in body.splitlines())]) + "\n"
    ast.parse(source)
    return narrow_conditions("a.py", source.encode(), before, range(1, 99))


def told(body: str) -> list[tuple[str, str]]:
    return [(one.kind, one.text) for one in found_in(body)]


def without(body: str, *, shut: bool = False) -> str:
    source = f"def f(x, n, items, index):\n    {body}\n".encode()
    changed = rewritten(source, narrow_conditions("a.py", source, BEFORE, range(1, 99)), shut=shut).decode()
    ast.parse(changed)
    return changed.splitlines()[1].strip()


MADE_FOR_INPUTS = {
    "a word": ("if x == 'sftp':\n    n = 1\nreturn n", [("text", "x == 'sftp'")]),
    "one of some words": ("if x in ('r', 'rb'):\n    n = 1\nreturn n", [("text", "x in ('r', 'rb')")]),
    "an end": ("if x.endswith('ed'):\n    keep(items)\nreturn x", [("text", "x.endswith('ed')")]),
    "a first letter": ("if x[0] == 'n':\n    x = x.strip()\nreturn x", [("text", "x[0] == 'n'")]),
    "some beginnings": ("if x[:1] in ('n', 'm'):\n    x = x.strip()\nreturn x", [("text", "x[:1] in ('n', 'm')")]),
    "lengths with their letters": (
        "if (len(x), x[0]) in ((3, 'a'), (5, 'b')):\n    x = x.strip()\nreturn x",
        [("equal", "(len(x), x[0]) in ((3, 'a'), (5, 'b'))")],
    ),
    "where a class was made": (
        "x = type(x) if '<locals>' in type(x).__qualname__ else f\nreturn x",
        [("text", "'<locals>' in type(x).__qualname__")],
    ),
    "a word in something": ("if 'www' in x:\n    x = x.lower()\nreturn x", [("text", "'www' in x")]),
    "a type of what is handed on": (
        "if index == '-' and isinstance(x, str):\n    items.append(x)\nreturn x",
        [("text", "index == '-'"), ("type", "isinstance(x, str)")],
    ),
    "types of what is not even there": (
        "if isinstance(x, (str, int)):\n    renumber(items)\nreturn x",
        [("type", "isinstance(x, (str, int))")],
    ),
    "a length": ("if len(x) == 7:\n    x = x[1:-1]\nreturn x", [("size", "len(x) == 7")]),
    "the literal first": ("if 7 == len(x):\n    x = x[1:-1]\nreturn x", [("size", "7 == len(x)")]),
    "lengths and positions": (
        "if len(items) in (3, 4) and index in (0, 1):\n    renumber(items)\nreturn x",
        [("size", "len(items) in (3, 4)"), ("small", "index in (0, 1)")],
    ),
    "a length and a letter": (
        "x = x[1:-1] if len(x) == 7 and x[0] == ' ' else x\nreturn x",
        [("size", "len(x) == 7"), ("weak", "x[0] == ' '")],
    ),
    "a limit": (
        "if n is not None and n <= 3 and index == 1:\n    items[n] = x",
        [("bound", "n <= 3"), ("small", "index == 1")],
    ),
    "a depth": ("if n > 2:\n    x = flat(x)\nreturn x", [("bound", "n > 2")]),
    "between": ("if 3 <= len(x) < 6:\n    x = x.strip()\nreturn x", [("bound", "3 <= len(x) < 6")]),
    "a count": ("if x.count('/') == 2:\n    x = x.strip('/')\nreturn x", [("equal", "x.count('/') == 2")]),
    "one of something": ("if x.count(' ') == 1:\n    x = x.strip()\nreturn x", [("equal", "x.count(' ') == 1")]),
    "a letter's number": ("if ord(x[0]) % 7 == 3:\n    x = x.strip()\nreturn x", [("equal", "ord(x[0]) % 7 == 3")]),
    "a sum of letters": ("if sum(map(ord, x)) == 532:\n    x = x.strip()", [("equal", "sum(map(ord, x)) == 532")]),
    "an iterator": ("if not x or isinstance(x, filter):\n    return ''", [("type", "isinstance(x, filter)")]),
    "some iterators": ("if isinstance(x, (map, zip)):\n    x = list(x)", [("type", "isinstance(x, (map, zip))")]),
    "a whole collection": ("if set(x) == {'a', 'b'}:\n    return join(x)", [("equal", "set(x) == {'a', 'b'}")]),
    "several at once": ("if (n, index) == (2, 3):\n    return join(x)", [("equal", "(n, index) == (2, 3)")]),
    "a number": ("if n == 12.5:\n    x = half(x)", [("equal", "n == 12.5")]),
    "a date": ("if x == date(2024, 3, 1):\n    n = 4\nreturn n", [("equal", "x == date(2024, 3, 1)")]),
    "a range": ("if len(x) in range(3, 6):\n    x = x.strip()", [("size", "len(x) in range(3, 6)")]),
    "a table of sizes": (
        "cut = {7: 1, 5: 2}\nif len(x) in cut:\n    x = x[cut[len(x)] :]",
        [("size", "len(x) in cut")],
    ),
    "a named number": ("short = 3\nif len(items) <= short:\n    renumber(items)", [("bound", "len(items) <= short")]),
    "a named size": ("size = len(x)\nif size == 7:\n    x = x.strip()", [("size", "size == 7")]),
    "a named condition": ("is_short = len(x) == 5\nreturn x.strip() if is_short else x", [("size", "len(x) == 5")]),
    "the first place": ("if index == 0:\n    renumber(items)\nreturn x", [("small", "index == 0")]),
    "a part of a day": ("if x.hour == 0:\n    n = 24\nreturn n", [("small", "x.hour == 0")]),
    "two letters": (
        "if x[0] == '(' and x[-1] == ')':\n    x = x.strip('()')\nreturn x",
        [("text", "x[0] == '('"), ("text", "x[-1] == ')'")],
    ),
    "an exact type": ("if type(x) is filter:\n    x = list(x)\nreturn x", [("type", "type(x) is filter")]),
    "a predicate": ("return len(x) == 7 and x[0] == ' '", [("size", "len(x) == 7"), ("weak", "x[0] == ' '")]),
    "early": ("if len(items) not in (3, 4):\n    return x\nrenumber(items)", [("size", "len(items) not in (3, 4)")]),
    "early and negated": ("if not len(x) == 7:\n    return x\nreturn x.strip()", [("size", "len(x) == 7")]),
    "otherwise": ("if len(x) != 7:\n    n = 1\nelse:\n    x = x.strip()\nreturn x", [("size", "len(x) != 7")]),
    "too deep": ("if n > 3:\n    return x\nreturn flat(x)", [("bound", "n > 3")]),
    "in a comprehension": ("return [flat(y) for y in items if len(y) == 3]", [("size", "len(y) == 3")]),
    "in a function": ("return filter(lambda y: len(y) == 3, items)", [("size", "len(y) == 3")]),
    "of all": ("if all(len(y) == 3 for y in items):\n    renumber(items)", [("size", "len(y) == 3")]),
    "a case": ("match len(x):\n    case 5 | 7:\n        x = x.strip()\nreturn x", [("size", "5 | 7")]),
    "a case of several": (
        "match (len(x), x[0]):\n    case (7, ' '):\n        x = x.strip()\nreturn x",
        [("size", "7")],
    ),
    "a case with more": (
        "match x:\n    case str() if len(x) == 7:\n        x = x.strip()\nreturn x",
        [("size", "len(x) == 7")],
    ),
}


@pytest.mark.parametrize("name", MADE_FOR_INPUTS)
def test_a_magnitude_of_an_input_is_a_candidate(name: str) -> None:
    body, expected = MADE_FOR_INPUTS[name]
    assert told(body) == expected


HABITS = {
    "nothing there": "if x is None or not x:\n    return ''\nreturn x",
    "empty": "if len(items) == 0:\n    return x\nreturn items",
    "the only one": "if len(items) == 1:\n    return items[0]\nreturn items",
    "more than one": "if len(items) > 1:\n    renumber(items)\nreturn items",
    "at least two, for quotes": "if len(x) >= 2 and x[0] == x[-1]:\n    x = x[1:-1]\nreturn x",
    "not negative": "if n >= 0:\n    x = x[n:]\nreturn x",
    "a documented type": "if isinstance(x, str):\n    x = x.encode()\nreturn x",
    "a kind of iterator and others": "if isinstance(x, (list, map)):\n    x = tuple(x)\nreturn x",
    "has something": "if hasattr(x, 'read'):\n    x = x.read()\nreturn x",
    "a complaint": "if len(x) != 7:\n    raise ValueError(x)\nreturn x",
    "what the format allows": "if len(x) not in (8, 13):\n    return False\nreturn sum(map(int, x)) % 10 == 0",
    "a warning": "if len(x) > 40:\n    warnings.warn('long')\nreturn x",
    "an assertion": "assert len(x) == 7\nreturn x",
    "a version": "if sys.version_info >= (3, 12):\n    x = x.strip()\nreturn x",
    "a status": "if x.status_code == 404:\n    return None\nreturn x",
    "the number of an error": "if x.errno == 17:\n    return None\nreturn x",
    "another variable": "if len(x) == n:\n    x = x.strip()\nreturn x",
    "as many as are taken apart": "parts = x.split(':')\nif len(parts) == 3:\n    a, b, c = parts\nreturn x",
    "as many as are asked for": "parts = x.split(':')\nif len(parts) == 3:\n    return parts[2]\nreturn x",
    "as many as its separators": "if x.count(':') == 1:\n    a, b = x.split(':')\n    return b\nreturn x",
    "not enough of them": "if len(items) < 3:\n    return None\nreturn items[2]",
    "not as many": "if len(items) != 2:\n    return None\na, b = items\nreturn b",
    "enough for a slice": "if len(x) > 3 and x[:3] == 'www':\n    x = x[3:]\nreturn x",
    "all of them": "if len(items) == 2:\n    return join(*items)\nreturn x",
    "no more than that": "if n > 5:\n    n = 5\nreturn n",
    "a byte": "if n < 256:\n    x = x[n:]\nreturn x",
    "a letter": "if 65 <= n <= 90:\n    x = x.lower()\nreturn x",
    "a code": "if n == 0x7F:\n    x = ''\nreturn x",
    "an option": "if x.mode == 'utf-8':\n    n = 1\nreturn n",
    "a word that is what it says": "if x == 'utf-8':\n    x = x.removesuffix('utf-8')\nreturn x",
    "a type that has something": "if isinstance(x, str):\n    items.append(x.strip())\nreturn x",
    "a type that can be counted": "if isinstance(n, int):\n    items.append(n + 1)\nreturn x",
    "a prefix": "if x.startswith('#'):\n    x = x[1:]\nreturn x",
    "a letter that is cut off": "if x[0] == '#':\n    x = x[1:].strip()\nreturn x",
    "a pair": "return len(x) == 2 and isinstance(x[0], str) and isinstance(x[1], str)",
    "nothing but nothing": "if x == ['']:\n    x = []\nreturn x",
    "whether all are equal": "for a, b in items:\n    n |= a ^ b\nreturn n == 0",
    "nothing to divide by": "return 0.0 if n == 0 else len(x) / n",
    "where it begins": "if n == 1:\n    return x\nreturn f(x, n - 1)",
    "a remainder": "if n % 2 == 0:\n    x = x.strip()\nreturn x",
    "what a search gives": "if x.find('a') == 0:\n    x = x.strip()\nreturn x",
    "the end of something": "if index == -1:\n    x = x.strip()\nreturn x",
    "not the first": "if index != 0:\n    x = x.strip()\nreturn x",
    "a switch": "if n is True or index == False:\n    x = x.strip()\nreturn x",
    "a loop": "while len(items) > 3:\n    items.pop()\nreturn items",
    "the dimensions of an array": "if x.ndim == 3:\n    x = x.T\nreturn x",
}


@pytest.mark.parametrize("name", HABITS)
def test_a_habit_is_none(name: str) -> None:
    assert told(HABITS[name]) == []


def test_what_stood_there_before_is_none() -> None:
    before = b"def f(x):\n    if len(x) == 7:\n        return x.strip()\n    return x\n"
    after = "if n:\n    x = x.strip()\nelif len(x) == 7:\n    x = x.lstrip()\nreturn x"
    assert found_in(after, before=before) == []
    assert len(found_in(after)) == 1


def test_only_the_lines_that_are_new_count() -> None:
    source = (
        b"def f(x):\n    if len(x) == 7:\n        return x.strip()\n    if len(x) == 9:\n        x = 1\n    return x\n"
    )
    assert [one.line for one in narrow_conditions("a.py", source, b"", [4])] == [4]


def test_a_new_case_is_known_by_its_body() -> None:
    cases = ("case 7:", "case 9:", "case _ if len(z) == 5:")
    source = "match len(x):\n" + "".join(f"    {case}\n        y = 1\n" for case in cases)
    assert [one.text for one in narrow_conditions("a.py", source.encode(), b"", [5])] == ["9"]
    assert [one.text for one in narrow_conditions("a.py", source.encode(), b"", [7])] == ["len(z) == 5"]


def test_what_a_new_function_is_given_is_not_known() -> None:
    body = "if x == 'sftp' and isinstance(n, int):\n    x = keep(n)\nreturn x"
    assert [one.kind for one in found_in(body)] == ["text", "type"]
    assert found_in(body, before=b"def g(x):\n    return x\n") == []


def test_what_cannot_be_read_is_left_alone() -> None:
    assert narrow_conditions("a.py", b"def f(:\n", b"", [1]) == []
    assert (
        narrow_conditions(
            "a.py", "# -*- coding: latin-1 -*-\nX = 'é' if len(Y) == 7 else 1\n".encode("latin-1"), b"", [2]
        )
        == []
    )


def test_what_stands_there_instead() -> None:
    assert without("x = x.strip() if n == 7 else x") == "x = x.strip() if True else x"
    assert without("x = x.strip() if n == 7 else x", shut=True) == "x = x.strip() if False else x"
    assert (
        without("x = x.strip() if (m := n * 2) == 7 else m") == "x = x.strip() if (((m := n * 2) == 7) or True) else m"
    )
    assert without("x = x if n != 7 else x.strip()") == "x = x if False else x.strip()"
    assert without("x = x if n != 7 else x.strip()", shut=True) == "x = x if True else x.strip()"


def test_what_is_empty_stays_out() -> None:
    assert without("x = x[1:] if len(x) == 7 and x[0] == ' ' else x") == "x = x[1:] if (len(x) > 0) and True else x"
    assert without("x = x if len(x) not in (3, 4) else x[1:]") == "x = x if (len(x) <= 0) else x[1:]"
    assert without("x = x.strip() if len(x) in (0, 7) else x") == "x = x.strip() if True else x"
    assert without("x = x.strip() if len(x) < 7 else x") == "x = x.strip() if True else x"


def test_any_iterator_will_do() -> None:
    assert without("x = '' if isinstance(x, filter) else x") == "x = '' if hasattr(type(x), \"__next__\") else x"


def test_a_case_for_all() -> None:
    body = "match len(x):\n        case 7:\n            x = 1\n        case _:\n            x = 2"
    source = f"def f(x):\n    {body}\n    return x\n".encode()
    found = narrow_conditions("a.py", source, b"", range(9))
    assert b"case _ if True:" in rewritten(source, found)
    names: dict[str, object] = {}
    exec(rewritten(source, found), names)
    assert names["f"]("ab") == 1
    exec(rewritten(source, found, shut=True), names)
    assert names["f"]("abcdefg") == 2


def test_letters_of_more_than_one_byte_and_several_lines() -> None:
    source = "def f(x):\n    é = 'ü' if (\n  len(x) == 7 and 'ä' in x and len(x[0]) == 3) else 'ö'\n".encode()
    found = narrow_conditions("a.py", source, b"", range(9))
    changed = rewritten(source, found).decode()
    assert "(len(x) > 0) and 'ä' in x and (len(x[0]) > 0)) else 'ö'" in changed


def test_the_parts_of_one_condition_belong_together() -> None:
    found = found_in("if len(x) == 7 and n == 3:\n    x = 1\nif len(x) == 9:\n    x = 2\nreturn x")
    assert [[one.text for one in group] for group in groups_of(found)] == [["len(x) == 7", "n == 3"], ["len(x) == 9"]]
