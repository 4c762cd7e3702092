"""Functions without their work: what they give in its place."""

from __future__ import annotations

import ast

import pytest

from claude_orchestrator.graders.suite.behaviour import changed_units
from claude_orchestrator.graders.suite.idle import Idle, emptied, idle_functions

KINDS = {
    "a text": ("def f(x):\n    y = x.strip()\n    return y.lower()", "str"),
    "text put together": ("def f(x):\n    return f'<{x}>' + x", "str"),
    "a list": ("def f(x):\n    found = []\n    found.append(x)\n    return found", "list"),
    "a list made of something": ("def f(x):\n    return list(reduce(g, x))", "list"),
    "what it states": ("def f(x) -> Dict[str, int]:\n    return load(x)", "dict"),
    "a number or nothing": ("def f(x):\n    if x:\n        return None\n    return len(x)", "int"),
    "yes or no": ("def f(x):\n    return not x", "bool"),
    "what it got": ("def f(self, doc):\n    doc[self.part] = 1\n    return doc", "doc"),
    "itself": ("class A:\n    def f(self, x):\n        return A(x)", "self"),
    "its own kind": ("class A:\n    def f(self, x) -> 'A':\n        return self.made(x)", "self"),
    "itself, and who knows": ("def f(self, x):\n    return run(x) if x else self", "self"),
    "what another function gives": ("def g(x):\n    return [x]\n\n\ndef f(x):\n    return g(x)", "list"),
    "nothing": ("def f(x):\n    x.clear()", "nothing"),
    "one thing after another": ("def f(x):\n    for one in x:\n        yield one", "generator"),
    "an object of a class": ("def f(x):\n    return Thing(x)", "object.__new__(Thing)"),
    "who knows": ("def f(x):\n    return run(x)", "other"),
}


def idle(source: str, before: str = "") -> list[Idle]:
    units = changed_units({"a.py": before.encode()}, {"a.py": source.encode()}, {}) or []
    places = {(one.name, one.line) for one in units if one.is_function}
    return idle_functions("a.py", source.encode(), places)


@pytest.mark.parametrize(("source", "kind"), KINDS.values(), ids=KINDS.keys())
def test_the_kind_of_what_a_function_gives(source: str, kind: str) -> None:
    found = {one.name.rpartition(".")[2]: one.kind for one in idle(source + "\n")}
    assert found["f"] == kind


def test_the_work_is_gone_and_all_else_stays() -> None:
    head = 'class A:\n    @property\n    def f(self):\n        """Say it."""\n'
    source = head + '        x = """\nlong\n"""\n        return x\n'
    changed = emptied(source.encode(), idle(source)).decode()
    assert changed == head + '        return "Qz7"\n'


def test_functions_on_one_line_and_decorated_ones_inside() -> None:
    source = "def f(x): return [x]\n\n\ndef g():\n    @wraps(g)\n    def inner():\n        return 1\n    return inner\n"
    changed = emptied(source.encode(), idle(source)).decode()
    assert changed == "def f(x): return [70001]\n\n\ndef g():\n    return object()\n"
    ast.parse(changed)


def test_yes_or_no_can_be_both() -> None:
    source = "def f(x):\n    return x > 1\n"
    assert emptied(source.encode(), idle(source), truth="False").decode() == "def f(x):\n    return False\n"


def test_functions_that_are_as_they_were_keep_their_work() -> None:
    before = "def f(x):\n    return [x]\n"
    source = before + "\n\ndef g(x):\n    return {x: 1}\n"
    assert [one.name for one in idle(source, before)] == ["g"]


def test_a_function_that_only_refuses_is_known() -> None:
    assert [one.is_refusing for one in idle("def f(x):\n    if not x:\n        raise ValueError(x)\n")] == [True]


def test_what_cannot_be_written_anew_is_left_alone() -> None:
    assert idle_functions("a.py", b"def f(:\n", {("f", 1)}) == []
    assert idle_functions("a.py", b"\xef\xbb\xbfdef f():\n    return 1\n", {("f", 1)}) == []
    assert idle("class A:\n    def __new__(cls):\n        return object.__new__(cls)\n") == []


def test_a_constructor_that_only_keeps_things_stays() -> None:
    source = "class A:\n    def __init__(self, x):\n        self.x = x\n\n    def f(self):\n        return [self.x]\n"
    assert sorted(one.kind for one in idle(source)) == ["kept", "list"]
    assert emptied(source.encode(), idle(source)).decode() == source.replace("[self.x]", "[70001]")


def test_a_constructor_that_works_is_emptied() -> None:
    source = "class A:\n    def __init__(self, x):\n        self.x = x.strip()\n"
    assert emptied(source.encode(), idle(source)).decode() == source.replace("self.x = x.strip()", "return None")
