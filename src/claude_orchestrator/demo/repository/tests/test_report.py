from tally.invoice import Invoice, Line
from tally.report import summary

INVOICES = [
    Invoice("7", "Ada", (Line("pen", 2, 150),)),
    Invoice("8", "Grace", (Line("book", 1, 1250),)),
    Invoice("9", "Ada", (Line("ink", 4, 300),)),
]


def test_every_invoice_has_a_line() -> None:
    assert "8  Grace  $12.50" in summary(INVOICES).splitlines()


def test_the_total_counts_every_invoice() -> None:
    assert summary(INVOICES).splitlines()[-1] == "total  $27.50"
