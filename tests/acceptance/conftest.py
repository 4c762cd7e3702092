"""What the acceptance tests share."""

from __future__ import annotations

from pathlib import Path

import pytest
from lean_python import make_lean_python


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the programs that somebody has who installed us, without what we are developed with."""
    return make_lean_python(tmp_path_factory.mktemp("installed") / "venv", ["claude-orchestrator"]) / "bin"
