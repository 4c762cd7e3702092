"""What a run of a plan takes, from this home's own history: its attempts are drawn again, many times.

A drawn run gives each task attempts like those that its kind of agent has made here, failed ones included, and works at
as many tasks at once as this installation does, in the plan's order, never at two with common files. Without enough
history there is no figure.
"""

from __future__ import annotations

import heapq
import json
import random
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from claude_orchestrator.orchestrator.planning.models import Estimate, Range
from claude_orchestrator.state.budgets import MICRO
from claude_orchestrator.state.database import Database

ENOUGH: Final = 5
"""Finished attempts of one kind below which nothing is said of it."""

RUNS: Final = 50
"""The latest runs of the home whose attempts count."""

_DRAWS: Final = 400
"""How often a run is drawn."""

_MOST_WORK: Final = 40_000
"""Drawn tasks over all runs: a large plan is drawn less often."""

_FREE: Final = frozenset({"script", "command"})
"""Agents that call no model."""


@dataclass(frozen=True)
class Sample:
    """One finished attempt: who made it, at how hard a task, how long it took, what it cost (None: nobody knows)."""

    agent: str
    difficulty: str
    seconds: float
    usd: float | None
    passed: bool


@dataclass(frozen=True)
class History:
    """The finished attempts of a home that nobody and nothing has interrupted."""

    samples: tuple[Sample, ...] = ()

    def like(self, agent: str, difficulty: str) -> list[Sample]:
        """The attempts that tell of such a task: of the agent at tasks as hard, or else of the agent; none if too few.

        There has to be one that passed: who only knows failures cannot say when a task is done.
        """
        of_agent = [sample for sample in self.samples if sample.agent == agent]
        for found in ([sample for sample in of_agent if sample.difficulty == difficulty], of_agent):
            if len(found) >= ENOUGH and any(sample.passed for sample in found):
                return found
        return []


@dataclass(frozen=True)
class Work:
    """A task as it is drawn: who does it, how often at most, what it waits for, with whom it has files in common."""

    id: str
    agent: str
    difficulty: str
    max_attempts: int
    needs: frozenset[str]
    apart: frozenset[str]


async def history(db: Database) -> History:
    """The finished attempts of the latest :data:`RUNS` runs.

    Those that waited for a human, were put off, or worked on by hand do not count: their time says nothing of the work.
    """
    rows = await db.fetch_all(
        "SELECT attempt.id, attempt.status, attempt.finished_at - attempt.started_at AS seconds, task.definition,"
        " count(cost.call) AS calls, sum(cost.micro_usd) AS micro_usd,"
        " sum(cost.call IS NOT NULL AND cost.micro_usd IS NULL) AS unknown"
        " FROM attempt JOIN task ON task.run_id = attempt.run_id AND task.id = attempt.task_id"
        " LEFT JOIN cost ON cost.attempt_id = attempt.id"
        " WHERE attempt.run_id IN (SELECT id FROM run ORDER BY number DESC LIMIT :runs)"
        " AND attempt.status IN ('passed', 'failed') AND attempt.session IS NULL"
        " AND attempt.finished_at >= attempt.started_at GROUP BY attempt.id",
        {"runs": RUNS},
    )
    stopped = await db.fetch_all(
        "SELECT DISTINCT attempt_id FROM event WHERE run_id IN (SELECT id FROM run ORDER BY number DESC LIMIT :runs)"
        " AND kind IN ('task.parked', 'task.set_aside', 'task.adopted') UNION"
        " SELECT attempt_id FROM gate WHERE run_id IN (SELECT id FROM run ORDER BY number DESC LIMIT :runs)"
        " AND kind <> 'escalation'",
        {"runs": RUNS},
    )
    not_counted = {row["attempt_id"] for row in stopped}
    return History(tuple(_sample(row) for row in rows if row["id"] not in not_counted))


