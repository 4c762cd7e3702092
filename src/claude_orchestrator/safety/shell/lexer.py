"""Tokens of a command line, with redirections and the bodies of here-documents."""

from __future__ import annotations

import re

from claude_orchestrator.safety.shell.expansions import MAX_TEXTS, JoinLines
from claude_orchestrator.safety.shell.literal import PLAIN_WORD
from claude_orchestrator.safety.shell.nodes import Lit, Redirect, Script, ShellSyntaxError, Word
from claude_orchestrator.safety.shell.quoting import Offsets, relocate
from claude_orchestrator.safety.shell.words import WordReader

PLAIN, SINGLE, DOUBLE, REDIRECT, OPERATOR, NEWLINE, END, SLOW = range(1, 9)

_WORD_END = r"(?=[\ \t\n;&|()]|\Z|[<>](?!\()|\\\n[\ \t\n])"
TOKEN = re.compile(
    rf"""[\ \t]*+(?:\\\n[\ \t]*+)*+(?:\#[^\n]*+)?(?:
    ((?:{PLAIN_WORD}|\[\[?|\{{\}}|[{{}}]){_WORD_END})
    |('[^']*+'){_WORD_END}
    |("[^"$`\\]*+"){_WORD_END}
    |((?:[0-9]{{1,9}}|\{{[A-Za-z_][A-Za-z0-9_]*\}})?(?:<<<|<<-|<<|<&|<>|<(?!\()|>>|>&|>\||>(?!\())|&>>|&>)
    |(\|\||\|&|&&|;;&|;;|;&|[|&;()])
    |(\n(?:[\ \t]*+(?:\#[^\n]*+)?\n)*+)
    |(\Z)
    |()
    )""",
    re.VERBOSE,
).match
_OPERATORS = frozenset([OPERATOR, REDIRECT])
_BLANKS = re.compile(r"[ \t]*+(?:\\\n[ \t]*+)*+").match
_DELIMITER = re.compile(r"""(?:([^ \t\n;&|<>()$`'"\\]++)|'([^'\n]*+)'|"([^"$`\\\n]*+)"|\\([^\n]))""").match
_JOINED_OPERATOR = re.compile(r"(?:\\\n)+[&|;<>(-]").match
_CONTINUED = re.compile(r"(?<!\\)\\++\n\Z").search


class _HereDocument:
    """A here-document whose body has yet to come."""

    __slots__ = ("delimiter", "quoted", "redirect")

    def __init__(self, redirect: Redirect, delimiter: str, quoted: bool) -> None:
        self.redirect = redirect
        self.delimiter = delimiter
        self.quoted = quoted


