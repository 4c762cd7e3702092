"""Plan files: YAML in, a checked :class:`Plan` out, and back again."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from claude_orchestrator.errors import PlanError
from claude_orchestrator.plans.document import MAX_BYTES, Document, read_document
from claude_orchestrator.plans.graph import Location, did_you_mean, graph_faults
from claude_orchestrator.plans.models import Decision, Operation, Phase, Plan, Task
from claude_orchestrator.plans.paths import is_unicode

_PARTS: Final[dict[str, tuple[str, type[BaseModel]]]] = {
    "phases": ("phase", Phase),
    "tasks": ("task", Task),
    "operations": ("operation", Operation),
    "attempts": ("operation", Operation),
    "decisions": ("decision", Decision),
}
_SHAPES: Final = {
    "string_type": ("must be text", "put it in quotes"),
    "list_type": ("must be a list", "write it as [one, two], or one '- entry' a line"),
    "dict_type": ("must be a mapping", "write it as 'key: value' lines"),
    "model_type": ("must be a mapping", "write it as 'key: value' lines"),
    "model_attributes_type": ("must be a mapping", "write it as 'key: value' lines"),
    "int_type": ("must be a whole number", "write it without quotes, for example 5"),
    "bool_type": ("must be true or false", "write it without quotes"),
    "too_short": ("is empty", "add at least one entry, or remove what has none"),
    "string_unicode": ("is no valid Unicode text", "save the file as UTF-8"),
}


@dataclass(frozen=True)
class Problem:
    """One thing that is wrong with a plan file; ``line`` counts from 1."""

    file: str
    line: int
    message: str
    hint: str

    def format(self) -> str:
        """``FILE:LINE: message. hint``, on one line."""
        return " ".join(f"{self.file}:{self.line}: {self.message}. {self.hint}".split())


def load_plan(path: Path) -> Plan:
    """Read and check a plan file. Raises PlanError that names the first problem and how many more there are."""
    plan, problems = examine(path)
    if plan is not None:
        return plan
    first, *others = problems
    more = f"; {len(others)} more problem{'s' if len(others) > 1 else ''}" if others else ""
    raise PlanError(f"{first.format()}{more} ('claude-orchestrator plan check {path}' shows all)")


def check_plan(source: Path | str) -> list[Problem]:
    """All problems of a plan file (``Path``) or of YAML text (``str``), in the order of their lines."""
    return examine(source)[1]


def check_data(data: Any, name: str = "<draft>") -> tuple[Plan | None, list[Problem]]:
    """The plan in plain data that a program has put together, or None and everything that is wrong with it.

    There are no lines in it: all problems are in line 1.
    """
    document = Document(data=data)
    if not isinstance(data, dict):
        return None, [_no_mapping(name, data)]
    if not is_unicode(json.dumps(data, ensure_ascii=False, skipkeys=True, default=str)):
        return None, [Problem(name, 1, "a text in it has half a character (a surrogate)", "write the character whole")]
    try:
        return Plan.model_validate(data), []
    except ValidationError as error:
        return None, [*_model_problems(name, document, error), *_graph_problems(name, document)]


def dump_plan(plan: Plan) -> str:
    """The plan as YAML that loads back equal; what has its default value is left out."""
    document = plan.model_dump(exclude_none=True, exclude_defaults=True)
    return dump_value(document)


def dump_value(value: Any) -> str:
    """A part of a plan's document as YAML, with a line break at its end."""
    return str(yaml.dump(value, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110))


def examine(source: Path | str) -> tuple[Plan | None, list[Problem]]:
    """The plan of a file (``Path``) or of YAML text (``str``) or, when there is any problem, None and all problems."""
    name = str(source) if isinstance(source, Path) else "<text>"
    text = _read(source, name)
    if isinstance(text, Problem):
        return None, [text]
    document = read_document(text)
    problems = [Problem(name, mistake.line, mistake.message, mistake.hint) for mistake in document.mistakes]
    plan = None
    if isinstance(document.data, dict):
        try:
            plan = Plan.model_validate(document.data)
        except ValidationError as error:
            problems += _model_problems(name, document, error)
            problems += _graph_problems(name, document)
    elif not problems:
        problems.append(_no_mapping(name, document.data))
    return (None if problems else plan), sorted(dict.fromkeys(problems), key=lambda problem: problem.line)


