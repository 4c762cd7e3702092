"""What is written in another way and does the same is no new behaviour; what only looks so is."""

from __future__ import annotations

import textwrap

import pytest

from claude_orchestrator.graders.suite.behaviour import changed_units


def _changed(before: str, after: str) -> list[str]:
    """The names of the units that behave in another way."""
    base, head = ({"m.py": textwrap.dedent(text).encode()} for text in (before, after))
    return [unit.name for unit in changed_units(base, head, {}) or []]


def _in_function(before: str, after: str) -> list[str]:
    return _changed(
        *(f"def f(a, b, c):\n{textwrap.indent(textwrap.dedent(text), '    ')}\n" for text in (before, after))
    )


SAME = {
    "lambda": ("g = lambda x: x in a\nreturn g(b)", "def g(x): return x in a\nreturn g(b)"),
    "lambda in lines": ("g = lambda x=1: x\nreturn g", "def g(y=1):\n    return y\nreturn g"),
    "is not": ("return not a is b", "return a is not b"),
    "not in": ("return not a in b", "return a not in b"),
    "return None": ("if a: return None\nreturn b", "if a: return\nreturn b"),
    "else after return": ("if a:\n  return b\nelse:\n  return c", "if a:\n  return b\nreturn c"),
    "elif after raise": ("if a:\n  raise b\nelif c:\n  return 1", "if a:\n  raise b\nif c:\n  return 1"),
    "OSError": ("try: a()\nexcept IOError: b()", "try: a()\nexcept OSError: b()"),
    "socket.error": ("try: a()\nexcept socket.error: b()", "try: a()\nexcept OSError: b()"),
    "set": ("return set([a, b])", "return {a, b}"),
    "set comprehension": ("return set([x for x in a])", "return {x for x in a}"),
    "dict": ("return dict(), dict(x=a), list()", "return {}, {'x': a}, []"),
    "open": ("return open(a, 'r')", "return open(a)"),
    "encode": ("return a.encode('utf-8'), b.decode('utf8')", "return a.encode(), b.decode()"),
    "utcnow": ("return datetime.utcnow()", "return datetime.now(timezone.utc).replace(tzinfo=None)"),
    "utcfromtimestamp": (
        "return dt.datetime.utcfromtimestamp(a)", "return dt.datetime.fromtimestamp(a, tz=dt.UTC).replace(tzinfo=None)"
    ),
    "format": ("return '{} of {!r}: {:>3}!'.format(a, b, c)", "return f'{a} of {b!r}: {c:>3}!'"),
    "percent": ("return '%s of %r: 5%%' % (a, b)", "return f'{a} of {b!r}: 5%'"),
    "six": ("return isinstance(a, six.text_type), six.iteritems(b)", "return isinstance(a, str), b.items()"),
    "old Python": ("if PY2:\n  a()\nelse:\n  b()", "b()"),
    "old version": ("if sys.version_info >= (3, 6):\n  a()\nelse:\n  b()", "a()"),
}  # fmt: skip

OTHER = {
    "lambda": ("g = lambda x: x in a\nreturn g(b)", "def g(x): return x in b\nreturn g(b)"),
    "not equal": ("return not a == b", "return a != b"),
    "else after no return": ("if a:\n  b()\nelse:\n  return c", "if a:\n  b()\nreturn c"),
    "return None": ("if a: return None\nreturn b", "if a: return 0\nreturn b"),
    "set": ("return set(a)", "return {a}"),
    "open": ("return open(a, 'w')", "return open(a)"),
    "encode": ("return a.encode('latin-1')", "return a.encode()"),
    "an aware time": ("return datetime.utcnow()", "return datetime.now(timezone.utc)"),
    "local time": ("return datetime.utcnow()", "return datetime.now().replace(tzinfo=None)"),
    "another zone": ("return datetime.utcnow()", "return datetime.now(a).replace(tzinfo=None)"),
    "format in another order": ("return '{1} {0}'.format(a, b)", "return f'{a} {b}'"),
    "format of one twice": ("return '{} {}'.format(a(), a())", "return '{0} {0}'.format(a())"),
    "percent of a tuple, perhaps": ("return '%s' % a", "return f'{a}'"),
    "percent of another": ("return '%s %s' % (a, b)", "return f'{b} {a}'"),
    "numbered by itself and by hand": ("return '{}{}'.format(a, b)", "return '{}{1}'.format(a, b)"),
    "a conversion before a width": ("return '{:>5}'.format(a)", "return '{!s:>5}'.format(a)"),
    "a text with a null": ("return '%% %s' % (a,)", "return '\\0 %s' % (a,)"),
    "the next one of what is no iterator": ("return next(six.iteritems(a))", "return next(a.items())"),
    "the default of another parameter": ("def g(*, c=1, d): h()\nreturn g", "def g(*, c, d=1): h()\nreturn g"),
    "another place of what is spread": ("return {'k': a, **b}", "return {**a, 'k': b}"),
    "new Python": ("if PY2:\n  a()\nelse:\n  b()", "a()"),
    "a version that some have": ("if sys.version_info >= (3, 13):\n  a()\nelse:\n  b()", "a()"),
}


