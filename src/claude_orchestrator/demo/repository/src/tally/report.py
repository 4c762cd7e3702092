"""What a person wants to read at the end of the month."""

from collections.abc import Sequence

from tally import money
from tally.invoice import Invoice


def summary(invoices: Sequence[Invoice]) -> str:
    """One line for each invoice, then the total of them all."""
    rows = [f"{i.number}  {i.customer}  {money.show(i.total())}" for i in invoices]
    rows.append(f"total  {money.show(sum(i.total() for i in invoices))}")
    return "\n".join(rows)
