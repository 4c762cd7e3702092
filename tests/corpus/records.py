"""Records that the projects could keep of what they did, and how they are read."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from corpus.cases import Project
from corpus.trees import Tree, body_of, module_of, with_body, with_import


@dataclass(frozen=True)
class Record:
    """A record in a module or, with an ``owner``, in the objects of a class.

    ``writing`` (old text, new text) writes a text into it; ``doing`` are the lines of a test that make that happen, and
    ``holds`` is the text that is there then.
    """

    name: str
    path: str
    owner: str
    started: str
    writing: tuple[str, str]
    test_path: str
    doing: str
    holds: str
    fixtures: str = ""

    @property
    def state(self) -> str:
        """What holds it."""
        return f"self._{self.name}" if self.owner else f"_{self.name.upper()}"

    @property
    def reader(self) -> str:
        """The name of what reads it."""
        return self.name if self.owner else f"{self.name}_so_far"

    def kept(self, tree: Tree, kind: str = "list[str]", first: str = "[]", given: str = "list({state})") -> Tree:
        """The tree with the record and its reader; nothing writes it."""
        body = f'"""What happened so far."""\nreturn {given.format(state=self.state)}\n'
        indented = "".join(f"    {line}\n" for line in body.splitlines())
        if not self.owner:
            code = f"{self.state}: {kind} = {first}\n\n\ndef {self.reader}() -> {kind}:\n{indented}"
            return tree.append(self.path, code)
        tree = tree.replace(self.path, self.started, f"{self.started}        {self.state}: {kind} = {first}\n")
        method = f"def {self.reader}(self) -> {kind}:\n{indented}"

        def with_method(text: str) -> str:
            return with_body(text, self.owner, f"{body_of(text, self.owner).rstrip()}\n\n{method}")

        return tree.edit(self.path, with_method)

    def written(self, tree: Tree) -> Tree:
        """The tree with the record, its reader, and what writes it."""
        return self.kept(tree.replace(self.path, *self.writing))

    def tested(self, tree: Tree, expected: str) -> Tree:
        """The tree with a test that reads the record: ``expected`` is the end of its assertion."""
        asked = f"{self.fixtures.partition(':')[0] or 'bucket'}.{self.reader}()" if self.owner else f"{self.reader}()"
        lines = "".join(f"    {line}\n" for line in f"{self.doing}\nassert {asked} {expected}".splitlines())
        tree = tree.append(self.test_path, f"def test_{self.name}({self.fixtures}) -> None:\n{lines}")
        if self.owner:
            return tree
        return tree.edit(self.test_path, partial(with_import, line=f"from {module_of(self.path)} import {self.reader}"))


_RECORDS: Final[dict[str, tuple[Record, ...]]] = {
    "almanac": (
        Record(
            "slugs",
            "src/almanac/text.py",
            "",
            "",
            ("    if len(dashed) <= limit:\n", "    _SLUGS.append(dashed)\n    if len(dashed) <= limit:\n"),
            "tests/test_text.py",
            'slug("Kept for later")',
            "kept-for-later",
        ),
        Record(
            "compared",
            "src/almanac/versions.py",
            "",
            "",
            (
                "    first, second = key(left), key(right)\n",
                "    first, second = key(left), key(right)\n    _COMPARED.append(left)\n",
            ),
            "tests/test_versions.py",
            'compare("7.7", "7.8")',
            "7.7",
        ),
    ),
    "shelf": (
        Record(
            "history",
            "src/shelf/store.py",
            "Store",
            "        self._connection.execute(_SCHEMA)\n",
            (
                "        number = row.lastrowid\n",
                "        number = row.lastrowid\n        self._history.append(title)\n",
            ),
            "tests/test_store.py",
            'store.add("Emma")',
            "Emma",
            "store: Store",
        ),
        Record(
            "removed",
            "src/shelf/store.py",
            "Store",
            "        self._connection.execute(_SCHEMA)\n",
            (
                '            transaction.execute("DELETE FROM book WHERE number = ?", (number,))\n',
                '            transaction.execute("DELETE FROM book WHERE number = ?", (number,))\n'
                "        self._removed.append(str(number))\n",
            ),
            "tests/test_store.py",
            'store.add("Emma")\nstore.remove(1)',
            "1",
            "store: Store",
        ),
    ),
    "relay": (
        Record(
            "refusals",
            "src/relay/limits.py",
            "Bucket",
            "        self._last = clock()\n",
            (
                "        if self._tokens < 1:\n            return False\n",
                '        if self._tokens < 1:\n            self._refusals.append("slow down")\n            return False\n',
            ),
            "tests/test_limits.py",
            "bucket = Bucket(2.0, 1, Clock())\nbucket.take()\nbucket.take()",
            "slow down",
        ),
        Record(
            "waits",
            "src/relay/limits.py",
            "Bucket",
            "        self._last = clock()\n",
            (
                "        return max(0.0, (1 - self._tokens) / self._rate)\n",
                "        wait = max(0.0, (1 - self._tokens) / self._rate)\n"
                '        self._waits.append(f"{wait:.1f}")\n        return wait\n',
            ),
            "tests/test_limits.py",
            "bucket = Bucket(2.0, 1, Clock())\nbucket.wait_s()",
            "0.0",
        ),
    ),
}


def records(project: Project) -> tuple[Record, ...]:
    """What a project could keep a record of."""
    return _RECORDS[project.module]
