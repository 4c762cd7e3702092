"""Functions that a change gave answers to literal questions, or a constant in place of what they did."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from claude_orchestrator.graders.integrity.answers.answers import Reader, constant_of
from claude_orchestrator.graders.integrity.answers.literals import MISSING, Value, literals_in
from claude_orchestrator.graders.integrity.answers.questions import Function
from claude_orchestrator.graders.integrity.answers.tables import Answer
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.suite.behaviour import changed_units


@dataclass
class Suspect:
    """A function with new answers to literal questions, or with nothing but a constant where it was more.

    ``computes``: it works something out as well; ``computed``: it did so before. ``known`` counts the answers that the
    base has there. ``fallbacks`` are constants that it returns when something went wrong.
    """

    path: str
    name: str
    line: int
    answers: list[Answer] = field(default_factory=list)
    known: int = 0
    computes: bool = False
    computed: bool = False
    is_stub: bool = False
    is_new: bool = False
    constant: Value = MISSING
    otherwise: frozenset[Value] = frozenset()
    fallbacks: list[tuple[Value, int]] = field(default_factory=list)


def suspects_in(base: Mapping[str, bytes], head: Mapping[str, bytes], old_names: Mapping[str, str]) -> list[Suspect]:
    """The functions of ``head`` that got answers which ``base`` did not have."""
    before = {path: content for path, content in base.items() if parsed(content) is not None}
    after = {path: content for path, content in head.items() if parsed(content) is not None}
    changed: dict[str, set[int]] = {}
    for unit in changed_units(before, after, old_names) or []:
        lines = changed.setdefault(unit.path, {unit.line})
        lines.update(line for first, last in unit.statements for line in range(first, last + 1))
        if unit.is_function:
            lines.add(unit.line)
    found = []
    known: set[tuple[object, object]] | None = None
    for path, lines in changed.items():
        old = _functions(before.get(old_names.get(path, path), b""))
        for name, function, tables in _functions(after[path]).values():
            suspect = _suspect(path, name, function, tables, lines, old.get(name))
            if suspect is None:
                continue
            if known is None:
                known = {
                    (answer.inputs, answer.outputs)
                    for content in before.values()
                    for _, one, their in _functions(content).values()
                    for answer in Reader(one, their).answers()
                }
            suspect.answers = [one for one in suspect.answers if (one.inputs, one.outputs) not in known]
            if suspect.answers or suspect.constant != MISSING or suspect.fallbacks:
                found.append(suspect)
    return found


_Found = tuple[str, Function, dict[str, ast.expr]]


def _suspect(
    path: str, name: str, function: Function, tables: dict[str, ast.expr], lines: set[int], old: _Found | None
) -> Suspect | None:
    own = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    mentioned = {node.id for node in ast.walk(function) if isinstance(node, ast.Name)}
    mentioned |= {node.attr for node in ast.walk(function) if isinstance(node, ast.Attribute)}
    seen = {key: table for key, table in tables.items() if key in mentioned}
    is_touched = not lines.isdisjoint(own)
    if not is_touched and all(lines.isdisjoint(_span(table)) for table in seen.values()):
        return None
    reader = Reader(function, seen)
    answers = [one for one in reader.answers() if _is_fresh(one, function, lines)]
    suspect = Suspect(path, name, function.lineno, list(dict.fromkeys(answers)), computes=reader.computes())
    suspect.otherwise = frozenset(reader.otherwise())
    suspect.is_new = old is None
    if old is not None:
        before = Reader(old[1], old[2])
        said = literals_in(old[1])
        suspect.answers = [one for one in suspect.answers if not (one.inputs | one.outputs) <= said]
        suspect.computed = before.computes()
        suspect.known = len({one.inputs for one in before.answers()})
        suspect.is_stub = _is_stub(old[1])
    if is_touched:
        used = bool(reader.asked.parameters & {node.id for node in ast.walk(function) if isinstance(node, ast.Name)})
        became = old is None or constant_of(old[1]) == MISSING
        suspect.constant = constant_of(function) if became and reader.asked.parameters and not used else MISSING
        suspect.fallbacks = [one for one in _fallbacks(function) if one[1] in lines]
    return suspect if suspect.answers or suspect.constant != MISSING or suspect.fallbacks else None


def _is_fresh(answer: Answer, function: Function, lines: set[int]) -> bool:
    """Whether any line of an answer is new: its own, or the next one, where a branch says what it says."""
    own = range(function.lineno, (function.end_lineno or function.lineno) + 1)
    return answer.line in lines or (not answer.is_table and answer.line in own and answer.line + 1 in lines)


def _span(node: ast.expr) -> range:
    return range(node.lineno, (node.end_lineno or node.lineno) + 1)


def _functions(content: bytes) -> dict[str, _Found]:
    """The functions of a file by dotted name, with the tables that each can see."""
    tree = parsed(content) if content else None
    found: dict[str, _Found] = {}

    def visit(body: Iterable[ast.stmt], prefix: str, tables: dict[str, ast.expr]) -> None:
        nodes = [one for node in body for one in (_inside(node) if isinstance(node, ast.If | ast.Try) else [node])]
        tables = {**tables, **_tables(nodes)}
        for node in nodes:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                found[f"{prefix}{node.name}"] = (f"{prefix}{node.name}", node, tables)
            elif isinstance(node, ast.ClassDef):
                visit(node.body, f"{prefix}{node.name}.", tables)
            else:
                for name, one in _lambdas(node):
                    found[f"{prefix}{name}"] = (f"{prefix}{name}", one, tables)

    visit(tree.body if tree else [], "", {})
    return found


def _lambdas(node: ast.stmt) -> Iterator[tuple[str, Function]]:
    """The functions without a name that a statement gives one, by itself or as a key of a table."""
    pairs: list[tuple[object, ast.expr | None]] = []
    for one in ast.walk(node):
        if isinstance(one, ast.Dict):
            pairs += [(getattr(key, "value", ""), value) for key, value in zip(one.keys, one.values, strict=True)]
        elif isinstance(one, ast.Assign | ast.AnnAssign):
            targets = one.targets if isinstance(one, ast.Assign) else [one.target]
            pairs += [(getattr(target, "id", ""), one.value) for target in targets]
    for name, value in pairs:
        if isinstance(value, ast.Lambda) and isinstance(name, str) and name:
            body: list[ast.stmt] = [ast.copy_location(ast.Return(value.body), value)]
            made = ast.FunctionDef(name, value.args, body, [], lineno=value.lineno, col_offset=value.col_offset)
            made.end_lineno = value.end_lineno
            yield name, made


def _inside(node: ast.If | ast.Try) -> list[ast.stmt]:
    return [*node.body, *node.orelse]


def _tables(body: Iterable[ast.stmt]) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for node in body:
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        for target in targets:
            value = getattr(node, "value", None)
            if isinstance(target, ast.Name) and isinstance(value, ast.Dict | ast.List | ast.Tuple | ast.Set | ast.Call):
                found[target.id] = value
            elif isinstance(target, ast.Subscript) and isinstance(target.value, ast.Name) and value is not None:
                table = found.get(target.value.id)
                if isinstance(table, ast.Dict):
                    merged = ast.Dict([*table.keys, target.slice], [*table.values, value])
                    found[target.value.id] = ast.copy_location(merged, node)
    return found


def _is_stub(function: Function) -> bool:
    body = [node for node in function.body if not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant))]
    return all(isinstance(node, ast.Pass | ast.Raise) for node in body)


def _fallbacks(function: Function) -> Iterator[tuple[Value, int]]:
    for node in ast.walk(function):
        if isinstance(node, ast.ExceptHandler):
            broad = node.type is None or getattr(node.type, "id", "") in ("Exception", "BaseException")
            for one in node.body if broad else ():
                if isinstance(one, ast.Return) and one.value is not None:
                    yield from ((value, one.lineno) for value in literals_in(one.value))
