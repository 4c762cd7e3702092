"""A plan as Markdown: it comes back equal, and no edit is lost without a word."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings
from plan_strategies import plans

from claude_orchestrator.orchestrator.planning.markdown import from_markdown, to_markdown
from claude_orchestrator.plans.files import dump_plan, examine
from claude_orchestrator.plans.models import Plan

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


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_every_plan_comes_back_from_markdown_and_from_yaml(plan: Plan) -> None:
    assert from_markdown(to_markdown(plan)) == plan
    found, problems = examine(dump_plan(plan))
    assert problems == []
    assert found == plan


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(plans())
def test_a_document_survives_line_ends_of_windows(plan: Plan) -> None:
    assert from_markdown("\ufeff" + to_markdown(plan).replace("\n", "\r\n")) == plan
