import pytest

from tally import money

AMOUNTS = [
    ("12.50", 1250),
    ("12", 1200),
    ("0.5", 50),
]


@pytest.mark.parametrize(("text", "cents"), AMOUNTS)
def test_an_amount_is_read_as_cents(text: str, cents: int) -> None:
    assert money.parse(text) == cents


def test_cents_are_shown_as_an_amount() -> None:
    assert money.show(1205) == "$12.05"
