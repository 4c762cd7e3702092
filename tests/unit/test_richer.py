"""Functions that give more than they did, as they are written down and when they are run."""

from __future__ import annotations

import asyncio
import textwrap

import pytest

from claude_orchestrator.graders.suite.idle import idle_functions
from claude_orchestrator.graders.suite.richer import enriched, may_be_richer


def richer(code: str, name: str = "f") -> dict[str, object]:
    """The names that the code defines, once its function gives more."""
    content = textwrap.dedent(code).encode()
    line = next(n for n, text in enumerate(content.decode().splitlines(), 1) if f"def {name}(" in text)
    found = may_be_richer(idle_functions("a.py", content, {(name, line)}), {name}, [b"assert f()"])
    space: dict[str, object] = {}
    exec(compile(enriched(content, found), "a.py", "exec"), space)
    return space


@pytest.mark.parametrize(
    ("code", "given"),
    [
        ("def f(): return 'a'", "a Qz7"),
        ("def f():\n  if 0: return ''\n  return ('a'\n    'b')", "ab Qz7"),
        ("def f():\n  é = 'é'; return f'{é}'", "é Qz7"),
        ("def f(): return [1]", [1, 70001]),
        ("def f(): return [[one] for one in 'ab']", [["a", 70001], ["b", 70001]]),
        ("def f(): return 1, 2", (1, 2, 70001)),
        ("def f(): return {'a': 1}", {"a": 1, "Qz7": 70001}),
        ("def f():\n  def g(): return 'b'\n  return g() + 'a'", "ba Qz7"),
        ("def f(): return 3", 3),
        ("def f(): return object", object),
    ],
)
def test_what_is_given(code: str, given: object) -> None:
    function = richer(code)["f"]
    assert callable(function)
    assert function() == given


def test_what_is_awaited() -> None:
    code = "async def g(): return 'a'\n\nasync def f() -> str:\n    return await g()\n"
    function = richer(code)["f"]
    assert callable(function)
    assert asyncio.run(function()) == "a Qz7"


def test_another_kind_than_seems_is_no_answer() -> None:
    function = richer("def f(a=None) -> str:\n    return a\n")["f"]
    assert callable(function)
    with pytest.raises(TypeError):
        function()


def test_what_tests_do_not_call_and_what_is_for_people_is_left_alone() -> None:
    content = b"class A:\n    def __repr__(self):\n        return 'a'\n    def f(self):\n        return 'a'\n"
    functions = idle_functions("a.py", content, {("A.__repr__", 2), ("A.f", 4)})
    names = {"A.__repr__", "A.f"}
    assert [one.name for one in may_be_richer(functions, names, [b"a.f() == repr(a)"])] == ["A.f"]
    assert may_be_richer(functions, {"A.__repr__"}, [b"a.f() == a.__repr__()"]) == []
    assert may_be_richer(functions, names, [b"assert a"]) == []
