"""Shell commands with which a stranger repeats what the verifier ran, without the verifier."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path

from claude_orchestrator.graders.base import CheckResult, Command
from claude_orchestrator.graders.change import JudgedChange
from claude_orchestrator.workspace.git import Entry


def rerun_commands(
    git_dir: Path, change: JudgedChange, checks: Iterable[CheckResult], generated: Mapping[str, str]
) -> list[str]:
    """One checkout for each tree that was judged, then each command in it; for an empty folder.

    Runs on trees that no commit has (with other words, or functions that do nothing) are not among them.
    ``generated`` are modules that the commits lack, path → text.
    """
    sources: dict[str, tuple[str, str, Mapping[str, Entry | None]]] = {
        "base": (change.base, change.head, {}),
        "own": (change.head, change.base, change.overrides),
        "trusted": (change.head, change.base, change.trusted_overrides),
        "witness": (change.base, change.head, change.witness_overrides),
    }
    commands = [one for check in checks for one in check.commands if _tree_of(one) in sources]
    used = set(map(_tree_of, commands))
    lines = [
        line
        for name, (commit, other, overrides) in sources.items()
        if name in used
        for line in [*_checkout(git_dir, name, commit, other, overrides), *_written(name, generated)]
    ]
    clean = 'env -i PATH="$PATH" HOME="$(mktemp -d)" PYTHONDONTWRITEBYTECODE=1'
    return lines + [f"(cd {_tree_of(command)} && {clean} {command.by_hand})" for command in commands]


def _tree_of(command: Command) -> str:
    return command.label.rsplit("-", 1)[1]


def _written(name: str, generated: Mapping[str, str]) -> list[str]:
    return [f"printf %s {shlex.quote(text)} > {shlex.quote(f'{name}/{path}')}" for path, text in generated.items()]


def _checkout(git_dir: Path, name: str, commit: str, other: str, overrides: Mapping[str, Entry | None]) -> list[str]:
    """A checkout of ``commit`` in which some files are removed (None) or those of the ``other`` commit."""
    removed = [path for path, entry in overrides.items() if entry is None]
    restored = [path for path, entry in overrides.items() if entry is not None]
    lines = [
        shlex.join(["git", "clone", "--quiet", "--local", "--no-checkout", str(git_dir), name]),
        f"git -C {name} checkout --quiet --detach {commit}",
    ]
    if removed:
        lines.append(f"git -C {name} rm --quiet -- {shlex.join(removed)}")
    if restored:
        lines.append(f"git -C {name} checkout --quiet {other} -- {shlex.join(restored)}")
    return lines