@pytest.mark.parametrize("name", SAME)
def test_same_behaviour_in_other_words_is_not_new(name: str) -> None:
    assert _in_function(*SAME[name]) == []


@pytest.mark.parametrize("name", OTHER)
def test_other_behaviour_in_similar_words_is_new(name: str) -> None:
    assert _in_function(*OTHER[name]) == ["f"]


def test_super_needs_no_arguments_when_they_are_its_own() -> None:
    code = "class A(B):\n    def f(self):\n        return super({}).f()\n"
    assert _changed(code.format("A, self"), code.format("")) == []
    assert _changed(code.format("B, self"), code.format("")) == ["A.f"]


def test_super_needs_its_arguments_in_a_function_within_a_method() -> None:
    code = "class A(B):\n    def f(self):\n        def g():\n            return super({}).f()\n        return g()\n"
    assert _changed(code.format("A, self"), code.format("")) == ["A.f"]
    code = "class A(B):\n    def f(self):\n        return [super({}).f() for _ in self]\n"
    assert _changed(code.format("A, self"), code.format("")) == ["A.f"]


def test_a_docstring_changes_nothing_of_a_short_function() -> None:
    for head in ("def f(a):\n", "class A:\n    def f(self, a):\n"):
        indent = "        " if "class" in head else "    "
        short, told = f"{indent}return a\n", f'{indent}"""Give it."""\n{indent}return a\n'
        assert _changed(head + short, head + told) == []
        assert _changed(head + told, head + short) == []
        assert _changed(head + short, head + told.replace("return a", "return [a]")) != []


def test_a_number_of_thousands_of_digits_is_compared_as_well() -> None:
    assert _changed(f"A = 0x{'f' * 5000}\n", f"A = 0x{'f' * 5000}\n\n") == []
    assert _changed(f"def f():\n    return 0x{'f' * 5000}\n", f"def f():\n    return 0x{'f' * 5001}\n") == ["f"]


def test_what_is_nested_deeply_is_compared_as_well() -> None:
    long = "def f(a):\n    return " + " + ".join(["a"] * 900) + "\n"
    assert _changed(long, long.replace("a", "b")) == []
    assert _changed(long, long.replace("return a", "return a - a")) == ["f"]


def test_a_module_function_may_have_been_a_lambda() -> None:
    assert _changed("key = lambda item: item[0]\n", "def key(entry):\n    return entry[0]\n") == []
    assert _changed("key = lambda item: item[0]\n", "def key(entry):\n    return entry[1]\n") == ["key"]


@pytest.mark.parametrize(
    "code", ["def f(a):\n    return a\n", "def f(a):\n    b = a\n    return b\n", "def f(a):\n    return\n"]
)
def test_a_docstring_is_no_behaviour(code: str) -> None:
    said = code.replace(":\n", ':\n    """Give what it gets."""\n', 1)
    inside = [f"def outer():\n{textwrap.indent(text, '    ')}    return f\n" for text in (code, said)]
    assert _changed(code, said) == _changed(said, code) == _changed(*inside) == []


def test_a_builtin_takes_the_place_of_its_other_name() -> None:
    old = "try:\n    from itertools import izip\nexcept ImportError:\n    izip = zip\n\n"
    old += "def f(a):\n    return izip(a, a)\n"
    assert _changed(old, "def f(a):\n    return zip(a, a)\n") == []
    assert _changed(old, "def f(a):\n    return map(a, a)\n") == ["f"]
    assert _changed(old.replace("zip = zip", "zip = mine"), "def f(a):\n    return zip(a, a)\n") == ["f"]


def test_a_name_that_may_be_something_else_is_no_other_name_of_a_builtin() -> None:
    old = "def f(a):\n    return show(a)\n"
    new = "def f(a):\n    return print(a)\n"
    assert _changed("show = print\n" + old, new) == []
    assert _changed("if a:\n    show = print\nelse:\n    show = pager.page\n" + old, new) == ["f"]
    old = "try:\n    zap = itertools.zap\nexcept AttributeError:\n    zap = zip\ndef f(a):\n    return zap(a)\n"
    assert _changed(old, "def f(a):\n    return zip(a)\n") == []
