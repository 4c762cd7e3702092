"""States and events in plain words; pure functions of what the database says."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from claude_orchestrator.telling.visible import visible

Row = Mapping[str, Any]

MARKS: Final = {
    "pending": "·",
    "delegated": "▸",
    "in_progress": "▸",
    "verifying": "▸",
    "completed": "✓",
    "failed": "✗",
    "escalated": "!",
    "waiting": "?",
    "cancelled": "-",
}
"""Status of a task → one character."""

COLOURS: Final = {
    "completed": "green",
    "running": "cyan",
    "delegated": "cyan",
    "in_progress": "cyan",
    "verifying": "cyan",
    "failed": "red",
    "escalated": "red",
    "waiting": "yellow",
    "paused": "yellow",
    "incomplete": "yellow",
    "cancelled": "dim",
    "pending": "dim",
}
"""Status of a task or run → the colour that it is shown in."""

_DONE_VERBS: Final = {"write": "wrote", "replace": "changed", "delete": "deleted", "run": "ran"}
_NOW_VERBS: Final = {"write": "writes", "replace": "changes", "delete": "deletes", "run": "runs"}


def duration(seconds: float) -> str:
    """``12 s``, ``3 m 05 s``, ``2 h 10 m``, ``3 d 4 h``."""
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} m"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def clock(at: float) -> str:
    """``12:03:11``, local time."""
    return time.strftime("%H:%M:%S", time.localtime(at))


def moment(at: float | None) -> str:
    """``2026-03-31 12:03:11``, local time; a dash for never."""
    return "-" if at is None else time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(at))


def short(commit: str | None) -> str:
    """The first characters of a commit id."""
    return (commit or "")[:9]


def counted(number: int, noun: str) -> str:
    """``1 task``, ``2 tasks``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def one_line(text: str) -> str:
    """``text`` on one line, with nothing in it that a terminal would obey: no text of an agent's looks like ours."""
    return visible(" ".join(text.split()))


def clip(text: str, width: int) -> str:
    """``text`` on one line of at most ``width`` characters, and nothing in it that a terminal would obey."""
    line = one_line(text)
    return line if len(line) <= width else line[: max(0, width - 1)] + "…"


def branch(ref: str) -> str:
    """The name of a branch without ``refs/heads/``."""
    return ref.removeprefix("refs/heads/")


def doing(task: Row, story: Story, now: float) -> str:
    """What a task is about right now, in a few words."""
    status = task["status"]
    if status in ("delegated", "in_progress", "verifying"):
        return story.doing.get((story.run_id, task["id"]), "starts")
    if status == "completed":
        return f"merged as {short(task['merge_commit'])}" if task["merge_commit"] else "nothing to change"
    return _pending(task, now) if status == "pending" else one_line(task["reason"])


def _pending(task: Row, now: float) -> str:
    """Why a task that nobody works at does not start."""
    reason = one_line(task["reason"])
    if task["blockers"]:
        return "waits for what comes before"
    if task["ready_at"] > now:
        # What attempts were refused for is told elsewhere; what puts one off, only here.
        return f"next try in {duration(task['ready_at'] - now)}" + (f" ({reason})" if task["stalls"] else "")
    if reason.startswith("waits for "):
        return reason
    if task["attempt_status"] == "parked":
        return "parked; goes on where it was"
    return reason or "ready"


@dataclass(frozen=True)
class Incident:
    """Something in a run that is worth telling afterwards."""

    task_id: str
    attempt_id: str
    number: int
    text: str
    at: float


@dataclass
class Story:
    """What the events of one run add up to; feed it all of them in order with :meth:`add`."""

    run_id: str
    doing: dict[tuple[str, str], str] = field(default_factory=dict)
    refusals: list[Incident] = field(default_factory=list)
    lock_waits: list[Incident] = field(default_factory=list)
    moved_heads: list[Incident] = field(default_factory=list)
    attempts: dict[str, int] = field(default_factory=dict)
    put_off: dict[str, int] = field(default_factory=dict)
    """Task → how often it had to wait because of its provider."""
    nudges: dict[str, int] = field(default_factory=dict)
    """Task → how often its agent was told that it seems to be stuck."""
    _numbers: dict[str, int] = field(default_factory=dict)

    def add(self, event: Row) -> str | None:
        """Take one event in; return it in plain words, or None when it is not worth a line."""
        kind, data = event["kind"], event["data"]
        attempt = event["attempt_id"] or ""
        if "number" in data and attempt:
            self._numbers[attempt] = data["number"]
        if kind == "task.delegated":
            _count(self.attempts, event["task_id"])
        if kind == "task.parked" and "retry_at" in data:
            _count(self.put_off, event["task_id"])
        if kind == "attempt.nudged":
            _count(self.nudges, event["task_id"])
        self._remember(event)
        if event["task_id"] and (now := _now(kind, data)):
            self.doing[self.run_id, event["task_id"]] = now
        words = _words(kind, data)
        if words is None:
            return None
        words = one_line(words)
        if not event["task_id"]:
            return words
        number = self._numbers.get(attempt)
        return f"{event['task_id']} attempt {number} {words}" if number else f"{event['task_id']} {words}"

    def _remember(self, event: Row) -> None:
        lists = {
            "task.attempt_failed": self.refusals,
            "task.lock_wait": self.lock_waits,
            "task.head_moved": self.moved_heads,
        }
        if (incidents := lists.get(event["kind"])) is not None:
            data, attempt = event["data"], event["attempt_id"] or ""
            text = str(data.get("reason") or data.get("to") or "")
            number = self._numbers.get(attempt, 0)
            incidents.append(Incident(event["task_id"], attempt, number, text, event["at"]))


