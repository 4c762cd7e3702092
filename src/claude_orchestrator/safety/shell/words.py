"""Words of a command line. Commands are read in `parser.py`, what expands inside words in `expansions.py`."""

from __future__ import annotations

import re

from claude_orchestrator.safety.shell.braces import expand_braces
from claude_orchestrator.safety.shell.expansions import BARE, ExpansionReader, make_word
from claude_orchestrator.safety.shell.nodes import Lit, Param, Part, ProcessSub, ShellSyntaxError, Word

_PIECE = re.compile(
    r"""([^ \t\n;&|<>()$`'"\\]++)
    |'([^']*+)'
    |"([^"$`\\]*+)"
    |"\$([A-Za-z_][A-Za-z0-9_]*+)"
    |\$([A-Za-z_][A-Za-z0-9_]*+)(?!\\)
    |(")
    |((?:\\[^\n])++)
    |(\$)
    |(`)
    |([<>])\(
    """,
    re.VERBOSE,
).match
_LATE_DESCRIPTOR = re.compile(r"[0-9]+|\{.*\}", re.DOTALL).fullmatch


class WordReader(ExpansionReader):
    """Reads whole words."""

    __slots__ = ()

    def read_word(self, start: int, brace: bool = True, value: bool = False) -> Word:
        """The word at ``start``. ``brace``: bash expands braces there; ``value``: it is an assignment's value."""
        source = self.source
        parts: list[Part] = []
        end, quoted = self._read_pieces(start, parts)
        self.charge(1 + len(parts), end)
        self._check_end_of_word(start, end)
        if brace and source.find("{", start, end) >= 0:
            parts, members = expand_braces(parts, source, start)
            self.charge(members // 4, end)
        return make_word(parts, start, end, quoted, value, source)

    def read_pattern(self, start: int, regex: bool) -> Word:
        """The right side of ``==`` or (``regex``) ``=~`` inside ``[[``, where parentheses are part of the word."""
        source = self.source
        parts: list[Part] = []
        opened = 0
        i = start
        quoted = False
        while True:
            i, some_quoted = self._read_pieces(i, parts)
            quoted = quoted or some_quoted
            char = source[i : i + 1]
            if char == "(" and (regex or opened or source[i - 1] in "?*+@!"):
                opened += 1
            elif char == ")" and opened:
                opened -= 1
            elif not (char == "|" and regex) and (not opened or char not in {"|", " ", "\t", ";", "&", "<", ">"}):
                break
            parts.append(Lit(char))
            i += 1
        self._check_end_of_word(start, i)
        self.charge(len(parts), i)
        if opened or source.startswith("#", start):
            raise ShellSyntaxError("unsupported pattern", start)
        return make_word(parts, start, i, quoted, False, source)

    def _read_pieces(self, i: int, parts: list[Part]) -> tuple[int, bool]:
        """The pieces of an unquoted word from ``i`` on; where they end, and whether one is quoted."""
        source = self.source
        quoted = False
        while (found := _PIECE(source, i)) is not None:
            kind = found.lastindex
            i = found.end()
            if kind == 1:
                parts.append(Lit(found[1]))
            elif kind == 2 or kind == 3:  # noqa: PLR1714  (quicker)
                parts.append(Lit(found[kind], True))
                quoted = True
            elif kind == 4:
                parts.append(Param(found[4], True, i - 2 - len(found[4]), i - 1))
                quoted = True
            elif kind == 5:
                parts.append(Param(found[5], False, found.start(), i))
            elif kind == 6:
                quoted = True
                i = self.read_quotes(i, parts)
            elif kind == 7:
                quoted = True
                parts.append(Lit(found[7][1::2], True))
            elif kind == 8:
                quoted = quoted or source.startswith(("'", '"'), i)
                i = self.read_dollar(i - 1, parts, BARE)
            elif kind == 9:
                i = self.read_backquotes(i - 1, parts, BARE)
            else:
                if source.startswith("(", i):
                    # Bash looks for the end of it as if it were arithmetic.
                    raise ShellSyntaxError("unsupported process substitution", i)
                script, end = self.script_until_parenthesis(i, i - 2)
                parts.append(ProcessSub(found[10], script, i - 2, end))
                i = end
        return i, quoted

    def _check_end_of_word(self, start: int, i: int) -> None:
        source = self.source
        if i == len(source):
            if i == start:
                raise ShellSyntaxError("a word is missing", i)
            return
        char = source[i]
        if char == "\\":
            if i == start or not source.startswith(("\\\n ", "\\\n\t", "\\\n\n"), i):
                self.fail("a backslash at the end", i)
        elif char == "'":
            raise ShellSyntaxError("unterminated quote", i)
        elif i == start:
            raise ShellSyntaxError(f"unexpected {char!r}", i)
        elif char in "<>" and _LATE_DESCRIPTOR(source, start, i):
            raise ShellSyntaxError("unsupported file descriptor", start)
