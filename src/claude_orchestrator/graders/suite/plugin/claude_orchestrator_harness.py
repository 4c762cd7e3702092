"""Whether what decides how tests end is still what it was when pytest started. PYTEST_DONT_REWRITE.

At the start the functions of pytest, pluggy, unittest and some builtins are written down, with their code. They are
compared after the collection, before and after each test is called, after its end, and at the end. What a test
exchanges and puts back before its end is its own affair, except where reports are made meanwhile.

Hook implementations count as well: who adds one while tests run decides what becomes of them.
"""

from __future__ import annotations

import builtins
import operator
import os
import sys
import unittest.case
from types import FunctionType, ModuleType
from typing import Any

import pytest
from claude_orchestrator_equality import Equality  # type: ignore[import-not-found] # lies beside this file

_REPORTING = (
    "_pytest.runner", "_pytest.reports", "_pytest.skipping", "_pytest.unittest", "_pytest.outcomes",
    "pluggy._callers", "pluggy._hooks", "pluggy._manager", "pluggy._result",
    "claude_orchestrator_run_log", "claude_orchestrator_canary", "claude_orchestrator_harness",
    "claude_orchestrator_equality", "claude_orchestrator_hidden",
)  # fmt: skip
_IMPORTING = ("_frozen_importlib", "_frozen_importlib_external")
_BUILTINS = (
    "AssertionError", "BaseException", "Exception", "ExceptionGroup", "KeyboardInterrupt", "SystemExit",
    "__build_class__", "__import__", "abs", "all", "any", "bool", "bytes", "callable", "compile", "dict", "divmod",
    "enumerate", "eval", "exec", "filter", "float", "frozenset", "getattr", "hasattr", "hash", "id", "int",
    "isinstance", "issubclass", "iter", "len", "list", "map", "max", "min", "next", "object", "pow", "range", "repr",
    "reversed", "round", "set", "setattr", "sorted", "str", "sum", "super", "tuple", "type", "vars", "zip",
)  # fmt: skip
_HOOKS = (
    "pytest_collection", "pytest_make_collect_report", "pytest_ignore_collect", "pytest_collect_file",
    "pytest_pycollect_makemodule", "pytest_pycollect_makeitem", "pytest_generate_tests", "pytest_itemcollected",
    "pytest_collection_modifyitems", "pytest_runtestloop", "pytest_runtest_protocol", "pytest_runtest_setup",
    "pytest_runtest_call", "pytest_runtest_teardown", "pytest_pyfunc_call", "pytest_fixture_setup",
    "pytest_runtest_makereport", "pytest_runtest_logreport", "pytest_report_to_serializable",
    "pytest_report_from_serializable",
)  # fmt: skip
_ITEMS_OWN = frozenset({"runtest", "addFailure", "addError", "addUnexpectedSuccess", "addSubTest"})
"""What a collected test has from its class and never by itself."""
_LIMIT = 20


class _Kept:
    """One name as it was, and the code behind it."""

    __slots__ = ("code", "function", "label", "name", "space", "value")

    def __init__(self, label: str, space: Any, name: str, value: Any) -> None:
        self.label, self.space, self.name, self.value = label, space, name, value
        inner = value
        if type(value) is not FunctionType:
            inner = getattr(value, "__func__", None) or getattr(value, "fget", None) or value
        self.function = inner if isinstance(inner, FunctionType) else None
        self.code = self.function.__code__ if self.function is not None else None


def _kept_of(module: ModuleType) -> list[_Kept]:
    found = []
    for name, value in list(vars(module).items()):
        if not callable(value) or name in ("__builtins__", "__loader__", "__spec__"):
            continue
        found.append(_Kept("{}.{}".format(module.__name__, name), vars(module), name, value))
        if isinstance(value, type) and value.__module__ in (module.__name__, *_IMPORTING):
            members = vars(value)
            found += [
                _Kept("{}.{}.{}".format(module.__name__, name, key), members, key, member)
                for key, member in list(members.items())
                if callable(member) or isinstance(member, (property, staticmethod, classmethod))
            ]
    return found


def _shapes_of(module: ModuleType) -> list[tuple[type, frozenset[str]]]:
    names = (module.__name__, *_IMPORTING)  # the modules of the import system go by two names each
    kinds = [value for value in vars(module).values() if isinstance(value, type) and value.__module__ in names]
    return [(kind, frozenset(vars(kind))) for kind in kinds]


