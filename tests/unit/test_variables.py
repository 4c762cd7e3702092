"""The environment is read while another thread changes it."""

from __future__ import annotations

import os
import threading

import pytest

from claude_orchestrator.workspace.variables import variables


def test_what_is_taken_away_meanwhile_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HERE_TO_STAY", "yes")
    stop = threading.Event()

    def change() -> None:
        while not stop.is_set():
            os.environ["COMES_AND_GOES"] = "x"
            os.environ.pop("COMES_AND_GOES", None)

    other = threading.Thread(target=change)
    other.start()
    try:
        assert all(variables()["HERE_TO_STAY"] == "yes" for _ in range(50))
    finally:
        stop.set()
        other.join()
