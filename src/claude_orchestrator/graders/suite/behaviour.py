"""What a change makes Python code do that it did not do before, statement by statement.

Two versions of some files are compared without names of local variables, annotations, docstrings and layout; functions
that moved or got another name are known again, and so are statements that moved with others into a new function.
"""

from __future__ import annotations

import functools
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

from claude_orchestrator.graders.suite.units import Side, Signature, Statement, Unit, attributes_set, take_apart


@dataclass
class Changed:
    """A unit whose behaviour is not what it was, and the statements in it that are new (first and last line)."""

    path: str
    name: str
    line: int
    statements: list[tuple[int, int]]
    is_new: bool
    is_function: bool = True
    is_aside: bool = False
    """Whether it all only raises, warns, logs, handles exceptions, or says in other words what was said before."""
    end: tuple[int, int] | None = None
    """The last statement of a new function, if it is always come to unless the function ended before."""


def changed_units(
    base: Mapping[str, bytes], head: Mapping[str, bytes], old_names: Mapping[str, str]
) -> list[Changed] | None:
    """The units of ``head`` that behave in another way; None when some file does not parse.

    ``old_names`` maps new paths of renamed files to those of the base.
    """
    return _changed_units(tuple(base.items()), tuple(head.items()), tuple(old_names.items()))


@functools.lru_cache(maxsize=16)
def _changed_units(
    base: tuple[tuple[str, bytes], ...], head: tuple[tuple[str, bytes], ...], old_names: tuple[tuple[str, str], ...]
) -> list[Changed] | None:
    before, after = take_apart(dict(base), dict(base)), take_apart(dict(head), dict(base))
    return None if before is None or after is None else _Comparison(before, after, dict(old_names)).changed()


@dataclass
class _Pair:
    """A unit of the head that is not as it was, what it was before, and its statements that were not in there."""

    unit: Unit
    old: Unit | None
    fresh: list[Statement]
    dropped: list[Statement] = field(default_factory=list)


@dataclass
class _Comparison:
    before: Side
    after: Side
    old_names: Mapping[str, str]
    pool: dict[Signature, list[Unit]] = field(default_factory=lambda: defaultdict(list))
    """Statements that are gone from where they were, by their keys, with the units that they were in."""
    gone: set[str] = field(default_factory=set)
    added: set[str] = field(default_factory=set)
    builtin: dict[str, str] = field(default_factory=dict)
    """Names that are gone, with the builtins that they were."""

    def changed(self) -> list[Changed]:
        """The units of the head that have new statements."""
        left, remaining = self._unmatched()
        counterparts = {(unit.path, unit.name): unit for unit in remaining if unit.is_function}
        pairs = [self._paired(unit, counterparts.pop(self._place(unit), None)) for unit in left]
        used = {id(pair.old) for pair in pairs}
        for unit in remaining:
            if id(unit) not in used:
                self._give(unit, unit.statements)
        return [found for pair in pairs if (found := self._found(pair)) is not None]

    def _place(self, unit: Unit) -> tuple[str, str]:
        return (self.old_names.get(unit.path, unit.path), unit.name if unit.is_function else "")

    def _unmatched(self) -> tuple[list[Unit], list[Unit]]:
        """The units of both sides that have no equal on the other."""
        as_written = Counter((unit.name, unit.text) for unit in self.before.units)
        as_written &= Counter((unit.name, unit.text) for unit in self.after.units)
        old_units, new_units = (_without(side.units, Counter(as_written)) for side in (self.before, self.after))
        before, after = (side.defined for side in (self.before, self.after))
        stored, storing = attributes_set(old_units), attributes_set(new_units)
        self.gone, self.added = (before - after) | (stored - storing), (after - before) | (storing - stored)
        self.builtin = {name: other for name, other in self.before.aliases.items() if name in self.gone}
        by_structure: dict[str, list[Unit]] = defaultdict(list)
        for unit in old_units:
            by_structure[unit.signature.structure].append(unit)
        left = []
        for unit in new_units:
            candidates = by_structure[unit.signature.structure]
            place = (self.old_names.get(unit.path, unit.path), unit.name)
            ordered = sorted(candidates, key=lambda old: (old.path, old.name) != place)
            match = next((old for old in ordered if self._is_same(old.canonical, unit.canonical)), None)
            if match is None:
                left.append(unit)
            else:
                candidates.remove(match)
        return left, [unit for units in by_structure.values() for unit in units]

    def _is_same(self, old: Signature, new: Signature) -> bool:
        return old.structure == new.structure and all(
            one == other
            or (one.lstrip(".=") in self.gone and other.lstrip(".=") in self.added)
            or self.builtin.get(one) == other
            for one, other in zip(old.names, new.names, strict=True)
        )

    def _paired(self, unit: Unit, old: Unit | None) -> _Pair:
        if old is None:
            return _Pair(unit, None, unit.statements)
        known: dict[Signature, list[Statement]] = defaultdict(list)
        for statement in old.statements:
            known[self._before(statement, old.local_names - unit.local_names)].append(statement)
        fresh = []
        for statement in unit.statements:
            same = known[_plain(statement.key, unit.local_names - old.local_names, self.added)]
            if same:
                same.pop()
            else:
                fresh.append(statement)
        dropped = [statement for same in known.values() for statement in same]
        self._give(old, dropped)
        return _Pair(unit, old, fresh, dropped)

    def _give(self, unit: Unit, statements: list[Statement]) -> None:
        for statement in statements:
            self.pool[self._before(statement, unit.local_names)].append(unit)

    def _before(self, statement: Statement, own: frozenset[str]) -> Signature:
        names = tuple(self.builtin.get(name, name) for name in statement.key.names)
        return _plain(Signature(statement.key.structure, names), own, self.gone - self.builtin.keys())

    def _found(self, pair: _Pair) -> Changed | None:
        unit = pair.unit
        new: list[Statement] = []
        for statement in pair.fresh:
            givers = self.pool[_plain(statement.key, unit.local_names, self.added)]
            giver = next((giver for giver in givers if giver is not pair.old), None)
            if giver is None:
                new.append(statement)
            else:
                givers.remove(giver)
        if not new and pair.old is not None and unit.statements:
            new = [unit.statements[0]]  # only taken away or put in another order: then it has to be run at all
        if not new:
            return None
        said = {statement.without_prose for statement in pair.dropped}
        is_aside = pair.old is not None and all(one.is_aside or one.without_prose in said for one in new)
        lines = [one.lines for one in new]
        end = unit.end if pair.old is None else None
        return Changed(unit.path, unit.name, unit.line, lines, pair.old is None, unit.is_function, is_aside, end)


def _without(units: list[Unit], known: Counter[tuple[str, str]]) -> list[Unit]:
    left = []
    for unit in units:
        if known[unit.name, unit.text] > 0:
            known[unit.name, unit.text] -= 1
        else:
            left.append(unit)
    return left


def _plain(key: Signature, own: frozenset[str], renamed: set[str]) -> Signature:
    """The key of a statement without names that are its unit's ``own`` business, or that got another name."""
    return Signature(
        key.structure, tuple("?" if name in own or name.lstrip(".=") in renamed else name for name in key.names)
    )
