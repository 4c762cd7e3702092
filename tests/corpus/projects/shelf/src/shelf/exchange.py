"""Books as JSON, to take along."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

from shelf.records import Book, ShelfError
from shelf.store import Store

FORMAT = 2


def as_json(books: list[Book]) -> str:
    """The text of an export."""
    entries = [_entry(book) for book in books]
    return json.dumps({"format": FORMAT, "books": entries}, indent=2, ensure_ascii=False) + "\n"


def export(store: Store, target: Path) -> int:
    """Write all books to ``target``, whole or not at all; gives how many."""
    books = store.all()
    temporary = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        temporary.write_text(as_json(books), encoding="utf-8")
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)
    return len(books)


def load(store: Store, source: Path) -> int:
    """Add the books of an export that are not there yet; gives how many were new."""
    try:
        data = json.loads(source.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ShelfError(f"cannot read {source.name}: {error}") from None
    if not isinstance(data, dict) or data.get("format") != FORMAT:
        raise ShelfError(f"{source.name} is no export of format {FORMAT}")
    known = {(book.title, book.author) for book in store.all()}
    added = 0
    for entry in data["books"]:
        name = (entry["title"], entry["author"])
        if name in known:
            continue
        known.add(name)
        store.add(*name)
        added += 1
    return added


def _entry(book: Book) -> dict[str, Any]:
    entry: dict[str, Any] = {"title": book.title, "author": book.author}
    if book.due is not None:
        entry |= {"borrower": book.borrower, "due": book.due.isoformat()}
    return entry
