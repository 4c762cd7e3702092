"""A plan as Markdown: it comes back equal, and no edit is lost without a word."""

from __future__ import annotations

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from plan_strategies import plans

from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.planning.markdown import from_markdown, to_markdown
from claude_orchestrator.plans.files import dump_plan, examine
from claude_orchestrator.plans.models import Operation, Plan

PLAN = Plan.model_validate(
    {
        "goal": "Greet people by their name",
        "budget": 5,
        "decisions": [
            {
                "question": "May public names change?",
                "answer": "no",
                "reason": "`greet` is imported elsewhere",
                "alternatives": ["yes", "with a deprecation"],
            }
        ],
        "phases": [
            {
                "id": "words",
                "title": "The words",
                "tasks": [
                    {
                        "id": "hello",
                        "title": "Say hello",
                        "kind": "feature",
                        "prompt": "Write `hello(name)`.\n\n```python\nhello('Ann')\n```\n",
                        "files": ["src/hello.py", "tests"],
                        "success_criteria": ['hello("Ann") says the name', "The <b>old</b> call works"],
                        "timeout": "30m",
                    },
                    {
                        "id": "log",
                        "depends_on": ["hello"],
                        "checks": [],
                        "operations": [{"write": "CHANGELOG.md", "content": "# Changes\n\nhello\n"}],
                    },
                ],
            }
        ],
    }
)

WRITTEN = """\
# Greet people by their name

- **Budget:** 5.0

## Decisions

### May public names change?

- **Answer:** no
- **Reason:** `greet` is imported elsewhere
- **Alternatives:**
  - yes
  - with a deprecation

## Phase `words`: The words

### Task `hello`: Say hello

**Prompt:**

````text
Write `hello(name)`.

```python
hello('Ann')
```

````

- **Kind:** feature
- **Files:** `src/hello.py`, `tests`
- **Success criteria:**
  - hello("Ann") says the name
  - `"The <b>old</b> call works"`
- **Timeout:** 30m

### Task `log`

- **Depends on:** `hello`
- **Checks:** none
- **Agent:** script

**Operations:**

```yaml
- write: CHANGELOG.md
  content: |
    # Changes

    hello
```
"""


def test_it_reads_well() -> None:
    assert to_markdown(PLAN) == WRITTEN
    assert from_markdown(WRITTEN) == PLAN


@pytest.mark.timeout(300)
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_every_plan_comes_back_from_markdown_and_from_yaml(plan: Plan) -> None:
    document = to_markdown(plan)
    assert from_markdown(document) == plan
    assert from_markdown("\ufeff" + document.replace("\n", "\r\n")) == plan, "as an editor of Windows leaves it"
    found, problems = examine(dump_plan(plan))
    assert problems == []
    assert found == plan


# -- edits -----------------------------------------------------------------------------------------


def edited(old: str, new: str) -> Plan:
    assert WRITTEN.count(old) == 1, old
    return from_markdown(WRITTEN.replace(old, new))


