"""The script and the command agent, through the real runner: operations, journal, interruption and resumption."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from process_world import Launches, done, git, wait_for

from claude_orchestrator.agents import runner
from claude_orchestrator.agents.base import Outcome
from claude_orchestrator.agents.folder import LaunchFolder


@pytest.fixture
def launches(tmp_path: Path) -> Iterator[Launches]:
    world = Launches(tmp_path)
    yield world
    world.close()


def run(launch: LaunchFolder) -> Outcome:
    """Run a launch in this process."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, [])
    try:
        assert runner.main(launch.path) == 0
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    outcome = launch.read_exit()
    assert outcome
    return outcome


def names(folder: Path) -> list[str]:
    return sorted(entry.name for entry in folder.iterdir())


def script(launches: Launches, *operations: dict[str, Any], **other: Any) -> Outcome:
    return run(launches.script(*operations, **other))


def test_operations_on_files(launches: Launches) -> None:
    tree = launches.worktree
    (tree / "a.txt").chmod(0o755)
    outcome = script(
        launches,
        {"write": "new/deep/ü.txt", "content": "1\r\n2"},
        {"write": "a.txt", "content": "one one two\n"},
        {"replace": "a.txt", "old": "one", "new": "1", "count": 2},
        {"write": "folder/x", "content": ""},
        {"delete": "folder"},
        {"delete": ".gitignore"},
    )
    assert outcome.status == "finished"
    assert (tree / "new/deep/ü.txt").read_bytes() == b"1\r\n2"
    assert (tree / "a.txt").read_text() == "1 1 two\n"
    assert os.access(tree / "a.txt", os.X_OK), "the mode of a file is kept"
    assert not (tree / "folder").exists()
    assert not (tree / ".gitignore").exists()


@pytest.mark.parametrize(
    ("operation", "words"),
    [
        ({"replace": "a.txt", "old": "two", "new": "2"}, "there 0 times, not 1"),
        ({"replace": "missing.txt", "old": "two", "new": "2"}, "No such file"),
        ({"delete": "missing.txt"}, "No such file"),
        ({"write": "folder", "content": "x"}, "no file"),
        ({"write": "pipe", "content": "x"}, "no file"),
        ({"write": "a.txt/b.txt", "content": "x"}, "a.txt/b.txt"),
        ({"run": ["sh", "-c", "echo why; exit 7"]}, "exited with 7:\nwhy"),
        ({"run": "kill -9 $$"}, "exited with -9"),
    ],
)
def test_what_fails_ends_the_attempt(launches: Launches, operation: dict[str, Any], words: str) -> None:
    (launches.worktree / "folder").mkdir()
    os.mkfifo(launches.worktree / "pipe")
    outcome = script(launches, {"report": "begun"}, operation, {"write": "after.txt", "content": ""})
    assert outcome.status == "failed"
    assert words in outcome.detail
    assert outcome.report == "begun"
    assert not (launches.worktree / "after.txt").exists()
    assert launches.events("operation.done")[-1]["exit_code"] != 0


def test_a_command_may_fail_when_the_script_says_so(launches: Launches) -> None:
    assert script(launches, {"run": "exit 7", "may_fail": True}).status == "finished"
    assert launches.events("operation.done")[0]["exit_code"] == 7


