import pytest

from almanac.durations import DurationError, format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("45s", 45), ("1h30m", 5_400), ("2d", 172_800), ("1w", 604_800), (" 1H 5S ", 3_605)],
)
def test_parse(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


def test_parse_adds_all_parts() -> None:
    assert parse_duration("1d2h3m4s") == 93_784


@pytest.mark.parametrize("text", ["", "h", "10", "5x", "1h x", "-3s"])
def test_parse_refuses_other_text(text: str) -> None:
    with pytest.raises(DurationError):
        parse_duration(text)


def test_parse_refuses_a_unit_twice() -> None:
    with pytest.raises(DurationError, match="twice"):
        parse_duration("1h2h")


@pytest.mark.parametrize("seconds", [0, 59, 61, 3_600, 90_061, 1_209_600])
def test_format_is_read_back(seconds: int) -> None:
    assert parse_duration(format_duration(seconds)) == seconds


def test_format_is_short() -> None:
    assert format_duration(5_400) == "1h30m"
    assert format_duration(0) == "0s"


def test_format_refuses_negative() -> None:
    with pytest.raises(DurationError, match="negative"):
        format_duration(-1)
