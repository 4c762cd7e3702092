from pathlib import Path

import pytest

from shelf.cli import main


@pytest.fixture
def shelf(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    def call(*arguments: str, today: str = "2026-03-03") -> tuple[int, str]:
        code = main(["--file", str(tmp_path / "s.db"), "--today", today, *arguments])
        output = capsys.readouterr()
        return code, (output.err if code else output.out).strip()

    return call


def test_add_and_list(shelf) -> None:
    assert shelf("add", "Emma", "--author", "Jane Austen") == (0, "added 1")
    assert shelf("list") == (0, "1  Emma (Jane Austen)")


def test_lend_and_list(shelf) -> None:
    shelf("add", "Emma")
    shelf("add", "Dracula")
    assert shelf("lend", "1", "Nils") == (0, "due 2026-03-31")
    assert shelf("list", "--lent") == (0, "1  Emma (unknown)  Nils, until 2026-03-31")
    assert shelf("list", "--lent", today="2026-04-02")[1].endswith("Nils, 2 days late")


def test_back_in_time(shelf) -> None:
    shelf("add", "Emma")
    shelf("lend", "1", "Nils")
    assert shelf("back", "1") == (0, "thank you")


def test_back_late(shelf) -> None:
    shelf("add", "Emma")
    shelf("lend", "1", "Nils")
    assert shelf("back", "1", today="2026-04-10") == (0, "thank you; 1.40 to pay")


def test_errors_are_told(shelf) -> None:
    assert shelf("lend", "7", "Nils") == (1, "shelf: there is no book 7")
    assert shelf("add", " ") == (1, "shelf: a book needs a title")


def test_export_and_load(shelf, tmp_path: Path) -> None:
    shelf("add", "Emma")
    assert shelf("export", str(tmp_path / "e.json")) == (0, "wrote 1")
    assert shelf("load", str(tmp_path / "e.json")) == (0, "loaded 0")


def test_remove(shelf) -> None:
    shelf("add", "Emma")
    assert shelf("remove", "1") == (0, "removed 1")
    assert shelf("list") == (0, "")


def test_unknown_command(shelf) -> None:
    with pytest.raises(SystemExit) as stopped:
        shelf("burn")
    assert stopped.value.code == 2
