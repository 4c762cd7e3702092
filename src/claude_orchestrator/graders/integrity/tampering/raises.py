"""What a test checks by asking for an error: which one, and whether its text can tell errors apart."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final

from claude_orchestrator.graders.integrity.tampering.canonical import Function, Tokens, dotted, tokens_of
from claude_orchestrator.graders.integrity.tampering.strength import MEMBERSHIP, Check, shown

_ANY_TEXTS: Final = ("\u2603", "q7 %", "\t-Z", "Jx")
"""Texts that have nothing in common: what matches all of them matches everything."""
_FEW: Final = 4
"""Fewer letters are somewhere in many texts."""
_SPECIAL: Final = re.compile(r"[|*+?^$\\\[\]{}()]|\.\.")
"""What a regular expression does not take as it is written; a single dot hardly matters."""


def check_of_raises(call: ast.Call, body: Iterable[ast.AST], known: Mapping[str, Tokens]) -> Check | None:
    """The check that ``with raises(...)`` makes of its block; None when it is something else."""
    name = dotted(call.func).rpartition(".")[2]
    if name in ("warns", "deprecated_call", "assertWarns", "assertLogs", "assertNoLogs", "assertWarnsRegex"):
        strength = MEMBERSHIP
    elif name in ("raises", "assertRaises", "assertRaisesRegex", "RaisesGroup"):
        strength = _raising(call)
    else:
        return None
    sharper = any(word.arg == "check" for word in call.keywords) or any(map(_tells_texts_apart, _patterns(name, call)))
    subject = tuple(token for part in body for token in tokens_of(part, known))
    expected = tuple(token for part in call.args[:1] for token in tokens_of(part, known))
    is_raising = "aises" in name
    return Check(subject, strength + sharper, call.lineno, f"with {shown(call)}", expected, is_raising=is_raising)


def told_by_match(old: Function, new: Function, is_same: Callable[[str], bool]) -> frozenset[str]:
    """The assertions of ``old`` about the text of an error that ``new`` asks for with ``match=``.

    ``assert str(caught.value) == text`` after ``with raises(E) as caught`` becomes ``with raises(E, match=text)``, or
    ``match=re.escape(text)``. ``is_same`` says whether a name stands for the same on both sides.
    """
    matched = Counter(_texts_matched(new, is_same))
    matched.subtract(_texts_matched(old, is_same))
    found = set()
    for node in ast.walk(old):
        text = _text_compared(node) if isinstance(node, ast.Assert) else None
        if text is not None and matched[text] > 0:
            matched[text] -= 1
            found.add(f"assert {shown(node.test)}" if isinstance(node, ast.Assert) else "")
    return frozenset(found)


def _texts_matched(function: Function, is_same: Callable[[str], bool]) -> Iterator[str]:
    """What errors have to say, by ``match``, as code, in all of a function that is always reached."""
    for node in _always_reached(function.body):
        for item in node.items:
            call = item.context_expr
            for word in call.keywords if isinstance(call, ast.Call) and dotted(call.func).endswith("raises") else ():
                value = word.value if word.arg == "match" else ast.Constant(None)
                is_escaped = isinstance(value, ast.Call) and dotted(value.func) == "re.escape" and len(value.args) == 1
                text = value.args[0] if isinstance(value, ast.Call) and is_escaped else value
                if _says_as_much(text, is_escaped=is_escaped) and all(
                    is_same(one.id) for one in ast.walk(text) if isinstance(one, ast.Name)
                ):
                    yield ast.dump(text)


def _always_reached(body: Iterable[ast.stmt]) -> Iterator[ast.With | ast.AsyncWith]:
    for node in body:
        if isinstance(node, ast.With | ast.AsyncWith):
            yield node
            yield from _always_reached(node.body)
        elif isinstance(node, ast.For | ast.AsyncFor) and isinstance(node.iter, ast.Name):
            yield from _always_reached(node.body)


def _says_as_much(text: ast.expr, *, is_escaped: bool) -> bool:
    """Whether to be found somewhere says of a text about as much as to be all of it."""
    said = [one.value for one in ast.walk(text) if isinstance(one, ast.Constant) and isinstance(one.value, str)]
    if not is_escaped and any(map(_SPECIAL.search, said)):
        return False
    if isinstance(text, ast.Constant):
        return any(len(one.strip()) >= _FEW for one in said)
    return isinstance(text, ast.Name | ast.JoinedStr)


def _text_compared(node: ast.Assert) -> str | None:
    """What ``str(caught.value)`` is compared with, as code."""
    test = node.test
    if not isinstance(test, ast.Compare) or len(test.ops) != 1 or not isinstance(test.ops[0], ast.Eq):
        return None
    said = re.fullmatch(r"str\(\w+\.(value|exception)\)", ast.unparse(test.left))
    return ast.dump(test.comparators[0]) if said else None


def _patterns(name: str, call: ast.Call) -> Iterable[ast.expr]:
    """What the text of an error has to match."""
    place = call.args[1:2] if name.endswith("Regex") else []
    return [*place, *(word.value for word in call.keywords if word.arg in ("match", "expected_regex"))]


def _tells_texts_apart(pattern: ast.expr) -> bool:
    """Whether a pattern leaves out any text: an empty one, ``.*`` and their like do not."""
    if not isinstance(pattern, ast.Constant):
        return True
    if not isinstance(pattern.value, str):
        return False
    try:
        return not all(re.search(pattern.value, text) for text in _ANY_TEXTS)
    except (re.error, RecursionError, OverflowError):
        return True


def _raising(call: ast.Call) -> float:
    kinds = call.args[:1] or [word.value for word in call.keywords if word.arg in ("expected_exception", "exception")]
    named = [part for kind in kinds for part in (kind.elts if isinstance(kind, ast.Tuple) else [kind])]
    return 1.0 if any(dotted(one) in ("Exception", "BaseException") for one in named) or not named else 2.0