def _read(source: Path | str, name: str) -> str | Problem:
    """The text of a plan, or the problem that keeps us from having it."""
    try:
        data = source.encode("utf-8", "surrogatepass") if isinstance(source, str) else _read_file(source)
    except (OSError, ValueError) as error:
        reason = (error.strerror if isinstance(error, OSError) else None) or error
        return Problem(name, 1, f"cannot be read: {reason}", "give the path of a plan file")
    if len(data) > MAX_BYTES:
        return Problem(name, 1, f"larger than {MAX_BYTES // 1_000_000} MB", "split the plan into several")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Problem(
            name, data.count(b"\n", 0, error.start) + 1, "not UTF-8", "save the file with the encoding UTF-8"
        )


def _read_file(path: Path) -> bytes:
    if path.exists() and not path.is_file():
        raise OSError(0, "it is not a file")
    with path.open("rb") as stream:
        return stream.read(MAX_BYTES + 1)


def _no_mapping(name: str, data: Any) -> Problem:
    hint = "begin with 'goal: ...' and 'phases:'; plans/ in the repository has examples"
    if data is None:
        return Problem(name, 1, "the file is empty", hint)
    kind = "a list" if isinstance(data, list) else "a single value"
    return Problem(name, 1, f"the file is {kind}, a plan is a mapping", hint)


def _graph_problems(name: str, document: Document) -> Iterable[Problem]:
    for fault in graph_faults(document.data):
        yield Problem(name, document.line(fault.location), fault.message, fault.hint)


def _model_problems(name: str, document: Document, error: ValidationError) -> Iterable[Problem]:
    for detail in error.errors(include_url=False):
        if detail["type"] == "plan_graph":
            continue  # said, with lines, by _graph_problems
        location: Location = detail["loc"]
        message, hint = _explain(document.data, detail)
        line = document.line(location, of_key=detail["type"] == "extra_forbidden")
        yield Problem(name, line, message, hint)


def _explain(data: Any, detail: ErrorDetails) -> tuple[str, str]:
    """One of pydantic's errors in our words, as ``(message, hint)``."""
    location, kind, context = detail["loc"], detail["type"], detail.get("ctx", {})
    owner = _owner(data, location)
    key = next((str(step) for step in reversed(location) if isinstance(step, str) and step != "[key]"), "")
    if kind == "plan":
        return f"{context['message']} ({owner})", context["hint"]
    if kind == "missing":
        return f"'{location[-1]}' is missing in {owner}", f"add '{location[-1]}: ...'"
    if kind == "extra_forbidden":
        return f"unknown key '{location[-1]}' in {owner}", _known_keys(location)
    if kind == "invalid_key":
        return f"the key {location[-1]!r} in {owner} is not text", "put it in quotes, or remove it"
    if kind in _SHAPES:
        message, hint = _SHAPES[kind]
        entry = "an entry of " if isinstance(location[-1], int) and kind != "too_short" else ""
        return f"{entry}'{key}' of {owner} {message}", hint
    said = detail["msg"].replace("Input should be", "must be")
    return f"'{key}' of {owner}: {said}", "see the plans in plans/ for examples"


def _parts(location: Location) -> list[tuple[str, Location]]:
    """The phases, tasks, operations around a location, outermost first, as ``(name of the list, location)``."""
    parts: list[tuple[str, Location]] = []
    index = 0
    while index < len(location) - 1 and location[index] in _PARTS:
        steps = 3 if location[index] == "attempts" else 2
        if index + steps > len(location) or not isinstance(location[index + steps - 1], int):
            break
        parts.append((str(location[index]), location[: index + steps]))
        index += steps
    return parts


def _owner(data: Any, location: Location) -> str:
    """``task 'lint'``, ``operation 2 of task 'lint'``, ``the plan``: what a location belongs to."""
    owner = "the plan"
    for part, at in _parts(location):
        value = data
        for step in at:
            value = value[step]
        name, number = _PARTS[part][0], int(at[-1]) + 1
        given = value.get("id") if isinstance(value, dict) else None
        own = f"{name} '{given}'" if isinstance(given, str) and given else f"{name} {number}"
        owner = f"{own} of {owner}" if owner != "the plan" and own == f"{name} {number}" else own
    return owner


def _known_keys(location: Location) -> str:
    parts = _parts(location[:-1])
    known = list((_PARTS[parts[-1][0]][1] if parts else Plan).model_fields)
    meant = did_you_mean(str(location[-1]), known)
    return f"did you mean '{meant}'?" if meant else f"known keys: {', '.join(known)}"


class _Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):  # type: ignore[misc]
    """Long texts as blocks, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: Any, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)  # type: ignore[no-any-return]


_Dumper.add_representer(str, _represent_text)
