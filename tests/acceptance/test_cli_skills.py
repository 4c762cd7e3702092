"""``claude-orchestrator skills`` as a user runs it."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from cli_world import World


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    one = World(tmp_path)
    yield one
    one.close()


def put(folder: Path, text: str) -> None:
    folder.mkdir(parents=True)
    (folder / "SKILL.md").write_text(text)


def test_the_list_and_what_a_plan_gets(world: World) -> None:
    put(world.project / ".claude" / "skills" / "invoices", "---\npaths: [billing/**]\n---\nCents are integers.\n")
    put(world.project / "skills" / "broken", "---\nname: [\n---\nx\n")
    put(world.folder / ".claude" / "skills" / "deploy", "---\ndisable-model-invocation: true\n---\nShip it.\n")
    (world.project / "sub").mkdir()
    listed = world.cli("skills").stdout
    assert "  deploy (user, only when a task names it): Ship it." in listed
    assert "  invoices (project): Cents are integers." in listed
    assert "✗ broken (project): its front matter is no YAML" in listed
    assert "  tests-that-can-fail (built-in): Write tests" in listed
    plan = world.plan(
        world.task("bill", title="Round", files=["billing/totals.py"]),
        world.task("other", title="Something else"),
    )
    told = world.cli("skills", "--for", plan).stdout
    assert told == "bill: invoices\n    invoices (project): it is for billing/**\nother: no skill fits\n"
    document = world.json("skills", "--for", plan)
    assert [skill["name"] for skill in document["tasks"]["bill"]] == ["invoices"]
    assert document["tasks"]["other"] == []
    problems = {skill["name"]: skill["problem"] for skill in document["skills"]}
    assert problems["broken"]
    assert problems["invoices"] is None
    assert "tasks" not in world.json("skills")


def test_a_plan_that_is_none(world: World) -> None:
    said = world.cli("skills", "--for", "missing.yaml", code=2)
    assert "missing.yaml" in said.stderr
    (world.project / "bad.yaml").write_text(json.dumps({"goal": ""}))
    assert world.cli("skills", "--for", "bad.yaml", code=2).stderr.startswith("error: ")
