"""What test runners, linters, formatters and build tools have in common (S3).

They are safe where they stay in the workspace: the folder they start in, the configuration and code they load, the
files they are given, and what they write. :class:`Tool` is a :class:`~.framework.Program` that knows this; the roles
here say where a value may lie:

``work``  code, tests or configuration that are run: the workspace only, and no names that a listing gives
``site``  files whose own folder may configure (and run) the tool: the workspace only
``check`` files that are only looked at: the workspace or a temporary folder
``alter`` files that are changed in place
``chdir`` the folder that the tool changes to before it does anything
``out``   a file or folder that is written
``ref``   a revision that the tool hands to git
``plain`` a word without a path in it
"""

from __future__ import annotations

import os.path
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import ROLES, Hook, Option, Options, Program, custom
from claude_orchestrator.safety.values import DEC, NAME, NET, SEC, known, show, unknown, wild
from claude_orchestrator.safety.zones import zone

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

_INFO = frozenset("--version --help -h -V".split())
_RUN_FILES = re.compile(
    r"(?:GNUmakefile|[Mm]akefile|.*\.mk|conftest\.py|setup\.py|(?:nox|task)file\.py|tox\.ini|pytest\.ini|pyproject\.toml|package\.json|pom\.xml"
    r"|build\.rs|Cargo\.toml|[\w.]+\.gradle(?:\.kts)?|Rakefile|Gemfile|Directory\.Build\.\w+|\.rspec|\.(?:mocharc|eslintrc|prettierrc)\.\w+"
    r"|\.pre-commit-config\.yaml|[\w.-]+\.config\.[cm]?[jt]s|test_.*\.py|.*_test\.(?:py|go)|.*[._](?:test|spec)\.\w+)"
)


def at_home(walk: Walk, name: str) -> None:
    """Judge where a tool is started, and whether this operation itself has just put the code there that it runs."""
    where = walk.cwd()
    if not walk.in_workspace("") or _leads_out(walk, where):
        rule = "A0" if unknown(where) else "A8"
        walk.emit(rule, f"runs {name} in {show(where)}, which is not in the workspace")
    for path, content in list(walk.state.files.items()):
        if content and known(content):
            _followed(walk, path, content)
        if content.isascii() or not (NET in content or DEC in content):
            continue
        if _RUN_FILES.fullmatch(path.rpartition("/")[2]) and path.startswith(walk.place.inside):
            walk.emit("B5", f"runs {show(path)} with {name}, which this operation downloads or decodes", (path,))


def _followed(walk: Walk, path: str, content: str) -> None:
    """What this operation itself has just written for a tool to run: that is trusted, unless it is blocked for certain."""
    name, key = path.rpartition("/")[2], f"follows {path}"
    if not path.startswith(walk.place.inside) or not _RUN_FILES.fullmatch(name) or key in walk.seen:
        return
    before = len(walk.effects)
    walk.seen.add(key)
    try:
        if name.endswith(".py"):
            from claude_orchestrator.safety.python_code import python_effects

            for effect in python_effects(content, walk.place, walk.policy):
                walk.emit(effect.rule, f"{effect.what} ({show(path)})", effect.paths)
        else:
            for code in _scripts(name, content, walk.argv):
                walk.contained(lambda code=code: walk.shell_code(code, what=show(path)))  # type: ignore[misc]
    finally:
        walk.seen.discard(key)
        walk.effects[before:] = [effect for effect in walk.effects[before:] if effect.rule[0] == "B"]


def _scripts(name: str, content: str, argv: Sequence[str]) -> list[str]:
    """The shell code that a call runs out of a ``package.json`` or a makefile."""
    if name == "package.json":
        import json

        try:
            scripts = json.loads(content)["scripts"]
            named = {"test" if word in ("t", "tst") else word for word in argv[1:]}
            return [
                str(code)
                for script, code in scripts.items()
                if script in named
                or (script.startswith(("pre", "post")) and re.sub("^(pre|post)", "", script) in named)
            ]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return []
    if not re.search(r"(?i)makefile$|\.mk$", name):
        return []
    recipes: dict[str, list[str]] = {}
    needs: dict[str, list[str]] = {}
    target = ""
    for line in content.replace("\\\n", " ").split("\n"):
        rule = _RULE.match(line)
        if line[:1] == "\t" and target:
            recipes[target].append(line)
        elif rule:
            target = rule[1].split()[0]
            recipes.setdefault(target, []).extend([rule[3]] if rule[3] else [])
            needs.setdefault(target, []).extend(rule[2].split())
    made = [word for word in argv[1:] if word in recipes] or [name for name in recipes if name[0] != "."][:1]
    for word in made:
        made += [need for need in needs[word] if need in recipes and need not in made]
    return [_recipe(line) for word in made for line in recipes[word]]


