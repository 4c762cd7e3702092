"""What was spent, as a table."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from claude_orchestrator.cli.output import paint
from claude_orchestrator.telling.costs import TOKENS, day, key, money
from claude_orchestrator.telling.words import Row

_HEADS = ("calls", "input", "output", "cache read", "cache write", "cost")


def table(rows: Sequence[Row], by: str, total: Row) -> Iterator[str]:
    """Sums as a table with a line for the total."""
    lines = [(by, *_HEADS), *((_name(row, by), *_cells(row)) for row in rows), ("total", *_cells(total))]
    widths = [max(len(line[column]) for line in lines) for column in range(len(_HEADS) + 1)]
    for number, line in enumerate(lines):
        # Numbers stand below each other at their right ends, the name and the cost at their left.
        cells = [line[0].ljust(widths[0]), *(cell.rjust(widths[n + 1]) for n, cell in enumerate(line[1:-1])), line[-1]]
        text = "  " + "  ".join(cells)
        yield paint(text, "bold") if number in (0, len(lines) - 1) else text


def _cells(row: Row) -> tuple[str, ...]:
    return (f"{row['calls']:,}", *(f"{row[name]:,}" for name in TOKENS), money(row))


def _name(row: Row, by: str) -> str:
    return day(row) if by == "day" else "/".join(part for part in key(row, by).values() if part)
