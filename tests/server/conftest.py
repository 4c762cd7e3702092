"""A world for each test of the server."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from policy_world import allow_odd_commands
from server_world import World, furnish, make_project

from claude_orchestrator.config import Settings


@pytest.fixture(scope="session")
def first_project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A small repository, made once."""
    return make_project(tmp_path_factory.mktemp("shop") / "project")


@pytest.fixture
def project(first_project: Path, tmp_path: Path) -> Path:
    """A copy of it, whose scripts may run odd commands without asking."""
    allow_odd_commands()
    return shutil.copytree(first_project, tmp_path / "project", symlinks=True)


@pytest.fixture(scope="module")
def furnished(first_project: Path, tmp_path_factory: pytest.TempPathFactory) -> World:
    """A server with one of everything, for calls that change nothing of it.

    The run r1 rests because of g1; its plan is p1. Nobody has approved p2. The session s1 has all its answers.
    """
    project = shutil.copytree(first_project, tmp_path_factory.mktemp("furnished") / "project", symlinks=True)
    world = World(Settings(home=tmp_path_factory.mktemp("home")), project)
    furnish(world)
    return world


@pytest.fixture
def settings(own_world: Path) -> Settings:
    """Settings that do not wait long before they try again."""
    return Settings(home=own_world, retry_base_s=0.05, retry_cap_s=0.1, heartbeat_s=0.2)


@pytest.fixture
def server(settings: Settings, project: Path) -> World:
    """A server in this process, with a home and a repository of its own."""
    return World(settings, project)


@pytest.fixture
def movers(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """No process is started to move a run; the runs for which one would be."""
    started: list[str] = []

    async def start_mover(_: Settings, run_id: str) -> None:
        started.append(run_id)

    monkeypatch.setattr("claude_orchestrator.orchestrator.detaching.start_mover", start_mover)
    return started
