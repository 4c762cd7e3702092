"""``classify``: the verdict on an operation. Everything that an agent wants to do goes through it.

The effects of the operation are found, each is judged by the policy, and the strictest decides. Whatever goes wrong on
the way is rule A0: a human has to look.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from claude_orchestrator.safety import calls
from claude_orchestrator.safety.operations import Decision, Effect, Operation, Verdict
from claude_orchestrator.safety.policy import STRICTNESS, Policy, operation_home

if TYPE_CHECKING:
    from collections.abc import Sequence

    from claude_orchestrator.safety.rules import Rule

_MOST_REMEMBERED: Final = 4096
_TOOL_RULES: Final = frozenset({"A2", "A8", "A11"})
"""What an allowed tool may do by itself; the commands and files that it is given are judged for what they are."""
_BESIDE: Final = frozenset({"A9", "A10", "A12"})
"""What a command's words do not show: code that it is given, what is set for it, characters that hide something."""


def classify(operation: Operation, policy: Policy) -> Verdict:
    """Judge one operation. Never raises: what cannot be judged needs approval.

    Verdicts that depend on the text alone are remembered; those of a live policy are found anew, because the file
    system may have changed.
    """
    key = operation.key
    if key is None or policy.live or policy.tracked is not None:
        return _judged(operation, policy)
    cache = policy.cache
    verdict = cache.get(key)
    if verdict is None:
        verdict = _judged(operation, policy)
        if len(cache) >= _MOST_REMEMBERED:
            cache.clear()
        cache[key] = verdict
    return verdict


def _judged(operation: Operation, policy: Policy) -> Verdict:
    try:
        return judge(calls.effects_of(operation, policy), operation, policy)
    except RecursionError:
        why = "it is nested too deeply to be understood"
    except Exception as error:  # noqa: BLE001  (fail closed: no operation may get through by breaking the judge)
        why = f"it could not be understood ({type(error).__name__}: {_line(str(error))[:200]})"
    decision = Decision.BLOCKED if policy.nobody else policy.table["A0"]
    return Verdict(decision, f"A0: {why}", "A0", (Effect("A0", why),))


def judge(effects: Sequence[Effect], operation: Operation, policy: Policy) -> Verdict:
    """The verdict on what an operation does. With no effect at all (a comment) it is SAFE by S7."""
    if not effects:
        effects = (Effect("S7", "does nothing"),)
    table = policy.table
    plain = policy.plain
    strictest: Decision | None = None
    deciding = effects[0]
    said = ""
    for effect in effects:
        if plain:
            decision, because = table[effect.rule], ""
        else:
            decision, because = decided(effect, operation, policy)
        if strictest is None or STRICTNESS[decision] > STRICTNESS[strictest]:
            strictest, deciding, said = decision, effect, because
            if decision is Decision.BLOCKED:
                break
    assert strictest is not None
    reason = f"{deciding.rule}: {_line(deciding.what)}{said}"
    return Verdict(strictest, reason, deciding.rule, tuple(effects))


def decided(effect: Effect, operation: Operation, policy: Policy) -> tuple[Decision, str]:
    """What the table, the rules and the preset make of one effect, and in words why if it is not the table's."""
    decision = policy.table[effect.rule]
    said = ""
    if decision is Decision.REQUIRES_APPROVAL and policy.recovers(effect.rule, effect.paths, operation.root):
        decision, said = Decision.SAFE, " (git can bring it back)"
    matching = [rule for rule in policy.rules if _matches(rule, effect, operation, policy)]
    if matching:
        strictest = max(matching, key=lambda rule: STRICTNESS[rule.decision])
        if strictest.decision is Decision.SAFE:
            if decision is Decision.REQUIRES_APPROVAL and effect.rule[0] != "B":
                decision, said = Decision.SAFE, _by(strictest)
        elif STRICTNESS[strictest.decision] > STRICTNESS[decision]:
            decision, said = strictest.decision, _by(strictest)
    if policy.nobody and decision is Decision.REQUIRES_APPROVAL:
        decision, said = Decision.BLOCKED, " (nobody is there to approve)"
    return decision, said


def _matches(rule: Rule, effect: Effect, operation: Operation, policy: Policy) -> bool:
    allows = rule.decision is Decision.SAFE
    if rule.argv:
        return bool(effect.argv) and rule.matches_command(effect.argv) and not (allows and effect.rule in _BESIDE)
    if rule.tool:
        if operation.kind not in ("mcp", "tool") or not rule.matches_tool(calls.tool_name(operation)):
            return False
        return not allows or (effect.rule in _TOOL_RULES and not effect.argv)
    home = operation_home(operation, policy)
    if not rule.matches_paths(effect, operation.root, home):
        return False
    if not (allows and policy.live):
        return True
    import os.path

    really = tuple(os.path.realpath(path) for path in effect.paths)
    return rule.matches_paths(effect._replace(paths=really), os.path.realpath(operation.root), home)


def _by(rule: Rule) -> str:
    because = f": {rule.reason}" if rule.reason else ""
    return f" ({rule.source or 'approved'}: {rule.describe()}{because})"


def _line(text: str) -> str:
    """``text`` on one line, with nothing that a terminal would obey."""
    if text.isprintable():
        return text
    return " ".join(
        "".join(c if c.isprintable() else " " if c in "\n\t\r" else f"\\u{ord(c):04x}" for c in text).split()
    )
