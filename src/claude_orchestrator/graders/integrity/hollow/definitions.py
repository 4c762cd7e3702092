"""The functions, classes and parameters of a file, as the modules of this room ask for them."""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator

from claude_orchestrator.graders.integrity.tampering.canonical import Function
from claude_orchestrator.graders.parsing import parsed

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
    """Whether the function of that dotted name is a method that what its class inherits from may ask for as it is."""
    owner = name.rpartition(".")[0]
    return any(one.name == owner and (one.bases or one.keywords) for one in classes_of(content)) if owner else False


def given_to(node: FunctionNode) -> list[str]:
    """The names of the parameters, without those that take all the rest."""
    return [one.arg for one in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs)]


def names_in(node: ast.AST) -> set[str]:
    """The names in some code."""
    return {one.id for one in ast.walk(node) if isinstance(one, ast.Name)}
