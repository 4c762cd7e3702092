"""The command line."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

from shelf import exchange
from shelf.records import Book, ShelfError, fine
from shelf.store import Store


def parser() -> argparse.ArgumentParser:
    """All commands and options."""
    top = argparse.ArgumentParser(prog="shelf", description="Who has borrowed which book.")
    top.add_argument("--file", type=Path, default=Path("shelf.db"), help="where the books are")
    top.add_argument("--today", type=date.fromisoformat, default=None, help="for tests")
    commands = top.add_subparsers(dest="command", required=True)
    add = commands.add_parser("add")
    add.add_argument("title")
    add.add_argument("--author", default="unknown")
    lend = commands.add_parser("lend")
    lend.add_argument("number", type=int)
    lend.add_argument("borrower")
    commands.add_parser("back").add_argument("number", type=int)
    commands.add_parser("remove").add_argument("number", type=int)
    commands.add_parser("list").add_argument("--lent", action="store_true", default=None)
    commands.add_parser("export").add_argument("target", type=Path)
    commands.add_parser("load").add_argument("source", type=Path)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 0 when it worked, 1 when it could not be done."""
    options = parser().parse_args(arguments)
    today = options.today or date.today()
    try:
        with Store(options.file) as store:
            print(run(store, options, today))
    except ShelfError as error:
        print(f"shelf: {error}", file=sys.stderr)
        return 1
    return 0


def run(store: Store, options: argparse.Namespace, today: date) -> str:
    """Do what the options say; gives what to print."""
    match options.command:
        case "add":
            return f"added {store.add(options.title, options.author).number}"
        case "lend":
            return f"due {store.lend(options.number, options.borrower, today).due}"
        case "back":
            return returned(store.back(options.number), today)
        case "remove":
            store.remove(options.number)
            return f"removed {options.number}"
        case "list":
            return "\n".join(line(book, today) for book in store.all(lent=options.lent))
        case "export":
            return f"wrote {exchange.export(store, options.target)}"
        case _:
            return f"loaded {exchange.load(store, options.source)}"


def returned(book: Book, today: date) -> str:
    """What a borrower is told when a book comes back."""
    cents = fine(book.overdue(today))
    return f"thank you; {cents / 100:.2f} to pay" if cents else "thank you"


def line(book: Book, today: date) -> str:
    """One line of the list."""
    text = f"{book.number:>4}  {book.title} ({book.author})"
    if book.due is None:
        return text
    late = book.overdue(today)
    return f"{text}  {book.borrower}, {f'{late} days late' if late else f'until {book.due}'}"


if __name__ == "__main__":
    sys.exit(main())
