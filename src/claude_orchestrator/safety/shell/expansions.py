"""Expansions, quotes and arithmetic inside words.

Everything is read in place, from left to right, by regular expressions that never go back: the time is linear in the
size of the source. What is read in a text of its own (backquotes, bodies of here-documents) gets its offsets put right
afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import NoReturn

from claude_orchestrator.safety.shell.literal import MAX_COST
from claude_orchestrator.safety.shell.nodes import (
    Arith,
    CommandSub,
    Lit,
    Param,
    Part,
    Script,
    ShellSyntaxError,
    Word,
)
from claude_orchestrator.safety.shell.quoting import Offsets, decode_ansi, relocate, unescape_backquoted

MAX_DEPTH = 50
MAX_TEXTS = 4  # backquotes and here-documents inside one another
MAX_BRACKETS = 100

# How an expansion stands: it decides what quotes and backslashes mean inside it.
BARE, QUOTED, BODY = 0, 1, 2

_IN_QUOTES = re.compile(
    r"""((?:[^"$`\\]++|\\[^$`"\\\n])++)|((?:\\[$`"\\])++)|(\\\n)|(")|(\$)|(`)""",
).match
_DOLLAR = re.compile(r"""\$(?:([A-Za-z_][A-Za-z0-9_]*)|([0-9@*\#?$!-])|(\(\()|(\()|(\{)|(\[)|(')|("))""").match
_ANSI = re.compile(r"\$'([^'\\]*+(?:\\.[^'\\]*+)*+)'", re.DOTALL).match
_BACKQUOTED = re.compile(r"`([^`\\]*+(?:\\.[^`\\]*+)*+)`", re.DOTALL).match
_PARAMETER = re.compile(r"\$\{([!#]?)([A-Za-z_][A-Za-z0-9_]*|[0-9]+|[@*#?$!-])").match
_PARAMETER_OPERATOR = re.compile(
    r"(\})|(:[-=?+]|[-=?+])|(##?|%%?|\^\^?|,,?)|(//|/[#%]?)|@([A-Za-z])\}|([*@])\}|(:)"
).match
_OPERAND_END = r"""|(")|(\\[^\n])|(\$)|(`)"""
# The operand of a parameter expansion: (outside of quotes, ends at a slash as well).
_OPERANDS = {
    (True, False): r"""([^}$`'"\\<>]++|[<>](?!\())|'([^']*+)'""" + _OPERAND_END,
    (True, True): r"""([^}$`'"\\<>/]++|[<>](?!\())|'([^']*+)'""" + _OPERAND_END,
    (False, False): r"""([^}$`'"\\]++)|('[^'}$`"\\{]*+')""" + _OPERAND_END,
    (False, True): r"""([^}$`'"\\/]++)|('[^'}$`"\\{]*+')""" + _OPERAND_END,
}
_IN_BODY = r"""((?:[^$`\\]++|\\[^$`\\\n]|\\\Z)++)|((?:\\[$`\\])++)|(\\\n)|(\Z)|(\$)|(`)"""
_IN_ARITHMETIC = r"""([^()\[\]$`"'\\;]++)|([()\[\];])|(")|(\$)|(`)|'([^']*+)'"""

_EXPANDED_BY_LOOKS = re.compile(r"[*?\[{~]").search
_GLOB = re.compile(r"[*?]|\[.*\]", re.DOTALL).search
_TILDE_OF_ASSIGNMENT = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\+?=(?:.*:)?~", re.DOTALL).match


@cache
def _rare(pattern: str) -> Callable[[str, int], re.Match[str] | None]:
    """A pattern that few command lines need: compiling it at import would make every start slower."""
    return re.compile(pattern).match


class JoinLines(Exception):  # noqa: N818  (a signal of the lexer, never seen outside)
    """At ``position`` stands a line continuation inside a token: it must go before the source can be read."""

    def __init__(self, position: int) -> None:
        super().__init__(position)
        self.position = position


class ExpansionReader:
    """Reads expansions out of ``source``. Subclasses read the scripts of substitutions."""

    __slots__ = ("cost", "depth", "source", "texts")

    source: str
    depth: int
    texts: int
    cost: int

    def script_until_parenthesis(self, position: int, start: int) -> tuple[Script, int]:
        """The script that begins at ``position`` and the offset behind its closing parenthesis."""
        raise NotImplementedError

    def script_of_text(self, text: str) -> Script:
        """The script in a text of its own."""
        raise NotImplementedError

    def fail(self, message: str, position: int) -> NoReturn:
        """Refuse the source; a line continuation at ``position`` was the reason more often than not."""
        if self.source.startswith("\\\n", position):
            raise JoinLines(position)
        raise ShellSyntaxError(message, position)

    def enter(self, position: int) -> None:
        """One level deeper; the caller takes it back from ``depth``."""
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise ShellSyntaxError("nested too deeply", position)

    def charge(self, cost: int, position: int) -> None:
        """Account for work that was done: too much of it is refused, so that the time has an end."""
        self.cost += cost
        if self.cost > MAX_COST:
            raise ShellSyntaxError("too much for one command line", position)

    def read_quotes(self, i: int, parts: list[Part]) -> int:
        """What is between double quotes, from behind the opening one to behind the closing one."""
        source = self.source
        opening = i - 1
        before = len(parts)
        texts: list[str] = []
        while (found := _IN_QUOTES(source, i)) is not None:
            kind = found.lastindex
            i = found.end()
            if kind == 1:
                texts.append(found[1])
            elif kind == 2:
                texts.append(found[2][1::2])
            elif kind == 4:
                if texts or len(parts) == before:
                    parts.append(Lit("".join(texts), True))
                return i
            elif kind != 3:
                if texts:
                    parts.append(Lit("".join(texts), True))
                    texts = []
                i = self.read_dollar(i - 1, parts, QUOTED) if kind == 5 else self.read_backquotes(i - 1, parts, QUOTED)
        raise ShellSyntaxError("unterminated quote", opening)

    def read_body(self) -> list[Part]:
        """The whole source as the body of a here-document whose delimiter was not quoted."""
        source = self.source
        parts: list[Part] = []
        i = 0
        piece = _rare(_IN_BODY)
        while (found := piece(source, i)) is not None:
            kind = found.lastindex
            i = found.end()
            if kind == 1:
                parts.append(Lit(found[1], True))
            elif kind == 2:
                parts.append(Lit(found[2][1::2], True))
            elif kind == 4:
                break
            elif kind == 5:
                i = self.read_dollar(i - 1, parts, BODY)
            elif kind == 6:
                i = self.read_backquotes(i - 1, parts, BODY)
        return parts

    def read_dollar(self, i: int, parts: list[Part], mode: int) -> int:  # noqa: PLR0911  (one way for each kind)
        """What begins with the dollar sign at ``i``; the offset behind it."""
        source = self.source
        self.charge(1, i)
        found = _DOLLAR(source, i)
        if found is None:
            if source.startswith("\\\n", i + 1):
                raise JoinLines(i + 1)
            parts.append(Lit("$", mode != BARE))
            return i + 1
        kind = found.lastindex
        end = found.end()
        if kind == 1 or kind == 2:  # noqa: PLR1714  (quicker)
            if kind == 1 and source.startswith("\\\n", end):
                raise JoinLines(end)
            parts.append(Param(found[kind], mode != BARE, i, end))
            return end
        if kind == 5:
            return self._read_parameter(i, parts, mode)
        if kind == 4:
            if source.startswith("\\\n", end):
                raise JoinLines(end)
            script, end = self.script_until_parenthesis(end, i)
            parts.append(CommandSub(script, mode != BARE, i, end))
            return end
        if kind == 3 or kind == 6:  # noqa: PLR1714  (quicker)
            text, word, end = self.read_arithmetic(end, "))" if kind == 3 else "]")
            parts.append(Arith(text, word, mode != BARE, i, end))
            return end
        if mode != BARE:
            parts.append(Lit("$", True))
            return i + 1
        if kind == 8:
            return self.read_quotes(end, parts)
        ansi = _ANSI(source, i)
        if ansi is None:
            raise ShellSyntaxError("unterminated quote", i)
        parts.append(Lit(decode_ansi(ansi[1], i), True))
        return ansi.end()

    def read_backquotes(self, i: int, parts: list[Part], mode: int) -> int:
        """The substitution whose backquote is at ``i``; the offset behind it."""
        found = _BACKQUOTED(self.source, i)
        if found is None:
            raise ShellSyntaxError("unterminated backquote", i)
        text = found[1]
        offsets = Offsets(i + 1)
        if "\\" in text:
            if mode == BODY and '\\"' in text:
                raise ShellSyntaxError("unsupported escape in backquotes", i)
            text, joined = unescape_backquoted(text, mode == QUOTED, offsets)
            if joined >= 0:
                raise JoinLines(i + 1 + joined)
        if self.texts >= MAX_TEXTS:
            raise ShellSyntaxError("nested too deeply", i)
        self.charge(8 + len(text) // 16, i)
        try:
            script = self.script_of_text(text)
        except ShellSyntaxError as error:
            raise ShellSyntaxError(str(error), i) from None
        relocate(script, offsets)
        parts.append(CommandSub(script, mode != BARE, i, found.end()))
        return found.end()

    def _read_parameter(self, start: int, parts: list[Part], mode: int) -> int:
        """The ``${...}`` at ``start``."""
        source = self.source
        found = _PARAMETER(source, start)
        if found is None:
            self.fail("bad substitution", start + 2)
        self.enter(start)
        prefix, name = found[1], found[2]
        i = found.end()
        index = None
        if source.startswith("[", i) and (name[0].isalpha() or name[0] == "_"):
            _, index, i = self.read_arithmetic(i + 1, "]")
        operator = _PARAMETER_OPERATOR(source, i)
        if operator is None:
            self.fail("bad substitution", i)
        kind = operator.lastindex
        word = replacement = None
        op = ""
        i = operator.end()
        if kind != 1:
            if prefix == "#" or (not prefix and name in "#!") or (kind == 6 and (prefix != "!" or index)):
                raise ShellSyntaxError("bad substitution", start)
            if source.startswith("\\\n", i):
                raise JoinLines(i)
            if kind == 5:
                op = "@"
                word = Word(operator[5], (Lit(operator[5]),), i - 2, i - 1)
            else:
                op = operator[kind or 0]
                if kind == 4:
                    word, i = self._read_operand(i, mode, True, True)
                    if not word.parts and source[i] == "/":
                        raise ShellSyntaxError("unsupported empty pattern", start)
                    if source.startswith("/", i):
                        replacement, i = self._read_operand(i + 1, mode, False, True)
                    i += 1
                elif kind != 6:
                    word, i = self._read_operand(i, mode, False, kind == 3)
                    i += 1
        parts.append(Param(name, mode != BARE, start, i, op, word, replacement, index, prefix == "#", prefix == "!"))
        self.depth -= 1
        return i

    def _read_operand(self, i: int, mode: int, slash: bool, pattern: bool) -> tuple[Word, int]:
        """The operand of a parameter expansion and the offset of the ``}`` (or slash) that ends it."""
        source = self.source
        bare = mode == BARE
        piece = _rare(_OPERANDS[bare, slash])
        start = i
        parts: list[Part] = []
        quoted = False
        while (found := piece(source, i)) is not None:
            kind = found.lastindex
            i = found.end()
            if kind == 1:
                parts.append(Lit(found[1], not bare))
            elif kind == 5:
                i = self.read_dollar(i - 1, parts, mode)
            elif kind == 6:
                i = self.read_backquotes(i - 1, parts, mode)
            elif kind == 4:
                text = found[4]
                quoted = True
                parts.append(Lit(text[1] if bare or text[1] in '$`"\\}' else text, True))
            elif mode == BODY:
                raise ShellSyntaxError("unsupported quotes in an expansion of a here-document", i)
            elif kind == 3:
                quoted = True
                i = self.read_quotes(i, parts)
            else:
                quoted = True
                parts.append(Lit(found[2] if bare or not pattern else found[2][1:-1], True))
        if not source.startswith(("}", "/") if slash else "}", i):
            self.fail("unterminated or unsupported expansion", min(i, len(source)))
        return make_word(parts, start, i, quoted, False, source), i

    def read_arithmetic(self, i: int, close: str) -> tuple[str, Word, int]:  # noqa: C901, PLR0912  (one loop)
        """The arithmetic text from ``i`` on and the offset behind what ends it: ``))``, ``]`` or ``;``.

        ``;`` reads one of the expressions of ``for ((``, which a ``))`` ends as well.
        """
        source = self.source
        self.enter(i)
        start = i
        parts: list[Part] = []
        opened = brackets = 0
        piece = _rare(_IN_ARITHMETIC)
        while (found := piece(source, i)) is not None:
            kind = found.lastindex
            i = found.end()
            if kind == 1:
                parts.append(Lit(found[1], True))
                continue
            if kind == 2:
                char = found[2]
                if char == "(":
                    opened += 1
                elif char == ")":
                    opened -= 1
                    if opened < 0:
                        if close == "]" or not source.startswith(")", i):
                            self.fail("unsupported: no arithmetic", i - 1 if close == "]" else i)
                        break
                elif char == "[":
                    brackets += 1
                elif char == "]":
                    brackets -= 1
                    if brackets < 0 and close == "]":
                        if opened:
                            raise ShellSyntaxError("unbalanced parentheses", i)
                        break
                elif close == ";" and not opened:
                    break
                if opened + brackets > MAX_BRACKETS:
                    raise ShellSyntaxError("nested too deeply", i)
                parts.append(Lit(char, True))
            elif kind == 3:
                i = self.read_quotes(i, parts)
            elif kind == 4:
                i = self.read_dollar(i - 1, parts, QUOTED)
            elif kind == 5:
                i = self.read_backquotes(i - 1, parts, QUOTED)
            elif close == "]":
                parts.append(Lit(found[6], True))
            else:
                raise ShellSyntaxError("a quote in arithmetic", i)
        else:
            self.fail("unterminated arithmetic", i)
        self.depth -= 1
        end = i - 1
        word = make_word(_merged(parts), start, end, False, False, source)
        return source[start:end], word, i + 1 if close != "]" and source[end] == ")" else i


def _merged(parts: list[Part]) -> list[Part]:
    """Neighbouring literals of arithmetic as one."""
    if len(parts) < 2:
        return parts
    merged: list[Part] = []
    texts: list[str] = []
    for part in parts:
        if type(part) is Lit:
            texts.append(part.text)
        else:
            if texts:
                merged.append(Lit("".join(texts), True))
                texts = []
            merged.append(part)
    if texts:
        merged.append(Lit("".join(texts), True))
    return merged


def make_word(parts: list[Part], start: int, end: int, quoted: bool, value: bool, source: str) -> Word:
    """The word made of ``parts``, with its literal value if it has one."""
    literal: str | None = ""
    for part in parts:
        if type(part) is not Lit:
            return Word(None, tuple(parts), start, end, quoted)
        literal += part.text  # type: ignore[operator]
    if _EXPANDED_BY_LOOKS(source, start, end) and _is_expanded(parts, value):
        literal = None
    return Word(literal, tuple(parts), start, end, quoted)


def _is_expanded(parts: list[Part], value: bool) -> bool:
    """Whether literal parts have an active glob character or tilde."""
    shape = "".join('"' if part.quoted else part.text for part in parts if type(part) is Lit)
    if _GLOB(shape) is not None or shape.startswith("~"):
        return True
    return ":~" in shape if value else _TILDE_OF_ASSIGNMENT(shape) is not None
