"""Invoices in CSV: one row for each line of an invoice."""

import csv
from pathlib import Path

from tally import money
from tally.invoice import Invoice, Line


def load(path: Path) -> list[Invoice]:
    """Read the invoices of a file, in the order in which they first appear."""
    customers: dict[str, str] = {}
    lines: dict[str, list[Line]] = {}
    with path.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            customers[row["number"]] = row["customer"]
            line = Line(row["description"], int(row["quantity"]), money.parse(row["price"]))
            lines.setdefault(row["number"], []).append(line)
    return [Invoice(number, customers[number], tuple(lines[number])) for number in customers]
