"""How the layers of a policy become one: the user's says what it likes, the project's can only tighten."""

from __future__ import annotations

from typing import TYPE_CHECKING

from claude_orchestrator.safety.operations import Decision
from claude_orchestrator.safety.policy import BRANCHES, STRICTNESS, preset_table
from claude_orchestrator.safety.policy_file import Layer
from claude_orchestrator.safety.rules import Rule, escaped

if TYPE_CHECKING:
    from typing import Any

_NAMES = {Decision.SAFE: "safe", Decision.REQUIRES_APPROVAL: "ask", Decision.BLOCKED: "block"}


def merged(preset: str, user: Layer | None, project: Layer | None) -> dict[str, Any]:
    """The arguments of a Policy that the layers make, in the order default < user < project.

    For attempts in worktrees ``preset`` is ``worktree``, and a user's ``standard`` means just that.
    """
    user = user or Layer("")
    if user.preset and not (user.preset == "standard" and preset == "worktree"):
        preset = user.preset
    values: dict[str, Any] = {
        "preset": preset,
        "decisions": dict(user.decisions),
        "protected_branches": BRANCHES if user.branches is None else user.branches,
        "secret_paths": user.secret,
        "protected_paths": user.protected,
        "rules": tuple(user.rules),
        "trusted_servers": frozenset(name for name, trusted in user.trusts.items() if trusted),
        "expire_after_s": user.expire_after_s,
        "nobody": preset == "ci",
    }
    tools = {name: dict(decisions) for name, decisions in user.tools.items()}
    if project is not None:
        _Tightening(values, tools, project).apply()
    values["rules"] += _tool_rules(tools)
    if values["expire_after_s"] == float("inf"):
        values["expire_after_s"] = None
    return values


class _Tightening:
    """Takes from the project's layer what is stricter, and notes what is not."""

    def __init__(self, values: dict[str, Any], tools: dict[str, dict[str, Decision]], project: Layer) -> None:
        self.values = values
        self.tools = tools
        self.project = project
        self.ignored: list[str] = []

    def apply(self) -> None:
        self.preset()
        self.decisions()
        self.servers()
        self.server_tools()
        self.gates()
        for rule in self.project.rules:
            if rule.decision is Decision.SAFE:
                self.ignore(f"{rule.source.rpartition(', ')[2]} ({rule.describe()})")
        values, project = self.values, self.project
        values["rules"] += tuple(rule for rule in project.rules if rule.decision is not Decision.SAFE)
        values["protected_branches"] = _union(values["protected_branches"], project.branches or ())
        values["secret_paths"] = _union(values["secret_paths"], project.secret)
        values["protected_paths"] = _union(values["protected_paths"], project.protected)
        values["ignored"] = tuple(self.ignored)

    def ignore(self, line: str) -> None:
        self.ignored.append(f"{self.project.source}: {line} would loosen the policy, which a project cannot: ignored")

    def current(self, rule: str) -> Decision:
        decisions: dict[str, Decision] = self.values["decisions"]
        return decisions.get(rule) or preset_table(self.values["preset"])[rule]

    def preset(self) -> None:
        """What the wanted preset has stricter than ``standard``; ``ci`` brings that nobody is asked."""
        wanted = self.project.preset
        if wanted is None or wanted == "standard" or wanted == self.values["preset"]:
            return
        if wanted == "worktree":
            self.ignore('preset = "worktree"')
            return
        self.values["nobody"] = self.values["nobody"] or wanted == "ci"
        standard = preset_table("standard")
        for rule, decision in preset_table(wanted).items():
            if decision is not standard[rule] and STRICTNESS[decision] > STRICTNESS[self.current(rule)]:
                self.values["decisions"][rule] = decision

    def decisions(self) -> None:
        for rule, decision in self.project.decisions.items():
            if STRICTNESS[decision] > STRICTNESS[self.current(rule)]:
                self.values["decisions"][rule] = decision
            elif decision is not self.current(rule):
                self.ignore(f'[decisions] {rule} = "{_NAMES[decision]}"')

    def servers(self) -> None:
        trusted: frozenset[str] = self.values["trusted_servers"]
        for name, trusts in self.project.trusts.items():
            if not trusts:
                trusted -= {name}
            elif name not in trusted:
                self.ignore(f"[mcp.{name}] trusted = true")
        self.values["trusted_servers"] = trusted

    def server_tools(self) -> None:
        for name, decisions in self.project.tools.items():
            ours = self.tools.setdefault(name, {})
            for tool, decision in decisions.items():
                known = ours.get(tool)
                if decision is not Decision.SAFE and (known is None or STRICTNESS[decision] > STRICTNESS[known]):
                    ours[tool] = decision
                elif decision is not known:
                    self.ignore(f'[mcp.{name}.tools] {tool} = "{_NAMES[decision]}"')

    def gates(self) -> None:
        wanted = self.project.expire_after_s
        if wanted is None:
            return
        ours = self.values["expire_after_s"]
        if ours is None or wanted <= ours:
            self.values["expire_after_s"] = wanted
        else:
            self.ignore("[gates] expire_after")


def _tool_rules(tools: dict[str, dict[str, Decision]]) -> tuple[Rule, ...]:
    """What is said of single tools, as rules."""
    return tuple(
        Rule(decision, tool=escaped(f"{server}.{tool}"), source=f"[mcp.{server}.tools]")
        for server, decisions in tools.items()
        for tool, decision in decisions.items()
    )


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return (*first, *(item for item in second if item not in first))
