"""A run of the corpus that is stopped goes on where it was."""

from __future__ import annotations

from pathlib import Path

import pytest
from corpus.everything import corpus
from corpus.repositories import Committed, committed

from benchmarks import verifier
from benchmarks.outcomes import Kept, Outcome

FOUND = Outcome("skip-test/shelf/a", "skip-test", False, "failed", "passed", ("pytest: nothing",), None, 1.5)


def test_outcomes_are_read_back(tmp_path: Path) -> None:
    file = tmp_path / "new" / "outcomes.jsonl"
    Kept(file).add("k", FOUND)
    assert Kept(file).find("k", gate=False) == FOUND
    assert Kept(file).find("other", gate=False) is None


def test_an_outcome_without_the_gate_is_none_where_the_gate_is_asked(tmp_path: Path) -> None:
    kept = Kept(tmp_path / "outcomes.jsonl")
    kept.add("k", FOUND)
    assert kept.find("k", gate=True) is None


def test_a_line_that_was_cut_off_is_no_outcome(tmp_path: Path) -> None:
    file = tmp_path / "outcomes.jsonl"
    Kept(file).add("first", FOUND)
    Kept(file).add("second", FOUND)
    file.write_text(file.read_text()[:-20])
    kept = Kept(file)
    assert kept.find("first", gate=False) == FOUND
    assert kept.find("second", gate=False) is None
    kept.add("third", FOUND)
    assert Kept(file).find("third", gate=False) == FOUND


@pytest.fixture
def judged(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The cases that the gate of today is asked about, in place of running it."""
    names: list[str] = []

    def gated(member: Committed, checkout: Path) -> bool:
        names.append(member.case.name)
        if names.count("regression/relay/cap") == 1 and "cap" in member.case.name:
            raise KeyboardInterrupt
        return True

    monkeypatch.setattr(verifier, "gated", gated)
    return names


def test_what_is_known_is_not_judged_again(tmp_path: Path, judged: list[str]) -> None:
    members = verifier.in_rounds(committed(corpus(["regression"], ["shelf", "relay"]), tmp_path / "repositories"))
    file = tmp_path / "outcomes.jsonl"
    with pytest.raises(KeyboardInterrupt):
        verifier.run(members, tmp_path, 1, gate=True, checks=[], kept=Kept(file))
    again = verifier.in_rounds(committed(corpus(["regression"], ["shelf", "relay"]), tmp_path / "repositories"))
    outcomes = verifier.run(again, tmp_path, 1, gate=True, checks=[], kept=Kept(file))
    wanted = [member.case.name for member in members]
    assert [one.case for one in outcomes] == wanted
    assert sorted(judged) == sorted([*wanted, "regression/relay/cap"])


def test_rounds_hold_one_case_of_each_class(tmp_path: Path) -> None:
    members = committed(corpus(["regression", "race"], ["relay"]), tmp_path)
    first = verifier.in_rounds(members, 1)
    assert [one.case.group.name for one in first] == ["regression", "race"]
    assert len(verifier.in_rounds(members)) == len(members) > 2
