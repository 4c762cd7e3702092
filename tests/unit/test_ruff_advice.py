"""What is said when ruff cannot read the project's configuration."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.bench import Ran
from claude_orchestrator.graders.ruff import RuffGrader


@pytest.mark.parametrize(
    "setting", ["show-source = true", 'lint.select = ["ZZ9"]', "line-length = 'x'", 'required-version = "<0.1"']
)
def test_a_configuration_for_another_ruff(tmp_path: Path, setting: str) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.ruff]\n{setting}\n")
    command = [sys.executable, "-m", "ruff", "check", "--output-format", "json", "--no-cache", "."]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, check=False, timeout=60)
    (tmp_path / "out").write_bytes(done.stdout)
    (tmp_path / "err").write_bytes(done.stderr)
    command_of: Any = SimpleNamespace(exit_code=done.returncode)
    ran = Ran(command_of, tmp_path / "out", tmp_path / "err", False, "")
    with pytest.raises(
        VerificationError, match=r"failed \(2\): its configuration is for another ruff .* leave ruff out"
    ):
        RuffGrader().read(ran, tmp_path)
