"""Answers in few words: what models read of runs, tasks and questions."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.telling.costs import cost_line, key, money
from claude_orchestrator.telling.standing import standing
from claude_orchestrator.telling.visible import visible
from claude_orchestrator.telling.words import Row, Story, branch, clip, doing, duration, one_line, short

PROGRAM: Final = "claude-orchestrator"
_LINE: Final = 200
_NAMED: Final = 12


def run_line(row: Row, *, moved: bool, at: Path) -> str:
    """A run in a list; of one of another repository than where ``at`` lies, that too."""
    nobody = "" if moved or row["status"] != "running" else " (nobody moves it)"
    elsewhere = "" if at.resolve().is_relative_to(row["repository"]) else f" (in {row['repository']})"
    tasks = f"{row['completed']}/{row['tasks']} tasks"
    return f"{row['id']} {row['status']}{nobody} {tasks}: {clip(row['goal'], 80)}{elsewhere}"


def run_lines(progress: Mapping[str, Any], story: Story, now: float, *, moved: bool) -> Iterator[str]:
    """How a run stands: what is done, who works, what waits and for what, and what to do next."""
    run, tasks = progress["run"], progress["tasks"]
    done = [task["id"] for task in tasks if task["status"] == "completed"]
    age = duration((run["finished_at"] or now) - run["created_at"])
    yield f"{run['id']} {run['status']} {len(done)}/{len(tasks)} tasks, {age}: {clip(run['goal'], _LINE)}"
    yield f"plan {run['plan_id']} version {run['plan_version']}, branch {branch(run['target_ref'])}"
    if progress["cost"]["calls"] or progress["budget"]:
        yield cost_line(progress["cost"], progress["budget"])
    if run["reason"]:
        yield clip(run["reason"], _LINE)
    yield from _standing_lines(progress, story, now)
    if done:
        more = f" and {len(done) - _NAMED} more" if len(done) > _NAMED else ""
        yield f"done: {', '.join(done[-_NAMED:])}{more}"
    yield from (gate_line(gate) for gate in progress["gates"])
    yield from next_lines(progress, moved=moved)


def _standing_lines(progress: Mapping[str, Any], story: Story, now: float) -> Iterator[str]:
    idle = []
    for task in progress["tasks"]:
        state, waits_for = standing(task, progress["gates"])
        if state == "idle":
            idle.append(task["id"])
        elif state != "finished" or task["status"] == "failed":
            word = f"waits for {waits_for}" if waits_for else task["status"].replace("_", " ")
            about = clip(doing(task, story, now), _LINE)
            yield f"{task['id']} {word}: {about}" if about else f"{task['id']} {word}"
    if idle:
        more = f" and {len(idle) - _NAMED} more" if len(idle) > _NAMED else ""
        yield f"not yet: {', '.join(idle[:_NAMED])}{more}"


def task_lines(progress: Mapping[str, Any], story: Story, now: float) -> Iterator[str]:
    """Every task of a run on a line, and under it why its attempts were refused."""
    for task in progress["tasks"]:
        made = story.attempts.get(task["id"], 0)
        tries = f", attempt {made}" if made else ""
        about = clip(doing(task, story, now), _LINE)
        yield f"{progress['run']['id']}.{task['id']} {task['status']}{tries}: {about}"
        for refusal in story.refusals:
            if refusal.task_id == task["id"]:
                yield f"  attempt {refusal.number} refused: {clip(refusal.text, _LINE)}"


def next_lines(progress: Mapping[str, Any], *, moved: bool) -> Iterator[str]:
    """What can be called, or done, next."""
    run = progress["run"]
    if progress["gates"]:
        yield f"next: a person answers; {answer_hint(progress['gates'][0]['id'])}"
    elif run["status"] == "running" and not moved:
        yield f"next: nobody moves it; run_control(run={run['id']}, action=resume)"
    elif run["status"] == "paused":
        yield f"next: run_control(run={run['id']}, action=resume) goes on"
    if any(task["merge_commit"] for task in progress["tasks"]) and run["status"] != "running":
        yield f"take it over: git merge {branch(run['target_ref'])}"


def gate_line(gate: Row) -> str:
    """A question that waits for a person, in a list."""
    return f"{gate['id']} ({gate['kind']}) of {gate['run_id']}.{gate['task_id']}: {clip(gate['question'], _LINE)}"


def answer_hint(gate_id: str) -> str:
    """How a person answers a question."""
    return f"inbox_answer({gate_id}) shows them a form, or in a terminal: {commands(gate_id)}"


def commands(gate_id: str) -> str:
    """The commands that answer a question."""
    return f"{PROGRAM} approve {gate_id} | {PROGRAM} deny {gate_id} --reason TEXT"


def gate_lines(gate: Row) -> Iterator[str]:
    """Everything that the answer to a question depends on."""
    yield f"{gate['id']} {gate['status']} ({gate['kind']}) of {gate['run_id']}.{gate['task_id']}"
    yield one_line(gate["question"])
    if gate["kind"] == "operation":
        operation = gate["operation"]
        yield f"rule {gate['rule']}, risk {gate['risk']}, in {one_line(operation['cwd'])}"
        yield from (f"effect {effect['rule']}: {one_line(effect['what'])}" for effect in gate["effects"])
        yield "in full:"
        yield from (f"| {visible(line)}" for line in gate["shown"].splitlines())
        if gate["suggestion"]:
            yield f"'pattern' would allow in all of {gate['run_id']}: {pattern_words(gate['suggestion'])}"
    if gate["status"] != "open":
        because = f": {one_line(gate['reason'])}" if gate["reason"] else ""
        yield f"{gate['status']} by {gate['answered_by'] or 'nobody'}{because}"


def pattern_words(pattern: Sequence[Mapping[str, Any]]) -> str:
    """What a pattern lets happen."""
    return " and ".join(dict.fromkeys(_rule_words(rule) for rule in pattern))


def _rule_words(rule: Mapping[str, Any]) -> str:
    if rule.get("line"):
        return "exactly this command line"
    if rule.get("argv"):
        return one_line(" ".join(rule["argv"]))
    return one_line(str(rule.get("tool") or f"{rule.get('effect', '')} {rule.get('path', '')}"))


def event_lines(events: Iterable[Row], story: Story) -> Iterator[str]:
    """What happened, one line each; what is not worth one is left out."""
    for event in events:
        if words := story.add(event):
            yield f"{time.strftime('%H:%M:%S', time.localtime(event['at']))} {clip(words, _LINE)}"


def attempt_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """An attempt: what it did, what was checked, why it was refused."""
    because = f": {one_line(document['reason'])}" if document["reason"] else ""
    yield f"attempt {document['number']} ({document['id']}) {document['status']}{because}"
    for operation in document["operations"]:
        done = operation["done"]
        ended = "not done" if done is None else f"exit {done.get('exit_code')}"
        yield f"  {operation.get('kind')} {clip(str(operation.get('target')), 100)} ({ended})"
    for verdict in document["evidence"]:
        yield from _verdict_lines(verdict)
    if document["commit"]:
        yield f"  change: git diff {short(document['base'])} {document['ref']}"


def _verdict_lines(verdict: Mapping[str, Any]) -> Iterator[str]:
    document = verdict["document"]
    yield f"  verified {verdict['verdict']}: tree {short(verdict['tree'])} against {short(document['base'])}"
    yield from (f"    {clip(reason, _LINE)}" for reason in document["reasons"])
    for check in document["checks"]:
        yield f"    {check['name']} {check['status']}, {len(check['findings'])} new findings"
    yield f"    bundle: {verdict['folder']}"


def spent_lines(rows: Sequence[Row], by: str, total: Row) -> Iterator[str]:
    """What was spent: a line for each provider, task or day, and the sum."""
    for row in rows:
        name = " ".join(key(row, by).values())
        yield f"{name}: {money(row)} in {row['calls']} calls"
    tokens = total["input_tokens"] + total["cache_read_tokens"] + total["cache_write_tokens"]
    yield f"total: {money(total)} in {total['calls']} calls ({tokens:,} tokens in, {total['output_tokens']:,} out)"
