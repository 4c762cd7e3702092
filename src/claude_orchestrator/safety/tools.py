"""Calls of tools: those of coding agents by name, those of MCP servers by what their arguments are.

A tool that no table knows needs approval (A8), and what is recognised in its arguments (a shell command, code, SQL, the
address of a request, the path of a file) is judged in addition: it makes the verdict stricter, never safer.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

from claude_orchestrator.safety import calls, zones
from claude_orchestrator.safety.effects import argv_effects, command_effects
from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.requests import request_effects, sends_secret
from claude_orchestrator.safety.statements import destroys_database, statement_effects, tool_destroys_database
from claude_orchestrator.safety.values import ONE, SOME, STAR
from claude_orchestrator.safety.zones import Place

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from claude_orchestrator.safety.policy import Policy

OWN_SERVERS: Final = frozenset(
    {"", "engine", "orch", "orchestrator", "claude-orchestrator", "claude_orchestrator", "inbox", "safety", "gates"}
)
"""Names of the server that is ours: its tools can answer gates."""

ENGINE_READERS: Final = frozenset(
    "tasks_list inbox_status cost_summary healing_status immune_status federation_status sync_status archetype_info"
    " audit_status alert_list file_read directory_list search grep get_status get_info list_items describe".split()
)
"""The tools of the engine that only read."""

FILE_READERS: Final = frozenset(
    "read_file read_text_file read_media_file read_multiple_files list_directory list_directory_with_sizes search_files"
    " get_file_info directory_tree list_allowed_directories".split()
)
"""The tools of the server ``filesystem`` that only read."""

_MOST_ALTERNATIVES: Final = 256
_NEED_A_PATH: Final = FILE_READERS - {"list_allowed_directories"} | {"file_read"}
_FILE_SERVERS: Final = frozenset({"filesystem", "fs", "files"})
_DATABASE: Final = re.compile(
    r"(?i)sql|postgres|\bpg\b|maria|oracle|snowflake|bigquery|duckdb|redshift|clickhouse|cockroach|supabase|neon"
    r"|(?:^|[_-])db(?:$|[_-])|database|mongo|redis|cassandra|dynamo"
)
_COMMANDS: Final = (
    *("command", "cmd", "shell_command", "shellCommand", "command_line", "commandLine", "commandline", "commands"),
    *("bash", "shell", "exec", "run"),
)
_COMMAND_TOOL: Final = re.compile(
    r"(?i)(?:^|[_.-])(?:bash|shell|sh|zsh|terminal|exec|execute|run|cmd)(?:$|[_.-]?(?:command|cmd|shell|bash|script)s?$|[_.-])"
)
_CODE: Final = ("code", "python_code", "source_code", "python", "snippet", "expression")
_SCRIPT: Final = ("script",)
_STATEMENTS: Final = ("sql", "query", "statement", "statements", "queries", "sql_query")
_PATHS: Final = (
    *("path", "file_path", "filePath", "file", "filename", "paths", "files", "directory", "dir", "folder", "root"),
    *("absolute_path", "dir_path", "notebook_path", "target_file", "relative_path", "source", "destination"),
)
_URLS: Final = ("url", "uri", "endpoint", "urls", "webhook_url", "href")
_SEARCHED: Final = (
    *("pattern", "query", "q", "regex", "text", "content", "contents", "name", "search", "term", "keyword", "value"),
    *("method", "body", "message", "title", "description", "prompt", "reason", "language", "lang", "args", "arguments"),
)
"""Arguments that hold what is looked for or said, and no path."""
_PLACE: Final = re.compile(r"/(?!/)|~(?:/|$)|(?:[^/\s]+/)*\.\.(?:/|$)|\$\{?HOME\b|(?i:file:)")
_CWD: Final = ("cwd", "workdir", "working_directory", "workingDirectory", "working_dir")
_APPROVES: Final = re.compile(
    r"(?i)^(?:self_?)?(?:auto_?)?approv|_approve|^(?:inbox|gates?)_?(?:answer|accept|resolve|respond|allow|grant)"
    r"|^(?:answer|accept|resolve|grant|allow)_(?:gate|inbox|request|permission|action|operation)"
)
_APPROVES_ANYWHERE: Final = re.compile(
    r"(?i)^(?:approve_action|approve_own_\w*|approve_(?:pending_)?(?:request|operation|gate|permission)s?|self_approve"
    r"|inbox_(?:approve|answer))$"
)
_DISARMS: Final = re.compile(
    r"(?i)^(?:disable|bypass|skip|turn_off|suspend|override)_.*(?:approval|permission|guard|safety|classifier|polic|gate)"
)


def mcp_effects(
    target: str, arguments: Mapping[str, Any], place: Place, policy: Policy, read_only: bool = False
) -> list[Effect]:
    """The effects of a call of an MCP server's tool, ``server.tool`` or ``mcp__server__tool``.

    ``read_only`` is what the server says of its tool (``readOnlyHint``): it counts if the user trusts the server.
    """
    server, tool = split_name(target)
    found: list[Effect] = []
    if not target.isprintable() or not target.isascii():
        found.append(Effect("A12", f"hidden or look-alike characters in the name of the tool {target!r}"))
    if _answers_gates(server, tool):
        found.append(Effect("B9", f"answers a request for approval itself: {target}"))
    if server in OWN_SERVERS and _DISARMS.search(tool):
        found.append(Effect("B9", f"turns the guard off: {target}"))
    try:
        found += _argument_effects(server, tool, arguments, place, policy)
    except (TypeError, ValueError, KeyError) as error:
        found.append(Effect("A0", f"the arguments of {target} are not understood: {error}"))
    readers = ENGINE_READERS if server in ("", "engine") else FILE_READERS if server in _FILE_SERVERS else frozenset()
    if tool in readers:
        if tool in _NEED_A_PATH and not any(any(_texts(arguments.get(key))) for key in _PATHS):
            found.append(Effect("A0", f"{target} without a path"))
        return [Effect("S10", f"only reads: {target}"), *found]
    if read_only and server in policy.trusted_servers:
        return [*found, Effect("S10", f"only reads, says {server}, which is trusted: {target}")]
    if tool_destroys_database(tool):
        found.append(Effect("B3", f"destroys a database: {target}"))
    return [*found, Effect("A8", f"calls the tool {target}")]


def tool_effects(
    target: str, arguments: Mapping[str, Any], place: Place, policy: Policy, read_only: bool = False
) -> list[Effect]:
    """The effects of a call of a coding agent's own tool."""
    if target.startswith("mcp__"):
        return mcp_effects(target, arguments, place, policy, read_only)
    handler = _AGENT_TOOLS.get(target) or _AGENT_TOOLS.get(target.casefold())
    if handler is not None:
        return handler(_Call(target, arguments, place, policy))
    return mcp_effects(target, arguments, place, policy)


