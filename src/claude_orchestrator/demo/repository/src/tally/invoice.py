"""Invoices and the lines that they consist of."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """So many of one thing; a negative quantity is something taken back."""

    description: str
    quantity: int
    unit_cents: int

    def total(self) -> int:
        return self.quantity * self.unit_cents


@dataclass(frozen=True)
class Invoice:
    """What one customer owes, or gets back when the total is negative."""

    number: str
    customer: str
    lines: tuple[Line, ...] = ()

    def total(self) -> int:
        return sum(line.total() for line in self.lines)
