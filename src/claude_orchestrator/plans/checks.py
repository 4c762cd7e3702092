"""What the entries of a task's ``checks`` may be: names of checks, and conditions on a text.

A name is one of ours or that of an installed grader (entry point group ``claude_orchestrator.graders``). A condition
is a mapping with one key, its kind; ``in`` names a file of the repository, or ``report`` for what the agent says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final, cast

from claude_orchestrator.plans.graph import did_you_mean
from claude_orchestrator.plans.paths import path_fault

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

    from pydantic_core import PydanticCustomError

KNOWN_CHECKS: Final = ("pytest", "ruff", "mypy", "bandit")
"""The checks that a task may ask for by name; all of them are its default."""

ENTRY_POINTS: Final = "claude_orchestrator.graders"
"""The entry point group of graders that other distributions bring."""

RESERVED: Final = frozenset({*KNOWN_CHECKS, "scope", "integrity", "semantics", "none", "report"})
"""Names that no other distribution may give to a grader of its own."""

REPORT: Final = "report"
"""As the place of a text: what the agent reported."""

MAX_PATTERN: Final = 1000
"""Characters that a regular expression may have."""

UNITS: Final = ("characters", "words", "lines")

_TYPES: Final[dict[str, tuple[type, ...]]] = {
    "text": (str,),
    "pattern": (str,),
    "unit": (str,),
    "schema": (dict, bool),
    "min": (int,),
    "max": (int,),
    "ignore_case": (bool,),
}
"""Key of a condition → the types that its value may have."""

TEXT_CHECKS: Final[dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = {
    "non_empty": ((), ()),
    "json": ((), ()),
    "json_schema": (("schema",), ()),
    "regex": (("pattern",), ("ignore_case",)),
    "length": ((), ("unit", "min", "max")),
    "contains": (("text",), ("ignore_case",)),
    "not_contains": (("text",), ("ignore_case",)),
}
"""Kind of a condition → the keys that it needs besides ``in``, and those that it may have."""

_EXAMPLE: Final = 'for example: contains: {in: CHANGELOG.md, text: "1.2"}'

Check = str | dict[str, Any]
"""One entry of ``checks``."""


def fault(message: str, hint: str) -> PydanticCustomError:
    """A validation error that carries its hint; ``files.py`` shows both."""
    from pydantic_core import PydanticCustomError  # not at the top: the judging process has no plan to validate

    return PydanticCustomError("plan", "{message}", {"message": message, "hint": hint})


def known_check(value: Any) -> Check:
    """The entry, if it may stand in ``checks``. Raises PydanticCustomError with a hint."""
    if isinstance(value, Mapping):
        return _text_check(value)
    if not isinstance(value, str):
        raise fault(f"{value!r} is no check", f"name one ({', '.join(KNOWN_CHECKS)}), or write a condition, {_EXAMPLE}")
    if value in KNOWN_CHECKS or (value not in RESERVED and value in third_party()):
        return value
    if value in TEXT_CHECKS:
        raise fault(f"the check '{value}' does not say which text", f"write it as a mapping, {_EXAMPLE}")
    known = (*KNOWN_CHECKS, *sorted(third_party().keys() - RESERVED))
    raise fault(f"unknown check '{value}'", _instead(value, known))


def third_party() -> dict[str, EntryPoint]:
    """The graders that installed distributions bring, by name; nothing is imported."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=ENTRY_POINTS)}


def check_names(checks: Iterable[str | Mapping[str, Any]]) -> list[str]:
    """How the results of ``checks`` are called: a condition by its kind and text, numbered where that is not enough."""
    names: list[str] = []
    for check in checks:
        name = check if isinstance(check, str) else _name(check)
        number = 2
        given = name
        while not isinstance(check, str) and name in names:
            name, number = f"{given}#{number}", number + 1
        names.append(name)
    return names


def _name(check: Mapping[str, Any]) -> str:
    kind, settings = next(iter(check.items()))
    return f"{kind}:{settings['in']}"


