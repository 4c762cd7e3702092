from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from shelf.store import Store

TODAY = date(2026, 3, 3)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with Store(tmp_path / "shelf.db") as opened:
        yield opened


@pytest.fixture
def today() -> date:
    return TODAY
