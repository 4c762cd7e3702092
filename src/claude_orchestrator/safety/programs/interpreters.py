"""Interpreters: inline code (S9 for Python, A9 for the others), scripts (A8), and what in other languages is certain."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from claude_orchestrator.safety.programs.framework import Options, Program, custom, row
from claude_orchestrator.safety.programs.network import metadata
from claude_orchestrator.safety.values import DEC, NET, SEC, UNK, known, no_code, show, taints, unknown

if TYPE_CHECKING:
    from claude_orchestrator.safety.effects import Walk

# --- Python -----------------------------------------------------------------------------------------------------------

_PYTHON_FLAGS = frozenset("bBdEhiIOPqRsSuvVxt3")
_TOOLS = frozenset(("devtools", "packages"))
_MODULE_NAMES = {"pre_commit": "pre-commit", "pip3": "pip", "claude_orchestrator": "claude-orchestrator"}


_DECODING = re.compile(
    r"b64|base64|unhexlify|fromhex|codecs|rot_?13|zlib|gzip|decompress|atob|unpack|pack\s*\(|fromCharCode|\bchr\b|\\x[0-9a-f]{2}|hex2bin"
)


def _decoding(code: str) -> str:
    """The taint of what a piece of code prints that decodes something."""
    return DEC if _DECODING.search(code) else ""


def inline_python(walk: Walk, code: str, stdin: str | None = None) -> None:
    """Judge Python code that stands in the operation."""
    if not known(code):
        if NET in code or DEC in code:
            walk.emit("B5", "runs Python code that was downloaded or decoded")
        if no_code(code):
            walk.emit("A0", "runs Python code that is not wholly known")
            if SEC in code:
                walk.emit("A5", "gives a secret to Python code")
    from claude_orchestrator.safety.python_code import python_effects
    from claude_orchestrator.safety.zones import Place

    place = walk.place
    cwd = walk.cwd()
    if unknown(cwd):
        walk.emit("A0", "runs code in a folder that is not known")
    elif cwd != place.cwd:
        place = Place(cwd, place.workspace, place.home, place.root, place.live)
    online = False
    for effect in python_effects(show(code), place, walk.policy):
        online = online or effect.rule == "A2"
        walk.emit(effect.rule, effect.what, effect.paths)
    if _SOCKETS.search(code) and (_SHELL.search(code) or _ASKING_SHELL.search(code)) and _STARTS.search(code):
        walk.emit("B7", "connects a shell to the network")
    if online and stdin is not None and SEC in stdin:
        walk.emit("B6", "sends a secret to the network")


def _python(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    index, end = 1, len(argv)
    while index < end:
        argument = argv[index]
        index += 1
        if argument in ("-V", "--version", "-VV", "-h", "--help", "--help-env", "--help-all"):
            walk.emit("S2", "python informs")
            return None
        if argument[:1] != "-" or argument == "-":
            return _python_script(walk, argument, argv[index:], stdin)
        if argument[:2] == "--":
            walk.emit("A0", f"python has an option that is not known: {show(argument)}")
            continue
        for position, letter in enumerate(argument[1:], 2):
            value = argument[position:]
            if letter in "cm" or letter in "WX":
                if not value and index < end:
                    value = argv[index]
                    index += 1
                if letter == "c":
                    inline_python(walk, value, stdin)
                    return UNK + taints(stdin) + _decoding(value)
                if letter == "m":
                    return _python_module(walk, value, argv[index:], stdin)
                break
            if letter == "i":
                walk.emit("A8", "starts an interactive Python")
            elif letter not in _PYTHON_FLAGS:
                walk.emit("A0", f"python has an option that is not known: {show(argument)}")
                break
    return _python_script(walk, "-", [], stdin)


def _python_script(walk: Walk, path: str, args: list[str], stdin: str | None) -> str | None:
    if path in ("-", "/dev/stdin", "/dev/fd/0"):
        if stdin is None:
            walk.emit("A8", "starts Python with code that is not known")
        else:
            inline_python(walk, stdin)
        return UNK + taints(stdin) + _decoding(stdin or "")
    content = walk.content(walk.absolute(path))
    if content is not None and known(content):
        before = len(walk.effects)
        inline_python(walk, content)
        walk.effects[before:] = [effect for effect in walk.effects[before:] if effect.rule[0] == "B"]
    return walk.run_file(path, args, stdin, by_shell=False)


def _in_tree(walk: Walk, argv: list[str], options: Options, operands: list[str], stdin: str | None) -> str | None:
    """Files that are compiled must lie in the workspace."""
    if not operands and argv[0] == "compileall":
        walk.emit("A4", "writes compiled files beside every module that is installed")
    for path in operands:
        walk.read(path)
        if not walk.in_workspace(path):
            walk.emit("A4", f"writes compiled files beside {show(walk.absolute(path))}")
    walk.emit("S9", "compiles files")
    return None


_MODULES: dict[str, Program] = {
    "json.tool": row(
        "S9", "-h --sort-keys --json-lines --indent= --tab --no-indent --compact --no-ensure-ascii --help", "read write"
    ),
    "py_compile": row("S9", "-q --quiet", "read*", hook=_in_tree),
    "compileall": row(
        "S9", "-lfqb -r= -j,--workers= -x= -o= --hardlink-dupes --invalidation-mode=", "read*", hook=_in_tree
    ),
    "this": row("S9", "", ""),
}


def _python_module(walk: Walk, module: str, args: list[str], stdin: str | None) -> str | None:
    from claude_orchestrator.safety.programs import lookup, names

    if unknown(module):
        walk.emit("A0", f"runs a module that is not known: {show(module)}")
        return None
    program = _MODULES.get(module)
    if program is not None:
        if program.source is not None:
            program.compile(f"python -m {module}")
        return program.run(walk, [module, *args], stdin)
    name = _MODULE_NAMES.get(module, module)
    family = names().get(name)
    if family in _TOOLS or name == "claude-orchestrator":
        found = lookup(name)
        if found is not None:
            return found.run(walk, [name, *args], stdin)
    walk.emit("A3" if module in ("venv", "ensurepip", "virtualenv", "pip") else "A8", f"runs the module {module}")
    return None


# --- other languages --------------------------------------------------------------------------------------------------

_STRING = r"""(?:"((?:\\.|[^"\\])*)"|'((?:\\.|[^'\\])*)'|`([^`]*)`|%[qQx]?[({]([^)}]*)[)}])"""
_COMMANDS = re.compile(
    r"(?:\b(?:system|exec|execSync|execFileSync|spawnSync|spawn|execFile|popen|shell_exec|passthru|proc_open|os\.execute|io\.popen|qx|IO\.popen|Open3\.\w+)"
    r"\s*\(?\s*)" + _STRING
)
_BACKTICKS = re.compile(r"`([^`]+)`")
_DELETES = re.compile(
    r"(?:\brm_rf|\brm_r\b|\bremove_tree|\brmtree|\brmSync|\brmdirSync|\bremoveSync|\brimraf(?:\.sync)?|\.rm|\.rmdir|remove_dir_all|\bremove_entry_secure)\s*\(?\s*"
    + _STRING
)
_ONLINE = re.compile(
    r"\bfetch\s*\(|\bhttps?\b|\baxios\b|\bnet\.(?:connect|Socket|create)|Net::HTTP|open-uri|URI\.open|LWP|HTTP::Tiny|IO::Socket|TCPSocket|fsockopen"
    r"|curl_exec|file_get_contents\(\s*['\"]http|XMLHttpRequest|socket|request\s*\("
)
_EVALUATES = re.compile(
    r"\beval\b|\binstance_eval\b|\bnew Function\b|\bassert\s*\(|\bvm\.run|\bload(?:string)?\s*\(|\bcreate_function\b|\bexec\b|\bsystem\b"
)
_DECODES = re.compile(
    r"base64|\batob\s*\(|unpack1?\s*\(?\s*['\"](?:m|H)|\bpack\s*\(?\s*['\"]H|gzinflate|gzuncompress|str_rot13|hex2bin|fromCharCode|\bchr\s*\(",
    re.IGNORECASE,
)
_SHELL = re.compile(r"/bin/(?:ba|z|da|k)?sh\b|\bcmd\.exe\b|['\"](?:ba)?sh['\"]|\$SHELL")
_SOCKETS = re.compile(
    r"IO::Socket|use Socket|TCPSocket|fsockopen|net\.(?:connect|Socket|createConnection|createServer)|require\s*\(?['\"]socket|socket\.tcp|socket\s*\(|rsocket"
)
_ASKING_SHELL = re.compile(r"\b(?:ba|da|z|k|a)?sh\s+-i\b")
_STARTS = re.compile(r"subprocess|os\.(?:system|popen|exec\w+|spawn\w+|dup2)|\bpty\b")
_SECRETS = re.compile(
    r"\.env(?!\.(?:example|sample|template))\b(?!ironment)|id_rsa|id_ed25519|\.ssh/|\.aws/|\.netrc|\.npmrc|\.pem\b|/etc/shadow|process\.env|\bENV\[|getenv|%ENV|credentials\.json"
)


