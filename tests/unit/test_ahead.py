"""What is asked ahead is what will be asked for when every new test passes with the change."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any

import pytest

from claude_orchestrator.graders.base import Command
from claude_orchestrator.graders.suite import ahead
from claude_orchestrator.graders.suite.run_log import Ending, SuiteRun
from claude_orchestrator.graders.suite.runs import Done

CONTENT = (
    b"import pytest\n\n\ndef test_a():\n    pass\n\n\ndef helper():\n    pass\n\n\nclass TestB:\n"
    b"    async def test_c(self):\n        pass\n\n    def help(self):\n        pass\n"
)


class _Files:
    async def files(self, side: str, paths: Iterable[str]) -> dict[str, bytes]:
        assert side == "head"
        return dict.fromkeys(paths, CONTENT)


def asked(monkeypatch: pytest.MonkeyPatch, witness: SuiteRun) -> list[str]:
    names: list[str] = []

    async def note(bench: object, suite: object, shown: list[str], own: SuiteRun) -> None:
        del bench, suite
        assert not own.tests
        names.extend(shown)

    idle: list[str] = []

    async def note_idle(bench: object, suite: object, shown: list[str], usual_s: float) -> None:
        del bench, suite
        assert usual_s == 3.0
        idle.extend(shown)

    monkeypatch.setattr(ahead, "own_word_findings", note)
    monkeypatch.setattr(ahead, "ask_idle_ahead", note_idle)
    bench: Any = _Files()
    suite: Any = None
    command = Command("pytest-witness", (), 1, 3.0, "")
    asyncio.run(ahead.ask_ahead(bench, suite, Done(witness, command)))
    assert idle == names
    return names


def test_tests_that_fail_without_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    tests = {"test_x.py::test_a": Ending("passed"), "test_x.py::test_b[1]": Ending("failed")}
    assert asked(monkeypatch, SuiteRun("", tests)) == ["test_x.py::test_b[1]"]


def test_tests_of_a_file_that_cannot_be_collected_without_the_change(monkeypatch: pytest.MonkeyPatch) -> None:
    witness = SuiteRun("", {"test_x.py::collection": Ending("failed")})
    assert asked(monkeypatch, witness) == ["test_x.py::test_a", "test_x.py::TestB::test_c"]


def test_a_run_that_broke_off_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(monkeypatch, SuiteRun("it broke off", {"test_x.py::test_a": Ending("failed")})) == []
