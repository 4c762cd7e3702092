"""Half-open ranges of whole numbers: ``(start, end)`` holds start and not end."""

from __future__ import annotations

from collections.abc import Iterable

Range = tuple[int, int]


def merge(ranges: Iterable[Range]) -> list[Range]:
    """The same numbers in as few ranges as possible, sorted; ranges that touch become one."""
    merged: list[Range] = []
    for start, end in sorted(ranges):
        if start >= end:
            continue
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(merged[-1][1], end))
        else:
            merged.append((start, end))
    return merged


def gaps(ranges: Iterable[Range], within: Range) -> list[Range]:
    """What of ``within`` no range holds."""
    found: list[Range] = []
    position = within[0]
    for start, end in merge(ranges):
        if end <= within[0]:
            continue
        if start >= within[1]:
            break
        if start > position:
            found.append((position, start))
        position = max(position, end)
    if position < within[1]:
        found.append((position, within[1]))
    return found


def contains(ranges: Iterable[Range], number: int) -> bool:
    """Whether some range holds ``number``."""
    return any(start <= number < end for start, end in ranges)