def certain(walk: Walk, code: str, stdin: str | None = None) -> None:
    """What is certain in the code of a language that is not read: only blocked effects are taken from it."""
    if NET in code or DEC in code:
        walk.emit("B5", "runs code that was downloaded or decoded")
    metadata(walk, code)
    online = _ONLINE.search(code)
    if _SOCKETS.search(code) and (_SHELL.search(code) or _ASKING_SHELL.search(code)):
        walk.emit("B7", "connects a shell to the network")
    if _EVALUATES.search(code) and (
        _DECODES.search(code) or (online and re.search(r"\beval\b|new Function|instance_eval|loadstring", code))
    ):
        walk.emit("B5", "evaluates code that it downloads or decodes")
    if online and (_SECRETS.search(code) or SEC in code or SEC in (stdin or "")):
        walk.emit("B6", "sends a secret to the network")
    before = len(walk.effects)
    for pattern in (_COMMANDS, _BACKTICKS):
        for found in pattern.finditer(code):
            command = next((group for group in found.groups() if group), "")
            if command:
                walk.shell_code(command, what="a command")
    for found in _DELETES.finditer(code):
        path = next((group for group in found.groups() if group), "")
        if path:
            walk.delete(path, recursive=True)
    walk.effects[before:] = [effect for effect in walk.effects[before:] if effect.rule[0] == "B"]


