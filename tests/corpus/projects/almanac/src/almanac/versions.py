"""Version numbers such as ``1.10.0`` and ``2.0rc1``."""

from __future__ import annotations

import re
from collections.abc import Iterable

_VERSION = re.compile(r"v?(\d+(?:\.\d+)*)(?:(a|b|rc)(\d+))?$")
_STAGES = {"a": 0, "b": 1, "rc": 2, "": 3}

Key = tuple[tuple[int, ...], int, int]


def key(version: str) -> Key:
    """What versions are sorted by. Raises ValueError for a text that is no version."""
    match = _VERSION.match(version.strip())
    if match is None:
        raise ValueError(f"not a version: {version!r}")
    numbers, stage, count = match.groups()
    release = [int(number) for number in numbers.split(".")]
    while release and release[-1] == 0:
        release.pop()
    return tuple(release), _STAGES[stage or ""], int(count or 0)


def compare(left: str, right: str) -> int:
    """-1, 0 or 1: the left version is older, equal, newer."""
    first, second = key(left), key(right)
    return (first > second) - (first < second)


def newest(versions: Iterable[str], *, stable: bool = True) -> str | None:
    """The newest version; without pre-releases as long as ``stable``. None when there is none."""
    candidates = [version for version in versions if not stable or key(version)[1] == _STAGES[""]]
    return max(candidates, key=key, default=None)
