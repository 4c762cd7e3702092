"""A plan as a Markdown document that people read, change and hand back.

Everything of the plan stands in the document once, and every line of the document means something: what is changed is
taken over or refused with its line, never dropped. The document looks like this::

    # Greet people by their name

    - **Budget:** 5.0

    ## Decisions

    ### May public names change?

    - **Answer:** no
    - **Alternatives:**
      - with a deprecation

    ## Phase `words`: The words

    ### Task `hello`: Say hello

    **Prompt:**

    ```text
    Write hello(name).
    ```

    - **Files:** `src/hello.py`, `tests`
    - **Success criteria:**
      - hello("Ann") says the name

A text that would not come back as it is stands in quotes, as in JSON, between backticks.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from claude_orchestrator.errors import PlanError
from claude_orchestrator.plans.document import read_document
from claude_orchestrator.plans.files import dump_value, examine
from claude_orchestrator.plans.models import Plan

_NUMBERS: Final = frozenset({"budget", "version", "max_attempts", "timeout", "max_turns"})
_NAMES: Final = frozenset({"files", "creates", "depends_on", "checks", "command"})
_SENTENCES: Final = frozenset({"success_criteria", "alternatives"})
_NONE: Final = "none"
"""How an empty list is written."""

_WORDS: Final = {"plan": "Plan", "decision": "Decision"}
"""Kind of a part → how it is headed where its text has several lines and stands below."""

_ODD: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff\ufffe\uffff]")
"""Characters that an editor changes or that nobody sees; outside quotes they are not written."""

_HEADING: Final = re.compile(r"(#{1,6})[ \t]+(.*)")
_NAMED: Final = re.compile(r"(?:Phase|Task)\s+(`?)([^`\s:]+)\1(?::\s+(.*))?")
_FIELD: Final = re.compile(r"(?:[-*] )?\*\*([^*:]+):\*\*(?:\s+(.*))?|[-*] ([A-Za-z_ ]+):(?:\s+(.*))?")
_ITEM: Final = re.compile(r"(?: {2,}|\t)[-*][ \t]+(.*)")
_FENCE: Final = re.compile(r"(`{3,}|~{3,})[ \t]*([A-Za-z]*)")
_LITERAL: Final = re.compile(r"(`+)(\".*\")\1")
_NAME: Final = re.compile(r"\s*(?:(`+)((?:(?!\1).)+)\1|([^,`]+?))\s*(?:,|$)")
_NUMBER: Final = re.compile(r"[-+]?[0-9]+(?:\.[0-9]+)?(?:[eE][-+][0-9]+)?")


# -- writing -------------------------------------------------------------------------------------


def to_markdown(plan: Plan) -> str:
    """The plan as a document that :func:`from_markdown` reads back equal; what has its default value is left out."""
    document = plan.model_dump(exclude_none=True, exclude_defaults=True)
    return "\n".join([*_plan_lines(document), ""])


def _plan_lines(plan: dict[str, Any]) -> Iterator[str]:
    yield from _headed("#", _WORDS["plan"], "goal", plan)
    if decisions := plan.get("decisions"):
        yield from ("", "## Decisions")
    for decision in decisions or ():
        yield ""
        yield from _headed("###", _WORDS["decision"], "question", decision)
    for phase in plan["phases"]:
        yield ""
        yield from _named("## Phase", phase)
        for task in phase["tasks"]:
            yield ""
            yield from _named("### Task", task)


def _headed(marks: str, kind: str, key: str, document: Mapping[str, Any]) -> Iterator[str]:
    """A heading that is a text of the document, or where that has several lines only says what it is."""
    text = _inline(document[key])
    yield f"{marks} {kind if text is None else text}"
    # A title that only says what it is would be taken for none.
    in_title = text is not None and text != kind
    if not in_title:
        yield from ("", *_block(key, document[key]))
    yield from _fields({name: value for name, value in document.items() if name != key})


def _named(kind: str, document: Mapping[str, Any]) -> Iterator[str]:
    """A heading with an id and a title."""
    title = _inline(document["title"]) if "title" in document else ""
    yield f"{kind} `{document['id']}`" + (f": {title}" if title else "")
    given = {"id"} if title is None else {"id", "title"}
    yield from _fields({name: value for name, value in document.items() if name not in given})


def _fields(document: Mapping[str, Any]) -> Iterator[str]:
    """Everything else: first the prompt, then what fits into a line or a list, then what does not."""
    document = {name: value for name, value in document.items() if name not in ("decisions", "phases", "tasks")}
    lists = {name: lines for name, value in document.items() if name != "prompt" and (lines := _short(name, value))}
    if "prompt" in document:
        yield from ("", *_block("prompt", document["prompt"]))
    if lists:
        yield ""
    for lines in lists.values():
        yield from lines
    for name, value in document.items():
        if name != "prompt" and name not in lists:
            yield from ("", *_block(name, value))


def _short(name: str, value: Any) -> list[str] | None:
    """The lines of a list that say it; None where it needs a block."""
    label = f"- **{_label(name)}:**"
    if name in _NAMES | _SENTENCES and all(isinstance(entry, str) for entry in value):
        if name in _SENTENCES and value:
            return [label, *(f"  - {_inline(entry) or _literal(entry)}" for entry in value)]
        return [f"{label} {', '.join(map(_code, value)) or _NONE}"]
    if isinstance(value, str) and (text := _inline(value)) is not None:
        return [f"{label} {text}"]
    if isinstance(value, (int, float)):
        return [f"{label} {_duration(value) if name == 'timeout' else dump_value(value).split()[0]}"]
    return None


def _block(name: str, value: Any) -> Iterator[str]:
    yield f"**{_label(name)}:**"
    yield ""
    kind, text = "text", value
    if not isinstance(value, str):
        kind, text = "yaml", dump_value(value).removesuffix("\n").removesuffix("\n...")
    elif _ODD.search(value):
        kind, text = "yaml", _quoted(value)
    fence = "`" * max(3, 1 + max((len(run) for run in re.findall("`+", text)), default=0))
    yield f"{fence}{kind}"
    yield from text.split("\n")
    yield fence


def _label(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _duration(seconds: float) -> str:
    """Seconds as people write them; exact."""
    for unit, size in (("h", 3600), ("m", 60), ("s", 1)):
        if seconds % size == 0 and seconds < 1e6:
            return f"{int(seconds // size)}{unit}"
    return dump_value(seconds).split()[0]


def _inline(text: str) -> str | None:
    """The text on a line of its own; None where it has several lines."""
    if "\n" in text:
        return None
    is_plain = text and text.strip() == text and "<" not in text and "\t" not in text and not _ODD.search(text)
    return text if is_plain and _text_of(text) == text else _literal(text)


def _code(text: str) -> str:
    is_plain = text.strip() == text and text and not text.startswith('"')
    return f"`{text}`" if is_plain and not re.search("[`\n\t]", text) and not _ODD.search(text) else _literal(text)


def _literal(text: str) -> str:
    quoted = _quoted(text)
    marks = "`" * (1 + max((len(run) for run in re.findall("`+", quoted)), default=0))
    return f"{marks}{quoted}{marks}"


def _quoted(text: str) -> str:
    """The text in quotes, on one line, for readers of JSON and of YAML alike."""
    return _ODD.sub(lambda match: f"\\u{ord(match[0]):04x}", json.dumps(text, ensure_ascii=False))


# -- reading -------------------------------------------------------------------------------------


@dataclass
class _Field:
    """One key of the plan with its value as lines of YAML, each with the line of the document that it comes from."""

    key: str
    line: int
    value: str = ""
    """What stands on the key's own line."""
    below: list[tuple[str, int]] = field(default_factory=list)


