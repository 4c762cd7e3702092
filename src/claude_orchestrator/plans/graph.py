"""How tasks and phases wait for each other: double ids, unknown dependencies, cycles.

Works on a :class:`~claude_orchestrator.plans.models.Plan` and on the raw mapping of a plan file alike,
and skips whatever has not the expected shape, so that it finds its faults next to any other mistake.
"""

from __future__ import annotations

import difflib
import graphlib
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Final

Location = tuple[str | int, ...]
"""Where something stands in a plan: ``("phases", 0, "tasks", 2, "depends_on", 1)``."""

_MOST_CYCLES: Final = 20
"""How many cycles are looked for: each costs a walk over the whole plan."""

_LONGEST_CHAIN: Final = 20


@dataclass(frozen=True)
class Fault:
    """One mistake: where it is, what is wrong (``message``) and what to do (``hint``)."""

    location: Location
    message: str
    hint: str


@dataclass
class _Item:
    """A task or phase: its id, where it stands, and the ids it names in ``depends_on`` (None: left out)."""

    id: str
    location: Location
    needs: list[tuple[str, Location]] | None
    phase: str = ""
    tasks: list[_Item] = field(default_factory=list)


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """The known word that was probably meant, or None."""
    known = list(known)
    same = [name for name in known if name.casefold() == word.casefold()]
    close = same or difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    return close[0] if close else None


def graph_faults(plan: Any) -> list[Fault]:
    """All double ids, unknown dependencies and cycles of ``plan`` (a ``Plan`` or a raw mapping)."""
    phases = _read(plan)
    tasks = [task for phase in phases for task in phase.tasks]
    faults = [*_double_ids("phase", phases), *_double_ids("task", tasks)]
    faults += _unknown("phase", phases, {phase.id for phase in phases}, {task.id for task in tasks})
    faults += _unknown("task", tasks, {task.id for task in tasks}, {phase.id for phase in phases})
    phases, tasks = _firsts(phases), _firsts(tasks)
    return faults + (_phase_cycles(phases) or _task_cycles(phases, tasks))


def _get(item: Any, name: str) -> Any:
    return item.get(name) if isinstance(item, dict) else getattr(item, name, None)


def _each(item: Any, name: str, at: Location) -> Iterable[tuple[Any, Location]]:
    """The entries of the list ``item.name`` with their locations; nothing when it is no list."""
    entries = _get(item, name)
    if isinstance(entries, (list, tuple)):
        for index, entry in enumerate(entries):
            yield entry, (*at, name, index)


def _read(plan: Any) -> list[_Item]:
    phases = []
    for raw_phase, at in _each(plan, "phases", ()):
        phase = _item(raw_phase, at)
        phase.tasks = [_item(raw_task, task_at, phase.id) for raw_task, task_at in _each(raw_phase, "tasks", at)]
        phase.tasks = [task for task in phase.tasks if task.id]
        phases.append(phase)
    for previous, phase in zip([None, *phases], phases, strict=False):
        if phase.needs is None:
            phase.needs = [(previous.id, phase.location)] if previous else []
    return [phase for phase in phases if phase.id]


def _item(raw: Any, at: Location, phase: str = "") -> _Item:
    name = _get(raw, "id")
    needs = [(need, where) for need, where in _each(raw, "depends_on", at) if isinstance(need, str)]
    given = phase or _get(raw, "depends_on") is not None
    return _Item(name if isinstance(name, str) else "", at, needs if given else None, phase)


def _double_ids(kind: str, items: list[_Item]) -> Iterable[Fault]:
    """Ids become git refs and folders, so two that differ only in case are one on many computers."""
    first: dict[str, str] = {}
    for item in items:
        folded = item.id.casefold()
        if folded not in first:
            first[folded] = item.id
            continue
        message = f"the {kind} id '{item.id}' is there twice"
        if first[folded] != item.id:
            message = f"the {kind} ids '{first[folded]}' and '{item.id}' differ only in case"
        yield Fault((*item.location, "id"), message, "give each its own id")


def _firsts(items: list[_Item]) -> list[_Item]:
    """The items without those whose id is taken already: what they wait for says nothing about the first."""
    return list({item.id: item for item in reversed(items)}.values())[::-1]


