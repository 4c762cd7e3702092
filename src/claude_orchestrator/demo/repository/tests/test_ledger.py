from pathlib import Path

from tally import ledger
from tally.invoice import Invoice, Line

ROWS = """\
number,customer,description,quantity,price
7,Ada,pen,2,1.50
8,Grace,book,1,12.50
7,Ada,ink,1,3
"""


def test_rows_are_gathered_into_invoices(tmp_path: Path) -> None:
    path = tmp_path / "invoices.csv"
    path.write_text(ROWS, encoding="utf-8")
    assert ledger.load(path) == [
        Invoice("7", "Ada", (Line("pen", 2, 150), Line("ink", 1, 300))),
        Invoice("8", "Grace", (Line("book", 1, 1250),)),
    ]
