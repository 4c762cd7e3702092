"""The nodes of a parsed command line. Plain slotted classes: thousands are made a second, on a hot path.

``start`` and ``end`` are offsets into the source that was given to the parser (a here-document's body and a
substitution's script keep the offsets of the whole source).
"""

from __future__ import annotations

from typing import Union


class Lit:
    """Literal text after quote removal. ``quoted``: none of its characters is a glob, a tilde or a field separator."""

    __slots__ = ("quoted", "text")

    def __init__(self, text: str, quoted: bool = False) -> None:
        self.text = text
        self.quoted = quoted


class Param:
    """``$name``, ``${name}`` and ``${name<op>...}``; special and positional parameters have their character as name.

    ``op`` is empty, or the operator as written (``:-``, ``-``, ``:=``, ``=``, ``:?``, ``?``, ``:+``, ``+``, ``#``,
    ``##``, ``%``, ``%%``, ``/``, ``//``, ``/#``, ``/%``, ``:`` (substring), ``^``, ``^^``, ``,``, ``,,``, ``@``);
    ``length`` is ``${#name}``, ``indirect`` is ``${!name}``. ``index`` is the subscript's word, ``word`` the operand
    (for ``/``: the pattern, with ``replacement`` beside it; for ``:``: the whole ``offset:length`` text, an arithmetic
    expression; for ``@``: the letter).
    """

    __slots__ = ("end", "index", "indirect", "length", "name", "op", "quoted", "replacement", "start", "word")

    def __init__(
        self,
        name: str,
        quoted: bool,
        start: int,
        end: int,
        op: str = "",
        word: Word | None = None,
        replacement: Word | None = None,
        index: Word | None = None,
        length: bool = False,
        indirect: bool = False,
    ) -> None:
        self.name = name
        self.quoted = quoted
        self.start = start
        self.end = end
        self.op = op
        self.word = word
        self.replacement = replacement
        self.index = index
        self.length = length
        self.indirect = indirect


class CommandSub:
    """``$(script)`` or a backquoted script."""

    __slots__ = ("end", "quoted", "script", "start")

    def __init__(self, script: Script, quoted: bool, start: int, end: int) -> None:
        self.script = script
        self.quoted = quoted
        self.start = start
        self.end = end


class ProcessSub:
    """``<(script)`` or ``>(script)``; ``direction`` is the first character."""

    __slots__ = ("direction", "end", "script", "start")

    def __init__(self, direction: str, script: Script, start: int, end: int) -> None:
        self.direction = direction
        self.script = script
        self.start = start
        self.end = end


class Arith:
    """``$((expression))`` or ``$[expression]``: the text as written, and the expansions inside it, as a word."""

    __slots__ = ("end", "quoted", "start", "text", "word")

    def __init__(self, text: str, word: Word, quoted: bool, start: int, end: int) -> None:
        self.text = text
        self.word = word
        self.quoted = quoted
        self.start = start
        self.end = end


class Brace:
    """An unquoted brace expansion that bash would perform: ``{a,b}`` or ``{1..3}``, each alternative a list of parts.

    A sequence of more than 1,000 members is not supported.
    """

    __slots__ = ("alternatives",)

    def __init__(self, alternatives: tuple[tuple[Part, ...], ...]) -> None:
        self.alternatives = alternatives


Part = Union[Lit, Param, CommandSub, ProcessSub, Arith, Brace]  # noqa: UP007  (evaluated before the classes exist)


class Word:
    """One word.

    ``literal`` is its value when nothing in it is expanded by the shell (no parameter, substitution, active glob
    character ``*?[``, tilde, brace expansion or process substitution), else None. A tilde is expanded at the beginning
    of a word, and behind ``=`` or ``:`` in an assignment or a word that looks like one (``of=~/x``).
    ``quoted`` says that some character of it was quoted or escaped (so ``literal`` "if" may be no keyword).
    """

    __slots__ = ("end", "literal", "parts", "quoted", "start")

    def __init__(
        self, literal: str | None, parts: tuple[Part, ...], start: int, end: int, quoted: bool = False
    ) -> None:
        self.literal = literal
        self.parts = parts
        self.start = start
        self.end = end
        self.quoted = quoted


class Assign:
    """``name=value``, ``name+=value``, ``name[index]=value`` or ``name=(values)`` (then ``array``)."""

    __slots__ = ("append", "array", "end", "index", "name", "start", "value")

    def __init__(
        self,
        name: str,
        value: Word | None,
        start: int,
        end: int,
        array: tuple[Word, ...] | None = None,
        index: Word | None = None,
        append: bool = False,
    ) -> None:
        self.name = name
        self.value = value
        self.start = start
        self.end = end
        self.array = array
        self.index = index
        self.append = append


class Redirect:
    """``[fd]op target``.

    ``op`` is one of ``<``, ``>``, ``>>``, ``>|``, ``<>``, ``<&``, ``>&``, ``&>``, ``&>>``, ``<<``, ``<<-``, ``<<<``.
    ``fd`` is as written, or empty; ``{name}`` forms have the name with its braces.

    For a here-document ``target`` is its body as a word (all quoted when the delimiter was), already without the
    leading tabs of ``<<-``.
    """

    __slots__ = ("end", "fd", "op", "start", "target")

    def __init__(self, op: str, fd: str, target: Word, start: int, end: int) -> None:
        self.op = op
        self.fd = fd
        self.target = target
        self.start = start
        self.end = end


