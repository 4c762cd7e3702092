"""Small arithmetic."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

_ROMAN = (
    (1000, "M"),
    (900, "CM"),
    (500, "D"),
    (400, "CD"),
    (100, "C"),
    (90, "XC"),
    (50, "L"),
    (40, "XL"),
    (10, "X"),
    (9, "IX"),
    (5, "V"),
    (4, "IV"),
    (1, "I"),
)


def to_roman(number: int) -> str:
    """``number`` in Roman numerals."""
    if not 1 <= number <= 3999:
        raise ValueError(f"no Roman numeral for {number}")
    parts = []
    rest = number
    for value, letters in _ROMAN:
        count, rest = divmod(rest, value)
        parts.append(letters * count)
    return "".join(parts)


def median(values: Iterable[float]) -> float:
    """The middle value; the mean of the two middle ones for an even count."""
    ordered = sorted(values)
    if not ordered:
        raise ValueError("no values")
    middle = len(ordered) // 2
    if len(ordered) % 2:
        return ordered[middle]
    return (ordered[middle - 1] + ordered[middle]) / 2


def rolling_mean(values: Sequence[float], width: int) -> list[float]:
    """The means of all windows of ``width`` values."""
    if width < 1:
        raise ValueError("a window has at least one value")
    means = []
    for start in range(len(values) - width + 1):
        window = values[start : start + width]
        means.append(sum(window) / width)
    return means


def is_luhn(digits: str) -> bool:
    """Whether the last digit is the Luhn check digit of the others."""
    cleaned = digits.replace(" ", "")
    if len(cleaned) < 2 or not cleaned.isdigit():
        return False
    total = 0
    for place, digit in enumerate(reversed(cleaned)):
        value = int(digit)
        if place % 2:
            value *= 2
            if value > 9:
                value -= 9
        total += value
    return total % 10 == 0
