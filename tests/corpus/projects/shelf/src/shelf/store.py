"""The books in one SQLite file."""

from __future__ import annotations

import sqlite3
from datetime import date
from pathlib import Path
from types import TracebackType

from shelf.records import Book, ShelfError, due_date

_SCHEMA = """
CREATE TABLE IF NOT EXISTS book (
    number INTEGER PRIMARY KEY,
    title TEXT NOT NULL,
    author TEXT NOT NULL,
    borrower TEXT,
    due TEXT
)
"""
MOST_LOANS = 3


class Store:
    """Opens the file, makes it when it is missing, and closes it at the end of ``with``."""

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path)
        self._connection.execute(_SCHEMA)

    def __enter__(self) -> Store:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._connection.close()

    def add(self, title: str, author: str = "unknown") -> Book:
        """Put a new book on the shelf."""
        if not title.strip():
            raise ShelfError("a book needs a title")
        with self._connection as transaction:
            row = transaction.execute(
                "INSERT INTO book (title, author) VALUES (?, ?)", (title.strip(), author)
            )
        number = row.lastrowid
        if number is None:
            raise ShelfError("the book was not stored")
        return self.get(number)

    def get(self, number: int) -> Book:
        """One book. Raises ShelfError when there is none."""
        row = self._connection.execute(
            "SELECT number, title, author, borrower, due FROM book WHERE number = ?", (number,)
        ).fetchone()
        if row is None:
            raise ShelfError(f"there is no book {number}")
        return _book(row)

    def all(self, *, lent: bool | None = None) -> list[Book]:
        """All books by title, or only those that are (not) lent."""
        rows = self._connection.execute(
            "SELECT number, title, author, borrower, due FROM book ORDER BY title COLLATE NOCASE"
        )
        books = [_book(row) for row in rows]
        return books if lent is None else [book for book in books if book.lent == lent]

    def lend(self, number: int, borrower: str, today: date) -> Book:
        """Give a book away. Raises ShelfError when it is lent or the borrower has too many."""
        book = self.get(number)
        if book.lent:
            raise ShelfError(f"{book.borrower} has it until {book.due}")
        loans = [other for other in self.all(lent=True) if other.borrower == borrower]
        if len(loans) >= MOST_LOANS:
            raise ShelfError(f"{borrower} has {len(loans)} books already")
        with self._connection as transaction:
            transaction.execute(
                "UPDATE book SET borrower = ?, due = ? WHERE number = ?",
                (borrower, due_date(today).isoformat(), number),
            )
        return self.get(number)

    def back(self, number: int) -> Book:
        """Take a book back; gives it as it was while it was lent."""
        book = self.get(number)
        if not book.lent:
            raise ShelfError(f"nobody has book {number}")
        with self._connection as transaction:
            transaction.execute(
                "UPDATE book SET borrower = NULL, due = NULL WHERE number = ?", (number,)
            )
        return book

    def remove(self, number: int) -> None:
        """Take a book off the shelf for good; not while it is lent."""
        if self.get(number).lent:
            raise ShelfError(f"book {number} is lent")
        with self._connection as transaction:
            transaction.execute("DELETE FROM book WHERE number = ?", (number,))


def _book(row: tuple[int, str, str, str | None, str | None]) -> Book:
    number, title, author, borrower, due = row
    return Book(number, title, author, borrower, date.fromisoformat(due) if due else None)
