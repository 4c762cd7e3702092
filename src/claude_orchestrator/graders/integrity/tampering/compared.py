"""Both sides of the tests of a change, and what is known of every test so far."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from claude_orchestrator.graders.integrity.tampering.canonical import Function, signature_of, tokens_of
from claude_orchestrator.graders.integrity.tampering.comparing import Difference
from claude_orchestrator.graders.integrity.tampering.matching import Place, TestChange
from claude_orchestrator.graders.integrity.tampering.sides import SideOfTests

_WORD: Final = re.compile(r"\w+")
_FEW_DATA: Final = 4
"""Constants of a test up to which they say little of what it is about."""


@dataclass
class Comparison:
    """Both sides, what became of each test, and the differences in detail."""

    base: SideOfTests
    head: SideOfTests
    old_names: Mapping[str, str]
    changes: dict[Place, TestChange] = field(default_factory=dict)
    differences: dict[Place, Difference] = field(default_factory=dict)
    renames: dict[str, str] = field(default_factory=dict)

    @cached_property
    def gone(self) -> set[str]:
        """Names that the source defined and does not any more."""
        return self.base.defined - self.head.defined

    @cached_property
    def new(self) -> set[str]:
        """Names that the source defines and did not."""
        return self.head.defined - self.base.defined

    @cached_property
    def gone_words(self) -> set[str]:
        """Words that the source had and has not any more."""
        before, after = (
            {word for content in side.source.values() for word in _WORD.findall(content.decode(errors="replace"))}
            for side in (self.base, self.head)
        )
        return before - after

    @cached_property
    def uncollected(self) -> dict[tuple[str, ...], list[tuple[str, str, Function]]]:
        """The functions of the change's tests that are run by nobody but tests: by code, and by file and plain name."""
        found: dict[tuple[str, ...], list[tuple[str, str, Function]]] = {}
        for path, file in self.head.files.items():
            for name, node in (*file.others, *file.hidden):
                plain = name.rpartition(".")[2].strip("_x")
                for key in (signature_of(node), (path, plain)):
                    found.setdefault(key, []).append((path, name, node))
        return found

    @cached_property
    def checked(self) -> frozenset[str]:
        """The names of functions whose results the tests of the base check."""
        bodies = [self.base.body(place) for place in self.base.all_tests]
        names = {name for body in bodies for check in body.checks for name in check.about if name in body.calls}
        return frozenset(names if bodies else self.base.defined)

    @cached_property
    def new_paths(self) -> dict[str, str]:
        """The new path of each renamed file."""
        return {old: new for new, old in self.old_names.items()}

    def here(self, place: Place) -> Place:
        """Where a test of the base is when it was not moved."""
        return self.new_paths.get(place[0], place[0]), place[1]

    def is_untouched(self, before: Place, after: Place) -> bool:
        """Whether a test is written as it was, and so is everything in the tests that it mentions."""
        old, new = self.base.all_tests[before], self.head.all_tests[after]
        if old.text != new.text or old.silences != new.silences or old.cases != new.cases:
            return False
        return not self._changed_helpers or self._changed_helpers.isdisjoint(_WORD.findall(old.text))

    @cached_property
    def _changed_helpers(self) -> set[str]:
        before, after = self.base.helper_texts, self.head.helper_texts
        changed = {name for name in before.keys() | after.keys() if before.get(name) != after.get(name)}
        words = {
            name: {word for text in texts for word in _WORD.findall(text)}
            for name, texts in (before.items() if changed else ())
        }
        while more := {name for name in words.keys() - changed if words[name] & changed}:
            changed |= more
        return changed


def constants_of(side: SideOfTests, place: Place) -> frozenset[str]:
    """The constants that are written in a test and its sets of parameters."""
    test = side.all_tests[place]
    parts = [test.signature, *(tokens_of(table) for table in test.tables)]
    return frozenset(token for tokens in parts for token in tokens if token.startswith("c:"))


def is_about_the_same(found: Comparison, place: Place, others: Iterable[Place]) -> bool:
    """Whether most of what a test gives and expects is in others, too: one of its shape may be about other data."""
    ours = constants_of(found.base, place)
    theirs = frozenset[str]().union(*(constants_of(found.head, other) for other in others))
    return len(ours) < _FEW_DATA or len(ours & theirs) >= len(ours) / 2


def renamed_names(names: Iterable[str], renames: Mapping[str, str]) -> frozenset[str]:
    """The names as the change calls them."""
    return frozenset(renames.get(name, name) for name in names)


def last_of(place: Place) -> str:
    """The name of a test without its classes."""
    return place[1].rpartition(".")[2]
