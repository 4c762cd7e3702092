from tally.invoice import Invoice, Line


def test_an_invoice_adds_up_its_lines() -> None:
    invoice = Invoice("7", "Ada", (Line("pen", 2, 150), Line("book", 1, 1250)))
    assert invoice.total() == 1550


def test_an_invoice_without_lines_is_zero() -> None:
    assert Invoice("7", "Ada").total() == 0


def test_goods_taken_back_make_a_negative_total() -> None:
    assert Invoice("8", "Ada", (Line("pen", -2, 150),)).total() == -300