def split_name(target: str) -> tuple[str, str]:
    """Server and tool of a name; the server is empty for a tool of the engine or of the agent itself."""
    if target.startswith("mcp__"):
        server, _, tool = target[5:].partition("__")
        return (server, tool) if tool else ("", server)
    server, _, tool = target.rpartition(".")
    return server, tool


def _answers_gates(server: str, tool: str) -> bool:
    first, _, last = server.rpartition(".")
    server = last if first in OWN_SERVERS else server
    ours = server in OWN_SERVERS or server.endswith(("_orch", "orchestrator"))
    if _APPROVES_ANYWHERE.search(tool):
        return True
    return ours and (
        _APPROVES.search(tool) is not None
        or (
            server in ("inbox", "gates")
            and re.match(r"(?i)answer|accept|resolve|respond|allow|grant|deny", tool) is not None
        )
    )


# -- what arguments are ---------------------------------------------------------------------------------


def _argument_effects(
    server: str, tool: str, arguments: Mapping[str, Any], place: Place, policy: Policy
) -> list[Effect]:
    """The effects of what can be recognised in the arguments."""
    call = _Call(f"{server}.{tool}".lstrip("."), arguments, place, policy)
    found: list[Effect] = []
    is_database = _DATABASE.search(server) is not None or _DATABASE.search(tool) is not None
    for key, value in _pairs(arguments):
        if key in _STATEMENTS and (is_database or "sql" in key):
            found += [effect for text in _texts(value) for effect in statement_effects(text, call.name)]
        elif is_database and any(destroys_database(text) for text in _texts(value)):
            found.append(Effect("B3", f"destroys a database: {call.name}"))
        elif key in _COMMANDS:
            found += _as_command(call, key, value)
        elif key in _SCRIPT or (key == "input" and _COMMAND_TOOL.search(tool)):
            found += [effect for text in _texts(value) for effect in command_effects(text, call.place, policy)]
            found.append(Effect("A8", f"runs a script by {call.name}"))
        elif key in _CODE:
            found += _as_code(call, value)
        elif key in _URLS:
            method = str(arguments.get("method", "GET"))
            body = "\n".join(f"{name}={text}" for name, text in _flat(arguments) if name != key)
            found += _as_place(call, value)
            found += [
                effect
                for text in _texts(value)
                if ":" in text
                for effect in request_effects(method, text, body, place, policy)
            ]
        elif key in _PATHS:
            found += _as_path(call, tool, value)
        elif key not in _SEARCHED:
            found += _as_place(call, value)
    if not any(effect.rule == "B6" for effect in found) and server not in OWN_SERVERS | _FILE_SERVERS:
        sent = "\n".join(text for _, text in _flat(arguments))
        if sends_secret(sent, place, policy):
            found.append(Effect("B6", f"hands a secret to the server {server}"))
    return found


