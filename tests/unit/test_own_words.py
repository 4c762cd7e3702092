"""Which words of a test mean nothing but themselves, and what the test looks like with others."""

from __future__ import annotations

import ast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from claude_orchestrator.graders.suite.own_words import (
    compared_in,
    meaning,
    own_words,
    renamed,
    words_in,
    words_of_definitions,
)

TEST = b'''
import pytest

@pytest.mark.parametrize("name, expected", [("red", "\\x1b[31mpebble\\x1b[0m")])
def test_paint(name, expected):
    """pebble in a docstring is no data."""
    assert paint("pebble", color=name) == expected
'''


def chosen(content: bytes, *tests: str, source: bytes = b"", data: bytes = b"") -> dict[str, list[str]]:
    found = own_words(content, tests, meaning([source], [data]))
    return {} if found is None else {name: sorted(words) for name, words in found.by_test.items()}


def test_a_word_that_goes_in_and_comes_out_is_a_tests_own() -> None:
    assert chosen(TEST, "test_paint") == {"test_paint": ["pebble"]}
    assert chosen(TEST, "test_other") == {}


@pytest.mark.parametrize(
    ("source", "data"),
    [
        (b'STONES = ["pebble"]', b""),
        (b"def pebble(): ...", b""),
        (b"def f(x): return x.pebble_size", b""),
        (b"", b'{"stone": "Pebble"}'),
    ],
)
def test_a_word_that_the_project_knows_may_have_a_meaning(source: bytes, data: bytes) -> None:
    assert chosen(TEST, "test_paint", source=source, data=data) == {}


def test_what_is_only_handed_on_is_not_compared_with() -> None:
    code = (
        b'def f(x):\n    if x.name == "y" or x.kind in ("a", "b") or x.endswith("ed"):\n        return open(x, "w")\n'
    )
    assert sorted(compared_in(code)) == ["a", "b", "ed", "y"]


def test_another_word_differs_where_the_code_looks() -> None:
    content = b'def test_it():\n    assert table("persisted") and "persisted" in tables()\n'
    for named, other in {"": "persistee", "per": "pessisted", "rsis": "persitted", "ed": "persistee"}.items():
        found = own_words(content, {"test_it"}, frozenset(), {named})
        assert found is not None
        assert found.words["persisted"] == other


def test_what_only_documents_gives_no_word_a_meaning() -> None:
    assert chosen(TEST, "test_paint", source=b'def f(pebble):\n    """Takes a pebble."""\n    return pebble') != {}


@pytest.mark.parametrize(
    "body",
    [
        'assert cut("pebble") == 3',  # once
        'assert shout("pebble") == "PEBBLE"',  # the same word in another case
        'assert sign("pebble") == "pebble 5f3a9c1b77"',  # reckoned from it
        'assert make(pebble=1) == {"pebble": 1}; assert "pebble" in make()',  # a name as well
        'x.pebble = 1; assert dump(x) == "pebble pebble" + "pebble"',
        'assert f"{x} pebble" == say("pebble", "pebble")',  # put together at run time
        'monkeypatch.setattr("pebble.stone", 1); assert "pebble" == f("pebble")',  # a module's name
        'assert parse("class int") == ("class", "int")',  # Python's
        'assert say(1) == "pebble"; assert say(2, n=3) == "pebble pebble"',  # only ever expected
        'self.assertEqual(say(1), "pebble"); self.assertIn("pebble", say(2))',
        'with pytest.raises(ValueError, match="pebble"):\n        say(1)\n    assert say(2) == "pebble"',
        'monkeypatch.setattr(sys, "pebble", 1, raising=False); assert "pebble" in f("pebble")',  # an attribute's name
        'assert cut("a", "cab") == "a"',  # too short to be told apart
    ],
)
def test_words_that_cannot_be_renamed_alone_are_left(body: str) -> None:
    assert chosen(f"def test_it(monkeypatch):\n    {body}\n".encode(), "test_it") == {}


def test_the_other_word_is_of_the_same_length_and_case_and_nobody_uses_it() -> None:
    content = b'def test_it():\n    assert f("Pebble", "k") == {"k": "Pebble"}; g("Pebblf")\n'
    found = own_words(content, ["test_it"], frozenset())
    assert found is not None
    assert found.words == {"Pebble": "Pebblg", "k": "l"}


def test_every_string_of_the_file_is_renamed_and_nothing_else() -> None:
    content = """X = {pebble}

def test_it():
    "pebble"
    pebble = "a\\n{word} {word}s %s"
    assert f(pebble, X) == r'''
{word}\\b'''
"""
    before, after = (
        content.replace("{pebble}", repr(word)).replace("{word}", word).encode() for word in ("pebble", "pebblf")
    )
    assert renamed(before, {"pebble": "pebblf"}) == after


@pytest.mark.parametrize("character", ["\x0b", "\x0c", "\x1c", "\x85", "\u2028"])
def test_a_line_ends_where_python_ends_it(character: str) -> None:
    content = f'# {character}\ndef test_it():\n    assert f("pebble") == "<pebble>"\n'
    assert renamed(content.encode(), {"pebble": "marble"}) == content.replace("pebble", "marble").encode()


def test_escapes_and_places_are_no_words() -> None:
    assert words_in(r"\x1b[31mred\nblue %sgreen \u00e9t\N{DASH}") == {"red", "blue", "green", "t"}
    assert renamed(b'X = "\\n%s"\n', {"n": "m", "s": "t"}) == b'X = "\\n%s"\n'


@given(st.lists(st.text(max_size=12), min_size=1, max_size=5))
def test_a_renamed_file_is_the_same_program(texts: list[str]) -> None:
    lines = [f"    assert f({text!r}) == g({text!r}, {text!r})" for text in texts]
    content = ("def test_it():\n" + "\n".join(lines) + "\n").encode(errors="replace")
    found = own_words(content, ["test_it"], frozenset())
    if found is None:
        return
    result = renamed(content, found.words)
    assert result is not None
    assert ast.dump(ast.parse(result)).count("Constant") == ast.dump(ast.parse(content)).count("Constant")
    back = renamed(result, {new: old for old, new in found.words.items()})
    assert back == content


def test_the_name_of_a_new_function_says_what_it_is_for() -> None:
    source = b"class Functions:\n    def _func_from_items(self, pairs):\n        return pairs == 'pebble'\n"
    assert words_of_definitions(source) >= {"functions", "func", "items"}
    assert "pebble" not in words_of_definitions(source)
