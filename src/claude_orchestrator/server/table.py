"""Every tool that there is: the one place where they are declared, in the order in which they are listed."""

from __future__ import annotations

from typing import Any, Final

from claude_orchestrator.server import costs, gateway, inbox, plans, runs, safety, skills, status, verify
from claude_orchestrator.server.declaring import Alias, Arguments, Tool


def _one_answer(given: Arguments) -> Arguments:
    """``answer_planning_question`` answers one question by its id."""
    rest = dict(given)
    question = rest.pop("question_id", rest.pop("question", None))
    if question is None:
        return rest
    return {"answers": {str(question): rest.pop("answer", None)}, **rest}


def _approving(given: Arguments) -> Arguments:
    """``approve_action`` takes the decision as a yes or no, too."""
    rest = dict(given)
    said: Any = rest.pop("approved", None)
    if said is not None and "decision" not in rest:
        rest["decision"] = "approve" if said is True or str(said).lower() in ("true", "yes") else "deny"
    return rest


_SESSION: Final = {"session_id": "session"}
_RUN: Final = {"run_id": "run", "session_id": "run", "limit": "limit"}
_GATE: Final = {"action_id": "gate", "approval_id": "gate", "request_id": "gate", "gate_id": "gate", "id": "gate"}
_GOAL: Final = {"project_path": "project", "description": "context"}
_PROMPT: Final = {"task": "prompt", "project_path": "project", "cwd": "project", "working_directory": "project"}

