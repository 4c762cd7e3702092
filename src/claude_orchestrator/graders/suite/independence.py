"""Whether the tests that a change makes pass would pass with other words of their own (data independence).

Source of the rule: a program that does not look into its data treats all data alike (P. Wolper, Expressing interesting
properties of programs in propositional temporal logic, POPL 1986).
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.graders.base import Command, Finding
from claude_orchestrator.graders.bench import Bench
from claude_orchestrator.graders.suite.own_words import (
    OwnWords,
    compared_in,
    meaning,
    own_words,
    renamed,
    strings_of,
    words_in,
    words_of_definitions,
)
from claude_orchestrator.graders.suite.pairs import place_of
from claude_orchestrator.graders.suite.run_log import SuiteRun, file_of, function_of
from claude_orchestrator.graders.suite.runs import SuiteRuns
from claude_orchestrator.workspace.git import Entry

_MOST_FILES: Final = 400
"""Python files of a project up to which it is asked what its words mean."""
_MOST_WORDS: Final = 8
"""Words that are renamed one by one to find out whose fault it is."""
_SHORTEST: Final = 4
"""Letters of a word that nobody spells out."""
_SET_OF_LETTERS: Final = re.compile(r"\[[^\]]*[A-Za-z][^\]]*\]")
"""``[abc]``, as patterns have it."""
_DATA: Final = (".json", ".yaml", ".yml", ".toml", ".csv", ".tsv", ".txt", ".ini", ".cfg", ".xml", ".html", ".sql")
_MOST_BYTES: Final = 2_000_000
"""Bytes of a file of data up to which it is read."""
_MOST_DATA: Final = 10_000_000
"""Bytes of such data in all up to which it is asked what words mean: to hold them takes thirty times as much."""


@dataclass(frozen=True)
class _Subject:
    """A file of tests with words of its own; ``tests`` are the ids of those that are asked."""

    path: str
    entry: Entry
    content: bytes
    words: OwnWords
    tests: tuple[str, ...]


async def own_word_findings(
    bench: Bench, suite: SuiteRuns, shown: Sequence[str], own: SuiteRun
) -> tuple[list[Finding], list[Command]]:
    """Findings for code that passes the tests ``shown`` by knowing their words, and the commands that showed it.

    ``shown`` are the ids of tests that pass with the change (in the run ``own``) and fail without it. Nothing is run
    where no test has words of its own.
    """
    subjects = await _subjects(bench, shown)
    findings: list[Finding] = []
    commands: list[Command] = []
    for number, subject in enumerate(subjects, 1):
        asking = _Asking(bench, suite, subject, own, number)
        findings += await asking.findings()
        commands += asking.commands
    return findings, commands


async def _subjects(bench: Bench, shown: Sequence[str]) -> list[_Subject]:
    change = bench.change
    sources = [path for path in change.touched if path.endswith(".py") and not change.is_test(path)]
    files = sorted({file_of(name) for name in shown if file_of(name).endswith(".py")})
    files = [path for path in files if path in change.head_entries and path not in change.overrides]
    python = [path for path in change.base_entries if path.endswith(".py")]
    if not sources or not files or len(python) > _MOST_FILES:
        return []
    support = await _support(bench, files)
    if support is None:
        return []
    contents = await bench.files("head", files)
    read = await bench.files("base", [*(path for path in python if not change.is_test_name(path)), *support])
    known = meaning(
        (content for path, content in read.items() if path.endswith(".py")),
        (content for path, content in read.items() if not path.endswith(".py")),
    )
    written = await bench.files("head", sources)
    names = {part.lower() for path in change.head_entries for part in words_in(path)}
    # A function's name says what it is for, not which input it knows.
    names |= {word for content in written.values() for word in words_of_definitions(content)}
    compared = {text for content in written.values() for text in compared_in(content)}
    named = {text for text, _ in await _added(bench)} & compared
    found = []
    for path, content in contents.items():
        tests = {place_of(name)[1]: name for name in shown if file_of(name) == path}
        words = own_words(content, tests.keys(), known | names, named)
        if words is not None:
            asked = tuple(tests[name].split("[", 1)[0] for name in sorted(words.by_test))
            found.append(_Subject(path, change.head_entries[path], content, words, asked))
    return found


async def _support(bench: Bench, files: Collection[str]) -> list[str] | None:
    """The files that are no source and may give words a meaning; None where there is too much in them."""
    paths = [path for path in bench.change.base_entries if _may_mean(bench, path, files)]
    if not paths:
        return []
    sizes = await bench.repository.sizes(bench.change.base_tree)
    read = [path for path in paths if sizes.get(path, 0) <= _MOST_BYTES]
    return read if sum(sizes.get(path, 0) for path in read) <= _MOST_DATA else None


def _may_mean(bench: Bench, path: str, files: Collection[str]) -> bool:
    """Whether a file that is no source may give words a meaning: data in a folder, and what supports tests."""
    is_helper = path.endswith(".py") and bench.change.is_test(path) and not bench.change.is_test_name(path)
    return path not in files and (is_helper or ("/" in path and PurePosixPath(path).suffix in _DATA))


class _Asking:
    """Asks one file of tests with other words; ``number`` keeps the outputs of several files apart."""

    def __init__(self, bench: Bench, suite: SuiteRuns, subject: _Subject, own: SuiteRun, number: int) -> None:
        self._bench, self._suite, self._subject = bench, suite, subject
        self._selected = subject.tests
        self._known = _failures(own)
        self._mark = f"{number}-" if number > 1 else ""
        self.commands: list[Command] = []

    async def findings(self) -> list[Finding]:
        """One finding for each test that fails with other words."""
        everything = self._subject.words.words
        failed = await self._failed(everything, "renamed")
        if failed and failed & await self._failed({}, "alone"):
            # A test that fails without the others of its file says nothing; with them it may.
            self._selected = (self._subject.path,)
            failed = await self._failed(everything, "renamed-file") - await self._failed({}, "alone-file")
        if not failed:
            return []
        asked = sorted({word for test in failed for word in self._words_of(test)}, key=lambda word: (-len(word), word))[
            :_MOST_WORDS
        ]
        ended = await asyncio.gather(*(self._failed({word: everything[word]}, f"renamed-{word}") for word in asked))
        culprits = dict(zip(asked, ended, strict=True))
        added = await _added(self._bench)
        findings = []
        for test in sorted(failed):
            guilty = [word for word in asked if test in culprits[word] and self._counts(test, word, added)]
            if guilty:
                findings.append(self._finding(test, guilty, added))
        return findings

    def _counts(self, test: str, word: str, added: Sequence[tuple[str, str]]) -> bool:
        """Whether it says anything that a test fails without a word.

        Where the code does not have the word, the test itself may look into it: a short one, one beside a pattern.
        """
        said = self._subject.words.sentences.get(place_of(test)[1], frozenset())
        is_plain = len(word) >= _SHORTEST and not any(_SET_OF_LETTERS.search(text) for text in said)
        return is_plain or any(word in words_in(text) for text, _ in added)

    def _finding(self, test: str, guilty: Sequence[str], added: Sequence[tuple[str, str]]) -> Finding:
        """What is known of a test that fails with other words, of which the ``guilty`` are each enough.

        A new keyword is a word of its own, too, and has messages of its own, so a human decides; but not where the code
        has two strings that say nothing but such words, a question and its answer, one of them a whole one of the test.
        """
        places = {word: place for text, place in reversed(added) for word in words_in(text) & set(guilty)}
        named = [word for word in guilty if word in places]
        word = named[0] if named else guilty[0]
        words = self._subject.words.words
        where = f"; {word!r} stands in {places[word]}, which the change adds" if named else ""
        other = f"with {words[word]!r} in place of {word!r} throughout it fails"
        message = f"{test} passes only with its own words: {other}{where}"
        said = self._subject.words.sentences.get(place_of(test)[1], frozenset())
        bare = {text for text, _ in added if words_in(text) and words_in(text) <= set(named)}
        is_certain = len(bare) > 1 and not bare.isdisjoint(said)
        return Finding("pytest/own-words", file_of(test), 0, message, "problem" if is_certain else "review", test)

    def _words_of(self, test: str) -> frozenset[str]:
        return self._subject.words.by_test.get(place_of(test)[1], frozenset())

    async def _failed(self, words: Mapping[str, str], label: str) -> set[str]:
        """The test functions, of those that are asked, that do not pass with these words in place of theirs."""
        content = renamed(self._subject.content, words) if words else self._subject.content
        if content is None:
            return set()
        tree = await self._tree(content)
        done = await self._suite.run(self._mark + label, tree, self._bench.change.own_paths, selected=self._selected)
        self.commands.append(done.command)
        if done.run.trouble:
            return set()
        # Cases may have other names now: they are counted. Some may fail for reasons of their own.
        failures = _failures(done.run)
        missing = set(self._subject.tests) - {function_of(name) for name in done.run.tests}
        return {test for test in self._subject.tests if failures[test] > self._known[test]} | missing

    async def _tree(self, content: bytes) -> str:
        repository, change = self._bench.repository, self._bench.change
        blob = await repository.git("hash-object", "-w", "--stdin", stdin=content)
        entry = Entry(self._subject.entry.mode, blob)
        scratch = self._bench.new_folder("w") / "index"
        return await repository.compose_tree(change.own_tree, {self._subject.path: entry}, scratch)


async def _added(bench: Bench) -> list[tuple[str, str]]:
    """The strings that the change adds to its sources, with their places."""
    change = bench.change
    sources = [path for path in change.touched if path.endswith(".py") and not change.is_test(path)]
    before = await bench.files("base", [change.old_names.get(path, path) for path in sources])
    known = {text for content in before.values() for text, _ in strings_of(content)}
    return [
        (text, f"{path}:{line}")
        for path, content in (await bench.files("head", sources)).items()
        for text, line in strings_of(content)
        if text not in known
    ]


def _failures(run: SuiteRun) -> Counter[str]:
    """How many cases of each test function failed."""
    return Counter(function_of(name) for name, ending in run.tests.items() if ending.outcome == "failed")
