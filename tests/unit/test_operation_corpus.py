"""The classifier on every labelled operation: the verdict and the deciding rule that the policy's page gives."""

from __future__ import annotations

import functools
import re
from collections import Counter
from typing import Any

import pytest
from corpus.labelled import STRICTNESS, Row, groups

from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.rows import judge_row

# Thousands of operations go through lines that chosen ones have run: counting them takes twice their time.
pytestmark = pytest.mark.no_cover

GROUPS = groups()
ROWS = [row for rows in GROUPS.values() for row in rows]

OPEN: dict[str, str] = {}
"""Operations on whose verdict or rule we are knowingly wrong, and why. What has come right must leave this list."""


@functools.cache
def judged(row: Row) -> dict[str, Any]:
    return judge_row(row.asked(), Policy())


def right(row: Row) -> bool:
    return judged(row)["verdict"] == row.verdict


def deciding(row: Row) -> set[str]:
    """The rules of all effects that are as strict as the verdict."""
    answer = judged(row)
    letter = {"safe": "S", "requires_approval": "A", "blocked": "B"}[answer["verdict"]]
    return {effect["rule"] for effect in answer["effects"] if effect["rule"][0] == letter}


def shown(row: Row) -> str:
    answer = judged(row)
    return (
        f"{row.verdict} ({', '.join(row.rules)}: {row.why}), but {answer['verdict']} ({answer['reason']})\n"
        f"      {row.op!r}  [{row.kind} in {row.cwd} of {row.workspace}]"
    )


@pytest.mark.parametrize("group", GROUPS)
def test_verdicts_are_those_of_the_page(group: str) -> None:
    wrong = [row for row in GROUPS[group] if row.op not in OPEN and not right(row)]
    assert not wrong, f"{len(wrong)} of {len(GROUPS[group])} wrong:\n" + "\n".join(f"  {shown(row)}" for row in wrong)


@pytest.mark.parametrize("group", GROUPS)
def test_the_deciding_rule_is_that_of_the_page(group: str) -> None:
    wrong = [row for row in GROUPS[group] if row.op not in OPEN and right(row) and not deciding(row) & set(row.rules)]
    assert all(judged(row)["rule"] in deciding(row) for row in GROUPS[group])
    assert not wrong, f"{len(wrong)} of {len(GROUPS[group])} by another rule:\n" + "\n".join(
        f"  {shown(row)}" for row in wrong
    )


def test_the_aims_hold_even_with_what_is_open() -> None:
    answers = Counter((row.verdict, judged(row)["verdict"]) for row in ROWS)
    total = Counter(row.verdict for row in ROWS)
    dangerous = [row for row in ROWS if row.verdict != "safe" and judged(row)["verdict"] == "safe"]
    assert not dangerous, "called safe:\n" + "\n".join(f"  {shown(row)}" for row in dangerous)
    assert answers["safe", "blocked"] == 0
    assert answers["safe", "safe"] >= 0.97 * total["safe"]
    assert answers["blocked", "blocked"] >= 0.99 * total["blocked"]
    assert sum(answers[verdict, verdict] for verdict in STRICTNESS) >= 0.98 * len(ROWS)


def test_nothing_is_called_open_that_is_right() -> None:
    known = {row.op: row for row in ROWS}
    assert not [op for op in OPEN if op not in known], "no such row"
    assert not [op for op in OPEN if right(known[op]) and deciding(known[op]) & set(known[op].rules)]
    assert all(OPEN.values())


def test_the_corpus_covers_the_page() -> None:
    """Every rule decides rows, and is near rows that it must not decide; no row stands there twice."""
    rules = {f"{letter}{number}" for letter, last in (("B", 10), ("S", 12), ("A", 13)) for number in range(1, last + 1)}
    named = Counter(rule for row in ROWS for rule in row.rules)
    assert set(named) == rules | {"A0"}
    assert min(named.values()) >= 10, named.most_common()[-5:]
    assert len({(row.op, row.kind, row.cwd, row.workspace) for row in ROWS}) == len(ROWS)
    assert {row.kind for row in ROWS} == {"shell", "git", "file_write", "file_delete", "mcp_tool", "http"}
    for row in ROWS:
        assert row.verdict in STRICTNESS, row
        assert {"S": "safe", "A": "requires_approval", "B": "blocked"}[row.rules[0][0]] == row.verdict, row
        assert len({rule[0] for rule in row.rules}) == 1, row
        assert re.search(r"\w", row.why), row