def _sample(row: Mapping[str, Any]) -> Sample:
    definition = json.loads(row["definition"])
    agent = definition.get("agent") or ""
    usd: float | None = 0.0
    if agent not in _FREE:
        usd = None if row["unknown"] or not row["calls"] else (row["micro_usd"] or 0) / MICRO
    return Sample(agent, definition.get("difficulty") or "medium", row["seconds"], usd, row["status"] == "passed")


def estimate(tasks: Sequence[Work], known: History | None, max_parallel: int) -> Estimate:
    """Draw runs of ``tasks``, which stand in the plan's order, from what is ``known``.

    The same tasks and history always give the same estimate.
    """
    drawn_from = {
        (task.agent, task.difficulty): (known or History()).like(task.agent, task.difficulty) for task in tasks
    }
    if lacking := sorted({agent for (agent, _), samples in drawn_from.items() if not samples}):
        return Estimate(None, None, 0, _no_history(lacking, known))
    chance = random.Random(0)  # noqa: S311  # nosec B311 - the same plan has the same estimate
    draws = max(50, min(_DRAWS, _MOST_WORK // max(1, len(tasks))))
    seconds, usd = [], []
    for _ in range(draws):
        drawn = {task.id: _draw(task, drawn_from[task.agent, task.difficulty], chance) for task in tasks}
        seconds.append(_makespan(tasks, {name: took for name, (took, _) in drawn.items()}, max_parallel))
        usd.append([spent for _, spent in drawn.values()])
    sums = None if any(spent is None for run in usd for spent in run) else [sum(map(float, run)) for run in usd]  # type: ignore[arg-type]
    used = len({id(sample) for samples in drawn_from.values() for sample in samples})
    because = f"drawn {draws} times from {used} finished attempts of this home, {max_parallel} at once"
    if sums is None:
        because += "; the price of some of them is unknown"
    return Estimate(_range(seconds), _range(sums) if sums is not None else None, used, because)


def _no_history(agents: Sequence[str], known: History | None) -> str:
    if not known or not known.samples:
        return "no history: this home has no finished attempts yet"
    return (
        f"no history: fewer than {ENOUGH} finished attempts of {' and '.join(agents)} in this home, or none that passed"
    )


def _draw(task: Work, samples: Sequence[Sample], chance: random.Random) -> tuple[float, float | None]:
    """Attempts until one passes or none is left: the time that they took, and what they cost."""
    seconds, usd = 0.0, 0.0
    unknown = False
    for _ in range(task.max_attempts):
        sample = chance.choice(samples)
        seconds += sample.seconds
        unknown = unknown or sample.usd is None
        usd += sample.usd or 0.0
        if sample.passed:
            break
    return seconds, None if unknown else usd


def _makespan(tasks: Sequence[Work], took: Mapping[str, float], max_parallel: int) -> float:
    """When the last task is done, if each is begun as soon as the ones before it, a slot and its files allow."""
    waits = {task.id: len(task.needs) for task in tasks}
    followers: dict[str, list[str]] = defaultdict(list)
    for task in tasks:
        for need in task.needs:
            followers[need].append(task.id)
    ready = [task.id for task in tasks if not waits[task.id]]
    position = {task.id: index for index, task in enumerate(tasks)}
    apart = {task.id: task.apart for task in tasks}
    running: list[tuple[float, str]] = []
    now = 0.0
    while ready or running:
        busy = {name for _, name in running}
        for name in sorted(ready, key=position.__getitem__):
            if len(running) >= max_parallel:
                break
            if not apart[name] & busy:
                heapq.heappush(running, (now + took[name], name))
                busy.add(name)
                ready.remove(name)
        now, done = heapq.heappop(running)
        for name in followers[done]:
            waits[name] -= 1
            if not waits[name]:
                ready.append(name)
    return now


def _range(values: Sequence[float]) -> Range:
    ordered = sorted(values)
    return Range(_at(ordered, 0.5), _at(ordered, 0.9))


def _at(ordered: Sequence[float], share: float) -> float:
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]
