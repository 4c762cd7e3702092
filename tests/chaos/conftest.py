"""What the chaos tests share."""

from __future__ import annotations

import random

import pytest


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Printed when a test fails, so that the same chances can be drawn again with ``--chaos-seed``."""
    given = request.config.getoption("--chaos-seed")
    chosen = given if given is not None else random.SystemRandom().randrange(10**6)
    print(f"chaos seed {chosen}")
    return int(chosen)