class TokenReader(WordReader):
    """Moves over ``source`` token by token.

    ``kind``, ``text``, ``start`` and ``pos`` (its end) are of the current one, ``last`` is the end of the one before.
    ``opened`` is the start of the token that a substitution began with.
    A token of kind SLOW only says that a word begins at ``start``: who knows what kind of word is due reads it.
    """

    __slots__ = ("kind", "last", "opened", "pending", "pos", "start", "substituted", "text")

    def __init__(self, source: str, depth: int = 0, texts: int = 0) -> None:
        self.source = source
        self.depth = depth
        self.texts = texts
        self.cost = 0
        self.pending: list[_HereDocument] = []
        self.substituted = False
        self.pos = self.start = self.last = 0
        self.opened = -1
        self.kind = NEWLINE
        self.text = ""

    def advance(self) -> None:
        """Go to the next token; behind a newline the bodies of here-documents are read first."""
        self.last = self.pos
        found = TOKEN(self.source, self.pos)
        assert found is not None
        kind = found.lastindex
        assert kind is not None
        self.kind = kind
        self.text = found[kind]
        self.start, self.pos = found.span(kind)
        if kind == NEWLINE:
            if self.pending:
                self.read_bodies(self.start + 1)
        elif kind in _OPERATORS and self.source.startswith("\\\n", self.pos):
            self.check_joined()

    def check_joined(self) -> None:
        """Refuse to read an operator that goes on behind a line continuation."""
        if _JOINED_OPERATOR(self.source, self.pos):
            raise JoinLines(self.pos)

    def unexpected(self) -> ShellSyntaxError:
        """The error for the current token."""
        if self.kind == END:
            return ShellSyntaxError("unexpected end", self.start)
        shown = "\n" if self.kind == NEWLINE else self.text or self.source[self.start : self.start + 10]
        return ShellSyntaxError(f"unexpected {shown!r}", self.start)

    def skip_newlines(self) -> None:
        """Go to the next token that is no newline."""
        while self.kind == NEWLINE:
            self.advance()

    def take_word(self, brace: bool = True) -> Word:
        """The word at the current token, which is left behind."""
        kind = self.kind
        text = self.text
        if kind == PLAIN:
            word = Word(text, (Lit(text),), self.start, self.pos)
        elif kind == SINGLE or kind == DOUBLE:  # noqa: PLR1714, SIM109  (quicker)
            text = text[1:-1]
            word = Word(text, (Lit(text, True),), self.start, self.pos, True)
        elif kind == SLOW:
            word = self.read_word(self.start, brace)
            self.pos = word.end
        else:
            raise self.unexpected()
        self.advance()
        return word

    def take_redirects(self) -> tuple[Redirect, ...]:
        """The redirections from the current token on."""
        if self.kind != REDIRECT:
            return ()
        redirects = []
        while self.kind == REDIRECT:
            redirects.append(self.take_redirect())
        return tuple(redirects)

    def take_redirect(self) -> Redirect:
        """The redirection at the current token, which is left behind."""
        text = self.text
        start = self.start
        self.charge(2, start)
        fd, operator = "", text
        if text[0] == "{":
            fd, _, operator = text.partition("}")
            fd += "}"
        elif "0" <= text[0] <= "9":
            operator = text.lstrip("0123456789")
            fd = text[: -len(operator)]
        if operator == "<<" or operator == "<<-":  # noqa: PLR1714  (quicker)
            return self._take_here_document(operator, fd, start)
        self.advance()
        target = self.take_word(operator != "<<<")
        return Redirect(operator, fd, target, start, target.end)

    def _take_here_document(self, operator: str, fd: str, start: int) -> Redirect:
        source = self.source
        self.charge(4, start)
        blanks = _BLANKS(source, self.pos)
        assert blanks is not None
        first = i = blanks.end()
        pieces: list[str] = []
        quoted = False
        while (found := _DELIMITER(source, i)) is not None:
            kind = found.lastindex
            assert kind is not None
            quoted = quoted or kind > 1
            pieces.append(found[kind])
            i = found.end()
        if i == first or source[first] == "#" or source[i : i + 1] not in " \t\n;&|<>()":
            self.fail("unsupported delimiter of a here-document", i)
        self.pos = i
        redirect = Redirect(operator, fd, Word("", (), i, i), start, i)
        self.pending.append(_HereDocument(redirect, "".join(pieces), quoted))
        self.advance()
        return redirect

    def read_bodies(self, position: int) -> None:
        """Read the bodies that begin at ``position``, where a line begins; ``pos`` gets behind them."""
        self.pos = position
        pending, self.pending = self.pending, []
        for document in pending:
            self._read_body(document)

    def _read_body(self, document: _HereDocument) -> None:
        source = self.source
        start = self.pos
        strip = document.redirect.op == "<<-"
        delimiter = document.delimiter
        offsets = Offsets(start)
        pieces: list[str] = []
        length = 0
        changed = False
        i = start
        while i < len(source):
            line_start = i
            line, i = self._line(i)
            if strip and line.startswith("\t"):
                stripped = line.lstrip("\t")
                offsets.omit(length, len(line) - len(stripped))
                line, changed = stripped, True
            if not document.quoted and line.endswith("\\\n"):
                joined = []
                before = length
                while _goes_on(line) and i < len(source):
                    joined.append(line[:-2])
                    before += len(line) - 2
                    offsets.omit(before, 2)
                    line, i = self._line(i)
                    changed = True
                line = "".join([*joined, line])
            bare = line.removesuffix("\n")
            if bare == delimiter:
                self.pos = i
                self._set_body(document, pieces, start, line_start, offsets if changed else None)
                return
            if self.substituted and bare.startswith(delimiter) and ")" in bare:
                raise ShellSyntaxError("unsupported end of a here-document", line_start)
            pieces.append(line)
            length += len(line)
        raise ShellSyntaxError("a here-document without its end", document.redirect.start)

    def _line(self, i: int) -> tuple[str, int]:
        """The line at ``i`` with its newline, and the offset of the next one."""
        end = self.source.find("\n", i) + 1 or len(self.source)
        return self.source[i:end], end

    def _set_body(
        self, document: _HereDocument, pieces: list[str], start: int, end: int, changes: Offsets | None
    ) -> None:
        text = "".join(pieces)
        if document.quoted or not ("$" in text or "`" in text or "\\" in text):
            document.redirect.target = Word(text, (Lit(text, True),) if text else (), start, end, document.quoted)
            return
        if self.texts >= MAX_TEXTS:
            raise ShellSyntaxError("nested too deeply", start)
        self.charge(8, start)
        try:
            body = self.body_of_text(text)
        except (ShellSyntaxError, JoinLines) as error:
            raise ShellSyntaxError(f"here-document: {error}", start) from None
        relocate(body.parts, changes or Offsets(start))
        body.start, body.end = start, end
        document.redirect.target = body

    def body_of_text(self, text: str) -> Word:
        """The body of a here-document as a word."""
        reader = type(self)(text, self.depth + 1, self.texts + 1)
        parts = tuple(reader.read_body())
        literal = "".join(part.text for part in parts if type(part) is Lit)
        return Word(literal if all(type(part) is Lit for part in parts) else None, parts, 0, len(text))

    def script(self) -> Script:
        """The commands up to a token that ends them, which becomes the current one."""
        raise NotImplementedError

    def script_until_parenthesis(self, position: int, start: int) -> tuple[Script, int]:
        """The script of a substitution and the offset behind its parenthesis."""
        self.enter(position)
        pending, self.pending = self.pending, []
        substituted, self.substituted = self.substituted, True
        newlines_forbidden = bool(pending)
        self.pos = position
        self.advance()
        self.opened = self.start
        script = self.script()
        if self.kind != OPERATOR or self.text != ")":
            raise ShellSyntaxError("unterminated substitution", start) if self.kind == END else self.unexpected()
        if self.pending or (newlines_forbidden and "\n" in self.source[position : self.pos]):
            raise ShellSyntaxError("unsupported here-document around a substitution", start)
        self.pending = pending
        self.substituted = substituted
        self.depth -= 1
        return script, self.pos


def _goes_on(line: str) -> bool:
    """Whether a line continuation ends the line."""
    found = _CONTINUED(line)
    return found is not None and len(found[0]) % 2 == 0
