import pytest

from almanac.versions import compare, key, newest


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("1.2", "1.10", -1),
        ("1.0", "1.0.0", 0),
        ("2.0rc1", "2.0", -1),
        ("2.0b2", "2.0rc1", -1),
        ("v3", "2.9.9", 1),
    ],
)
def test_compare(left: str, right: str, expected: int) -> None:
    assert compare(left, right) == expected


def test_no_version() -> None:
    with pytest.raises(ValueError, match="not a version"):
        key("one.two")


def test_newest_is_stable() -> None:
    assert newest(["1.9", "1.10", "2.0rc1"]) == "1.10"


def test_newest_of_all() -> None:
    assert newest(["1.9", "1.10", "2.0rc1"], stable=False) == "2.0rc1"


def test_newest_of_none() -> None:
    assert newest([]) is None
    assert newest(["1.0a1"]) is None
