"""Who does a task: the command line, the task, the phase, the plan, the settings, in that order."""

import pytest

from claude_orchestrator.errors import PlanError
from claude_orchestrator.orchestrator.starting import assigned
from claude_orchestrator.plans.models import Choice, Plan, Task


def plan(task: dict[str, object], phase: dict[str, object] | None = None, **whole: object) -> Plan:
    tasks = [{"id": "t", "prompt": "do it", **task}]
    return Plan.model_validate({"goal": "g", "phases": [{"id": "p", "tasks": tasks, **(phase or {})}], **whole})


def of(given: Plan, choice: Choice | None = None, default: Choice | None = None) -> Task:
    phase = given.phases[0]
    return assigned(phase.tasks[0], [choice, phase.tasks[0], phase, given, default])


def test_a_task_with_a_prompt_alone_is_for_claude() -> None:
    assert of(plan({})).agent == "claude"


def test_the_nearest_that_says_it_counts() -> None:
    whole = plan({}, agent="acp", command=["gemini", "--acp"])
    assert (of(whole).agent, of(whole).command) == ("acp", ["gemini", "--acp"])
    assert of(plan({}, {"agent": "model"}, agent="acp", command=["x"])).agent == "model"
    assert of(plan({"agent": "claude"}, {"agent": "model"})).agent == "claude"
    assert of(plan({"agent": "claude"}), Choice(agent="model")).agent == "model"
    assert of(plan({}), None, Choice(agent="model", model="m")).model == "m"
    assert of(plan({"agent": "claude"}), None, Choice(agent="model", model="m")).model is None


def test_a_model_named_for_one_agent_is_none_for_another() -> None:
    given = plan({}, agent="claude", model="claude-x")
    assert of(given).model == "claude-x"
    assert of(given, Choice(agent="model")).model is None
    assert of(given, Choice(model="claude-y")).model == "claude-y"


def test_a_task_that_says_what_is_done_keeps_its_agent() -> None:
    given = plan({"operations": [{"write": "a", "content": "b"}]}, agent="model")
    assert of(given, Choice(agent="claude")).agent == "script"
    assert of(plan({"command": ["make"]}), Choice(agent="claude")).agent == "command"
    assert of(plan({"agent": "acp", "command": ["gemini", "--acp"]})).agent == "acp"


def test_an_acp_agent_needs_a_program() -> None:
    with pytest.raises(PlanError, match="say which with 'command'"):
        of(plan({"agent": "acp"}))


@pytest.mark.parametrize("agent", ["script", "command"])
def test_nobody_can_choose_an_agent_that_does_not_read_prompts(agent: str) -> None:
    with pytest.raises(ValueError, match="cannot work from prompts alone"):
        Choice(agent=agent)


@pytest.mark.parametrize("budget", [0, -1, "free", True, float("inf"), "$-1"])
def test_a_budget_is_a_sum_above_zero(budget: object) -> None:
    with pytest.raises(ValueError, match="is no budget"):
        plan({"budget": budget})


def test_a_budget_may_be_written_as_people_do() -> None:
    assert plan({"budget": "$2.50"}).phases[0].tasks[0].budget == 2.5