TOOLS: Final[tuple[Tool, ...]] = (
    Tool(
        "status",
        status.status,
        "core",
        "read",
        "core",
        "What is going on: runs, plans in the making, questions that wait for a person, what to call next.",
        reads=True,
        hint="orchestrator health progress overview",
        aliases=(Alias("health_check", fixed={"view": "health"}), Alias("healing_status", fixed={"view": "health"})),
    ),
    Tool(
        "plan_start",
        plans.plan_start,
        "core",
        "write",
        "core",
        "Plan a goal: asks the person good questions about this repository (forms), returns what is still open.",
        hint="plan feature fix refactor migration questions",
        aliases=(Alias("start_planning_session", _GOAL), Alias("create_plan", _GOAL)),
    ),
    Tool(
        "plan_answer",
        plans.plan_answer,
        "core",
        "write",
        "core",
        "Pass on the person's answers to planning questions; without answers, asks them in forms.",
        idempotent=True,
        aliases=(Alias("answer_planning_question", _SESSION, translate=_one_answer),),
    ),
    Tool(
        "run_start",
        runs.run_start,
        "core",
        "write",
        "core",
        "Run an approved plan in the background and return its id. One not yet approved is shown to the person first.",
        open_world=True,
        hint="execute plan agents parallel worktrees delegate",
        aliases=(
            Alias("spawn_agent", _PROMPT),
            Alias("start_claude_session", _PROMPT, fixed={"agent": "claude"}),
        ),
    ),
    Tool(
        "run_get",
        runs.run_get,
        "core",
        "read",
        "core",
        "Look at a run; wait_s waits for news. evidence and output are of one task.",
        reads=True,
        hint="progress logs evidence verification result",
        aliases=(
            Alias("tasks_list", _RUN, fixed={"view": "tasks"}),
            Alias("get_pending_tasks", _RUN, fixed={"view": "tasks"}),
            Alias("get_task_details", {**_RUN, "task_id": "task"}, fixed={"view": "evidence"}),
            Alias("get_session_output", {**_RUN, "task_id": "task"}, fixed={"view": "output"}),
            Alias("audit_status", _RUN, fixed={"view": "events"}),
        ),
    ),
    Tool(
        "inbox_list",
        inbox.inbox_list,
        "core",
        "read",
        "core",
        "Questions that wait for the person, or one in full.",
        reads=True,
        hint="approvals gates pending",
        aliases=(Alias("inbox_status"),),
    ),
    Tool(
        "inbox_answer",
        inbox.inbox_answer,
        "core",
        "approve",
        "core",
        "Show a question to the person as a form. What they decide there counts, not what you pass.",
        person=True,
        destructive=True,
        hint="approve deny gate",
        aliases=(
            Alias("approve_action", _GATE, translate=_approving),
            Alias("approve_session_action", _GATE, translate=_approving),
        ),
    ),
    Tool(
        "request_tool",
        gateway.request_tool,
        "core",
        "read",
        "core",
        "Signatures of further tools, by category.",
        reads=True,
        gateway=True,
    ),
    Tool(
        "call_tool",
        gateway.call_tool,
        "core",
        "read",
        "core",
        "Call a tool that request_tool has named.",
        destructive=True,
        open_world=True,
        gateway=True,
    ),
    Tool(
        "plan_get",
        plans.plan_get,
        "planning",
        "read",
        "standard",
        "A planning session (s1: questions, map of the repository, draft, review) or a stored plan (p3).",
        reads=True,
        hint="survey research repository map",
        aliases=(
            Alias("get_plan", {"plan_id": "id"}),
            Alias("get_planning_session", {"session_id": "id"}),
        ),
    ),
    Tool(
        "plan_list",
        plans.plan_list,
        "planning",
        "read",
        "standard",
        "Planning sessions and stored plans, newest first.",
        reads=True,
        aliases=(Alias("list_plans"), Alias("list_planning_sessions")),
    ),
    Tool(
        "plan_edit",
        plans.plan_edit,
        "planning",
        "write",
        "standard",
        "Add or reword questions of a session, or submit your draft of the plan: it is checked and reviewed at once,"
        " and every mistake is answered with what to change.",
        hint="draft plan submit tasks phases",
    ),
    Tool(
        "plan_approve",
        plans.plan_approve,
        "planning",
        "approve",
        "standard",
        "Show a reviewed draft or a stored plan to the person as a form; only they can approve it.",
        person=True,
        destructive=True,
        idempotent=True,
        aliases=(Alias("approve_planning_session", {"session_id": "id"}),),
    ),
    Tool(
        "run_list",
        runs.run_list,
        "runs",
        "read",
        "standard",
        "Runs, newest first.",
        reads=True,
        aliases=(Alias("list_claude_sessions"),),
    ),
    Tool(
        "run_wait",
        runs.run_wait,
        "runs",
        "read",
        "standard",
        "Wait until a run is over or rests, with progress. What it asks meanwhile is shown to the person as forms.",
        # Not read-only: the person's answers to the forms are kept, and move the run.
        destructive=True,
        hint="watch follow block until done",
    ),
    Tool(
        "run_control",
        runs.run_control,
        "runs",
        "write",
        "standard",
        "Pause a run, let it go on, or cancel it for good. Merged work and every attempt's commits are kept.",
        destructive=True,
        idempotent=True,
        aliases=(Alias("stop_claude_session", _RUN, fixed={"action": "cancel"}),),
    ),
    Tool(
        "verify",
        verify.verify,
        "verify",
        "write",
        "standard",
        "Let the independent verifier judge the change from base to head in a fresh checkout, against the base's own"
        " tests and tools. Only new problems count. Takes minutes.",
        idempotent=True,
        hint="test lint types security check change",
        aliases=(Alias("run_verification", {"project_path": "project"}),),
    ),
    Tool(
        "classify",
        safety.classify,
        "safety",
        "read",
        "all",
        "Whether an operation is safe, needs approval or is blocked, and why. Nothing is run.",
        reads=True,
        hint="dangerous command policy",
    ),
    Tool(
        "policy_get",
        safety.policy_get,
        "safety",
        "read",
        "all",
        "The policy that holds in a folder.",
        reads=True,
    ),
    Tool(
        "cost_summary",
        costs.cost_summary,
        "cost",
        "read",
        "all",
        "Money and tokens spent on models, and what is left of budgets.",
        reads=True,
    ),
    Tool(
        "cost_set_budget",
        costs.cost_set_budget,
        "cost",
        "admin",
        "all",
        "Ask the person to limit what a provider may cost a day or a month.",
        person=True,
        destructive=True,
        idempotent=True,
    ),
    Tool(
        "skill_list",
        skills.skill_list,
        "skills",
        "read",
        "all",
        "How things are done here: SKILL.md files of user, project and program.",
        reads=True,
        aliases=(Alias("list_skills"),),
    ),
    Tool(
        "skill_get",
        skills.skill_get,
        "skills",
        "read",
        "all",
        "The text of one skill.",
        reads=True,
        aliases=(Alias("get_skill_details", {"skill_name": "name"}),),
    ),
)
