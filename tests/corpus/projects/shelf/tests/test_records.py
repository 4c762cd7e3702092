from datetime import date

import pytest

from shelf.records import Book, due_date, fine


def test_loan_is_four_weeks() -> None:
    assert due_date(date(2026, 3, 3)) == date(2026, 3, 31)


def test_loan_does_not_end_on_sunday() -> None:
    assert due_date(date(2026, 3, 1)) == date(2026, 3, 30)


def test_loan_of_some_days() -> None:
    assert due_date(date(2026, 3, 3), days=7) == date(2026, 3, 10)


@pytest.mark.parametrize(
    ("days", "cents"), [(0, 0), (3, 0), (4, 20), (10, 140), (53, 1000), (400, 1000)]
)
def test_fine(days: int, cents: int) -> None:
    assert fine(days) == cents


def test_overdue() -> None:
    book = Book(1, "Emma", "Jane Austen", "Nils", date(2026, 3, 31))
    assert book.overdue(date(2026, 4, 5)) == 5
    assert book.overdue(date(2026, 3, 31)) == 0
    assert book.overdue(date(2026, 3, 1)) == 0


def test_not_lent_is_not_overdue() -> None:
    assert Book(1, "Emma", "Jane Austen").overdue(date(2030, 1, 1)) == 0