_RULE = re.compile(r"([^\s#:=][^#:=]*):(?![:=])([^=;]*)(?:;(.*))?$")


def _recipe(line: str) -> str:
    """A line of a makefile as the shell gets it; make's own variables are not known."""
    line = re.sub(r"\$\(shell ", "$(", line.lstrip("\t @-+"))
    return re.sub(r"\$\((?!\w+ )[^()]*\)|\$\{[^{}]*\}|\$[@<^*?%]", "$MAKE_VALUE", line).replace("$$", "$")


_EXPANDED = re.compile(r"[,:;\s](?=/|\.\.|~)|^[a-zA-Z][\w+.-]*:|^~|\$(?=[\w{(])|\{\w+:|^\{")
"""Lists of paths, addresses, and what a tool itself expands (``~``, ``$HOME``) although the shell did not."""


def _out(walk: Walk, value: str) -> None:
    if _EXPANDED.search(value):
        walk.emit("A0", f"writes {show(value)}, which need not be the path that it looks like")
    walk.write(value)


_REF = re.compile(r"[\w./~^@{}+-]+")


def _ref(walk: Walk, value: str) -> None:
    if value[:1] == "-" or not _REF.fullmatch(value):
        walk.emit("A0", f"is given {show(value)} as a revision")


def _leads_out(walk: Walk, full: str) -> bool:
    """Whether a path of the workspace is, in a live place, a link to somewhere else."""
    if not walk.place.live or not known(full):
        return False
    root = os.path.realpath(walk.place.workspace)
    return not (os.path.realpath(full) + "/").startswith(root + "/")


def _inside(walk: Walk, value: str) -> str | None:
    """The workspace only; content that this operation brings from outside must not be run."""
    if not value:
        return None
    if value[0] == "@":
        _inside(walk, value[1:])
    if _EXPANDED.search(value):
        walk.emit("A0", f"is given {show(value)}, which need not be the path that it looks like")
    full = walk.absolute(value)
    if not walk.in_workspace(value) or _leads_out(walk, full):
        walk.emit("A0" if unknown(full) else "A8", f"uses {show(full)}, which is not in the workspace", (full,))
    content = walk.content(full)
    if content and not content.isascii() and (NET in content or DEC in content):
        walk.emit("B5", f"runs {show(full)}, which this operation downloads or decodes", (full,))
    return walk.read(value)


def _work(walk: Walk, value: str) -> str | None:
    if NAME in value or wild(value[:1]):
        walk.emit("A8", f"runs what a listing names, which may also be an option: {show(value)}")
    return _inside(walk, value)


def _check(walk: Walk, value: str) -> str | None:
    if value[:1] == "@":
        walk.emit("A0", f"takes arguments from {show(value[1:])}")
    full = walk.absolute(value)
    count = len(walk.effects)
    content = walk.read(value)
    if zone(full, walk.place) not in ("WS", "TMP", "DEV") and all(e.rule[0] == "S" for e in walk.effects[count:]):
        walk.emit("A5", f"looks at {show(full)}, which is not in the workspace", (full,))
    return content


def _alter(walk: Walk, value: str) -> str | None:
    if NAME in value and not unknown(value):
        return _inside(walk, value)
    walk.read(value)
    full = walk.absolute(value)
    files = walk.state.files
    before = files.get(full)
    walk.write(value)
    if before is None:
        files.pop(full, None)
    else:
        files[full] = before
    return None


def _chdir(walk: Walk, value: str) -> None:
    _inside(walk, value)
    full, cwd = walk.absolute(value), walk.cwd()
    below = full == cwd or full.startswith(cwd.rstrip("/") + "/")
    if not below and sum(".." in argument for argument in walk.argv) > (".." in value):
        walk.emit("A0", f"changes to {show(full)} and uses paths that are relative to it")


_WORD = re.compile(r"[\w.,:+@%^=-]*")


def _plain(walk: Walk, value: str) -> None:
    if not _WORD.fullmatch(value) or ".." in value or "=" in value or unknown(value):
        walk.emit("A0", f"is given {show(value)}, whose meaning is not known")


