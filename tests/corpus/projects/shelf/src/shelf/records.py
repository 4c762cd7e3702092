"""What is on the shelf."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

LOAN_DAYS = 28
FINE_PER_DAY = 20
MOST_FINE = 1_000


class ShelfError(Exception):
    """What was asked for cannot be done; the message is for the user."""


@dataclass(frozen=True)
class Book:
    """One book; ``borrower`` and ``due`` are set while it is lent."""

    number: int
    title: str
    author: str
    borrower: str | None = None
    due: date | None = None

    @property
    def lent(self) -> bool:
        """Whether somebody has it."""
        return self.borrower is not None

    def overdue(self, today: date) -> int:
        """Days since the loan ended; 0 while it runs or without one."""
        if self.due is None:
            return 0
        return max(0, (today - self.due).days)


def due_date(start: date, days: int = LOAN_DAYS) -> date:
    """When a loan ends; never on a Sunday."""
    end = start + timedelta(days=days)
    if end.isoweekday() == 7:
        end += timedelta(days=1)
    return end


def fine(days: int) -> int:
    """Cents for ``days`` overdue; the first three days are free."""
    if days <= 3:
        return 0
    return min(MOST_FINE, (days - 3) * FINE_PER_DAY)
