# ruff: noqa: E501 - each case is read as a whole
"""Calls that cannot work are found, and those that may work are left alone."""

from __future__ import annotations

import pytest
from semantics_world import found

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.semantics.calls import call_findings

BASE = {
    "shop/__init__.py": "from shop.cart import total\n",
    "shop/cart.py": (
        "from dataclasses import dataclass, field\nimport functools\n\n\n"
        "def total(items, tax=0, *, rounded=False):\n    return sum(items)\n\n\n"
        "def any_of(*items, **more):\n    return items\n\n\n"
        "def only(a, /, b):\n    return a\n\n\n"
        "@functools.lru_cache(maxsize=None)\ndef cached(key):\n    return key\n\n\n"
        "@unknown\ndef decorated(a):\n    return a\n\n\n"
        "@dataclass\nclass Item:\n    name: str\n    price: int = 0\n    tags: list = field(default_factory=list)\n"
        "    seen: int = field(init=False, default=0)\n\n\n"
        "@dataclass(kw_only=True)\nclass Offer(Item):\n    until: str\n\n\n"
        "class Cart:\n    def __init__(self, owner, *, limit=10):\n        self.owner = owner\n\n"
        "    def add(self, item, count=1):\n        return self._put(item, count)\n\n"
        "    def _put(self, item, count):\n        return item\n\n"
        "    def hook(self, event):\n        raise NotImplementedError\n\n\n"
        "class Big(Cart):\n    pass\n\n\nclass Odd(Unknown):\n    def __init__(self):\n        pass\n"
    ),
    "tests/test_cart.py": "from shop.cart import total\n\n\ndef test_total():\n    assert total([1], tax=2) == 1\n",
}


def said(changed: dict[str, str | None]) -> list[Finding]:
    return found(call_findings, BASE, changed)


LIES = [
    ("import json\njson.dumps([1], pretty=True)\n", "has no argument 'pretty'"),
    ("from json import loads\nloads('1', encoding='utf-8')\n", "has no argument 'encoding'"),
    ("import os\nos.path.basename('a.txt', '.txt')\n", "takes 1 positional arguments, and is given 2"),
    ("from shop.cart import total\ntotal([1], taxes=2)\n", "did you mean 'tax'"),
    ("from shop.cart import total\ntotal([1], 2, True)\n", "takes 2 positional arguments, and is given 3"),
    ("from shop.cart import total\ntotal()\n", "needs 'items'"),
    ("print(sorted([3, 1], by=len))\n", "has no argument 'by'"),
    ("class Box:\n    @classmethod\n    def of(cls, text):\n        return cls()\n\nBox.of('x', strict=True)\n", "has no argument 'strict'"),
    ("from shop.cart import total\ntotal([1], items=[2])\n", "gets 'items' twice"),
    ("from shop import total\ntotal([1], round=True)\n", "no argument 'round'"),
    ("import shop.cart\nshop.cart.total([1], precision=2)\n", "no argument 'precision'"),
    ("from shop import cart\ncart.total([1], precision=2)\n", "no argument 'precision'"),
    ("from . import cart as c\nc.total([1], precision=2)\n", "no argument 'precision'"),
    ("from .cart import only\nonly(a=1, b=2)\n", "no argument 'a'"),
    ("from .cart import cached\ncached('x', ttl=3)\n", "no argument 'ttl'"),
    ("from .cart import Item\nItem('x', cost=1)\n", "no argument 'cost'"),
    ("from .cart import Item\nItem('x', seen=1)\n", "no argument 'seen'"),
    ("from .cart import Item\nItem()\n", "needs 'name'"),
    ("from .cart import Offer\nOffer('x')\n", "needs 'until'"),
    ("from .cart import Cart\nCart('me', 5)\n", "takes 1 positional arguments, and is given 2"),
    ("from .cart import Big\nBig(owner='me', size=5)\n", "no argument 'size'"),
    ("def f(a):\n    return a\n\n\nf(1, 2)\n", "takes 1 positional"),
    ("class Box:\n    def of(self):\n        return Box.from_bytes(b'x')\n", "which is not there"),
    ("class Base:\n    pass\n\n\nclass Box(Base):\n    pass\n\n\nBox.parse('x')\n", "which is not there"),
    (
        (
            "class A:\n    def go(self, x):\n        return x\n\n"
            "    def run(self):\n        return self.go(1, fast=True)\n"
        ),
        "no argument 'fast'",
    ),
    (
        (
            "class A:\n    @staticmethod\n    def go(x):\n        return x\n"
            "\n    def run(self):\n        return self.go(1, 2)\n"
        ),
        "takes 1 positional",
    ),
    ("import textwrap\ntextwrap.dedent('x', tabsize=4)\n", "no argument 'tabsize'"),
    ("from shutil import copyfile\ncopyfile('a', 'b', overwrite=True)\n", "no argument 'overwrite'"),
    ("async def f(a):\n    return a\n\n\nasync def g():\n    await f(b=1)\n", "no argument 'b'"),
]  # fmt: skip


