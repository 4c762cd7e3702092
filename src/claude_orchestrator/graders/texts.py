r"""Conditions on one text: a file of the change, or what the agent reports. Facts only, no model is asked.

Each grader can be used alone (``RegexGrader(r"^## 1\.2").grade_text(text)``), and as an entry of a task's ``checks``
or of ``verify --text-check`` (see :data:`claude_orchestrator.plans.checks.TEXT_CHECKS`).
"""

from __future__ import annotations

import asyncio
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import CheckResult, Finding, status_of
from claude_orchestrator.graders.bounded import TIMEOUT_S, faults_of
from claude_orchestrator.plans.checks import REPORT

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench

MAX_BYTES: Final = 5_000_000
"""A larger text is refused."""

Unit = Literal["characters", "words", "lines"]


class TextGrader(ABC):
    """Judges one text by rule."""

    kind: ClassVar[str]

    @abstractmethod
    def faults(self, text: str) -> list[str]:
        """What is wrong with the text; nothing when it is as it should be."""

    def grade_text(self, text: str) -> CheckResult:
        """Judge a text that somebody has at hand."""
        size = len(text.encode(errors="surrogatepass"))
        said = self.faults(text) if size <= MAX_BYTES else [f"is larger than {MAX_BYTES:,} bytes"]
        findings = tuple(Finding(f"text/{self.kind}", "", 0, message) for message in said)
        return CheckResult(self.kind, status_of(findings), findings, reasons=tuple(said))


class NonEmptyGrader(TextGrader):
    """There is more than white space."""

    kind = "non_empty"

    def faults(self, text: str) -> list[str]:
        """Whether it says anything."""
        return [] if text.strip() else ["is empty"]


class JSONValidGrader(TextGrader):
    """The text is one JSON document (``NaN`` and ``Infinity`` are not JSON)."""

    kind = "json"

    def faults(self, text: str) -> list[str]:
        """Where the text is broken."""
        return _parsed(text)[1]


class JSONSchemaGrader(TextGrader):
    """The text is a JSON document that a JSON Schema accepts. References to other documents are not followed."""

    kind = "json_schema"

    def __init__(self, schema: Mapping[str, Any] | bool, timeout_s: float = TIMEOUT_S) -> None:
        self._schema = schema
        self._timeout_s = timeout_s

    def faults(self, text: str) -> list[str]:
        """Where the document differs from the schema. Raises VerificationError for a schema that cannot be used."""
        value, wrong = _parsed(text)
        return wrong or faults_of({"schema": self._schema, "value": value}, self._timeout_s)


class RegexGrader(TextGrader):
    """Some place of the text matches a regular expression of Python's; a match that takes too long is none."""

    kind = "regex"

    def __init__(self, pattern: str, *, ignore_case: bool = False, timeout_s: float = TIMEOUT_S) -> None:
        self._question = {"pattern": pattern, "ignore_case": ignore_case}
        self._timeout_s = timeout_s

    def faults(self, text: str) -> list[str]:
        """Whether nothing matches. Raises VerificationError for a pattern that cannot be used."""
        return faults_of({**self._question, "text": text}, self._timeout_s)


class LengthGrader(TextGrader):
    """The text has at least ``least`` and at most ``most`` characters, words or lines."""

    kind = "length"

    def __init__(self, *, least: int = 0, most: int | None = None, unit: Unit = "characters") -> None:
        self._least = least
        self._most = most
        self._unit = unit

    def faults(self, text: str) -> list[str]:
        """Whether it is too short or too long."""
        length = {"characters": len(text), "words": len(text.split()), "lines": len(text.splitlines())}[self._unit]
        if length < self._least:
            return [f"has {length} {self._unit}, at least {self._least} are wanted"]
        if self._most is not None and length > self._most:
            return [f"has {length} {self._unit}, at most {self._most} are allowed"]
        return []


