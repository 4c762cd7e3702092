"""Which tests a change can reach: what is left out must not be able to see it."""

from __future__ import annotations

import time

import pytest

from claude_orchestrator.graders.suite.affected import affected

BASE = {
    "src/calc/__init__.py": "",
    "src/calc/core.py": "def add(a, b):\n    return a + b\n",
    "src/calc/text.py": "def shout(x):\n    return x.upper()\n",
    "tests/test_core.py": "from calc.core import add\n\ndef test_add():\n    assert add(1, 2) == 3\n",
    "tests/test_text.py": "from calc.text import shout\n\ndef test_shout():\n    assert shout('a') == 'A'\n",
}
TEXT, CORE = frozenset({"tests/test_text.py"}), frozenset({"tests/test_core.py"})
BOTH = TEXT | CORE


def run(more: dict[str, str | None], changed: dict[str, str | None], globally=()) -> frozenset[str] | None:
    before = {path: text for path, text in {**BASE, **more}.items() if text is not None}
    after = {path: text for path, text in {**before, **changed}.items() if text is not None}
    touched = {path for path in changed if before.get(path) != after.get(path)}
    base = {path: text.encode() for path, text in before.items() if path in touched}
    head = {path: text.encode() for path, text in after.items()}
    tests = [path for path in before if path.rpartition("/")[2].startswith("test_")]
    return affected(base, head, touched, tests, globally)


NEW_CORE = {"src/calc/core.py": "def add(a, b):\n    return b + a\n"}


def test_only_the_tests_that_import_the_changed_module() -> None:
    assert run({}, NEW_CORE) == CORE


@pytest.mark.parametrize(
    "text_module",
    [
        "from calc.core import add\n",
        "from . import core\n",
        "from .core import add\n",
        "from calc import core\n",
        "import calc.core as c\n",
        "import os, calc.core\n",
        "def f():\n    from .core import add\n",
        "if True: import calc.core\n",
        "try:\n    from .core import (  # a ) comment\n        add,\n    )\nexcept ImportError: pass\n",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from calc.core import add\n",
        "from calc \\\n  import core\n",
        "import \\\n  calc.core\n",
        "from.core import add\n",
        "from . import (\n    core,\n)\n",
        "from calc import *\n",
        "x = 1; from calc import core\n",
        "import importlib\ndef f(name):\n    return importlib.import_module(name)\n",
        "def f(name):\n    return __import__(name)\n",
        "NAMES = ['calc.core']\n",
        "NAMES = ['calc.core:add']\n",
        "NAMES = 'calc.' + 'core'\n",
        "import calc\ndef f():\n    return calc.core.add\n",
        "import subprocess\n",
        "from pathlib import Path\nx = list(Path('.').rglob('*.py'))\n",
        "SOURCE = open('src/calc/core.py').read()\n",
        "import pickle\n",
        "exec(open('x').read())\n",
        "import sys\nx = sys.modules\n",
    ],
)
def test_a_module_on_the_way_that_can_see_the_changed_one(text_module: str) -> None:
    assert run({"src/calc/text.py": text_module + BASE["src/calc/text.py"]}, NEW_CORE) == BOTH


@pytest.mark.parametrize(
    "test",
    [
        "from unittest.mock import patch\n@patch('calc.core.add')\ndef test_x(m): pass\n",
        "def test_x(monkeypatch):\n    monkeypatch.setattr('calc.core.add', None)\n",
        "import pytest\ncore = pytest.importorskip('calc.core')\n",
        "pytest_plugins = ['calc.core']\n",
        "import calc\ndef test_x():\n    calc.core.add(1, 2)\n",
        "import sys, subprocess\ndef test_x():\n    subprocess.run([sys.executable, '-m', 'calc'])\n",
    ],
)
def test_a_test_that_can_see_the_changed_module(test: str) -> None:
    assert run({"tests/test_text.py": test}, NEW_CORE) == BOTH


@pytest.mark.parametrize(
    "harmless",
    [
        "import logging\nlog = logging.getLogger('calc')\n",
        "from importlib.metadata import version\n__version__ = version('calc')\n",
        "import re\nx = re.compile('a')\n",
        "import json, os.path, typing\n",
    ],
)
def test_what_leads_nowhere(harmless: str) -> None:
    assert run({"src/calc/text.py": harmless + BASE["src/calc/text.py"]}, NEW_CORE) == CORE


def test_the_packages_around_a_module_are_on_the_way() -> None:
    assert run({}, {"src/calc/__init__.py": "VERSION = 1\n"}) == BOTH


def test_re_exports_of_a_package() -> None:
    assert run({"src/calc/__init__.py": "from .core import add\n"}, NEW_CORE) == BOTH


