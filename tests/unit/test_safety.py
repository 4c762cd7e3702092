"""The stand-in policy: what an operation touches decides."""

from __future__ import annotations

from pathlib import Path

import pytest

from claude_orchestrator.safety.classifier import Policy, classify
from claude_orchestrator.safety.operations import Decision, Kind, Operation


def verdict(worktree: Path, kind: Kind, target: str, cwd: Path | None = None) -> tuple[Decision, str]:
    given = classify(Operation(kind, cwd or worktree, target), Policy(worktree))
    assert given.reason
    assert given.allowed == (given.decision is Decision.SAFE)
    return given.decision, given.rule


@pytest.fixture
def worktree(tmp_path: Path) -> Path:
    folder = tmp_path / "worktree"
    (folder / "src").mkdir(parents=True)
    (folder / ".git").write_text("gitdir: elsewhere\n")
    (tmp_path / "outside").mkdir()
    return folder


@pytest.mark.parametrize("kind", ["write", "replace", "delete"])
@pytest.mark.parametrize(
    "target", ["a", "src/a.py", "src/../a", "./a", ".gitignore", "src/.github/x", "a..b", "~/a", "..."]
)
def test_inside_is_safe(worktree: Path, kind: Kind, target: str) -> None:
    assert verdict(worktree, kind, target) == (Decision.SAFE, "worktree")


@pytest.mark.parametrize("kind", ["write", "replace", "delete"])
@pytest.mark.parametrize("target", ["../a", "src/../../a", "/etc/passwd", "..", ".", "", "src/..", "../worktree-2/a"])
def test_outside_is_blocked(worktree: Path, kind: Kind, target: str) -> None:
    assert verdict(worktree, kind, target) == (Decision.BLOCKED, "outside-worktree")


@pytest.mark.parametrize("kind", ["write", "replace", "delete"])
@pytest.mark.parametrize("target", [".git", ".git/config", ".GIT/config", "sub/.git/hooks/x", "src/../.git", "./.Git"])
def test_gits_own_files_are_blocked(worktree: Path, kind: Kind, target: str) -> None:
    assert verdict(worktree, kind, target) == (Decision.BLOCKED, "git-internals")


def test_links_are_followed_where_the_operation_follows_them(worktree: Path) -> None:
    (worktree / "out").symlink_to("../outside")
    (worktree / "in").symlink_to("src")
    (worktree / "repository").symlink_to(".git")
    (worktree / "loop").symlink_to("loop")
    assert verdict(worktree, "write", "out/a")[1] == "outside-worktree"
    assert verdict(worktree, "write", "out")[1] == "outside-worktree"
    assert verdict(worktree, "delete", "out/a")[1] == "outside-worktree"
    assert verdict(worktree, "delete", "out") == (Decision.SAFE, "worktree")
    assert verdict(worktree, "write", "in/a") == (Decision.SAFE, "worktree")
    assert verdict(worktree, "write", "repository/config")[1] == "git-internals"
    assert verdict(worktree, "write", "loop/a") == (Decision.BLOCKED, "no-path")


def test_a_worktree_that_is_reached_through_a_link(worktree: Path, tmp_path: Path) -> None:
    (tmp_path / "alias").symlink_to(worktree)
    alias = tmp_path / "alias"
    assert classify(Operation("write", alias, "a"), Policy(alias)).allowed
    assert classify(Operation("delete", alias, "a"), Policy(alias)).allowed
    assert not classify(Operation("write", alias, "../a"), Policy(alias)).allowed


def test_what_is_no_path_is_blocked(worktree: Path) -> None:
    assert verdict(worktree, "write", "a\0b") == (Decision.BLOCKED, "no-path")


def test_commands_run_inside(worktree: Path) -> None:
    assert verdict(worktree, "run", "ls") == (Decision.SAFE, "worktree")
    assert verdict(worktree, "run", "ls", worktree / "src") == (Decision.SAFE, "worktree")
    assert verdict(worktree, "run", "ls", worktree.parent) == (Decision.BLOCKED, "outside-worktree")


def test_a_report_touches_nothing(worktree: Path) -> None:
    assert verdict(worktree, "report", "../..") == (Decision.SAFE, "report")
