"""The short way for plain commands gives what the walk over the tree gives."""

from __future__ import annotations

import pytest
from corpus.labelled import groups

from claude_orchestrator.safety import effects
from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.shell.literal import literal_words
from claude_orchestrator.safety.zones import Place

# Thousands of operations go through lines that chosen ones have run: counting them takes twice their time.
pytestmark = pytest.mark.no_cover

GROUPS = groups()
NEAR = (
    "cat\rREADME.md", "ls", "cd ..", "cd /tmp", "time ls", "if x", "A=1 ls", "ls a=b", "dd of=~/x", "f () x", "! ls",
    "eval cd", "exec ls", "[ a = b ]", "ls  -la", "ls ", "cat .env", "cat é", "then", "coproc ls", "rm -rf /", "x",
    "/bin/rm -rf /", "./run.sh", "env A=1 ls", "git push --force", "sudo rm -rf /", "-x", "~root/x", "ls ^a %b @c",
)  # fmt: skip


@pytest.mark.parametrize("group", GROUPS)
def test_both_ways_find_the_same(group: str) -> None:
    policy = Policy()
    for row in GROUPS[group]:
        if row.kind in ("shell", "git"):
            for text in (row.op, " ".join(row.op.split())):
                place = Place(row.cwd, row.workspace)
                assert effects.command_effects(text, place, policy) == _by_the_tree(text, place, policy), text


@pytest.mark.parametrize("text", NEAR)
def test_what_is_nearly_plain_is_found_the_same(text: str) -> None:
    place = Place("/home/dev/project")
    assert effects.command_effects(text, place, Policy()) == _by_the_tree(text, place, Policy())


def test_a_good_part_of_all_commands_is_plain() -> None:
    rows = [row.op for rows in GROUPS.values() for row in rows if row.kind in ("shell", "git")]
    assert sum(literal_words(op) is not None for op in rows) > len(rows) / 4


def test_a_coproc_that_cannot_be_taken_out_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    original = effects.walk_effects

    def counting(source: str, place: Place, policy: Policy) -> list[Effect]:
        tried.append(source)
        return original(source, place, policy)

    monkeypatch.setattr(effects, "walk_effects", counting)
    assert effects.command_effects("echo coproc ) x", Place("/home/dev/project"), Policy())[0].rule == "A0"
    assert len(tried) == 1
    found = effects.command_effects("coproc rm -rf /", Place("/home/dev/project"), Policy())
    assert {effect.rule for effect in found} >= {"A0", "B1"}


def _by_the_tree(text: str, place: Place, policy: Policy) -> list[Effect]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(effects, "literal_words", lambda _: None)
        return effects.command_effects(text, place, policy)
