"""The functions, classes and parameters of a file, as the modules of this room ask for them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from typing import Final

from claude_orchestrator.graders.integrity.tampering.canonical import Function, dotted
from claude_orchestrator.graders.parsing import parsed

_OF_PYTHON: Final = frozenset(
    {"object", "dict", "list", "set", "str", "int", "float", "tuple", "bytes", "Exception", "ValueError", "Generic",
     "MutableSet", "Set", "MutableMapping", "Mapping", "MutableSequence", "Sequence", "Iterable", "Iterator",
     "Hashable", "Collection", "Container", "Sized", "OrderedDict", "defaultdict", "UserDict", "UserList", "Thread"}
)  # fmt: skip
FunctionNode = ast.FunctionDef | ast.AsyncFunctionDef


def functions_of(content: bytes) -> list[FunctionNode]:
    """The functions at the top of a file."""
    tree = parsed(content)
    return [node for node in tree.body if isinstance(node, Function)] if tree else []


def classes_of(content: bytes) -> list[ast.ClassDef]:
    """The classes at the top of a file."""
    tree = parsed(content)
    return [node for node in tree.body if isinstance(node, ast.ClassDef)] if tree else []


def methods_of(content: bytes, classes: Collection[str] | None = None) -> list[FunctionNode]:
    """The methods of classes that inherit nothing, and so owe it to nobody to have them; of ``classes`` only."""
    return [
        node
        for owner in classes_of(content)
        if not (owner.bases or owner.keywords) and (classes is None or owner.name in classes)
        for node in owner.body
        if isinstance(node, Function)
    ]


def by_place(content: bytes) -> Iterator[tuple[str, FunctionNode]]:
    """Functions and the methods of all classes, by their dotted names: many classes have a ``run``, each its own."""
    yield from ((node.name, node) for node in functions_of(content))
    for owner in classes_of(content):
        yield from ((f"{owner.name}.{node.name}", node) for node in owner.body if isinstance(node, Function))


def is_owed(content: bytes, name: str) -> bool:
    """Whether the function of that dotted name is a method that what its class inherits from may ask for as it is.

    What Python itself brings asks for no parameters that it does not know.
    """
    owner = name.rpartition(".")[0]
    return any(
        one.name == owner and (one.keywords or any(_plain_name(base) not in _OF_PYTHON for base in one.bases))
        for one in classes_of(content)
        if owner
    )


def is_overridden(files: Iterable[bytes], name: str) -> bool:
    """Whether another class has a method of its own in the place of that one, and may use what it is given."""
    owner, _, method = name.rpartition(".")
    return bool(owner) and any(
        owner in map(_plain_name, one.bases)
        and any(isinstance(part, Function) and part.name == method for part in one.body)
        for content in files
        for one in classes_of(content)
    )


def _plain_name(base: ast.expr) -> str:
    return dotted(base.value if isinstance(base, ast.Subscript) else base).rpartition(".")[2]


def given_to(node: FunctionNode) -> list[str]:
    """The names of the parameters, without those that take all the rest."""
    return [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def names_in(node: ast.AST) -> set[str]:
    """The names in some code."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