@dataclass
class _Part:
    """The plan, a decision, a phase or a task: what it says, and what is in it."""

    kind: str
    line: int
    fields: list[_Field] = field(default_factory=list)
    parts: list[_Part] = field(default_factory=list)


class _MistakeError(Exception):
    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


def from_markdown(text: str, name: str = "<text>") -> Plan:
    """The plan that such a document says; ``name`` is what mistakes call the document.

    Raises PlanError with the line of the first mistake and how many more there are.
    """
    try:
        plan = _Reader(text).plan()
    except _MistakeError as mistake:
        raise PlanError(f"{name}:{mistake.line}: {mistake}") from None
    lines = list(_yaml(plan))
    found, problems = examine("".join(f"{line}\n" for line, _ in lines))
    if found is not None:
        return found
    first, *others = problems
    more = f"; {len(others)} more problem{'s' if len(others) > 1 else ''}" if others else ""
    line = lines[min(first.line, len(lines)) - 1][1]
    raise PlanError(" ".join(f"{name}:{line}: {first.message}. {first.hint}{more}".split()))


def _yaml(plan: _Part) -> Iterator[tuple[str, int]]:
    """The plan file that says the same, line by line."""
    yield from _yaml_fields(plan, "")
    for key, kind, inner in (("decisions", "decision", ""), ("phases", "phase", "tasks")):
        parts = [part for part in plan.parts if part.kind == kind]
        if parts:
            yield f"{key}:", parts[0].line
        yield from _yaml_parts(parts, inner, "")


