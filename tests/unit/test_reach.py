"""Which lines a change has to have run, and whether the tracer sees them run."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from claude_orchestrator.graders.suite import reach
from claude_orchestrator.graders.suite.behaviour import changed_units

PLUGIN = Path(reach.__file__).parent / "plugin"
BEFORE = '''
import os
LIMIT = 10

def total(items, factor=1):
    """Sum."""
    result = 0
    for item in items:
        result += item * factor
    return result

def first(items):
    if not items:
        return None
    return items[0]

class Box:
    size = 3
    def __init__(self, items):
        self.items = items
    def all(self):
        return list(self.items)
'''


def lines(after: str, before: str = BEFORE, *, more_before=None, more_after=None, old_names=None) -> list[str]:
    """The source lines that have to be run."""
    base = {"a.py": before.encode(), **{path: text.encode() for path, text in (more_before or {}).items()}}
    head = {"a.py": after.encode(), **{path: text.encode() for path, text in (more_after or {}).items()}}
    units = changed_units(base, head, old_names or {})
    assert units is not None
    found = []
    for unit in units:
        text = head[unit.path].decode().splitlines()
        found += [text[first - 1].strip() for first, _ in unit.statements]
    return found


def test_nothing_changed() -> None:
    assert lines(BEFORE) == []


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("result", "total_so_far"),
        ('"""Sum."""', '"""Another docstring\n    of two lines."""'),
        ("def total(items, factor=1):", "def total(items: list[int], factor: int = 1) -> int:"),
        ("import os\n", "import sys\nimport os\n"),
        ("    result = 0\n", "    result: int = 0\n"),
        ("    for item in items:", "    # a comment\n\n    for item in (items):"),
        ("def first", "def head"),
        ("class Box", "class Crate"),
        ("LIMIT = 10", "MAXIMUM = 10"),
        ("self.items", "self._items"),
        ("LIMIT = 10", "LIMIT: int = 10\n__all__ = ['total']"),
        ("return list(self.items)", "return list(\n            self.items\n        )"),
        ("import os\n", "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from b import c\n    X = 1\n"),
        ("import os\n", "try:\n    import tomllib\nexcept ImportError:\n    tomllib = None\n"),
        ("class Box", "class Api(Protocol):\n    def call(self) -> int: ...\n\n\nclass Box"),
        ("class Box", "class Api:\n    def call(self):\n        raise NotImplementedError\n\n\nclass Box"),
        ("class Box", "class Api(ABC):\n    @abstractmethod\n    def call(self):\n        return 1\n\n\nclass Box"),
        ("class Box", "@overload\ndef f(x: int) -> int: ...\n\n\nclass Box"),
        ("import os\n", "import os\n\nif __name__ == '__main__':\n    print(1)\n"),
        ("import os\n", "import os\nimport sys\nif sys.platform == 'win32':\n    X = 1\nelse:\n    X = 2\n"),
        ("import os\n", "import os\n__version__ = '2'\n"),
        ("LIMIT = 10", "LIMIT = 10\nT_co = typing.TypeVar('T_co', covariant=True)"),
    ],
)
def test_what_does_not_change_behaviour(old: str, new: str) -> None:
    assert lines(BEFORE.replace(old, new)) == []


def test_a_renamed_function_and_its_callers() -> None:
    before = "def one():\n    return 1\n\ndef two():\n    return one() + one()\n"
    assert lines(before.replace("one", "unit"), before) == []


def test_methods_in_another_order() -> None:
    head, tail = BEFORE.split("class Box")
    assert lines("class Box" + tail + head) == []


def test_functions_moved_to_another_file() -> None:
    start = BEFORE.index("def first")
    end = BEFORE.index("class Box")
    rest = BEFORE[:start] + "from b import first\n" + BEFORE[end:]
    assert lines(rest, more_after={"b.py": BEFORE[start:end]}) == []


def test_a_renamed_file() -> None:
    units = changed_units({"old.py": BEFORE.encode()}, {"new.py": BEFORE.encode()}, {"new.py": "old.py"})
    assert units == []


def test_a_function_taken_out_of_another() -> None:
    after = BEFORE.replace(
        "    result = 0\n    for item in items:\n        result += item * factor\n    return result\n",
        "    return _sum(items, factor)\n\ndef _sum(items, factor):\n"
        "    result = 0\n    for item in items:\n        result += item * factor\n    return result\n",
    )
    assert lines(after) == ["return _sum(items, factor)"]


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("item * factor", "item + factor", ["result += item + factor"]),
        ("result = 0\n", "result = 0\n    start = 1\n", ["start = 1"]),
        ("if not items:", "if items is None:", ["if items is None:"]),
        ("return items[0]", "if items:\n        return 1\n    return 2", ["if items:", "return 1", "return 2"]),
        ("LIMIT = 10", "LIMIT = 11", ["LIMIT = 11"]),
        ("size = 3", "size = 4", ["size = 4"]),
        ("    result = 0\n", "", ["for item in items:"]),
        ("factor=1", "factor=2", ["result = 0"]),
        ("class Box", "def new(x):\n    y = x\n    return y\n\n\nclass Box", ["y = x", "return y"]),
        ("return None", "raise ValueError('x')", ["raise ValueError('x')"]),
        ("result += item * factor", "factor += item * result", ["factor += item * result"]),
        ("return items[0]", "return items[\n        1\n    ]", ["return items["]),
        ("return items[0]", "x = 1  # pragma: no cover\n    return items[0]", ["x = 1  # pragma: no cover"]),
    ],
)  # fmt: skip
def test_what_changes_behaviour(old: str, new: str, expected: list[str]) -> None:
    assert lines(BEFORE.replace(old, new)) == expected


WORST_CASE = """
def load(path):
    if not path:
        raise ValueError("no path")
    try:
        return read(path)
    except OSError:
        return None
