"""Files that the report says were created, changed, removed or left alone, against what git shows."""

from __future__ import annotations

import ast
import difflib
from collections.abc import Callable, Iterable, Iterator

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.bindings import summary
from claude_orchestrator.graders.semantics.mentions import Mention
from claude_orchestrator.graders.semantics.sides import Sides
from claude_orchestrator.graders.semantics.statements import Claim

_SHOWN = 160


def findings(mentioned: Iterable[Mention], sides: Sides) -> list[Finding]:
    """What is said of files and git does not show."""
    found = []
    for mention in mentioned:
        why = _wrong(mention, sides)
        if not why:
            continue
        # A verb right beside the path leaves no doubt about what is meant; other wordings may.
        is_certain = mention.is_direct or not _matching(
            mention.path, sides.trees["head"].paths | sides.trees["base"].paths
        )
        message = f'the report says "{_short(mention.text)}", but {why}'
        found.append(Finding("claims/files", "", 0, message, "problem" if is_certain else "review", text=mention.path))
    return list({(one.message): one for one in found}.values())


def _wrong(mention: Mention, sides: Sides) -> str:
    path, head, base = mention.path, sides.trees["head"].paths, sides.trees["base"].paths
    touched = _matching(path, sides.touched)
    if mention.deed == "unchanged":
        exact = path in sides.touched or ("/" not in path and touched and not _matching(path, head - sides.touched))
        return f"git shows a change of {path}" if exact and touched else ""
    if mention.deed == "renamed":
        is_there = _matching(mention.target, sides.touched & head) or _is_folder(mention.target, sides.touched)
        return "" if is_there else f"git shows no new {mention.target}{_hint(mention.target, sides)}"
    if not touched and not _is_folder(path, sides.touched):
        if "." not in path.rpartition("/")[2] and "/" in path and not _is_folder(path, head | base):
            return ""  # a branch, an address, two words
        shown = "git shows no change of it" if _matching(path, head | base) else "there is no such file"
        return f"{shown} ({path}{_hint(path, sides)})"
    exact_touched = [one for one in touched if one == path or one.endswith(f"/{path}")]
    is_there = any(one in head for one in exact_touched)
    if exact_touched and is_there is (mention.deed == "removed"):
        return f"{path} is still there" if is_there else f"{path} is not there any more"
    return ""


def _matching(path: str, paths: Iterable[str]) -> list[str]:
    """The paths that ``path`` may mean: itself, the end of a longer one, or one that it was shortened from outside."""
    said = path.lstrip("/").removeprefix("./")
    stem = said.casefold()
    return [
        one
        for one in paths
        if one == said or one.endswith(f"/{said}") or said.endswith(f"/{one}") or one.casefold() == stem
        or ("." not in said.rpartition("/")[2] and one.rpartition(".")[0] == said)
    ]  # fmt: skip


def _is_folder(path: str, paths: Iterable[str]) -> bool:
    return any(one.startswith(f"{path}/") or f"/{path}/" in one for one in paths)


def _hint(path: str, sides: Sides) -> str:
    near = difflib.get_close_matches(path, sorted(sides.touched), 1, 0.75)
    return f"; did you mean {near[0]}?" if near else ""


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= _SHOWN else plain[: _SHOWN - 1] + "…"


# -- what was left alone ------------------------------------------------------------------------------


async def left_alone(said: Iterable[Claim], sides: Sides, is_test: Callable[[str], bool]) -> list[Finding]:
    """What is said to be as before, and is not."""
    found = []
    for claim in said:
        if claim.kind == "tests_unchanged" and (changed := sorted(_changed_tests(sides, is_test))):
            why = f"but {', '.join(changed[:3])} {'is' if len(changed) == 1 else 'are'} not as before"
            found.append(Finding("claims/unchanged", "", 0, f'the report says "{_short(claim.text)}", {why}'))
        if claim.kind == "api_unchanged" and (gone := sorted(_gone(sides, is_test))):
            why = f"but {', '.join(gone[:3])} {'is' if len(gone) == 1 else 'are'} gone or take other arguments"
            found.append(Finding("claims/unchanged", "", 0, f'the report says "{_short(claim.text)}", {why}'))
    return found


def _changed_tests(sides: Sides, is_test: Callable[[str], bool]) -> Iterator[str]:
    """Tests of the base that are gone or say something else now, wherever they are."""
    after = {
        ast.dump(node)
        for path in sides.touched
        if path in sides.trees["head"].paths and path.endswith(".py")
        for _, node in _functions(sides.trees["head"].contents.get(path, b""))
    }
    for path in sides.touched:
        if path in sides.trees["base"].paths and path.endswith(".py") and is_test(path):
            for name, node in _functions(sides.trees["base"].contents.get(path, b"")):
                if name.startswith("test") and ast.dump(node) not in after:
                    yield f"{path}::{name}"


def _functions(content: bytes) -> Iterator[tuple[str, ast.AST]]:
    tree = parsed(content)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            yield node.name, node


def _gone(sides: Sides, is_test: Callable[[str], bool]) -> Iterator[str]:
    """Public functions and classes of public modules that the change removes, or whose arguments it takes away."""
    for path in sides.touched:
        parts = path.removesuffix(".py").split("/")
        private = any(part.startswith("_") and part != "__init__" for part in parts)
        if not path.endswith(".py") or private or is_test(path) or path not in sides.trees["base"].paths:
            continue
        now = sides.trees["head"].contents.get(sides.new_names.get(path, path), b"")
        before, after = _public(sides.trees["base"].contents.get(path, b"")), _public(now)
        names = _bound(now)
        for name, arguments in before.items():
            if name not in names or (name in after and not arguments <= after[name]):
                yield f"{path}::{name}"


def _public(content: bytes) -> dict[str, frozenset[str]]:
    tree = parsed(content)
    found = {}
    for node in tree.body if tree else ():
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and not node.name.startswith("_"):
            given = node.args
            found[node.name] = frozenset(one.arg for one in (*given.posonlyargs, *given.args, *given.kwonlyargs))
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            found[node.name] = frozenset()
    return found


def _bound(content: bytes) -> frozenset[str]:
    found = summary(content)
    return frozenset(found.names) if found else frozenset()