ROLES.update(work=_work, site=_inside, check=_check, alter=_alter, chdir=_chdir, plain=_plain, out=_out, ref=_ref)
check, alter, work, site, out = _check, _alter, _work, _inside, _out


class Tool(Program):
    """A program that runs, checks or builds what lies in the workspace, and that has to be started there."""

    __slots__ = ("anywhere", "info")

    info: frozenset[str]
    anywhere: bool

    def long(self, name: str) -> Option | None:
        """Only whole names: these tools do not abbreviate as GNU programs do, or should not be trusted to."""
        return self.longs.get(name)

    def _run(self, walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if len(argv) == 2 and argv[1] in self.info:
            walk.emit("S2", f"{self.name} informs")
            return None
        if not self.anywhere:
            at_home(walk, self.name)
        return super()._run(walk, argv, stdin)


def tool(
    options: str = "",
    operands: str = "",
    hook: Hook | None = None,
    style: str = "",
    subcommands: Mapping[str, Program] | None = None,
    rule: str = "S3",
    info: str = "",
    what: str = "",
) -> Tool:
    """A row (see :mod:`~.framework`) for a tool that works in the workspace; ``info``: what else only informs."""
    made = Tool(rule, options, operands, hook, style, subcommands, what, False)
    made.info = _INFO.union(info.split()) if info else _INFO
    made.anywhere = rule == "S2"
    return made


def informs(options: str = "", operands: str = "") -> Tool:
    """A row for something that only informs (S2), wherever it is started."""
    return tool(options, operands, rule="S2")


def given(options: Options) -> frozenset[str]:
    """The names of the options that a command line has."""
    return frozenset(name for name, _ in options)


def altering(fixes: str = "", checks: str = "", look: Callable[[Walk, str], str | None] = _check) -> Hook:
    """Operands that are changed when one of ``fixes`` is given (or none of ``checks``), and only looked at otherwise."""
    fixing, checking = frozenset(fixes.split()), frozenset(checks.split())

    def hook(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
        names = given(options)
        changes = bool(names & fixing) if fixing else not names & checking
        for path in operands or ["."]:
            if path != "-":
                if path[:1] == "@":
                    walk.emit("A0", f"takes arguments from {show(path[1:])}")
                if look is _inside:
                    _inside(walk, path)
                (_alter if changes else look)(walk, path)
        walk.emit("S3", f"{argv[0]} checks or formats")
        return None

    return hook


def fixed(rule: str, what: str, info: str = "", words: str = "") -> Program:
    """A program that always has one effect, except that it tells its version (an option or one of ``words``)."""
    asks = _INFO.union(info.split())
    verbs = frozenset(words.split())

    def run(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
        if is_question(argv, asks, verbs):
            walk.emit("S2", f"{argv[0]} informs")
        else:
            walk.emit(rule, f"{what}: {show(' '.join(argv[:6]))}")
            passes_on(walk, argv, stdin)
            if rule != "A8":
                leaks(walk, argv)
        return None

    return custom(run)


def leaks(walk: Walk, argv: list[str]) -> None:
    """Judge the arguments of a program that talks to a registry or a service: a secret among them is sent."""
    if any(SEC in argument for argument in argv):
        walk.emit("B6", f"sends a secret with {argv[0]}")


_NAMES_AN_ENVIRONMENT = frozenset("-n --name -p --prefix -e --env".split())


def passes_on(walk: Walk, argv: list[str], stdin: str | None) -> None:
    """``TOOL run COMMAND``, ``TOOL … -- COMMAND`` of a tool that is never safe: the command counts if it is blocked."""
    index = len(argv)
    if "--" in argv:
        index = argv.index("--") + 1
    elif argv[1:2] in (["run"], ["exec"], ["x"]):
        index = 2
        while index < len(argv) and argv[index][:1] == "-":
            index += 2 if argv[index] in _NAMES_AN_ENVIRONMENT else 1
    if index < len(argv):
        before = len(walk.effects)
        walk.contained(lambda: walk.run_argv(argv[index:], stdin))
        walk.effects[before:] = [effect for effect in walk.effects[before:] if effect.rule[0] == "B"]


def is_question(argv: list[str], info: frozenset[str] = _INFO, words: frozenset[str] = frozenset()) -> bool:
    """Whether a command line only asks for a version or for help: ``x --version``, ``x version``, ``x verb --help``."""
    if len(argv) == 2:
        return argv[1] in info or argv[1] in words
    return len(argv) == 3 and argv[2] == "--help" and bool(words) and argv[1].isidentifier() and known(argv[1])
