# ruff: noqa: E501 - each case is read as a whole
"""Conditions that let more pass, in a change that was to change no behaviour, together with the values of a test."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.loosened import edited_tests, judged, loosened_in

VALID = (
    "class Hunk:\n    def is_valid(self):\n        return len(self.old) == self.size and len(self.new) == self.now\n"
)
TEST = "class TestHunk:\n    def test_missing(self):\n        hunk = Hunk(size=1)\n        assert not hunk.is_valid()\n"
EDITED = TEST.replace("size=1", "size=2")


def found_in(old: str, new: str, before: str = TEST, after: str = EDITED) -> list[str]:
    looser = loosened_in({"a.py": old.encode()}, {"a.py": new.encode()}, {})
    tests = edited_tests({"test_a.py": before.encode()}, {"test_a.py": after.encode()}, {})
    return [one.severity for one in judged(looser, tests)]


def function(body: str, head: str = "def is_valid(hunk):") -> str:
    return f"{head}\n{body}"


TWICE = function(
    "    if hunk.size < 0:\n        raise ValueError('too small')\n"
    "    if hunk.end < 0:\n        raise ValueError('too small')\n    return bool(hunk)\n"
)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (VALID, VALID.replace("==", ">=")),
        (VALID, "class Hunk:\n    def is_valid(self):\n        return len(self) >= max(self.size, self.now)\n"),
        (VALID, "class Hunk:\n    def is_valid(self):\n        return len(self.old) == self.size\n"),
        (VALID, VALID.replace(" and ", " or ")),
        (function("    return hunk.kind == 'a'\n"), function("    return hunk.kind in KINDS\n")),
        (function("    return hunk.kind == 'a'\n"), function("    return hunk.kind.startswith('a')\n")),
        (function("    if hunk.size < 0:\n        raise ValueError\n    return bool(hunk)\n"), function("    return bool(hunk)\n")),
        (function("    return bool(hunk)\n", "def is_valid(hunk, most=3):"), function("    return bool(hunk)\n", "def is_valid(hunk, most=9):")),
    ],
)  # fmt: skip
def test_what_lets_more_pass(old: str, new: str) -> None:
    assert found_in(old, new) == ["review"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (VALID, VALID.replace("self.old", "self.before")),
        (VALID, "class Hunk:\n    def is_valid(self):\n        return (len(self.old), len(self.new)) == (self.size, self.now)\n"),
        (VALID, "class Hunk:\n    def is_valid(self):\n        if len(self.old) != self.size:\n            return False\n        return len(self.new) == self.now\n"),
        (function("    if hunk.size < 0:\n        raise ValueError\n    return bool(hunk)\n"), function("    check(hunk)\n    return bool(hunk)\n\n\ndef check(hunk):\n    if hunk.size < 0:\n        raise ValueError\n")),
        (function("    return hunk.kind == 'a' or hunk.kind == 'b'\n"), function("    return 'b' == hunk.kind or 'a' == hunk.kind\n")),
        (function("    return hunk.size >= 1\n"), function("    return hunk.size > 0\n")),
    ],
)  # fmt: skip
def test_what_stays_as_strict(old: str, new: str) -> None:
    assert found_in(old, new) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (VALID, VALID.replace("==", ">=")),
        (function("    return hunk.kind == 'a'\n"), function("    return hunk.kind.startswith('a')\n")),
        (function("    if hunk.size < 0:\n        raise ValueError('too small')\n    return bool(hunk)\n"), function("    return bool(hunk)\n")),
        (function("    if hunk.size < 0:\n        raise ValueError('too small')\n    return bool(hunk)\n"), function("    return bool(Hunk(hunk))\n")),
        (TWICE, TWICE.replace("    if hunk.end < 0:\n        raise ValueError('too small')\n", "")),
        (function("    if not isinstance(hunk, Hunk):\n        return False\n    return hunk.parts == ()\n"), function("    return getattr(hunk, 'parts', None) == ()\n")),
    ],
)  # fmt: skip
def test_what_is_no_matter_of_style(old: str, new: str) -> None:
    assert found_in(old, new, TEST, TEST) == ["review"]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (function("    return hunk == '-' or hunk == '+'\n"), function("    return hunk in {'-', '+'}\n")),
        (function("    try:\n        return walk(hunk)\n    except KeyError as error:\n        raise Lost from error\n"), function("    return walk(hunk)\n")),
        (function("    assert isinstance(hunk, str)\n    return walk(hunk)\n"), function("    return walk(hunk)\n")),
        (
            function("    if hunk.size < 0:\n        raise ValueError('%s is too small' % hunk)\n    return bool(hunk)\n"),
            function("    _check(hunk)\n    return bool(hunk)\n\n\ndef _check(hunk):\n    if hunk.size < 0:\n        raise ValueError(f'{hunk.size} is too small')\n"),
        ),
        (TWICE, function("    if hunk.size < 0 or hunk.end < 0:\n        raise ValueError('too small')\n    return bool(hunk)\n")),
        (function("    if isinstance(hunk, str) or isinstance(hunk, bytes):\n        return 1\n    return 2\n"), function("    return 1 if isinstance(hunk, (str, bytes)) else 2\n")),
        (function("    return bool(hunk)\n", "def is_valid(hunk, most=3):"), function("    return bool(hunk)\n", "def is_valid(hunk, most=9):")),
    ],
)  # fmt: skip
def test_what_may_be_written_in_another_way(old: str, new: str) -> None:
    assert found_in(old, new, TEST, TEST) == []


def test_the_values_of_a_test_of_it_have_to_be_edited() -> None:
    before = function("    return bool(hunk)\n", "def is_valid(hunk, most=3):")
    looser = function("    return bool(hunk)\n", "def is_valid(hunk, most=9):")
    assert found_in(before, looser) == ["review"]
    assert found_in(before, looser, TEST, TEST.replace("hunk", "one")) == []
    assert found_in(before, looser, TEST, EDITED.replace("is_valid", "is_other")) == []
