"""What the names and expressions of a Python program can stand for: modules, texts, paths, and where they came from.

Flow is not followed: everything that a name is ever given counts, which only makes a verdict stricter.
"""

from __future__ import annotations

import ast
import re
from typing import TYPE_CHECKING, Final

from claude_orchestrator.safety import zones
from claude_orchestrator.safety.python_tree import nodes

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from typing import Any

    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.zones import Place

_SECRET_NAME: Final = re.compile(r"(?i)token|secret|password|passwd|api_key|access_key|private_key|credential")
_FETCHES: Final = re.compile(
    r"(?:urllib|requests|httpx|aiohttp|http|urllib3|socket|ftplib|paramiko|pycurl)(?:\..*)?|.*\.(?:urlopen|recv|recvfrom)"
)
_DECODES: Final = re.compile(
    r"(?:base64|binascii|zlib|gzip|bz2|lzma|codecs|quopri|uu|zipfile|tarfile)\..+|(?:bytes|bytearray)\.fromhex|chr"
    r"|(?:bytes|bytearray)|.*\.(?:translate|fromhex|b64decode|decompress|a85decode|b32decode|unhexlify)|reversed"
)
_MOST: Final = 64
_MOST_STEPS: Final = 10_000


class TooMuch(Exception):  # noqa: N818  (no error of the program: it is only long)
    """The program takes too long to be looked through."""


