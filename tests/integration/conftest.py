"""What tests of several rooms share: one world for the verifier, one for the engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from engine_world import make_project
from policy_world import allow_odd_commands
from verifier_world import PROJECT, World

from claude_orchestrator.config import Settings


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Results by content, for all tests of the verifier: most start from the same base."""
    return tmp_path_factory.mktemp("results")


@pytest.fixture
def world(tmp_path: Path, known: Path) -> World:
    """A small repository that can be judged."""
    return World(tmp_path, PROJECT, known)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A small repository for runs of plans, whose scripts may run odd commands without asking."""
    allow_odd_commands()
    return make_project(tmp_path / "project")


@pytest.fixture
def settings(own_world: Path) -> Settings:
    """Settings that do not wait long before they try again."""
    return Settings(home=own_world, retry_base_s=0.05, retry_cap_s=0.1, heartbeat_s=0.2)
