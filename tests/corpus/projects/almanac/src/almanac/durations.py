"""Durations as people write them: ``1h30m``, ``45s``, ``2d``."""

from __future__ import annotations

import re

UNITS = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_PART = re.compile(r"(\d+)([wdhms])")


class DurationError(ValueError):
    """The text is no duration."""


def parse_duration(text: str) -> int:
    """Seconds in ``text``. Raises DurationError when it is no duration."""
    compact = text.strip().lower().replace(" ", "")
    if not compact:
        raise DurationError("a duration is needed, such as 1h30m")
    total = 0
    position = 0
    seen: set[str] = set()
    for part in _PART.finditer(compact):
        amount, unit = part.groups()
        if part.start() != position:
            break
        if unit in seen:
            raise DurationError(f"the unit {unit} is there twice: {text!r}")
        seen.add(unit)
        total += int(amount) * UNITS[unit]
        position = part.end()
    if position != len(compact):
        raise DurationError(f"not a duration: {text!r}")
    return total


def format_duration(seconds: int) -> str:
    """The shortest text that :func:`parse_duration` reads back."""
    if seconds < 0:
        raise DurationError("a duration is not negative")
    if seconds == 0:
        return "0s"
    parts = []
    rest = seconds
    for unit, size in UNITS.items():
        count, rest = divmod(rest, size)
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts)
