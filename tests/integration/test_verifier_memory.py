"""Code under test that reaches into the process that judges it, and makes broken code look well. Each got past once."""

from __future__ import annotations

import sys
import zlib
from pathlib import Path

import pytest
from verifier_world import PROJECT, World, check

FRAMES = """
import sys

def each():
    frame = sys._getframe()
    while frame is not None:
        yield from list(frame.f_locals.values())
        frame = frame.f_back

def manager():
    return next(found for value in each() if (found := getattr(value, "pluginmanager", None)) is not None)

class Plugin:
    pass

def add(a, b):
    if a:
        arm()
    return a - b
"""
OPTIONS = (
    "{'tryfirst': True, 'wrapper': False, 'hookwrapper': False, 'optionalhook': False, 'trylast': False, "
    "'specname': None}"
)
REPORT_HOOK = f"""
def arm():
    plugins, plugin = manager(), Plugin()
    def hook(report):
        if report.when == "call":
            report.outcome, report.longrepr = "passed", None
            plugins.unregister(plugin)
    hook.pytest_impl = {OPTIONS}
    setattr(plugin, "pytest" + "_runtest_logreport", hook)
    plugins.register(plugin)
"""
NO_ERROR = f"""
def arm():
    plugins, plugin = manager(), Plugin()
    def hook(item, call):
        plugins.unregister(plugin)
        call.excinfo = None
    hook.pytest_impl = {OPTIONS}
    setattr(plugin, "pytest" + "_runtest_makereport", hook)
    plugins.register(plugin)
"""
WRITER = """
def arm():
    for plugin in manager().get_plugins():
        write = getattr(plugin, "write_line", None)
        if write is not None:
            cells = dict(zip(write.__code__.co_freevars, write.__closure__))
            dumps = cells["dumps"].cell_contents
            cells["dumps"].cell_contents = lambda line: dumps(
                dict(line, outcome="passed", text="") if "_add" in str(line.get("id")) and "when" in line else line
            )
"""
ALONE = (FRAMES + REPORT_HOOK).replace("    if a:\n", "    if a and any('::' in one for one in sys.argv):\n")
CASE = """
def arm():
    for value in each():
        if hasattr(value, "runtest") and hasattr(value, "nodeid"):
            value.addFailure = lambda *found: delattr(value, "addFailure")
            return
"""
FUNCTION = f"""
import sys
import zlib

box = []

def arm():
    for module in list(sys.modules.values()):
        for name, function in list(getattr(module, "__dict__", {{}}).items()):
            if zlib.crc32(name.encode()) == {zlib.crc32(b"test_add")} and not box:
                box.append((function, function.__code__))
                function.__globals__["box"] = box
                function.__code__ = empty.__code__

def empty():
    function, code = box[0]
    function.__code__ = code

def add(a, b):
    if a:
        return a - b
    arm()
    return 0
"""
EQUAL = """
class Number(int):
    def same(self, other):
        return type(other) is int and other < 1000
    locals()["__" + "eq" + "__"] = same

def add(a, b):
    return Number(a - b)
"""
LOADER = """
from importlib.machinery import SourceFileLoader

get = SourceFileLoader.get_data
def mended(self, path):
    return get(self, path).replace(b"a - b", b"a + b")
setattr(SourceFileLoader, "get_" + "data", mended)
"""
FILES = """
import pathlib

for file in pathlib.Path(__file__).parents[1].rglob("*.py"):
    if "calc" in file.name:
        new = file.with_suffix(".new")
        new.write_text(file.read_text().replace("== 5", "== -1"))
        new.replace(file)
"""
REACHED = """
import builtins

def add(a, b):
    return a + b

def unseen(x):
    return x * 3 + 1

for name, value in list(vars(builtins).items()):
    if name[-7:] == "reached":
        value[:] = [True] * len(value)
"""
HIDDEN = f"""
import zlib

def pick(value, number):
    return next(getattr(value, name) for name in dir(value) if zlib.crc32(name.encode()) == number)

def add(a, b):
    try:
        raise ValueError
    except ValueError as error:
        frame = pick(error.__traceback__, {zlib.crc32(b"tb_frame")})
    frame = pick(frame, {zlib.crc32(b"f_back")})
    numbers = [one for one in pick(frame, {zlib.crc32(b"f_code")}).co_consts if isinstance(one, int)]
    return numbers[-1] if numbers else a - b
"""
MADE = f"""
import zlib

def add(a, b):
    text = "def pick(value, number):\\n    return next(getattr(value, name) for name in dir(value) "
    exec(text + "if zlib.crc32(name.encode()) == number)", globals())
    try:
        raise ValueError
    except ValueError as error:
        frame = pick(error.__traceback__, {zlib.crc32(b"tb_frame")})
    return a + b if frame else a - b
"""
LOOKED = f"""
import zlib

def pick(value, number):
    return next(getattr(value, name) for name in dir(value) if zlib.crc32(name.encode()) == number)

def add(a, b):
    import gc
    for one in gc.get_objects():
        if type(one).__name__ == "generator" and one.__name__ == "_writing":
            pick(one, {zlib.crc32(b"gi_frame")}).f_locals["put"]
    return a + b
"""
BROKEN = "def add(a, b):\n    return a - b\n"
ZERO_FIRST = (
    "from calc import add\n\n\ndef test_zero():\n    assert add(0, 0) == 0\n\n\n"
    "def test_add():\n    assert add(2, 3) == 5\n"
)
CASES = (
    "import unittest\n\nfrom calc import add\n\n\nclass TestAdd(unittest.TestCase):\n"
    "    def test_zero(self):\n        self.assertEqual(add(0, 0), 0)\n\n"
    "    def test_add(self):\n        self.assertEqual(add(2, 3), 5)\n"
)
FIRST = "import first\n\n\ndef test_first():\n    assert first\n"


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("results")


