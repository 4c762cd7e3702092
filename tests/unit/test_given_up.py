"""Where a change gives up, and what could come out there instead."""

from __future__ import annotations

import ast

import pytest

from claude_orchestrator.graders.parsing import has_plain_places
from claude_orchestrator.graders.suite.given_up import GivenUp, exchanged, given_up

BEFORE = "def f(x):\n    return int(x)\n"
QUIET = {
    "a handler that gives something": (
        "    try:\n        return int(x)\n    except ValueError:\n        return []\n",
        "[70001]",
    ),
    "a handler that sets something": (
        "    try:\n        y = int(x)\n    except ValueError:\n        y = ''\n    return y\n",
        'y = "Qz7"',
    ),
    "a handler that says so, too": (
        "    try:\n        return int(x)\n    except Exception:\n        log.debug('no')\n        return None\n",
        'return "Qz7"',
    ),
    "a handler that ends the function": (
        "    try:\n        return int(x)\n    except ValueError:\n        return\n",
        'return "Qz7"',
    ),
    "a handler that says no": (
        "    try:\n        return int(x)\n    except ValueError:\n        return False\n",
        "return True",
    ),
    "a handler that keeps something in its place": (
        "    for a in x:\n     try:\n      int(a)\n     except ValueError:\n      y.append(a)\n      continue\n",
        'y.append("Qz7")',
    ),
    "a handler that gives what it got": (
        "    try:\n        return int(x)\n    except ValueError:\n        return x\n",
        'return "Qz7"',
    ),
    "a handler that tries again": (
        "    try:\n        return int(x)\n    except ValueError:\n        return float(x)\n",
        'return "Qz7"',
    ),
    "nothing in place of something": ("    return int(x) if x else None\n", 'int(x) if x else "Qz7"'),
    "a way out that is told": (
        "    if not x:\n        log.info('no')\n        return None\n    return int(x)\n",
        'return "Qz7"',
    ),
    "a way out": ("    if not x:\n        return {}\n    return int(x)\n", 'return {"Qz7": 70001}'),
}
SPOKEN = {
    "another error": "    try:\n        return int(x)\n    except ValueError:\n        raise KeyError(x) from None\n",
    "several steps": "    try:\n        y = int(x)\n    except ValueError:\n        y = g(x)\n    return y\n",
    "a module that is not there": "    try:\n        import y\n    except ImportError:\n        y = 0\n    return y\n",
    "an answer": "    if x == 'one':\n        return 1\n    return int(x)\n",
}


def found_in(body: str, before: str = BEFORE) -> list[GivenUp]:
    return given_up("a.py", f"def f(x):\n{body}".encode(), before.encode())


@pytest.mark.parametrize(("body", "other"), QUIET.values(), ids=QUIET.keys())
def test_what_could_come_out_instead(body: str, other: str) -> None:
    places = found_in(body)
    source = f"def f(x):\n{body}".encode()
    assert {one.function for one in places} == {"f"}
    assert other in exchanged(source, places).decode()
    raising = exchanged(source, places, raising=True).decode()
    assert "AssertionError" in raising
    ast.parse(raising)


@pytest.mark.parametrize("body", SPOKEN.values(), ids=SPOKEN.keys())
def test_what_makes_something_of_an_error_is_left_alone(body: str) -> None:
    assert found_in(body) == []


def test_what_was_there_is_left_alone() -> None:
    body = QUIET["a handler that gives something"][0]
    assert found_in(body, f"def f(x):\n{body}") == []


def test_a_handler_that_goes_on_has_no_other_value() -> None:
    places = found_in("    try:\n        x.go()\n    except Exception:\n        pass\n")
    assert [(one.other, one.is_handler, one.is_broad) for one in places] == [(None, True, True)]


def test_methods_are_known_by_their_class() -> None:
    source = b"class A:\n    def f(self):\n        if not self.x:\n            return ''\n        return self.x\n"
    assert [one.function for one in given_up("a.py", source, b"")] == ["A.f"]


def test_what_needs_work_is_told_from_what_is_there() -> None:
    tried = QUIET["a handler that tries again"][0]
    assert [
        [one.is_plain for one in found_in(body)] for body in (tried, QUIET["a handler that gives what it got"][0])
    ] == [
        [False],
        [True],
    ]


def test_errors_that_are_suppressed() -> None:
    places = found_in("    with contextlib.suppress(ValueError):\n        x.go()\n")
    assert [(one.other, one.is_handler, one.line) for one in places] == [(None, True, 2)]


def test_what_stands_in_a_text_is_left_alone() -> None:
    code = b"def f(x):\n    return (f'abc'\n            f'{x if x else None} and more')\n"
    assert given_up("a.py", code, BEFORE.encode()) == []


def test_a_number_of_thousands_of_digits_breaks_nothing_off() -> None:
    code = f"def f(x):\n    try:\n        return int(x)\n    except ValueError:\n        return 0x{'f' * 5000}\n"
    assert given_up("a.py", code.encode(), BEFORE.encode()) == []


@pytest.mark.parametrize(
    ("content", "is_plain"),
    [
        (b"x = 1\r\n", True),
        (b"\f\nx = 1\n", True),
        (b"# -*- coding: utf-8 -*-\n", True),
        (b"# -*- coding: latin-1 -*-\nx = '\xc3\xa9'\n", False),
        (b"# -*- coding: nonsense -*-\n", False),
        (b"x = '\xe9'\n", False),
        (b"\xef\xbb\xbfx = 1\n", False),
        (b"x = 1\ry = 2\n", False),
        (b"", True),
    ],
)
def test_where_the_places_of_a_tree_lead_to_the_bytes_of_its_file(content: bytes, *, is_plain: bool) -> None:
    assert has_plain_places(content) is is_plain


def test_a_form_feed_moves_nothing() -> None:
    code = b"\f\ndef f(x):\n  \f    try:\n        return int(x)\n    except ValueError:\n        return []\n"
    assert b"return [70001]" in exchanged(code, given_up("a.py", code, b""))
