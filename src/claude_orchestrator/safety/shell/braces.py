"""Brace expansion, exactly as bash finds it: where a brace opens one, which alternatives it has."""

from __future__ import annotations

import re

from claude_orchestrator.safety.shell.nodes import Arith, Brace, CommandSub, Lit, Param, Part, ShellSyntaxError

MAX_ITEMS = 256
MAX_BRACES = 24
MAX_MEMBERS = 1000

_ITEM = re.compile(r"[{},]|\.\.|\.|[^{},.]+").findall
_NUMBERS = r"([+-]?[0-9]{1,15})\.\.([+-]?[0-9]{1,15})(?:\.\.([+-]?[0-9]{1,9}))?"
_LETTERS = r"([A-Za-z])\.\.([A-Za-z])(?:\.\.([+-]?[0-9]{1,9}))?"

_Item = str | Part


def expand_braces(parts: list[Part], source: str, position: int) -> tuple[list[Part], int]:
    """The parts of a word with its brace expansions found, and how many alternatives these have in all.

    Raises ShellSyntaxError for too many of them, and where quoting makes bash lose count of the braces.
    """
    items: list[_Item] = []
    for part in parts:
        if type(part) is Lit and not part.quoted:
            items.extend(_ITEM(part.text))
        else:
            items.append(part)
    if "{" not in items or "}" not in items:
        return parts, 0
    if len(items) > MAX_ITEMS or items.count("{") > MAX_BRACES:
        raise ShellSyntaxError("too many braces in a word", position)
    if len(items) > 2 and ("," in items or ".." in items):
        for part in parts:
            _refuse_confusing(part, source)
    expansion = _Expansion(items, source, position)
    expanded = expansion.expand(0, len(items))
    return (expanded, expansion.found) if expansion.found else (parts, 0)


def _refuse_confusing(part: Part, source: str) -> None:
    """Bash looks for braces in the raw text, and loses count in quotes and braces inside of these."""
    if type(part) is Param or (type(part) is CommandSub and source[part.start] == "`"):
        raw = source[part.start + 2 : part.end - 1]
        if any(char in raw for char in "{}\"'`"):
            raise ShellSyntaxError("unsupported quotes or braces beside a brace expansion", part.start)
    elif type(part) is Arith and source.startswith("$[", part.start):
        raise ShellSyntaxError("unsupported arithmetic beside a brace expansion", part.start)


class _Expansion:
    """One word's items: unquoted text cut at braces, commas and double dots, and other parts whole."""

    def __init__(self, items: list[_Item], source: str, position: int) -> None:
        self.items = items
        self.source = source
        self.position = position
        self.found = 0

    def expand(self, low: int, high: int) -> list[Part]:
        """The parts of the items from ``low`` to ``high``."""
        parts: list[Part] = []
        while True:
            opening, closing = self._next_pair(low, high)
            if opening < 0:
                return parts + self._as_parts(low, high)
            parts += self._as_parts(low, opening)
            low = closing + 1
            alternatives = self._alternatives(opening + 1, closing)
            if alternatives is not None:
                self._count(len(alternatives))
                parts.append(Brace(alternatives))
            else:
                parts += self._as_parts(opening, low)

    def _count(self, members: int) -> None:
        self.found += members
        if self.found > MAX_MEMBERS:
            raise ShellSyntaxError("too many members in a brace expansion", self.position)

    def _next_pair(self, low: int, high: int) -> tuple[int, int]:
        i = low
        while (i := self._find(i, low, high, "{")) >= 0:
            closing = self._find(i + 1, low, high, "}")
            if closing >= 0:
                return i, closing
            i += 1
        return -1, -1

    def _find(self, i: int, low: int, high: int, wanted: str) -> int:
        """The next ``wanted`` at this level; a closing brace counts only behind a comma or double dots."""
        items = self.items
        level = 0
        separated = wanted != "}"
        while i < high:
            item = items[i]
            if item == wanted and level == 0 and separated:
                if not (item == "{" and i == low and (i + 1 == high or items[i + 1] == "}")):
                    return i
            elif item == "{":
                level += 1
            elif item == "}":
                level -= level > 0
            elif level == 0 and (item == "," or (item == ".." and not (i + 1 < high and items[i + 1] == "}"))):
                separated = True
            i += 1
        return -1

    def _alternatives(self, low: int, high: int) -> tuple[tuple[Part, ...], ...] | None:
        commas = []
        i = low
        while (i := self._find(i, low, high, ",")) >= 0:
            commas.append(i)
            i += 1
        if commas:
            return tuple(
                tuple(self.expand(start, end))
                for start, end in zip([low] + [comma + 1 for comma in commas], [*commas, high], strict=True)
            )
        texts = self.items[low:high]
        if any(item == "," or (type(item) is not str and "," in self._raw(item)) for item in texts):
            raise ShellSyntaxError("unsupported braces", self.position)
        if not all(type(item) is str for item in texts):
            return None
        return self._sequence("".join(item for item in texts if type(item) is str))

    def _raw(self, item: _Item) -> str:
        if type(item) is Lit:
            return item.text
        start: int = getattr(item, "start", 0)
        end: int = getattr(item, "end", 0)
        return self.source[start:end]

    def _sequence(self, text: str) -> tuple[tuple[Part, ...], ...] | None:
        if (found := re.fullmatch(_LETTERS, text)) is not None:
            if found[1].isupper() != found[2].isupper():
                raise ShellSyntaxError("unsupported sequence of mixed case", self.position)
            return tuple((Lit(chr(code)),) for code in self._members(ord(found[1]), ord(found[2]), found[3]))
        if (found := re.fullmatch(_NUMBERS, text)) is None:
            if text[:1].isdigit() and text[-1:].isdigit() and not text.strip("0123456789.-+"):
                raise ShellSyntaxError("unsupported sequence", self.position)
            return None
        first, last = found[1], found[2]
        padded = any(end.lstrip("-")[:1] == "0" and len(end.lstrip("-")) > 1 for end in (first, last))
        width = max(len(first), len(last)) if padded else 0
        return tuple((Lit(f"{number:0{width}d}"),) for number in self._members(int(first), int(last), found[3]))

    def _members(self, first: int, last: int, step: str | None) -> range:
        distance = abs(int(step)) if step else 1
        distance = distance or 1
        if abs(last - first) // distance >= MAX_MEMBERS:
            raise ShellSyntaxError("too many members in a brace expansion", self.position)
        return range(first, last + 1, distance) if first <= last else range(first, last - 1, -distance)

    def _as_parts(self, low: int, high: int) -> list[Part]:
        """Items that are no brace expansion, their neighbouring texts joined."""
        parts: list[Part] = []
        texts: list[str] = []
        for item in self.items[low:high]:
            if type(item) is str:
                texts.append(item)
                continue
            if texts:
                parts.append(Lit("".join(texts)))
                texts = []
            parts.append(item)  # type: ignore[arg-type]
        if texts:
            parts.append(Lit("".join(texts)))
        return parts
