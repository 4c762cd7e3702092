"""Writing an operation differently never makes the verdict on it safer.

A seeded sample; ``python -m benchmarks.classifier_attacks --variants 100000`` runs as many as one wants.
"""

from __future__ import annotations

import pytest
from corpus.labelled import STRICTNESS
from corpus.variants import BASES, Base, variants

from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.rows import judge_row

# Thousands of operations go through lines that chosen ones have run: counting them takes twice their time.
pytestmark = pytest.mark.no_cover

SAMPLE = 5_000
PLACE = {"kind": "shell", "cwd": "/home/dev/project", "workspace": "/home/dev/project"}


def verdict(text: str) -> str:
    answer = judge_row({"op": text, **PLACE}, Policy())["verdict"]
    assert isinstance(answer, str)
    return answer


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.text)
def test_the_operations_that_are_varied_are_judged_as_the_page_says(base: Base) -> None:
    assert verdict(base.text) == base.verdict


def test_no_variant_is_safer_than_its_operation() -> None:
    safer = [
        f"{base.text!r} is {base.verdict}, but {answer}: {text!r}"
        for base, text in variants(SAMPLE, seed=20261126)
        if STRICTNESS[answer := verdict(text)] < STRICTNESS[base.verdict]
    ]
    assert not safer, f"{len(safer)} of {SAMPLE}:\n" + "\n".join(safer[:40])


def test_the_variants_differ() -> None:
    """A sample that repeats itself would prove little."""
    texts = [text for _, text in variants(SAMPLE, seed=1)]
    assert len(set(texts)) > 0.9 * SAMPLE
    assert texts == [text for _, text in variants(SAMPLE, seed=1)]
    assert len(BASES) >= 40
