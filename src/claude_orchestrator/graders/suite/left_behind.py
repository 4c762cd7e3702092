"""Whether a run changed the files that it was about: what it read then was not what is judged."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

_READ_BY_RUNS: Final = (".py", ".pyi", ".pth", ".toml", ".ini", ".cfg")

Stamp = tuple[int, int, int]


def stamps(checkout: Path) -> dict[str, Stamp]:
    """When and where each file of code and configuration was written last: this cannot be put back."""
    found: dict[str, Stamp] = {}
    for place, _, names in os.walk(checkout):
        for name in names:
            if name.endswith(_READ_BY_RUNS):
                path = Path(place, name)
                state = path.lstat()
                found[path.relative_to(checkout).as_posix()] = (state.st_ino, state.st_ctime_ns, state.st_size)
    return found


def rewritten(before: Mapping[str, Stamp], checkout: Path) -> dict[str, str]:
    """The files of ``before`` that are others now, or gone, as what a run tampered with."""
    after = stamps(checkout)
    return {f"the file {path}": "after the run" for path, stamp in sorted(before.items()) if after.get(path) != stamp}
