"""Real agents, or their real protocols, through the whole way: their worlds. What lacks its extra is skipped."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

_TESTS = Path(__file__).parents[1]

# The worlds of the other groups, which have their own folders.
sys.path[:0] = [str(_TESTS / name) for name in ("integration", "acceptance") if str(_TESTS / name) not in sys.path]

from claude_sessions import Sessions  # noqa: E402
from claude_world import World  # noqa: E402
from scripted.messages_api import Script  # noqa: E402


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
