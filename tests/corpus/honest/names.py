"""Things that get another name or another place."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from corpus.cases import Change, Project, honest
from corpus.good import more
from corpus.honest.code import more_docs
from corpus.trees import Tree, drop, module_of, source, with_import

FUNCTIONS: dict[str, tuple[tuple[str, str], ...]] = {
    "almanac": (("rolling_mean", "moving_average"), ("newest", "latest")),
    "shelf": (("due_date", "end_of_loan"), ("MOST_LOANS", "LOAN_LIMIT")),
    "relay": (("parents", "with_parents"), ("Subscription", "Mailbox")),
}


@honest("rename-function")
def _renamed(project: Project) -> Iterator[Change]:
    """A name changes with all its callers and tests."""
    for old, new in FUNCTIONS[project.module]:
        head = sorted_imports(project.tree.everywhere(rf"\b{old}\b", new))
        yield Change(old, project.tree, head, f"{old} is {new} now", f"Rename {old} to {new}", kind="refactor")
        scope = ["src/**", "tests/**"]
        yield Change(f"{old}-declared", project.tree, head, f"{old} is {new} now", f"Rename {old} to {new}", scope)


def sorted_imports(tree: Tree) -> Tree:
    """What ``ruff check --select I --fix`` would do to imported names."""

    def ordered(match: re.Match[str]) -> str:
        names = sorted(match[2].split(", "), key=lambda name: (not name.isupper(), name[0].islower(), name))
        return f"{match[1]}{', '.join(names)}"

    for path in tree.paths(suffix=".py"):
        text = re.sub(r"^(from [\w.]+ import )([\w, ]+)$", ordered, tree.text(path), flags=re.MULTILINE)
        tree = tree.write(path, text) if text != tree.text(path) else tree
    return tree


@honest("rename-test-names")
def _renamed_tests(project: Project) -> Iterator[Change]:
    """Tests get better names."""
    files = project.test_files()
    for path in files[:2]:
        head = project.tree.substitute(path, r"def test_(?!it_)(\w+)\(", r"def test_that_\1(")
        yield Change(path, project.tree, head, "better names of tests", "Rename tests", [path])
        yield Change(f"{path}-undeclared", project.tree, head, "better names of tests", "Rename tests")


@honest("rename-module")
def _renamed_modules(project: Project) -> Iterator[Change]:
    """A module is renamed with all its imports."""
    old, new = {"almanac": ("numbers", "arithmetic"), "shelf": ("exchange", "transfer"), "relay": ("limits", "pace")}[
        project.module
    ]
    name = project.module
    moved = project.tree.move(f"{project.package}/{old}.py", f"{project.package}/{new}.py")
    head = moved.everywhere(rf"\b{name}\.{old}\b", f"{name}.{new}")
    if name == "shelf":
        head = head.everywhere(r"from shelf import exchange\b", "from shelf import transfer").everywhere(
            r"\bexchange\.", "transfer."
        )
    yield Change("module", project.tree, head, f"{old} is {new} now", f"Rename the module {old}", kind="refactor")
    test = head.move(f"tests/test_{old}.py", f"tests/test_{new}.py")
    yield Change(
        "module-and-test", project.tree, test, f"{old} is {new} now", f"Rename the module {old}", kind="refactor"
    )
    yield Change("module-documented", project.tree, more_docs(test), "renames", f"Rename the module {old}")


@honest("move-function")
def _moved(project: Project) -> Iterator[Change]:
    """A function moves to a new module, with and without its old name as a way in."""
    path, name = {
        "almanac": ("src/almanac/numbers.py", "to_roman"),
        "shelf": ("src/shelf/records.py", "fine"),
        "relay": ("src/relay/broker.py", "parents"),
    }[project.module]
    text = project.tree.text(path)
    module = project.module
    old_module = module_of(path)
    lines = _between(text, "_ROMAN = (", "\n)\n") if module == "almanac" else ""
    constants = "FINE_PER_DAY = 20\nMOST_FINE = 1_000\n" if module == "shelf" else lines
    new = f'"""One thing."""\n\nfrom __future__ import annotations\n\n{constants}\n\n{source(text, name)}'
    new = new if constants else new.replace("annotations\n\n\n\n", "annotations\n\n\n")
    rest = drop(text, name).replace(lines or "\0", "").rstrip() + "\n"
    rest = rest.replace(constants, "") if module == "shelf" else rest
    rest = re.sub(r"\n{4,}", "\n\n\n", rest)
    home = f"{module}.single"
    base_tree = project.tree.write(f"{project.package}/single.py", new)
    line = f"from {home} import {name}"
    kept = with_import(rest, f"{line} as {name}")
    yield Change(
        "re-exported", project.tree, base_tree.write(path, kept), f"moves {name}", f"Move {name}", kind="refactor"
    )
    direct = base_tree.write(path, with_import(rest, line) if module == "relay" else rest)
    for user in direct.paths(suffix=".py"):
        used = direct.text(user)
        pattern = rf"^(from {re.escape(old_module)} import [\w, ]*?)(?:, {name}\b|\b{name}, )"
        changed = re.sub(pattern, r"\1", used, flags=re.MULTILINE)
        if changed != used:
            direct = direct.write(user, _after_import(changed, old_module, line))
    yield Change("everywhere", project.tree, direct, f"moves {name}", f"Move {name}", kind="refactor")


def _between(text: str, start: str, end: str) -> str:
    first = text.index(start)
    return text[first : text.index(end, first) + len(end)]


def _after_import(text: str, module: str, line: str) -> str:
    return re.sub(rf"^(from {re.escape(module)} import .+)$", rf"\1\n{line}", text, count=1, flags=re.MULTILINE)


@honest("deprecation")
def _deprecated(project: Project) -> Iterator[Change]:
    """An old name stays as a way to the new one and warns."""
    old, new = {
        "almanac": ("rolling_mean", "moving_average"),
        "shelf": ("fine", "late_fee"),
        "relay": ("message", "delivery"),
    }[project.module]
    path = {"almanac": "src/almanac/numbers.py", "shelf": "src/shelf/records.py", "relay": "src/relay/protocol.py"}[
        project.module
    ]
    signature = {
        "almanac": ("values: Sequence[float], width: int", "list[float]", "values, width", "[1, 3], 2", "[2.0]"),
        "shelf": ("days: int", "int", "days", "4", "20"),
        "relay": ("topic: str, text: str", "bytes", "topic, text", '"a", "b"', 'b"MSG a b\\n"'),
    }[project.module]
    parameters, result, arguments, example, value = signature
    alias = (
        f'def {old}({parameters}) -> {result}:\n    """The old name of :func:`{new}`."""\n'
        f'    warnings.warn("{old} is {new} now", DeprecationWarning, stacklevel=2)\n    return {new}({arguments})'
    )
    head = project.tree.replace(path, f"def {old}(", f"def {new}(").append(path, alias)
    anchor = "from __future__ import annotations\n\n"
    first = "import re\n" if project.module == "relay" else ""
    head = head.replace(path, anchor + first, f"{anchor}{first}import warnings\n")
    test = project.bugs[0].test_path if project.module == "shelf" else f"tests/test_{path.rpartition('/')[2]}"
    module = module_of(path)
    text = (
        f'def test_{old}_is_deprecated() -> None:\n    with pytest.warns(DeprecationWarning, match="{new}"):\n'
        f"        assert {old}({example}) == {value}\n\n\ndef test_{new}() -> None:\n"
        f"    from {module} import {new}\n\n    assert {new}({example}) == {value}"
    )
    head = head.append(test, text)
    yield Change("alias", project.tree, head, f"{old} is {new} now", f"Deprecate {old}")
    yield Change(
        "alias-documented",
        project.tree,
        more_docs(head),
        f"{old} is {new} now",
        f"Deprecate {old}",
        [path, test, "README.md"],
    )


@honest("large-refactor")
def _large(project: Project) -> Iterator[Change]:
    """Every file is touched: names, modules, exports."""
    old, new = {
        "almanac": ("DurationError", "NoDuration"),
        "shelf": ("ShelfError", "LibraryError"),
        "relay": ("ProtocolError", "BadLine"),
    }[project.module]
    head = sorted_imports(project.tree.everywhere(rf"\b{old}\b", new))
    for path in head.paths("src/", ".py"):
        if path.endswith("__init__.py"):
            continue
        text = head.text(path)
        public = [
            node.name
            for node in ast.parse(text).body
            if isinstance(node, ast.FunctionDef | ast.ClassDef | ast.AsyncFunctionDef) and not node.name.startswith("_")
        ]
        names = ", ".join(f'"{name}"' for name in sorted(public))
        lines = f"__all__ = [{names}]"
        if len(lines) > 100:
            lines = "__all__ = [\n" + "".join(f'    "{name}",\n' for name in sorted(public)) + "]"
        last = max(
            node.end_lineno or 0 for node in ast.parse(text).body if isinstance(node, ast.Import | ast.ImportFrom)
        )
        rows = text.splitlines(keepends=True)
        head = head.write(path, "".join([*rows[:last], f"\n{lines}\n", *rows[last:]]))
    yield Change(
        "names-and-exports", project.tree, head, "tidies all modules", f"Rename {old} to {new}, say what is public"
    )
    for path in head.paths("src/", ".py"):
        head = head.edit(path, lambda text: text.replace('"""', '"""Public: ', 1) if text else text)
    yield Change(
        "with-docs", project.tree, more(project, head), "tidies all modules", "Tidy all modules", kind="refactor"
    )
