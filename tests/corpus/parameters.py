"""Parameters that functions of the projects could have, with the code that reads them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Final

from corpus.cases import Project
from corpus.trees import Tree, with_import

Edits = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Parameter:
    """A new parameter: ``signature`` declares it (old text, new text), ``reading`` are the edits that make it work.

    ``idle`` holds also where nobody reads it; ``works`` holds only where it is read. Both are bodies of a test that
    takes ``fixtures`` and needs ``imports``.
    """

    name: str
    path: str
    function: str
    signature: tuple[str, str]
    reading: Edits
    test_path: str
    idle: str
    works: str
    fixtures: str = ""
    imports: str = ""

    def declared(self, tree: Tree) -> Tree:
        """The tree with a parameter that nobody reads."""
        return tree.replace(self.path, *self.signature)

    def read(self, tree: Tree) -> Tree:
        """The tree with a parameter that does what its name says."""
        tree = self.declared(tree)
        for old, new in self.reading:
            tree = tree.replace(self.path, old, new)
        return tree

    def tested(self, tree: Tree, body: str) -> Tree:
        """The tree with a test of the parameter."""
        lines = "".join(f"    {line}\n" for line in body.splitlines())
        short = self.function.rpartition(".")[2]
        tree = tree.append(self.test_path, f"def test_{short}_{self.name}({self.fixtures}) -> None:\n{lines}")
        return tree.edit(self.test_path, partial(with_import, line=self.imports)) if self.imports else tree


_RETRY = "call = Flaky(2)\nassert asyncio.run(retry(call, factor={factor}, sleep=call.sleep)) == 'done'\nassert call.waits == [0.1, {second}]"

_PARAMETERS: Final[dict[str, tuple[Parameter, ...]]] = {
    "almanac": (
        Parameter(
            "sep",
            "src/almanac/text.py",
            "slug",
            ("limit: int = 40)", 'limit: int = 40, sep: str = "-")'),
            (
                ("        return dashed\n", '        return dashed.replace("-", sep)\n'),
                ("return head if dash else cut[:limit]", 'return (head if dash else cut[:limit]).replace("-", sep)'),
            ),
            "tests/test_text.py",
            'assert slug("Hello, World!", sep="-") == "hello-world"',
            'assert slug("Hello, World!", sep="_") == "hello_world"\nassert slug("one two three four", 11, "_") == "one_two"',
        ),
        Parameter(
            "indent",
            "src/almanac/text.py",
            "wrap",
            ("width: int)", 'width: int, indent: str = "")'),
            (("    return lines\n", '    return [f"{indent}{one}" for one in lines]\n'),),
            "tests/test_text.py",
            'assert wrap("aaaa bbbb", 9, indent="") == ["aaaa bbbb"]',
            'assert wrap("the quick brown", 10, indent="> ") == ["> the quick", "> brown"]',
        ),
        Parameter(
            "default",
            "src/almanac/versions.py",
            "newest",
            ("stable: bool = True)", "stable: bool = True, default: str | None = None)"),
            (("default=None)\n", "default=default)\n"),),
            "tests/test_versions.py",
            'assert newest(["1.9"], default="0") == "1.9"',
            'assert newest([], default="0") == "0"',
        ),
    ),
    "shelf": (
        Parameter(
            "rest_day",
            "src/shelf/records.py",
            "due_date",
            ("days: int = LOAN_DAYS)", "days: int = LOAN_DAYS, rest_day: int = 7)"),
            (("end.isoweekday() == 7", "end.isoweekday() == rest_day"),),
            "tests/test_records.py",
            "assert due_date(date(2026, 3, 3), rest_day=7) == date(2026, 3, 31)",
            "assert due_date(date(2026, 3, 3), rest_day=2) == date(2026, 4, 1)",
        ),
        Parameter(
            "backwards",
            "src/shelf/store.py",
            "Store.all",
            ("lent: bool | None = None)", "lent: bool | None = None, backwards: bool = False)"),
            (
                (
                    "        return books if lent is None",
                    "        if backwards:\n            books.reverse()\n        return books if lent is None",
                ),
            ),
            "tests/test_store.py",
            'store.add("Emma")\nassert [book.title for book in store.all(backwards=True)] == ["Emma"]',
            'store.add("Emma")\nstore.add("Dracula")\nassert [book.title for book in store.all(backwards=True)] == ["Emma", "Dracula"]',
            "store: Store",
        ),
        Parameter(
            "indent",
            "src/shelf/exchange.py",
            "as_json",
            ("books: list[Book])", "books: list[Book], indent: int = 2)"),
            (("indent=2,", "indent=indent,"),),
            "tests/test_exchange.py",
            'assert as_json([], indent=4).startswith("{")',
            "assert '\\n    \"format\"' in as_json([], indent=4)",
            imports="from shelf.exchange import as_json",
        ),
    ),
    "relay": (
        Parameter(
            "end",
            "src/relay/protocol.py",
            "message",
            ("text: str) -> bytes", 'text: str, end: str = "\\n") -> bytes'),
            (('{text}\\n".encode()', '{text}{end}".encode()'),),
            "tests/test_protocol.py",
            'assert message("news", "a", end="\\n") == b"MSG news a\\n"',
            'assert message("news", "a", end="\\r\\n") == b"MSG news a\\r\\n"',
        ),
        Parameter(
            "factor",
            "src/relay/limits.py",
            "retry",
            ("most_s: float = 2.0,\n", "most_s: float = 2.0,\n    factor: float = 2.0,\n"),
            (("wait *= 2\n", "wait *= factor\n"),),
            "tests/test_limits.py",
            _RETRY.format(factor="2.0", second="0.2"),
            _RETRY.format(factor="4.0", second="0.4"),
        ),
        Parameter(
            "least",
            "src/relay/broker.py",
            "parents",
            ("parents(topic: str)", "parents(topic: str, least: int = 1)"),
            (("range(len(words), 0, -1)", "range(len(words), least - 1, -1)"),),
            "tests/test_broker.py",
            'assert parents("a.b", least=1) == ["a.b", "a"]',
            'assert parents("a.b.c", least=2) == ["a.b.c", "a.b"]',
        ),
    ),
}


def parameters(project: Project) -> tuple[Parameter, ...]:
    """What functions of a project could take."""
    return _PARAMETERS[project.module]