def _as_command(call: _Call, key: str, value: object) -> list[Effect]:
    """A shell command in an argument, whatever the tool is called; never safer than approval."""
    found = [Effect("A8", f"runs a command by {call.name}")]
    rest = call.arguments.get("args", call.arguments.get("arguments"))
    if isinstance(value, str) and isinstance(rest, list) and all(isinstance(word, str) for word in rest):
        return found + argv_effects((value, *rest), call.place, call.policy)
    if key != "commands" and isinstance(value, list) and all(isinstance(word, str) for word in value) and value:
        return found + argv_effects(tuple(value), call.place, call.policy)
    for text in _texts(value):
        found += command_effects(text, call.place, call.policy)
    return found


def _as_code(call: _Call, value: object) -> list[Effect]:
    """Code in an argument: Python is read, any other language is A9; never safer than approval."""
    from claude_orchestrator.safety.python_code import python_effects

    language = str(call.arguments.get("language", call.arguments.get("lang", ""))).casefold()
    found = [Effect("A9", f"runs code by {call.name}")]
    if language in ("bash", "sh", "shell", "zsh"):
        return found + [e for text in _texts(value) for e in command_effects(text, call.place, call.policy)]
    if language in ("", "python", "python3", "py") and not re.search(r"(?i)browser|javascript|\bjs|node", call.name):
        return found + [e for text in _texts(value) for e in python_effects(text, call.place, call.policy)]
    return found


def _as_path(call: _Call, tool: str, value: object) -> list[Effect]:
    """A path in an argument: what the tool's name says is done to it; reading where it says nothing."""
    paths = [text for text in _texts(value) if text]
    name = tool.casefold()
    if re.search(r"delete|remove|unlink|rmdir|destroy|trash", name):
        effects = calls.delete_effects
    elif re.search(r"write|create|edit|append|update|patch|move|rename|copy|save|put|mkdir|set|replace|insert", name):
        effects = calls.write_effects
    else:
        effects = calls.read_effects
    found = []
    for path in paths:
        if "://" in path and path[:5].casefold() != "file:":
            found += request_effects("GET", path, "", call.place, call.policy)
        else:
            found += effects(path, call.place, call.policy)
            if "," in path:
                found += [e for part in path.split(",") if part.strip() for e in _as_place(call, part.strip())]
    return found


