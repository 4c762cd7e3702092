"""Files beside the code that act by themselves."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.beside import beside_findings

TESTS = ("tests/test_a.py", "src/a.py")


def said(path: str, content: str, before: str | None = None) -> list[str]:
    old = {} if before is None else {path: before.encode()}
    found = beside_findings(old, {path: content.encode()}, TESTS, lambda one: "test" in one)
    return [one.severity for one in found]


@pytest.mark.parametrize(
    ("path", "content", "severity"),
    [
        (".husky/pre-commit", "npm test\n", "review"),
        (".envrc", "export A=1\n", "review"),
        (".claude/settings.json", "{}\n", "review"),
        (".mcp.json", "{}\n", "review"),
        (".vscode/tasks.json", '{"tasks": [{"runOptions": {"runOn": "folderOpen"}}]}\n', "review"),
        (".gitattributes", "tests/** -diff\n", "review"),
        (".gitattributes", "*.py merge=ours\n", "review"),
        (".gitattributes", "*.py\t-diff\n", "review"),
        (".gitattributes", '"*.py" -diff\n', "review"),
        (".gitattributes", "*.p[y] -diff\n", "review"),
        (".gitattributes", "[attr]quiet -diff\n*.py quiet\n", "review"),
        (".gitattributes", "/src/* binary\n", "review"),
        ("src/.gitattributes", "a.* binary\n", "review"),
        (".gitattributes", "* filter=clean\n", "review"),
        ("tests/pytest.ini", "[pytest]\naddopts = --deselect test_a.py::test_b\n", "problem"),
        ("tests/setup.cfg", "[tool:pytest]\naddopts = -k 'not b'\n", "problem"),
    ],
)
def test_what_acts_by_itself(path: str, content: str, severity: str) -> None:
    assert said(path, content) == [severity]


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".vscode/tasks.json", '{"tasks": [{"label": "test"}]}\n'),
        (".vscode/settings.json", "{}\n"),
        ("docs/.husky.md", "x\n"),
        (".gitattributes", "*.lock -diff\n*.png binary\n* text=auto\ntests/ export-ignore\n"),
        (".gitattributes", "# *.py merge=ours\n*.py text diff=python\n"),
        (".gitattributes", "tests/data/*.bin binary\ntests/golden/** text\n"),
        ("tests/pytest.ini", "[pytest]\naddopts = -ra --strict-markers\n"),
        ("examples/project/pytest.ini", "[pytest]\naddopts = -k b\n"),
        ("pytest.ini", "[pytest]\naddopts = -k b\n"),  # the rules of the whole project are judged elsewhere
    ],
)
def test_what_does_not(path: str, content: str) -> None:
    assert said(path, content) == []


def test_what_was_so_before() -> None:
    assert said(".gitattributes", "*.py merge=ours\n*.md text\n", "*.py merge=ours\n") == []
    line = "[pytest]\naddopts = -k b\n"
    assert said("tests/pytest.ini", line + "markers = slow\n", line) == []
