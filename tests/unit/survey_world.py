"""Small repositories for the tests of the survey and of the drafts, made with real git."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import Mapping
from pathlib import Path

from claude_orchestrator.orchestrator.planning.models import Survey
from claude_orchestrator.orchestrator.planning.survey import survey
from claude_orchestrator.workspace.git import Repository


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder as somebody."""
    identity = ["-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "commit.gpgsign=false"]
    return subprocess.run(
        ["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def commit(folder: Path, files: Mapping[str, str | bytes], message: str = "Begin") -> None:
    """Write files and commit them; makes the repository where there is none."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / ".git").exists():
        git(folder, "init", "-q", "-b", "main")
    for name, content in files.items():
        place = folder / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content.encode() if isinstance(content, str) else content)
    git(folder, "add", "--all", "--force")
    git(folder, "commit", "-q", "--allow-empty", "-m", message)


def mapped(folder: Path, files: Mapping[str, str | bytes] | None = None, revision: str = "HEAD") -> Survey:
    """The map of a repository with these files."""

    async def mapping() -> Survey:
        return await survey(await Repository.open(folder), revision)

    if files is not None:
        commit(folder, files)
    return asyncio.run(mapping())


SHOP: dict[str, str] = {
    "pyproject.toml": """
[project]
name = "shop"
requires-python = ">=3.10"
dependencies = ["sqlalchemy>=2", "click"]
[project.scripts]
shop = "shop.cli:main"
[tool.pytest.ini_options]
testpaths = ["tests"]
[tool.ruff.lint]
select = ["ALL"]
[tool.ruff.format]
[tool.mypy]
strict = true
""",
    "src/shop/__init__.py": '"""A shop."""\nfrom shop.money import Money, rounded\n__all__ = ["Money", "rounded"]\n',
    "src/shop/money.py": (
        '"""Money."""\nfrom decimal import Decimal\n\n\nclass Money:\n    """An amount."""\n\n'
        "    def plus(self, other: 'Money') -> 'Money':\n        return self\n\n\n"
        "def rounded(amount: Decimal) -> Decimal:\n    return amount\n\n\ndef _private() -> None: ...\n"
    ),
    "src/shop/cart.py": (
        "from .money import Money\n\n\ndef total_price(items: list[Money]) -> Money:\n    return items[0]\n"
    ),
    "src/shop/cli.py": "import click\nfrom shop import cart\n\n\ndef main() -> None:\n    import shop.store\n",
    "src/shop/store.py": "import sqlite3\nimport sqlalchemy\n\n\ndef saved_carts() -> int:\n    return 0\n",
    "tests/test_money.py": "import shop\n\n\ndef test_rounded():\n    assert shop.rounded(1) == 1\n",
    "tests/test_shopping.py": (
        "from shop.cart import total_price\n\n\ndef test_total():\n    assert total_price([1]) == 1\n"
    ),
    "tests/conftest.py": "",
    "docs/using.md": "# Using\n\nThe cart and its total price.\n",
    "README.md": "# Shop\n",
    "CHANGELOG.md": "# Changelog\n\n## Unreleased\n\n- Nothing\n",
    ".github/workflows/ci.yml": (
        "on: push\njobs:\n  test:\n    steps:\n      - run: pip install ${{ matrix.what }}\n"
        "      - name: tests\n        run: |\n          python -m pytest -q --strict-markers\n"
    ),
}
"""A package in ``src`` with tests, a command, a database, docs and a changelog."""
