"""Git as a store of trees, on real repositories."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TypeVar

import pytest

from claude_orchestrator.errors import RepositoryError
from claude_orchestrator.workspace import worktrees
from claude_orchestrator.workspace.git import NO_COMMIT, Entry, Repository

T = TypeVar("T")


def play(scenario: Coroutine[None, None, T]) -> T:
    return asyncio.run(scenario)


def git(folder: Path, *arguments: str) -> str:
    identity = ("-c", "user.name=t", "-c", "user.email=t@localhost")
    done = subprocess.run(["git", *identity, *arguments], cwd=folder, check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "a.txt").write_text("one\ntwo\nthree\n")
    (folder / "dir").mkdir()
    (folder / "dir" / "ünïcode name.txt").write_text("x\n")
    git(folder, "add", ".")
    git(folder, "commit", "--quiet", "--message=base")
    return folder


def test_trees_are_read_composed_and_written_out(project: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        repository = await Repository.open(project)
        tree = await repository.tree_of("HEAD")
        files = await repository.entries(tree)
        assert set(files) == {"a.txt", "dir/ünïcode name.txt"}
        composed = await repository.compose_tree(
            tree, {"b.txt": Entry("100755", files["a.txt"].blob), "a.txt": None}, tmp_path / "scratch"
        )
        assert {(c.status, c.path, c.old_path) for c in await repository.changes(tree, composed)} == {
            ("R", "b.txt", "a.txt")
        }
        await repository.materialise(composed, tmp_path / "out")
        assert (tmp_path / "out" / "b.txt").read_text() == "one\ntwo\nthree\n"
        assert not (tmp_path / "out" / "a.txt").exists()
        assert not (tmp_path / "scratch").exists()

    play(scenario())


def test_a_ref_moves_only_from_where_it_was_expected(project: Path) -> None:
    async def scenario() -> None:
        repository = await Repository.open(project)
        base = await repository.resolve("HEAD")
        other = await repository.commit_tree(await repository.tree_of(base), [base], "other")
        assert await repository.move_ref("refs/heads/x", base, NO_COMMIT)
        assert not await repository.move_ref("refs/heads/x", other, NO_COMMIT)
        assert not await repository.move_ref("refs/heads/x", base, other)
        assert await repository.move_ref("refs/heads/x", other, base)
        assert await repository.read_ref("refs/heads/x") == other

    play(scenario())


def test_a_merge_needs_no_checkout_and_names_its_conflicts(project: Path) -> None:
    async def scenario() -> None:
        repository = await Repository.open(project)
        base = await repository.resolve("HEAD")
        sides = []
        for text in ("ONE\ntwo\nthree\n", "one\ntwo\nTHREE\n", "uno\ntwo\nthree\n"):
            (project / "a.txt").write_text(text)
            git(project, "commit", "--all", "--quiet", "--message=side")
            sides.append(git(project, "rev-parse", "HEAD"))
            git(project, "reset", "--hard", "--quiet", base)
        clean = await repository.merge_trees(sides[0], sides[1])
        assert clean.conflicts == ()
        assert await repository.read_file(clean.tree, "a.txt") == b"ONE\ntwo\nTHREE\n"
        assert (await repository.merge_trees(sides[0], sides[2])).conflicts == ("a.txt",)

    play(scenario())


def test_a_trailer_is_found_as_a_whole_line_only(project: Path) -> None:
    async def scenario() -> None:
        repository = await Repository.open(project)
        base = await repository.resolve("HEAD")
        tree = await repository.tree_of(base)
        first = await repository.commit_tree(tree, [base], "says: Orchestrator-Task: r1/t1 k and more")
        second = await repository.commit_tree(tree, [first], "t\n\nOrchestrator-Task: r1/t1 k")
        assert await repository.commit_with_trailer(base, second, "Orchestrator-Task: r1/t1 k") == second
        assert await repository.commit_with_trailer(base, first, "Orchestrator-Task: r1/t1 k") is None

    play(scenario())


def test_an_attempt_is_kept_with_new_files_and_the_agents_own_commits(project: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        repository = await Repository.open(project)
        base = await repository.resolve("HEAD")
        folder = tmp_path / "wt"
        await worktrees.create(repository, folder, base)
        (folder / "new.txt").write_text("new\n")
        git(folder, "add", "new.txt")
        git(folder, "commit", "--quiet", "--message=by the agent")
        agents = git(folder, "rev-parse", "HEAD")
        (folder / "later.txt").write_text("later\n")
        keep = {"base": base, "attempt_id": "r1.t1.1", "scratch": tmp_path / "index", "message": "kept"}
        commit = await worktrees.keep(repository, folder, **keep)
        assert await repository.parents(commit) == [base, agents]
        assert {"new.txt", "later.txt"} <= set(await repository.entries(await repository.tree_of(commit)))
        assert await worktrees.keep(repository, folder, **keep) == commit, "the same content is not kept twice"
        assert git(folder, "status", "--porcelain") == "?? later.txt", "the agent's index is its own"
        await worktrees.remove(repository, folder)
        await worktrees.remove(repository, folder)
        assert not folder.exists()
        assert git(project, "worktree", "list").count("\n") == 0
        assert await repository.read_ref("refs/orchestrator/attempts/r1.t1.1") == commit

    play(scenario())


def test_a_worktree_is_made_again_over_what_a_crash_left(project: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        repository = await Repository.open(project)
        base = await repository.resolve("HEAD")
        folder = tmp_path / "wt"
        folder.mkdir()
        (folder / "half").write_text("")
        await worktrees.create(repository, folder, base)
        assert not (folder / "half").exists()
        await worktrees.create(repository, folder, base)
        assert (folder / "a.txt").exists()
        await worktrees.remove(repository, folder)

    play(scenario())


def test_a_worktree_that_git_has_on_record_twice_is_removed_wholly(project: Path, tmp_path: Path) -> None:
    async def scenario() -> None:
        repository = await Repository.open(project)
        folder = tmp_path / "wt"
        await worktrees.create(repository, folder, await repository.resolve("HEAD"))
        records = project / ".git" / "worktrees"
        shutil.copytree(records / "wt", records / "wt1")  # what a second `worktree add` at the same time leaves
        await worktrees.remove(repository, folder)
        assert git(project, "worktree", "list").count("\n") == 0
        assert not folder.exists()

    play(scenario())


def test_a_hook_of_the_user_is_not_run(project: Path, tmp_path: Path) -> None:
    hook = project / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch {tmp_path}/hooked\n")
    hook.chmod(0o755)

    async def scenario() -> None:
        repository = await Repository.open(project)
        await worktrees.create(repository, tmp_path / "wt", await repository.resolve("HEAD"))
        await worktrees.remove(repository, tmp_path / "wt")

    play(scenario())
    assert not (tmp_path / "hooked").exists()


def test_what_is_not_a_repository_or_has_no_commit_is_said_in_one_line(tmp_path: Path) -> None:
    with pytest.raises(RepositoryError, match="not a git repository"):
        play(Repository.open(tmp_path))
    with pytest.raises(RepositoryError, match="not a folder"):
        play(Repository.open(tmp_path / "nowhere"))
    git(tmp_path, "init", "--quiet")

    async def head() -> str:
        return await (await Repository.open(tmp_path)).resolve("HEAD")

    with pytest.raises(RepositoryError, match="no commits yet"):
        play(head())


def test_a_bare_repository_can_be_worked_on(project: Path, tmp_path: Path) -> None:
    git(tmp_path, "clone", "--quiet", "--bare", str(project), "bare.git")

    async def scenario() -> None:
        repository = await Repository.open(tmp_path / "bare.git")
        await worktrees.create(repository, tmp_path / "wt", await repository.resolve("HEAD"))
        assert (tmp_path / "wt" / "a.txt").exists()
        await worktrees.remove(repository, tmp_path / "wt")

    play(scenario())


_ENDING = """
import asyncio, sys
from pathlib import Path
from claude_orchestrator.workspace.git import Repository

async def main(turns):
    started = asyncio.ensure_future(Repository(Path(), Path(".git")).git("version"))
    for _ in range(turns):
        await asyncio.sleep(0)
    raise SystemExit(7)

asyncio.run(main(int(sys.argv[1])))
"""


@pytest.mark.parametrize("turns", [0, 1, 2, 4])
def test_a_program_ends_while_git_is_being_started(tmp_path: Path, turns: int) -> None:
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    done = subprocess.run([sys.executable, "-c", _ENDING, str(turns)], cwd=tmp_path, timeout=60, check=False)
    assert done.returncode == 7
