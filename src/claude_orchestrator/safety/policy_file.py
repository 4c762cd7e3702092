"""One layer of the policy: a TOML file, read and checked completely before any of it counts."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any, Final, NoReturn

from claude_orchestrator.errors import ConfigError
from claude_orchestrator.safety.operations import Decision
from claude_orchestrator.safety.policy import PRESETS, RULES
from claude_orchestrator.safety.rules import REST, Rule, path_matcher

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

PROJECT_FILE: Final = ".claude-orchestrator/policy.toml"
"""Path of the project's layer in its repository."""

MOST_BYTES: Final = 256 * 1024
"""Of a policy's file."""

LONGEST_LINE: Final = 4_000
"""Characters: of one long key the time to read it grows with its square."""

USER_VARIABLE: Final = "CLAUDE_ORCHESTRATOR_POLICY"
"""Environment variable that names the user's layer."""

DECISIONS: Final = {"safe": Decision.SAFE, "ask": Decision.REQUIRES_APPROVAL, "block": Decision.BLOCKED}
RULE_DECISIONS: Final = {"allow": Decision.SAFE, "ask": Decision.REQUIRES_APPROVAL, "block": Decision.BLOCKED}
_TOP: Final = ("preset", "protected_branches", "decisions", "paths", "mcp", "gates", "rule")
_RULE: Final = ("decision", "argv", "tool", "path", "effect", "reason", "match", "not_match")
_UNITS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86400}


class Layer:
    """What one file says; None or empty where it says nothing."""

    __slots__ = (
        *("branches", "decisions", "expire_after_s", "preset", "protected", "rules", "secret", "source", "tools"),
        "trusts",
    )

    def __init__(self, source: str) -> None:
        self.source = source
        """How people know the file."""
        self.preset: str | None = None
        self.decisions: dict[str, Decision] = {}
        self.branches: tuple[str, ...] | None = None
        self.secret: tuple[str, ...] = ()
        self.protected: tuple[str, ...] = ()
        self.trusts: dict[str, bool] = {}
        """Name of an MCP server → whether it is trusted, where the file says so."""
        self.tools: dict[str, dict[str, Decision]] = {}
        """Name of an MCP server → name of a tool → what its calls are."""
        self.expire_after_s: float | None = None
        """Infinity where it says ``never``."""
        self.rules: list[Rule] = []


def user_file(environment: Mapping[str, str] | None = None) -> str:
    """Path of the user's layer, whether or not it exists.

    The same folder as platformdirs' ``user_config_path``, which is too heavy to import for every call of the hook.
    """
    env = os.environ if environment is None else environment
    if given := env.get(USER_VARIABLE):
        return os.path.abspath(os.path.expanduser(given))  # noqa: PTH100, PTH111  (light)
    import sys

    home = os.path.expanduser("~")  # noqa: PTH111
    if sys.platform == "darwin":
        folder = f"{home}/Library/Application Support"
    else:
        folder = env.get("XDG_CONFIG_HOME", "").strip() or f"{home}/.config"
    return f"{folder}/claude-orchestrator/policy.toml"


def read_layer(path: str, *, must_exist: bool = False) -> Layer | None:
    """The layer in a file; None when there is none. Raises ConfigError when it cannot be read or is wrong.

    Whatever an agent puts in its place is soon read: a hook that is late with its answer counts as none.
    """
    waits = 0 if must_exist else os.O_NONBLOCK  # a pipe that nobody writes into; one that the user names has a writer
    try:
        with open(path, "rb", opener=lambda name, flags: os.open(name, flags | waits)) as file:
            data = file.read(MOST_BYTES + 1) or b""
        if len(data) > MOST_BYTES:
            raise ConfigError(f"{path} cannot be read: it has more than {MOST_BYTES:,} bytes")
        text = data.decode()
    except FileNotFoundError:
        if not must_exist:
            return None
        raise ConfigError(f"there is no policy file {path}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path} cannot be read: {error}") from None
    return parse_layer(text, path)