@pytest.mark.parametrize(("code", "message"), LIES)
def test_a_call_that_cannot_work_is_a_problem(code: str, message: str) -> None:
    (finding,) = said({"shop/new.py": code})
    assert finding.severity == "problem"
    assert message in finding.message


HONEST = [
    "import json\njson.dumps([1], indent=2, sort_keys=True)\njson.loads('1', strict=False)\n",
    "import json\njson.dumps([1], cls=Other, pretty=True)\njson.dumps([1], **more)\n",
    "import os.path\nos.path.basename('a.txt')\nos.path.join('a', 'b', 'c')\n",
    "def sorted(items, by):\n    return items\n\nsorted([1], by=len)\n",
    "def show(print):\n    print(colour='red')\n",
    "print('a', 'b', end='', flush=True)\nmax(1, 2, key=abs)\nsum([[1]], start=[])\nenumerate([1], start=2)\n",
    "class Box:\n    def of(self, text):\n        return text\n\nBox.of(Box(), text='x')\n",
    (
        "from shop.cart import total\ntotal([1])\ntotal([1], 2, rounded=True)\n"
        "total(items=[1], tax=1)\ntotal(*[[1], 2, 3])\n"
    ),
    "from shop.cart import total\noptions = {}\ntotal(**options)\ntotal([1], **options)\n",
    "from shop.cart import any_of\nany_of(1, 2, 3, a=1)\n",
    "from shop.cart import decorated\ndecorated(1, 2, 3)\n",
    "from shop.cart import Item, Offer\nItem('x', 1, [])\nItem(name='x')\nOffer('x', until='y')\n",
    "from shop.cart import Cart, Big, Odd\nCart('me', limit=2).add(1, count=2)\nBig('me')\nOdd(1, 2, 3)\n",
    "import pytest\nfrom shop.cart import total\nwith pytest.raises(TypeError):\n    total(1, 2, 3, 4)\n",
    "import pytest\nfrom shop.cart import total\npytest.raises(TypeError, total, 1, 2, 3, 4)\n",
    "from shop.cart import total\ntry:\n    total(1, 2, 3, 4)\nexcept TypeError:\n    pass\n",
    "from shop.cart import total\ntotal = print\ntotal(1, 2, 3, 4)\n",
    "from shop.cart import total\n\n\ndef f(total):\n    return total(1, 2, 3, 4)\n",
    (
        "try:\n    from shop.cart import total\nexcept ImportError:\n"
        "    def total(*a):\n        return a\ntotal(1, 2, 3, 4)\n"
    ),
    "if 1:\n    def f(a):\n        return a\nelse:\n    def f(a, b):\n        return a\nf(1, 2)\n",
    (
        "from typing import overload\n@overload\ndef f(a): ...\n"
        "@overload\ndef f(a, b): ...\ndef f(*a):\n    return a\nf(1, 2)\n"
    ),
    "from shop.cart import Cart\nclass Sub(Cart):\n    def run(self):\n        return self.hook(1, 2), self.add(1)\n",
    (
        "class A:\n    def hook(self, event):\n        raise NotImplementedError\n"
        "\n    def run(self):\n        return self.hook(1, 2)\n"
    ),
    "class A:\n    go = print\n\n    def run(self):\n        return self.go(1, 2)\n",
    (
        "class A:\n    def __init__(self):\n        self.go = print\n\n"
        "    def go(self):\n        pass\n\n    def run(self):\n        self.go(1, 2)\n"
    ),
    "class M(type):\n    def __call__(cls, *a):\n        return a\n\n\nclass A(metaclass=M):\n    pass\n\n\nA(1, 2)\n",
    "class A:\n    def __new__(cls, *a):\n        return a\n\n\nA(1, 2)\n",
    "from typing import NamedTuple\nclass P(NamedTuple):\n    x: int\n\n\nP(1)\nP(x=1)\n",
    "from pydantic import BaseModel\nclass P(BaseModel):\n    x: int\n\n\nP(x=1, y=2)\n",
    "class E(Exception):\n    pass\n\n\nE('a', 'b')\n",
    (
        "import json, os, re\njson.dumps({}, indent=1)\n"
        "os.makedirs('x', exist_ok=True)\nre.sub('a', 'b', 'c', flags=re.I)\n"
    ),
    "from functools import partial\nfrom shop.cart import total\npartial(total, tax=1)([1])\n",
    (
        "from dataclasses import dataclass, KW_ONLY, InitVar\n@dataclass\nclass A:\n    x: int\n"
        "    _: KW_ONLY\n    y: int = 0\n    z: InitVar[int] = 0\n\n\nA(1, y=2, z=3)\n"
    ),
]  # fmt: skip


