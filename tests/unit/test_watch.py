"""The watch over what a command writes: what counts, and where nobody has to look."""

from __future__ import annotations

from pathlib import Path

from claude_orchestrator.workspace.inside.watch import Watch

BYTES = 300_000


def over(folder: Path, shown: list[str]) -> str:
    """What a watch says that may look at once, of a new file in each folder below ``folder``."""
    watch = Watch(0, 0, BYTES // 2, [str(folder)], shown)
    watch._next_walk = 0.0
    for place in folder.iterdir():
        (place / "new").write_bytes(b"x" * BYTES)
    return watch.exceeded()


def test_new_files_count_wherever_they_are(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    assert "wrote more" in over(tmp_path, [])


def test_what_is_only_shown_is_not_read(tmp_path: Path) -> None:
    """A command cannot write there; it may have ten thousands of files."""
    (tmp_path / "environment").mkdir()
    assert over(tmp_path, [str(tmp_path / "environment")]) == ""


def test_beside_what_is_shown_everything_counts(tmp_path: Path) -> None:
    (tmp_path / "environment").mkdir()
    (tmp_path / "own").mkdir()
    assert "wrote more" in over(tmp_path, [str(tmp_path / "environment")])
