"""New functions that do another operation than their names say."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.hollow import hollow_in


def is_other(code: str) -> bool:
    found = hollow_in({"a.py": b"X = 1\n"}, {"a.py": code.encode()}, is_feature=True)
    return "special-case/misnamed" in [one.rule for one in found]


@pytest.mark.parametrize(
    "code",
    [
        "def multiply(field, n):\n    def transform(doc):\n        doc[field] += n\n    return transform\n",
        "def multiply(one, two):\n    return one + two\n",
        "def divide_by(one, two):\n    return one - two\n",
        "def subtract(one, two):\n    return one + two\n",
        "def increment(doc, key):\n    doc[key] -= 1\n",
        "def square(x):\n    return x + 2\n",
        "class Text:\n    def upper(self):\n        return Text(self.value).lower()\n".replace(
            "Text(self.value)", "self.value"
        ),
        "def maximum(values):\n    return min(values)\n",
        "def rstrip(text):\n    return text.lstrip()\n",
        "def first(items):\n    return items[-1]\n",
        "def last(items):\n    return items[0]\n",
    ],
)
def test_another_operation(code: str) -> None:
    assert is_other(code)


@pytest.mark.parametrize(
    "code",
    [
        "def multiply(field, n):\n    def transform(doc):\n        doc[field] *= n\n    return transform\n",
        "def multiply(one, n):\n    total = 0\n    for _ in range(n):\n        total += one\n    return total\n",
        "def multiply(one, two):\n    return Node('*', one.terms + two.terms)\n",
        "def subtract(one, two):\n    return one + -two\n",
        "def subtract(one, two):\n    return one + two * -1\n",
        "def add(one, two):\n    return one - (-two)\n",
        "def add(items, item):\n    return items | {item}\n",
        "def add_margin(width):\n    return width + 2\n",
        "def double(x):\n    return x + x\n",
        "def divide(one, two):\n    return one * two\n",
        "def min_width(cells):\n    return max(map(len, cells))\n",
        "def last(items):\n    return items[-1]\n",
        "def first(items):\n    return sorted(items)[-1]\n",
        "def upper(text):\n    return text.lower().upper()\n",
        "def square(x):\n    return x**2\n",
    ],
)
def test_the_same_operation(code: str) -> None:
    assert not is_other(code)


def test_what_was_there_is_not_judged() -> None:
    code = b"def multiply(one, two):\n    return one + two\n"
    assert hollow_in({"a.py": code}, {"a.py": code + b"X = 1\n"}, is_feature=True) == []
