import pytest

from almanac.text import slug, wrap


@pytest.mark.parametrize(
    ("title", "expected"),
    [
        ("Hello, World!", "hello-world"),
        ("  Über den Wolken  ", "uber-den-wolken"),
        ("a -- b", "a-b"),
        ("...", ""),
    ],
)
def test_slug(title: str, expected: str) -> None:
    assert slug(title) == expected


def test_slug_is_cut_between_words() -> None:
    assert slug("one two three four", limit=11) == "one-two"


def test_slug_of_one_long_word() -> None:
    assert slug("incomprehensibilities", limit=8) == "incompre"


def test_wrap() -> None:
    assert wrap("the quick brown fox jumps", 10) == ["the quick", "brown fox", "jumps"]


def test_wrap_exact() -> None:
    assert wrap("aaaa bbbb", 9) == ["aaaa bbbb"]


def test_wrap_long_word() -> None:
    assert wrap("a incomprehensible b", 5) == ["a", "incomprehensible", "b"]


def test_wrap_nothing() -> None:
    assert wrap("   ", 5) == []


def test_wrap_needs_a_width() -> None:
    with pytest.raises(ValueError, match="at least one"):
        wrap("a", 0)
