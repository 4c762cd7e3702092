"""A command line as a tree: lists, pipelines and simple commands. The only authority on structure, and it fails closed.

What is not bash, and what of bash is not supported, raises ShellSyntaxError. Nothing is guessed.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.shell.compound import CompoundReader
from claude_orchestrator.safety.shell.expansions import JoinLines
from claude_orchestrator.safety.shell.lexer import (
    DOUBLE,
    END,
    NEWLINE,
    OPERATOR,
    PLAIN,
    REDIRECT,
    SINGLE,
    SLOW,
    TOKEN,
)
from claude_orchestrator.safety.shell.literal import MAX_COST, RESERVED, STOPPERS, plain_words
from claude_orchestrator.safety.shell.nodes import (
    ArithCommand,
    ArithFor,
    Assign,
    Case,
    Command,
    Compound,
    For,
    If,
    Lit,
    Pipeline,
    Redirect,
    Script,
    ShellSyntaxError,
    Simple,
    Test,
    While,
    Word,
)
from claude_orchestrator.safety.shell.quoting import Offsets, relocate

if TYPE_CHECKING:
    from collections.abc import Callable

MAX_LENGTH = 256 * 1024

_WORDS = range(MAX_COST)
_ASSIGNMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=").match
_ELEMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)\[").match
_ARRAY_ARGUMENT = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)(\+?)=\Z").match
_TAKES_ARRAYS = frozenset(["declare", "export", "local", "readonly", "typeset"])
_READERS = {
    "{": CompoundReader.read_group,
    "[[": CompoundReader.read_test,
    "if": CompoundReader.read_if,
    "while": CompoundReader.read_while,
    "until": CompoundReader.read_while,
    "for": CompoundReader.read_for,
    "select": CompoundReader.read_for,
    "case": CompoundReader.read_case,
    "function": CompoundReader.read_function,
}
_COMMON_REDIRECTS = {
    fd + operator: (operator, fd) for fd in ("", "1", "2") for operator in ("<", ">", ">>", ">&", "<<<", ">|")
} | {operator: (operator, "") for operator in ("&>", "&>>")}
# Behind these a reserved word may follow at once.
_CLOSED = (ArithCommand, ArithFor, Case, Compound, For, If, Test, While)
_ENDING_OPERATORS = frozenset([")", ";;", ";&", ";;&"])
_WORD_END = frozenset(["", *" \t\n;&|<>)"])
_JOIN_BARRIER = re.compile(r"\\(.)|['#`\n]|<<", re.DOTALL).finditer


def parse(source: str) -> Script:
    """The tree of a command line, such as is given to ``bash -c``.

    Raises ShellSyntaxError for what is not bash or is not supported; nothing else. The time is linear in the length.
    """
    texts = plain_words(source)
    if texts is not None:
        words = []
        pos = 0
        for text in texts:
            end = pos + len(text)
            words.append(Word(text, (Lit(text),), pos, end))
            pos = end + 1
        return Script(((Simple((), tuple(words), (), 0, pos - 1), ""),))
    if "\0" in source:
        raise ShellSyntaxError("a NUL character", source.index("\0"))
    if len(source) > MAX_LENGTH:
        raise ShellSyntaxError("too long", MAX_LENGTH)
    try:
        try:
            return Parser(source).whole()
        except JoinLines:
            return _parse_joining(source, 0, 0)
    except RecursionError:
        raise ShellSyntaxError("nested too deeply", 0) from None


def _parse_joining(source: str, depth: int, texts: int) -> Script:
    """Parse, taking line continuations out of tokens when they are met."""
    text = source
    removed: list[int] = []
    cost = 0
    while True:
        parser = Parser(text, depth, texts)
        parser.cost = cost
        try:
            script = parser.whole()
        except JoinLines as join:
            parser.charge(8 + len(text) // 16, join.position)
            cost = parser.cost
            text = _join(text, join.position, removed)
            continue
        if removed:
            offsets = Offsets(0)
            for index, position in enumerate(sorted(removed)):
                offsets.omit(position - 2 * index, 2)
            relocate(script, offsets)
        return script


def _join(text: str, position: int, removed: list[int]) -> str:
    """``text`` without the continuation at ``position`` and those behind it that stand outside of other quoting.

    ``removed`` gets their offsets in the original source.
    """
    cuts = []
    for found in _JOIN_BARRIER(text, position):
        if found[1] is None:
            break
        if found[1] == "\n":
            cuts.append(found.start())
    earlier = sorted(removed)
    pieces = []
    last = 0
    shift = 0
    for cut in cuts:
        pieces.append(text[last:cut])
        last = cut + 2
        while shift < len(earlier) and earlier[shift] - 2 * shift <= cut:
            shift += 1
        removed.append(cut + 2 * shift)
    pieces.append(text[last:])
    return "".join(pieces)


class Parser(CompoundReader):
    """Reads one source. Use ``parse``."""

    __slots__ = ()

    def whole(self) -> Script:
        """The whole source as a script."""
        self.advance()
        script = self.script()
        if self.kind != END:
            raise self.unexpected()
        if self.pending:
            raise ShellSyntaxError("a here-document without its end", self.pending[0].redirect.start)
        return script

    def script_of_text(self, text: str) -> Script:
        """The script between backquotes."""
        return _parse_joining(text, self.depth + 1, self.texts + 1)

    def script(self) -> Script:
        """The commands up to a token that ends them, which becomes the current one."""
        items: list[tuple[Command, str]] = []
        self.skip_newlines()
        while True:
            kind = self.kind
            text = self.text
            if kind == END or (
                (kind == OPERATOR and text in _ENDING_OPERATORS) or (kind == PLAIN and text in STOPPERS)
            ):
                if items and items[-1][1] in {"&&", "||"}:
                    raise self.unexpected()
                return Script(tuple(items))
            command = self._pipeline()
            kind = self.kind
            if kind == END:
                items.append((command, ""))
            elif kind == NEWLINE:
                items.append((command, ";"))
                self.skip_newlines()
            elif kind == OPERATOR:
                text = self.text
                if text in _ENDING_OPERATORS:
                    items.append((command, ""))
                elif text in {";", "&", "&&", "||"}:
                    items.append((command, text))
                    self.advance()
                    self.skip_newlines()
                else:
                    raise self.unexpected()
            elif kind == PLAIN and self.text in STOPPERS and isinstance(command, _CLOSED) and not command.redirects:
                items.append((command, ""))
            else:
                raise self.unexpected()

    def _pipeline(self) -> Command:
        negated = timed = doubtful = False
        while self.kind == PLAIN:
            if self.text == "!":
                self.charge(1, self.start)
                negated = not negated
                self.advance()
            elif self.text == "time":
                self.charge(1, self.start)
                timed = True
                # At the beginning of a substitution some versions of bash take it for a program's name.
                doubtful = self.start == self.opened
                self.advance()
                if self.kind == PLAIN and self.text == "-p":
                    self.advance()
                    if self.kind == PLAIN and self.text == "--":
                        self.advance()
            else:
                break
        command = self._command()
        if doubtful and type(command) is Simple and not command.assigns:
            # Either way the same program runs with the same arguments.
            doubtful = False
        if self.kind != OPERATOR or (self.text != "|" and self.text != "|&"):  # noqa: PLR1714  (quicker)
            return Pipeline((command,), negated, timed, (), doubtful) if negated or timed else command
        commands = [command]
        joints = []
        while self.kind == OPERATOR and (self.text == "|" or self.text == "|&"):  # noqa: PLR1714  (quicker)
            joints.append(self.text == "|&")
            self.advance()
            self.skip_newlines()
            if self.kind == PLAIN and self.text == "!":
                raise self.unexpected()
            commands.append(self._command())
        return Pipeline(tuple(commands), negated, timed, tuple(joints), doubtful)

    def compound_at(self) -> Callable[[], Command] | None:
        """What reads the compound command at the current token, or None when there is none."""
        if self.kind == PLAIN:
            reader = _READERS.get(self.text)
            return None if reader is None else lambda: reader(self)
        if self.kind == OPERATOR and self.text == "(":
            return self.read_parenthesis
        return None

    def _command(self) -> Command:
        self.cost += 2
        if self.cost > MAX_COST:
            self.charge(0, self.start)
        kind = self.kind
        if kind == PLAIN:
            text = self.text
            if text in RESERVED:
                if (reader := _READERS.get(text)) is not None:
                    return reader(self)
                if text != "time":
                    raise self.unexpected()
        elif kind == OPERATOR:
            if self.text == "(":
                return self.read_parenthesis()
            raise self.unexpected()
        elif kind == NEWLINE or kind == END:  # noqa: PLR1714, SIM109  (quicker)
            raise self.unexpected()
        return self._simple()

    def _simple(self) -> Command:  # noqa: C901, PLR0912, PLR0915  (one loop, on the hot path)
        source = self.source
        kind = self.kind
        text = self.text
        start = first = self.start
        pos = self.pos
        last = first
        words: list[Word] = []
        assigns: list[Assign] = []
        redirects: list[Redirect] = []
        for _ in _WORDS:
            if kind == PLAIN:
                if "=" in text and (not words or source.startswith("(", pos)):
                    assign = self._plain_assignment(text, start, pos, words)
                    if assign is None:
                        words.append(Word(text, (Lit(text),), start, pos))
                    else:
                        assigns.append(assign)
                        pos = assign.end
                else:
                    words.append(Word(text, (Lit(text),), start, pos))
            elif kind == SINGLE or kind == DOUBLE:  # noqa: PLR1714, SIM109  (quicker)
                text = text[1:-1]
                words.append(Word(text, (Lit(text, True),), start, pos, True))
            elif kind == SLOW:
                assign = None if words else self._slow_assignment(start)
                if assign is not None:
                    assigns.append(assign)
                    pos = assign.end
                else:
                    word = self.read_word(start)
                    if not words and word.literal in RESERVED and not word.quoted:
                        raise ShellSyntaxError(f"unsupported place of {word.literal!r}", start)
                    words.append(word)
                    pos = word.end
            elif kind == REDIRECT:
                found = TOKEN(source, pos)
                if found.lastindex == PLAIN and text in _COMMON_REDIRECTS:  # type: ignore[union-attr]
                    operator, fd = _COMMON_REDIRECTS[text]
                    text = found[PLAIN]  # type: ignore[index]
                    target, pos = found.span(PLAIN)  # type: ignore[union-attr]
                    redirects.append(Redirect(operator, fd, Word(text, (Lit(text),), target, pos), start, pos))
                    last = pos
                    found = TOKEN(source, pos)
                    kind = found.lastindex  # type: ignore[union-attr,assignment]
                    text = found[kind]  # type: ignore[index]
                    start, pos = found.span(kind)  # type: ignore[union-attr]
                    continue
                self.text = text
                self.start = start
                self.pos = pos
                self.check_joined()
                redirect = self.take_redirect()
                redirects.append(redirect)
                last = redirect.end
                kind = self.kind
                text = self.text
                start = self.start
                pos = self.pos
                continue
            else:
                break
            last = pos
            found = TOKEN(source, pos)
            kind = found.lastindex  # type: ignore[union-attr,assignment]
            text = found[kind]  # type: ignore[index]
            start, pos = found.span(kind)  # type: ignore[union-attr]
        else:
            raise ShellSyntaxError("too many words", pos)
        self.kind = kind
        self.text = text
        self.start = start
        self.pos = pos
        self.last = last
        self.cost += len(words) + 2 * len(redirects)
        if kind == NEWLINE:
            if self.pending:
                self.read_bodies(start + 1)
        elif kind == OPERATOR:
            if text == "(":
                return self._function(words, assigns, redirects, first)
            if source.startswith("\\\n", pos):
                self.check_joined()
        return Simple(tuple(assigns), tuple(words), tuple(redirects), first, last)

    def _function(self, words: list[Word], assigns: list[Assign], redirects: list[Redirect], start: int) -> Command:
        """``name () body``, the current token being the parenthesis."""
        if len(words) != 1 or assigns or redirects or words[0].quoted or words[0].literal is None:
            raise self.unexpected()
        name = words[0].literal
        if name in RESERVED or name[-1] in "@!+?*":
            raise self.unexpected()
        self.advance()
        self.expect(")")
        return self.read_function_body(name, start)

    def _plain_assignment(self, text: str, start: int, end: int, words: list[Word]) -> Assign | None:
        """The assignment that an ordinary word is, or begins (an array), if it is one."""
        self.charge(1, start)
        if self.source.startswith("(", end):
            found = _ARRAY_ARGUMENT(text)
            if found is None or (words and (words[0].quoted or words[0].literal not in _TAKES_ARRAYS)):
                raise ShellSyntaxError("unexpected '('", end)
            return self._array(found[1], found[2] == "+", start, end)
        found = _ASSIGNMENT(text)
        if found is None:
            return None
        value = text[found.end() :]
        parts = (Lit(value),) if value else ()
        return Assign(found[1], Word(value, parts, start + found.end(), end), start, end, None, None, found[2] == "+")

    def _slow_assignment(self, start: int) -> Assign | None:
        """The assignment at ``start``, if there is one."""
        source = self.source
        found = _ASSIGNMENT(source, start)
        index = None
        if found is not None:
            append = found[2] == "+"
            i = found.end()
        else:
            found = _ELEMENT(source, start)
            if found is None:
                return None
            _, index, i = self.read_arithmetic(found.end(), "]")
            append = source.startswith("+", i)
            if not source.startswith("+=" if append else "=", i):
                self.fail("unsupported: a command's name with a subscript", i)
            i += 1 + append
        if source.startswith("(", i):
            if index is not None:
                raise ShellSyntaxError("unexpected '('", i)
            return self._array(found[1], append, start, i)
        if source[i : i + 1] in _WORD_END and (
            source[i : i + 1] not in {"<", ">"} or not source.startswith("(", i + 1)
        ):
            value = Word("", (), i, i)
        else:
            value = self.read_word(i, False, True)
        return Assign(found[1], value, start, value.end, None, index, append)

    def _array(self, name: str, append: bool, start: int, opening: int) -> Assign:
        """``name=(words)``, the parenthesis being at ``opening``."""
        self.pos = opening + 1
        self.enter(start)
        if self.pending:
            raise ShellSyntaxError("unsupported here-document before an array", opening)
        self.advance()
        elements = []
        while self.kind != OPERATOR:
            if self.kind == NEWLINE:
                self.advance()
            else:
                elements.append(self.take_word())
                self.charge(1, self.start)
        if self.text != ")":
            raise self.unexpected()
        if self.source[self.pos : self.pos + 1] not in _WORD_END:
            raise ShellSyntaxError("unexpected text behind an array", self.pos)
        self.depth -= 1
        return Assign(name, None, start, self.pos, tuple(elements), None, append)
