"""One ``SKILL.md``: its front matter, its text, and what is wrong with it. Reading one never raises."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

FILE: Final = "SKILL.md"

LARGEST: Final = 64 * 1024
"""Bytes of a skill's file; a longer one would crowd out the task."""

_LONGEST_DESCRIPTION: Final = 1024
_LONGEST_NAME: Final = 64
_FENCE: Final = re.compile(r"\A---[ \t]*\n(.*?)^---[ \t]*(?:\n|\Z)", re.DOTALL | re.MULTILINE)


class SkillError(ValueError):
    """What is wrong with a skill's file, in a line."""


@dataclass(frozen=True)
class Skill:
    """A skill that was found. One with a problem is only listed: it never reaches a prompt."""

    name: str
    description: str
    body: str
    """The text below the front matter, as it stands in the file."""
    origin: str
    """Whose it is: ``user``, ``project`` or ``built-in``."""
    path: Path
    hints: str = ""
    """More about when to use it (``when_to_use``)."""
    patterns: tuple[str, ...] = ()
    """Globs of files that it is for (``paths`` or ``files``); with some, it fits tasks on such files only."""
    by_hand: bool = False
    """Only for people to call by its name (``disable-model-invocation``): no task gets it by itself."""
    for_host: bool = False
    """Only for the session that drives us (``metadata: {audience: host}``): it is about our tools, no agent gets it."""
    problem: str = ""
    """Why it cannot be used, in a line; empty for a sound one."""
    because: str = ""
    """Why it was chosen for a task."""


def read_skill(path: Path, origin: str, place: Path) -> Skill:
    """The skill in the file ``path``, which must lie in the folder ``place``, also behind symbolic links."""
    name = path.parent.name
    try:
        text = _text(path, place)
        values, body = _parted(text)
        return _skill(values, body, Skill(name, "", body, origin, path))
    except SkillError as error:
        return Skill(name, "", "", origin, path, problem=str(error))


def _text(path: Path, place: Path) -> str:
    try:
        real = path.resolve(strict=True)
        if not real.is_relative_to(place.resolve()):
            raise SkillError(f"it is a link that leads out of {place}: copy the skill there")
        if not real.is_file():
            raise SkillError("it is no file")
        with real.open("rb") as file:
            data = file.read(LARGEST + 1)
    except (OSError, RuntimeError) as error:
        raise SkillError(f"it cannot be read: {getattr(error, 'strerror', None) or error}") from error
    if len(data) > LARGEST:
        raise SkillError(f"it is longer than {LARGEST // 1024} KB: move the details to files beside it")
    try:
        return data.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise SkillError(f"it is no UTF-8 (byte {error.start})") from error


def _parted(text: str) -> tuple[Mapping[str, Any], str]:
    """The front matter's values and the text below; a file without front matter is all text."""
    if not (found := _FENCE.match(text)):
        if re.match(r"---[ \t]*\n", text):
            raise SkillError("its front matter has no end: close it with a line '---'")
        return {}, text.strip()
    import yaml

    try:
        values = yaml.safe_load(found[1])
    except RecursionError as error:
        raise SkillError("its front matter is nested too deeply") from error
    except (yaml.YAMLError, ValueError) as error:
        mark = getattr(error, "problem_mark", None)
        where = f" (line {mark.line + 2})" if mark else ""
        raise SkillError(f"its front matter is no YAML{where}: {getattr(error, 'problem', None) or error}") from error
    if values is not None and not isinstance(values, dict):
        raise SkillError("its front matter is no list of 'name: value' lines")
    return values or {}, text[found.end() :].strip()


def _skill(values: Mapping[str, Any], body: str, unnamed: Skill) -> Skill:
    if not body:
        raise SkillError("it has no text below its front matter")
    return Skill(
        name=_line(values, "name", _LONGEST_NAME) or unnamed.name,
        description=_line(values, "description", _LONGEST_DESCRIPTION) or _first_paragraph(body),
        body=body,
        origin=unnamed.origin,
        path=unnamed.path,
        hints=_line(values, "when_to_use", _LONGEST_DESCRIPTION),
        patterns=(*_patterns(values, "paths"), *_patterns(values, "files")),
        by_hand=_flag(values, "disable-model-invocation"),
        for_host=_audience(values) == "host",
    )


def _line(values: Mapping[str, Any], name: str, longest: int) -> str:
    value = values.get(name)
    if value is None:
        return ""
    if not isinstance(value, str | int | float):
        raise SkillError(f"'{name}' is no text")
    return " ".join(str(value).split())[:longest]


def _first_paragraph(body: str) -> str:
    paragraphs = (part.strip() for part in body.split("\n\n"))
    return " ".join(next((part for part in paragraphs if part and part[0] != "#"), "").split())[:_LONGEST_DESCRIPTION]


def _flag(values: Mapping[str, Any], name: str) -> bool:
    value = values.get(name, False)
    if not isinstance(value, bool):
        raise SkillError(f"'{name}' is neither true nor false")
    return value


def _audience(values: Mapping[str, Any]) -> object:
    metadata = values.get("metadata")
    return metadata.get("audience") if isinstance(metadata, dict) else None


def _patterns(values: Mapping[str, Any], name: str) -> tuple[str, ...]:
    """The globs under that name: a list, or one line with commas."""
    value = values.get(name) or []
    if isinstance(value, str):
        value = re.split(r",(?![^{]*\})", value)
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise SkillError(f"'{name}' is no list of paths")
    return tuple(pattern for item in value for pattern in _without_braces(item.strip()))


def _without_braces(pattern: str) -> list[str]:
    """``src/*.{ts,tsx}`` as the two globs that it means; more than one such group is left as it is."""
    if not (found := re.fullmatch(r"([^{}]*)\{([^{}]*)\}([^{}]*)", pattern)):
        return [pattern] if pattern else []
    before, choices, after = found.groups()
    return [f"{before}{choice.strip()}{after}" for choice in choices.split(",")]
