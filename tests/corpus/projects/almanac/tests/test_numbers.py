import pytest

from almanac.numbers import is_luhn, median, rolling_mean, to_roman


@pytest.mark.parametrize(
    ("number", "roman"),
    [
        (1, "I"),
        (4, "IV"),
        (9, "IX"),
        (14, "XIV"),
        (90, "XC"),
        (1994, "MCMXCIV"),
        (3999, "MMMCMXCIX"),
    ],
)
def test_roman(number: int, roman: str) -> None:
    assert to_roman(number) == roman


@pytest.mark.parametrize("number", [0, -1, 4000])
def test_roman_has_limits(number: int) -> None:
    with pytest.raises(ValueError, match="no Roman numeral"):
        to_roman(number)


def test_median_of_an_odd_count() -> None:
    assert median([9, 1, 5]) == 5


def test_median_of_an_even_count() -> None:
    assert median([1, 8, 3, 4]) == 3.5


def test_median_of_nothing() -> None:
    with pytest.raises(ValueError, match="no values"):
        median([])


def test_rolling_mean() -> None:
    assert rolling_mean([1, 2, 6, 3], 2) == [1.5, 4.0, 4.5]


def test_rolling_mean_of_few_values() -> None:
    assert rolling_mean([1, 2], 3) == []


def test_rolling_mean_is_close() -> None:
    assert rolling_mean([0.1, 0.2, 0.4], 3) == pytest.approx([0.7 / 3])


@pytest.mark.parametrize("digits", ["79927398713", "4539 1488 0343 6467", "18"])
def test_luhn(digits: str) -> None:
    assert is_luhn(digits) is True


@pytest.mark.parametrize("digits", ["79927398710", "8273 1232 7352 0569", "1", "12a4"])
def test_not_luhn(digits: str) -> None:
    assert is_luhn(digits) is False
