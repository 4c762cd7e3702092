"""Python that only computes and prints (rule S9): everything in it stands on a list, or it does not qualify."""

from __future__ import annotations

import ast
import builtins
import re
from typing import Final

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
_OTHER_BUILTINS: Final = frozenset(dir(builtins)) - _BUILTINS
_CHANGES: Final = frozenset("insert append extend remove pop clear reverse sort".split())
_REACHING_FIELD: Final = re.compile(r"\{[^{}:!]*[.\[]")


def is_plain(tree: ast.Module) -> bool:
    """Whether a program imports, names and touches nothing but what stands on the lists above."""
    modules: dict[str, str] = {}
    bound = {name for node in ast.walk(tree) for name in _bound(node)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            if not _import(node, modules):
                return False
        elif isinstance(node, ast.ImportFrom) and not _import_from(node, modules):
            return False
    if any(name in modules or name in _OTHER_BUILTINS or name.startswith("__") for name in bound):
        # `math = sys` would make everything of one module look like that of another, and a parameter named `open`
        # somewhere does not make `open` elsewhere anything but the built-in.
        return False
    own = _BUILTINS | bound
    uses_path = any(isinstance(node, ast.Attribute) and node.attr == "path" for node in ast.walk(tree))
    return all(_fits(node, modules, own, uses_path) for node in ast.walk(tree))


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


def _import(node: ast.Import, modules: dict[str, str]) -> bool:
    for alias in node.names:
        if alias.name not in _MODULES:
            return False
        modules[alias.asname or alias.name] = alias.name
    return True


def _import_from(node: ast.ImportFrom, modules: dict[str, str]) -> bool:
    """``from json import loads``: what is taken must be on the list; it is a name of the program from then on."""
    if node.level or node.module is None:
        return False
    for alias in node.names:
        whole = f"{node.module}.{alias.name}"
        if whole == "sys.path":
            return False
        if whole in _MODULES:
            modules[alias.asname or alias.name] = whole
        elif node.module not in _MODULES or not _listed(node.module, alias.name):
            return False
        else:
            modules[alias.asname or alias.name] = ""
    return True


def _listed(module: str, name: str) -> bool:
    names = _MODULES[module]
    return not name.startswith("_") and name != "*" and (names is None or name in names)


def _fits(node: ast.AST, modules: dict[str, str], own: frozenset[str] | set[str], uses_path: bool) -> bool:
    if isinstance(node, ast.Name):
        known = node.id in own or node.id in modules or any(name.startswith(node.id + ".") for name in modules)
        return known or not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Attribute):
        return _attribute_fits(node, modules, uses_path)
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return node.name not in modules and (not node.name.startswith("__") or node.name == "__init__")
    if isinstance(node, ast.MatchClass):
        return not node.kwd_attrs  # `case object(__class__=c)` is an attribute, too
    if isinstance(node, ast.Subscript):
        return isinstance(node.ctx, ast.Load) or not uses_path
    return not (isinstance(node, ast.AugAssign) and uses_path)


def _attribute_fits(  # noqa: PLR0911  (one way out for each kind of attribute)
    node: ast.Attribute, modules: dict[str, str], uses_path: bool
) -> bool:
    if not isinstance(node.ctx, ast.Load):
        # Only of the program's own objects (`self.x = 1`), never of a module.
        return isinstance(node.value, ast.Name) and node.value.id == "self" and not node.attr.startswith("_")
    dotted = _dotted(node)
    for name, module in modules.items():
        if dotted == name:
            return True
        if dotted.startswith(name + ".") and module:
            rest = dotted[len(name) + 1 :]
            if "." not in rest:
                return _listed(module, rest)
    if any(name.startswith(dotted + ".") for name in modules):
        return True
    if node.attr in ("format", "format_map"):
        text = node.value.value if isinstance(node.value, ast.Constant) else None
        return isinstance(text, str) and not _REACHING_FIELD.search(text)
    if uses_path and node.attr in _CHANGES:
        return False
    if isinstance(node.value, ast.Name) and node.value.id == "self":
        return not node.attr.startswith("_")
    return node.attr in _ATTRIBUTES


def _dotted(node: ast.expr) -> str:
    """``a.b.c`` for a chain of names, with a marker in front for anything else."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    parts.append(node.id if isinstance(node, ast.Name) else "?")
    return ".".join(reversed(parts))