class _Language:
    """How an interpreter is given code, files and questions about itself."""

    __slots__ = ("checks", "code", "glued", "info", "values")

    def __init__(self, code: str, info: str = "", values: str = "", checks: str = "", glued: str = "") -> None:
        self.code = frozenset(code.split())
        self.info = frozenset(("--version --help " + info).split())
        self.values = frozenset(values.split())
        self.checks = frozenset(checks.split())
        self.glued = glued


_LANGUAGES = {
    "node": _Language(
        "-e --eval -p --print -pe",
        "-v -h",
        "-r --require --import --loader --experimental-loader -C --conditions --env-file",
        "-c --check",
        "ep",
    ),
    "deno": _Language("eval", "-V -h"),
    "perl": _Language("-e -E", "-v -V", "-I -M -m -C -F", "", "eE"),
    "ruby": _Language("-e", "-v -h", "-r -I -C -E -K", "", "e"),
    "php": _Language("-r -B -R -E", "-v -h -m -i", "-c -d -z", "-l", "r"),
    "lua": _Language("-e", "-v", "-l"),
    "R": _Language("-e", "", "-f --file"),
    "julia": _Language("-e -E --eval --print", "-v -h", "-L -J --project -t"),
    "tclsh": _Language(""),
    "osascript": _Language("-e", "", "-l"),
    "pwsh": _Language("-c -Command -command -EncodedCommand -enc -e", "-v -Version"),
    "groovy": _Language("-e", "-v"),
    "scala": _Language("-e", "-version"),
    "elixir": _Language("-e --eval", "-v"),
    "erl": _Language("-eval"),
    "ghci": _Language("-e"),
    "java": _Language("", "-version -help -h", "-cp -classpath --class-path -p --module-path"),
    "swift": _Language("-e"),
    "deno eval": _Language("eval"),
}
_SAME = {
    "nodejs": "node", "tsx": "node", "ts-node": "node", "luajit": "lua", "Rscript": "R", "irb": "ruby", "powershell": "pwsh", "runghc": "ghci",
    "jshell": "java",
}  # fmt: skip