@pytest.mark.parametrize(
    ("operation", "status", "rule"),
    [
        ({"write": "/opt/escaped.txt", "content": "x"}, "waiting", "A4"),
        ({"write": "link/escaped.txt", "content": "x"}, "waiting", "A4"),
        ({"replace": "file-link", "old": "root", "new": "x"}, "waiting", "A4"),
        ({"delete": "link/hostname"}, "waiting", "A1"),
        ({"delete": "."}, "failed", "B1"),
        ({"write": ".git", "content": "gitdir: elsewhere"}, "waiting", "A4"),
        ({"write": ".git/hooks/post-commit", "content": "x"}, "waiting", "A4"),
        ({"delete": ".git"}, "failed", "B1"),
    ],
)
def test_what_leaves_the_worktree_does_not_happen(
    launches: Launches, operation: dict[str, Any], status: str, rule: str
) -> None:
    (launches.worktree / "link").symlink_to("/etc")
    (launches.worktree / "file-link").symlink_to("/etc/hostname")
    launches.policy.unlink()
    outcome = script(launches, operation)
    assert outcome.status == status
    assert outcome.detail.endswith(f"[{rule}]")
    (asked,) = launches.events("operation.asked")
    assert (asked["verdict"], asked["rule"]) == (("BLOCKED" if status == "failed" else "REQUIRES_APPROVAL"), rule)
    assert launches.events("operation.done") == []


def test_deleting_a_link_removes_the_link(launches: Launches) -> None:
    outside = launches.root / "outside"
    outside.mkdir()
    (launches.worktree / "link").symlink_to(outside)
    assert script(launches, {"delete": "link"}).status == "finished"
    assert outside.exists()
    assert not (launches.worktree / "link").is_symlink()


def test_the_journal_tells_facts(launches: Launches) -> None:
    outcome = script(
        launches,
        {"write": "b.txt", "content": "b\n"},
        {"run": ["sh", "-c", "cat b.txt; echo ignored > ignored"]},
        {"run": "echo more >> b.txt"},
        {"report": "tests pass"},
    )
    assert outcome.report == "tests pass"
    asked, performed = launches.events("operation.asked"), launches.events("operation.done")
    assert [event["kind"] for event in asked] == [event["kind"] for event in performed]
    assert {event["verdict"] for event in asked} == {"SAFE"}
    base = git(launches.worktree, "rev-parse", "HEAD^{tree}").strip()
    trees = [(event["tree_before"], event["tree_after"]) for event in performed]
    assert trees[0][0] == base
    assert trees[0][1] != base
    assert trees[1] == (trees[0][1], trees[0][1]), "what git ignores changes nothing"
    assert trees[2][0] != trees[2][1]
    assert trees[3] == (trees[2][1], trees[2][1])
    assert git(launches.worktree, "show", f"{trees[2][1]}:b.txt") == "b\nmore\n"
    assert performed[1]["tail"] == "b\n"
    assert Path(performed[1]["output"]).read_text() == "b\n"
    assert performed[1]["digest"] == "0263829989b6fd954f72baaf2fc64bc2e2f01d692d4de72986ea808f6e99813f"
    assert launches.events("attempt.progress") == [{"text": "tests pass"}]
    assert launches.events("attempt.exited") == [{"status": "finished", "detail": "4 operations done"}]
    assert git(launches.worktree, "diff", "--cached", "--name-only") == "", "the worktree's own index is not touched"


def test_another_script_for_another_attempt(launches: Launches) -> None:
    options = {"attempts": {"1": [{"report": "first"}], "3": [{"report": "third"}]}}
    assert [run(launches.new(options, number=number)).report for number in (1, 2, 3, 4)] == [
        "first",
        "first",
        "third",
        "third",
    ]


