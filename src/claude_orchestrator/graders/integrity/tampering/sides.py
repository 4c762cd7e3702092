"""The tests of one side of a change, with what they use; pure, on contents."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property

from claude_orchestrator.graders.integrity.tampering.canonical import OPAQUE, Function, Tokens, dotted, tokens_of
from claude_orchestrator.graders.integrity.tampering.checks import Body, body_of
from claude_orchestrator.graders.integrity.tampering.collecting import Names, TestFile, TestFunction, read_tests
from claude_orchestrator.graders.integrity.tampering.matching import Place
from claude_orchestrator.graders.integrity.tampering.unfolding import brought_back, unfolded
from claude_orchestrator.graders.parsing import parsed


@dataclass
class SideOfTests:
    """The tests of one side.

    ``tests`` are touched test files, ``helpers`` other files of the tests that they may use, ``source`` the touched
    code under test. ``fresh`` are the names of helpers and fixtures that the other side does not have.
    """

    tests: Mapping[str, bytes]
    helpers: Mapping[str, bytes] = field(default_factory=dict)
    source: Mapping[str, bytes] = field(default_factory=dict)
    names: Names = field(default_factory=Names)
    patterns: tuple[str, ...] = ("test_*.py", "*_test.py")
    fresh: frozenset[str] = frozenset()
    modules: frozenset[str] = frozenset()
    too_deep: set[Place] = field(default_factory=set)
    _bodies: dict[tuple[Place, bool], Body] = field(default_factory=dict)

    @cached_property
    def files(self) -> dict[str, TestFile]:
        """What each file has, by path."""
        found = {}
        for path, content in {**self.helpers, **self.tests}.items():
            tree = parsed(content) if path.endswith(".py") else None
            if tree is not None:
                is_collected = any(fnmatchcase(path.rsplit("/", 1)[-1], one) for one in self.patterns)
                found[path] = read_tests(tree, content, self.names, is_collected=is_collected)
        return found

    @cached_property
    def all_tests(self) -> dict[Place, TestFunction]:
        """The tests of the touched files, by place."""
        return {(path, name): test for path in self.tests if path in self.files
                for name, test in self.files[path].tests.items()}  # fmt: skip

    @cached_property
    def functions(self) -> dict[str, list[tuple[str, Function]]]:
        """Functions that are no tests, by name, with their files."""
        found: dict[str, list[tuple[str, Function]]] = {}
        for path, file in self.files.items():
            for name, node in file.functions.items():
                found.setdefault(name, []).append((path, node))
        return found

    def helper(self, path: str, name: str) -> Function | None:
        """The helper that ``name`` stands for in a file."""
        last = name.rpartition(".")[2]
        candidates = self.functions.get(self._original(path, name) or last, [])
        here = [node for other, node in candidates if other == path]
        return here[0] if here else candidates[0][1] if candidates else None

    def _original(self, path: str, name: str) -> str:
        imported = self.files[path].imports.get(name, "") if path in self.files else ""
        return imported.rpartition(":")[2] if ":" in imported else ""

    def words(self, place: Place) -> frozenset[str]:
        """The words in the source of a test."""
        return frozenset(re.findall(r"\w+", self.all_tests[place].text))

    @cached_property
    def helper_texts(self) -> dict[str, list[str]]:
        """The sources of the functions that are no tests, by name."""
        return {
            name: sorted(self.files[path].text_of(node) for path, node in nodes)
            for name, nodes in self.functions.items()
        }

    def body(self, place: Place, *, distinct: bool = False) -> Body:
        """The checks of a test with its helpers, for all of its sets of parameters or for the ``distinct`` ones."""
        if (place, distinct) not in self._bodies:
            test = self.all_tests[place]
            cases = test.distinct_cases if distinct else test.cases
            self._bodies[place, distinct] = self.body_of(place[0], test.node, cases, test.parameters)
        return self._bodies[place, distinct]

    def body_of(self, path: str, node: Function, cases: int = 1, parameters: frozenset[str] = frozenset()) -> Body:
        """The checks of a function of a file; none of one that is nested too deeply to be followed."""
        try:
            return self._read(path, node, cases, parameters)
        except RecursionError:
            self.too_deep.add((path, node.name))
            calls = (dotted(one.func) for one in ast.walk(node) if isinstance(one, ast.Call))
            return Body((), frozenset(name.rpartition(".")[2] for name in calls))

    def body_without_runners(self, place: Place, *, distinct: bool = False) -> Body | None:
        """The checks of a test whose code stands in an inner function that it hands to something that runs it."""
        test, path = self.all_tests[place], place[0]
        try:
            node = brought_back(test.node, lambda name: self._uses_what_it_gets(path, name))
            cases = test.distinct_cases if distinct else test.cases
            return None if node is None else self._read(path, node, cases, test.parameters)
        except RecursionError:
            return None

    def _uses_what_it_gets(self, path: str, name: str) -> bool:
        """Whether a name stands for nothing that the change made up, or for a function that looks at its arguments."""
        last = name.rpartition(".")[2]
        function = self.helper(path, name) if last in self.fresh else None
        if function is None:
            return bool(last)
        given = {one.arg for one in ast.walk(function) if isinstance(one, ast.arg)}
        return any(isinstance(one, ast.Name) and one.id in given for one in ast.walk(function))

    def _read(self, path: str, node: Function, cases: int, parameters: frozenset[str]) -> Body:
        given = {name: self._stands_for(path, name) for name in self.fresh & {one.arg for one in node.args.args}}
        given |= dict.fromkeys(parameters, (OPAQUE,))
        test = unfolded(node, lambda name: self.helper(path, name) if name in self.fresh else None)
        return body_of(test, lambda name: self.helper(path, name), given, cases)

    def _stands_for(self, path: str, name: str) -> Tokens:
        """What a new fixture gives to its tests, as if they had made it themselves."""
        fixture = self.helper(path, name)
        given = [
            node.value
            for node in (ast.walk(fixture) if fixture else ())
            if isinstance(node, ast.Return | ast.Yield) and node.value is not None
        ]
        return tokens_of(given[0]) if len(given) == 1 else (f"n:{name}",)

    @cached_property
    def defined(self) -> set[str]:
        """The names that the touched source defines, and the parts of its modules' names."""
        found: set[str] = set()
        for path, content in self.source.items():
            parts = path.removesuffix(".py").split("/")
            found.update(part for part in parts if part != "__init__")
            tree = parsed(content)
            for node in ast.walk(tree) if tree else ():
                if isinstance(node, Function | ast.ClassDef):
                    found.add(node.name)
                elif isinstance(node, ast.arg):
                    found.add(node.arg)
                elif isinstance(node, ast.Name | ast.Attribute) and isinstance(node.ctx, ast.Store):
                    found.add(node.id if isinstance(node, ast.Name) else node.attr)
        return found

    @cached_property
    def aliases(self) -> dict[str, set[str]]:
        """Names that stand for another: ``old = new``, ``import new as old``, a function that only calls the other."""
        found: dict[str, set[str]] = {}
        for content in self.source.values():
            tree = parsed(content)
            for node in ast.walk(tree) if tree else ():
                if isinstance(node, ast.Assign) and isinstance(node.value, ast.Name | ast.Attribute):
                    for target in node.targets:
                        found.setdefault(dotted(target), set()).add(dotted(node.value).rpartition(".")[2])
                elif isinstance(node, ast.ImportFrom):
                    for one in node.names:
                        found.setdefault(one.asname or one.name, set()).add(one.name)
                elif isinstance(node, Function) and node.body and isinstance(node.body[-1], ast.Return):
                    value = node.body[-1].value
                    if isinstance(value, ast.Call) and len(node.body) <= 3:
                        found.setdefault(node.name, set()).add(dotted(value.func).rpartition(".")[2])
        return found
