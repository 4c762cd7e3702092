"""Which of some lines are run, noted at little cost: on Python 3.12 by ``sys.monitoring``, before that by probes.

This file is used by itself, in the interpreter of the project under test: it imports nothing of
claude_orchestrator and keeps to syntax that Python 3.8 knows.

A probe is an assignment that is put before a statement when its file is imported. Only files with wanted lines are
touched, and only statements on these lines; nothing else gets slower. What Python processes started by the tests run
is not seen: then the result says that it is not complete.
"""

from __future__ import annotations

import ast
import builtins
import importlib.machinery
import os
import sys
import warnings
from typing import Any

_NAME = "claude_orchestrator_reach"
_PROBE = "_claude_orchestrator_reached"
_STARTS = frozenset({"subprocess.Popen", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.forkpty"})
_NOT_PYTHON = frozenset(
    {
        "git",
        "ls",
        "cat",
        "echo",
        "true",
        "false",
        "uname",
        "ldconfig",
        "gcc",
        "cc",
        "objdump",
        "file",
        "ps",
        "stty",
        "tput",
        "lsb_release",
        "which",
        "hostname",
        "id",
        "locale",
        "sleep",
        "ssh-keygen",
        "openssl",
        "tar",
        "dpkg",
        "docker",
        "reg",
        "ver",
        "sw_vers",
        "sysctl",
        "getconf",
        "nproc",
        "hg",
        "svn",
        "diff",
        "date",
        "/sbin/ldconfig",
    }
)
_COMPILERS = ("numba", "jax", "torch", "triton", "taichi", "tensorflow", "cython", "pony", "pyccel", "pythran", "guppy")


_MONITORING: Any = getattr(sys, "monitoring", None)


class Tracer(object):
    """Notes which wanted lines are run, from its start until ``stop``."""

    def __init__(self, checkout: str, wanted: dict[str, list[int]]) -> None:
        root = os.path.realpath(checkout)
        self.wanted = {os.path.join(root, *path.split("/")): (path, frozenset(lines)) for path, lines in wanted.items()}
        self.hit: dict[str, set[int]] = {path: set() for path in wanted}
        self.known: dict[str, str] = {}
        self.why = ""
        self.forged = ""
        self.is_running = True
        self.loaded: set[str] = set()

    def file(self, name: str) -> str:
        """The wanted file that is meant by a name, or nothing."""
        found = self.known.get(name)
        if found is None:
            real = os.path.realpath(name) if name[:1] != "<" else ""
            found = self.known[name] = real if real in self.wanted else ""
        return found

    def audit(self, event: str, arguments: Any) -> None:
        """Take note of processes that may run the project's code out of sight."""
        if event in _STARTS and self.is_running and not self.why and not _is_harmless(event, arguments):
            self.why = "the tests start other processes"

    def start(self) -> None:
        """Begin to note."""
        raise NotImplementedError

    def end(self) -> None:
        """Leave things as they were."""
        raise NotImplementedError

    def stop(self) -> dict[str, Any]:
        """End it, and tell the lines that were run, whether all could be seen, and why not."""
        self.end()
        self.is_running = False
        for module in list(sys.modules.values()):
            name = getattr(module, "__dict__", {}).get("__file__")
            if isinstance(name, str) and self.file(name) and self.file(name) not in self.loaded:
                self.why = self.why or "a changed module was loaded in a way that could not be followed"
        hit = {path: sorted(lines) for path, lines in self.hit.items()}
        self.why = self.why or self.forged
        return {"hit": hit, "complete": not self.why, "why": self.why, "forged": self.forged}


class Monitor(Tracer):
    """By ``sys.monitoring``: each line is reported once, then it costs nothing."""

    tool: int = -1

    def start(self) -> None:
        monitoring = _MONITORING
        for tool in (4, 3, 5, 2, 1, 0):
            if monitoring.get_tool(tool) is None:
                self.tool = tool
                break
        else:
            self.why = "all places for monitoring are taken"
            return
        monitoring.use_tool_id(self.tool, _NAME)
        monitoring.register_callback(self.tool, monitoring.events.PY_START, self.on_start)
        monitoring.register_callback(self.tool, monitoring.events.LINE, self.on_line)
        monitoring.set_events(self.tool, monitoring.events.PY_START)

    def on_start(self, code: Any, offset: int) -> Any:
        """A function (or module) begins: from now on its lines are reported when it is in a wanted file."""
        del offset
        monitoring = _MONITORING
        file = self.file(code.co_filename)
        if file:
            self.loaded.add(file)
            monitoring.set_local_events(self.tool, code, monitoring.events.LINE)
        return monitoring.DISABLE

    def on_line(self, code: Any, line: int) -> Any:
        """A line of a wanted file is run for the first time."""
        path, lines = self.wanted[self.file(code.co_filename)]
        if line in lines:
            self.hit[path].add(line)
        monitoring = _MONITORING
        return monitoring.DISABLE

    def end(self) -> None:
        monitoring = _MONITORING
        if self.tool < 0:
            return
        if monitoring.get_tool(self.tool) != _NAME:
            self.forged = "the monitoring was switched off by somebody"
            return
        if monitoring.get_events(self.tool) != monitoring.events.PY_START:
            self.forged = "the monitoring was changed by somebody"
        monitoring.set_events(self.tool, 0)
        monitoring.free_tool_id(self.tool)


class Probes(Tracer):
    """By assignments that are put before the wanted statements when their file is compiled for an import."""

    def start(self) -> None:
        loader: Any = importlib.machinery.SourceFileLoader
        self.original = loader.source_to_code
        original, tracer = self.original, self

        def source_to_code(loader: Any, data: Any, path: Any, *rest: Any, **more: Any) -> Any:
            file = tracer.file(path) if isinstance(path, str) and isinstance(data, (bytes, str)) else ""
            if file:
                data = tracer.with_probes(data, file) or data
            return original(loader, data, path, *rest, **more)

        self.replacement = source_to_code
        loader.source_to_code = source_to_code
        # An assignment to a place in a list is the cheapest thing that a statement can leave behind.
        self.marks: list[bool] = []
        self.places: list[tuple[str, list[int]]] = []
        self.decoys: list[int] = []
        setattr(builtins, _PROBE, self.marks)

    def with_probes(self, data: Any, file: str) -> Any:
        """The syntax tree with its probes; None when the file is better left alone."""
        path, lines = self.wanted[file]
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                tree = ast.parse(data)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return None
        if any(name.split(".")[0].lower() in _COMPILERS for name in _imported(tree)):
            self.why = self.why or "a changed module is for a compiler that takes no probes"
            return None
        self.loaded.add(file)
        self.put_probes(tree, path, lines)
        return ast.fix_missing_locations(tree)

    def put_probes(self, node: ast.AST, path: str, lines: frozenset[int]) -> None:
        """Put a probe before each statement on a wanted line."""
        for name, value in ast.iter_fields(node):
            if not isinstance(value, list):
                continue
            if name in ("body", "orelse", "finalbody") and value and isinstance(value[0], ast.stmt):
                probed = []
                for child in value:
                    found = lines.intersection(_span(child))
                    if found and not _comes_first(child):
                        # No statement ever sets this one: who sets all of them sets it as well.
                        self.decoys.append(len(self.marks))
                        self.marks.append(False)
                        self.places.append((path, []))
                        probed.append(_probe(child, len(self.marks)))
                        self.marks.append(False)
                        self.places.append((path, sorted(found)))
                    probed.append(child)
                value[:] = probed
            for child in value:
                if isinstance(child, ast.AST):
                    self.put_probes(child, path, lines)

    def end(self) -> None:
        loader: Any = importlib.machinery.SourceFileLoader
        if loader.source_to_code is self.replacement:
            loader.source_to_code = self.original
        if getattr(builtins, _PROBE, None) is not self.marks or len(self.marks) != len(self.places):
            self.forged = "the probes were taken away by somebody"
        elif any(self.marks[number] for number in self.decoys):
            self.forged = "the probes were set by somebody"
        for number, (path, found) in enumerate(self.places):
            if self.marks[number : number + 1] == [True]:
                self.hit[path].update(found)


class Nothing(Tracer):
    """Where there is nothing to trace."""

    def start(self) -> None:
        pass

    def end(self) -> None:
        pass


def start(checkout: str, wanted: dict[str, list[int]]) -> Tracer:
    """Begin to note which of the ``wanted`` lines (by path below ``checkout``) are run. Call it before their import."""
    kind = Nothing if not wanted else Monitor if _MONITORING is not None else Probes
    tracer: Tracer = kind(checkout, wanted)
    if wanted:
        tracer.start()
        sys.addaudithook(tracer.audit)
    return tracer


def _span(node: Any) -> range:
    """The lines of a statement; of one with a block only those before it."""
    last = node.end_lineno or node.lineno
    body = getattr(node, "body", None) or getattr(node, "cases", None)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Try)):
        return range(0)
    if isinstance(body, list) and body:
        first = body[0].lineno if hasattr(body[0], "lineno") else body[0].pattern.lineno
        last = max(node.lineno, first - 1)
    return range(node.lineno, last + 1)


def _comes_first(node: ast.AST) -> bool:
    """Whether a statement has to stay the first one: a docstring, or an import from the future."""
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return True
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def _probe(node: Any, number: int) -> ast.stmt:
    probe = ast.parse("{}[{}] = True".format(_PROBE, number)).body[0]
    for part in ast.walk(probe):
        place: Any = ast.copy_location(part, node)
        if hasattr(part, "end_lineno"):
            place.end_lineno, place.end_col_offset = node.lineno, node.col_offset
    return probe


def _imported(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.append(node.module)
    return found


def _is_harmless(event: str, arguments: Any) -> bool:
    """Whether a process that is started is a well-known program that is not Python."""
    if event != "subprocess.Popen":
        return False
    executable, command = arguments[0], arguments[1]
    first = command if isinstance(command, (str, bytes)) else command[0] if command else executable
    try:
        name = os.path.basename(os.fsdecode(executable or first))
    except TypeError:
        return False
    return name in _NOT_PYTHON
