"""Rules that people write: what an argument vector, a tool or a path has to look like to be allowed, asked or blocked.

A pattern of an argument vector is a list of words. Each is a glob for exactly one word; ``...`` at the end stands for
any further words. Nothing here reads files.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from claude_orchestrator.safety.operations import Decision

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from claude_orchestrator.safety.operations import Effect

REST: Final = "..."
"""The last word of a pattern: any further words."""

SHELLS: Final = frozenset({"sh", "bash", "dash", "ash", "ksh", "mksh", "zsh", "fish", "csh", "tcsh", "busybox", "pwsh"})
INTERPRETERS: Final = frozenset(
    {
        *(
            "python",
            "python2",
            "python3",
            "pypy",
            "pypy3",
            "ipython",
            "node",
            "nodejs",
            "deno",
            "bun",
            "ts-node",
            "tsx",
        ),
        *("perl", "ruby", "irb", "php", "lua", "luajit", "Rscript", "R", "julia", "groovy", "scala", "erl", "elixir"),
        *("ghci", "runghc", "guile", "racket", "osascript", "tclsh", "expect", "awk", "gawk", "mawk", "nawk", "sed"),
        *("jshell", "java", "psql", "mysql", "sqlite3", "gdb", "vim", "vi", "emacs", "ed", "ex"),
    }
)
WRAPPERS: Final = frozenset(
    {
        *("env", "sudo", "doas", "su", "command", "builtin", "exec", "eval", "source", ".", "time", "nice", "ionice"),
        *("timeout", "nohup", "setsid", "stdbuf", "xargs", "find", "parallel", "watch", "script", "arch", "coproc"),
        *("trap", "chroot", "unshare", "nsenter", "setpriv", "flock", "strace", "ltrace", "taskset", "chrt", "runuser"),
        *("uv", "uvx", "poetry", "pipenv", "pdm", "hatch", "rye", "pixi", "conda", "mamba", "pipx", "npx", "pnpx"),
        *("bunx", "docker", "podman", "nerdctl", "kubectl", "ssh", "mosh", "tmux", "screen", "systemd-run", "at"),
        *("batch", "crontab", "entr", "fd", "direnv", "dotenv", "bwrap", "firejail"),
    }
)
GENERIC: Final = SHELLS | INTERPRETERS | WRAPPERS | {"git"}
"""Programs that can do anything: a pattern that allows them has to spell out what they do."""

_GLOB: Final = re.compile(r"[*?\[]")
_PARENT: Final = re.compile(r"(?:^|[/=:])\.\.(?:/|$)")
_VERSION: Final = re.compile(r"(?<=[a-z])-?[0-9][0-9.]*$")
_MARK: Final = re.compile("[\U000f0000-\U000fffff]")
_COMMAND_TOOLS: Final = frozenset(
    {"Bash", "BashOutput", "shell", "local_shell", "run_shell_command", "execute", "terminal", "exec_command"}
    | {"Write", "Edit", "MultiEdit", "NotebookEdit", "write_file", "replace", "apply_patch"}
)


class Rule:
    """One rule: ``argv``, ``tool`` or ``path`` says what it is about, ``effect`` narrows a path to one kind."""

    __slots__ = ("argv", "decision", "effect", "path", "reason", "source", "tool", "words")

    def __init__(
        self,
        decision: Decision,
        argv: tuple[str, ...] = (),
        tool: str = "",
        path: str = "",
        effect: str = "",
        reason: str = "",
        source: str = "",
    ) -> None:
        """``source`` says where the rule stands, for people. Raises ValueError for what must not be allowed."""
        self.decision = decision
        self.argv = argv
        self.tool = tool
        self.path = path
        self.effect = effect
        self.reason = reason
        self.source = source
        allows = decision is Decision.SAFE
        if allows and (why := too_general(argv, tool, path, effect)):
            raise ValueError(why)
        rest = argv[-1:] == (REST,)
        self.words = (tuple(_matcher(word, careful=allows) for word in (argv[:-1] if rest else argv)), rest)

    def matches_command(self, argv: Sequence[str]) -> bool:
        """Whether an argument vector fits. A rule that asks or blocks also fits a program that is named by its path."""
        words, rest = self.words
        if not words or len(argv) < len(words) or (len(argv) > len(words) and not rest):
            return False
        allows = self.decision is Decision.SAFE
        if allows and not all(map(is_known, argv)):
            return False
        for matches, word in zip(words, argv, strict=False):
            if not matches(word):
                break
        else:
            return True
        program = argv[0].rpartition("/")[2]
        return not allows and program != argv[0] and self.matches_command((program, *argv[1:]))

    def matches_tool(self, name: str) -> bool:
        """Whether the name of a tool fits; an MCP server's tool is ``server.tool``."""
        return bool(self.tool) and _matcher(self.tool)(name)

    def matches_paths(self, effect: Effect, workspace: str, home: str) -> bool:
        """Whether the effect's paths fit: all of them for a rule that allows, any for one that asks or blocks."""
        if not self.path or not effect.paths or self.effect not in ("", effect.rule):
            return False
        fits = path_matcher(self.path, workspace, home)
        if self.decision is Decision.SAFE:
            return all(is_known(path) and fits(path) for path in effect.paths)
        return any(fits(path) for path in effect.paths)

    def describe(self) -> str:
        """What the rule says, on one line."""
        subject = " ".join(self.argv) or self.tool or f"{self.effect} {self.path}".strip()
        return f"{WORDS[self.decision]} {subject}"

    def key(self) -> tuple[object, ...]:
        """What the rule decides, for digests."""
        return (self.decision.value, self.argv, self.tool, self.path, self.effect)


