"""A real full disk: a small tmpfs as the home, in a mount namespace that vanishes with the test."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from policy_world import allow_odd_commands

UNSHARE = ["unshare", "--mount"] if os.geteuid() == 0 else ["unshare", "--map-root-user", "--mount"]


def can_mount() -> bool:
    """Whether this machine lets us have a mount namespace with a tmpfs in it."""
    try:
        probe = ["sh", "-c", "mount -t tmpfs tmpfs /mnt"]
        return subprocess.run([*UNSHARE, *probe], capture_output=True, timeout=20, check=False).returncode == 0
    except OSError:
        return False


def test_a_full_disk_loses_nothing(tmp_path: Path, seed: int) -> None:
    if not can_mount():
        pytest.skip("this machine allows no mount namespace with a tmpfs")
    allow_odd_commands()
    driver = Path(__file__).with_name("full_disk.py")
    command = [*UNSHARE, sys.executable, str(driver), str(tmp_path / "world"), str(seed)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=110, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "StateError nothing lost" in done.stdout, done.stdout
