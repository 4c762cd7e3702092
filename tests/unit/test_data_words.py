"""Words of new test data that code has come to know."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.answers.data_words import words_of_data

DATA = b'[{"given": "plain", "expected": "plain"}]'
CASE = b'[{"given": "plain", "expected": "plain"}, {"given": "call me pebble", "expected": "Pebble"}]'
CODE = "def f(x):\n    return x if x == 'plain' else x.title()\n"


def found(after: str, case: bytes = CASE) -> list[str]:
    base, head = {"a.py": CODE.encode()}, {"a.py": after.encode()}
    return [one.symbol for one in words_of_data(base, head, {"tests/d.json": DATA}, {"tests/d.json": case})]


def test_a_word_of_the_new_case_is_found() -> None:
    assert found(CODE + "\nif x == 'pebble':\n    pass\n") == ["pebble"]
    assert found(CODE + "\nPATTERN = re.compile(r'(?:pebble|stone)')\n") == ["pebble"]
    assert found(CODE + "\nif x[:3] == 'peb':\n    pass\n") == ["peb"]
    assert found(CODE + "\nif x[-2:] == 'le':\n    pass\n") == ["le"]
    assert found(CODE + "\nNAMES = {'pebble': 1}\n") == ["pebble"]


@pytest.mark.parametrize(
    "code",
    [
        "if x == 'other':\n    pass\n",
        "if x == 'plain':\n    pass\n",
        "if x == 'm':\n    pass\n",
        "pebble = 1\n",
        "raise ValueError('call me pebble')\n",
    ],
    ids=["another word", "a word that was there", "a short word", "a name", "what it says"],
)
def test_other_words_are_left(code: str) -> None:
    assert found(f"{CODE}\n{code}") == []


def test_data_that_is_as_it_was_says_nothing() -> None:
    assert found(CODE + "\nif x == 'pebble':\n    pass\n", DATA) == []