def _changed(kept: list[_Kept]) -> list[str]:
    return [
        one.label
        for one in kept
        if one.space.get(one.name) is not one.value
        or (one.function is not None and one.function.__code__ is not one.code)
    ]


class Harness:
    """Compares with the start and remembers every difference, with the moment at which it was seen first."""

    def __init__(self, config: Any, checkout: str) -> None:
        self._config = config
        self._checkout = os.path.realpath(checkout)
        self._shadowing = frozenset(vars(builtins))
        self._conftests = {
            os.path.join(place, "conftest.py") for place, _, files in os.walk(self._checkout) if "conftest.py" in files
        }
        loaded = [module for name, module in list(sys.modules.items()) if name.startswith(("_pytest.", "pluggy."))]
        ours = [sys.modules[name] for name in _REPORTING if name in sys.modules and name not in ("_pytest", "pluggy")]
        self._modules = [pytest, *dict.fromkeys([*loaded, *ours])]
        self._lengths = [(module, frozenset(vars(module))) for module in self._modules]
        self._reporting = [kept for name in _REPORTING if name in sys.modules for kept in _kept_of(sys.modules[name])]
        self._reporting += _kept_of(unittest.case)
        self._basic = [
            _Kept("builtins." + name, vars(builtins), name, vars(builtins)[name])
            for name in _BUILTINS
            if name in vars(builtins)
        ]
        self._basic += _kept_of(operator)
        self._all = [kept for module in self._modules for kept in _kept_of(module)]
        self._all += [kept for name in _IMPORTING for kept in _kept_of(sys.modules[name])]
        importing = [sys.modules[name] for name in _IMPORTING]
        self._shapes = [shape for module in [*self._modules, *importing] for shape in _shapes_of(module)]
        self._hooks: dict[str, int] = {}
        self._known: dict[int, Any] = {}
        self._execute = config.pluginmanager._inner_hookexec  # noqa: SLF001
        self._codes: dict[str, Any] = {}
        self._kinds: dict[str, Any] = {}
        self._log: tuple[Any, Any] = (None, None)
        self._equality = Equality(checkout)
        self.found: dict[str, str] = {}

    # -- moments --------------------------------------------------------------------------------------

    def watch(self, log: Any, writer: Any) -> None:
        """The log, which has to go on writing with the same writer."""
        self._log = (log, writer)

    def start(self) -> None:
        """After our own plugins were registered: the hooks that are there now are accepted."""
        for name in _HOOKS:
            caller = getattr(self._config.pluginmanager.hook, name, None)
            if caller is not None:
                self._accept(name, caller.get_hookimpls())

    def collected(self, items: list[Any]) -> None:
        """After the collection: everything, and what the tests are going to run."""
        self._whole("after the collection")
        self._codes = {item.nodeid: _code_of(item) for item in items}
        self._kinds = {item.nodeid: type(item) for item in items}

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: Any) -> Any:
        """Before a test is called: what puts itself back while it runs is still there."""
        self._note(_changed(self._reporting), item.nodeid)
        self._judge_item(item)
        self._judge_hooks(item.nodeid)
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: Any, call: Any) -> Any:
        """While the report of a phase is made, nothing of what makes it may be exchanged."""
        if call.when == "call":
            self._note(_changed(self._reporting), item.nodeid)
            self._judge_item(item)
            self._judge_hooks(item.nodeid)
        yield

    @pytest.hookimpl(hookwrapper=True, tryfirst=True)
    def pytest_runtest_protocol(self, item: Any) -> Any:
        """After each test, with its fixtures undone."""
        yield
        self._note(_changed(self._reporting) + _changed(self._basic), item.nodeid)
        if item.nodeid in self._codes:  # a canary is no reason to look
            self._note(self._equality.after_test(), item.nodeid)
        self._judge_hooks(item.nodeid)

    def finish(self) -> dict[str, str]:
        """At the end of the run: everything. Returns what was exchanged, and when it was seen."""
        self._whole("at the end")
        self._note(self._equality.look(), "at the end")
        if not self._config.pluginmanager.is_registered(self):
            self._note(["the list of plugins"], "at the end")
        return self.found

    # -- judging --------------------------------------------------------------------------------------

    def _whole(self, when: str) -> None:
        self._note(_changed(self._all) + _changed(self._basic) + _changed(self._reporting), when)
        for module, before in self._lengths:
            if sys.modules.get(module.__name__) is not module:
                self._note(["sys.modules['{}']".format(module.__name__)], when)
            shadowing = (frozenset(vars(module)) - before) & self._shadowing
            self._note(["{}.{}".format(module.__name__, name) for name in shadowing], when)
        for kind, names in self._shapes:
            for name in vars(kind).keys() - names:
                if self._is_ours_to_mind(vars(kind)[name]):
                    self._note(["{}.{}.{}".format(kind.__module__, kind.__qualname__, name)], when)
        self._judge_hooks(when)

    def _is_ours_to_mind(self, member: Any) -> bool:
        """Whether what a class got is code of the checkout, or something that is called without being a function."""
        inner = getattr(member, "__func__", None) or getattr(member, "fget", None) or member
        code = getattr(inner, "__code__", None)
        return callable(inner) and (code is None or self._is_foreign(code))

    def _note(self, labels: list[str], when: str) -> None:
        for label in labels:
            if len(self.found) < _LIMIT:
                self.found.setdefault(label, when)

    def _judge_item(self, item: Any) -> None:
        before, now = self._codes.get(item.nodeid), _code_of(item)
        is_other = before is not None and now is not before and self._is_foreign(now)
        is_other |= type(item) is not self._kinds.get(item.nodeid, type(item))
        if is_other or _ITEMS_OWN.intersection(vars(item)):
            self._note(["the function of a collected test"], item.nodeid)
        if self._log[0] is not None and self._log[0].write_line is not self._log[1]:
            self._note(["the writer of the log"], item.nodeid)

    def _judge_hooks(self, when: str) -> None:
        if self._config.pluginmanager._inner_hookexec is not self._execute:  # noqa: SLF001
            self._note(["the plugin manager's way to call hooks"], when)
        for name in _HOOKS:
            caller = getattr(self._config.pluginmanager.hook, name, None)
            impls = caller.get_hookimpls() if caller is not None else []
            if len(impls) == self._hooks.get(name) and all(id(impl) in self._known for impl in impls):
                continue
            for impl in impls:
                if id(impl) not in self._known and self._is_intruder(impl):
                    self._note(["{} of {}".format(name, self._place_of(impl))], when)
            self._accept(name, impls)
        changed = [
            kept
            for kept in self._known.values()
            if kept.function is not None and kept.function.__code__ is not kept.code
        ]
        self._note([kept.label for kept in changed], when)

    def _accept(self, name: str, impls: list[Any]) -> None:
        self._hooks[name] = len(impls)
        for impl in impls:
            if id(impl) not in self._known:
                label = "{} of {}".format(name, self._place_of(impl))
                self._known[id(impl)] = _Kept(label, {}, name, impl.function)
                self._known[id(impl)].space = {"impl": impl}  # keeps its id from being used again

    def _is_intruder(self, impl: Any) -> bool:
        """Whether a hook was added by what is tested, and not by a conftest or something installed."""
        conftests = getattr(self._config.pluginmanager, "_conftest_plugins", ())
        if isinstance(impl.plugin, ModuleType) and impl.plugin in conftests:
            file = os.path.realpath(impl.plugin.__file__ or "")
            return self._file_of(impl.function) != file or file not in self._conftests
        return self._is_foreign(getattr(getattr(impl.function, "__func__", impl.function), "__code__", None))

    def _is_foreign(self, code: Any) -> bool:
        """Whether code comes from the checkout or from nowhere, and not from something installed."""
        if code is None:
            return True
        file = os.path.realpath(code.co_filename)
        return file.startswith(self._checkout + os.sep) or not os.path.isfile(file)

    def _file_of(self, function: Any) -> str:
        code = getattr(getattr(function, "__func__", function), "__code__", None)
        return os.path.realpath(code.co_filename) if code is not None else ""

    def _place_of(self, impl: Any) -> str:
        file = self._file_of(impl.function)
        return (
            os.path.relpath(file, self._checkout) if file.startswith(self._checkout + os.sep) else str(impl.plugin_name)
        )


def _code_of(item: Any) -> Any:
    function = vars(item).get("_obj")
    return getattr(getattr(function, "__func__", function), "__code__", None)