def test_conftest_on_the_way() -> None:
    assert run({"tests/conftest.py": "from calc.core import add\n"}, NEW_CORE) == BOTH


def test_a_conftest_next_door_is_not_on_the_way() -> None:
    more = {"tests/a/conftest.py": "from calc.core import add\n", "tests/a/test_a.py": "def test_a(): pass\n"}
    assert run(more, NEW_CORE) == CORE | {"tests/a/test_a.py"}


def test_a_plugin_named_by_the_configuration() -> None:
    assert run({}, NEW_CORE, globally=["calc.core"]) == BOTH


def test_a_helper_beside_the_tests() -> None:
    more = {"tests/helpers.py": "X = 1\n", "tests/test_text.py": "from helpers import X\n" + BASE["tests/test_text.py"]}
    assert run(more, {"tests/helpers.py": "X = 2\n"}) == TEXT


def test_a_touched_test_is_affected() -> None:
    assert run({}, {"tests/test_text.py": "def test_x(): pass\n"}) == TEXT


def test_a_new_module_that_takes_the_place_of_another() -> None:
    more = {"src/calc/text.py": "import json\n" + BASE["src/calc/text.py"]}
    assert run(more, {"src/json.py": "def loads(x): return 1\n"}) == TEXT


def test_a_module_that_is_gone() -> None:
    assert run({}, {"src/calc/core.py": None}) == CORE


def test_a_module_that_moved() -> None:
    assert run({}, {"src/calc/core.py": None, "src/calc/kernel.py": BASE["src/calc/core.py"]}) == CORE


def test_a_namespace_package() -> None:
    assert run({"src/calc/__init__.py": None}, NEW_CORE) == CORE


def test_the_search_path_moved_by_a_test() -> None:
    more = {"tests/test_text.py": "import sys\nsys.path.insert(0, 'src/calc')\nimport core\ndef test_x(): pass\n"}
    assert run(more, NEW_CORE) == BOTH


@pytest.mark.parametrize("path", ["data.json", "src/calc/data.md", "tests/golden.txt", "requirements.txt", "Makefile"])
def test_other_files_prove_nothing(path: str) -> None:
    assert run({}, {path: "x"}) is None


def test_documentation_reaches_nobody() -> None:
    assert run({}, {"docs/guide.md": "x", "README.rst": "y", "LICENSE": "z"}) == frozenset()


def test_documentation_that_a_test_reads() -> None:
    more = {"tests/test_text.py": "def test_x():\n    assert open('README.md').read()\n"}
    assert run(more, {"README.md": "x"}) == TEXT


def test_a_file_that_does_not_parse() -> None:
    assert run({}, {"src/calc/core.py": "def add(:\n"}) is None


@pytest.mark.parametrize(
    "code",
    [
        "import os\nos.environ['X'] = '1'\n",
        "import json\njson.loads = None\n",
        "import builtins\nsetattr(builtins, 'len', None)\n",
        "import random\nrandom.seed(1)\n",
        "def f():\n    import decimal\n    decimal.getcontext().prec = 3\n",
    ],
)
def test_code_that_changes_what_everybody_shares(code: str) -> None:
    assert run({}, {"src/calc/core.py": code}) is None


def test_code_that_did_so_before() -> None:
    before = "import os\nos.environ['X'] = '1'\n"
    assert run({"src/calc/core.py": before}, {"src/calc/core.py": before + "def add(a, b): return 1\n"}) == CORE


def test_code_that_registers_itself_elsewhere() -> None:
    more = {"src/calc/registry.py": "ALL = []\n", "tests/test_text.py": "from calc.registry import ALL\n"}
    core = "from calc.registry import ALL\nALL.append(1)\n"
    assert run(more, {"src/calc/core.py": core}) == BOTH


def test_hooks_of_collection_prove_nothing() -> None:
    assert run({"tests/conftest.py": "def pytest_collection_modifyitems(items): pass\n"}, NEW_CORE) is None


def test_three_hundred_files_are_quick() -> None:
    body = "\n".join(f"def f{i}(x):\n    'Some words.'\n    return x + {i}\n" for i in range(80))
    more = {f"src/calc/m{i}.py": f"import os\nfrom calc import m{i - 1}\n# {i}\n{body}" for i in range(1, 300)}
    more["src/calc/m0.py"] = body
    base = {path: text.encode() for path, text in {**BASE, **more}.items()}
    head = {**base, "src/calc/core.py": b"X = 1\n"}
    times = []
    for _ in range(3):
        started = time.perf_counter()
        assert affected({}, head, {"src/calc/core.py"}, BOTH) == CORE
        times.append(time.perf_counter() - started)
    assert min(times) < 5
