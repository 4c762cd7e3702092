"""Imports that lead nowhere are found, and those that may lead somewhere are left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from semantics_world import found

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.semantics.imports import import_findings

BASE = {
    "src/shop/__init__.py": "from shop.cart import Cart\n\nVERSION = '1'\n",
    "src/shop/cart.py": "import os\n\n\nclass Cart:\n    pass\n\n\ndef total(items):\n    return sum(items)\n",
    "src/shop/lazy.py": "def __getattr__(name):\n    return name\n",
    "src/shop/dynamic.py": "globals().update(a=1)\n",
    "src/shop/stars.py": "from shop.cart import *\n",
    "src/shop/native.pyx": "",
    "src/shop/sub/__init__.py": "",
    "src/shop/sub/deep.py": "from ..cart import total\n\nX = 1\n",
    "tests/test_cart.py": "from shop.cart import Cart, total\n\n\ndef test_total():\n    assert total([1]) == 1\n",
    "tests/helpers.py": "def make():\n    return 1\n",
    "pyproject.toml": '[project]\nname = "shop"\ndependencies = ["requests>=2", "PyYAML"]\n',
}


def said(changed: dict[str, str | None], *folders: str) -> list[Finding]:
    return found(import_findings, BASE, changed, *folders)


LIES = [
    ("import reqests_toolbelt_x\n", "there is no 'reqests_toolbelt_x'"),
    ("def f():\n    import fastjson2\n    return fastjson2\n", "there is no 'fastjson2'"),
    ("from supercache import memoize\n", "there is no 'supercache'"),
    ("import json.fast\n", "no module 'json.fast'"),
    ("from json import lods\n", "did you mean 'loads'"),
    ("from os.path import joinn\n", "'joinn' of 'os.path'"),
    ("import os\nos.getcwdd()\n", "'getcwdd' of 'os'"),
    ("import os\nos.path.joinn('a')\n", "'joinn' of 'os.path'"),
    ("import math\nmath.sqroot(2)\n", "'sqroot' of 'math'"),
    ("import time as t\nt.sleeps(1)\n", "'sleeps' of 'time'"),
    ("from collections import OrderdDict\n", "did you mean 'OrderedDict'"),
    ("import asyncio\nasyncio.run_all([])\n", "'run_all' of 'asyncio'"),
    ("from shop.cart import Basket\n", "'Basket' of 'shop.cart'"),
    ("from shop.carts import Cart\n", "no module 'shop.carts' (did you mean 'cart'?)"),
    ("from .carts import Cart\n", "no module '.carts'"),
    ("from . import carts\n", "'carts' of '.'"),
    ("from .cart import totals\n", "did you mean 'total'"),
    ("from ..cart import total\n", "no module '..cart'"),
    ("import shop.cart\nshop.cart.grand_total()\n", "'grand_total' of 'shop.cart'"),
    ("from shop import cart\ncart.grand_total()\n", "'grand_total' of 'shop.cart'"),
    ("from shop.stars import nothing\n", "'nothing' of 'shop.stars'"),
    ("from shop.sub.deep import Y\n", "'Y' of 'shop.sub.deep'"),
    ("import urllib.requests\n", "did you mean 'request'"),
    ("from typing import Lisst\n", "'Lisst' of 'typing'"),
]


@pytest.mark.parametrize(("code", "message"), LIES)
def test_what_is_not_there_is_a_problem(code: str, message: str) -> None:
    (finding,) = said({"src/shop/new.py": code})
    assert finding.severity == "problem"
    assert message in finding.message


HONEST = [
    "import json, os.path, math, sys, _thread, winreg\n",
    "from shop import Cart, VERSION, cart, native\n",
    "from shop.lazy import whatever\nfrom shop.dynamic import anything\n",
    "from shop.stars import Cart, total\n",
    "from . import cart\nfrom .cart import Cart\nfrom .sub import deep\nfrom .sub.deep import X\n",
    "import shop.sub.deep\nshop.sub.deep.X\nshop.cart.total\nshop.VERSION\n",
    "try:\n    import ujson as json\nexcept ImportError:\n    import json\n",
    "try:\n    from shop.fast import f\nexcept ModuleNotFoundError:\n    f = None\n",
    "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from _typeshed_extra import StrPath\n",
    "import sys\nif sys.version_info >= (3, 99):\n    import newlib\nelse:\n    import json as newlib\n",
    "import sys\nPY_3_99_PLUS = sys.version_info >= (3, 99)\nif PY_3_99_PLUS:\n    import newlib\n",
    "PY399 = False\nif not PY399:\n    import oldlib\n",
    "import sys\nif sys.platform == 'win32':\n    import pythoncom_x\n",
    "import importlib.util\nif importlib.util.find_spec('torch_x'):\n    import torch_x\n",
    "import contextlib\nwith contextlib.suppress(ImportError):\n    import readline_x\n",
    "HAS_NUMPY = False\nif HAS_NUMPY:\n    import numpy_x\n",
    "import signal, os\nsignal.CTRL_C_EVENT\nos.startfile\nos.O_BINARY\nos.fork\n",
    "import asyncio\nasyncio.WindowsSelectorEventLoopPolicy\nasyncio.TaskGroup\nasyncio.subprocess.PIPE\n",
    "import os\nif hasattr(os, 'pidfd_open2'):\n    os.pidfd_open2(1)\n",
    "import logging\nlogging.TRACE = 5\nlogging.TRACE\nlogging.handlers\n",
    "import os\ndef f(os):\n    return os.nothing\n",
    "json = 1\nimport json\njson.nothing\n",
    (
        "import xml.etree.ElementTree as ET\nET.fromstring\n"
        "import concurrent.futures\nconcurrent.futures.ThreadPoolExecutor\n"
    ),
    "import email.mime.text\nemail.mime.text.MIMEText\nfrom unittest import mock\nmock.patch\n",
    "from __future__ import annotations\nfrom shop.cart import __doc__\n",
    "import socket, ssl, select, errno, curses\nsocket.AF_UNIX\nselect.kqueue\nerrno.ENOENT\nssl.SSLContext\n",
    (
        "from collections.abc import Mapping\nfrom multiprocessing import Pool, Queue\n"
        "import multiprocessing\nmultiprocessing.Pool\n"
    ),
    "import re\nre.NOFLAG\nre.Pattern\nimport enum\nenum.StrEnum\nimport string\nstring.ascii_letters\n",
    "from __future__ import annotations\nimport re\n\n\ndef f(x: re.RegexObject) -> re.RegexObject: ...\n",
    "import re\n\n\ndef f(self):\n    self.found: re.RegexObject | None = None\n",
    "import pytest_x_missing  # never\n".replace("import pytest_x_missing", "pass"),
    "import shop._version\n".replace("shop._version", "shop"),
    "from ._version import version\n",
    "from .thing_pb2 import Message\n",
    "this does not parse(\n",
]


@pytest.mark.parametrize("code", HONEST)
def test_what_may_be_there_is_left_alone(code: str) -> None:
    assert said({"src/shop/new.py": code}) == []


def test_a_package_that_the_project_declares_is_only_noted() -> None:
    findings = said({"src/shop/new.py": "import requests\nimport yaml\n"})
    assert {finding.severity for finding in findings} == {"note"}


def test_a_package_that_the_change_declares_and_nobody_installed_is_for_a_human() -> None:
    declares = '[project]\nname = "shop"\ndependencies = ["requests>=2", "PyYAML", "httpx"]\n'
    (finding,) = said({"src/shop/new.py": "import httpx\n", "pyproject.toml": declares})
    assert (finding.severity, "declares it" in finding.message) == ("review", True)


def test_names_of_installed_packages_are_read(tmp_path: Path) -> None:
    (tmp_path / "lib" / "sub").mkdir(parents=True)
    (tmp_path / "lib" / "__init__.py").write_text(
        "raise SystemExit\nfrom lib.sub import thing as other\ndef go(): ...\n"
    )
    (tmp_path / "lib" / "sub" / "__init__.py").write_text("thing = 1\n")
    (tmp_path / "fast.cpython-311-x86_64-linux-gnu.so").write_bytes(b"")
    good = "from lib import go, other, sub\nfrom lib.sub import thing\nimport fast\nfast.anything\nfrom fast import x\n"
    assert said({"src/shop/new.py": good}, str(tmp_path)) == []
    bad = "from lib import gone\nimport lib.subs\nimport lib\nlib.sub.things\n"
    assert {finding.severity for finding in said({"src/shop/new.py": bad}, str(tmp_path))} == {"problem"}
    assert len(said({"src/shop/new.py": bad}, str(tmp_path))) == 3


REMOVALS: list[tuple[dict[str, str | None], set[str]]] = [
    ({"src/shop/cart.py": BASE["src/shop/cart.py"].replace("total", "amount")},
     {"tests/test_cart.py", "src/shop/sub/deep.py"}),
    ({"src/shop/cart.py": None, "src/shop/basket.py": BASE["src/shop/cart.py"]},
     {"tests/test_cart.py", "src/shop/sub/deep.py", "src/shop/__init__.py", "src/shop/stars.py"}),
    ({"src/shop/cart.py": "def total(items):\n    return 0\n"}, {"tests/test_cart.py", "src/shop/__init__.py"}),
]  # fmt: skip


@pytest.mark.parametrize(("changed", "broken"), REMOVALS)
def test_what_unchanged_files_still_import_is_missed(changed: dict[str, str | None], broken: set[str]) -> None:
    findings = said(changed)
    assert {finding.path for finding in findings} == broken
    assert {finding.severity for finding in findings} == {"problem"}


def test_a_rename_that_is_carried_through_is_fine() -> None:
    changed: dict[str, str | None] = {
        path: content.replace("total", "amount") for path, content in BASE.items() if "total" in content
    }
    assert said(changed) == []


def test_what_is_moved_and_still_offered_is_fine() -> None:
    moved = "import os\n\nfrom shop.sums import total\n\n\nclass Cart:\n    pass\n"
    assert said({"src/shop/cart.py": moved, "src/shop/sums.py": "def total(items):\n    return 0\n"}) == []


def test_an_unused_import_that_is_removed_breaks_nobody() -> None:
    assert said({"src/shop/cart.py": BASE["src/shop/cart.py"].replace("import os\n", "")}) == []


def test_what_the_base_lacks_as_well_is_not_new() -> None:
    base = {**BASE, "src/shop/old.py": "import gone_long_ago\nfrom shop.cart import never\n"}
    changed = {"src/shop/new.py": "import gone_long_ago\n", "src/shop/old.py": base["src/shop/old.py"] + "x = 1\n"}
    assert [found for found in found(import_findings, base, changed) if found.severity != "note"] == []


@pytest.mark.parametrize("path", ["docs/conf.py", "noxfile.py", "setup.py"])
def test_files_of_another_environment_are_noted(path: str) -> None:
    assert [finding.severity for finding in said({path: "import sphinx_x\n"})] == ["note"]


@pytest.mark.parametrize("path", ["tests/data/sample.py", "src/shop/_vendor/x.py", "src/{{cookiecutter.name}}/x.py"])
def test_code_that_is_data_is_not_looked_at(path: str) -> None:
    assert said({path: "import nothing_of_the_kind\n"}) == []


def test_tests_import_what_lies_beside_them() -> None:
    assert said({"tests/test_more.py": "import helpers\nfrom helpers import make\nhelpers.make()\n"}) == []
    (finding,) = said({"tests/test_more.py": "from helpers import made\n"})
    assert finding.severity == "problem"


def test_a_module_that_a_build_step_makes_is_not_missed() -> None:
    base = {**BASE, ".gitignore": "src/shop/generated.py\n"}
    assert found(import_findings, base, {"src/shop/new.py": "from shop.generated import X\n"}) == []