class ContainsGrader(TextGrader):
    """The text has another text in it."""

    kind = "contains"

    def __init__(self, text: str, *, ignore_case: bool = False) -> None:
        self._text = text
        self._ignore_case = ignore_case

    def faults(self, text: str) -> list[str]:
        """Whether it is missing."""
        return [] if _is_in(self._text, text, self._ignore_case) else [f"does not contain {_quoted(self._text)}"]


class NotContainsGrader(ContainsGrader):
    """The text does not have another text in it."""

    kind = "not_contains"

    def faults(self, text: str) -> list[str]:
        """Whether it is there."""
        return [] if super().faults(text) else [f"contains {_quoted(self._text)}"]


@dataclass
class TextCheck:
    """A condition on a text of the change; a :class:`~claude_orchestrator.graders.base.Grader`."""

    name: str
    place: str
    grader: TextGrader

    async def grade(self, bench: Bench) -> CheckResult:
        """Judge the file as it would be merged, or the agent's report."""
        text, missing = await self._text(bench)
        if missing:
            findings = (Finding(f"text/{self.grader.kind}", self.place, 0, missing),)
            return CheckResult(self.name, "failed", findings, reasons=(f"{self.place}: {missing}",))
        result = await asyncio.to_thread(self.grader.grade_text, text)
        where = self._where()
        return replace(
            result,
            name=self.name,
            findings=tuple(replace(found, path=where) for found in result.findings),
            reasons=tuple(f"{where}: {reason}" for reason in result.reasons),
        )

    def _where(self) -> str:
        return "the agent's report" if self.place == REPORT else self.place

    async def _text(self, bench: Bench) -> tuple[str, str]:
        """The text, or why there is none."""
        if self.place == REPORT:
            return bench.claims.report, ""
        content = (await bench.files("head", [self.place])).get(self.place)
        if content is None:
            return "", "there is no such file in the change"
        try:
            return content.decode("utf-8-sig"), ""
        except UnicodeDecodeError:
            return "", "is not UTF-8 text"


def text_check(name: str, check: Mapping[str, Any]) -> TextCheck:
    """The grader of a condition (``{kind: {"in": …}}``). Raises VerificationError for one that nobody knows."""
    try:
        ((kind, settings),) = check.items()
        return TextCheck(name, settings["in"], _GRADERS[kind](settings))
    except (KeyError, TypeError, ValueError, AttributeError):
        raise VerificationError(f"the check {json.dumps(check, default=str)[:200]} is not known") from None


_GRADERS: Final[dict[str, Callable[[Mapping[str, Any]], TextGrader]]] = {
    "non_empty": lambda _: NonEmptyGrader(),
    "json": lambda _: JSONValidGrader(),
    "json_schema": lambda said: JSONSchemaGrader(said["schema"]),
    "regex": lambda said: RegexGrader(said["pattern"], ignore_case=said.get("ignore_case", False)),
    "length": lambda said: LengthGrader(
        least=said.get("min", 0), most=said.get("max"), unit=said.get("unit", "characters")
    ),
    "contains": lambda said: ContainsGrader(said["text"], ignore_case=said.get("ignore_case", False)),
    "not_contains": lambda said: NotContainsGrader(said["text"], ignore_case=said.get("ignore_case", False)),
}


def _parsed(text: str) -> tuple[Any, list[str]]:
    try:
        return json.loads(text, parse_constant=_no_constant), []
    except json.JSONDecodeError as error:
        return None, [f"is no JSON (line {error.lineno}: {error.msg})"]
    except RecursionError:
        return None, ["is no JSON that can be read: it is nested too deeply"]
    except ValueError as error:
        return None, [f"is no JSON ({error})"]


def _no_constant(name: str) -> Any:
    raise ValueError(f"it has {name}")


def _is_in(part: str, text: str, ignore_case: bool) -> bool:
    return part.casefold() in text.casefold() if ignore_case else part in text


def _quoted(text: str) -> str:
    shown = text if len(text) <= 80 else text[:77] + "..."
    return json.dumps(shown, ensure_ascii=False)
