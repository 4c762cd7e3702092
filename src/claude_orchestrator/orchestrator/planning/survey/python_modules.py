"""What Python files define and import, by their syntax tree; nothing is imported or run."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import Final

_ROOTS: Final = ("", "src", "lib", "python")
"""Folders that stand on the import path as a rule."""

_DEEPEST: Final = 5
"""Re-exports that are followed."""

_VERBS: Final = frozenset({"get", "post", "put", "patch", "delete", "head", "options", "route", "websocket"})


@dataclass
class Facts:
    """What the syntax tree of one file says."""

    symbols: list[str] = field(default_factory=list)
    """Its public names: ``function``, ``Class``, ``Class.method``."""
    exported: tuple[str, ...] | None = None
    """Its ``__all__``, where that is a plain list."""
    imported: list[tuple[str, str, str]] = field(default_factory=list)
    """``(module, name, alias)``; the module with its leading dots, the name empty for ``import module``."""
    routes: list[str] = field(default_factory=list)
    functions: int = 0
    documented: int = 0
    annotated: int = 0
    docstrings: list[str] = field(default_factory=list)
    """Some of its docstrings, to see how they are written."""
    test_classes: int = 0
    test_functions: int = 0


def facts_of(text: str) -> Facts | None:
    """The facts of a file, or None where it cannot be parsed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    facts = Facts()
    for node in tree.body:
        _top_level(node, facts)
    for node in _statements(tree.body):
        _imports(node, facts)
    return facts


def _top_level(node: ast.stmt, facts: Facts) -> None:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
        _function(node, facts, "")
    elif isinstance(node, ast.ClassDef):
        facts.test_classes += node.name.startswith("Test") or node.name.endswith(("Test", "TestCase", "Tests"))
        if not node.name.startswith("_"):
            facts.symbols.append(node.name)
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef):
                    _function(inner, facts, f"{node.name}.")
    elif isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign):
        _assigned(node, facts)
    elif isinstance(node, ast.If | ast.Try):
        for inner in [*node.body, *node.orelse]:
            _top_level(inner, facts)


