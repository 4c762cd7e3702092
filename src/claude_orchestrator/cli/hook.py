"""``hook pre-tool-use``: the answer to Claude Code before a tool is called, by the policy of this machine.

It reads one JSON document from standard input and writes one to standard output. Whatever goes wrong, the answer is
never *allow*.
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any, Final

_EVENT: Final = "PreToolUse"
_DENIED: Final = 2
"""The exit code that stops a call when no answer can be written."""
_ANSWERED_BY_PEOPLE: Final = frozenset({"AskUserQuestion", "ExitPlanMode"})
"""Tools that are a question to the user: allowing them would answer it."""
_LOOKING: Final = frozenset({"S1", "S2", "S5", "S7", "S9", "S10", "S11", "S12"})
"""What an agent that only plans may do without a word."""
_WORDS: Final = {"SAFE": "allow", "REQUIRES_APPROVAL": "ask", "BLOCKED": "deny"}


def answer() -> int:
    """Read a call from standard input, write what may be done with it, and return the exit code."""
    try:
        said = _answer_to(sys.stdin.buffer.read())
    except Exception as error:  # noqa: BLE001  (fail closed: without an answer Claude Code would go on by itself)
        said = _said("ask", f"the policy could not be asked: {type(error).__name__}: {error}")
    if sys.stdout.name == os.devnull:
        return _unheard("standard output is closed")
    try:
        sys.stdout.write(json.dumps(said) + "\n")
        sys.stdout.flush()
    except OSError as error:
        return _unheard(str(error))
    return 0


def _unheard(why: str) -> int:
    """The exit code of an answer that cannot be given; any other would let Claude Code go on by itself."""
    sys.stderr.write(f"claude-orchestrator: the answer cannot be given: {why}\n")
    return _DENIED


def _answer_to(text: bytes) -> dict[str, Any]:
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        return _said("deny", "the call is no JSON")
    if not isinstance(call, dict) or not isinstance(call.get("tool_name"), str) or not call["tool_name"]:
        return _said("deny", "the call names no tool")
    arguments = call.get("tool_input", {})
    if not isinstance(arguments, dict):
        return _said("deny", "the tool's input is no JSON object")
    if call["tool_name"] in _ANSWERED_BY_PEOPLE:
        return {}
    return _judged(call, arguments)


def _judged(call: dict[str, Any], arguments: dict[str, Any]) -> dict[str, Any]:
    from claude_orchestrator.cli.policies import live_policy, project_of
    from claude_orchestrator.errors import ConfigError
    from claude_orchestrator.safety.classifier import classify
    from claude_orchestrator.safety.operations import Operation

    given = call.get("cwd")
    cwd = os.path.abspath(given) if isinstance(given, str) and given else os.getcwd()  # noqa: PTH100, PTH109  (light)
    project = os.environ.get("CLAUDE_PROJECT_DIR")
    workspace = os.path.abspath(project) if project else project_of(cwd)  # noqa: PTH100
    wrong = ""
    try:
        policy = live_policy(workspace)
    except ConfigError as error:
        wrong = str(error)
        policy = live_policy(workspace, preset="standard")
    verdict = classify(Operation("tool", cwd, call["tool_name"], workspace=workspace, arguments=arguments), policy)
    decision = _WORDS[verdict.decision.value]
    if wrong and decision == "allow":
        return _said("ask", f"the policy is unusable, so everything asks: {wrong}")
    only_plans = decision == "allow" and call.get("permission_mode") == "plan"
    if only_plans and not all(effect.rule in _LOOKING for effect in verdict.effects):
        return {}  # an agent that plans changes nothing: what its own rules say holds
    return _said(decision, verdict.reason)


def _said(decision: str, reason: str) -> dict[str, Any]:
    if decision != "allow":
        from claude_orchestrator.safety.redaction import redact

        reason = redact(reason)
    return {
        "hookSpecificOutput": {
            "hookEventName": _EVENT,
            "permissionDecision": decision,
            "permissionDecisionReason": f"claude-orchestrator: {reason}",
        }
    }
