"""Canaries: tests that have to fail. PYTEST_DONT_REWRITE.

They go through everything that decides how a test ends: the rewriting of asserts, the hooks, the reports, the log.
Where one of them does not fail, failures are not reported, and nothing that the run says is believed.

A canary is in no file. It looks like a test beside the first one, gets no fixtures, and its name and form are
chosen anew for every run. The workers of pytest-xdist choose the same, because they start from the same seed.
"""

from __future__ import annotations

import ast
import inspect
import linecache
import os
import random
import types
from typing import Any

import pytest
from _pytest.assertion.rewrite import rewrite_asserts
from _pytest.fixtures import FuncFixtureInfo

PLACES = ("first-assert", "first-error", "last-assert", "last-error")
"""Where canaries stand among the tests, and how they fail."""

_ASSERTS = ("assert {a} == {b}", "value = {a}\n    assert value > {b}", "assert {a} in ({b},)", "assert not [{a}]")
_ERRORS = (
    "raise ValueError({a})",
    "[][{a}]",
    "int('x{a}')",
    "import unittest\n    unittest.TestCase().assertEqual({a}, {b})",
    "import pytest\n    pytest.fail('{a}')",
)
_WORDS = ("order", "limits", "empty", "values", "result", "again", "parts", "state", "input", "names")


class Canaries:
    """The canaries of one run, all made from its seed."""

    def __init__(self, seed: str) -> None:
        chance = random.Random(seed)  # noqa: S311 # nosec B311 - the seed is the secret
        self._file = "test_{}_{:x}.py".format(chance.choice(_WORDS), chance.getrandbits(24))
        self._sources = {}
        self._places = {}
        for place in PLACES:
            name = "test_{}_{:x}".format(chance.choice(_WORDS), chance.getrandbits(24))
            low = chance.randrange(1000, 100000)
            forms = _ASSERTS if place.endswith("assert") else _ERRORS
            body = chance.choice(forms).format(a=low, b=low + chance.randrange(1, 100))
            self._sources[place] = (name, "def {}():\n    {}\n".format(name, body))
            self._places[name] = place

    def place_of(self, nodeid: str) -> str | None:
        """Which canary a test id belongs to, or None."""
        return self._places.get(nodeid.rpartition("::")[2])

    def surround(self, session: Any) -> None:
        """Put canaries before and after the tests of a session that has any."""
        if not session.items:
            return
        beside = os.path.dirname(str(getattr(session.items[0], "path", None) or session.items[0].fspath))
        path = os.path.join(beside, self._file)
        items = [self._item(session, path, place) for place in PLACES]
        session.items[:] = [*items[:2], *session.items, *items[2:]]

    def _item(self, session: Any, path: str, place: str) -> Any:
        name, source = self._sources[place]
        module = types.ModuleType(self._file[:-3])
        linecache.cache[path] = (len(source), None, source.splitlines(True), path)
        # Who shows the failure would look for a module of this file among all of them, a long while.
        inspect.modulesbyfile[path] = module.__name__
        tree = ast.parse(source)
        if session.config.getoption("assertmode", "rewrite") != "plain":
            rewrite_asserts(tree, source.encode(), path, session.config)
        # pytest needs some tests in files; what is compiled here was made by this class alone.
        exec(compile(tree, path, "exec", dont_inherit=True), vars(module))  # noqa: S102 # nosec B102
        parent = self._parent(session, path)
        parent._obj = module  # noqa: SLF001
        fixtures = FuncFixtureInfo(argnames=(), initialnames=(), names_closure=[], name2fixturedefs={})
        return pytest.Function.from_parent(parent, name=name, callobj=vars(module)[name], fixtureinfo=fixtures)

    def _parent(self, session: Any, path: str) -> Any:
        if hasattr(session, "path"):
            return pytest.Module.from_parent(session, path=type(session.path)(path))
        return pytest.Module.from_parent(session, fspath=type(session.fspath)(path))
