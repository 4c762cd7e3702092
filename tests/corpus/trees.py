"""Files in memory, and the edits that changes are made of.

An edit that changes nothing raises :class:`NoEffectError`: a case never silently becomes something else when a project
is edited.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

PLAIN: Final = "100644"
EXECUTABLE: Final = "100755"
LINK: Final = "120000"
SUBMODULE: Final = "160000"


class NoEffectError(Exception):
    """An edit that should have changed a file did not."""


@dataclass(frozen=True)
class File:
    """What git keeps of a file: its bytes (for a submodule: the commit id) and its mode."""

    content: bytes
    mode: str = PLAIN


@dataclass(frozen=True)
class Tree:
    """All files of a commit; every edit gives a new tree."""

    files: Mapping[str, File] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Tree:
        """The files below a folder, without what tools leave there."""
        left = {"__pycache__", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis"}
        paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not left & set(path.parts))
        return cls({path.relative_to(folder).as_posix(): File(path.read_bytes()) for path in paths})

    def text(self, path: str) -> str:
        """The content of a text file."""
        return self.files[path].content.decode()

    def paths(self, prefix: str = "", suffix: str = "") -> list[str]:
        """The paths that begin and end so."""
        return [path for path in self.files if path.startswith(prefix) and path.endswith(suffix)]

    def write(self, path: str, content: str | bytes, mode: str = PLAIN) -> Tree:
        """With a file set to ``content``; text is dedented."""
        raw = textwrap.dedent(content).encode() if isinstance(content, str) else content
        return Tree({**self.files, path: File(raw, mode)})

    def remove(self, *paths: str) -> Tree:
        """Without some files."""
        missing = [path for path in paths if path not in self.files]
        if missing:
            raise NoEffectError(f"no file {missing[0]}")
        return Tree({path: file for path, file in self.files.items() if path not in paths})

    def move(self, old: str, new: str) -> Tree:
        """With one file elsewhere."""
        return Tree({**self.remove(old).files, new: self.files[old]})

    def edit(self, path: str, edit: Callable[[str], str]) -> Tree:
        """With the text of one file changed by a function."""
        before = self.text(path)
        after = edit(before)
        if after == before:
            raise NoEffectError(f"the edit leaves {path} as it is")
        return Tree({**self.files, path: File(after.encode(), self.files[path].mode)})

    def replace(self, path: str, old: str, new: str) -> Tree:
        """With ``old``, which has to be there exactly once, changed into ``new``."""
        count = self.text(path).count(old)
        if count != 1:
            raise NoEffectError(f"{path} has {old!r} {count} times")
        return self.edit(path, lambda text: text.replace(old, new))

    def substitute(self, path: str, pattern: str, new: str) -> Tree:
        """With every match of a pattern changed."""
        return self.edit(path, lambda text: re.sub(pattern, new, text, flags=re.MULTILINE))

    def append(self, path: str, more: str) -> Tree:
        """With more text at the end of a file, two lines below."""
        return self.edit(path, lambda text: f"{text.rstrip()}\n\n\n{textwrap.dedent(more).strip()}\n")

    def prepend(self, path: str, more: str) -> Tree:
        """With lines at the very top of a file."""
        return self.edit(path, lambda text: textwrap.dedent(more).lstrip("\n") + text)

    def everywhere(self, pattern: str, new: str, suffix: str = ".py") -> Tree:
        """With every match of a pattern changed in all files that end so."""
        tree = self
        for path in self.paths(suffix=suffix):
            changed = re.sub(pattern, new, self.text(path))
            tree = Tree({**tree.files, path: File(changed.encode(), self.files[path].mode)})
        if tree.files == self.files:
            raise NoEffectError(f"nothing matches {pattern}")
        return tree

    def __or__(self, other: Mapping[str, str]) -> Tree:
        tree = self
        for path, content in other.items():
            tree = tree.write(path, content)
        return tree


@dataclass(frozen=True)
class Span:
    """Where a function or class stands: lines from 0, ``end`` not included; its body's first line; its indent."""

    start: int
    end: int
    body: int
    indent: str


Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef


def module_of(path: str) -> str:
    """The name that a source file is imported by."""
    return path.removeprefix("src/").removesuffix(".py").replace("/", ".")


def names(text: str, prefix: str = "") -> list[str]:
    """The functions at the top of a module whose names begin so."""
    nodes = (node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef))
    return [node.name for node in nodes if node.name.startswith(prefix)]


def span(text: str, name: str) -> Span:
    """Where ``name`` or ``Class.name`` is defined, decorators included."""
    node = definition(ast.parse(text), name)
    first = min([node.lineno, *(decorator.lineno for decorator in node.decorator_list)])
    return Span(first - 1, node.end_lineno or node.lineno, node.body[0].lineno - 1, " " * node.col_offset)