def _instead(word: str, known: Iterable[str]) -> str:
    known = tuple(known)
    meant = did_you_mean(word, known)
    return f"did you mean '{meant}'?" if meant else f"known are: {', '.join(known)}"


# -- conditions on a text -------------------------------------------------------------------------


def _text_check(value: Mapping[Any, Any]) -> dict[str, Any]:
    if len(value) != 1:
        raise fault(f"a check with {len(value)} keys", f"a condition has one key, its kind, {_EXAMPLE}")
    kind, settings = next(iter(value.items()))
    if kind not in TEXT_CHECKS:
        raise fault(f"unknown kind of check '{kind}'", _instead(str(kind), TEXT_CHECKS))
    if not isinstance(settings, Mapping):
        raise fault(f"'{kind}' must be a mapping", _EXAMPLE)
    needed, optional = TEXT_CHECKS[kind]
    allowed = ("in", *needed, *optional)
    for key in settings:
        if key not in allowed:
            raise fault(f"unknown key '{key}' in '{kind}'", _instead(str(key), allowed))
    for key in ("in", *needed):
        if key not in settings:
            raise fault(f"'{kind}' needs '{key}'", _EXAMPLE if key == "in" else f"add '{key}: ...'")
    _check_place(kind, settings["in"])
    for key, given in settings.items():
        if key != "in":
            _check_value(kind, key, given)
    if rule := _RULES.get(kind):
        rule(settings)
    return {kind: dict(settings)}


def _check_place(kind: str, place: Any) -> None:
    if not isinstance(place, str):
        raise fault(f"'in' of '{kind}' must be text", "name a file, or 'report' for what the agent says")
    if wrong := path_fault(place) if place != REPORT else None:
        raise fault(*wrong)


def _check_value(kind: str, key: str, given: Any) -> None:
    wanted = _TYPES[key]
    if not isinstance(given, wanted) or (isinstance(given, bool) and bool not in wanted):
        words = {str: "text", int: "a whole number", bool: "true or false", dict: "a mapping"}
        hint = "put it in quotes" if wanted == (str,) else "see docs/reference/plan-file.md"
        raise fault(f"'{key}' of '{kind}' must be {' or '.join(words[kind] for kind in wanted)}", hint)


def _regex(settings: Mapping[str, Any]) -> None:
    pattern = settings["pattern"]
    if len(pattern) > MAX_PATTERN:
        raise fault(f"a pattern of {len(pattern)} characters", f"use at most {MAX_PATTERN}")
    try:
        re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        raise fault(f"the pattern {pattern!r} is no regular expression ({error})", "see Python's module re") from None


def _length(settings: Mapping[str, Any]) -> None:
    unit, least, most = settings.get("unit", UNITS[0]), settings.get("min"), settings.get("max")
    if unit not in UNITS:
        raise fault(f"unknown unit '{unit}'", _instead(unit, UNITS))
    if least is None and most is None:
        raise fault("'length' has no limit", "add 'min: ...' or 'max: ...'")
    if (least or 0) < 0 or (most is not None and most < (least or 0)):
        raise fault(f"no text is {least or 0} to {most} {unit} long", "correct 'min' and 'max'")


def _contained(settings: Mapping[str, Any]) -> None:
    if not settings["text"]:
        raise fault("'text' is empty", "say what to look for")


def _schema(settings: Mapping[str, Any]) -> None:
    from importlib import import_module

    validators = cast("Any", import_module("jsonschema.validators"))
    schema = settings["schema"]
    try:
        validators.validator_for(schema, default=validators.Draft202012Validator).check_schema(schema)
    except import_module("jsonschema.exceptions").SchemaError as error:
        said = " ".join(str(error.message).split())[:200]
        raise fault(f"the schema is no JSON Schema ({said})", "see https://json-schema.org") from None
    except RecursionError:
        raise fault("the schema is nested too deeply", "make it flatter") from None


_RULES: Final[dict[str, Callable[[Mapping[str, Any]], None]]] = {
    "regex": _regex,
    "length": _length,
    "contains": _contained,
    "not_contains": _contained,
    "json_schema": _schema,
}
