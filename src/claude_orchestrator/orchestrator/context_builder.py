"""The prompt of an attempt: the task's own words, then what the agent needs to know, each under its heading.

It never has more than :data:`BUDGET` tokens: each section has a most, the sections that matter more are put in first,
and what does not fit any more is cut or left out. The report says what that was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from claude_orchestrator.models.tokens import Count, at_most
from claude_orchestrator.safety.redaction import redact

BUDGET: Final = 150_000
"""Tokens of a prompt, at most."""

_LOOKED_AT: Final = 4 * BUDGET
"""Characters of a section that are looked at."""

_WORTH_IT: Final = 100
"""Tokens below which the rest of a section that is cut says nothing."""

_CUT: Final = "\n\n[… cut: {left} of {all} characters are left out]\n\n"
_ROOM_FOR_CUT: Final = 100
"""Tokens that the note about a cut takes, at most."""


@dataclass(frozen=True)
class Finished:
    """A finished task that the task depends on."""

    task_id: str
    title: str
    files: Sequence[str] = ()
    """What git says that it changed."""
    report: str = ""
    """What its agent said of it."""


@dataclass(frozen=True)
class Advice:
    """A skill that fits, or a document of the project: a name and a text."""

    name: str
    text: str


@dataclass(frozen=True)
class Material:
    """Everything that could be in a prompt."""

    definition: Mapping[str, Any]
    feedback: str = ""
    """The evidence of the failed attempt."""
    decisions: Sequence[Mapping[str, Any]] = ()
    skills: Sequence[Advice] = ()
    documents: Sequence[Advice] = ()
    finished: Sequence[Finished] = ()


@dataclass(frozen=True)
class Part:
    """What became of one section."""

    name: str
    tokens: int
    left_out: int = 0
    """Characters that are not in the prompt."""


@dataclass(frozen=True)
class Context:
    """A prompt and the report on it."""

    prompt: str
    tokens: int
    """Never too low, never above the budget."""
    budget: int
    parts: Sequence[Part]

    @property
    def left_out(self) -> list[Part]:
        """The sections that are cut or missing."""
        return [part for part in self.parts if part.left_out]

    def report(self) -> str:
        """The report as a JSON document."""
        return json.dumps(
            {"tokens": self.tokens, "budget": self.budget, "parts": [asdict(part) for part in self.parts]}, indent=1
        )


@dataclass(frozen=True)
class _Section:
    name: str
    heading: str
    body: str
    share: float
    """The most that it may take of the budget."""
    missing: int
    """Characters that are not in ``body`` any more."""


_Write = Callable[[Material], str]


def build(material: Material, budget: int = BUDGET, count: Count = at_most) -> Context:
    """Compose the prompt of one attempt.

    Sections without content are left out; the task's prompt comes first and verbatim, unless it alone is beyond the
    budget. Only what looks like a key is redacted, wherever it comes from. ``budget`` is in tokens as ``count``
    counts them.
    """
    context = _fitted(_sections(material), budget, count)
    if context.tokens <= budget:
        return context
    # Two texts may have more tokens together than apart; never more bytes.
    return _fitted(_sections(material), budget, at_most)


def _fitted(sections: Sequence[_Section], budget: int, count: Count) -> Context:
    texts: dict[str, str] = {}
    parts: dict[str, Part] = {}
    room = budget
    for section in sorted(sections, key=lambda section: _RANK.index(section.name)):
        text, left_out = _cut(section, min(room, int(budget * section.share)), count)
        tokens = count(text)
        room -= tokens
        parts[section.name] = Part(section.name, tokens if text else 0, left_out)
        if text:
            texts[section.name] = text
    prompt = "".join(texts[section.name] for section in sections if section.name in texts)
    return Context(prompt, count(prompt), budget, [parts[section.name] for section in sections])


def _cut(section: _Section, room: int, count: Count) -> tuple[str, int]:
    """The section as it fits into ``room`` tokens, and how many characters of it are left out."""
    body = section.body
    whole = f"{section.heading}{body}\n\n"
    if count(whole) <= room:
        return whole, 0
    # No text has more tokens than bytes, so what has the bytes fits whatever the encoding.
    keep = room - at_most(section.heading) - _ROOM_FOR_CUT
    if keep < _WORTH_IT:
        return "", len(body) + section.missing
    encoded = body.encode()
    begin = encoded[: keep * 2 // 3].decode(errors="ignore")
    end = encoded[len(encoded) - keep // 3 :].decode(errors="ignore")
    every = len(body) + section.missing
    left = every - len(begin) - len(end)
    return f"{section.heading}{begin}{_CUT.format(left=left, all=every)}{end}\n\n", left


# -- the sections, in the order of the prompt ------------------------------------------------------------------


def _sections(material: Material) -> list[_Section]:
    found = []
    for name, heading, share, write in _SECTIONS:
        written = write(material)
        # What is no Unicode (half a surrogate pair) can neither be written nor sent.
        body = redact(_without_middle(written)).encode(errors="replace").decode()
        if body.strip():
            found.append(
                _Section(name, f"## {heading}\n\n" if heading else "", body, share, max(0, len(written) - _LOOKED_AT))
            )
    return found


def _without_middle(text: str) -> str:
    """A text of which only the ends can get into a prompt, without what is between.

    Looking through all of it for keys would take long. The seam is cut out later, with the key that it may have split.
    """
    return text if len(text) <= _LOOKED_AT else text[: _LOOKED_AT // 2] + text[-_LOOKED_AT // 2 :]


def _task(material: Material) -> str:
    definition = material.definition
    return str(definition.get("prompt") or definition.get("title") or definition["id"])


def _files(material: Material) -> str:
    files = material.definition.get("files") or ()
    made = material.definition.get("creates") or () if files else ()
    new = [f"{file} (it is not there yet: make it)" for file in made]
    return _list([*(file for file in files if file not in made), *new])


def _criteria(material: Material) -> str:
    return _list(material.definition.get("success_criteria") or ())


def _decisions(material: Material) -> str:
    return _list(
        f"{decision['question']} {decision['answer']}" + (f" ({decision['reason']})" if decision.get("reason") else "")
        for decision in material.decisions
    )


def _skills(material: Material) -> str:
    return "\n\n".join(f"### {skill.name}\n\n{skill.text.strip()}" for skill in material.skills)


def _documents(material: Material) -> str:
    return "\n\n".join(f"### {document.name}\n\n{document.text.strip()}" for document in material.documents)


def _finished(material: Material) -> str:
    return "\n\n".join(_summary(task) for task in material.finished)


_FILES_SHOWN: Final = 30
_REPORT_SHOWN: Final = 1_500


def _summary(task: Finished) -> str:
    lines = [f"### {task.task_id}: {task.title}"]
    if task.files:
        more = len(task.files) - _FILES_SHOWN
        lines.append("changed " + ", ".join(task.files[:_FILES_SHOWN]) + (f" and {more} more" if more > 0 else ""))
    if report := task.report.strip():
        lines.append(report if len(report) <= _REPORT_SHOWN else report[:_REPORT_SHOWN] + " …")
    return "\n\n".join(lines)


def _feedback(material: Material) -> str:
    return material.feedback


def _list(items: Any) -> str:
    return "\n".join(f"- {item}" for item in items)


_SECTIONS: Final[Sequence[tuple[str, str, float, _Write]]] = (
    ("task", "", 1.0, _task),
    ("files", "Files you may change", 0.1, _files),
    ("criteria", "Success criteria", 0.1, _criteria),
    ("decisions", "What has been decided", 0.1, _decisions),
    ("skills", "How it is done here", 0.2, _skills),
    ("documents", "What the project says", 0.2, _documents),
    ("finished", "What is finished already", 0.2, _finished),
    ("feedback", "Why the previous attempt was refused", 0.3, _feedback),
)
"""Name, heading, the most of the budget, and who writes it."""

_RANK: Final = ("task", "feedback", "files", "criteria", "decisions", "finished", "skills", "documents")
"""What matters more comes first."""
