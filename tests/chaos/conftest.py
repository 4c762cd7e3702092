"""What the chaos tests share."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from chaos_world import KILLED


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Printed when a test fails, so that the same chances can be drawn again with ``--chaos-seed``."""
    given = request.config.getoption("--chaos-seed")
    chosen = given if given is not None else random.SystemRandom().randrange(10**6)
    print(f"chaos seed {chosen}")
    return int(chosen)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """How many processes were killed, and as what: the number that the tests' promise is about."""
    reports = [report for group in terminalreporter.stats.values() for report in group]
    ends = [report for report in reports if getattr(report, "when", "") == "teardown"]
    if kills := [kind for report in ends for name, kind in report.user_properties if name == KILLED]:
        kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(Counter(kills).items()))
        terminalreporter.write_line(f"chaos: {len(kills)} kills ({kinds})")