def test_edits_are_taken_over() -> None:
    hello = edited("hello('Ann')\n```", "hello('Bob')\n```").phases[0].tasks[0]
    assert "hello('Bob')" in hello.prompt
    assert edited("- **Files:** `src/hello.py`, `tests`", "- Files: src/hello.py, `a, b`").phases[0].tasks[0].files == [
        "src/hello.py",
        "a, b",
    ]
    assert edited("**Timeout:** 30m", "**Max turns:** 7").phases[0].tasks[0].max_turns == 7
    assert edited("- **Budget:** 5.0", "- **Budget:** $7.50").budget == 7.5
    assert edited("  - yes\n", "  - yes\n  - later\n").decisions[0].alternatives == [
        "yes",
        "later",
        "with a deprecation",
    ]
    assert edited("- **Checks:** none\n", "").phases[0].tasks[1].checks == ["pytest", "ruff", "mypy", "bandit"]
    assert edited("    hello\n```", "    hello\n- delete: old.txt\n```").phases[0].tasks[1].operations == [
        *(PLAN.phases[0].tasks[1].operations or []),
        Operation(delete="old.txt"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("- **Budget:** 5.0", "and be quick about it", 3, "a line that belongs to nothing"),
        ("- **Answer:** no", "- **Anwser:** no", 7, "'answer' is missing in decision 1"),
        ("- **Timeout:** 30m", "- **Timeuot:** 30m", 35, "did you mean 'timeout'?"),
        ("- **Timeout:** 30m", "- **Timeout:** 30m # or so", 35, "'30m # or so' is no time limit"),
        ("- **Timeout:** 30m", "- **Files:** `x`", 35, "'files' is there twice (first in line 31)"),
        ("- **Depends on:** `hello`", "- **Depends on:** `helo`", 39, "did you mean 'hello'?"),
        (
            "- **Files:** `src/hello.py`, `tests`",
            "- **Files:** `src/hello.py` `tests`",
            31,
            "a list that cannot be read",
        ),
        ("- **Kind:** feature", "- **Kind:**", 30, "'kind' has no value"),
        ("- **Agent:** script", "- **Agent:**\n  - script", 41, "'agent' is a list"),
        ("## Phase `words`: The words", "## Words", 15, "a heading that is none of a plan's"),
        ("## Phase `words`: The words", "", 1, "'phases' is missing"),
        ("````text", "```text", 28, "a line that belongs to nothing"),
        ("    hello\n```", "    hello\n", 45, "a block without an end"),
        ("- write: CHANGELOG.md", "- write: CHANGELOG.md\n   x: 'open", 47, "broken YAML"),
        ("- write: CHANGELOG.md", "- wriet: CHANGELOG.md", 46, "did you mean 'write'?"),
        ("## Decisions\n", "", 6, "a heading that is none of a plan's"),
        ("## Decisions\n", "## Decisions\n\n- **Budget:** 7", 7, "a line that belongs to nothing"),
        ("- **Budget:** 5.0", "- **Goal:** another", 3, "'goal' is there twice (first in line 1)"),
        ("## Decisions\n", "### Task `x`\n", 5, "a task outside of any phase"),
        ("# Greet people by their name\n", "## Greet people by their name\n", 1, "a chapter before the goal"),
        ("# Greet people by their name\n", "Hello\n\n# Greet\n", 1, "text before the goal"),
        ("# Greet people by their name\n", "", 2, "text before the goal"),
    ],
)
def test_an_edit_that_means_nothing_is_refused_with_its_line(old: str, new: str, line: int, said: str) -> None:
    with pytest.raises(PlanError) as refused:
        edited(old, new)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    place = re.match(r"<text>:(\d+): ", str(refused.value))
    assert place is not None
    assert int(place[1]) == line, str(refused.value)


def test_an_empty_document() -> None:
    with pytest.raises(PlanError, match=r"^plan\.md:1: the document is empty"):
        from_markdown("\n\n", "plan.md")


@settings(max_examples=80, deadline=None)
@given(st.integers(0, WRITTEN.count("\n") - 1), st.text(max_size=12))
def test_a_line_that_is_added_is_seen(number: int, line: str) -> None:
    """Whatever is written into the document, the plan is another one or the line is refused."""
    lines = WRITTEN.split("\n")
    lines.insert(number, line)
    document = "\n".join(lines)
    try:
        plan = from_markdown(document)
    except PlanError:
        return
    assert plan != PLAN or not line.strip() or is_comment(line)


def is_comment(line: str) -> bool:
    """What YAML reads over within a block of it."""
    return line.lstrip().startswith("#")


@settings(max_examples=60, deadline=None)
@given(st.text(max_size=200))
def test_no_text_makes_a_traceback(text: str) -> None:
    try:
        from_markdown(text)
    except PlanError as error:
        assert "\n" not in str(error)  # noqa: PT017
