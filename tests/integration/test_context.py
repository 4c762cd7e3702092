"""What an agent is told: found in the plan, in git, in the worktree and in what other tasks have left."""

import json
from pathlib import Path
from typing import Any

from engine_world import git, run

from claude_orchestrator.config import Settings
from claude_orchestrator.plans.models import Plan

SHOW = ["sh", "-c", "cp {prompt_file} told.md"]


def a_plan(*tasks: dict[str, Any], **whole: Any) -> Plan:
    return Plan.model_validate({"goal": "g", "phases": [{"id": "p", "tasks": list(tasks)}], **whole})


def commit_all(project: Path) -> None:
    git(project, "add", ".")
    git(project, "commit", "--quiet", "--message=more")


def told(settings: Settings, attempt: str) -> str:
    return (settings.attempts / attempt / "prompt.md").read_text()


def test_an_agent_is_told_what_concerns_its_task(project: Path, settings: Settings) -> None:
    (project / "CLAUDE.md").write_text("Use four spaces.\n")
    skill = project / ".claude" / "skills" / "adding-numbers" / "SKILL.md"
    skill.parent.mkdir(parents=True)
    skill.write_text("---\nname: adding-numbers\ndescription: How numbers are added in calc\n---\nMind the overflow.\n")
    commit_all(project)
    first = {"id": "first", "title": "Say it", "files": ["shared.txt"], "checks": [], "operations": [
        {"write": "shared.txt", "content": "said\n"}, {"report": "I have said it."}]}  # fmt: skip
    second = {"id": "second", "prompt": "Add numbers in calc by /adding-numbers", "files": ["told.md", "calc.py"],
              "command": SHOW, "checks": [], "depends_on": ["first"], "success_criteria": ["It adds."]}  # fmt: skip
    decisions = [
        {"question": "What of calc.py?", "answer": "Leave its names."},
        {"question": "What of other.py?", "answer": "Delete it."},
        {"question": "In general?", "answer": "Be kind."},
    ]
    assert run(project, settings, a_plan(first, second, decisions=decisions)) == "completed"
    prompt = told(settings, "r1.second.1")
    assert prompt.startswith("Add numbers in calc by /adding-numbers\n")
    for said in ("- calc.py", "- It adds.", "Leave its names.", "Be kind.", "Use four spaces.", "Mind the overflow.",
                 "### first: Say it", "changed shared.txt", "I have said it."):  # fmt: skip
        assert said in prompt
    assert "Delete it." not in prompt
    report = json.loads((settings.attempts / "r1.second.1" / "context.json").read_text())
    assert report["tokens"] <= report["budget"] == 150_000
    assert not any(part["left_out"] for part in report["parts"])


def test_the_next_attempt_is_told_why_the_last_was_refused(project: Path, settings: Settings) -> None:
    task = {"id": "t", "prompt": "Do it.", "files": ["told.md"], "max_attempts": 2,
            "command": ["sh", "-c", "cp {prompt_file} told.md; echo Too short for me; exit 3"]}  # fmt: skip
    assert run(project, settings, a_plan(task)) == "incomplete"
    assert "Too short" not in told(settings, "r1.t.1")
    assert "## Why the previous attempt was refused" in told(settings, "r1.t.2")
    assert "Too short for me" in told(settings, "r1.t.2")


def test_an_agent_that_reads_no_prompt_costs_no_search(project: Path, settings: Settings) -> None:
    (project / "CLAUDE.md").write_text("Use four spaces.\n")
    commit_all(project)
    task = {"id": "t", "files": ["shared.txt"], "checks": [], "operations": [{"write": "shared.txt", "content": "x"}]}
    assert run(project, settings, a_plan(task)) == "completed"
    assert "four spaces" not in told(settings, "r1.t.1")
