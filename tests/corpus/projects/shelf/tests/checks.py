from shelf.records import Book


def check_free(book: Book) -> None:
    """The book is on the shelf and nobody owes it."""
    assert book.borrower is None
    assert book.due is None


def check_lent(book: Book, borrower: str) -> None:
    """The book is with ``borrower`` and has to come back."""
    assert book.borrower == borrower
    assert book.due is not None