def parse_layer(text: str, source: str) -> Layer:
    """The layer in a text. Raises ConfigError for anything that is wrong in it, naming ``source`` and the place."""
    import tomllib

    if any(len(line) > LONGEST_LINE for line in text.splitlines()):
        raise ConfigError(f"{source}: a line has more than {LONGEST_LINE:,} characters")
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{source}: {error}") from None
    except RecursionError:
        raise ConfigError(f"{source}: it is nested too deeply") from None
    return _Reader(source).read(document)


def seconds(text: str) -> float:
    """A length of time such as ``90s``, ``30m``, ``2h`` or ``1d``; infinity for ``never``. Raises ValueError."""
    if text == "never":
        return float("inf")
    match = re.fullmatch(r"(\d{1,9})([smhd])", text)
    if match is None or int(match[1]) == 0:
        raise ValueError(text)
    return float(int(match[1]) * _UNITS[match[2]])


class _Reader:
    """Turns a document into a layer; the first thing that is wrong is a ConfigError."""

    def __init__(self, source: str) -> None:
        self.source = source

    def fail(self, message: str) -> NoReturn:
        raise ConfigError(f"{self.source}: {message}")

    def read(self, document: dict[str, Any]) -> Layer:
        self.known(document, _TOP, "")
        layer = Layer(self.source)
        if "preset" in document:
            layer.preset = self.choice(document["preset"], PRESETS, "preset")
        for rule, word in self.table(document, "decisions").items():
            layer.decisions[self.choice(rule, RULES, "[decisions]")] = self.decision_for(rule, word)
        if "protected_branches" in document:
            layer.branches = self.texts(document["protected_branches"], "protected_branches")
        paths = self.table(document, "paths")
        self.known(paths, ("secret", "protected"), "[paths] ")
        layer.secret = self.texts(paths.get("secret", []), "[paths] secret")
        layer.protected = self.texts(paths.get("protected", []), "[paths] protected")
        for name, table in self.table(document, "mcp").items():
            self.server(layer, name, table)
        self.gates(layer, self.table(document, "gates"))
        rules = document.get("rule", [])
        if not isinstance(rules, list):
            self.fail("rules are written as [[rule]]")
        layer.rules = [self.rule(number, table) for number, table in enumerate(rules, 1)]
        return layer

    def decision_for(self, rule: str, word: object) -> Decision:
        decision = DECISIONS[self.choice(word, DECISIONS, f"[decisions] {rule}")]
        if decision is Decision.SAFE and (rule[0] == "B" or rule == "A0"):
            why = (
                "is blocked: it may become 'ask'" if rule[0] == "B" else "is what cannot be understood: it may be 'ask'"
            )
            self.fail(f"[decisions] {rule} = \"safe\" is impossible: {rule} {why}, or 'block'")
        return decision

    def server(self, layer: Layer, name: str, table: object) -> None:
        where = f"[mcp.{name}]"
        if not isinstance(table, dict):
            self.fail(f"{where} has to be a table")
        self.known(table, ("trusted", "tools"), f"{where} ")
        if "trusted" in table:
            if not isinstance(table["trusted"], bool):
                self.fail(f"{where} trusted is true or false, not {table['trusted']!r}")
            layer.trusts[name] = table["trusted"]
        tools = table.get("tools", {})
        if not isinstance(tools, dict):
            self.fail(f'{where} tools has to be a table: name of a tool = "safe", "ask" or "block"')
        layer.tools[name] = {
            tool: DECISIONS[self.choice(word, DECISIONS, f"[mcp.{name}.tools] {tool}")] for tool, word in tools.items()
        }

    def gates(self, layer: Layer, table: dict[str, Any]) -> None:
        self.known(table, ("expire_after",), "[gates] ")
        if "expire_after" not in table:
            return
        try:
            layer.expire_after_s = seconds(table["expire_after"])
        except (ValueError, TypeError):
            self.fail(f'[gates] expire_after is a time such as "2h", or "never", not {table["expire_after"]!r}')

    def rule(self, number: int, table: object) -> Rule:
        where = f"rule {number}"
        if not isinstance(table, dict):
            self.fail("rules are written as [[rule]]")
        self.known(table, _RULE, f"{where}: ")
        decision = RULE_DECISIONS[self.choice(table.get("decision"), RULE_DECISIONS, f"{where}: decision")]
        if len([name for name in ("argv", "tool", "path") if name in table]) != 1:
            self.fail(f"{where} needs one of argv, tool and path")
        if "effect" in table and "path" not in table:
            self.fail(f"{where}: effect goes with path")
        for name in ("tool", "path", "reason"):
            if name in table and (not isinstance(table[name], str) or not table[name]):
                self.fail(f"{where}: {name} is a text")
        argv = self.texts(table.get("argv", []), f"{where}: argv")
        if "argv" in table and not argv:
            self.fail(f"{where}: argv is empty")
        if REST in argv[:-1]:
            self.fail(f'{where}: "{REST}" stands for all further words, so nothing can follow it')
        effect = self.choice(table["effect"], RULES, f"{where}: effect") if "effect" in table else ""
        try:
            rule = Rule(
                decision, argv, table.get("tool", ""), table.get("path", ""), effect, table.get("reason", ""),
                f"{self.source}, {where}",
            )  # fmt: skip
        except (ValueError, re.error) as error:
            self.fail(f"{where}: {error}")
        self.examples(rule, table, where)
        return rule

    def examples(self, rule: Rule, table: dict[str, Any], where: str) -> None:
        """Every example in ``match`` has to fit the rule, and none in ``not_match``."""
        for key, wanted in (("match", True), ("not_match", False)):
            examples = table.get(key, [])
            if not isinstance(examples, list):
                self.fail(f"{where}: {key} is a list of examples")
            for example in examples:
                if self.fits(rule, example, where) is not wanted:
                    verb = "does not match" if wanted else "matches"
                    self.fail(f"{where} ({rule.describe()}): {verb} its example {example!r} in {key}")

    def fits(self, rule: Rule, example: object, where: str) -> bool:
        if isinstance(example, list) and all(isinstance(word, str) for word in example) and rule.argv:
            return rule.matches_command(example)
        if not isinstance(example, str):
            self.fail(f"{where}: the example {example!r} is no text")
        if rule.tool:
            return rule.matches_tool(example)
        if rule.path:
            place = example if example.startswith(("/", "~")) else f"/workspace/{example}"
            return path_matcher(rule.path, "/workspace", "~")(place)
        import shlex

        try:
            argv = shlex.split(example)
        except ValueError as error:
            self.fail(f"{where}: the example {example!r} is no command: {error}")
        return rule.matches_command(argv)

    def known(self, table: Mapping[str, object], names: Iterable[str], where: str) -> None:
        for key in table:
            if key not in names:
                self.fail(f"{where}unknown key '{key}'{_meant(key, names)}")

    def table(self, document: Mapping[str, Any], name: str) -> dict[str, Any]:
        table = document.get(name, {})
        if not isinstance(table, dict):
            self.fail(f"[{name}] has to be a table")
        return table

    def texts(self, value: object, where: str) -> tuple[str, ...]:
        if not isinstance(value, list) or not all(isinstance(item, str) and item for item in value):
            self.fail(f"{where} is a list of texts, not {value!r}")
        return tuple(value)

    def choice(self, value: object, choices: Iterable[str], where: str) -> str:
        if not isinstance(value, str) or value not in choices:
            said = "is missing" if value is None else f"has no '{value}'{_meant(str(value), choices)}"
            self.fail(f"{where} {said}: choose from {', '.join(choices)}")
        return value


def _meant(word: str, choices: Iterable[str]) -> str:
    import difflib

    near = difflib.get_close_matches(word, list(choices), 1)
    return f" (did you mean '{near[0]}'?)" if near else ""
