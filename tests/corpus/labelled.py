"""The labelled operations: rows of JSON below ``operations``, one file a family.

Every label follows from the words of the operation policy (``docs/reference/policy.md``) and from nothing else: whoever
knows that page can predict each row. ``rule`` is the deciding rule, or a list where the page lets several decide;
``why`` is what the operation does. None of these operations is ever performed: they are texts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

FOLDER = Path(__file__).parent / "operations"
STRICTNESS = {"safe": 0, "requires_approval": 1, "blocked": 2}


class Row(NamedTuple):
    """One operation and what the policy's page says of it."""

    op: str
    kind: str
    cwd: str
    workspace: str
    verdict: str
    rules: tuple[str, ...]
    why: str

    def asked(self) -> dict[str, str]:
        """The operation as it is given to the classifier, without the label."""
        return {"op": self.op, "kind": self.kind, "cwd": self.cwd, "workspace": self.workspace}


def groups() -> dict[str, list[Row]]:
    """Name of each file → its rows."""
    return {path.stem: [_row(line) for line in _lines(path)] for path in sorted(FOLDER.glob("*.jsonl"))}


def _lines(path: Path) -> list[str]:
    return path.read_text(encoding="utf-8").split("\n")[:-1]


def _row(line: str) -> Row:
    row = json.loads(line)
    rules = row.pop("rule")
    return Row(rules=(rules,) if isinstance(rules, str) else tuple(rules), **row)