"""


@pytest.mark.parametrize(
    ("old", "new", "is_aside"),
    [
        ('"no path"', '"a path is needed"', True),
        ("ValueError(", "TypeError(", True),
        ('raise ValueError("no path")', 'warnings.warn("no path")\n        raise ValueError("no path")', True),
        ("return None", 'log.error("cannot read")\n        return ""', True),
        ('raise ValueError("no path")', 'path = "default"', False),
        ('raise ValueError("no path")', "return read(DEFAULT)", False),
        ("return read(path)", "return read(path, 'rb')", False),
        ("if not path:", "if path is None:", False),
    ],
)
def test_what_is_only_for_the_worst_case_or_only_said(old: str, new: str, is_aside: bool) -> None:
    after = WORST_CASE.replace(old, new)
    units = changed_units({"a.py": WORST_CASE.encode()}, {"a.py": after.encode()}, {})
    assert units is not None
    assert [one.is_aside for one in units] == [is_aside]


def test_a_new_function_is_never_aside() -> None:
    after = WORST_CASE + '\n\ndef fail():\n    raise ValueError("no")\n'
    units = changed_units({"a.py": WORST_CASE.encode()}, {"a.py": after.encode()}, {})
    assert units is not None
    assert [(one.name, one.is_aside) for one in units] == [("fail", False)]


@pytest.mark.parametrize(
    ("body", "end"),
    [
        ("    if a:\n        return 1\n    return [\n        a]\n", (4, 5)),
        ("    if a:\n        return 1\n    raise ValueError(a)\n", None),
        ("    while a:\n        a -= 1\n", None),
        ('    """Nothing."""\n', None),
    ],
)
def test_the_end_of_a_new_function(body: str, end: tuple[int, int] | None) -> None:
    (unit,) = changed_units({"a.py": b""}, {"a.py": f"def f(a):\n{body}".encode()}, {}) or [None]
    assert (unit and unit.end) == end


def test_what_the_base_did_not_cover() -> None:
    before = "def f(x):\n    if x:  # pragma: no cover\n        return 1\n    return 2\n"
    after = before.replace("return 1", "return 3")
    assert "return 3" not in lines(after, before)


def test_what_does_not_parse() -> None:
    assert changed_units({}, {"a.py": b"def f(:\n"}, {}) is None


# -- the tracer -------------------------------------------------------------------------------------

MODULE = """
import threading
TABLE = [
    1,
]

def plain(x):
    if x:
        return 1
    else:
        return 2

def generator():
    for i in range(3):
        yield i
        i += 1

async def later():
    x = 1
    return x

def raises():
    try:
        raise ValueError
    except ValueError:
        return "caught"
    finally:
        done = 1

def loop(n):
    total = 0
    for i in range(n):
        total += i
    return total

class K:
    '''Docs.'''
    x = 1
    def method(self):
        '''Docs.'''
        return self.x