def _assigned(node: ast.Assign | ast.AnnAssign | ast.AugAssign, facts: Facts) -> None:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [target.id for target in targets if isinstance(target, ast.Name)]
    if "__all__" in names and isinstance(node.value, ast.List | ast.Tuple):
        more = [one.value for one in node.value.elts if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        facts.exported = (*(facts.exported or ()), *more)
    facts.symbols += [name for name in names if not name.startswith("_") and len(name) > 1]


def _function(node: ast.FunctionDef | ast.AsyncFunctionDef, facts: Facts, owner: str) -> None:
    facts.test_functions += node.name.startswith("test")
    if node.name.startswith("_"):
        return
    facts.symbols.append(owner + node.name)
    facts.functions += 1
    facts.annotated += node.returns is not None
    said = ast.get_docstring(node, clean=False)
    if said:
        facts.documented += 1
        if len(facts.docstrings) < 5 and "\n" in said:
            facts.docstrings.append(said)
    facts.routes += [route for decorator in node.decorator_list if (route := _route(decorator))]


def _route(decorator: ast.expr) -> str:
    """``GET /path`` (or ``/path``) where the decorator declares one."""
    if not (isinstance(decorator, ast.Call) and isinstance(decorator.func, ast.Attribute) and decorator.args):
        return ""
    verb, first = decorator.func.attr, decorator.args[0]
    path = first.value if isinstance(first, ast.Constant) else None
    if verb not in _VERBS or not isinstance(path, str) or not path.startswith("/"):
        return ""
    return path if verb == "route" else f"{verb.upper()} {path}"


def _statements(body: Iterable[ast.stmt]) -> Iterator[ast.stmt]:
    """Every statement, however deep; expressions are not entered."""
    stack: list[ast.stmt | ast.ExceptHandler | ast.match_case] = list(body)
    while stack:
        node = stack.pop()
        if isinstance(node, ast.stmt):
            yield node
        for name in ("body", "orelse", "finalbody", "handlers", "cases"):
            inner = getattr(node, name, None)
            if isinstance(inner, list):
                stack += inner


def _imports(node: ast.stmt, facts: Facts) -> None:
    if isinstance(node, ast.Import):
        facts.imported += [(alias.name, "", alias.asname or "") for alias in node.names]
    elif isinstance(node, ast.ImportFrom):
        module = "." * node.level + (node.module or "")
        facts.imported += [(module, alias.name, alias.asname or alias.name) for alias in node.names]


# -- which file an import means ----------------------------------------------------------------------------------


class Index:
    """The repository's Python files by the names under which they are imported."""

    def __init__(self, paths: Iterable[str], facts: Mapping[str, Facts]) -> None:
        self.facts = facts
        self.files = frozenset(paths)
        self._names: dict[str, str] = {}
        for path in sorted(self.files, key=lambda path: (path.count("/"), path)):
            for name in self._candidates(path):
                self._names.setdefault(name, path)

    def package_of(self, path: str) -> str:
        """The dotted name of a file, from its topmost package downwards."""
        place = PurePosixPath(path)
        parts = [] if place.stem == "__init__" else [place.stem]
        folder = place.parent
        while str(folder) != "." and f"{folder}/__init__.py" in self.files:
            parts.insert(0, folder.name)
            folder = folder.parent
        return ".".join(parts)

    def _candidates(self, path: str) -> Iterator[str]:
        place = PurePosixPath(path)
        folder = place.parent
        if f"{folder}/__init__.py" in self.files or str(folder) in (".", *_ROOTS):
            yield self.package_of(path)
        parts = [*place.parent.parts, *([] if place.stem == "__init__" else [place.stem])]
        yield ".".join(parts)
        if parts[:1] and parts[0] in _ROOTS:
            yield ".".join(parts[1:])

    def has(self, name: str) -> bool:
        """Whether a name is one of the repository's own."""
        return name in self._names

    def imports_of(self, path: str) -> set[str]:
        """The files of the repository that a file imports, re-exports followed to where the name is defined."""
        facts = self.facts.get(path)
        found: set[str] = set()
        for module, name, _ in facts.imported if facts else ():
            found |= set(self._resolve(path, module, name, _DEEPEST))
        return found - {path}

    def used_by(self, path: str, text: str) -> set[str]:
        """As ``imports_of``, and what a file reaches by ``package.name`` after ``import package``."""
        found = self.imports_of(path)
        facts = self.facts.get(path)
        for module, name, alias in facts.imported if facts else ():
            if name or module.split(".")[0] not in self._names:
                continue
            known = alias or module
            for attribute in set(re.findall(rf"(?<![\w.]){re.escape(known)}\.([A-Za-z]\w*)", text)):
                found |= set(self._resolve(path, module, attribute, _DEEPEST))
        return found - {path}

    def _resolve(self, path: str, module: str, name: str, depth: int) -> Iterator[str]:
        file = self._file(path, module)
        if name:
            inner = self._file(path, f"{module}{'' if module.endswith('.') else '.'}{name}")
            if inner and inner != file:
                yield inner
                return
        if not file:
            return
        yield file
        facts = self.facts.get(file)
        if not name or not facts or not depth or not file.endswith("__init__.py"):
            return
        for origin, original, alias in facts.imported:
            if alias == name and original:
                yield from self._resolve(file, origin, original, depth - 1)

    def _file(self, path: str, module: str) -> str | None:
        level = len(module) - len(module.lstrip("."))
        rest = module.lstrip(".").split(".") if module.lstrip(".") else []
        place = PurePosixPath(path).parent
        if level:
            for _ in range(level - 1):
                place = place.parent
            return self._below(place, rest)
        dotted = ".".join(rest)
        return self._names.get(dotted) or (self._below(place, rest) if len(rest) == 1 else None)

    def _below(self, folder: PurePosixPath, parts: list[str]) -> str | None:
        target = folder.joinpath(*parts)
        candidates = (f"{target}.py", f"{target}/__init__.py", f"{target}.pyi") if parts else (f"{target}/__init__.py",)
        return next((one.removeprefix("./") for one in candidates if one.removeprefix("./") in self.files), None)
