"""What a text of Python does, read from its tree and never run.

Code that only computes and prints is S9. Everything else is A9, and what can be seen in it besides (files, commands,
requests, secrets, downloaded code) is judged for what it is.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from claude_orchestrator.safety import zones
from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.python_plain import is_plain
from claude_orchestrator.safety.python_tree import nodes, parse
from claude_orchestrator.safety.python_values import TooMuch, Values
from claude_orchestrator.safety.requests import asks_metadata
from claude_orchestrator.safety.statements import destroys_database

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.zones import Place

_DEEPEST: Final = 4
_MOST_CODE: Final = 20_000
_MOST_NODES: Final = 6_000
_COMMAND: Final = 100
"""What a command in the code costs of the steps that are allowed."""
_EXECUTES: Final = frozenset(
    "exec eval compile __import__ importlib.import_module runpy.run_path runpy.run_module code.interact pickle.loads"
    " pickle.load marshal.loads dill.loads cloudpickle.loads types.FunctionType builtins.exec builtins.eval".split()
)
_SHELL_CALLS: Final = frozenset(
    "os.system os.popen subprocess.getoutput subprocess.getstatusoutput commands.getoutput"
    " asyncio.create_subprocess_shell".split()
)
_RUNS: Final = frozenset(
    "subprocess.run subprocess.call subprocess.check_call subprocess.check_output subprocess.Popen pty.spawn"
    " asyncio.create_subprocess_exec os.posix_spawn os.posix_spawnp".split()
)
_OS_EXEC: Final = re.compile(r"os\.(exec|spawn)[lv]p?e?$")
_DELETES: Final = frozenset("os.remove os.unlink os.rmdir os.removedirs os.truncate send2trash.send2trash".split())
_MOVES: Final = frozenset("os.rename os.replace os.renames shutil.move".split())
_COPIES: Final = frozenset("shutil.copy shutil.copy2 shutil.copyfile shutil.copytree os.link os.symlink".split())
_PATH_METHODS: Final = {
    **dict.fromkeys(("unlink", "rmdir"), "delete"),
    **dict.fromkeys(("read_text", "read_bytes", "iterdir", "glob", "rglob"), "read"),
    **dict.fromkeys(("write_text", "write_bytes", "touch", "mkdir", "symlink_to", "hardlink_to"), "write"),
    **dict.fromkeys(("rename", "replace"), "move"),
}
_NETWORK_MODULES: Final = frozenset(
    "urllib requests httpx aiohttp http socket ftplib smtplib telnetlib paramiko websocket websockets ssl boto3"
    " botocore urllib3 pycurl imaplib poplib xmlrpc socketserver grpc fabric pysftp nntplib dns".split()
)
_SENDS: Final = frozenset(
    "send sendall sendto sendmail send_message post put patch request urlopen get urlretrieve".split()
)
_SHELLS: Final = re.compile(r"(?:^|/)(?:ba|da|z|k|a)?sh$")


def python_effects(code: str, place: Place, policy: Policy, depth: int = 0) -> list[Effect]:
    """The effects of Python code, as ``python -c`` would run it. May raise RecursionError for what is nested deeply."""
    if len(code) > _MOST_CODE or depth > _DEEPEST:
        return [Effect("A9", "runs Python code that is too much to be read")]
    try:
        tree = parse(code.strip("\n") if code[:1] == "\n" else code)
    except (SyntaxError, ValueError):
        return [Effect("A9", "runs Python code that cannot be read")]
    program = nodes(tree)
    if len(program) > _MOST_NODES:
        return [Effect("A9", "runs Python code that is too much to be read")]
    if is_plain(program):
        return [Effect("S9", "computes and prints in Python")]
    found: list[Effect] = []
    end = Effect("A9", "runs Python code")
    try:
        _Reading(program, place, policy, depth).collect(found)
    except TooMuch:
        end = Effect("A9", "runs Python code that is too much to be read")
    return [*dict.fromkeys(found), end]


class _Reading:
    """Looks through one program for what it does."""

    def __init__(self, program: list[ast.AST], place: Place, policy: Policy, depth: int) -> None:
        self.program = program
        self.place = place
        self.policy = policy
        self.depth = depth
        self.values = Values(program, place, policy)
        self.networked = bool({name.partition(".")[0] for name in self.values.imported} & _NETWORK_MODULES)

    def collect(self, found: list[Effect]) -> None:
        """Add what the program does to what was found. Raises TooMuch, with some of it added."""
        for node in self.program:
            if isinstance(node, ast.Call):
                found += self.call(node)
            elif isinstance(node, (ast.Attribute, ast.Subscript, ast.Name)) and self.values.is_environment(node):
                found.append(Effect("A5", "reads the environment, or a secret in it"))
            elif isinstance(node, ast.Constant) and self.networked and _names_metadata(node.value):
                found.append(Effect("B6", "asks a cloud's metadata service for credentials"))
        if self.networked:
            found.append(Effect("A2", "uses the network"))
        found += list(self.whole(found))

    def whole(self, found: list[Effect]) -> Iterator[Effect]:
        """What only shows in the program as a whole: a shell at the other end of a socket, endless forking."""
        if "socket" in self.values.imported:
            called = {self.values.name(node.func) for node in self.program if isinstance(node, ast.Call)}
            if "pty.spawn" in called or (
                "os.dup2" in called and any(_SHELLS.search(word) for effect in found for word in effect.argv[:1])
            ):
                yield Effect("B7", "connects a shell to a socket")
        for node in self.program:
            if isinstance(node, ast.While) and any(
                isinstance(inner, ast.Call) and self.values.name(inner.func) == "os.fork" for inner in nodes(node)
            ):
                yield Effect("B8", "forks without end")

    def call(self, node: ast.Call) -> Iterator[Effect]:
        name = self.values.name(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if name in _EXECUTES or (method == "loads" and name.startswith(("pickle", "marshal"))):
            yield from self.execution(node)
        elif name in _SHELL_CALLS or name in _RUNS or _OS_EXEC.match(name):
            yield from self.command(node, name)
        elif name in _ON_FILES:
            yield from _ON_FILES[name](self, node)
        elif method in _PATH_METHODS and (paths := self.values.paths(node.func.value)):  # type: ignore[attr-defined]
            yield from self.path_method(node, method, paths)
        yield from self.process(node, name)
        if method in ("execute", "executescript", "executemany", "query", "run_command", "command", "execute_command"):
            if any(destroys_database(text) for argument in node.args for text in self.values.texts(argument)):
                yield Effect("B3", "destroys a database")
            elif not name.startswith("sqlite3"):
                yield Effect("A11", "sends a statement to a database")
        elif method in ("flushall", "flushdb", "drop_database", "dropDatabase"):
            yield Effect("B3", "destroys a database")
        arguments = [*node.args, *(keyword.value for keyword in node.keywords)]
        is_sink = name.partition(".")[0] in _NETWORK_MODULES or method in _SENDS
        if is_sink and self.networked and any("secret" in self.values.taints(item) for item in arguments):
            yield Effect("B6", "sends a secret over the network")

    def execution(self, node: ast.Call) -> Iterator[Effect]:
        self.values.effort(_COMMAND)
        for argument in node.args[:1]:
            if self.values.taints(argument) & {"network", "decoded"}:
                yield Effect("B5", "executes code that was downloaded or decoded")
            for text in self.values.texts(argument):
                if self.values.name(node.func) in ("exec", "eval", "compile", "builtins.exec", "builtins.eval"):
                    yield from python_effects(text, self.place, self.policy, self.depth + 1)

    def command(self, node: ast.Call, name: str) -> Iterator[Effect]:
        from claude_orchestrator.safety.effects import argv_effects, command_effects

        self.values.effort(_COMMAND)
        arguments = node.args[1:] if re.match(r"os\.(spawn|posix_spawn)", name) else node.args
        arguments = arguments or [keyword.value for keyword in node.keywords if keyword.arg in ("args", "cmd")]
        if any(self.values.taints(argument) & {"network", "decoded"} for argument in arguments):
            yield Effect("B5", "runs a command that was downloaded or decoded")
        in_shell = name in _SHELL_CALLS or any(
            keyword.arg == "shell" and not (isinstance(keyword.value, ast.Constant) and not keyword.value.value)
            for keyword in node.keywords
        )
        if name in _RUNS or name in _SHELL_CALLS:
            if not name.startswith("asyncio.create_subprocess_exec"):
                arguments = arguments[:1]
            vectors = [arguments] if len(arguments) > 1 else [self.values.items(item) for item in arguments]
        else:
            vectors = [self.values.items(arguments[-1])] if name.rstrip("pe").endswith("v") else [arguments[1:]]
        yield from self.connected(node, arguments)
        for argument in arguments[:1]:
            for text in self.values.texts(argument):
                if self.values.was_downloaded(text):
                    yield Effect("B5", "runs what it has downloaded")
                yield from (
                    command_effects(text, self.place, self.policy)
                    if in_shell
                    else argv_effects((text,), self.place, self.policy)
                )
        for vector in vectors:
            words = [next(iter(self.values.texts(item)), None) for item in vector or ()]
            known = tuple(word for word in words if word is not None)
            if not known or len(known) != len(words) or vector is arguments[:1]:
                continue
            if any(self.values.was_downloaded(word) for word in known):
                yield Effect("B5", "runs what it has downloaded")
            yield from (
                command_effects(known[0], self.place, self.policy)
                if in_shell
                else argv_effects(known, self.place, self.policy)
            )

    def connected(self, node: ast.Call, arguments: list[ast.expr]) -> Iterator[Effect]:
        """A shell whose input or output is a socket."""
        program = [item for argument in arguments[:1] for item in (self.values.items(argument) or [argument])[:1]]
        is_shell = any(_SHELLS.search(text.partition(" ")[0]) for item in program for text in self.values.texts(item))
        streams = [keyword.value for keyword in node.keywords if keyword.arg in ("stdin", "stdout", "stderr")]
        if is_shell and any("network" in self.values.taints(stream) for stream in streams):
            yield Effect("B7", "connects a shell to a socket")

    def process(self, node: ast.Call, name: str) -> Iterator[Effect]:
        numbers = [number for argument in node.args[:1] for number in self.values.numbers(argument)]
        if name in ("os.kill", "os.killpg"):
            yield Effect("B8" if any(number in (1, -1) for number in numbers) else "A7", "kills processes")
        elif name in ("os.chmod", "os.fchmod") or name.endswith(".chmod"):
            modes = [n for argument in node.args for n in self.values.numbers(argument)]
            yield Effect("B10" if any(mode & 0o6000 for mode in modes) else "A4", "changes permissions")
        elif name in ("os.setuid", "os.setgid", "os.chown", "shutil.chown", "os.chroot", "os.mount"):
            yield Effect("A7", f"calls {name}")
        elif name in ("os.getenv", "os.environ.get") and self.values.is_secret_name(node.args[:1]):
            yield Effect("A5", "reads a secret from the environment")

    # -- files ------------------------------------------------------------------------------------------

    def opened(self, node: ast.Call) -> Iterator[Effect]:
        """``open(path, mode)``: by default it reads."""
        mode = next((keyword.value for keyword in node.keywords if keyword.arg == "mode"), None)
        mode = mode or (node.args[1] if len(node.args) > 1 else None)
        texts = self.values.texts(mode) if mode is not None else ["r"]
        for path in self.values.paths(node.args[0]) if node.args else ():
            if not texts or any(set(text) & set("wax+") for text in texts):
                yield zones.write_effect(path, self.place, self.policy)
            if not texts or any("r" in text or "+" in text for text in texts):
                yield zones.read_effect(path, self.place, self.policy)

    def removed_tree(self, node: ast.Call) -> Iterator[Effect]:
        yield from self.removed(node, recursive=True)

    def removed_file(self, node: ast.Call) -> Iterator[Effect]:
        yield from self.removed(node, recursive=False)

    def removed(self, node: ast.Call, *, recursive: bool) -> Iterator[Effect]:
        arguments = node.args[:1] or [keyword.value for keyword in node.keywords if keyword.arg == "path"]
        paths = [path for argument in arguments for path in self.values.paths(argument)]
        for path in paths:
            yield zones.delete_effect(path, self.place, self.policy, recursive=recursive)
        if not paths:
            yield Effect("A1", "deletes files that are not known")

    def moved(self, node: ast.Call) -> Iterator[Effect]:
        for argument in node.args[:1]:
            for path in self.values.paths(argument):
                gone = zones.delete_effect(path, self.place, self.policy, recursive=True)
                yield gone if gone.rule[0] == "B" else zones.write_effect(path, self.place, self.policy)
        for argument in node.args[1:2]:
            for path in self.values.paths(argument):
                yield zones.write_effect(path, self.place, self.policy)

    def copied(self, node: ast.Call) -> Iterator[Effect]:
        for argument in node.args[:1]:
            for path in self.values.paths(argument):
                yield zones.read_effect(path, self.place, self.policy)
        for argument in node.args[1:2]:
            for path in self.values.paths(argument):
                yield zones.write_effect(path, self.place, self.policy)

    def path_method(self, node: ast.Call, method: str, paths: list[str]) -> Iterator[Effect]:
        for path in paths:
            deed = _PATH_METHODS[method]
            if deed == "read":
                yield zones.read_effect(path, self.place, self.policy)
            elif deed == "write":
                yield zones.write_effect(path, self.place, self.policy)
            else:
                effect = zones.delete_effect(path, self.place, self.policy, recursive=deed == "move")
                yield effect
        if method in ("rename", "replace", "symlink_to"):
            for argument in node.args[:1]:
                for path in self.values.paths(argument):
                    yield zones.write_effect(path, self.place, self.policy)


def _names_metadata(value: object) -> bool:
    return isinstance(value, str) and "://" in value[:12] and asks_metadata(value)


_ON_FILES: Final[dict[str, Callable[[_Reading, ast.Call], Iterator[Effect]]]] = {
    **dict.fromkeys(("open", "io.open", "os.open", "codecs.open", "builtins.open"), _Reading.opened),
    "shutil.rmtree": _Reading.removed_tree,
    **dict.fromkeys(_DELETES, _Reading.removed_file),
    **dict.fromkeys(_MOVES, _Reading.moved),
    **dict.fromkeys(_COPIES, _Reading.copied),
}
