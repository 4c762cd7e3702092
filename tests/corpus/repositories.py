"""Cases as commits: one repository a project, filled by one ``git fast-import``."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from corpus.cases import BASE_TREE, HEAD_TREE, Case
from corpus.trees import SUBMODULE, Tree

_WHEN = 1_750_000_000


@dataclass(frozen=True)
class Committed:
    """A case in git: where, from which commit to which, and what the verifier is told besides."""

    case: Case
    repository: Path
    base: str
    head: str
    operations: tuple[dict[str, Any], ...]


def committed(cases: Iterable[Case], folder: Path) -> list[Committed]:
    """Write all cases; equal bases are one commit, so that results are shared as they are in a run."""
    by_project: dict[str, list[Case]] = {}
    for case in cases:
        by_project.setdefault(case.project, []).append(case)
    done = []
    for project, members in by_project.items():
        repository = folder / project
        repository.mkdir(parents=True, exist_ok=True)
        _git(repository, "init", "--quiet", "--initial-branch=main")
        commits = _imported(repository, members)
        done += [_told(case, repository, *pair) for case, pair in zip(members, commits, strict=True)]
        _git(repository, "update-ref", "refs/heads/main", commits[0][0])
    return done


def _imported(repository: Path, cases: list[Case]) -> list[tuple[str, str]]:
    stream = _Stream()
    marks: dict[int, int] = {}
    pairs = []
    for case in cases:
        change = case.change
        # Trees are compared by content: bases made by the same rule are equal, not the same object.
        key = hash(frozenset(change.base.files.items()))
        if key not in marks:
            marks[key] = stream.commit(change.base, "Before", None)
        pairs.append((marks[key], stream.commit(change.head, change.message, marks[key])))
    marks_file = repository / ".git" / "corpus-marks"
    _git(repository, "fast-import", "--quiet", "--force", f"--export-marks={marks_file}", stdin=bytes(stream.data))
    lines = (line.split() for line in marks_file.read_text().splitlines())
    ids = {int(mark.removeprefix(":")): commit for mark, commit in lines}
    return [(ids[base], ids[head]) for base, head in pairs]


class _Stream:
    """The input of ``git fast-import``."""

    def __init__(self) -> None:
        self.data = bytearray()
        self._blobs: dict[bytes, int] = {}
        self._count = 0

    def commit(self, tree: Tree, message: str, parent: int | None) -> int:
        """Add a commit with exactly these files; gives its mark."""
        lines = []
        for path, file in tree.files.items():
            reference = file.content.decode() if file.mode == SUBMODULE else f":{self._blob(file.content)}"
            lines.append(f"M {file.mode} {reference} {path}\n")
        self._count += 1
        mark = self._count
        who = f"Corpus <corpus@localhost> {_WHEN} +0000"
        text = message.encode()
        self.data += f"commit refs/corpus/{mark}\nmark :{mark}\nauthor {who}\ncommitter {who}\n".encode()
        self.data += b"data %d\n%s\n" % (len(text), text)
        self.data += f"from :{parent}\n".encode() if parent else b""
        self.data += b"deleteall\n" + "".join(lines).encode() + b"\n"
        return mark

    def _blob(self, content: bytes) -> int:
        if content not in self._blobs:
            self._count += 1
            self._blobs[content] = self._count
            self.data += b"blob\nmark :%d\ndata %d\n%s\n" % (self._count, len(content), content)
        return self._blobs[content]


def _told(case: Case, repository: Path, base: str, head: str) -> Committed:
    trees: dict[object, str] = {}
    if case.change.operations:
        base_tree, head_tree = (_git(repository, "rev-parse", f"{commit}^{{tree}}") for commit in (base, head))
        trees = {BASE_TREE: base_tree, HEAD_TREE: head_tree}
    operations = tuple(
        {key: trees.get(value, value) if isinstance(value, str) else value for key, value in operation.items()}
        for operation in case.change.operations
    )
    return Committed(case, repository, base, head, operations)


def _git(folder: Path, *arguments: str, stdin: bytes | None = None) -> str:
    # Nothing of the developer's own git: no hooks, no signing, no line ends.
    env = {**os.environ, "GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    done = subprocess.run(["git", *arguments], cwd=folder, input=stdin, check=True, capture_output=True, env=env)
    return done.stdout.decode().strip()
