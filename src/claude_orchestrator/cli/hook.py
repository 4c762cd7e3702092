"""``hook pre-tool-use``: the answer to Claude Code before a tool is called, by the policy of this machine.

It reads one JSON document from standard input and writes one to standard output. Whatever goes wrong, the answer is
never *allow*.
"""

from __future__ import annotations

import json
import os
import sys
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from claude_orchestrator.safety.operations import Operation, Verdict
    from claude_orchestrator.safety.policy import Policy

WAIT_S: Final = 50.0
"""Seconds for which a gate is waited for: Claude Code gives a hook 60 by default."""

_EVENT: Final = "PreToolUse"
_DENIED: Final = 2
"""The exit code that stops a call when no answer can be written."""
_ANSWERED_BY_PEOPLE: Final = frozenset({"AskUserQuestion", "ExitPlanMode"})
"""Tools that are a question to the user: allowing them would answer it."""
_OURS: Final = ("mcp__orchestrator__", "mcp__plugin_orchestrator_orchestrator__")
"""How the tools of our own server are named, registered by itself or as the plugin's. They get no answer: Claude Code's
own rules hold for them, and the server sees to it that only a person decides."""
_LOOKING: Final = frozenset({"S1", "S2", "S5", "S7", "S9", "S10", "S11", "S12"})
"""What an agent that only plans may do without a word."""
_WORDS: Final = {"SAFE": "allow", "REQUIRES_APPROVAL": "ask", "BLOCKED": "deny"}


def answer(*, gate: bool = False, wait_s: float = WAIT_S) -> int:
    """Read a call from standard input, write what may be done with it, and return the exit code.

    With ``gate``, what needs approval is asked through the inbox, for ``wait_s`` seconds.
    """
    try:
        said = _answer_to(sys.stdin.buffer.read(), wait_s if gate else None)
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


def _answer_to(text: bytes, wait_s: float | None) -> dict[str, Any]:
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        return _said("deny", "the call is no JSON")
    if not isinstance(call, dict) or not isinstance(call.get("tool_name"), str) or not call["tool_name"]:
        return _said("deny", "the call names no tool")
    arguments = call.get("tool_input", {})
    if not isinstance(arguments, dict):
        return _said("deny", "the tool's input is no JSON object")
    if call["tool_name"] in _ANSWERED_BY_PEOPLE or call["tool_name"].startswith(_OURS):
        return {}
    return _judged(call, arguments, wait_s)


def _judged(call: dict[str, Any], arguments: dict[str, Any], wait_s: float | None) -> dict[str, Any]:
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
    operation = Operation("tool", cwd, call["tool_name"], workspace=workspace, arguments=arguments)
    verdict = classify(operation, policy)
    decision = _WORDS[verdict.decision.value]
    if wrong and decision == "allow":
        return _said("ask", f"the policy is unusable, so everything asks: {wrong}")
    only_plans = decision == "allow" and call.get("permission_mode") == "plan"
    if only_plans and not all(effect.rule in _LOOKING for effect in verdict.effects):
        return {}  # an agent that plans changes nothing: what its own rules say holds
    if decision == "ask" and wait_s is not None:
        return _asked(call, operation, verdict, policy, wait_s)
    return _said(decision, verdict.reason)


def _asked(
    call: dict[str, Any], operation: Operation, verdict: Verdict, policy: Policy, wait_s: float
) -> dict[str, Any]:
    """The answer of a human through the inbox; without one, the call is refused for now and may be made again."""
    import asyncio
    import re

    from claude_orchestrator.config import load_settings
    from claude_orchestrator.orchestrator.session_questions import gate_of

    session = re.sub(r"[^\w-]", "", str(call.get("session_id") or "unknown"))[:64] or "unknown"
    asking = gate_of(load_settings(), session, operation, verdict, wait_s=wait_s, expire_after_s=policy.expire_after_s)
    gate = asyncio.run(asking)
    because = f": {gate['reason']}" if gate["reason"] else ""
    if gate["status"] == "approved":
        return _said("allow", f"approved by {gate['answered_by']} ({gate['id']}){because}")
    if gate["status"] == "denied":
        return _said("deny", f"denied by {gate['answered_by']} ({gate['id']}){because}")
    return _said(
        "deny",
        f"{verdict.reason}; it waits for a human as {gate['id']} (claude-orchestrator inbox): make the same call again"
        " when it is answered",
    )


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
