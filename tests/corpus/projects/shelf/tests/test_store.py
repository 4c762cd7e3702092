from datetime import date
from pathlib import Path

import pytest
from checks import check_free, check_lent

from shelf.records import ShelfError
from shelf.store import Store


def test_add(store: Store) -> None:
    book = store.add("  Emma ", "Jane Austen")
    assert (book.number, book.title, book.author) == (1, "Emma", "Jane Austen")
    check_free(book)


def test_add_needs_a_title(store: Store) -> None:
    with pytest.raises(ShelfError, match="needs a title"):
        store.add("  ")
    assert store.all() == []


def test_books_are_kept(tmp_path: Path) -> None:
    with Store(tmp_path / "a.db") as store:
        store.add("Emma")
    with Store(tmp_path / "a.db") as store:
        assert [book.title for book in store.all()] == ["Emma"]


def test_all_by_title(store: Store) -> None:
    for title in ("emma", "Dracula", "Ulysses"):
        store.add(title)
    assert [book.title for book in store.all()] == ["Dracula", "emma", "Ulysses"]


def test_all_lent(store: Store, today: date) -> None:
    store.add("Emma")
    store.add("Dracula")
    store.lend(1, "Nils", today)
    assert [book.number for book in store.all(lent=True)] == [1]
    assert [book.number for book in store.all(lent=False)] == [2]


def test_lend(store: Store, today: date) -> None:
    store.add("Emma")
    book = store.lend(1, "Nils", today)
    check_lent(book, "Nils")
    assert book.due == date(2026, 3, 31)


def test_lend_only_once(store: Store, today: date) -> None:
    store.add("Emma")
    store.lend(1, "Nils", today)
    with pytest.raises(ShelfError, match="Nils has it"):
        store.lend(1, "Ada", today)
    check_lent(store.get(1), "Nils")


def test_lend_three_at_most(store: Store, today: date) -> None:
    for title in ("a", "b", "c", "d"):
        store.add(title)
    for number in (1, 2, 3):
        store.lend(number, "Nils", today)
    with pytest.raises(ShelfError, match="3 books already"):
        store.lend(4, "Nils", today)
    check_lent(store.lend(4, "Ada", today), "Ada")


def test_back(store: Store, today: date) -> None:
    store.add("Emma")
    store.lend(1, "Nils", today)
    assert store.back(1).borrower == "Nils"
    check_free(store.get(1))


def test_back_when_not_lent(store: Store) -> None:
    store.add("Emma")
    with pytest.raises(ShelfError, match="nobody has"):
        store.back(1)


def test_remove(store: Store) -> None:
    store.add("Emma")
    store.remove(1)
    with pytest.raises(ShelfError, match="no book 1"):
        store.get(1)


def test_remove_not_while_lent(store: Store, today: date) -> None:
    store.add("Emma")
    store.lend(1, "Nils", today)
    with pytest.raises(ShelfError, match="is lent"):
        store.remove(1)
    assert len(store.all()) == 1