@pytest.mark.parametrize("code", HONEST)
def test_a_call_that_may_work_is_left_alone(code: str) -> None:
    assert said({"shop/new.py": code}) == []


def test_callers_that_a_changed_signature_breaks_are_found() -> None:
    changed = BASE["shop/cart.py"].replace("def total(items, tax=0, *,", "def total(items, *, duty=0,")
    (finding,) = said({"shop/cart.py": changed})
    assert (finding.path, finding.severity) == ("tests/test_cart.py", "problem")
    assert "'tax'" in finding.message


def test_a_signature_that_only_grows_breaks_nobody() -> None:
    assert said({"shop/cart.py": BASE["shop/cart.py"].replace("tax=0, *,", "tax=0, currency='EUR', *,")}) == []


def test_a_call_that_was_wrong_before_is_not_new() -> None:
    base = {**BASE, "shop/old.py": "from shop.cart import total\n\n\ndef f():\n    return total([1], nothing=1)\n"}
    assert found(call_findings, base, {"shop/old.py": f"import os\n{base['shop/old.py']}"}) == []


@pytest.mark.parametrize(
    "code",
    [
        "class Box:\n    def of(self):\n        return Box.parse('x')\n\n    @classmethod\n    def parse(cls, text):\n        return cls()\n",
        "class Box(Unknown):\n    pass\n\n\nBox.parse('x')\n",
        "class Box(metaclass=Maker):\n    pass\n\n\nBox.parse('x')\n",
        "@made\nclass Box:\n    pass\n\n\nBox.parse('x')\n",
        "class Box:\n    pass\n\n\nBox.parse = int\nBox.parse('3')\n",
        "class Box:\n    pass\n\n\nfor name in ('parse',):\n    setattr(Box, name, int)\nBox.parse('3')\n",
        "class Box:\n    parse: object\n\n\nBox.parse('3')\n",
        "class Box:\n    pass\n\n\nBox.mro()\nBox.__subclasses__()\n",
        "class Box:\n    def of(self):\n        return self.parse('x')\n",
        "class Box:\n    pass\n\n\ntry:\n    Box.parse('x')\nexcept Exception:\n    pass\n",
    ],
)
def test_members_that_a_class_has_or_may_get(code: str) -> None:
    assert said({"shop/box.py": code}) == []


@pytest.mark.parametrize(
    "code",
    [
        "class Base:\n    def __init_subclass__(cls):\n        register(cls)\n\n\nclass Box(Base):\n    pass\n\n\nBox.parse('x')\n",
        "class Box:\n    pass\n\n\nif hasattr(Box, 'parse'):\n    Box.parse('x')\n",
        "class Box:\n    pass\n\n\ntry:\n    Box.parse('x')\nexcept AttributeError:\n    pass\n",
        "class Box:\n    for name in ('parse',):\n        locals()[name] = print\n\n\nBox.parse('x')\n",
        "from unittest.mock import patch\n\n\nclass Box:\n    pass\n\n\nwith patch.object(Box, 'parse', create=True):\n    Box.parse('x')\n",
        "class Box:\n    pass\n\n\nBox.__class_getitem__(int)\n",
    ],
)
def test_a_member_that_a_class_may_be_given_is_left_alone(code: str) -> None:
    assert said({"shop/new.py": code}) == []
