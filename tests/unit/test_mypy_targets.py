"""What mypy is asked to look at, when its configuration names what a tree has and what it lacks."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from claude_orchestrator.graders.mypy import MypyGrader

PATHS = ["pack/__init__.py", "pack/code.py", "tests/test_code.py"]


@pytest.mark.parametrize(
    ("files", "targets"),
    [
        ("pack, typetests", ["--", "pack"]),
        ("pack/code.py\ntypetests", ["--", "pack/code.py"]),
        ("pack", []),
        ("pack/*.py typetests", []),
        ("typetests", ["--", "pack"]),
        ("", ["--", "pack"]),
    ],
)
def test_targets(files: str, targets: list[str]) -> None:
    setting = f"files = {files}\n".replace("\n", "\n ", files.count("\n"))
    change: Any = SimpleNamespace(base_files={"mypy.ini": f"[mypy]\n{setting}".encode()}, is_test=is_test)
    here: Any = SimpleNamespace(executable="python", roots=())
    tool: Any = SimpleNamespace(python="python")
    arguments = MypyGrader().arguments(change, tool, here, PATHS).arguments
    assert list(arguments[4:]) == targets


def is_test(path: str) -> bool:
    return path.startswith("tests/")
