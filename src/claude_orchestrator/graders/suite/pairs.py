"""Which test of the base is which test of the change, by id: files renamed, functions moved, parameters named anew."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.graders.integrity.tampering.matching import Fate, Place, TestChange
from claude_orchestrator.graders.suite.run_log import COLLECTION, Ending, file_of


@dataclass(frozen=True)
class Pair:
    """A test of the base with its counterpart in the change (None: it has none) and the fate of its function.

    ``is_seen`` is True when the comparison of the sources says what became of it, and so needs no second voice.
    ``inherited_from`` is the file with its function, where another class has it. ``went_along``: its file is gone with
    what all tests that are written there are about, and it is not written out there: it is inherited, or made.
    """

    base: str
    own: str | None
    fate: Fate
    why: str = ""
    is_seen: bool = False
    inherited_from: str = ""
    went_along: bool = False

    @property
    def files(self) -> frozenset[str]:
        """Where the test stands at the base: the file of its id, and that of its function."""
        return frozenset((file_of(self.base), self.inherited_from)) - {""}


def place_of(test_id: str) -> Place:
    """The function that a test id belongs to."""
    file, _, rest = test_id.partition("::")
    return file, rest.split("[", 1)[0].replace("::", ".")


def pair_tests(
    change: JudgedChange, matches: Mapping[Place, TestChange], base: Mapping[str, Ending], own: Iterable[str]
) -> dict[str, Pair]:
    """The counterpart of every test of the base, by its id."""
    there = dict.fromkeys(own)
    pairs = _paired(change, matches, base, there)
    shared, obsolete = _shared(matches), _obsolete_files(change, matches)
    for name, pair in pairs.items():
        if pair.is_seen:
            continue
        written = base[name].written or file_of(name)
        found = shared.get((written, place_of(name)[1].rpartition(".")[2]), [])
        if pair.own is None and file_of(name) in obsolete:
            pairs[name] = replace(pair, went_along=True)
        if len(found) != 1 or found[0].fate == "same":
            continue
        here = pair.own or _under_its_new_name(name, found[0])
        if here in there and (found[0].fate != "moved" or pair.own is None):
            pairs[name] = Pair(name, here, found[0].fate, found[0].why, is_seen=True, inherited_from=written)
    return pairs


def _shared(matches: Mapping[Place, TestChange]) -> dict[tuple[str, str], list[TestChange]]:
    """The methods that stay in their file, by file and name: who inherits one has it under another class."""
    found: dict[tuple[str, str], list[TestChange]] = defaultdict(list)
    for one in matches.values():
        if one.before is not None and one.after is not None and one.before[0] == one.after[0]:
            owner, _, function = one.before[1].rpartition(".")
            if owner:
                found[one.before[0], function].append(one)
    return found


def _under_its_new_name(name: str, found: TestChange) -> str:
    """The id of an inherited test after its function was given another name."""
    file, dotted = place_of(name)
    function = found.after[1].rpartition(".")[2] if found.after else ""
    return _at((file, f"{dotted.rpartition('.')[0]}.{function}"), name)


def _obsolete_files(change: JudgedChange, matches: Mapping[Place, TestChange]) -> set[str]:
    """The test files that are gone because what each of their tests is about was removed."""
    fates: dict[str, set[Fate]] = defaultdict(set)
    for one in matches.values():
        if one.before is not None and one.before[0] not in change.own_paths:
            fates[one.before[0]].add(one.fate)
    return {file for file, known in fates.items() if known == {"obsolete"}}


def _paired(
    change: JudgedChange, matches: Mapping[Place, TestChange], base: Iterable[str], own: Iterable[str]
) -> dict[str, Pair]:
    new_paths = {old: new for new, old in change.old_names.items()}
    free = dict.fromkeys(own)
    pairs: dict[str, Pair] = {}
    lost: dict[Place, list[str]] = defaultdict(list)
    for name in base:
        found, here = _change_of(matches, place_of(name), new_paths)
        wanted = _at(here, name) if here else None
        if wanted in free:
            del free[wanted]
            pairs[name] = Pair(name, wanted, found.fate, found.why, found.before is not None)
        else:
            lost[place_of(name)].append(name)
    by_place: dict[Place, list[str]] = defaultdict(list)
    for name in free:
        by_place[place_of(name)].append(name)
    added = {entry.after for entry in matches.values() if entry.fate == "added"}
    for place, names in lost.items():
        found, here = _change_of(matches, place, new_paths)
        candidates = by_place.get(here, []) if here else []
        is_seen = found.before is not None
        if not candidates and not is_seen:
            candidates = _elsewhere(by_place, place, added)
        for name in names:
            counterpart = candidates.pop(0) if len(candidates) and not name.endswith(COLLECTION) else None
            fate: Fate = "moved" if counterpart and not is_seen and place_of(counterpart) != here else found.fate
            pairs[name] = Pair(name, counterpart, fate, found.why, is_seen)
    return pairs


def _change_of(
    matches: Mapping[Place, TestChange], place: Place, new_paths: Mapping[str, str]
) -> tuple[TestChange, Place | None]:
    found = matches.get(place)
    if found is not None and found.before is not None:
        return found, found.after
    here = (new_paths.get(place[0], place[0]), place[1])
    return TestChange(None, here, "same"), here


def _at(place: Place, name: str) -> str:
    """The id of ``name`` at another place."""
    rest = name.partition("::")[2]
    parameters = rest[rest.index("[") :] if "[" in rest else ""
    return f"{place[0]}::{place[1].replace('.', '::')}{parameters}"


def _elsewhere(by_place: Mapping[Place, list[str]], place: Place, added: set[Place | None]) -> list[str]:
    """The only tests of the same name that nobody else has a claim to and that are not new in the sources."""
    function = place[1].rpartition(".")[2]
    found = [
        names
        for other, names in by_place.items()
        if names and other not in added and other[1].rpartition(".")[2] == function
    ]
    return found[0] if len(found) == 1 else []
