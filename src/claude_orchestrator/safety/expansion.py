"""What the words of a command become: parameters, substitutions, braces, tildes, globs and field splitting.

The result is text with marks (:mod:`~claude_orchestrator.safety.values`) wherever it is not known from the operation
alone. Raises :class:`~claude_orchestrator.safety.scope.Fork` where a value is one of several.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from claude_orchestrator.safety.arithmetic import arithmetic_names
from claude_orchestrator.safety.editing import edited
from claude_orchestrator.safety.scope import Fork, Limit, dangerous_name
from claude_orchestrator.safety.shell.nodes import Arith, Brace, CommandSub, Lit, Param, Part, ProcessSub, Word
from claude_orchestrator.safety.values import NUM, ONE, SOME, SPLIT, STAR, UNK, known, taints

if TYPE_CHECKING:
    from claude_orchestrator.safety.walk import Walk

_MOST_FIELDS = 2000
_MOST_TEXT = 100_000
_MOST_WORK = 100_000
"""Comparisons of characters that one pattern may take; what takes more is not known."""

_BRACKETS = re.compile(r"\[(?:\[:\w+:\]|[^\]/])[^\]/]*\]")
_ACTIVE = re.compile(r"[*?\[]")
_GLOBS = str.maketrans({"*": STAR, "?": ONE})
_TILDE = re.compile(r"~([\w.+-]*)(?=/|$)")
_UNQUOTED_UNKNOWN = re.compile("[\U000f0005-\U000f0009]")
_HIDDEN = re.compile(
    "[\r\u00a0\u00ad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f\u2000-\u200f\u2028-\u202f\u205f-\u206f"
    "\u3000\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U000e0000-\U000e0fff]"
)


def globbed(text: str) -> str:
    """Unquoted text with its active glob characters marked."""
    if not _ACTIVE.search(text):
        return text
    if "[" in text:
        text = _BRACKETS.sub(SOME, text)
    return text.translate(_GLOBS)


def _tilde(walk: Walk, text: str) -> str:
    match = _TILDE.match(text)
    if match is None:
        return text
    user = match.group(1)
    if not user:
        home = walk.state.lookup("HOME", walk.place.home)
    elif user == "+":
        home = walk.state.lookup("PWD", walk.place.home)
    elif user == "-":
        home = walk.state.lookup("OLDPWD", walk.place.home)
    elif user == "root":
        home = "/root"
    else:
        home = "/home/" + user
    return home + text[match.end() :]


def fields(walk: Walk, words: Sequence[Word]) -> list[str]:
    """The arguments that words become."""
    out: list[str] = []
    for word in words:
        literal = word.literal
        if literal is not None and not walk.suspicious:
            out.append(literal if "~" not in literal or word.quoted else _late_tilde(walk, literal))
        else:
            walk.marks = True
            _fields(walk, word, out)
    return out


_LATE = re.compile(r"([A-Za-z_-][\w-]*\+?=(?:.*:)?)(~.*)", re.DOTALL)


def _late_tilde(walk: Walk, text: str) -> str:
    """A tilde after ``name=``: bash expands it in arguments, too (and after ``--option=`` a program may)."""
    match = _LATE.match(text)
    return match[1] + _tilde(walk, match[2]) if match else text


def _hidden(walk: Walk, parts: Sequence[Part]) -> None:
    for part in parts:
        if part.__class__ is Lit and not part.quoted and _HIDDEN.search(part.text):
            walk.emit("A12", "has a hidden or look-alike character outside quotes")


def _fields(walk: Walk, word: Word, out: list[str]) -> None:
    if walk.suspicious:
        _hidden(walk, word.parts)
        if word.literal is not None:
            out.append(word.literal)
            return
    for parts in _braces(word.parts):
        _expand(walk, parts, out)
    if len(out) > _MOST_FIELDS:
        raise Limit


def _braces(parts: Sequence[Part]) -> list[Sequence[Part]]:
    """The words that brace expansion makes, each a list of parts."""
    for position, part in enumerate(parts):
        if part.__class__ is Brace:
            head, tails = list(parts[:position]), _braces(parts[position + 1 :])
            found: list[Sequence[Part]] = []
            for alternative in part.alternatives:
                found.extend([*head, *middle, *tail] for middle in _braces(alternative) for tail in tails)
                if len(found) > _MOST_FIELDS:
                    raise Limit
            return found
    return [parts]


def _expand(walk: Walk, parts: Sequence[Part], out: list[str]) -> None:
    current: str | None = None
    for position, part in enumerate(parts):
        kind = part.__class__
        if kind is Lit:
            text = part.text  # type: ignore[union-attr]
            if not part.quoted:  # type: ignore[union-attr]
                if position == 0 and "~" in text:
                    text = _tilde(walk, text) if text[0] == "~" else _late_tilde(walk, text)
                text = globbed(text)
            current = text if current is None else current + text
            continue
        if (kind is Param and part.name == "@") or (kind is Param and part.index is not None):  # type: ignore[union-attr]
            several = _several(walk, part)  # type: ignore[arg-type]
            if several is not None:
                for index, value in enumerate(several):
                    if index:
                        out.append(current or "")
                        current = None
                    piece = value if part.quoted else _unquoted(value)  # type: ignore[union-attr]
                    current = piece if current is None else current + piece
                continue
        value = value_of(walk, part)
        if kind is ProcessSub or part.quoted:  # type: ignore[union-attr]
            current = value if current is None else current + value
            if len(current) > _MOST_TEXT:
                raise Limit
            continue
        current = _split(_unquoted(value), current, out)
    if current is not None:
        out.append(current)


def _unquoted(value: str) -> str:
    """A value as it is seen without quotes: globs are active, unknown text may fall into several fields."""
    if not value.isascii():
        value = _UNQUOTED_UNKNOWN.sub(lambda found: found[0] + SPLIT if found[0] != UNK else SPLIT, value)
    return globbed(value)


def _split(value: str, current: str | None, out: list[str]) -> str | None:
    """Split an unquoted value into fields that are appended; returns the field that is still open."""
    pieces = value.split()
    if not pieces:
        if value and current is not None:
            out.append(current)
            return None
        return current
    if value[0].isspace() and current is not None:
        out.append(current)
        current = None
    pieces[0] = pieces[0] if current is None else current + pieces[0]
    if value[-1].isspace():
        out.extend(pieces)
        return None
    out.extend(pieces[:-1])
    return pieces[-1]


def _several(walk: Walk, part: Param) -> list[str] | None:
    """The values of ``$@`` or ``${array[@]}``; None where it is one value like any other."""
    if part.op or part.length or part.indirect:
        return None
    if part.name == "@":
        return [UNK if part.quoted else SPLIT] if walk.state.args is None else walk.state.args
    if part.index is None or part.index.literal not in ("@", "*"):
        return None
    value = walk.state.vars.get(part.name)
    if value.__class__ is list:
        return value
    return None


def text(walk: Walk, word: Word) -> str:
    """A word as one text: in an assignment, a here-document, a test or after ``<<<`` nothing is split or globbed."""
    if walk.suspicious:
        _hidden(walk, word.parts)
    if word.literal is not None:
        return word.literal
    out = ""
    for position, part in enumerate(word.parts):
        if part.__class__ is Lit:
            piece = part.text
            if not part.quoted and position == 0 and piece[:1] == "~":
                piece = _tilde(walk, piece)
            out += piece
        elif part.__class__ is Brace:
            out += UNK
        else:
            out += value_of(walk, part)
        if len(out) > _MOST_TEXT:
            raise Limit
    return out


def value_of(walk: Walk, part: Part) -> str:
    """The value of an expansion, as it is in double quotes."""
    kind = part.__class__
    if kind is Param:
        return parameter(walk, part)  # type: ignore[arg-type]
    if kind is CommandSub:
        return walk.substitute(part.script)  # type: ignore[union-attr]
    if kind is Arith:
        return arithmetic(walk, part.text, part.word)  # type: ignore[union-attr]
    if kind is ProcessSub:
        return walk.process(part)  # type: ignore[arg-type]
    return UNK


def _base(walk: Walk, part: Param) -> str:
    """The plain value of the parameter itself."""
    name, state = part.name, walk.state
    if part.index is not None:
        return _element(walk, part)
    if name in ("@", "*"):
        return UNK if state.args is None else " ".join(state.args)
    if name == "#" and state.args is not None:
        return str(len(state.args))
    value = state.lookup(name, walk.place.home)
    if name not in state.vars and not value.isascii() and taints(value):
        walk.emit("A5", f"reads the secret variable {name}")
    return value


def _element(walk: Walk, part: Param) -> str:
    assert part.index is not None
    index = part.index.literal
    values = walk.state.vars.get(part.name)
    if index in ("@", "*"):
        if values.__class__ is list:
            return " ".join(values)
        return walk.state.lookup(part.name, walk.place.home)
    subscript = text(walk, part.index)
    if not known(subscript) or not subscript.isdigit():
        if not isinstance(values, dict):
            arithmetic_names(walk, subscript)
        return UNK + taints("".join(values)) if values.__class__ is list else UNK
    if values.__class__ is list:
        return values[int(subscript)] if int(subscript) < len(values) else ""
    return walk.state.lookup(part.name, walk.place.home)


def parameter(walk: Walk, part: Param) -> str:  # noqa: PLR0911  (one return a form)
    """The value of ``$name`` or ``${name…}``."""
    op = part.op
    if part.indirect:
        return _indirect(walk, part)
    if not op:
        value = _base(walk, part)
        if part.length:
            return str(len(value)) if known(value) else NUM
        return value
    if op in (":-", "-", ":=", "=", ":+", "+"):
        return _default(walk, part)
    value = _base(walk, part)
    if op in (":?", "?"):
        if part.word is not None:
            text(walk, part.word)
        return value
    if op == "@":
        letter = part.word.literal if part.word is not None else None
        if letter in ("U", "L", "u", "Q", "A", "a", "K", "k"):
            return UNK + taints(value)
        walk.emit("A0", f"expands ${{{part.name}@{letter}}}, which can run commands")
        return UNK + taints(value)
    if op == ":":
        return _substring(walk, part, value)
    return _edited(walk, part, value)


def _indirect(walk: Walk, part: Param) -> str:
    if part.op or part.index is not None or part.name.endswith(("*", "@")):
        return UNK
    name = walk.state.lookup(part.name, walk.place.home)
    if known(name) and name.isidentifier():
        return walk.state.lookup(name, walk.place.home)
    walk.emit("A0", f"uses a variable whose name is not known (${{!{part.name}}})")
    return UNK


def _default(walk: Walk, part: Param) -> str:
    """``${name:-word}`` and its kin: one or the other, both where the variable is not known."""
    assert part.word is not None
    op = part.op[-1]
    chosen = walk.state.vars.get(part)
    if chosen is not None:
        return str(chosen)
    set_here = part.name in walk.state.vars
    value = _base(walk, part)
    other = text(walk, part.word)
    if op == "+":
        if set_here and known(value):
            return other if value else ""
        raise Fork(part, (other, ""))
    if op == "=" and dangerous_name(part.name):
        walk.emit("A10", f"sets {part.name}")
    if known(value) and (value or (set_here and part.op[0] != ":")):
        return value
    if known(value) and (set_here or part.name.isdigit()):
        result = other
    else:
        result = UNK + taints(value)
        if op == "=":
            walk.state.vars[part.name] = (other, result)
        raise Fork(part, (other, result))
    if op == "=":
        walk.state.vars[part.name] = result
    return result


def _substring(walk: Walk, part: Param, value: str) -> str:
    """``${name:offset:length}``."""
    expression = text(walk, part.word) if part.word is not None else ""
    offset, _, length = expression.partition(":")
    try:
        start = int(offset.strip(" ()"))
        stop = int(length.strip(" ()")) if length.strip() else None
    except ValueError:
        arithmetic_names(walk, expression)
        return UNK + taints(value)
    if not known(value) or part.name in ("@", "*"):
        return UNK + taints(value)
    if start < 0:
        start = max(len(value) + start, 0)
    if stop is None:
        return value[start:]
    return value[start : start + stop] if stop >= 0 else value[start:stop]


def _edited(walk: Walk, part: Param, value: str) -> str:
    """``#`` ``%`` ``/`` ``^`` ``,``: computed where everything is literal."""
    pattern = text(walk, part.word) if part.word is not None else ""
    replacement = text(walk, part.replacement) if part.replacement is not None else ""
    if not known(value):
        return UNK + taints(value + replacement)
    work = (len(value) + 1) ** (pattern.count("*") + 1)
    walk.effort(min(work, _MOST_WORK) // 2000)
    if work > _MOST_WORK or not (known(pattern) and known(replacement)) or "[" in pattern or "(" in pattern:
        return UNK + taints(value + pattern + replacement)
    return edited(value, part.op, pattern, replacement)


def arithmetic(walk: Walk, source: str, word: Word | None) -> str:
    """Judge an arithmetic expression (S7: only numbers and variables that hold them) and give its value: a number."""
    expression = source
    if word is not None and (word.literal is None or walk.suspicious):
        expression = text(walk, word)
    arithmetic_names(walk, expression)
    if expression.strip().isdigit():
        return expression.strip()
    return NUM
