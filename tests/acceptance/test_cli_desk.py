"""``run`` on a terminal offers its questions in place: a person answers, looks, puts off, and Ctrl-C still pauses."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cli_world import World
from terminal_world import Terminal

WORKFLOW = ".github/workflows/ci.yml"
ASKS = {"write": WORKFLOW, "content": "on: push\n"}
PROMPT = "[l]ater?"


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


@pytest.fixture
def terminal(world: World) -> Iterator[Terminal]:
    asks = {**ASKS, "may_be_refused": True}
    task = world.task("t1", asks, {"write": "t1.txt", "content": "x\n"}, files=[".github", "t1.txt"])
    one = Terminal(world, "run", world.plan(task))
    yield one
    one.close()


def gates(world: World) -> list[tuple[Any, ...]]:
    return [(gate["status"], gate["channel"], gate["reason"]) for gate in world.json("inbox", "--all")]


def test_a_person_looks_and_approves(world: World, terminal: Terminal) -> None:
    asked = terminal.until(PROMPT)
    assert f"wants to write {WORKFLOW}" in asked
    terminal.types("s\n")
    assert "+on: push" in terminal.until(PROMPT)
    terminal.types("what?\n")
    terminal.until(PROMPT)
    terminal.types("a\n")
    code, said = terminal.end()
    assert code == 0, said
    assert gates(world) == [("approved", "terminal", "")]
    assert world.git("show", f"orchestrator/r1:{WORKFLOW}") == "on: push"


def test_a_person_denies_with_a_reason(world: World, terminal: Terminal) -> None:
    terminal.until(PROMPT)
    terminal.types("d\n")
    terminal.until("why?")
    terminal.types("not the CI\n")
    code, said = terminal.end()
    assert code == 0, said
    assert gates(world) == [("denied", "terminal", "not the CI")]


def test_what_is_put_off_waits_in_the_inbox(world: World, terminal: Terminal) -> None:
    terminal.until(PROMPT)
    terminal.types("l\n")
    code, said = terminal.end()
    assert code == 1
    assert "inbox show g1" in said
    assert gates(world) == [("open", None, "")]


def test_an_answer_from_elsewhere_ends_the_question(world: World, terminal: Terminal) -> None:
    terminal.until(PROMPT)
    world.cli("approve", "g1")
    terminal.until("was answered elsewhere")
    code, said = terminal.end()
    assert code == 0, said


def test_ctrl_c_at_a_question_pauses(world: World, terminal: Terminal) -> None:
    terminal.until(PROMPT)
    os.killpg(terminal.process.pid, signal.SIGINT)  # as a terminal does
    code, said = terminal.end()
    assert code == 1, said
    assert world.json("status", "r1")["status"] == "paused"
    assert gates(world) == [("open", None, "")]


def test_what_was_typed_before_a_question_was_seen_is_no_answer(world: World) -> None:
    asks = {**ASKS, "content": "on: pull_request\n"}
    plan = world.plan(world.task("t1", ASKS, asks, files=[".github"]))
    terminal = Terminal(world, "run", plan)
    try:
        terminal.until(PROMPT)
        terminal.types("a\na\n")
        terminal.until("g2")
        terminal.until(PROMPT)
        terminal.types("l\n")
        assert terminal.end()[0] == 1
    finally:
        terminal.close()
    assert [gate["status"] for gate in world.json("inbox", "--all")] == ["approved", "open"]
