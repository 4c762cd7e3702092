"""Amounts of money as whole cents, because what is added up must add up exactly."""


def parse(text: str) -> int:
    """Read an amount such as "12.50" or "12" as cents."""
    units, _, cents = text.strip().partition(".")
    return int(units) * 100 + int(cents.ljust(2, "0") or 0)


def show(cents: int) -> str:
    """Write cents as an amount: 1250 is "$12.50"."""
    units, rest = divmod(cents, 100)
    return f"${units}.{rest:02}"
