"""Fixtures of the tests of the claude agent: the worlds in which a script is played."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from claude_sessions import Sessions
from claude_world import World
from scripted.messages_api import Script


@pytest.fixture
def claude_world(tmp_path: Path) -> Iterator[Callable[[Script], World]]:
    """Makes the world in which a script is played, for the command."""
    made: list[World] = []

    def make(script: Script) -> World:
        made.append(World(tmp_path, script))
        made[-1].api.__enter__()
        return made[-1]

    yield make
    for world in made:
        world.close()


@pytest.fixture
def claude_sessions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Script], Sessions]]:
    """Makes the world in which a script is played, for launches of their own."""
    made: list[Sessions] = []

    def make(script: Script) -> Sessions:
        made.append(Sessions(tmp_path, script, monkeypatch))
        made[-1].api.__enter__()
        return made[-1]

    yield make
    for world in made:
        world.close()