def _as_place(call: _Call, value: object) -> list[Effect]:
    """An argument of another name that looks like a path outside the workspace, or like a secret: it may be read."""
    found = []
    for text in _texts(value):
        if _PLACE.match(text) and text.isprintable():
            found += calls.read_effects(text, call.place, call.policy)
        elif text and "\n" not in text and " " not in text:
            effect = zones.read_effect(_globbed(text, ".", call.place.home), call.place, call.policy)
            found += [effect] if effect.rule == "A5" else []
    return found


def _texts(value: object) -> list[str]:
    """All texts in a value. Raises TypeError for what is neither text nor a collection of texts."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, (list, tuple)):
        return [text for item in value for text in _texts(item)]
    if isinstance(value, dict):
        return [text for item in value.values() for text in _texts(item)]
    if value is None or isinstance(value, (bool, int, float)):
        return []
    raise TypeError(f"an argument is {type(value).__name__}")


def _pairs(arguments: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Name and value of all arguments, also of those inside others."""
    for key, value in arguments.items():
        yield key, value
        for inner in _objects(value):
            yield from _pairs(inner)


def _objects(value: object) -> list[dict[str, Any]]:
    if isinstance(value, list):
        return [inner for item in value for inner in _objects(item)]
    return [value] if isinstance(value, dict) else []


