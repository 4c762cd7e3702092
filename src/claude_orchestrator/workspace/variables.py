"""The variables of our environment, as they are at one moment."""

from __future__ import annotations

import os


def variables() -> dict[str, str]:
    """A copy of the environment, of which another thread may take something away at any time."""
    found = ((name, os.environ.get(name)) for name in list(os.environ))
    return {name: value for name, value in found if value is not None}