def _unknown(kind: str, items: list[_Item], known: set[str], others: set[str]) -> Iterable[Fault]:
    for item in items:
        for need, at in item.needs or ():
            if not need or need in known:
                continue
            if need in others and kind == "task":
                hint = "that is a phase: name its tasks, or put it into depends_on of the phase"
            elif need in others:
                hint = "that is a task: put it into depends_on of a task, or name its phase"
            elif meant := did_you_mean(need, known):
                hint = f"did you mean '{meant}'?"
            else:
                hint = f"name the id of a {kind} of this plan, or remove it"
            yield Fault(at, f"{kind} '{item.id}' depends on '{need}', which is not there", hint)


def _phase_cycles(phases: list[_Item]) -> list[Fault]:
    edges: _Edges = {("phase", phase.id): {("phase", need): at for need, at in phase.needs or ()} for phase in phases}
    return [
        Fault(
            at, f"phases wait for each other: {_chain([name for _, name in cycle])}", "remove one of these dependencies"
        )
        for cycle, at in _cycles(edges)
    ]


def _chain(names: list[str]) -> str:
    """``a → b → a``; a very long chain without its middle."""
    if len(names) > _LONGEST_CHAIN:
        half = _LONGEST_CHAIN // 2
        names = [*names[:half], f"… {len(names) - 2 * half} more …", *names[-half:]]
    return " → ".join(names)


_Node = tuple[str, str]
"""``("task", id)``, or ``("phase", id)``: the phase as a whole being done."""

_Edges = dict[_Node, dict[_Node, Location | None]]
"""node → what it waits for → where the plan says so (None: it follows from the order of phases)."""


def _task_cycles(phases: list[_Item], tasks: list[_Item]) -> list[Fault]:
    """Cycles over tasks, where a task also waits for all tasks of the phases that its phase depends on."""
    needs_of_phase = {phase.id: [need for need, _ in phase.needs or ()] for phase in phases}
    edges: _Edges = {}
    for phase in phases:
        edges.setdefault(("phase", phase.id), {}).update({("task", task.id): None for task in phase.tasks})
    for task in tasks:
        waits = edges.setdefault(("task", task.id), {})
        waits.update({("phase", need): None for need in needs_of_phase.get(task.phase, ())})
        waits.update({("task", need): at for need, at in task.needs or ()})
    phase_of = {task.id: task.phase for task in tasks}
    return [_task_cycle_fault(cycle, at, edges, phase_of) for cycle, at in _cycles(edges)]


def _task_cycle_fault(cycle: list[_Node], at: Location, edges: _Edges, phase_of: dict[str, str]) -> Fault:
    """Say a cycle with the tasks that name each other; those in between only belong to a waiting phase."""
    steps = list(pairwise(cycle))
    named = {node for one, other in steps if edges[one][other] is not None for node in (one, other)}
    shown = [node[1] for node in cycle if node in named]
    message = f"tasks wait for each other: {_chain(shown)}"
    through = next((index for index, node in enumerate(cycle) if node[0] == "phase"), None)
    if through is None:
        return Fault(at, message, "remove one of these dependencies")
    waiting = cycle[through - 1][1]
    blocked = next(node[1] for node in cycle[through:] if node in named)
    hint = (
        f"'{waiting}' is in phase '{phase_of[waiting]}', which waits for phase '{phase_of[blocked]}' of '{blocked}': "
        "remove one of these dependencies, or move a task"
    )
    return Fault(at, message, hint)


def _cycles(edges: _Edges) -> list[tuple[list[_Node], Location]]:
    """Cycles as ``([a, b, a], location of the dependency a → b)``; afterwards the rest has no cycle.

    Each cycle is broken at that dependency before the next one is looked for. At most ``_MOST_CYCLES``.
    """
    edges = {node: dict(waits) for node, waits in edges.items()}
    found: list[tuple[list[_Node], Location]] = []
    while len(found) < _MOST_CYCLES:
        try:
            graphlib.TopologicalSorter(edges).prepare()
        except graphlib.CycleError as error:
            chain: list[_Node] = list(reversed(error.args[1]))
        else:
            break
        told = [(at, one, other) for one, other in pairwise(chain) if (at := edges[one][other])]
        at, first, second = min(told, key=lambda step: [str(part).zfill(9) for part in step[0]])
        found.append(([first, *_shortest(edges, second, first)], at))
        del edges[first][second]
    return found


def _shortest(edges: _Edges, start: _Node, end: _Node) -> list[_Node]:
    """The shortest way from ``start`` to ``end``, both included; there is one."""
    came: dict[_Node, _Node] = {start: start}
    queue = deque([start])
    while end not in came:
        node = queue.popleft()
        for following in edges.get(node, {}):
            if following not in came:
                came[following] = node
                queue.append(following)
    way = [end]
    while way[-1] != start:
        way.append(came[way[-1]])
    return way[::-1]
