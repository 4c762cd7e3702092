from datetime import date
from pathlib import Path

import pytest

from shelf.exchange import export, load
from shelf.records import ShelfError
from shelf.store import Store

GOLDEN = Path(__file__).parent / "data" / "export.json"


def filled(store: Store, today: date) -> Store:
    store.add("Middlemarch", "George Eliot")
    store.add("Emma", "Jane Austen")
    store.lend(2, "Nils", today)
    return store


def test_export(store: Store, today: date, tmp_path: Path) -> None:
    target = tmp_path / "out.json"
    assert export(filled(store, today), target) == 2
    assert target.read_text(encoding="utf-8") == GOLDEN.read_text(encoding="utf-8")


def test_export_leaves_nothing_else(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    folder.mkdir()
    export(store, folder / "out.json")
    assert [file.name for file in folder.iterdir()] == ["out.json"]


def test_load(store: Store) -> None:
    assert load(store, GOLDEN) == 2
    assert [(book.title, book.author) for book in store.all()] == [
        ("Emma", "Jane Austen"),
        ("Middlemarch", "George Eliot"),
    ]


def test_load_adds_only_new(store: Store) -> None:
    store.add("Emma", "Jane Austen")
    assert load(store, GOLDEN) == 1
    assert load(store, GOLDEN) == 0


@pytest.mark.parametrize("text", ["", "[]", '{"format": 1, "books": []}'])
def test_load_refuses_other_files(store: Store, tmp_path: Path, text: str) -> None:
    file = tmp_path / "in.json"
    file.write_text(text)
    with pytest.raises(ShelfError, match="in.json"):
        load(store, file)
