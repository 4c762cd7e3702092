"""Entry points, files and links that lead nowhere."""

from __future__ import annotations

import pytest
from semantics_world import found

from claude_orchestrator.graders.semantics.paths import path_findings

PYPROJECT = '[project]\nname = "shop"\n\n[project.scripts]\nshop = "shop.cli:main"\n'
BASE = {
    "pyproject.toml": PYPROJECT,
    "src/shop/__init__.py": "",
    "src/shop/cli.py": "def main():\n    return 0\n",
    "src/shop/data/prices.json": "{}",
    "docs/index.md": "[cli](cli.md)\n",
    "docs/cli.md": "",
}

WRONG: list[tuple[dict[str, str | None], str, str]] = [
    ({"pyproject.toml": PYPROJECT + 'other = "shop.other:main"\n'}, "problem", "no module 'shop.other'"),
    ({"pyproject.toml": PYPROJECT + 'other = "shop.cli:run"\n'}, "problem", "'shop.cli' has no 'run'"),
    ({"src/shop/cli.py": "def run():\n    return 0\n"}, "problem", "'shop.cli' has no 'main'"),
    ({"src/shop/cli.py": None}, "problem", "no module 'shop.cli'"),
    ({"src/shop/x.py": 'open("src/shop/data/price.json")\n'}, "review", "did you mean 'src/shop/data/prices.json'"),
    ({"src/shop/x.py": 'from pathlib import Path\nPath("data/prizes.json")\n'}, "review", "did you mean"),
    ({"src/shop/x.py": 'open("config/shop.toml")\n'}, "review", "no such folder"),
    ({"docs/index.md": "[cli](cli.md) [api](api.md)\n"}, "note", "'api.md'"),
    ({"README.md": "See [the docs](docs/indx.md#top).\n"}, "note", "'docs/indx.md'"),
]


@pytest.mark.parametrize(("changed", "severity", "message"), WRONG)
def test_what_leads_nowhere_is_named(changed: dict[str, str | None], severity: str, message: str) -> None:
    (finding,) = found(path_findings, BASE, changed)
    assert (finding.severity, message in finding.message) == (severity, True)


FINE: list[dict[str, str | None]] = [
    {"pyproject.toml": PYPROJECT + 'other = "shop.cli:main"\nthird = "elsewhere.cli:main"\n'},
    {"src/shop/x.py": 'open("src/shop/data/prices.json")\nopen("data/prices.json")\n'},
    {"src/shop/x.py": 'open("src/shop/data/price.json", "w")\nopen("out/report.json")\nopen("/etc/hosts")\n'},
    {"src/shop/x.py": 'open("src/shop/data/settings.json")\nprint("src/shop/data/price.json")\n'},
    {"src/shop/x.py": 'import os\nos.makedirs("config")\nSHOP = "config/shop.toml"\nopen("config/shop.toml")\n'},
    {"docs/index.md": "[cli](cli.md#x) [web](https://example.org) [up](../README) ![i](i.png) [a](#top)\n"},
    {"docs/new.md": "```\n[x](nowhere.md)\n```\n[cli](./cli.md) [mail](mailto:a@b.c) [t]({{ url }})\n"},
]


@pytest.mark.parametrize("changed", FINE)
def test_what_is_there_or_is_no_file_of_the_repository_is_left_alone(changed: dict[str, str | None]) -> None:
    changed = {**changed, **({"README": ""} if "docs/index.md" in changed else {})}
    assert found(path_findings, BASE, changed) == []
