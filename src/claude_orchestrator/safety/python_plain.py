"""Python that only computes and prints (rule S9): everything in it stands on a list, or it does not qualify."""

from __future__ import annotations

import ast
import builtins
import re
from typing import Final

from claude_orchestrator.safety.python_tree import nodes

_PUBLIC: Final = None
"""A module without anything but functions and numbers: every name without an underscore."""

_MODULES: Final[dict[str, frozenset[str] | None]] = {
    "math": _PUBLIC,
    "itertools": _PUBLIC,
    "json": frozenset("load loads dump dumps JSONDecodeError JSONEncoder JSONDecoder".split()),
    "sys": frozenset(
        "argv stdin stdout stderr version version_info platform maxsize byteorder executable exit getsizeof"
        " implementation hexversion float_info int_info maxunicode prefix base_prefix builtin_module_names"
        " stdlib_module_names path getdefaultencoding getfilesystemencoding getrecursionlimit flags api_version"
        " copyright".split()
    ),
    "re": frozenset(
        "compile match search fullmatch findall finditer sub subn split escape error Match Pattern A ASCII I"
        " IGNORECASE L M MULTILINE S DOTALL U UNICODE X VERBOSE".split()
    ),
    "datetime": frozenset("datetime date time timedelta timezone tzinfo UTC MINYEAR MAXYEAR".split()),
    "platform": frozenset(
        "python_version python_version_tuple python_implementation python_compiler python_build platform system"
        " machine node release version processor uname architecture".split()
    ),
    "textwrap": frozenset("dedent indent wrap fill shorten TextWrapper".split()),
    "collections": frozenset("Counter defaultdict OrderedDict deque namedtuple ChainMap".split()),
    "collections.abc": _PUBLIC,
    "statistics": frozenset(
        "mean fmean geometric_mean harmonic_mean median median_low median_high median_grouped mode multimode"
        " quantiles stdev pstdev variance pvariance correlation covariance linear_regression NormalDist"
        " StatisticsError".split()
    ),
    "string": frozenset(
        "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits punctuation printable whitespace"
        " capwords".split()
    ),
    "importlib.metadata": frozenset(
        "version metadata requires distribution distributions PackageNotFoundError".split()
    ),
}
_BUILTINS: Final = frozenset(
    "print len range str int float bool complex list dict set frozenset tuple bytes bytearray sorted sum min"
    " max abs round enumerate zip map filter any all repr ascii chr ord hex bin oct isinstance issubclass"
    " callable type hash id divmod pow reversed iter next slice format object super property staticmethod"
    " classmethod input exit quit __name__ NotImplemented Ellipsis BaseException Exception ArithmeticError"
    " AssertionError AttributeError EOFError IndexError KeyError KeyboardInterrupt LookupError NameError"
    " NotImplementedError OverflowError RecursionError RuntimeError StopIteration SystemExit TypeError"
    " UnicodeDecodeError UnicodeEncodeError UnicodeError ValueError ZeroDivisionError OSError".split()
)
_ATTRIBUTES: Final = frozenset(
    name
    for kind in (str, bytes, bytearray, list, dict, set, frozenset, tuple, int, float, complex)
    for name in dir(kind)
    if not name.startswith("_")
) - {"format", "format_map"} | frozenset(
    # texts and streams
    "read readline readlines write writelines flush buffer isatty encoding"
    # matches and patterns
    " group groups groupdict span start end expand pos endpos lastindex lastgroup match search fullmatch findall"
    " finditer sub subn split pattern flags"
    # dates
    " year month day hour minute second microsecond days seconds microseconds today now utcnow fromisoformat"
    " isoformat strftime strptime timestamp fromtimestamp utcfromtimestamp date time timetuple weekday"
    " isoweekday isocalendar combine astimezone total_seconds utc tzinfo toordinal fromordinal ctime"
    # collections
    " most_common elements subtract total appendleft popleft extendleft rotate maxlen move_to_end from_iterable maps"
    # versions and systems
    " major minor micro releaselevel serial name version metadata requires machine max min epsilon dig cache_tag"
    " args msg lineno colno".split()
)
_INSIDE: Final = ("_", "f_", "gi_", "cr_", "ag_", "tb_", "co_")
"""Beginnings of the attributes that lead into the interpreter: frames, code, tracebacks, everything private."""
_OTHER_BUILTINS: Final = frozenset(dir(builtins)) - _BUILTINS
_CHANGES: Final = frozenset("insert append extend remove pop clear reverse sort".split())
_REACHING: Final = frozenset(
    # from streams, packages and modules to files, paths and other modules
    (
        "raw detach reconfigure open close modules import_module reload machinery resources util abc readers"
        " simple load entry_points select files locate locate_file read_text read_bytes write_text write_bytes at"
        " discover from_name origin dist metadata_path parent parents joinpath with_name with_suffix with_stem home"
        " cwd expanduser resolve absolute unlink rmdir rename replace mkdir touch chmod lchmod symlink_to"
        " hardlink_to iterdir glob rglob walk stat lstat readlink owner group samefile exists is_file is_dir"
        " get_data get_code get_source exec_module load_module find_spec find_module system popen get_payload mro"
        " func"
    ).split()
)
"""Attributes that are no attributes of the program's own classes, even if one of these is given such a name."""
_REACHING_FIELD: Final = re.compile(r"\{[^{}:!]*[.\[]")