def _interpreter(walk: Walk, argv: list[str], stdin: str | None) -> str | None:
    language = _LANGUAGES.get(argv[0]) or _LANGUAGES[_SAME[argv[0]]]
    if len(argv) == 2 and argv[1] in language.info:
        walk.emit("S2", f"{argv[0]} informs")
        return None
    index, end = 1, len(argv)
    inline = False
    checks = False
    while index < end:
        argument = argv[index]
        index += 1
        name, equals, value = argument.partition("=")
        if argument in language.code or (equals and name in language.code) or _glued(language, argument):
            inline = True
            code = value if equals and name in language.code else argv[index] if index < end else ""
            if not equals or name not in language.code:
                index += 1
            walk.emit("A9", f"runs {argv[0]} code: {show(code)[:200]}")
            if argument in ("-EncodedCommand", "-enc"):
                walk.emit("B5", "runs decoded code")
            certain(walk, " ".join((code, *argv[1:])), stdin)
        elif argument in language.values:
            index += 1
        elif argument in language.checks:
            checks = True
        elif argument[:1] != "-" or argument == "-":
            if inline:
                walk.read(argument)
                continue
            return _file(walk, argv, argument, argv[index:], stdin, checks)
    if not inline:
        return _file(walk, argv, "-", [], stdin, checks)
    return UNK + taints(stdin) + _decoding(" ".join(argv))


def _glued(language: _Language, argument: str) -> bool:
    """A cluster of short options that ends in the one for code (``-ne``, ``-pi -e``)."""
    return bool(
        language.glued
        and len(argument) > 2
        and argument[0] == "-"
        and argument[1] != "-"
        and argument[-1] in language.glued
        and argument[1:].isalnum()
        and "M" not in argument[:2]
    )


def _file(walk: Walk, argv: list[str], path: str, args: list[str], stdin: str | None, checks: bool) -> str | None:
    if path == "-":
        if stdin is None:
            walk.emit("A8", f"starts {argv[0]}")
        else:
            walk.emit("A9", f"runs {argv[0]} code from its input")
            certain(walk, stdin)
        return UNK + taints(stdin)
    if checks:
        walk.read(path)
        walk.emit("S1", "checks a script's syntax")
        return None
    content = walk.content(walk.absolute(path))
    if content is not None:
        certain(walk, content)
    return walk.run_file(path, args, stdin, by_shell=False)


_PYTHONS = "python python3 python2 python3.8 python3.9 python3.10 python3.11 python3.12 python3.13 python3.14 pypy pypy3 ipython".split()
_OTHERS = (
    "node nodejs deno perl ruby irb php lua luajit Rscript R julia tclsh osascript pwsh powershell groovy scala elixir erl ghci runghc java ts-node tsx"
    " swift jshell"
).split()

ROWS: dict[str, Program] = {
    **{name: custom(_python) for name in _PYTHONS},
    **{name: custom(_interpreter) for name in _OTHERS},
}
