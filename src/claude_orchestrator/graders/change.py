"""What is judged: the trees of a change, composed so that the change does not bring its own rules.

*base* is the tree the change starts from. *own* is the change as it is, with the base's configuration.
*trusted* is the change's code with the base's tests, *witness* the base's code with the change's new and edited tests.
All are git trees; nothing is checked out here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders import data_of_tests, references
from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.beside import beside_findings
from claude_orchestrator.graders.contents import content_findings
from claude_orchestrator.graders.judged_rules import Sides, automation_findings, judge_rules
from claude_orchestrator.graders.scope import LINK, SUBMODULE, Scope
from claude_orchestrator.workspace.git import Entry, Repository

_COMPILED: Final = "__pycache__"
_MOST_FILES: Final = 4000
DOCUMENTS: Final = (".md", ".rst", ".txt", ".adoc")
"""How the names of files end that only speak of the code."""


@dataclass(frozen=True)
class JudgedChange:
    """One change from ``base`` to ``head`` (commit ids) and the trees made of it.

    ``trusted_tree`` is None when a run of it would say nothing that *own* does not; ``witness_tree`` is None when there
    are no new or edited tests (``witness_files``, and ``witness_readers`` that read new or edited data), or nothing but
    tests was changed. ``old_names`` maps the new path of each renamed file to its base path. ``base_files`` holds the
    base's configuration.
    ``overrides`` says which files of *own* (and, by ``trusted_overrides``, of *trusted*) are not head's,
    ``witness_overrides`` which files of *witness* are not the base's.
    ``test_data`` are the touched files elsewhere that nobody uses but tests.
    ``unused_test_rules`` are the folders (with a last slash; the root is empty) for whose tests the change brings
    other rules, which are not used. ``rule_findings`` are the configuration changes that a human has to look at.
    """

    base: str
    head: str
    scope: Scope
    base_tree: str
    head_tree: str
    own_tree: str
    trusted_tree: str | None
    base_entries: Mapping[str, Entry]
    head_entries: Mapping[str, Entry]
    touched: frozenset[str]
    old_names: Mapping[str, str]
    links: Mapping[str, str]
    base_links: Mapping[str, str]
    base_files: dict[str, bytes]
    test_names: tuple[str, ...]
    overrides: Mapping[str, Entry | None]
    trusted_overrides: Mapping[str, Entry | None]
    unused_test_rules: frozenset[str]
    rule_findings: tuple[Finding, ...]
    notes: tuple[str, ...]
    configuration_diff: str
    witness_tree: str | None = None
    witness_overrides: Mapping[str, Entry | None] = field(default_factory=dict)
    witness_files: tuple[str, ...] = ()
    witness_readers: tuple[str, ...] = ()
    test_data: frozenset[str] = frozenset()

    @property
    def own_paths(self) -> frozenset[str]:
        """The files of *own*."""
        removed = {path for path, entry in self.overrides.items() if entry is None}
        return frozenset((self.head_entries.keys() | self.overrides.keys()) - removed)

    def is_test(self, path: str) -> bool:
        """Whether a file belongs to the tests."""
        return path in self.test_data or rules.is_test_path(path, self.test_names)

    def is_test_name(self, path: str) -> bool:
        """Whether a file has the name of a file of tests (and is no helper or data of them)."""
        return rules.is_test_name(path, self.test_names)

    def compiled_folders(self) -> set[str]:
        """The ``__pycache__`` folders of all trees."""
        parts = [path.split("/") for path in self.own_paths | self.base_entries.keys() if _COMPILED in path]
        return {"/".join(part[: part.index(_COMPILED) + 1]) for part in parts if _COMPILED in part}

    def lacks_rules(self, path: str) -> bool:
        """Whether the change brings rules for this test that are not used when it is judged."""
        return any(path.startswith(folder) for folder in self.unused_test_rules)

    def brings(self, program: Path, root: Path) -> bool:
        """Whether the change touches a program of the project at ``root``, or the environment it belongs to."""
        if not program.is_relative_to(root):
            return False
        path = program.relative_to(root)
        environment = path.parent.parent.as_posix()
        places = {path.as_posix(), *(parent.as_posix() for parent in path.parents)}
        return any(
            touched in places or (environment != "." and touched.startswith(f"{environment}/"))
            for touched in self.touched
        )

    def is_allowed(self, path: str) -> bool:
        """Whether the task was explicitly allowed to change this test file (a path of the base or of the change)."""
        return self.is_unlocked(path) or self.is_unlocked(self.old_names.get(path, path))

    def is_unlocked(self, base_path: str) -> bool:
        """Whether the task was explicitly allowed to change this test of the base, wherever it is now."""
        now = [new for new, old in self.old_names.items() if old == base_path]
        return any(self.scope.unlocks_test(path, self.test_names) for path in (base_path, *now))


async def prepare(
    repository: Repository,
    base: str,
    head: str,
    patterns: Sequence[str] | None,
    scratch: Path,
    trees: tuple[str, str] | None = None,
) -> JudgedChange:
    """Compose the trees of the change from commit ``base`` to commit ``head``.

    ``scratch`` is an existing folder for private index files. ``trees`` are those of the two commits, where somebody
    has asked git for them. Raises RepositoryError when git refuses.
    """
    scope = Scope.of(patterns)
    base_tree, head_tree = trees or [tree for _, tree in await repository.commits(base, head)]
    base_entries, head_entries, changes = await asyncio.gather(
        repository.entries(base_tree), repository.entries(head_tree), repository.changes(base_tree, head_tree)
    )
    old_names = {change.path: change.old_path for change in changes if change.status == "R" and change.old_path}
    touched = frozenset(
        path for path in base_entries.keys() | head_entries.keys() if base_entries.get(path) != head_entries.get(path)
    )
    base_links = await _links(repository, base_entries)
    base_files, referenced = await _read_configuration(repository, base_entries, base_links)
    test_names = rules.test_file_names(base_files)

    changed = sorted(path for path in touched if rules.is_configuration(path) or path in referenced)
    head_files = await _read_all(repository, head_entries, [path for path in changed if path in head_entries])
    verdict = judge_rules(Sides(base_entries, head_entries, base_files, head_files), scope, changed, test_names)
    verdict.findings += await _look_inside(repository, touched, base_entries, head_entries, scope, test_names)
    test_data = await _test_data(repository, base_entries, touched - set(changed), test_names)
    tests = {
        path: base_entries.get(path)
        for path in sorted(touched)
        if (rules.is_test_path(path, test_names) or path in test_data) and path not in verdict.overrides
    }
    has_tests = any(
        path.endswith(".py") and entry.mode != SUBMODULE and rules.is_test_path(path, test_names)
        for path, entry in base_entries.items()
    )
    trusted_overrides = {**verdict.overrides, **tests, **{path: base_entries.get(path) for path in verdict.unlocked}}

    witness_overrides = {path: head_entries[path] for path in (*tests, *verdict.unlocked) if path in head_entries}
    # Where pytest does not find one that it is told, or takes its brackets for a case, it runs none.
    plain = [path for path, entry in witness_overrides.items() if entry.mode not in (LINK, SUBMODULE)]
    plain = [path for path in plain if "[" not in path and "::" not in path]
    pages = data_of_tests.doctest_pages(plain, base_files.values())
    witness_files = tuple(path for path in plain if path in pages or rules.is_test_name(path, test_names))
    data = [path for path in witness_overrides if path not in pages and not path.endswith(".py")]
    witness_readers = await _readers(repository, head_entries, data, test_names)
    is_source_changed = any(not (path in tests or path in changed or path.endswith(DOCUMENTS)) for path in touched)

    async def no_tree() -> None:
        return None

    # New tests count for *trusted* as well: what they leave behind in the process can repair code for others.
    own_tree, trusted_tree, witness_tree = await asyncio.gather(
        _compose(repository, head_tree, verdict.overrides, scratch / "own.index"),
        _compose(repository, head_tree, trusted_overrides, scratch / "trusted.index")
        if has_tests and (tests or verdict.unlocked) else no_tree(),
        _compose(repository, base_tree, witness_overrides, scratch / "witness.index")
        if (witness_files or witness_readers) and is_source_changed else no_tree(),
    )  # fmt: skip
    links_changed = any(LINK in (_mode(base_entries, path), _mode(head_entries, path)) for path in touched)
    return JudgedChange(
        base, head, scope, base_tree, head_tree, own_tree,
        trusted_tree if trusted_tree != own_tree else None,
        base_entries, head_entries, touched, old_names,
        await _links(repository, head_entries) if links_changed else {},
        base_links,
        base_files, test_names, verdict.overrides, trusted_overrides, frozenset(verdict.unused_rules),
        tuple(verdict.findings), tuple(verdict.notes), "".join(verdict.diffs),
        witness_tree, witness_overrides, witness_files, witness_readers, test_data,
    )  # fmt: skip


async def _test_data(
    repository: Repository, entries: Mapping[str, Entry], touched: frozenset[str], test_names: tuple[str, ...]
) -> frozenset[str]:
    """The touched files of the base outside the tests that its tests read and its other code does not.

    What lies beside files of tests in a folder ``test`` is one of them, too.
    """
    python = [path for path, entry in entries.items() if path.endswith(".py") and entry.mode not in (LINK, SUBMODULE)]
    folders = {path.rpartition("/")[0] for path in python if rules.is_test_name(path, test_names)}
    beside = {path.rpartition("/")[0] for path in touched & entries.keys()} & folders
    beside = {folder for folder in beside if folder.rpartition("/")[2] == "test"}
    helpers = {path for path in touched & frozenset(python) if path.rpartition("/")[0] in beside}
    paths = [path for path in data_of_tests.candidates(touched, entries) if not rules.is_test_path(path, test_names)]
    if not paths or len(python) > _MOST_FILES:
        return frozenset(helpers)
    contents = await _read_all(repository, entries, python)
    tests = {path for path in python if rules.is_test_path(path, test_names) or path.endswith("conftest.py")}
    others = {path: content for path, content in contents.items() if path not in tests}
    data = data_of_tests.read_only_by_tests(paths, {path: contents[path] for path in tests}, others)
    return frozenset(helpers) | data


async def _readers(
    repository: Repository, entries: Mapping[str, Entry], data: Sequence[str], test_names: tuple[str, ...]
) -> tuple[str, ...]:
    """The files of tests that name one of some files of data: that is where new cases turn up."""
    if not data:
        return ()
    tests = [path for path in entries if path.endswith(".py") and rules.is_test_name(path, test_names)]
    if len(tests) > _MOST_FILES:
        return ()
    contents = await _read_all(repository, entries, [path for path in tests if entries[path].mode != LINK])
    return await asyncio.to_thread(data_of_tests.readers, data, contents)


async def _look_inside(
    repository: Repository, touched: frozenset[str], base: Mapping[str, Entry], head: Mapping[str, Entry],
    scope: Scope, test_names: tuple[str, ...],
) -> list[Finding]:  # fmt: skip
    """What the contents of the touched files say: programs, credentials, commands that no longer run."""

    def plain(entries: Mapping[str, Entry]) -> list[str]:
        return [path for path in touched if path in entries and entries[path].mode not in (LINK, SUBMODULE)]

    before, after = await asyncio.gather(
        _read_all(repository, base, plain(base)), _read_all(repository, head, plain(head))
    )

    def is_test(path: str) -> bool:
        return rules.is_test_path(path, test_names)

    inside = content_findings(base, head, before, after, is_test)
    return [*inside, *beside_findings(before, after, head.keys(), is_test), *automation_findings(before, after, scope)]


def _mode(entries: Mapping[str, Entry], path: str) -> str:
    entry = entries.get(path)
    return entry.mode if entry else ""


async def _compose(repository: Repository, tree: str, overrides: Mapping[str, Entry | None], index: Path) -> str:
    # Removals first: a file may stand where the base has a folder.
    ordered = dict(sorted(overrides.items(), key=lambda item: item[1] is not None))
    return await repository.compose_tree(tree, ordered, index)


async def _read_all(repository: Repository, entries: Mapping[str, Entry], paths: Iterable[str]) -> dict[str, bytes]:
    wanted = [path for path in paths if entries[path].mode != SUBMODULE]
    blobs = await repository.read_blobs([entries[path].blob for path in wanted])
    return {path: blobs[entries[path].blob] for path in wanted}


async def _read_configuration(
    repository: Repository, entries: Mapping[str, Entry], links: Mapping[str, str]
) -> tuple[dict[str, bytes], set[str]]:
    """The base's configuration files by path (of links: what they lead to), and the files that set rules for them."""
    paths = frozenset(entries)
    ways = references.linked(links, paths)
    direct = [path for path in entries if rules.is_configuration(path) and path not in links]
    files = await _read_all(repository, entries, {*direct, *(way[-1] for way in ways.values())})
    found = dict(files)
    found |= {path: files[way[-1]] for path, way in ways.items() if way[-1] in files}
    referenced = {place for way in ways.values() for place in way}
    todo = references.named_files(found) & paths
    while todo - found.keys():
        found |= await _read_all(repository, entries, todo - found.keys())
        referenced |= todo
        todo = references.named_files(found) & paths
    return found, referenced


async def _links(repository: Repository, entries: Mapping[str, Entry]) -> dict[str, str]:
    paths = [path for path, entry in entries.items() if entry.mode == LINK]
    contents = await _read_all(repository, entries, paths)
    return {path: content.decode(errors="surrogateescape") for path, content in contents.items()}