def _flat(arguments: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and text of all arguments, ``name=text`` for those inside others."""
    out = []
    for key, value in arguments.items():
        if isinstance(value, dict):
            out += [(key, f"{name}={text}") for name, text in _flat(value)]
        else:
            out += [(key, text) for text in _texts(value)]
    return out


# -- the tools of coding agents -------------------------------------------------------------------------


class _Call:
    """One call; ``text`` and ``texts`` raise for an argument that is missing or of the wrong type."""

    __slots__ = ("arguments", "name", "place", "policy")

    def __init__(self, name: str, arguments: Mapping[str, Any], place: Place, policy: Policy) -> None:
        self.name = name
        self.arguments = arguments
        self.policy = policy
        self.place = place
        for key in _CWD:
            folder = arguments.get(key)
            if isinstance(folder, str) and folder:
                self.move_to(folder)
                break

    def move_to(self, folder: str) -> None:
        """The call takes place in another folder."""
        cwd, _ = calls.absolute_path(folder, self.place)
        self.place = Place(cwd, self.place.workspace, self.place.home, self.place.root, self.place.live)

    def text(self, *keys: str) -> str:
        """The first of the arguments that is there."""
        for key in keys:
            value = self.arguments.get(key)
            if isinstance(value, str):
                return value
            if value is not None:
                raise TypeError(f"{key} of {self.name} is no text")
        raise KeyError(f"{self.name} without {keys[0]}")

    def file(self) -> str:
        """The path of the one file that the call is about."""
        self.only(*_FILE_KEYS)
        return self.text(*_FILE_KEYS)

    def only(self, *keys: str) -> None:
        """Raises TypeError where two of the arguments are there and differ: which one counts is not known."""
        given = [self.arguments[key] for key in keys if self.arguments.get(key) is not None]
        if any(value != given[0] for value in given):
            raise TypeError(f"{self.name} with more than one of {', '.join(keys)}")

    def optional(self, *keys: str) -> str:
        """As :meth:`text`, and empty where none is there."""
        return self.text(*keys) if any(self.arguments.get(key) is not None for key in keys) else ""


_FILE_KEYS: Final = (
    "file_path",
    "absolute_path",
    "path",
    "filePath",
    "file",
    "filename",
    "target_file",
    "notebook_path",
)


def _bash(call: _Call) -> list[Effect]:
    call.only("command", "cmd")
    value = call.arguments.get("command", call.arguments.get("cmd"))
    rest = call.arguments.get("args")
    found: list[Effect] = []
    if folder := call.optional("directory", "dir_path"):
        call.move_to(folder)
    if call.arguments.get("dangerouslyDisableSandbox") or call.arguments.get("with_escalated_permissions"):
        found.append(Effect("A7", "runs outside the agent's sandbox"))
    if isinstance(value, list) and value and all(isinstance(word, str) for word in value):
        return found + argv_effects(tuple(value), call.place, call.policy)
    text = call.text("command", "cmd")
    if isinstance(rest, list) and all(isinstance(word, str) for word in rest):
        return found + argv_effects((text, *rest), call.place, call.policy)
    return found + command_effects(text, call.place, call.policy)


def _read(call: _Call) -> list[Effect]:
    return calls.read_effects(call.file(), call.place, call.policy)


def _read_many(call: _Call) -> list[Effect]:
    paths = [path for key in ("paths", "include", "files") for path in _texts(call.arguments.get(key))]
    if not paths:
        raise KeyError(f"{call.name} without paths")
    return [effect for path in paths for effect in calls.read_effects(path, call.place, call.policy)]


def _write(call: _Call) -> list[Effect]:
    content = call.optional("content", "contents", "file_text", "text")
    is_whole = any(key in call.arguments for key in ("content", "contents", "file_text", "text"))
    return calls.write_effects(call.file(), call.place, call.policy, content if is_whole else None)


def _edit(call: _Call) -> list[Effect]:
    return calls.write_effects(call.file(), call.place, call.policy)


def _editor(call: _Call) -> list[Effect]:
    """An editor of several commands (``str_replace_based_edit_tool``): what it does is in ``command``."""
    command = call.text("command")
    if command == "view":
        return _read(call)
    return _write(call) if command == "create" else _edit(call)


def _patch(call: _Call) -> list[Effect]:
    """A patch in the form of ``apply_patch``: every file that it names."""
    text = call.text("input", "patch", "diff")
    found = []
    for verb, path in re.findall(r"(?mi)^\s*\*\*\*\s*(add file|update file|delete file|move to)\s*:\s*(.+?)\s*$", text):
        effects = calls.delete_effects if verb.casefold() == "delete file" else calls.write_effects
        found += effects(path, call.place, call.policy)
    return found or [Effect("A0", "a patch that names no file")]


def _list(call: _Call) -> list[Effect]:
    folder = call.optional("path", "dir_path", "directory", "absolute_path") or "."
    return calls.read_effects(folder, call.place, call.policy)


def _find(call: _Call) -> list[Effect]:
    """A search for names (``pattern`` is a glob) or in contents (``glob`` narrows the files)."""
    folder = call.optional("path", "dir_path", "directory") or "."
    found = calls.read_effects(folder, call.place, call.policy)
    names = call.optional("glob", "include")
    if call.name.casefold() in ("glob", "find", "file_search", "glob_file_search"):
        names = call.text("pattern", "glob_pattern", "glob")
    if not names.isprintable():
        raise ValueError("hidden characters in a glob")
    for name in _alternatives(names) if names and not names.startswith("!") else ():
        found.append(zones.read_effect(_globbed(name, folder, call.place.home), call.place, call.policy))
    return found


def _alternatives(glob: str) -> list[str]:
    """What ``{a,b}`` in a glob stands for. Raises ValueError for too many."""
    whole = [glob]
    while match := next(filter(None, (re.search(r"\{([^{}]*)\}", one) for one in whole)), None):
        one = match.string
        whole.remove(one)
        whole += [one[: match.start()] + part + one[match.end() :] for part in match[1].split(",")]
        if len(whole) > _MOST_ALTERNATIVES:
            raise ValueError("a glob with too many alternatives")
    return whole


def _globbed(pattern: str, folder: str, home: str) -> str:
    """A tool's glob as a path with our wildcards: what it can find is judged by the kind of name that it asks for."""
    parts = [part for part in pattern.strip().split("/") if part != "**"]
    path = "/".join(parts) or "."
    path = re.sub(r"\[[^\]]*\]", SOME, re.sub(r"\*+", STAR, path)).replace("?", ONE)
    if path == "~" or path.startswith("~/"):
        return home + path[1:]
    return path if path.startswith("/") else f"{folder.rstrip('/')}/{path}"


def _fetch(call: _Call) -> list[Effect]:
    url = call.optional("url", "uri") or call.optional("prompt")
    return request_effects("GET", url, "", call.place, call.policy)


def _search_web(call: _Call) -> list[Effect]:
    query = call.optional("query", "q", "search_query")
    if sends_secret(query, call.place, call.policy):
        return [Effect("B6", "sends a secret to a search engine")]
    return [Effect("A2", f"searches the web: {query[:120]}")]


def _subagent(call: _Call) -> list[Effect]:
    """Another agent of the same session: its calls are judged like these."""
    if call.arguments.get("mode") in ("bypassPermissions", "yolo", "dontAsk"):
        return [Effect("B9", "starts an agent whose calls nobody approves")]
    return [Effect("S10", "starts a subagent, whose calls are judged as well")]


def _monitor(call: _Call) -> list[Effect]:
    return _bash(call) if "command" in call.arguments else [Effect("S2", "watches a background command")]


def _rule(rule: str, what: str) -> Callable[[_Call], list[Effect]]:
    return lambda _call: [Effect(rule, what)]


_NOTHING: Final = _rule("S10", "changes nothing outside the session")
_OF_ITS_OWN: Final = _rule("S2", "looks at or ends a command that the agent has started")

_TABLE: Final[tuple[tuple[str, Callable[[_Call], list[Effect]]], ...]] = (
    (
        (
            "Bash bash shell local_shell exec_command run_shell_command execute_bash execute_command run_command"
            " execute run_in_terminal terminal/create run_terminal_cmd container.exec"
        ),
        _bash,
    ),
    ("BashOutput TaskOutput AgentOutput KillShell KillBash TaskStop list_shells terminal/output", _OF_ITS_OWN),
    ("Read NotebookRead read_file read view view_image fs/read_text_file read_text_file", _read),
    ("read_many_files", _read_many),
    ("Write write_file write write_to_file create_file fs/write_text_file", _write),
    ("Edit MultiEdit NotebookEdit replace edit edit_file replace_in_file multi_edit str_replace", _edit),
    ("str_replace_based_edit_tool str_replace_editor", _editor),
    ("apply_patch", _patch),
    ("LS list_directory list_dir ls list_files", _list),
    ("Glob Grep glob grep grep_search search_file_content file_search glob_file_search find search_files", _find),
    ("WebFetch web_fetch fetch", _fetch),
    ("WebSearch web_search google_web_search", _search_web),
    ("Task Agent task agent spawn_agent delegate_to_agent", _subagent),
    ("Monitor", _monitor),
    (
        (
            "TodoWrite TodoRead TaskCreate TaskUpdate TaskList TaskGet EnterPlanMode ExitPlanMode AskUserQuestion Skill"
            " ToolSearch ListMcpResourcesTool StructuredOutput SendMessage update_plan write_todos think"
            " enter_plan_mode exit_plan_mode activate_skill ask_user request_user_input attempt_completion"
        ),
        _NOTHING,
    ),
    ("LSP", _rule("S1", "asks the language server")),
    ("save_memory", _rule("A4", "writes the agent's memory in the home folder")),
    ("CronCreate CronDelete ScheduleWakeup", _rule("A7", "schedules work")),
    ("EnterWorktree ExitWorktree", _rule("A6", "changes the worktrees of the repository")),
    ("write_stdin kill_terminal", _rule("A8", "types into a program that runs")),
)  # fmt: skip
_AGENT_TOOLS: Final = {name: handler for names, handler in _TABLE for name in names.split()}
