"""What is judged: the trees of a change, composed so that the change does not bring its own rules.

*base* is the tree the change starts from. *own* is the change as it is, with the base's configuration.
*trusted* is the change's code with the base's tests. All are git trees; nothing is checked out here.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from claude_orchestrator.graders import configuration as rules
from claude_orchestrator.graders import references
from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.scope import LINK, SUBMODULE, Scope
from claude_orchestrator.workspace.git import Entry, Repository

_COMPILED: Final = "__pycache__"


@dataclass(frozen=True)
class JudgedChange:
    """One change from ``base`` to ``head`` (commit ids) and the trees made of it.

    ``trusted_tree`` is None when a run of it would say nothing that *own* does not. ``old_names`` maps
    the new path of each renamed file to its base path. ``base_files`` holds the base's configuration.
    ``overrides`` says which files of *own* (and, by ``trusted_overrides``, of *trusted*) are not head's.
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

    @property
    def own_paths(self) -> frozenset[str]:
        """The files of *own*."""
        removed = {path for path, entry in self.overrides.items() if entry is None}
        return frozenset((self.head_entries.keys() | self.overrides.keys()) - removed)

    def is_test(self, path: str) -> bool:
        """Whether a file belongs to the tests."""
        return rules.is_test_path(path, self.test_names)

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

    def is_unlocked(self, base_path: str) -> bool:
        """Whether the task was explicitly allowed to change this test of the base, wherever it is now."""
        now = [new for new, old in self.old_names.items() if old == base_path]
        return any(self.scope.unlocks_test(path, self.test_names) for path in (base_path, *now))


async def prepare(
    repository: Repository, base: str, head: str, patterns: Sequence[str] | None, scratch: Path
) -> JudgedChange:
    """Compose the trees of the change from commit ``base`` to commit ``head``.

    ``scratch`` is an existing folder for private index files. Raises RepositoryError when git refuses.
    """
    scope = Scope.of(patterns)
    base_tree, head_tree = await repository.tree_of(base), await repository.tree_of(head)
    base_entries, head_entries = await repository.entries(base_tree), await repository.entries(head_tree)
    changes = await repository.changes(base_tree, head_tree)
    old_names = {change.path: change.old_path for change in changes if change.status == "R" and change.old_path}
    touched = frozenset(
        path for path in base_entries.keys() | head_entries.keys() if base_entries.get(path) != head_entries.get(path)
    )
    base_links = await _links(repository, base_entries)
    base_files, referenced = await _read_configuration(repository, base_entries, base_links)
    test_names = rules.test_file_names(base_files)

    changed = sorted(path for path in touched if rules.is_configuration(path) or path in referenced)
    verdict = await _judge_configuration(repository, scope, changed, base_entries, head_entries, base_files)
    tests = {
        path: base_entries.get(path)
        for path in sorted(touched)
        if rules.is_test_path(path, test_names) and path not in verdict.overrides
    }
    locked = [
        path
        for path, entry in base_entries.items()
        if rules.is_test_path(path, test_names) and path.endswith(".py") and entry.mode != SUBMODULE
        and not scope.unlocks_test(path, test_names)
    ]  # fmt: skip
    trusted_overrides = {**verdict.overrides, **tests, **{path: base_entries.get(path) for path in verdict.unlocked}}

    own_tree = await _compose(repository, head_tree, verdict.overrides, scratch / "own.index")
    trusted_tree = None
    # New tests count as well: what they leave behind in the process can repair broken code for the old ones.
    if locked and (tests or verdict.unlocked):
        trusted_tree = await _compose(repository, head_tree, trusted_overrides, scratch / "trusted.index")
    links_changed = any(LINK in (_mode(base_entries, path), _mode(head_entries, path)) for path in touched)
    return JudgedChange(
        base, head, scope, base_tree, head_tree, own_tree,
        trusted_tree if trusted_tree != own_tree else None,
        base_entries, head_entries, touched, old_names,
        await _links(repository, head_entries) if links_changed else {},
        base_links,
        base_files, test_names, verdict.overrides, trusted_overrides, frozenset(verdict.unused_rules),
        tuple(verdict.findings), tuple(verdict.notes), "".join(verdict.diffs),
    )  # fmt: skip


@dataclass(frozen=True)
class _Configuration:
    overrides: dict[str, Entry | None]
    unlocked: list[str]
    unused_rules: list[str]
    findings: list[Finding]
    notes: list[str]
    diffs: list[str]


async def _judge_configuration(
    repository: Repository,
    scope: Scope,
    changed: Sequence[str],
    base_entries: Mapping[str, Entry],
    head_entries: Mapping[str, Entry],
    base_files: dict[str, bytes],
) -> _Configuration:
    verdict = _Configuration({}, [], [], [], [], [])
    head_files = await _read_all(repository, head_entries, [path for path in changed if path in head_entries])
    for path in changed:
        before, after = base_files.get(path), head_files.get(path)
        is_link = LINK in (_mode(base_entries, path), _mode(head_entries, path))
        if not is_link and rules.same_rules(path, before, after):
            continue
        verdict.diffs.append(_diff(path, before, after))
        is_conftest = path.rsplit("/", 1)[-1] == "conftest.py"
        if is_conftest and not is_link and scope.unlocks_conftest(path):
            verdict.unlocked.append(path)
            if _same_powers(before, after):
                verdict.notes.append(
                    f"{path} was changed, as the task allows: new fixtures are used, nothing else in it changed"
                )
            else:
                message = "was changed in what it does by itself (hooks, automatic fixtures, plugins): a human decides"
                verdict.findings.append(Finding("scope/conftest", path, 0, message, "review"))
            continue
        verdict.overrides[path] = base_entries.get(path)
        if is_conftest:
            verdict.unused_rules.append(path.removesuffix("conftest.py"))
        used = "the base's version was used" if before is not None else "it was left out, because the base has none"
        message = f"changes the rules of tests or tools; for judging {used}; a human decides whether it may be merged"
        verdict.findings.append(Finding("scope/configuration", path, 0, message, "review"))
    kept = {path: content for path, content in base_files.items() if path not in changed}
    if rules.pytest_settings(base_files) != rules.pytest_settings({**kept, **head_files}):
        verdict.unused_rules.append("")
    return verdict


def _same_powers(before: bytes | None, after: bytes | None) -> bool:
    try:
        return rules.conftest_powers(before) == rules.conftest_powers(after)
    except (ValueError, SyntaxError, RecursionError):
        return False


def _diff(path: str, before: bytes | None, after: bytes | None) -> str:
    old, new = ((content or b"").decode(errors="replace").splitlines(keepends=True) for content in (before, after))
    names = (f"a/{path}" if before is not None else "/dev/null", f"b/{path}" if after is not None else "/dev/null")
    lines = difflib.unified_diff(old, new, *names)
    return "".join(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n" for line in lines)


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
