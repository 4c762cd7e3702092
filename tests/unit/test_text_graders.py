"""Conditions on a text: each alone, as YAML, and as checks of a change."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic_core import PydanticCustomError

from claude_orchestrator.errors import VerificationError
from claude_orchestrator.graders.base import graders_for
from claude_orchestrator.graders.texts import (
    ContainsGrader,
    JSONSchemaGrader,
    JSONValidGrader,
    LengthGrader,
    NonEmptyGrader,
    NotContainsGrader,
    RegexGrader,
    TextGrader,
    text_check,
)
from claude_orchestrator.plans.checks import RESERVED, TEXT_CHECKS, check_names, known_check
from claude_orchestrator.plans.files import check_plan, dump_plan, load_plan
from claude_orchestrator.plans.models import Plan

SCHEMA = {
    "type": "object",
    "required": ["n"],
    "properties": {"n": {"type": "integer"}, "s": {"pattern": "^(a+)+$"}, "none": {"const": None}},
}
PLAN = "goal: x\nphases:\n  - id: a\n    tasks:\n      - id: t\n        operations: []\n        checks: [ruff, %s]\n"


@pytest.mark.parametrize(
    ("grader", "good", "bad", "said"),
    [
        (NonEmptyGrader(), "x", " \n\t", "is empty"),
        (JSONValidGrader(), '{"a": [1, null]}', "{'a': 1}", "is no JSON (line 1"),
        (JSONValidGrader(), "0", "NaN", "it has NaN"),
        (JSONValidGrader(), "[]", "[" * 100_000, "nested too deeply"),
        (JSONValidGrader(), "{}", "", "is no JSON"),
        (RegexGrader(r"^## 1\.2"), "## 1.2 (today)", "see ## 1.2", "nothing matches"),
        (RegexGrader(r"(?m)^b$"), "a\nb", "ab", "nothing matches"),
        (RegexGrader("straße", ignore_case=True), "STRAßE", "STRASSE", "nothing matches"),
        (LengthGrader(least=2), "ab", "a", "has 1 characters, at least 2"),
        (LengthGrader(most=2, unit="words"), "a  b\n", "a b c", "has 3 words, at most 2"),
        (LengthGrader(least=1, most=2, unit="lines"), "a\nb\n", "a\nb\nc", "has 3 lines"),
        (ContainsGrader("1.2"), "v1.2", "v1x2", 'does not contain "1.2"'),
        (ContainsGrader("Done", ignore_case=True), "DONE", "do ne", "does not contain"),
        (NotContainsGrader("TODO"), "todo", "a TODO", 'contains "TODO"'),
        (NotContainsGrader("TODO", ignore_case=True), "done", "todo", "contains"),
    ],
)
def test_a_condition(grader: TextGrader, good: str, bad: str, said: str) -> None:
    assert grader.grade_text(good).status == "passed"
    result = grader.grade_text(bad)
    assert result.status == "failed"
    assert said in result.reasons[0]
    assert [found.severity for found in result.findings] == ["problem"]


@pytest.mark.parametrize(
    ("text", "faults"),
    [
        ('{"n": 1}', ()),
        ('{"n": 1, "none": null}', ()),
        ('{"n": "1"}', ("$.n: '1' is not of type 'integer'",)),
        ("{}", ("$: 'n' is a required property",)),
        ("[", ("is no JSON (line 1: Expecting value)",)),
    ],
)
def test_a_schema(text: str, faults: tuple[str, ...]) -> None:
    assert JSONSchemaGrader(SCHEMA).grade_text(text).reasons == faults


def test_a_schema_is_not_fetched_from_anywhere() -> None:
    with pytest.raises(VerificationError, match="Unresolvable"):
        JSONSchemaGrader({"$ref": "http://127.0.0.1:1/schema.json"}).grade_text("{}")


def test_a_match_that_never_ends_is_none() -> None:
    text = "a" * 40 + "b"
    result = RegexGrader("^(a+)+$", timeout_s=0.5).grade_text(text)
    assert result.status == "failed"
    assert "within 0.5 s" in result.reasons[0]


def test_a_schema_whose_pattern_never_ends_accepts_nothing() -> None:
    text = json.dumps({"n": 1, "s": "a" * 40 + "b"})
    assert "within 1 s" in JSONSchemaGrader(SCHEMA, timeout_s=1).grade_text(text).reasons[0]


def test_a_text_that_is_too_large_is_refused() -> None:
    assert "is larger than" in NonEmptyGrader().grade_text("x" * 5_000_001).reasons[0]


# -- as entries of checks ---------------------------------------------------------------------------

SOUND: list[dict[str, Any]] = [
    {"non_empty": {"in": "report"}},
    {"json": {"in": "data/a.json"}},
    {"regex": {"in": "report", "pattern": "^x", "ignore_case": True}},
    {"length": {"in": "README.md", "unit": "lines", "min": 1, "max": 9}},
    {"contains": {"in": "CHANGELOG.md", "text": "1.2"}},
    {"not_contains": {"in": "CHANGELOG.md", "text": "1.2"}},
]


@pytest.mark.parametrize("check", SOUND, ids=lambda check: next(iter(check)))
def test_a_sound_entry_stays_as_it_is(check: dict[str, Any]) -> None:
    assert known_check(check) == check
    (name,) = check_names([check])
    assert text_check(name, check).name == name


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("contains", "write it as a mapping"),
        ("{contains: CHANGELOG.md}", "'contains' must be a mapping"),
        ("{contains: {in: a}}", "'contains' needs 'text'"),
        ("{contains: {text: a}}", "'contains' needs 'in'"),
        ("{contains: {in: a, text: 5}}", "put it in quotes"),
        ('{contains: {in: a, text: ""}}', "'text' is empty"),
        ("{contains: {in: a, txt: b}}", "did you mean 'text'?"),
        ("{contain: {in: a, text: b}}", "did you mean 'contains'?"),
        ("{contains: {in: /etc/passwd, text: b}}", "is absolute"),
        ("{contains: {in: ../x, text: b}}", "leaves the repository"),
        ("{contains: {in: a, text: b}, json: {in: a}}", "a check with 2 keys"),
        ('{regex: {in: a, pattern: "("}}', "is no regular expression"),
        (f"{{regex: {{in: a, pattern: {'x' * 1001}}}}}", "1001 characters"),
        ("{regex: {in: a, pattern: b, ignore_case: 1}}", "must be true or false"),
        ("{length: {in: a}}", "has no limit"),
        ("{length: {in: a, min: 3, max: 2}}", "no text is 3 to 2"),
        ("{length: {in: a, min: true}}", "must be a whole number"),
        ("{length: {in: a, max: 2, unit: pages}}", "unknown unit 'pages'"),
        ("7", "7 is no check"),
    ],
)
def test_a_wrong_entry_is_one_line_with_a_hint(entry: str, said: str) -> None:
    (problem,) = check_plan(PLAN % entry)
    assert said in problem.format()
    assert problem.line == 7
    assert problem.hint


def test_a_wrong_schema_is_refused_with_the_plan() -> None:
    (problem,) = check_plan(PLAN % "{json_schema: {in: a.json, schema: {type: strin}}}")
    assert "is no JSON Schema" in problem.message
    assert check_plan(PLAN % "{json_schema: {in: a.json, schema: {type: string}}}") == []


def test_a_plan_with_conditions_survives_its_export(tmp_path: Path) -> None:
    entry = "{json_schema: {in: a.json, schema: {const: null}}}, {contains: {in: report, text: b}}"
    (tmp_path / "plan.yaml").write_text(PLAN % entry)
    plan = load_plan(tmp_path / "plan.yaml")
    (tmp_path / "again.yaml").write_text(dump_plan(plan))
    assert load_plan(tmp_path / "again.yaml") == plan
    stored = plan.model_dump_json(exclude_none=True)
    assert Plan.model_validate_json(stored) == plan
    assert Plan.model_validate_json(stored).model_dump_json(exclude_none=True) == stored


def test_results_have_names_of_their_own() -> None:
    same = {"contains": {"in": "a", "text": "b"}}
    assert check_names(["ruff", same, {"json": {"in": "a"}}, same]) == ["ruff", "contains:a", "json:a", "contains:a#2"]
    assert [grader.name for grader in graders_for([same, same])] == ["contains:a", "contains:a#2"]
    assert graders_for([]) == []


def test_guards_go_with_checks_of_the_code() -> None:
    names = [grader.name for grader in graders_for(["ruff", {"json": {"in": "a"}}])]
    assert names == ["integrity", "semantics", "ruff", "json:a"]


def test_no_kind_is_the_name_of_a_check() -> None:
    assert not TEXT_CHECKS.keys() & RESERVED


def test_a_condition_that_nobody_knows_is_refused() -> None:
    with pytest.raises(VerificationError, match="is not known"):
        text_check("x", {"sings": {"in": "a"}})
    with pytest.raises(PydanticCustomError):
        known_check({"sings": {"in": "a"}})


class _Bench:
    """What a condition needs of the bench."""

    def __init__(self, files: dict[str, bytes], report: str = "") -> None:
        self._files = files
        self.claims = type("Claims", (), {"report": report})

    async def files(self, side: str, paths: list[str]) -> dict[str, bytes]:
        assert side == "head"
        return {path: self._files[path] for path in paths if path in self._files}


@pytest.mark.parametrize(
    ("check", "status", "reason"),
    [
        ({"contains": {"in": "a.md", "text": "ä"}}, "passed", ""),
        ({"contains": {"in": "a.md", "text": "b"}}, "failed", 'a.md: does not contain "b"'),
        ({"not_contains": {"in": "none.md", "text": "b"}}, "failed", "none.md: there is no such file in the change"),
        ({"not_contains": {"in": "binary", "text": "b"}}, "failed", "binary: is not UTF-8 text"),
        ({"contains": {"in": "report", "text": "done"}}, "passed", ""),
        ({"regex": {"in": "report", "pattern": "tests"}}, "failed", "the agent's report: nothing matches 'tests'"),
    ],
)
def test_a_condition_on_a_change(check: dict[str, Any], status: str, reason: str) -> None:
    bench: Any = _Bench({"a.md": "\ufeffä".encode(), "binary": b"\xff\xfe\x00"}, "all done")
    (name,) = check_names([check])
    result = asyncio.run(text_check(name, check).grade(bench))
    assert (result.name, result.status) == (name, status)
    assert result.reasons == ((reason,) if reason else ())
    assert replace(result, reasons=()).findings == result.findings