def _count(counts: dict[str, int], task_id: str) -> None:
    counts[task_id] = counts.get(task_id, 0) + 1


def _now(kind: str, data: Row) -> str:
    """What the task does from this event on, or an empty text when that has not changed."""
    if kind == "operation.asked":
        operation = str(data.get("kind", ""))
        if operation == "report":
            return "reports"
        return clip(f"{_NOW_VERBS.get(operation, operation)} {data.get('target') or ''}", 100)
    return {
        "task.delegated": "gets a worktree",
        "task.resumed": "goes on",
        "task.adopted": "taken over",
        "task.in_progress": "agent starts",
        "task.verifying": "verifying",
        "task.head_moved": "verifying on the moved head",
        "attempt.progress": clip(str(data.get("text", "")), 100),
        "attempt.interrupted": "stopping",
        "attempt.nudged": "told that it seems to be stuck",
        "attempt.exited": "agent done",
    }.get(kind, "")


def _words(kind: str, data: Row) -> str | None:
    noun, _, verb = kind.partition(".")
    tell = {
        "run": _run,
        "task": _task,
        "attempt": _attempt,
        "operation": _operation,
        "gate": _gate,
        "provider": _provider,
    }.get(noun)
    return None if tell is None else tell(verb, data)


def _run(verb: str, data: Row) -> str | None:
    because = f": {data['reason']}" if data.get("reason") else ""
    return {
        "created": f"run created on {branch(str(data.get('target', '')))} from {short(data.get('base'))}",
        "run_wanted": "run goes on",
        "pause_wanted": f"pause asked for{because}",
        "cancel_wanted": f"cancel asked for{because}",
        "completed": "run completed",
        "failed": "run failed: what is left depends on a task that was given up",
        "incomplete": "run incomplete: a human has to decide something",
        "paused": f"run paused{because}",
        "cancelled": f"run cancelled{because}",
    }.get(verb)


def _task(verb: str, data: Row) -> str | None:
    return {
        "delegated": "starts",
        "resumed": "goes on",
        "adopted": "is taken over from a process that died",
        "verifying": "is being verified",
        "verified": "passed every check" if data.get("verdict") == "passed" else None,
        "completed": f"completed, merged as {short(data['commit'])}" if data.get("commit") else "completed, no change",
        "attempt_failed": f"refused: {data.get('reason')}",
        "escalated": "needs a human: the task is escalated",
        "parked": _parked(data),
        "cancelled": "cancelled",
        "lock_wait": str(data.get("reason")),
        "wait": str(data.get("reason")),
        "budget_wait": f"waits for money: {data.get('gate')}",
        "drifted": f"is not begun, what it rests on has changed: {data.get('gate')}",
        "head_moved": f"meets a moved head ({short(data.get('to'))}): merged onto it, and that is verified",
        "waived": f"may be merged as it is: {data.get('gate')} was approved",
    }.get(verb)


def _parked(data: Row) -> str | None:
    if data.get("gate"):
        return None  # the question itself has said so
    if data.get("retry_at"):
        return f"is put off: {data.get('reason')}"
    return "parked; it goes on where it was" if data.get("resumable") else "stopped; it starts again later"


def _attempt(verb: str, data: Row) -> str | None:
    return {
        "checkpoint": f"saved as {short(data.get('commit'))}",
        "interrupted": f"is told to stop: {data.get('reason')}",
        "nudged": _nudged(data),
    }.get(verb)


def _nudged(data: Row) -> str:
    causes = {"silence": "makes no progress", "failing": "repeats a call that fails", "circles": "goes in circles"}
    cause = causes.get(str(data.get("cause")), "seems to be stuck")
    return f"{cause}, and is told so" if data.get("heard") else f"{cause}, and cannot be told"


def _provider(verb: str, data: Row) -> str | None:
    name, why = data.get("provider"), data.get("reason")
    until = clock(data["until"]) if data.get("until") else ""
    return {
        "open": f"{name} keeps failing, nobody starts with it before {until}: {why}",
        "half_open": f"{name}: {data.get('attempt')} alone tries whether it works again",
        "closed": f"{name} works again",
        "parked": f"{name} is parked until {until}: {why}",
    }.get(verb)


def _operation(verb: str, data: Row) -> str | None:
    kind, target = str(data.get("kind", "")), clip(str(data.get("target") or ""), 80)
    if verb == "asked":
        refused = str(data.get("verdict", "SAFE")).upper() != "SAFE" and data.get("answer") != "approved"
        asks = data.get("gate") and not data.get("answer")
        return f"may not {kind} {target}: {data.get('reason')}" if refused and not asks else None
    if verb != "done" or kind not in _DONE_VERBS:
        return None
    code = data.get("exit_code")
    return f"{_DONE_VERBS[kind]} {target}" + (f" (exit {code})" if kind == "run" else "")


def _gate(verb: str, data: Row) -> str | None:
    gate = data.get("gate")
    if verb == "opened":
        return f"asks ({gate}): {data.get('question')}"
    if verb == "used":
        return None  # what the agent does now says so
    if verb == "withdrawn":
        return f"needs no answer to {gate} any more"
    if verb == "answer_refused":
        return f"tried to answer {gate} itself: {data.get('reason')}"
    because = f": {data['reason']}" if data.get("reason") else ""
    how = {"pattern": " for the whole run", "edited": " as another operation"}.get(str(data.get("way")), "")
    return f"{gate} {verb}{how} by {data.get('by')}{because}"