WORDS: Final = {Decision.SAFE: "allow", Decision.REQUIRES_APPROVAL: "ask", Decision.BLOCKED: "block"}
"""How decisions are written in rules."""


def is_known(text: str) -> bool:
    """Whether a word or a path was resolved completely: no mark for an unknown part stands in it."""
    return text.isascii() or _MARK.search(text) is None


def too_general(argv: Sequence[str], tool: str = "", path: str = "", effect: str = "") -> str:  # noqa: PLR0911  (one way out for each reason)
    """Why nobody should allow this, or an empty text."""
    if tool:
        if _GLOB.match(tool) or tool.replace("mcp__", "") in _COMMAND_TOOLS or tool.startswith("mcp__*"):
            return f"'{tool}' can do anything: allow commands by argv and files by path"
        return ""
    if path:
        if not effect.startswith("A") or effect == "A0":
            return 'an allow for a path needs one effect from A1 to A13: effect = "A1"'
        return "'..' is no part of a pattern" if _PARENT.search(path) else ""
    if not argv or argv[0] == REST or _GLOB.search(argv[0]):
        return "an allow has to name the program: the first word takes no wildcard"
    program = program_of(argv[0])
    if program not in GENERIC:
        return ""
    wild = [number for number, word in enumerate(argv) if word == REST or _GLOB.search(word)]
    if len(argv) > 1 and not wild:
        return ""
    named = len(argv) > 2 and not argv[1].startswith("-") and wild[:1] and wild[0] >= 2 and argv[-1] != REST
    if named and program not in SHELLS | WRAPPERS:
        return ""
    return f"'{program}' can do anything: an allow for it has to spell out the whole command"


def program_of(word: str) -> str:
    """The name of a program without its folder and its version (``/usr/bin/python3.11`` is ``python``)."""
    name = word.rpartition("/")[2]
    return name if name in GENERIC else _VERSION.sub("", name)


def path_matcher(pattern: str, workspace: str, home: str) -> Callable[[str], bool]:
    """Whether an absolute path fits ``pattern``: below the workspace, absolute, or ``~/…``. ``**`` crosses folders."""
    if pattern == "~" or pattern.startswith("~/"):
        pattern = home + pattern[1:]
    elif not pattern.startswith("/"):
        pattern = f"{escaped(workspace.rstrip('/'))}/{pattern}"
    expression = _compiled(pattern)
    return lambda path: expression.fullmatch(path) is not None


def _matcher(word: str, *, careful: bool = False) -> Callable[[str], bool]:
    """Whether one word fits. ``careful``: a wildcard stands for no option in front and no way up out of a folder."""
    if not _GLOB.search(word):
        return word.__eq__
    import fnmatch

    expression = re.compile(fnmatch.translate(word))
    if not careful:
        return lambda given: expression.match(given) is not None
    free_start = word[0] in "*?["

    def matches(given: str) -> bool:
        return (
            expression.match(given) is not None
            and not (free_start and given.startswith("-"))
            and not _PARENT.search(given)
        )

    return matches


def escaped(text: str) -> str:
    """``text`` as a glob for itself."""
    return re.sub(r"[*?\[]", r"[\g<0>]", text)


_compiled_globs: dict[str, re.Pattern[str]] = {}


def _compiled(pattern: str) -> re.Pattern[str]:
    found = _compiled_globs.get(pattern)
    if found is None:
        if len(_compiled_globs) > 1000:
            _compiled_globs.clear()
        found = _compiled_globs[pattern] = re.compile(_translated(pattern), re.DOTALL)
    return found


def _translated(pattern: str) -> str:
    """A path's glob as an expression: ``*`` and ``?`` stay in one folder, ``**`` does not; ``d/**`` also is ``d``."""
    out = []
    position = 0
    while position < len(pattern):
        rest = pattern[position:]
        if rest == "/**":
            out.append("(?:/.*)?")
            break
        if rest.startswith("**/"):
            out.append("(?:.*/)?")
            position += 3
            continue
        if rest.startswith("**"):
            out.append(".*")
            position += 2
            continue
        if rest[0] == "[" and (close := pattern.find("]", position + 2)) > 0:
            body = re.sub(r"[\\\[&~|]", r"\\\g<0>", pattern[position + 1 : close])
            out.append(f"[{'^' + body[1:] if body[0] == '!' else body}]")
            position = close + 1
            continue
        out.append({"*": "[^/]*", "?": "[^/]"}.get(rest[0]) or re.escape(rest[0]))
        position += 1
    return "".join(out)