class Values:
    """Looks names and expressions of one program up. Raises TooMuch where that takes too many steps."""

    def __init__(self, program: list[ast.AST], place: Place, policy: Policy) -> None:
        self.place = place
        self.policy = policy
        self.steps = 0
        self.imported: set[str] = set()
        """Every module that is imported, as written."""
        self.modules: dict[str, str] = {}
        """Name → dotted name of what it was imported as."""
        self.given: dict[str, list[ast.expr]] = {}
        """Name → what it is given anywhere."""
        self.looped: dict[str, list[ast.expr]] = {}
        """Name → what it runs through."""
        self.busy: set[str] = set()
        self.elements: set[int] = set()
        """The nodes of which an element, a method or a member is taken: they are not handed on as a whole."""
        for node in program:
            if (learn := _LEARNED.get(node.__class__)) is not None:
                learn(self, node)
        self.downloads = {path for path in self._downloads(program) if path}

    def effort(self, steps: int) -> None:
        """Count work against the bound of a program; raises TooMuch beyond it."""
        self.steps += steps
        if self.steps > _MOST_STEPS:
            raise TooMuch

    def learn_assignment(self, node: ast.Assign) -> None:
        """Remember what a name is given."""
        for target in node.targets:
            self._bind(target, node.value, self.given)

    def learn_value(self, node: ast.AnnAssign | ast.AugAssign | ast.NamedExpr) -> None:
        """Remember what a name is given."""
        if node.value is not None:
            self._bind(node.target, node.value, self.given)

    def learn_loop(self, node: ast.For | ast.AsyncFor | ast.comprehension) -> None:
        """Remember what a name runs through."""
        self._bind(node.target, node.iter, self.looped)

    def learn_with(self, node: ast.withitem) -> None:
        """Remember what a name is given by ``with``."""
        if node.optional_vars is not None:
            self._bind(node.optional_vars, node.context_expr, self.given)

    def learn_call(self, node: ast.Call) -> None:
        """Remember a module that a call imports."""
        if self.name(node.func) in ("__import__", "importlib.import_module") and (module := self.name(node)):
            self.imported.add(module)

    def learn_element(self, node: ast.Subscript) -> None:
        """Remember of what an element is taken."""
        self.elements.update((id(node.value), id(node.slice)))

    def learn_member(self, node: ast.Attribute) -> None:
        """Remember of what a mapping's method is taken."""
        if node.attr in ("get", "setdefault", "update", "pop"):
            self.elements.add(id(node.value))

    def learn_import(self, node: ast.Import | ast.ImportFrom) -> None:
        """Remember what an import makes known."""
        if isinstance(node, ast.ImportFrom):
            self.imported.add(node.module or "")
        for alias in node.names:
            if isinstance(node, ast.ImportFrom):
                self.modules[alias.asname or alias.name] = f"{node.module}.{alias.name}"
                continue
            top = alias.name.partition(".")[0]
            self.imported.add(alias.name)
            self.modules[alias.asname or top] = alias.name if alias.asname else top

    def _bind(self, target: ast.expr, value: ast.expr, into: dict[str, list[ast.expr]]) -> None:
        for node in (target,) if target.__class__ is ast.Name else nodes(target):
            if isinstance(node, ast.Name):
                into.setdefault(node.id, []).append(value)

    # -- names ------------------------------------------------------------------------------------------

    def name(self, node: ast.expr) -> str:
        """The dotted name that an expression stands for (``os.system``), or an empty text."""
        self.effort(1)
        if isinstance(node, ast.Attribute):
            base = self.name(node.value)
            return f"{base}.{node.attr}" if base else f"?.{node.attr}"
        if isinstance(node, ast.Name):
            return self._named(node.id)
        if isinstance(node, ast.Call):
            return self._called(node)
        if isinstance(node, ast.Subscript):
            base = self.name(node.value)
            texts = self.texts(node.slice)
            if base == "sys.modules" and texts:
                return texts[0]
            if base in ("globals", "locals", "vars", "?.__dict__") or base.endswith(".__dict__"):
                return texts[0] if texts else ""
        return ""

    def _named(self, name: str) -> str:
        if name in self.modules:
            return self.modules[name]
        if name in self.given and name not in self.busy:
            self.busy.add(name)
            try:
                for value in self.given[name]:
                    if isinstance(value, (ast.Attribute, ast.Name, ast.Call)) and (found := self.name(value)):
                        return found
            finally:
                self.busy.discard(name)
            return ""
        return name

    def _called(self, node: ast.Call) -> str:
        """What a call gives back, where that is a module or a member of one; else the name of what is called."""
        function = self.name(node.func)
        texts = self.texts(node.args[0]) if node.args else []
        if function in ("__import__", "importlib.import_module", "builtins.__import__") and texts:
            return texts[0]
        if function == "getattr" and len(node.args) > 1:
            base, members = self.name(node.args[0]), self.texts(node.args[1])
            return f"{base}.{members[0]}" if base and members else ""
        return function if function in ("globals", "locals", "vars") else f"{function}()" if function else ""

    # -- texts ------------------------------------------------------------------------------------------

    def texts(self, node: ast.expr | None) -> list[str]:
        """Texts that an expression can be, as far as they are written in the program."""
        if node is None:
            return []
        self.effort(1)
        return list(dict.fromkeys(self._texts(node)))[:_MOST]

    def _texts(self, node: ast.expr) -> Iterator[str]:
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str):
                yield node.value
            elif isinstance(node.value, bytes):
                yield node.value.decode("latin-1")
        elif isinstance(node, ast.Name):
            yield from self._texts_of_name(node.id)
        elif isinstance(node, ast.BinOp) and isinstance(node.op, (ast.Add, ast.Div)):
            joint = "/" if isinstance(node.op, ast.Div) else ""
            rights = self.texts(node.right)
            for left in self.texts(node.left):
                yield from (
                    left + joint + right if not right.startswith("/") or not joint else right for right in rights
                )
        elif isinstance(node, ast.JoinedStr):
            yield from self._joined(node)
        elif isinstance(node, ast.Call):
            yield from self._texts_of_call(node)
        elif isinstance(node, ast.IfExp):
            yield from self.texts(node.body)
            yield from self.texts(node.orelse)
        elif isinstance(node, ast.Subscript) and self.name(node.value) == "os.environ":
            yield from [self.place.home] if "HOME" in self.texts(node.slice) else []

    def _texts_of_name(self, name: str) -> Iterator[str]:
        if name in self.busy:
            return
        self.busy.add(name)
        try:
            for value in self.given.get(name, ()):
                yield from self.texts(value)
            for value in self.looped.get(name, ()):
                items = self.items(value)
                for item in items if items is not None else ():
                    yield from self.texts(item)
                if items is None:
                    yield from self._listed(value)
        finally:
            self.busy.discard(name)

    def _joined(self, node: ast.JoinedStr) -> Iterator[str]:
        whole = [""]
        for part in node.values:
            options = self.texts(part.value if isinstance(part, ast.FormattedValue) else part)
            whole = [left + right for left in whole for right in options][:_MOST]
        yield from whole

    def _texts_of_call(self, node: ast.Call) -> Iterator[str]:
        name = self.name(node.func)
        last = name.rpartition(".")[2]
        first = self.texts(node.args[0]) if node.args else []
        if name in ("os.path.join", "posixpath.join") or last in ("Path", "PurePath", "PosixPath"):
            yield from self._joined_path(first or ([] if node.args else ["."]), node.args[1:])
        elif last in ("expanduser", "expandvars"):
            for text in first or self._receiver(node):
                yield re.sub(r"^(?:~|\$HOME|\$\{HOME\})(?=/|$)", lambda _: self.place.home, text)
        elif name.endswith("Path.home") or (name in ("os.getenv", "os.environ.get") and "HOME" in first):
            yield self.place.home
        elif name in ("os.getcwd", "os.getcwdb") or name.endswith("Path.cwd"):
            yield self.place.cwd
        elif last in ("abspath", "realpath", "normpath", "fspath") or name in ("str", "bytes"):
            yield from first
        elif last in ("resolve", "absolute", "strip", "encode", "decode"):
            yield from self._receiver(node)
        elif last == "join" and isinstance(node.func, ast.Attribute):
            yield from self._joined_words(node.func.value, node.args[:1])

    def _joined_path(self, whole: list[str], more: list[ast.expr]) -> list[str]:
        for argument in more:
            rights = self.texts(argument)
            whole = [right if right.startswith("/") else f"{left}/{right}" for left in whole for right in rights][
                :_MOST
            ]
        return whole

    def _joined_words(self, joint: ast.expr, arguments: list[ast.expr]) -> Iterator[str]:
        items = [item for argument in arguments for item in self.items(argument) or ()]
        words = [next(iter(self.texts(item)), None) for item in items]
        if words and None not in words:
            for text in self.texts(joint):
                yield text.join(word for word in words if word is not None)

    def _receiver(self, node: ast.Call) -> list[str]:
        return self.texts(node.func.value) if isinstance(node.func, ast.Attribute) else []

    def _listed(self, node: ast.expr) -> Iterator[str]:
        """The paths that ``glob`` and listings give: everything there, as a glob."""
        if not isinstance(node, ast.Call):
            return
        name = self.name(node.func)
        first = self.texts(node.args[0]) if node.args else []
        if name in ("glob.glob", "glob.iglob"):
            yield from map(_as_glob, first)
        elif name in ("os.listdir", "os.scandir"):
            yield _as_glob("*")
            yield from (_as_glob(f"{folder}/*") for folder in first or ["."])
        elif name.endswith((".iterdir", ".glob", ".rglob")):
            yield from (_as_glob(f"{folder}/*") for folder in self._receiver(node))

    def items(self, node: ast.expr) -> list[ast.expr] | None:
        """The members of a list that is written out, also through a name or ``.split()``; None for anything else."""
        if isinstance(node, (ast.List, ast.Tuple, ast.Set)):
            return node.elts
        if isinstance(node, ast.Name) and node.id not in self.busy:
            for value in self.given.get(node.id, ()):
                if isinstance(value, (ast.List, ast.Tuple, ast.Set)):
                    return value.elts
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "split":
            texts = self._receiver(node)
            if self.name(node.func) == "shlex.split" and node.args:
                texts = self.texts(node.args[0])
            return [ast.Constant(word) for word in texts[0].split()] if texts else None
        return None

    def paths(self, node: ast.expr) -> list[str]:
        """The paths that an expression can be."""
        return [text for text in self.texts(node) if text and "\0" not in text]

    def numbers(self, node: ast.expr) -> list[int]:
        """The whole numbers that an expression can be."""
        if isinstance(node, ast.Constant) and isinstance(node.value, int):
            return [node.value]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            return [-number for number in self.numbers(node.operand)]
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return [*self.numbers(node.left), *self.numbers(node.right)]
        if isinstance(node, ast.Attribute) and node.attr in ("S_ISUID", "S_ISGID"):
            return [0o4000]
        if isinstance(node, ast.Name):
            return [
                v.value for v in self.given.get(node.id, ()) if isinstance(v, ast.Constant) and isinstance(v.value, int)
            ]
        return []

    # -- where things come from -------------------------------------------------------------------------

    def is_environment(self, node: ast.expr) -> bool:
        """Whether an expression is the whole environment, or a secret variable of it."""
        if isinstance(node, ast.Subscript):
            return self.name(node.value) in ("os.environ", "os.environb") and self.is_secret_name([node.slice])
        return self.name(node) in ("os.environ", "os.environb") and id(node) not in self.elements

    def is_secret_name(self, nodes: list[ast.expr]) -> bool:
        """Whether an expression is the name of a secret variable, or a name that is not known."""
        names = [name for node in nodes for name in self.texts(node)]
        return not names or any(_SECRET_NAME.search(name) for name in names)

    def taints(self, node: ast.expr) -> set[str]:
        """Where the value of an expression can come from: ``network``, ``decoded``, ``secret``."""
        found: set[str] = set()
        below = nodes(node)
        self.effort(len(below))
        for inner in below:
            if isinstance(inner, ast.Call):
                name = self.name(inner.func)
                if _FETCHES.fullmatch(name):
                    found.add("network")
                if _DECODES.fullmatch(name):
                    found.add("decoded")
                if name in ("os.getenv", "os.environ.get") and self.is_secret_name(inner.args[:1]):
                    found.add("secret")
            if isinstance(inner, ast.Slice) and isinstance(inner.step, ast.UnaryOp):
                found.add("decoded")
            if isinstance(inner, (ast.Attribute, ast.Subscript)) and self.is_environment(inner):
                found.add("secret")
            if isinstance(inner, (ast.Constant, ast.Call, ast.BinOp)) and self._is_secret_file(inner):
                found.add("secret")
            if isinstance(inner, ast.Name) and inner.id not in self.busy:
                self.busy.add(inner.id)
                try:
                    for value in (*self.given.get(inner.id, ()), *self.looped.get(inner.id, ())):
                        found |= self.taints(value)
                finally:
                    self.busy.discard(inner.id)
        return found

    def _is_secret_file(self, node: ast.expr) -> bool:
        """Whether an expression is the path of a secret file (one that may not be read even inside the workspace)."""
        for path in self.texts(node):
            if 1 < len(path) < 200 and "\n" not in path and "://" not in path:
                name = path.rstrip("/")
                inside = f"{self.place.workspace}/{name.rpartition('/')[2]}"
                if zones.read_effect(inside, self.place, self.policy).rule == "A5":
                    return True
                whole = name if name.startswith("/") else f"/{name}"
                if "/." in whole and zones.secret(whole, self.policy):
                    return True
        return False

    # -- downloads --------------------------------------------------------------------------------------

    def was_downloaded(self, text: str) -> bool:
        """Whether a command names a file that the program has downloaded."""
        return any(path in text.split() or text == path for path in self.downloads)

    def _downloads(self, program: list[ast.AST]) -> Iterator[str]:
        for node in program:
            if not isinstance(node, ast.Call):
                continue
            name = self.name(node.func)
            if name.endswith("urlretrieve") and len(node.args) > 1:
                yield from self.texts(node.args[1])
                continue
            writes = name.endswith(("write", "write_bytes", "write_text")) and isinstance(node.func, ast.Attribute)
            if writes and node.args and "network" in self.taints(node.args[0]):
                yield from self._opened(node.func.value)  # type: ignore[attr-defined]

    def _opened(self, node: ast.expr) -> Iterator[str]:
        """The paths of an open file or a path object."""
        yield from self.texts(node)
        if isinstance(node, ast.Call) and self.name(node.func) in ("open", "io.open") and node.args:
            yield from self.texts(node.args[0])
        elif isinstance(node, ast.Name):
            for value in self.given.get(node.id, ()):
                if not isinstance(value, ast.Name):
                    yield from self._opened(value)


_LEARNED: Final[dict[type, Callable[[Values, Any], None]]] = {
    ast.Import: Values.learn_import,
    ast.ImportFrom: Values.learn_import,
    ast.Assign: Values.learn_assignment,
    ast.AnnAssign: Values.learn_value,
    ast.AugAssign: Values.learn_value,
    ast.NamedExpr: Values.learn_value,
    ast.For: Values.learn_loop,
    ast.AsyncFor: Values.learn_loop,
    ast.comprehension: Values.learn_loop,
    ast.withitem: Values.learn_with,
    ast.Call: Values.learn_call,
    ast.Subscript: Values.learn_element,
    ast.Attribute: Values.learn_member,
}


def _as_glob(pattern: str) -> str:
    """A glob of Python's as a value of ours."""
    from claude_orchestrator.safety.values import ONE, STAR

    return pattern.replace("**", "*").replace("*", STAR).replace("?", ONE)
