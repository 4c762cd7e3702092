"""The scope check: whether a change stays within what its task declared, and within its own tree."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Final

from claude_orchestrator.graders.base import CheckResult, Finding, status_of
from claude_orchestrator.workspace.git import Entry
from claude_orchestrator.workspace.locks import matches

if TYPE_CHECKING:
    from claude_orchestrator.graders.change import JudgedChange

LINK: Final = "120000"
SUBMODULE: Final = "160000"
_EVERYTHING: Final = frozenset({"", ".", "/", "**", "**/*", "**/**"})
_WILD: Final = frozenset("*?[")
_LINK_LIMIT: Final = 40
_COMPILED: Final = (".pyc", ".pyo", ".pyd", ".so", ".dll", ".dylib")


@dataclass(frozen=True)
class Scope:
    """What a task declared (paths and globs, relative to the tree's root); no patterns means everything."""

    patterns: tuple[str, ...] = ()

    @classmethod
    def of(cls, patterns: Sequence[str] | None) -> Scope:
        """The scope of a list of patterns, in one spelling; None and the empty list mean everything."""
        return cls(tuple(_plain(pattern) for pattern in patterns or ()))

    @property
    def is_everything(self) -> bool:
        """Whether the scope allows any file."""
        return not self.patterns or any(pattern in _EVERYTHING for pattern in self.patterns)

    def allows(self, path: str) -> bool:
        """Whether the task may touch ``path``."""
        return self.is_everything or any(matches(pattern, path) for pattern in self.patterns)

    def unlocks_test(self, path: str, test_names: Sequence[str]) -> bool:
        """Whether the task was explicitly allowed to change this test.

        Explicit is the path itself, or a pattern that is about tests: its literal folder lies in the test area,
        or its file name is a test's (``**/test_*.py``). A pattern that also happens to cover tests is not.
        """
        return any(
            pattern == path or (_is_about_tests(pattern, test_names) and matches(pattern, path))
            for pattern in self.patterns
        )

    def unlocks_conftest(self, path: str) -> bool:
        """Whether the task was explicitly allowed to change this conftest: by its name or by a folder of tests."""
        return any(
            pattern == path or (in_test_area(_literal_folder(pattern)) and matches(pattern, path))
            for pattern in self.patterns
        )


def in_test_area(path: str) -> bool:
    """Whether a path is, or lies in, a folder of tests: ``tests`` anywhere, ``test`` at the top."""
    parts = PurePosixPath(path).parts
    return "tests" in parts or parts[:1] == ("test",)


def _plain(pattern: str) -> str:
    plain = "/".join(part for part in pattern.split("/") if part not in ("", "."))
    # After a wildcard the last slash means something: everything below.
    return f"{plain}/" if pattern.endswith("/") and _WILD & set(plain) else plain


def _literal_folder(pattern: str) -> str:
    parts = pattern.split("/")
    wild = next((at for at, part in enumerate(parts) if _WILD & set(part)), None)
    return pattern if wild is None else "/".join(parts[:wild])


def _is_about_tests(pattern: str, test_names: Sequence[str]) -> bool:
    name = pattern.rsplit("/", 1)[-1]
    return in_test_area(_literal_folder(pattern)) or name in test_names or any(
        fnmatchcase(name.replace("*", "x"), test_name) for test_name in test_names
    )  # fmt: skip


def leaves_tree(path: str, links: Mapping[str, str]) -> bool:
    """Whether the link at ``path`` leads out of its tree, also by way of other links of the tree.

    ``links`` maps the path of each symbolic link to its target. A chain that never ends leaves, too.
    """
    return follow(path, links) is None


def follow(path: str, links: Mapping[str, str]) -> list[str] | None:
    """The links on the way of ``path`` and, as the last, where it leads; None when that is out of the tree."""
    at: list[str] = []
    todo = path.split("/")[::-1]
    followed: list[str] = []
    while todo:
        part = todo.pop()
        if part in ("", "."):
            continue
        if part == "..":
            if not at:
                return None
            at.pop()
            continue
        at.append(part)
        target = links.get("/".join(at))
        if target is not None:
            followed.append("/".join(at))
            if target.startswith("/") or len(followed) > _LINK_LIMIT:
                return None
            at.pop()
            todo.extend(target.split("/")[::-1])
    return None if at[:1] == [".git"] else [*followed, "/".join(at)]


def check_scope(change: JudgedChange) -> CheckResult:
    """Name every file outside the declared scope, every new way out of the tree, every changed rule."""
    findings = tuple(
        _outside(change)
        + _embedded(change.base_entries, change.head_entries)
        + _links(change)
        + _compiled(change)
        + list(change.rule_findings)
    )
    reasons = tuple(f"{found.place()}: {found.message}" for found in findings if found.severity != "note")
    return CheckResult(
        "scope",
        status_of(findings),
        findings,
        reasons=reasons,
        notes=change.notes,
        tool="git",
        output_path="configuration.diff" if change.configuration_diff else "",
    )


def _outside(change: JudgedChange) -> list[Finding]:
    declared = ", ".join(change.scope.patterns)
    return [
        Finding("scope/outside", path, 0, f"was changed outside the declared files ({declared})")
        for path in sorted(change.touched)
        if not change.scope.allows(path)
    ]


def _embedded(base: Mapping[str, Entry], head: Mapping[str, Entry]) -> list[Finding]:
    return [
        Finding("scope/submodule", path, 0, "is an embedded repository (submodule entry) that the change adds or moves")
        for path, entry in sorted(head.items())
        if entry.mode == SUBMODULE and base.get(path) != entry
    ]


def _compiled(change: JudgedChange) -> list[Finding]:
    # What lies in __pycache__ is not used in a judged run.
    return [
        Finding("scope/compiled", path, 0, "is compiled code, which no check can read; a human decides", "review")
        for path in sorted(change.touched & change.head_entries.keys())
        if path.lower().endswith(_COMPILED) and "__pycache__" not in path.split("/")
    ]


def _links(change: JudgedChange) -> list[Finding]:
    return [
        Finding("scope/symlink", path, 0, f"is a symbolic link that leaves the tree (to {change.links[path]})")
        for path in sorted(change.links)
        if leaves_tree(path, change.links)
        and not (change.head_entries[path] == change.base_entries.get(path) and leaves_tree(path, change.base_links))
    ]