def _yaml_parts(parts: Iterable[_Part], inner: str, indent: str) -> Iterator[tuple[str, int]]:
    for part in parts:
        yield f"{indent}-", part.line
        yield from _yaml_fields(part, f"{indent}  ")
        if inner and part.parts:
            yield f"{indent}  {inner}:", part.parts[0].line
            yield from _yaml_parts(part.parts, "", f"{indent}  ")


def _yaml_fields(part: _Part, indent: str) -> Iterator[tuple[str, int]]:
    for one in part.fields:
        yield f"{indent}{_quoted(one.key)}: {one.value}", one.line
        for line, number in one.below:
            yield (f"{indent}  {line}" if line.strip() else line), number


class _Reader:
    """Goes over the document line by line."""

    def __init__(self, text: str) -> None:
        self._lines = text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")
        self._at = 0
        """The line that comes next, from 0."""
        self._decides = False
        """Whether the last chapter is the one with the decisions."""

    def plan(self) -> _Part:
        """The whole document."""
        plan: _Part | None = None
        current: _Part | None = None
        while self._at < len(self._lines):
            line = self._lines[self._at].rstrip()
            self._at += 1
            if not line:
                continue
            if heading := _HEADING.fullmatch(line):
                current = self._part(plan, len(heading[1]), heading[2].strip())
                plan = plan or current
            elif current is not None and current.kind != "chapter" and (found := _FIELD.fullmatch(line)):
                key = (found[1] or found[3]).strip().casefold().replace(" ", "_")
                self._add(current, self._field(key, (found[2] or found[4] or "").strip()))
            else:
                raise self._not_understood(current)
        if plan is None:
            raise _MistakeError(1, "the document is empty. Begin with '# ' and the goal")
        return plan

    def _add(self, part: _Part, new: _Field) -> None:
        """Add a key; a heading that only says what it is, above the text itself, gives way to it."""
        before = next((one for one in part.fields if one.key == new.key), None)
        word = _WORDS.get(part.kind)
        if word and before is part.fields[0] and before.value == _quoted(word):
            part.fields.remove(before)
        elif before is not None:
            raise _MistakeError(new.line, f"'{new.key}' is there twice (first in line {before.line}). Keep one of them")
        part.fields.append(new)

    def _not_understood(self, current: _Part | None) -> _MistakeError:
        if current is None:
            return _MistakeError(self._at, "text before the goal. Begin with '# ' and the goal, or remove it")
        return _MistakeError(
            self._at,
            "a line that belongs to nothing. Put it into a '```text' block below '**Prompt:**', write it as"
            " '- **Label:** value', or remove it",
        )

    def _part(self, plan: _Part | None, depth: int, title: str) -> _Part:
        """What begins with a heading, hung up where it belongs."""
        if plan is None:
            if depth != 1:
                raise _MistakeError(self._at, "a chapter before the goal. Begin with '# ' and the goal")
            return _Part("plan", self._at, [self._text("goal", title)])
        if depth == 2 and title == "Decisions":
            self._decides = True
            return _Part("chapter", self._at)
        if depth == 3 and self._decides:
            part = _Part("decision", self._at, [self._text("question", title)])
            plan.parts.append(part)
            return part
        kind = {2: "Phase", 3: "Task"}.get(depth, "")
        named = _NAMED.fullmatch(title) if kind and title.startswith(kind) else None
        if named is None:
            raise _MistakeError(
                self._at,
                "a heading that is none of a plan's. Write '## Decisions', '## Phase `id`: title' or"
                " '### Task `id`: title'",
            )
        part = _Part(kind.casefold(), self._at, [self._text("id", named[2])])
        if named[3]:
            part.fields.append(self._text("title", named[3].strip()))
        self._hang_up(plan, part)
        return part

    def _hang_up(self, plan: _Part, part: _Part) -> None:
        if part.kind == "phase":
            self._decides = False
            plan.parts.append(part)
            return
        phases = [one for one in plan.parts if one.kind == "phase"]
        if not phases:
            raise _MistakeError(self._at, "a task outside of any phase. Write '## Phase `id`: title' above it")
        phases[-1].parts.append(part)

    def _text(self, key: str, text: str) -> _Field:
        return _Field(key, self._at, _quoted(_text_of(text)))

    def _field(self, key: str, text: str) -> _Field:
        if not text:
            return self._below(key)
        if key in _NUMBERS:
            return _Field(key, self._at, text if _NUMBER.fullmatch(text) else _quoted(_text_of(text)))
        if key in _NAMES | _SENTENCES:
            return _Field(key, self._at, f"[{', '.join(map(_quoted, self._names(text)))}]")
        return self._text(key, text)

    def _names(self, text: str) -> list[str]:
        """The entries of a list on one line."""
        names: list[str] = []
        position = 0
        while position < len(text) and text != _NONE:
            match = _NAME.match(text, position)
            if match is None:
                raise _MistakeError(
                    self._at, f"a list that cannot be read at '{text[position:][:40]}'. Write it as `one`, `two`"
                )
            marks, coded, plain = match.groups()
            names.append(plain if coded is None else _text_of(f"{marks}{coded}{marks}", coded))
            position = match.end()
        return names

    def _below(self, key: str) -> _Field:
        """A value that stands below its label: in a block, or as a list."""
        label = self._at
        while self._at < len(self._lines) and not self._lines[self._at].strip():
            self._at += 1
        following = self._lines[self._at] if self._at < len(self._lines) else ""
        if fence := _FENCE.fullmatch(following.rstrip()):
            return self._fenced(_Field(key, label), fence[1], fence[2])
        items = []
        while self._at < len(self._lines) and (item := _ITEM.fullmatch(self._lines[self._at].rstrip())):
            self._at += 1
            items.append((f"- {_quoted(_text_of(item[1].strip()))}", self._at))
        if not items:
            raise _MistakeError(label, f"'{key}' has no value. Write it behind the colon, or remove the line")
        if key not in _NAMES | _SENTENCES:
            raise _MistakeError(label, f"'{key}' is a list. Write one text behind the colon, or a block of '```text'")
        return _Field(key, label, below=items)

    def _fenced(self, into: _Field, fence: str, kind: str) -> _Field:
        """The block that begins at the next line."""
        first = self._at + 1
        end = next((number for number in range(first, len(self._lines)) if _closes(self._lines[number], fence)), None)
        if end is None:
            raise _MistakeError(first, f"a block without an end. Close it with {fence}")
        lines, self._at = self._lines[first:end], end + 1
        if kind != "yaml":
            into.value = _quoted("\n".join(lines))
            return into
        document = read_document("\n".join(lines))
        if document.mistakes:  # looked at alone: what is open at its end must not swallow what follows
            mistake = document.mistakes[0]
            raise _MistakeError(min(first + mistake.line, end), f"{mistake.message}. {mistake.hint}")
        into.below = [(line, first + number) for number, line in enumerate(lines, 1)]
        return into


def _closes(line: str, fence: str) -> bool:
    line = line.rstrip()
    return len(line) >= len(fence) and set(line) == {fence[0]}


def _text_of(text: str, otherwise: str | None = None) -> str:
    """What a text on a line stands for: what is between quotes in backticks, else itself."""
    if match := _LITERAL.fullmatch(text):
        try:
            value = json.loads(match[2])
        except ValueError:
            pass
        else:
            return str(value)
    return text if otherwise is None else otherwise
