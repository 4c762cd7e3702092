"""Which files of a repository a goal is about: its words against paths and symbols, counted, never guessed."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.orchestrator.planning.models import Module, Survey

_NAMED, _SYMBOL, _STEM, _PART, _FOLDER = 100, 40, 6, 3, 2
"""Points: the goal has the path; it has the symbol as it is written; a word of it is in the file's name, a symbol, a
folder."""

_WORD: Final = re.compile(r"[A-Za-z][a-z]+|[A-Z]{2,}(?![a-z])|[a-z]{3,}")
_LEFT: Final = re.compile(
    r"\b(?:from|replace|off|drop|leave|instead of|away from|get rid of|remove)\s+`?([A-Za-z_][\w-]*)", re.IGNORECASE
)
"""What a goal wants to leave: a package, where the repository imports one of that name."""
_CODE: Final = re.compile(r"[A-Za-z_][\w.]*(?:\(\))?")
_TOO_COMMON: Final = 0.4
"""A word that this share of the modules has says nothing of any (in repositories of some size)."""

_SAYS_NOTHING: Final = frozenset(
    """about add after all allow also and any are argument arguments base been before better both but can change class
    code command commands could create does don every file files fix for from function functions get give good has have
    how implement into its let like line lines make many method methods module modules more most must name need new nor
    not now off old one only option options other our out package parameter please project refactor remove repository
    same set should show some source src support test tests than that the their them then there these they this those
    through too under update use used user users using value want was way well were what when where whether which while
    who why will with without work write you your""".split()  # noqa: SIM905  (words, one after another)
)


@dataclass(frozen=True)
class Match:
    """A file that a goal seems to be about."""

    path: str
    points: int
    because: str


def matched(text: str, survey: Survey, *, most: int = 12) -> tuple[Match, ...]:
    """The modules that the words of ``text`` fit, the best first; test files are none of them."""
    named = _named_paths(text, survey.paths)
    found = [Match(path, _NAMED, f"the goal names {path}") for path in named]
    modules = code_of(survey)
    stems = stems_of(text)
    symbols = {word.removesuffix("()") for word in _CODE.findall(text) if _looks_like_code(word)}
    weight = _weights(stems, modules)
    others = [module for module in modules if module.path not in named]
    left = {word.casefold().replace("-", "_") for word in _LEFT.findall(text)}
    users = {module.path: name for module in others for name in module.uses if name.casefold() in left}
    found += [
        Match(path, _SYMBOL, f"{path} imports {name}, which the goal wants to leave") for path, name in users.items()
    ]
    found += [match for module in others if module.path not in users and (match := _fit(module, weight, symbols))]
    found.sort(key=lambda match: (-match.points, match.path))
    return tuple(found[:most])


def code_of(survey: Survey) -> list[Module]:
    """The modules that are no tests."""
    return [module for module in survey.modules if not is_test(module.path, survey)]


def is_test(path: str, survey: Survey) -> bool:
    """Whether a file is part of the tests."""
    name = PurePosixPath(path)
    inside = any(
        path.startswith(f"{folder.rstrip('/')}/") for folder in survey.tests.folders if folder not in ("", ".")
    )
    return inside or bool(re.match(r"test_.*|.*_test\.\w+$|.*\.(?:test|spec)\.\w+$|conftest\.py$", name.name))


@lru_cache(maxsize=65536)
def stems_of(text: str) -> frozenset[str]:
    """The words of a text that say something, without their commonest endings."""
    words = (word.casefold() for word in _WORD.findall(text.replace("_", " ")))
    return frozenset(stem(word) for word in words if len(word) > 2 and word not in _SAYS_NOTHING)


def stem(word: str) -> str:
    """The word without its commonest ending: crude, and the same on both sides."""
    for ending in ("ations", "ation", "ings", "ing", "ions", "ion", "ers", "ies", "er", "ed", "es", "s"):
        if word.endswith(ending) and len(word) - len(ending) >= 3:
            word = word[: -len(ending)]
            break
    if len(word) > 3 and word[-1] == word[-2]:
        word = word[:-1]
    return word[:-1] if len(word) > 3 and word[-1] in "eyi" else word


def _named_paths(text: str, paths: Sequence[str]) -> list[str]:
    """The paths that the text has, whole or from some folder on; a bare file name counts when it is the only one."""
    mentioned = {word.strip("`'\"(),;:").removeprefix("./") for word in text.split()}
    mentioned = {word.rstrip(".") for word in mentioned if "/" in word or re.search(r"\.\w{1,5}\.?$", word)}
    found: list[str] = []
    for word in sorted(mentioned):
        hits = [path for path in paths if path == word or path.endswith(f"/{word}")]
        if word in hits:
            hits = [word]
        if len(hits) == 1 or (hits and "/" in word):
            found += hits[:3]
    return list(dict.fromkeys(found))


def _looks_like_code(word: str) -> bool:
    return bool(re.search(r"_|\.\w|\(\)|[a-z][A-Z]", word))


def _weights(stems: Iterable[str], modules: Sequence[Module]) -> dict[str, int]:
    """Stems that fit a module at all, rare ones with more weight."""
    counts = dict.fromkeys(stems, 0)
    for module in modules:
        for known in _words_of(module):
            if known in counts:
                counts[known] += 1
    few = len(modules) < 8
    return {
        known: 3 if count <= max(1, len(modules) // 20) else 2 if count <= max(2, len(modules) // 8) else 1
        for known, count in counts.items()
        if count and (few or count / len(modules) <= _TOO_COMMON)
    }


def _words_of(module: Module) -> frozenset[str]:
    return stems_of(" ".join([module.path, *module.symbols]))


def _fit(module: Module, weight: dict[str, int], symbols: set[str]) -> Match | None:
    for symbol in module.symbols:
        if symbol in symbols or symbol.rpartition(".")[2] in symbols:
            return Match(module.path, _SYMBOL, f"{module.path} has `{symbol}`, which the goal names")
    path = PurePosixPath(module.path)
    points, because = 0, ""
    in_name = stems_of(path.stem) & weight.keys()
    if in_name:
        points += sum(_STEM * weight[word] for word in in_name)
        because = f"its name has '{_shown(path.stem, in_name)}'"
    best: tuple[int, str] = (0, "")
    seen: set[str] = set()
    for symbol in module.symbols:
        common = stems_of(symbol) & weight.keys()
        worth = sum(_PART * weight[word] for word in common)
        points += sum(_PART * weight[word] for word in common - seen - in_name)
        seen |= common
        best = max(best, (worth, symbol))
    if best[1]:
        because = f"{because}, and it has `{best[1]}`" if because else f"it has `{best[1]}`"
    in_folder = (stems_of(" ".join(path.parent.parts)) & weight.keys()) - in_name - seen
    points += sum(_FOLDER * weight[word] for word in in_folder)
    if in_folder and not because:
        because = f"it is in {path.parent}"
    return Match(module.path, points, because) if points > _FOLDER else None


def _shown(text: str, stems: frozenset[str]) -> str:
    return next((word for word in _WORD.findall(text.replace("_", " ")) if stem(word.casefold()) in stems), text)