class _Names:
    """What the names of one program are."""

    __slots__ = ("ambiguous", "modules", "own", "owned", "uses_path")

    def __init__(self) -> None:
        self.modules: dict[str, str] = {}
        """Name → module, empty for a member of one."""
        self.ambiguous = False
        """Whether one name is given to two modules."""
        self.own: set[str] = set()
        """Names that the program gives values to."""
        self.owned: set[str] = set()
        """Attributes that it gives to objects of its own classes."""
        self.uses_path = False
        """Whether it touches ``sys.path``: then nothing may be changed in place."""

    def look(self, program: list[ast.AST]) -> None:
        """Find all names but those of modules."""
        self.own = {name for node in program if node.__class__ in _BINDING for name in _bound(node)}
        self.owned = {name for node in program if node.__class__ in _OWNING for name in _attributes(node)} - _REACHING
        self.uses_path = any(node.__class__ is ast.Attribute and node.attr == "path" for node in program)


def is_plain(program: list[ast.AST]) -> bool:
    """Whether a program, given as all its nodes, imports, names and touches nothing but what is on the lists above."""
    names = _Names()
    bases = set()
    for node in program:
        if isinstance(node, ast.Import) and not _import(node, names):
            return False
        if isinstance(node, ast.ImportFrom) and not _import_from(node, names):
            return False
        if isinstance(node, ast.Attribute):
            bases.add(id(node.value))
    names.look(program)
    own = names.own - {"__init__"}
    if names.ambiguous or any(
        name in names.modules or name in _OTHER_BUILTINS or name.startswith("__") for name in own
    ):
        # `math = sys` would make everything of one module look like that of another, and a parameter named `open`
        # somewhere does not make `open` elsewhere anything but the built-in.
        return False
    for node in program:
        if isinstance(node, ast.Name) and id(node) not in bases and _is_module(node.id, names.modules):
            return False  # a module that is handed on can be reached by any name
        if not _fits(node, names):
            return False
    return True


def _attributes(node: ast.AST) -> list[str]:
    """The attributes that a node gives to objects: ``self.x = …``, and what stands in the body of a class."""
    if isinstance(node, ast.Attribute) and not isinstance(node.ctx, ast.Load):
        return [node.attr]
    if isinstance(node, ast.ClassDef):
        return [name for inner in node.body for name in _bound_in(inner)]
    return []