def test_interrupted_in_the_middle_of_a_command(launches: Launches) -> None:
    gate, effects = launches.root / "gate", launches.root / "effects"
    os.mkfifo(gate)
    operations: list[dict[str, Any]] = [
        {"write": "first.txt", "content": "first\n"},
        {"run": f"echo half > half.txt; rm a.txt; echo begun >> {effects}; cat {gate}; echo whole > half.txt"},
        {"report": "said"},
        {"run": "cat first.txt half.txt > last.txt"},
    ]
    launch = launches.script(*operations)
    launch.spawn()
    wait_for(effects.exists)
    assert launch.interrupt()
    wait_for(lambda: done(launch))
    outcome = launch.read_exit()
    assert outcome
    assert outcome.status == "interrupted"
    assert outcome.resume
    assert outcome.resume["done"] == 1
    tree = launches.worktree
    assert names(tree) == [".git", ".gitignore", "a.txt", "first.txt"], "half a command leaves nothing"

    (tree / "left-by-somebody.txt").write_text("x")
    again = launches.script(*operations, resume=outcome.resume)
    again.spawn()
    gate.write_text("go\n")
    wait_for(lambda: done(again))
    outcome = again.read_exit()
    assert outcome
    assert (outcome.status, outcome.report) == ("finished", "said")
    assert (tree / "last.txt").read_text() == "first\nwhole\n"
    assert names(tree) == [".git", ".gitignore", "first.txt", "half.txt", "last.txt"]
    assert effects.read_text() == "begun\n" * 2
    performed = [event["target"].split(";")[0] for event in launches.events("operation.done")]
    assert performed == ["first.txt", "echo half > half.txt", "said", "cat first.txt half.txt > last.txt"]


def interrupted_soon(launch: LaunchFolder, chance: random.Random, within_s: float) -> Outcome:
    launch.spawn()
    wait_for(lambda: launch.state() != "new")
    time.sleep(chance.uniform(0.0, within_s))
    launch.interrupt()
    wait_for(lambda: done(launch))
    outcome = launch.read_exit()
    assert outcome
    return outcome


def test_interrupted_at_random_instants_nothing_is_repeated_or_lost(launches: Launches) -> None:
    chance = random.Random(5)
    lines = 6
    operations: list[dict[str, Any]] = []
    for number in range(lines):
        operations.append({"run": f"echo {number} >> log.txt; echo {number}.5 >> log.txt"})
        operations.append({"write": f"{number}.txt", "content": f"{number}\n"})
    resume = None
    rounds = 0
    # The time that a launch has grows by a part of itself, so that a slow machine gets to the end, too, and soon.
    while (
        outcome := interrupted_soon(launches.script(*operations, resume=resume), chance, 0.1 * 1.1**rounds)
    ).status != "finished":
        assert outcome.status == "interrupted", outcome
        resume = outcome.resume
        rounds += 1
        assert rounds < 200
    assert rounds >= 3
    expected = "".join(f"{number}\n{number}.5\n" for number in range(lines))
    assert (launches.worktree / "log.txt").read_text() == expected
    assert len(launches.events("operation.done")) == 2 * lines


def test_a_worktree_that_cannot_be_put_back_is_an_error(launches: Launches) -> None:
    outcome = script(launches, {"report": "x"}, resume={"tree": "0123456789" * 4, "done": 0, "report": ""})
    assert outcome.status == "error"


def command(launches: Launches, *argv: str, **other: Any) -> Outcome:
    return run(launches.new({"command": list(argv)}, agent="command", **other))


def test_the_command_edits_the_worktree(launches: Launches) -> None:
    code = "import sys; print(open(sys.argv[1]).read()); open('b.txt', 'w').write(' '.join(sys.argv[2:]))"
    argv = [sys.executable, "-c", code, "{prompt_file}", "{worktree}", "<{prompt}>", "{other}"]
    outcome = command(launches, *argv, prompt="say {worktree}")
    assert outcome == Outcome("finished", f"{sys.executable} exited with 0")
    written = (launches.worktree / "b.txt").read_text()
    assert written == f"{launches.worktree} <say {{worktree}}> {{other}}"
    performed = launches.events("operation.done")[0]
    assert performed["tail"] == "say {worktree}\n"
    assert performed["tree_before"] != performed["tree_after"]


def test_a_command_that_fails_shows_the_end_of_its_output(launches: Launches) -> None:
    outcome = command(launches, "sh", "-c", "seq 100000; echo the reason; exit 2")
    assert outcome.status == "failed"
    assert outcome.detail.startswith("sh exited with 2:\n")
    assert outcome.detail.endswith("the reason\n")
    assert len(outcome.detail) < 2100
