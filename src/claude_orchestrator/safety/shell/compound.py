"""Compound commands: loops, conditions, groups, functions, ``[[`` and ``((``."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.shell.lexer import NEWLINE, OPERATOR, PLAIN, REDIRECT, SLOW, TokenReader
from claude_orchestrator.safety.shell.nodes import (
    Arith,
    ArithCommand,
    ArithFor,
    Case,
    Command,
    Compound,
    For,
    Function,
    If,
    Lit,
    Script,
    ShellSyntaxError,
    Test,
    While,
    Word,
)

if TYPE_CHECKING:
    from collections.abc import Callable

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*").fullmatch
_FUNCTION_NAME = re.compile(r"[^=]+").fullmatch
_OPEN = re.compile(r"[ \t]*+(?:\\\n[ \t]*+)*+").match
_EQUALS = re.compile(r"=[=~]?(?=[ \t\n])").match
_UNARY = frozenset(f"-{letter}" for letter in "abcdefghknoprstuvwxzGLNORS")
_BINARY = frozenset(["=", "==", "!=", "=~", "-eq", "-ne", "-lt", "-le", "-gt", "-ge", "-nt", "-ot", "-ef"])


class CompoundReader(TokenReader):
    """Reads compound commands; the current token is their first, and afterwards the one behind them."""

    __slots__ = ()

    def script_of(self) -> Script:
        """Like ``script``, but there must be a command."""
        script = self.script()
        if not script.items:
            raise self.unexpected()
        return script

    def expect(self, *texts: str) -> str:
        """Leave a reserved word or an operator behind, which must be one of ``texts``."""
        text = self.text
        if (self.kind != PLAIN and self.kind != OPERATOR) or text not in texts:  # noqa: PLR1714  (quicker)
            raise self.unexpected()
        self.advance()
        return text

    def read_group(self) -> Command:
        """``{ body; }``."""
        self.enter(self.start)
        self.advance()
        body = self.script_of()
        self.expect("}")
        self.depth -= 1
        return Compound("group", body, self.take_redirects())

    def read_parenthesis(self) -> Command:
        """``( body )`` or ``(( expression ))``."""
        if self.source.startswith("(", self.pos):
            begin = self.start
            expression = self._arithmetic(self.pos + 1, "))", begin)
            self.advance()
            return ArithCommand(expression, self.take_redirects())
        self.enter(self.start)
        self.advance()
        body = self.script_of()
        self.expect(")")
        self.depth -= 1
        return Compound("subshell", body, self.take_redirects())

    def _arithmetic(self, position: int, close: str, start: int) -> Arith:
        """The expression at ``position``; ``pos`` is behind what ends it."""
        text, word, self.pos = self.read_arithmetic(position, close)
        return Arith(text, word, True, start, self.pos)

    def read_if(self) -> Command:
        """``if`` to ``fi``."""
        self.enter(self.start)
        branches = []
        otherwise = None
        keyword = "if"
        while keyword != "fi":
            self.expect(keyword)
            if keyword == "else":
                otherwise = self.script_of()
                keyword = self.expected("fi")
                continue
            condition = self.script_of()
            self.expect("then")
            branches.append((condition, self.script_of()))
            keyword = self.expected("elif", "else", "fi")
        self.advance()
        self.depth -= 1
        return If(tuple(branches), otherwise, self.take_redirects())

    def expected(self, *texts: str) -> str:
        """The reserved word at the current token, which must be one of ``texts``."""
        if self.kind != PLAIN or self.text not in texts:
            raise self.unexpected()
        return self.text

    def read_while(self) -> Command:
        """``while`` or ``until``."""
        kind = self.text
        self.enter(self.start)
        self.advance()
        condition = self.script_of()
        body = self._read_do()
        self.depth -= 1
        return While(kind, condition, body, self.take_redirects())

    def _read_do(self) -> Script:
        """A loop's body, ``do`` to ``done``."""
        self.expect("do")
        body = self.script_of()
        self.expect("done")
        return body

    def _read_loop_body(self) -> Script:
        """The body of ``for`` and ``select``, which may be a group."""
        if self.kind == PLAIN and self.text == "{":
            self.advance()
            body = self.script_of()
            self.expect("}")
            return body
        return self._read_do()

    def read_for(self) -> Command:
        """``for`` or ``select``."""
        kind = self.text
        self.enter(self.start)
        self.advance()
        if kind == "for" and self.kind == OPERATOR and self.text == "(" and self.source.startswith("(", self.pos):
            return self._read_arithmetic_for()
        name = self.text
        if self.kind != PLAIN or not _NAME(name):
            raise self.unexpected()
        self.advance()
        words: tuple[Word, ...] | None = None
        if self.kind == OPERATOR and self.text == ";":
            self.advance()
            self.skip_newlines()
        else:
            self.skip_newlines()
            if self.kind == PLAIN and self.text == "in":
                self.advance()
                words = self._words_of_loop()
        body = self._read_loop_body()
        self.depth -= 1
        return For(kind, name, words, body, self.take_redirects())

    def _words_of_loop(self) -> tuple[Word, ...]:
        words = []
        while self.kind != NEWLINE and not (self.kind == OPERATOR and self.text == ";"):
            words.append(self.take_word())
            self.charge(1, self.start)
        self.advance()
        self.skip_newlines()
        return tuple(words)

    def _read_arithmetic_for(self) -> Command:
        begin = position = self.pos + 1
        expressions = []
        for close in (";", ";", "))"):
            expression = self._arithmetic(position, close, position)
            position = self.pos
            if close == ";":
                if not self.source.startswith(";", position - 1):
                    raise ShellSyntaxError("three expressions are expected", begin)
                expression.end -= 1
            elif ";" in expression.text:
                raise ShellSyntaxError("three expressions are expected", begin)
            else:
                expression.end -= 2
            expressions.append(expression)
        self.advance()
        if self.kind == OPERATOR and self.text == ";":
            self.advance()
        self.skip_newlines()
        body = self._read_loop_body()
        self.depth -= 1
        return ArithFor(tuple(expressions), body, self.take_redirects())

    def read_case(self) -> Command:
        """``case`` to ``esac``."""
        self.enter(self.start)
        self.advance()
        word = self.take_word(False)
        self.skip_newlines()
        self.expect("in")
        self.skip_newlines()
        clauses = []
        while not (self.kind == PLAIN and self.text == "esac"):
            patterns = self._patterns()
            body = self.script()
            clauses.append((patterns, body))
            if self.kind == OPERATOR and self.text in {";;", ";&", ";;&"}:
                self.advance()
                self.skip_newlines()
            else:
                self.expected("esac")
        self.advance()
        self.depth -= 1
        return Case(word, tuple(clauses), self.take_redirects())

    def _patterns(self) -> tuple[Word, ...]:
        if self.kind == OPERATOR and self.text == "(":
            self.advance()
        patterns = [self.take_word(False)]
        while self.expect("|", ")") == "|":
            patterns.append(self.take_word(False))
        return tuple(patterns)

    def read_function(self) -> Command:
        """``function name [()] body``."""
        start = self.start
        self.advance()
        name = self.text
        if self.kind != PLAIN:
            raise self.unexpected()
        self.advance()
        if self.kind == OPERATOR and self.text == "(" and not self.source.startswith("(", self.pos):
            blanks = _OPEN(self.source, self.pos)
            assert blanks is not None
            if self.source.startswith(")", blanks.end()):
                self.advance()
                self.advance()
        return self.read_function_body(name, start)

    def read_function_body(self, name: str, start: int) -> Command:
        """The rest of a function whose head has been read."""
        if not _FUNCTION_NAME(name):
            raise ShellSyntaxError("unsupported name of a function", start)
        self.enter(start)
        self.skip_newlines()
        reader = self.compound_at()
        if reader is None or (self.kind == PLAIN and self.text == "function"):
            raise self.unexpected()
        body = reader()
        self.depth -= 1
        return Function(name, body, start, self.last)

    def compound_at(self) -> Callable[[], Command] | None:
        """What reads the compound command at the current token, or None when there is none."""
        raise NotImplementedError

    def read_test(self) -> Command:
        """``[[`` to ``]]``."""
        words: list[Word] = []
        opened = 0
        self.advance()
        while True:
            opened += self._read_operands_prefix(words)
            self._read_operand_of_test(words)
            self.skip_newlines()
            while self.kind == OPERATOR and self.text == ")" and opened:
                opened -= 1
                words.append(self._operator_word())
                self.skip_newlines()
            if self.kind == OPERATOR and self.text in {"&&", "||"}:
                words.append(self._operator_word())
                continue
            if opened or self.kind != PLAIN or self.text != "]]":
                raise self.unexpected()
            self.advance()
            return Test(tuple(words), self.take_redirects())

    def _read_operands_prefix(self, words: list[Word]) -> int:
        """Negations and opening parentheses; how many of the latter."""
        opened = 0
        while True:
            self.skip_newlines()
            if self.kind == OPERATOR and self.text == "(":
                opened += 1
            elif self.kind != PLAIN or self.text != "!":
                return opened
            words.append(self._operator_word())

    def _operator_word(self) -> Word:
        self.charge(1, self.start)
        word = Word(self.text, (Lit(self.text),), self.start, self.pos)
        self.advance()
        return word

    def _read_operand_of_test(self, words: list[Word]) -> None:
        first = self._word_of_test()
        words.append(first)
        if not first.quoted and first.literal in _UNARY:
            words.append(self._word_of_test())
            return
        text = self.text
        if self.kind == SLOW:
            text = self._equals_operator()
        if not (text in _BINARY if self.kind != REDIRECT else text in {"<", ">"}):
            return
        words.append(Word(text, (Lit(text),), self.start, self.pos))
        if text in {"=~", "=", "==", "!="}:
            words.append(self._pattern_of_test(text == "=~"))
        else:
            self.advance()
            words.append(self._word_of_test())

    def _equals_operator(self) -> str:
        """The operator of ``[[`` at a slow word, which the token becomes; empty when it is none."""
        found = _EQUALS(self.source, self.start)
        if found is None:
            return ""
        self.pos = found.end()
        return found[0]

    def _word_of_test(self) -> Word:
        if self.kind == PLAIN and self.text in {"]]", "!"}:
            raise self.unexpected()
        return self.take_word(False)

    def _pattern_of_test(self, regex: bool) -> Word:
        """A right side, where parentheses belong to the word."""
        blanks = _OPEN(self.source, self.pos)
        assert blanks is not None
        word = self.read_pattern(blanks.end(), regex)
        if not word.quoted and word.literal == "]]":
            raise ShellSyntaxError("unexpected ']]'", word.start)
        self.pos = word.end
        self.advance()
        return word
