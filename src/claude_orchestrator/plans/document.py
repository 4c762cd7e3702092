"""YAML text as plain data that remembers its lines.

Built from the parser's events and not from PyYAML's nodes: nothing here recurses, so no depth of nesting
can exhaust the stack (libyaml's own node builder crashes the process), and aliases are counted before
anything walks over what they stand for.

Scalars are read plainly: ``true``/``false``, ``null``, decimal integers and fractions; all else is text.
So ``no``, ``2024-01-01``, ``1:30`` and ``0123`` are what they look like.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from claude_orchestrator.plans.graph import Location

MAX_BYTES: Final = 5_000_000
"""The largest plan file that is read."""

_MAX_VALUES: Final = 1_000_000
_MAX_DEPTH: Final = 50
_CORE_TAGS: Final = frozenset({None, "!", *(f"tag:yaml.org,2002:{name}" for name in ("str", "map", "seq"))})
_PLAIN: Final = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_INTEGER: Final = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_FRACTION: Final = re.compile(r"[-+]?[0-9]{1,18}\.[0-9]{0,18}(?:[eE][-+][0-9]{1,3})?")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True)
class Mistake:
    """Something wrong with the YAML itself, in line ``line`` (counted from 1)."""

    line: int
    message: str
    hint: str


@dataclass
class _Container:
    """A mapping or list under construction, and afterwards the record of its lines."""

    value: dict[Any, Any] | list[Any]
    line: int
    anchor: str | None = None
    size: int = 1
    """How many values it stands for, with every alias counted in full."""
    keys: dict[Any, int] = field(default_factory=dict)
    """Key (or index) → line where it stands."""
    lines: dict[Any, int] = field(default_factory=dict)
    """Key (or index) → line where its value begins."""
    pending: Any = None
    expects_key: bool = True
    merged: list[Any] = field(default_factory=list)


@dataclass
class Document:
    """The data of a plan file and what is wrong with its YAML. ``data`` is None when it cannot be read at all.

    ``containers`` are the records of lines of the mappings and lists in ``data``, by their ``id()``.
    """

    data: Any = None
    mistakes: list[Mistake] = field(default_factory=list)
    containers: dict[int, _Container] = field(default_factory=dict, repr=False)

    def line(self, location: Location, *, of_key: bool = False) -> int:
        """The line of the value at ``location``, or of its key; the nearest one around it where it is missing."""
        root = self.containers.get(id(self.data))
        value, line = self.data, root.line if root else 1
        for step in location:
            container = self.containers.get(id(value))
            if container is None or step not in container.lines:
                break
            line = (container.keys if of_key and step is location[-1] else container.lines)[step]
            value = container.value[step]  # type: ignore[index]
        return line


def read_document(text: str) -> Document:
    """Parse ``text``. Never raises: whatever is wrong is in ``mistakes``."""
    builder = _Builder()
    try:
        for event in yaml.parse(text, Loader=_LOADER):
            if not builder.take(event):
                break
    except yaml.MarkedYAMLError as error:
        return builder.broken(_syntax_mistake(error))
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        return builder.broken(Mistake(line, "a character that YAML does not allow", "remove it"))
    return builder.document


def _syntax_mistake(error: yaml.MarkedYAMLError) -> Mistake:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    # The scanner of PyYAML 6.0.4 has a limit of its own and reads ahead of the events.
    if "nesting depth" in (error.problem or ""):
        return _too_deep(line)
    said = " ".join(part for part in (error.problem, error.context) if part)
    hint = "check the indentation, the quotes and the ':' here and in the line before"
    if "'\\t'" in said or "tab" in said:
        hint = "indent with spaces, not with tabs"
    return Mistake(line, f"broken YAML: {said}", hint)


def _too_deep(line: int) -> Mistake:
    return Mistake(line, f"nested deeper than {_MAX_DEPTH} levels", "a plan needs less than ten")


class _Builder:
    """Takes the parser's events one by one and puts the data together."""

    def __init__(self) -> None:
        self.document = Document()
        self._open: list[_Container] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._documents = 0

    def take(self, event: Any) -> bool:
        """Take one event; False when reading on makes no sense."""
        line = event.start_mark.line + 1
        if isinstance(event, yaml.ScalarEvent):
            value = self._scalar(event, line)
            if event.anchor:
                self._anchors[event.anchor] = (value, 1)
            return self._add(value, line, 1)
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            return self._start(event, line)
        if isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            return self._end()
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event.anchor, line)
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                return self._stop(line, "a second document begins here", "remove the '---': one plan a file")
        return True

    def broken(self, mistake: Mistake) -> Document:
        """The document when the parser gave up: what was read so far is no plan."""
        self.document.mistakes.append(mistake)
        self.document.data = None
        return self.document

    def _say(self, line: int, message: str, hint: str) -> None:
        self.document.mistakes.append(Mistake(line, message, hint))

    def _stop(self, line: int, message: str, hint: str) -> bool:
        self._say(line, message, hint)
        return False

    def _scalar(self, event: Any, line: int) -> Any:
        if event.tag not in _CORE_TAGS:
            self._say(line, f"the YAML tag '{event.tag}' has no meaning in a plan", "remove it")
        text: str = event.value
        if not event.implicit[0] or event.tag is not None:
            return text
        if text in _PLAIN:
            return _PLAIN[text]
        if text[0] in "+-0123456789":
            if _INTEGER.fullmatch(text):
                return int(text)
            if _FRACTION.fullmatch(text):
                return float(text)
        return text

    def _start(self, event: Any, line: int) -> bool:
        if event.tag not in _CORE_TAGS:
            self._say(line, f"the YAML tag '{event.tag}' has no meaning in a plan", "remove it")
        if len(self._open) >= _MAX_DEPTH:
            mistake = _too_deep(line)
            return self._stop(mistake.line, mistake.message, mistake.hint)
        is_mapping = isinstance(event, yaml.MappingStartEvent)
        self._open.append(_Container({} if is_mapping else [], line, event.anchor))
        if event.anchor:
            self._anchors[event.anchor] = (self._open[-1], 0)
        return True

    def _end(self) -> bool:
        container = self._open.pop()
        self._merge(container)
        self.document.containers[id(container.value)] = container
        if container.anchor:
            self._anchors[container.anchor] = (container.value, container.size)
        return self._add(container.value, container.line, container.size)

    def _alias(self, name: str | None, line: int) -> bool:
        if name is None or name not in self._anchors:
            return self._stop(line, f"the alias '*{name}' stands for nothing", f"mark its value with '&{name}' before")
        value, size = self._anchors[name]
        if isinstance(value, _Container):
            return self._stop(line, f"the alias '*{name}' lies in what it stands for", "write it out")
        return self._add(value, line, size)

    def _add(self, value: Any, line: int, size: int) -> bool:
        """Put a finished value into the container that is open."""
        if not self._open:
            self.document.data = value
            return True
        parent = self._open[-1]
        parent.size += size
        if parent.size > _MAX_VALUES:
            return self._stop(line, f"more than {_MAX_VALUES:,} values, aliases counted", "split the plan into several")
        if isinstance(parent.value, list):
            parent.keys[len(parent.value)] = parent.lines[len(parent.value)] = line
            parent.value.append(value)
        elif parent.expects_key:
            self._add_key(parent, value, line)
        else:
            self._add_value(parent, parent.value, value, line)
        return True

    def _add_key(self, parent: _Container, key: Any, line: int) -> None:
        parent.expects_key = False
        parent.pending = key
        if isinstance(key, (dict, list)):
            self._say(line, "a list or mapping is used as a key", "use a plain word as the key")
            parent.pending = None
        elif key in parent.keys:
            first = parent.keys[key]
            self._say(line, f"the key '{key}' is there twice (first in line {first})", "keep one of them")
        parent.keys.setdefault(parent.pending, line)

    def _add_value(self, parent: _Container, mapping: dict[Any, Any], value: Any, line: int) -> None:
        parent.expects_key = True
        if parent.pending == "<<":
            parent.merged += value if isinstance(value, list) else [value]
            if not all(isinstance(part, dict) for part in parent.merged):
                self._say(line, "'<<' merges mappings only", "give it an alias of a mapping")
        elif parent.pending not in mapping:
            mapping[parent.pending] = value
            parent.lines[parent.pending] = line

    def _merge(self, container: _Container) -> None:
        """Take over the keys of the mappings behind ``<<`` that the mapping has not itself."""
        for part in container.merged:
            if not isinstance(part, dict) or not isinstance(container.value, dict):
                continue
            source = self.document.containers[id(part)]
            for key, value in part.items():
                if key not in container.value:
                    container.value[key] = value
                    container.keys[key] = source.keys[key]
                    container.lines[key] = source.lines[key]