def definition(module: ast.Module, name: str) -> Definition:
    """The function or class called ``name`` or ``Class.name``."""
    body: list[ast.stmt] = module.body
    found: Definition | None = None
    for part in name.split("."):
        matching = (node for node in body if isinstance(node, Definition) and node.name == part)
        found = next(matching, None)
        if found is None:
            raise NoEffectError(f"nothing is called {name}")
        body = found.body
    if found is None:
        raise NoEffectError("a name is needed")
    return found


def source(text: str, name: str) -> str:
    """The whole text of a definition."""
    place = span(text, name)
    return "".join(text.splitlines(keepends=True)[place.start : place.end])


def drop(text: str, name: str) -> str:
    """Without a definition and the empty lines above it."""
    place = span(text, name)
    lines = text.splitlines(keepends=True)
    start = place.start
    while start and not lines[start - 1].strip():
        start -= 1
    return "".join(lines[:start] + lines[place.end :])


def decorate(text: str, name: str, decorator: str) -> str:
    """With one more decorator."""
    place = span(text, name)
    lines = text.splitlines(keepends=True)
    return "".join([*lines[: place.start], f"{place.indent}@{decorator}\n", *lines[place.start :]])


def with_body(text: str, name: str, body: str, *, keep: bool = False) -> str:
    """With another body; ``keep``: before the old one."""
    place = span(text, name)
    lines = text.splitlines(keepends=True)
    new = textwrap.indent(textwrap.dedent(body).strip() + "\n", place.indent + "    ")
    old = "".join(lines[place.body : place.end]) if keep else ""
    return "".join([*lines[: place.body], new + old, *lines[place.end :]])


def below_docstring(text: str, name: str, lines: str) -> str:
    """With lines at the beginning of a body, below its docstring."""
    node = definition(ast.parse(text), name)
    first = node.body[0]
    documented = isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant)
    place = (first.end_lineno or first.lineno) if documented else first.lineno - 1
    old = text.splitlines(keepends=True)
    return "".join([*old[:place], textwrap.indent(f"{lines.strip()}\n", " " * first.col_offset), *old[place:]])


def body_of(text: str, name: str) -> str:
    """The body of a definition, dedented."""
    place = span(text, name)
    return textwrap.dedent("".join(text.splitlines(keepends=True)[place.body : place.end]))


def wrapped(text: str, name: str, head: str, tail: str = "") -> str:
    """With the whole body below ``head`` (a ``try:``, an ``if:``), and ``tail`` after it."""
    inner = textwrap.indent(body_of(text, name), "    ")
    return with_body(text, name, f"{textwrap.dedent(head).strip()}\n{inner}{textwrap.dedent(tail).strip()}")


def with_import(text: str, line: str) -> str:
    """With an import line after the docstring and ``from __future__`` lines; as it is when the line is there."""
    if line in text.splitlines():
        return text
    module = ast.parse(text)
    last = 0
    for node in module.body:
        is_text = isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        is_future = isinstance(node, ast.ImportFrom) and node.module == "__future__"
        if not (is_text or is_future):
            break
        last = node.end_lineno or 0
    lines = text.splitlines(keepends=True)
    gap = ["\n"] if last else []
    return "".join([*lines[:last], *gap, f"{line}\n", *lines[last:]])


def statements(text: str, name: str, kind: type[ast.stmt]) -> Iterator[str]:
    """The statements of one kind in a definition, as they are written."""
    for node in ast.walk(definition(ast.parse(text), name)):
        if isinstance(node, kind):
            found = ast.get_source_segment(text, node)
            if found:
                yield found


def asserts(text: str, name: str) -> list[str]:
    """The assert statements of a test, as they are written."""
    return list(statements(text, name, ast.Assert))


def without_unused_imports(tree: Tree, *paths: str) -> Tree:
    """Without imported names that a module does not use."""
    for path in paths:
        text = tree.text(path)

        def used(match: re.Match[str], text: str = text) -> str:
            kept = [name for name in match[2].split(", ") if len(re.findall(rf"\b{name}\b", text)) > 1]
            return f"{match[1]}{', '.join(kept)}\n" if kept else ""

        text = re.sub(r"^(from [\w.]+ import )([\w, ]+)\n", used, text, flags=re.MULTILINE)
        for name in re.findall(r"^import (\w+)$", text, flags=re.MULTILINE):
            text = text if len(re.findall(rf"\b{name}\b", text)) > 1 else text.replace(f"import {name}\n", "")
        tree = tree.write(path, re.sub(r"\A\n+", "", text))
    return tree
