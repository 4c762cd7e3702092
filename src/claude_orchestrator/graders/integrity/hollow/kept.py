"""What only keeps what it is given, and errors that are new, where nothing in the code asks for them."""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.hollow.definitions import FunctionNode, by_place, classes_of, given_to
from claude_orchestrator.graders.integrity.tampering.canonical import dotted, without_docstring
from claude_orchestrator.graders.parsing import parsed

_WHOLE: Final = (b"vars(", b"__dict__", b"asdict(", b"__slots__", b"__getstate__")
"""By which code takes all attributes of an object at once."""
_ERROR: Final = re.compile(r"(?:Error|Exception|Warning)$")


@dataclass(frozen=True)
class KeptParameter:
    """A new parameter of a constructor that was there, which does nothing with it but to keep it as ``attribute``."""

    path: str
    line: int
    place: str
    name: str
    attribute: str


def kept_parameters(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> list[KeptParameter]:
    """The new parameters that are only kept in an attribute for everybody (a private one is judged by its file)."""
    before = {name: node for content in base.values() for name, node in by_place(content) if "__init__" in name}
    return [
        KeptParameter(path, node.lineno, place, name, attribute)
        for path, content in sorted(head.items())
        if not any(word in content for word in _WHOLE)
        for place, node in by_place(content)
        if place in before
        for name in given_to(node)
        if name not in given_to(before[place]) and (attribute := _only_kept_as(node, name))
    ]


def unread_parameters(kept: Iterable[KeptParameter], sources: Iterable[bytes], tests: Iterable[bytes]) -> list[Finding]:
    """Those whose attribute neither code nor tests read; ``sources`` is all the code there is.

    Tests say the names of parameters for other reasons, so there it has to be read as an attribute.
    """
    texts = list(sources)
    kept = list(kept)
    asked: Counter[str] = Counter()
    for content, in_strings in (*((one, True) for one in texts), *((one, False) for one in tests)):
        if any(one.attribute.encode() in content for one in kept) and (tree := parsed(content)):
            asked += _names_asked([tree], in_strings=in_strings)
    return [
        Finding(
            "special-case/stub", one.path, one.line,
            f"`{one.place.rpartition('.')[0]}` takes {one.name} and keeps it as `{one.attribute}`, "
            "which neither code nor tests read", "review", symbol=one.place,
        )
        for one in kept
        if not asked[one.attribute] and not _is_in_a_template(one.attribute, texts)
    ]  # fmt: skip


def _is_in_a_template(attribute: str, texts: Iterable[bytes]) -> bool:
    """Whether code fills the attribute into a text: ``"{0.title}".format(self)``, ``"%(title)s" % vars(self)``."""
    place = re.compile(rb"[{.(]" + attribute.encode() + rb"\b[^}\n]{0,40}[})]")
    return any(map(place.search, texts))


def _only_kept_as(function: FunctionNode, parameter: str) -> str:
    """The attribute of ``self`` that a parameter is kept as, where nothing else is done with it; or nothing."""
    reads = sum(isinstance(one, ast.Name) and one.id == parameter for one in ast.walk(function))
    for node in function.body:
        match node:
            case ast.Assign(targets=[ast.Attribute(value=ast.Name(id="self"), attr=attribute)], value=value) | (
                ast.AnnAssign(target=ast.Attribute(value=ast.Name(id="self"), attr=attribute), value=value)
            ) if reads == 1 and value is not None and not attribute.startswith("_"):
                plain = value.values[0] if isinstance(value, ast.BoolOp) else value
                if isinstance(plain, ast.Name) and plain.id == parameter:
                    return attribute
    return ""


def kept_findings(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> list[Finding]:
    """One for each new property with a setter whose value nobody else reads, by its name or where it is kept."""
    known = {name for content in base.values() for name, _ in by_place(content)}
    found = []
    asked: Counter[str] | None = None
    for path, content in sorted(head.items()):
        for name, getter, kept in _properties(content):
            if name in known:
                continue
            asked = asked if asked is not None else _asked_for(head)
            own = _names_asked([getter])
            short = name.rpartition(".")[2]
            if asked[kept] <= own[kept] and asked[short] <= own[short]:
                message = f"`{name}` is new and keeps what it is given, and no code asks for it"
                found.append(Finding("special-case/stub", path, getter.lineno, message, "review", symbol=name))
    return [*found, *_never_raised(base, head)]


def _never_raised(base: Mapping[str, bytes], head: Mapping[str, bytes]) -> list[Finding]:
    """One for each new error that no touched file mentions but to offer it: others cannot know it."""
    known = {node.name for content in base.values() for node in classes_of(content)}
    new = [
        (path, node)
        for path, content in sorted(head.items())
        for node in classes_of(content)
        if node.name not in known and any(_ERROR.search(dotted(one)) for one in node.bases)
    ]
    if not new:
        return []
    used = {
        one.id if isinstance(one, ast.Name) else one.attr
        for content in head.values()
        if (tree := parsed(content))
        for one in ast.walk(tree)
        if isinstance(one, ast.Name | ast.Attribute)
    }
    return [
        Finding(
            "special-case/stub", path, node.lineno, f"`{node.name}` is a new error, and no code raises it", "review"
        )
        for path, node in new
        if node.name not in used
    ]


def _properties(content: bytes) -> Iterator[tuple[str, FunctionNode, str]]:
    """The properties of a file that can be set and only give back what is kept: name, getter, attribute."""
    if b".setter" not in content:
        return
    getters, settable = {}, set()
    tree = parsed(content)
    owners = [node for node in ast.walk(tree) if isinstance(node, ast.ClassDef)] if tree else []
    for owner in owners:
        for node in (one for one in owner.body if isinstance(one, ast.FunctionDef)):
            place = f"{owner.name}.{node.name}"
            marks = [dotted(one) for one in node.decorator_list]
            if marks == ["property"] and (kept := _kept_by(node)):
                getters[place] = (node, kept)
            elif marks == [f"{node.name}.setter"]:
                settable.add(place)
    for place in sorted(getters.keys() & settable):
        yield place, *getters[place]


def _kept_by(getter: FunctionNode) -> str:
    """The attribute that a getter gives back as it is, or nothing."""
    match without_docstring(getter.body):
        case [ast.Return(value=ast.Attribute(value=ast.Name(id="self"), attr=attribute))]:
            return attribute
        case [
            ast.Return(
                value=ast.Call(func=ast.Name(id="getattr"), args=[_, ast.Constant(value=str() as attribute), *_])
            )
        ]:
            return attribute
    return ""


def _asked_for(head: Mapping[str, bytes]) -> Counter[str]:
    return _names_asked([tree for content in head.values() if (tree := parsed(content))])


def _names_asked(nodes: list[ast.Module] | list[FunctionNode], *, in_strings: bool = True) -> Counter[str]:
    """How often each attribute is read, and (``in_strings``) each name is said by a string, in some code."""
    found: Counter[str] = Counter()
    for top in nodes:
        for node in ast.walk(top):
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Load):
                found[node.attr] += 1
            elif in_strings and isinstance(node, ast.Constant) and isinstance(node.value, str):
                found[node.value] += 1
    return found
