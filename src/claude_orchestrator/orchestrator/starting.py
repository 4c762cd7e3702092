"""Starting a run: freeze the plan's version, choose the base and the target branch, write the rows."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from claude_orchestrator.errors import PlanError, RepositoryError
from claude_orchestrator.state import budgets, runs
from claude_orchestrator.state.database import Database, Transaction
from claude_orchestrator.state.runs import NewPhase, NewRun, NewTask
from claude_orchestrator.workspace import locks
from claude_orchestrator.workspace.git import NO_COMMIT, Repository

if TYPE_CHECKING:
    from claude_orchestrator.plans.models import Choice, Plan, Task


async def start_run(
    db: Database,
    repository: Repository,
    plan: Plan,
    *,
    base: str | None = None,
    target: str | None = None,
    choice: Choice | None = None,
    default: Choice | None = None,
    budget: float | None = None,
    most: float | None = None,
) -> str:
    """Approve the plan's version and create a run of it; return the run's id.

    ``base`` is the revision that the run starts from: HEAD, or the tip of ``target`` where that branch exists.
    ``target`` is the branch that verified work is merged into: by default a new one, ``orchestrator/<run>``.
    ``choice`` says who does the tasks that have a prompt and nothing else, whatever the plan says of them;
    ``default`` says it where nobody else does.
    ``budget`` is what the run may spend on models, in US dollars, whatever the plan says of that; it is never more
    than ``most``.
    Raises RepositoryError for a repository without commits, or a target that is checked out somewhere.
    """
    from claude_orchestrator.plans.store import PlanStore

    if plan.id is None or plan.version is None:
        plan = await PlanStore(db).save(plan)
        assert plan.id is not None
    await PlanStore(db).approve(plan.id, plan.version)
    base_commit, existing = await _base(repository, base, target)
    new = replace(
        _new_run(plan, repository, base_commit, choice, default),
        budget=_micro(_least(plan.budget if budget is None else budget, most)),
    )
    async with db.transaction() as tx:
        number = await _free_number(tx, db.path.parent, repository, base_commit, named=target is not None)
        ref = f"refs/heads/{target or f'orchestrator/r{number}'}"
        run_id = await runs.create(tx, new, number=number, target_ref=ref, now=time.time())
        # The branch is made before the rows are committed: a run never lacks its branch.
        if existing or await repository.move_ref(ref, base_commit, NO_COMMIT):
            return run_id
        raise RepositoryError(f"the branch {ref} has just been created by somebody else: run the command again")


async def _free_number(tx: Transaction, home: Path, repository: Repository, base: str, *, named: bool) -> int:
    """A number for a run that nobody has used, and whose ref ``refs/orchestrator/runs/rN`` is ours from now on.

    The database alone does not know: another home may work on the repository, and a lost database leaves refs and
    folders behind. Attempts under a number that was used would overwrite the commits, and be taken for the
    launches, of the first one's.
    """
    number = await runs.next_number(tx)
    while True:
        left_behind = any(next(home.glob(f"{name}/r{number}.*"), None) for name in ("attempts", "worktrees"))
        taken = not named and await repository.read_ref(f"refs/heads/orchestrator/r{number}") is not None
        ours = f"refs/orchestrator/runs/r{number}"
        if not left_behind and not taken and await repository.move_ref(ours, base, NO_COMMIT):
            return number
        number += 1


async def _base(repository: Repository, base: str | None, target: str | None) -> tuple[str, bool]:
    tip = await repository.read_ref(f"refs/heads/{target}") if target else None
    if target is None or tip is None:
        if target is not None:
            await repository.git("check-ref-format", "--branch", target)
        return await repository.resolve(base or "HEAD"), False
    if base is not None and await repository.resolve(base) != tip:
        raise RepositoryError(f"the branch {target} exists already: leave --base out, or choose another --target")
    if (folder := await repository.checked_out_at(f"refs/heads/{target}")) is not None:
        raise RepositoryError(
            f"{target} is checked out at {folder}, and a checkout is never touched: choose another --target"
        )
    return tip, True


def _new_run(
    plan: Plan, repository: Repository, base_commit: str, choice: Choice | None, default: Choice | None
) -> NewRun:
    if plan.id is None or plan.version is None:
        raise PlanError("the plan is not stored yet: save it first")
    case_sensitive = locks.is_case_sensitive(repository.root)
    if not plan.phases:
        raise PlanError("the plan has no phases: add one with at least one task")
    phases, tasks = [], []
    for index, phase in enumerate(plan.phases):
        previous = (plan.phases[index - 1].id,) if index else ()
        needs = previous if phase.depends_on is None else tuple(phase.depends_on)
        phases.append(NewPhase(phase.id, phase.title, needs))
        for planned in phase.tasks:
            # The scope names files as git does: with links followed.
            task = assigned(planned, [choice, planned, phase, plan, default])
            files = [locks.canonical(pattern, repository.root, True) for pattern in task.files]
            patterns = [locks.canonical(pattern, repository.root, case_sensitive) for pattern in task.scope]
            tasks.append(
                NewTask(
                    id=task.id,
                    phase_id=phase.id,
                    title=task.title or task.id,
                    definition=task.model_copy(update={"files": files}).model_dump_json(exclude_none=True),
                    locks=json.dumps(patterns),
                    max_attempts=task.max_attempts,
                    needs=tuple(task.depends_on),
                    budget=_micro(task.budget),
                )
            )
    return NewRun(
        plan_id=plan.id,
        plan_version=plan.version,
        goal=plan.goal,
        repository=str(repository.root),
        git_dir=str(repository.git_dir),
        base_commit=base_commit,
        phases=phases,
        tasks=tasks,
    )


def _micro(usd: float | None) -> int | None:
    return None if usd is None else budgets.micro(usd)


def _least(budget: float | None, most: float | None) -> float | None:
    return min((sum_of for sum_of in (budget, most) if sum_of is not None), default=None)


def assigned(task: Task, choices: Sequence[Choice | Task | None]) -> Task:
    """The task with its agent, the agent's model and program: from the first of ``choices`` that names each.

    Only a task that has a prompt and nothing else can be given to somebody; others say themselves who does them.
    Raises PlanError when the acp agent is to do it and nobody says with which program.
    """
    from claude_orchestrator.plans.models import DEFAULT_AGENT

    if task.operations is not None or task.attempts is not None or task.command is not None:
        return task
    given = [choice for choice in choices if choice is not None]
    agent = next((choice.agent for choice in given if choice.agent), DEFAULT_AGENT)
    # A model or a program that was named for another agent is none for this one.
    fitting = [choice for choice in given if choice.agent in ("", agent)]
    model = next((choice.model for choice in fitting if choice.model), None)
    command = next((choice.command for choice in fitting if choice.command), None) if agent == "acp" else None
    if agent == "acp" and command is None:
        raise PlanError(f"task '{task.id}' is for an ACP agent: say which with 'command', such as [gemini, --acp]")
    return task.model_copy(update={"agent": agent, "model": model, "command": command})
