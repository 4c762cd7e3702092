"""The policy of one launch: the preset for worktrees, the user's layer, the project's as it was at the run's base.

Nothing of it comes from the worktree, which the agent can edit.
"""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from claude_orchestrator.errors import NotReadyError
from claude_orchestrator.safety.always import suggest_pattern
from claude_orchestrator.safety.operations import Decision, Effect, Operation, Verdict
from claude_orchestrator.safety.policy import Policy, load_policy
from claude_orchestrator.safety.policy_file import PROJECT_FILE, USER_VARIABLE, parse_layer, read_layer, user_file
from claude_orchestrator.safety.redaction import redact
from claude_orchestrator.safety.rules import Rule, escaped
from claude_orchestrator.workspace.git import Repository

PRESET: Final = "worktree"

MAX_PATTERN: Final = 4_000
"""Characters of a command line beyond which it is approved once: nobody overlooks what a pattern of it would cover."""


async def layers_of(repository: Repository, base_commit: str) -> dict[str, Any]:
    """What :func:`policy_of` needs to know: where the user's layer is, and what the project's says at a commit.

    A user's file that the environment names has to be there.
    """
    text = await repository.read_file(base_commit, PROJECT_FILE)
    project = None if text is None else text.decode(errors="replace")
    named = USER_VARIABLE in os.environ
    return {"user": user_file(), "named": named, "project": project, "source": f"{PROJECT_FILE} of {base_commit[:9]}"}


def policy_of(layers: Mapping[str, Any], tracked: Callable[[str], bool] | None = None) -> Policy:
    """The policy that the layers make. Raises ConfigError when one of them cannot be read."""
    user = read_layer(layers["user"], must_exist=layers.get("named", False)) if layers.get("user") else None
    project = parse_layer(layers["project"], layers["source"]) if layers.get("project") else None
    surroundings = {"home": os.path.expanduser("~"), "root": os.geteuid() == 0, "live": True, "tracked": tracked}  # noqa: PTH111
    return load_policy(PRESET, user=user, project=project, **surroundings)


def pattern_of(operation: Operation, verdict: Verdict, workspace: Path) -> list[dict[str, Any]] | None:
    """What an approval for the whole run would cover: a rule for each effect that needs one; None where one has none.

    Programs that can do anything (git, shells, interpreters, wrappers) are covered word for word, others with what
    differs from call to call (process ids, temporary paths, hashes) left open. Whatever surrounds a program in a
    command line (another folder, variables, what it reads) can make it do something else: such a ``line`` is covered
    as a whole, and only word for word. Nothing that looks like a key is kept.
    """
    if not _has_pattern(operation):
        return None
    effects = _that_ask(verdict)
    rules = [_rule_for(effect, workspace) for effect in effects]
    if not rules or any(rule is None for rule in rules):
        return None
    found = [rule for rule in rules if rule is not None]
    if operation.kind == "run" and not _is_plain(operation, effects):
        found = [{**rule, "line": operation.target} for rule in found]
    return found if redact(json.dumps(found)) == json.dumps(found) else None


def _has_pattern(operation: Operation) -> bool:
    return operation.cwd == operation.workspace and len(operation.target) <= MAX_PATTERN


def _that_ask(verdict: Verdict) -> list[Effect]:
    return [effect for effect in verdict.effects if effect.rule.startswith("A")]


def _is_plain(operation: Operation, effects: Iterable[Effect]) -> bool:
    """Whether a command line is one program with its arguments, and nothing around it."""
    try:
        words = tuple(shlex.split(operation.target))
    except ValueError:
        return False
    return all(effect.argv == words for effect in effects)


def _rule_for(effect: Effect, workspace: Path) -> dict[str, Any] | None:
    rule: dict[str, Any] = {}
    if effect.argv:
        rule = {"argv": list(suggest_pattern(effect.argv) or map(escaped, effect.argv))}
    elif len(effect.paths) == 1:
        inside = effect.paths[0].removeprefix(f"{workspace}{os.sep}")
        rule = {"path": escaped(inside), "effect": effect.rule}
    try:
        allowing(rule)
    except ValueError:
        return None
    return rule


def allowing(rule: Mapping[str, Any]) -> Rule:
    """The rule that one part of a pattern stands for. Raises ValueError when it is too general."""
    parts = {name: value for name, value in rule.items() if name != "line"}
    return Rule(Decision.SAFE, **{**parts, "argv": tuple(rule.get("argv", ()))})


def with_patterns(
    policy: Policy, patterns: Iterable[Iterable[Mapping[str, Any]]], operation: Operation, verdict: Verdict
) -> Policy:
    """The policy for one operation, with its verdict so far, in a run in which a human has approved patterns."""
    if not _has_pattern(operation):
        return policy
    lined = operation.kind == "run" and not _is_plain(operation, _that_ask(verdict))
    line = operation.target if lined else None
    fitting = [rule for pattern in patterns for rule in pattern if rule.get("line") == line]
    return policy.with_rules([allowing(rule) for rule in fitting])


def lasting_rules(effects: Iterable[Mapping[str, Any]]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """What *always allow* would save for the effects of a gate: pattern and example of each command.

    Raises NotReadyError when one of them must not be generalised.
    """
    found: list[tuple[tuple[str, ...], tuple[str, ...]]] = []
    for effect in effects:
        if not effect["rule"].startswith("A"):
            continue
        argv = tuple(effect["argv"])
        pattern = suggest_pattern(argv)
        if pattern is None:
            what = shlex.join(argv) or effect["what"]
            raise NotReadyError(
                f"'{what}' is never allowed for good: git, shells, interpreters, programs that run others, and files"
                " are approved once, or for one run"
            )
        found.append((pattern, argv))
    return found