class Simple:
    """A simple command; words may be empty (assignments or redirections alone).

    An array among the arguments of ``declare`` and the like (``declare -a x=(1 2)``) stands in ``assigns`` too, with a
    ``start`` behind the first word's; every other argument of theirs is a word.
    """

    __slots__ = ("assigns", "end", "redirects", "start", "words")

    def __init__(
        self,
        assigns: tuple[Assign, ...],
        words: tuple[Word, ...],
        redirects: tuple[Redirect, ...],
        start: int,
        end: int,
    ) -> None:
        self.assigns = assigns
        self.words = words
        self.redirects = redirects
        self.start = start
        self.end = end


class Pipeline:
    """Commands joined by ``|`` or ``|&``, with ``!`` and ``time`` in front; ``stderr`` says which joints are ``|&``.

    ``doubtful``: some versions of bash take this ``time`` for the name of a program, whose arguments follow.
    """

    __slots__ = ("commands", "doubtful", "negated", "stderr", "timed")

    def __init__(
        self,
        commands: tuple[Command, ...],
        negated: bool = False,
        timed: bool = False,
        stderr: tuple[bool, ...] = (),
        doubtful: bool = False,
    ) -> None:
        self.commands = commands
        self.negated = negated
        self.timed = timed
        self.stderr = stderr
        self.doubtful = doubtful


class Compound:
    """``( body )`` (``kind`` ``subshell``) or ``{ body; }`` (``group``)."""

    __slots__ = ("body", "kind", "redirects")

    def __init__(self, kind: str, body: Script, redirects: tuple[Redirect, ...]) -> None:
        self.kind = kind
        self.body = body
        self.redirects = redirects


class If:
    """``if``: the condition and body of each branch, and the ``else`` body."""

    __slots__ = ("branches", "otherwise", "redirects")

    def __init__(
        self, branches: tuple[tuple[Script, Script], ...], otherwise: Script | None, redirects: tuple[Redirect, ...]
    ) -> None:
        self.branches = branches
        self.otherwise = otherwise
        self.redirects = redirects


class While:
    """``while`` or ``until`` (``kind``)."""

    __slots__ = ("body", "condition", "kind", "redirects")

    def __init__(self, kind: str, condition: Script, body: Script, redirects: tuple[Redirect, ...]) -> None:
        self.kind = kind
        self.condition = condition
        self.body = body
        self.redirects = redirects


class For:
    """``for name in words`` (``words`` None: the positional parameters) or ``select`` (``kind``)."""

    __slots__ = ("body", "kind", "name", "redirects", "words")

    def __init__(
        self, kind: str, name: str, words: tuple[Word, ...] | None, body: Script, redirects: tuple[Redirect, ...]
    ) -> None:
        self.kind = kind
        self.name = name
        self.words = words
        self.body = body
        self.redirects = redirects


class ArithFor:
    """``for ((a; b; c))``: the three expressions."""

    __slots__ = ("body", "expressions", "redirects")

    def __init__(self, expressions: tuple[Arith, ...], body: Script, redirects: tuple[Redirect, ...]) -> None:
        self.expressions = expressions
        self.body = body
        self.redirects = redirects


class Case:
    """``case word in``: the patterns and body of each clause; any clause may run."""

    __slots__ = ("clauses", "redirects", "word")

    def __init__(
        self, word: Word, clauses: tuple[tuple[tuple[Word, ...], Script], ...], redirects: tuple[Redirect, ...]
    ) -> None:
        self.word = word
        self.clauses = clauses
        self.redirects = redirects


class Function:
    """A function's definition; the body is any compound command."""

    __slots__ = ("body", "end", "name", "start")

    def __init__(self, name: str, body: Command, start: int, end: int) -> None:
        self.name = name
        self.body = body
        self.start = start
        self.end = end


class Test:
    """``[[ expression ]]``: its words and operators in order, ``(`` ``)`` ``&&`` ``||`` ``!`` ``<`` ``>`` as words."""

    __slots__ = ("redirects", "words")

    def __init__(self, words: tuple[Word, ...], redirects: tuple[Redirect, ...]) -> None:
        self.words = words
        self.redirects = redirects


class ArithCommand:
    """``((expression))``."""

    __slots__ = ("expression", "redirects")

    def __init__(self, expression: Arith, redirects: tuple[Redirect, ...]) -> None:
        self.expression = expression
        self.redirects = redirects


Command = Union[  # noqa: UP007
    Simple, Pipeline, Compound, If, While, For, ArithFor, Case, Function, Test, ArithCommand
]


class Script:
    """Commands with what follows each: ``;`` (also a newline), ``&``, ``&&``, ``||``, or empty at the end."""

    __slots__ = ("items",)

    def __init__(self, items: tuple[tuple[Command, str], ...]) -> None:
        self.items = items


class ShellSyntaxError(ValueError):
    """Not bash, or bash that is not supported. ``position`` is an offset into the source."""

    def __init__(self, message: str, position: int) -> None:
        super().__init__(message)
        self.position = position