"""
PYTHONS = [
    path
    for path in [
        Path(sys.executable),
        *(Path.home() / f".pyenv/versions/{version}/bin/python" for version in ("3.8.18", "3.12.1", "3.13.0")),
    ]
    if path.exists()
]


def traced(folder: Path, script: str, wanted: list[int], python: Path = PYTHONS[0], module: str = MODULE):
    (folder / "mod.py").write_text(module)
    program = (
        f"import sys, json\nsys.dont_write_bytecode = True\nsys.path[:0] = [{str(PLUGIN)!r}, {str(folder)!r}]\n"
        f"import claude_orchestrator_reach as reach\ntracer = reach.start({str(folder)!r}, {{'mod.py': {wanted}}})\n"
        f"{textwrap.dedent(script)}\nprint(json.dumps(tracer.stop()))\n"
    )
    done = subprocess.run([python, "-c", program], capture_output=True, text=True, check=False, env=dict(os.environ))
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


ALL = list(range(1, len(MODULE.splitlines()) + 1))


def at(text: str) -> int:
    return MODULE.splitlines().index(text) + 1


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
def test_lines_that_are_run(tmp_path: Path, python: Path) -> None:
    script = """
    import mod, threading, asyncio
    mod.plain(0)
    worker = threading.Thread(target=mod.plain, args=(1,)); worker.start(); worker.join()
    list(mod.generator())
    asyncio.run(mod.later())
    mod.raises()
    """
    seen = traced(tmp_path, script, ALL, python)
    hit = set(seen["hit"]["mod.py"])
    assert seen["complete"], seen
    for text in ["        return 1", "        return 2", "        yield i", "    return x", '        return "caught"',
                 "        done = 1", "    x = 1"]:  # fmt: skip
        assert at(text) in hit, text
    for text in ["    total = 0", "        total += i", "        return self.x"]:
        assert at(text) not in hit, text


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
def test_only_what_was_asked_for(tmp_path: Path, python: Path) -> None:
    wanted = [at("        return 2")]
    assert traced(tmp_path, "import mod\nmod.plain(1)", wanted, python)["hit"] == {"mod.py": []}
    assert traced(tmp_path, "import mod\nmod.plain(0)", wanted, python)["hit"] == {"mod.py": wanted}


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
def test_results_docstrings_and_tracebacks_stay_as_they_are(tmp_path: Path, python: Path) -> None:
    script = """
    import mod, inspect, traceback
    assert mod.K.__doc__ == mod.K.method.__doc__ == 'Docs.' and mod.loop(4) == 6 and list(mod.generator()) == [0, 1, 2]
    assert inspect.getsource(mod.plain).startswith("def plain(x):")
    try:
        mod.loop(None)
    except TypeError as error:
        line = traceback.extract_tb(error.__traceback__)[-1].lineno
    assert line == %d, line
    """
    traced(tmp_path, script % at("    for i in range(n):"), ALL, python)


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
def test_a_trace_function_of_the_tests(tmp_path: Path, python: Path) -> None:
    script = "import sys, mod\nsys.settrace(lambda *a: None)\nmod.plain(0)\nsys.settrace(None)\nmod.loop(2)"
    seen = traced(tmp_path, script, ALL, python)
    assert {at("        return 2"), at("        total += i")} <= set(seen["hit"]["mod.py"])
    assert seen["complete"]


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
def test_an_exception_at_import(tmp_path: Path, python: Path) -> None:
    script = "try:\n    import mod\nexcept ZeroDivisionError:\n    pass"
    seen = traced(tmp_path, script, [1, 2, 3], python, "A = 1\nB = 1 / 0\nC = 1\n")
    assert seen["hit"]["mod.py"] == [1, 2]


@pytest.mark.parametrize("python", PYTHONS, ids=lambda path: path.parts[-3])
@pytest.mark.parametrize(
    ("script", "complete"),
    [
        ("import subprocess, sys\nsubprocess.run([sys.executable, '-c', ''])", False),
        ("import os\nos.system('true')", False),
        ("import os\nif os.fork() == 0: os._exit(0)\nos.wait()", False),
        ("import subprocess\nsubprocess.run(['git', '--version'], capture_output=True)", True),
        ("import subprocess\nsubprocess.run('true')", True),
        ("", True),
    ],
)
def test_other_processes_are_out_of_sight(tmp_path: Path, python: Path, script: str, complete: bool) -> None:
    assert traced(tmp_path, script, ALL, python)["complete"] is complete


def test_a_module_that_was_there_before(tmp_path: Path) -> None:
    module = tmp_path / "early.py"
    module.write_text("X = 1\n")
    script = f"""
    import types
    tracer.stop()
    exec(compile("X = 1", {str(module)!r}, "exec"), vars(sys.modules.setdefault("early", types.ModuleType("early"))))
    sys.modules["early"].__file__ = {str(module)!r}
    tracer = reach.start({str(tmp_path)!r}, {{"early.py": [1]}})
    """
    assert traced(tmp_path, script, ALL)["complete"] is False


def test_a_module_for_a_compiler_gets_no_probes(tmp_path: Path) -> None:
    module = "try:\n    import numba\nexcept ImportError:\n    pass\nX = 1\n"
    seen = traced(tmp_path, "import mod", [5], PYTHONS[0], module)
    assert (seen["complete"], seen["hit"]["mod.py"]) in ((False, []), (True, [5]))


def test_nothing_to_trace_changes_nothing(tmp_path: Path) -> None:
    script = """
    tracer.stop()
    import importlib.machinery, builtins
    before = importlib.machinery.SourceFileLoader.source_to_code
    names = set(dir(builtins))
    tracer = reach.start(".", {})
    assert importlib.machinery.SourceFileLoader.source_to_code is before and set(dir(builtins)) == names
    """
    assert traced(tmp_path, script, ALL)["complete"]