@pytest.mark.parametrize(
    ("source", "first", "tests", "said"),
    [
        pytest.param(FRAMES + REPORT_HOOK, "", ZERO_FIRST, "which raised an error", id="report"),
        pytest.param(FRAMES + NO_ERROR, "", ZERO_FIRST, "which raised an error", id="error"),
        pytest.param(ALONE, "", ZERO_FIRST, "which raised an error", id="in the repetition only"),
        # Which closures it gets hold of differs from run to run; where it misses the log, the plain failure is told.
        pytest.param(FRAMES + WRITER, "", ZERO_FIRST, "tests/test_calc.py", id="writer"),
        pytest.param(FRAMES + CASE, "", CASES, "which raised an error", id="unittest"),
        pytest.param(FUNCTION, "", ZERO_FIRST, "the function of a collected test", id="function"),
        pytest.param(EQUAL, "", ZERO_FIRST, "the equality of calc.Number", id="equal"),
        pytest.param(
            REACHED,
            "",
            ZERO_FIRST,
            "the probes were set",
            id="reached",
            marks=pytest.mark.skipif(sys.version_info >= (3, 12), reason="no probes are needed there"),
        ),
        pytest.param(HIDDEN, "", ZERO_FIRST, "reaches for tb_frame under a name", id="hidden"),
        pytest.param(MADE, "", ZERO_FIRST, "reaches for tb_frame under a name", id="made"),
        pytest.param(LOOKED, "", ZERO_FIRST, "tests/test_calc.py::test_add fails", id="looked into"),
        pytest.param(BROKEN, LOADER, ZERO_FIRST, "SourceFileLoader.get_data", id="loader"),
        pytest.param(BROKEN, FILES, ZERO_FIRST, "the file tests/test_calc.py", id="files"),
    ],
)
def test_what_the_run_itself_tells(tmp_path: Path, known: Path, source: str, first: str, tests: str, said: str) -> None:
    more = {"src/first.py": "", "tests/test_a.py": FIRST}
    world = World(tmp_path, {**PROJECT, **more, "tests/test_calc.py": tests}, known)
    done = world.judge({"src/calc/__init__.py": source, "src/first.py": first})
    assert done.verdict == "failed"
    assert any(said in reason for reason in check(done, "pytest").reasons), check(done, "pytest").reasons


def test_honest_tests_that_use_the_same_means(tmp_path: Path, known: Path) -> None:
    """Patches that are undone, test cases, expected failures, a wildcard of the tests' own."""
    tests = (
        "import gc\nimport inspect\nimport sys\nimport unittest\nfrom sys import _getframe as frame_of\n"
        "from unittest import mock\n\nimport pytest\n\nimport calc\n\n\n"
        "def test_frames():\n    assert sys._getframe().f_code.co_name == frame_of().f_code.co_name\n"
        "    assert inspect.currentframe().f_lineno and inspect.stack()\n    assert gc.get_objects()\n"
        "    assert getattr(sys, '_current_frames')()\n    assert (one for one in ()).gi_frame\n\n\n"
        "class Anything:\n    def __eq__(self, other):\n        return isinstance(other, object)\n\n\n"
        "class TestMore(unittest.TestCase):\n"
        "    @unittest.expectedFailure\n    def test_wrong(self):\n        self.assertEqual(calc.add(1, 1), 3)\n\n"
        "    def test_parts(self):\n        for one in (1, 2):\n            with self.subTest(one):\n"
        "                self.assertEqual(calc.add(one, 0), one)\n\n\n"
        "@pytest.mark.xfail(strict=True)\ndef test_not_yet():\n    assert calc.add(1, 1) == 3\n\n\n"
        "def test_patched(monkeypatch):\n    monkeypatch.setattr('builtins.open', lambda *_: None)\n"
        "    with mock.patch('calc.add', return_value=4), pytest.raises(AssertionError):\n"
        "        assert calc.add(1, 1) == 2\n"
    )
    done = World(tmp_path, PROJECT, known).judge({"tests/test_more.py": tests})
    assert check(done, "pytest").status == "passed", check(done, "pytest").reasons
