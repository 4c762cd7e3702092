"""Names in an arithmetic expression. Bash evaluates the values of its variables, so each of them matters."""

from __future__ import annotations

import re

from claude_orchestrator.safety.shell.nodes import ShellSyntaxError

_TOKEN = re.compile(
    r"""\s*(?:
    (?:[0-9]+\#[0-9A-Za-z@_]+|0[xX][0-9A-Fa-f]+|[0-9]+)(?![0-9A-Za-z_\#])
    |\$?([A-Za-z_][A-Za-z0-9_]*)
    |\$\{(\#?[A-Za-z_][A-Za-z0-9_]*)\}
    |((?:<<|>>|[-+*/%&|^])=|=(?!=))
    |(\+\+|--)
    |(\[)
    |(\])
    |(?:\*\*|<<|>>|<=|>=|==|!=|&&|\|\||[-+*/%<>!~&|^?:,()])
    )""",
    re.VERBOSE | re.ASCII,
).match
_REST = re.compile(r"\s*\Z").match


class ArithmeticNames:
    """The variables of an expression.

    ``reads`` are evaluated, ``writes`` are assigned (``=``, ``+=``, ``++`` and the like), ``subscripted`` stand in
    front of a subscript (and are in ``reads`` even if only assigned). The names inside subscripts count as well;
    ``${#name}`` is no evaluation.
    """

    __slots__ = ("reads", "subscripted", "writes")

    def __init__(self, reads: tuple[str, ...], writes: tuple[str, ...], subscripted: tuple[str, ...]) -> None:
        self.reads = reads
        self.writes = writes
        self.subscripted = subscripted


def parse_arithmetic(text: str) -> ArithmeticNames:  # noqa: C901, PLR0912  (one loop over tokens)
    """The names in an arithmetic expression such as ``i + a[n]``; each at most once, in the order of the text.

    Raises ShellSyntaxError for anything but numbers, names, ``$name``, ``${name}``, ``${#name}``, subscripts and
    operators: substitutions and quotes among them. Whether the expression is complete is not checked.
    """
    reads: dict[str, None] = {}
    writes: dict[str, None] = {}
    subscripted: dict[str, None] = {}
    opened: list[str] = []
    last = ""
    step = fresh = False
    i = 0
    while _REST(text, i) is None:
        found = _TOKEN(text, i)
        if found is None:
            raise ShellSyntaxError("unsupported arithmetic", i)
        i = found.end()
        kind = found.lastindex
        if kind == 1 or kind == 2:  # noqa: PLR1714  (quicker)
            last = found[kind]
            fresh = last not in reads
            if not last.startswith("#"):
                reads.setdefault(last)
                if step:
                    writes.setdefault(last)
        elif kind == 3 and last:
            writes.setdefault(last)
            if fresh and found[3] == "=":
                reads.pop(last, None)
        elif kind == 4:
            if last:
                writes.setdefault(last)
            step = not last
            continue
        elif kind == 5:
            if last:
                subscripted.setdefault(last)
            opened.append(last)
            last = ""
        elif kind == 6:
            if not opened:
                raise ShellSyntaxError("unbalanced brackets", i)
            last = opened.pop()
            step = fresh = False
            continue
        step = False
        if kind not in {1, 2}:
            last = ""
    if opened:
        raise ShellSyntaxError("unbalanced brackets", i)
    return ArithmeticNames(tuple(reads), tuple(writes), tuple(subscripted))