_OWNING: Final = (ast.Attribute, ast.ClassDef)
_BINDING: Final = frozenset(
    (
        *(ast.Name, ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.arg),
        *(ast.MatchAs, ast.MatchStar, ast.ExceptHandler, ast.MatchMapping),
    )
)


def _bound_in(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        return [name for inner in nodes(node) for name in _bound(inner)]
    return _bound(node)


def _bound(node: ast.AST) -> list[str]:
    """The names that a node binds to a value of the program's own."""
    if isinstance(node, ast.Name) and isinstance(node.ctx, (ast.Store, ast.Del)):
        return [node.id]
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, ast.arg):
        return [node.arg]
    if isinstance(node, (ast.MatchAs, ast.MatchStar, ast.ExceptHandler)) and node.name:
        return [node.name]
    return [node.rest] if isinstance(node, ast.MatchMapping) and node.rest else []


def _is_module(name: str, modules: dict[str, str]) -> bool:
    return bool(modules.get(name)) or any(module.startswith(name + ".") for module in modules)


def _names_module(names: _Names, name: str, module: str) -> None:
    names.ambiguous = names.ambiguous or names.modules.get(name, module) != module
    names.modules[name] = module


def _import(node: ast.Import, names: _Names) -> bool:
    for alias in node.names:
        if alias.name not in _MODULES:
            return False
        _names_module(names, alias.asname or alias.name, alias.name)
    return True


def _import_from(node: ast.ImportFrom, names: _Names) -> bool:
    """``from json import loads``: what is taken must be on the list; it is a name of the program from then on."""
    if node.level or node.module is None:
        return False
    for alias in node.names:
        whole = f"{node.module}.{alias.name}"
        if whole == "sys.path":
            return False
        if whole in _MODULES:
            _names_module(names, alias.asname or alias.name, whole)
        elif node.module not in _MODULES or not _listed(node.module, alias.name):
            return False
        else:
            _names_module(names, alias.asname or alias.name, "")
    return True


def _listed(module: str, name: str) -> bool:
    names = _MODULES[module]
    return not name.startswith("_") and name != "*" and (names is None or name in names)


def _fits(node: ast.AST, names: _Names) -> bool:
    if isinstance(node, ast.Name):
        known = node.id in names.own or node.id in _BUILTINS or node.id in names.modules
        known = known or any(name.startswith(node.id + ".") for name in names.modules)
        return known or not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Attribute):
        return not node.attr.startswith(_INSIDE) and _attribute_fits(node, names)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return not node.name.startswith("__") or node.name == "__init__"
    if isinstance(node, ast.MatchClass):
        return not node.kwd_attrs  # `case object(__class__=c)` is an attribute, too
    if isinstance(node, ast.Subscript):
        return isinstance(node.ctx, ast.Load) or not names.uses_path
    return not (isinstance(node, ast.AugAssign) and names.uses_path)


def _attribute_fits(node: ast.Attribute, names: _Names) -> bool:
    if not isinstance(node.ctx, ast.Load):
        # Only of the program's own objects (`self.x = 1`), never of a module.
        return isinstance(node.value, ast.Name) and node.value.id == "self"
    dotted = _dotted(node)
    for name, module in names.modules.items():
        if dotted == name or name.startswith(dotted + "."):
            return True
        if module and dotted.startswith(name + ".") and "." not in dotted[len(name) + 1 :]:
            return _listed(module, dotted[len(name) + 1 :])
    if node.attr in ("format", "format_map"):
        text = node.value.value if isinstance(node.value, ast.Constant) else None
        return isinstance(text, str) and not _REACHING_FIELD.search(text)
    if names.uses_path and node.attr in _CHANGES:
        return False
    # `importlib.x` after `import importlib.metadata` is no attribute of the program's own.
    return node.attr in _ATTRIBUTES or (
        node.attr in names.owned and not _is_module(dotted.rpartition(".")[0], names.modules)
    )


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` for a chain of names, with a marker in front for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "?")
    return ".".join(reversed(parts))
