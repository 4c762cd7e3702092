"""The reference pages say what the code says.

The parts of ``docs/reference`` between ``<!-- generated: NAME -->`` and ``<!-- end -->`` are made from the commands,
the plan's models and the settings. ``python tests/unit/test_reference.py`` writes them anew.
"""

import ast
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from claude_orchestrator.cli import main, output, verify
from claude_orchestrator.config import settings as config
from claude_orchestrator.orchestrator import bundle_document
from claude_orchestrator.plans import models
from claude_orchestrator.safety import policy, rows, rulebook
from claude_orchestrator.server import table as mcp
from claude_orchestrator.server.schemas import signature_of

ROOT = Path(__file__).resolve().parents[2]
PAGES = sorted((ROOT / "docs" / "reference").glob("*.md"))
_PART = re.compile(r"(<!-- generated: ([\w-]+) -->\n).*?(<!-- end -->)", re.DOTALL)
_TYPES = {
    "AgentName": "name of an agent",
    "Argv": "list of texts",
    "Check": "name of a check, or a condition",
    "CommandLine": "text, or list of texts",
    "Count": "whole number from 1",
    "Difficulty": "difficulty",
    "Dollars": "US dollars",
    "File": "path of a file",
    "Id": "id",
    "Kind": "kind of work",
    "Pattern": "path or glob",
    "Place": "path",
    "Seconds": "time",
    "StrictBool": "true or false",
    "StrictInt": "whole number",
    "Text": "text",
    "float": "time",
    "int": "whole number",
    "str": "text",
}


def table(head: list[str], rows: Iterator[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)


# -- the command line ---------------------------------------------------------------------------------


def commands(app: typer.Typer, before: str) -> Iterator[tuple[str, Callable[..., Any]]]:
    """Every command as it is typed, and its function."""
    for command in app.registered_commands:
        assert command.callback is not None
        yield f"{before} {command.name or command.callback.__name__}", command.callback
    for group in app.registered_groups:
        assert group.typer_instance is not None
        own = group.typer_instance.registered_callback
        if own is not None and own.callback is not None:  # a group that is a command by itself
            yield f"{before} {group.name}", own.callback
        yield from commands(group.typer_instance, f"{before} {group.name}")


def parameters(function: Callable[..., Any]) -> Iterator[tuple[str, Any, inspect.Parameter]]:
    """Name as it is typed, typer's description, and the parameter."""
    hints = typing.get_type_hints(function, include_extras=True)
    for name, parameter in inspect.signature(function).parameters.items():
        if hints[name] is typer.Context:
            continue
        kind, info = typing.get_args(hints[name])
        if isinstance(info, typer.models.ArgumentInfo):
            yield str(info.metavar), info, parameter
            continue
        given = [word for word in (info.default, *(info.param_decls or ())) if str(word).startswith("--")]
        kinds = typing.get_args(kind) or (kind,)
        value = "" if bool in kinds else "N" if int in kinds else "DIR" if Path in kinds else "TEXT"
        yield f"{[*given, '--' + name.replace('_', '-')][0]} {info.metavar or value}".strip(), info, parameter


def usage(name: str, function: Callable[..., Any]) -> str:
    words, has_options = [name], False
    for typed, info, parameter in parameters(function):
        is_argument = isinstance(info, typer.models.ArgumentInfo)
        if parameter.default is inspect.Parameter.empty:
            words.append(typed)
        elif is_argument:
            words.append(f"[{typed}]")
        else:
            has_options = True
    return " ".join([*words, "[OPTION]..."] if has_options else words)


def default_of(info: Any, parameter: inspect.Parameter) -> str:
    if parameter.default is inspect.Parameter.empty:
        return "needed"
    if isinstance(info.show_default, str):
        return info.show_default
    return "" if parameter.default in (None, False, "") else f"`{parameter.default}`"


def command_line() -> str:
    sections = []
    for name, function in commands(main.app, "claude-orchestrator"):
        said = inspect.cleandoc(function.__doc__ or "")
        rows = [[f"`{typed}`", info.help or "", default_of(info, p)] for typed, info, p in parameters(function)]
        section = f"## {name.removeprefix('claude-orchestrator ')}\n\n```text\n{usage(name, function)}\n```\n\n{said}"
        sections.append(section + ("\n\n" + table(["", "meaning", "default"], iter(rows)) if rows else ""))
    return "\n\n".join(sections)


# -- plans and settings -------------------------------------------------------------------------------


def fields(cls: type) -> Iterator[tuple[str, ast.expr, str]]:
    """Name, annotation and docstring of the fields of a class, from its source."""
    (definition,) = ast.parse(inspect.getsource(cls)).body
    assert isinstance(definition, ast.ClassDef)
    for node, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            assert isinstance(node.target, ast.Name)
            yield node.target.id, node.annotation, str(after.value.value)


def words(annotation: ast.expr) -> str:
    """A field's type for people who write YAML."""
    match annotation:
        case ast.Subscript(value=ast.Name(id="Annotated"), slice=ast.Tuple(elts=[kind, *_])):
            return words(kind)
        case ast.Subscript(value=ast.Name(id="list"), slice=item):
            return "list of texts" if words(item) == "text" else f"list: {words(item)}"
        case ast.Subscript(value=ast.Name(id="dict"), slice=ast.Tuple(elts=[_, item])):
            return f"number of an attempt → {words(item)}"
        case ast.BinOp(left=kind, right=ast.Constant(value=None)):
            return words(kind)
        case ast.BinOp(left=one, right=other):
            return f"{words(one)}, or {words(other)}"
    name = ast.unparse(annotation)
    return _TYPES.get(name, f"[{name.lower()}](#{name.lower()})")


def plan_keys() -> str:
    parts = []
    for model in (models.Plan, models.Decision, models.Phase, models.Task, models.Operation):
        rows = []
        inherited = fields(models.Choice) if issubclass(model, models.Choice) else ()
        for name, annotation, docstring in [*fields(model), *inherited]:
            field = model.model_fields[name]
            value = "needed" if field.is_required() else field.get_default(call_default_factory=True)
            shown = "" if value in (None, "", []) else str(value).lower() if isinstance(value, bool) else str(value)
            shown = ", ".join(value) if isinstance(value, list) else shown
            rows.append([f"`{name}`", words(annotation), shown, docstring.replace("``", "`")])
        said = inspect.cleandoc(model.__doc__ or "").split("\n\nRaises")[0].replace("``", "`")
        parts.append(f"## {model.__name__}\n\n{said}\n\n{table(['key', 'type', 'default', 'meaning'], iter(rows))}")
    return "\n\n".join(parts)


def settings() -> str:
    rows = []
    for name, annotation, docstring in fields(config.Settings):
        field = next(field for field in config.fields(config.Settings) if field.name == name)
        kind = {"Path": "folder", "int": "number", "float": "seconds", "str": "names"}[ast.unparse(annotation)]
        kind = {"http_url": "URL", "jwks": "file or URL", "jwt_issuer": "name"}.get(name, kind)
        kind = "name" if name in ("sandbox", "agent", "model") else "number" if name.endswith("_mb") else kind
        kind = "US dollars" if name.endswith("_budget") else kind
        value = "the user's data folder" if name == "home" else field.default or "none"
        value = f"{value:g}" if isinstance(value, (int, float)) else value
        rows.append([f"`{config.PREFIX}{name.upper()}`", kind, value, docstring])
    return table(["variable", "type", "default", "meaning"], iter(rows))


def kind_of(schema: dict[str, Any]) -> str:
    """A type of the JSON Schema, for people."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2].removesuffix("Part")
        linked = f"Bundle{name}" if f"{name}Part" in {part.__name__ for part in bundle_document.PARTS} else ""
        return f"[{name.lower()}](#{linked.lower()})" if linked else re.sub("(?<=[a-z])(?=[A-Z])", " ", name).lower()
    if "anyOf" in schema:
        return " or ".join(kind_of(choice) for choice in schema["anyOf"])
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list: {kind_of(schema['items'])}"
    values = next(iter(schema.get("patternProperties", {}).values()), schema.get("additionalProperties"))
    if isinstance(values, dict):
        return f"name → {kind_of(values)}"
    kinds = {"string": "text", "integer": "number", "object": "mapping", "boolean": "true or false"}
    return kinds.get(schema.get("type", ""), schema.get("type", "anything"))


def bundle_keys() -> str:
    schema = bundle_document.Bundle.model_json_schema()
    parts = []
    for model in bundle_document.PARTS:
        properties = (schema if model is bundle_document.Bundle else schema["$defs"][model.__name__])["properties"]
        rows = [[f"`{name}`", kind_of(properties[name]), said] for name, _, said in fields(model)]
        name = model.__name__.removesuffix("Part")
        title = "### Bundle" if model is bundle_document.Bundle else f"### Bundle{name}"
        parts.append(f"{title}\n\n{model.__doc__}\n\n{table(['key', 'type', 'meaning'], iter(rows))}")
    return "\n\n".join(parts)


def policy_rules() -> str:
    table_of = policy.Policy().table
    lines = [[rule, *rulebook.RULEBOOK[rule], table_of[rule].lower()] for rule in policy.RULES]
    return table(["rule", "name", "covers", "decision"], iter(lines))


def policy_presets() -> str:
    return table(["preset", "what it is for"], iter([f"`{name}`", said] for name, said in policy.PRESETS.items()))


def operation_kinds() -> str:
    return table(["kind", "form of the operation"], iter([f"`{kind}`", form] for kind, form in rows.KINDS.items()))


def mcp_tools() -> str:
    lines = []
    for tool in mcp.TOOLS:
        kind = "reads" if tool.reads else "person" if tool.person else ""
        tier = "core only" if tool.name == "call_tool" else tool.tier
        signature = signature_of(tool.name, tool.function).line()
        lines.append([f"`{signature}`", tool.summary, tier, tool.scope, kind])
    return table(["tool", "what it does", "tier", "scope", ""], iter(lines))


def mcp_names() -> str:
    lines = []
    for tool in mcp.TOOLS:
        for alias in tool.aliases:
            fixed = ", ".join(f"{name}={value}" for name, value in alias.fixed.items())
            lines.append([f"`{alias.name}`", f"`{tool.name}({fixed})`" if fixed else f"`{tool.name}`"])
    return table(["name", "is"], iter(sorted(lines)))


GENERATORS = {
    "bundle-keys": bundle_keys,
    "commands": command_line,
    "mcp-names": mcp_names,
    "mcp-tools": mcp_tools,
    "operation-kinds": operation_kinds,
    "plan-keys": plan_keys,
    "policy-presets": policy_presets,
    "policy-rules": policy_rules,
    "settings": settings,
}


def regenerated(text: str) -> str:
    """A page with all of its generated parts as they have to be."""
    return _PART.sub(lambda part: f"{part[1]}\n{GENERATORS[part[2]]()}\n\n{part[3]}", text)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_reference_page_is_up_to_date(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert regenerated(text) == text, "run 'python tests/unit/test_reference.py'"


def test_everything_that_can_be_generated_is_in_a_page() -> None:
    used = {part[2] for page in PAGES for part in _PART.finditer(page.read_text(encoding="utf-8"))}
    assert used == GENERATORS.keys()


def test_every_exit_code_is_in_the_page() -> None:
    said = (ROOT / "docs" / "reference" / "cli.md").read_text(encoding="utf-8")
    codes = {output.COMPLETED, output.NOT_COMPLETED, output.USAGE, output.INTERRUPTED, *verify.EXIT_CODES.values()}
    assert {int(code) for code in re.findall(r"^\| (\d+) \|", said, re.MULTILINE)} == codes


def test_every_rule_has_a_name() -> None:
    assert tuple(rulebook.RULEBOOK) == policy.RULES


def test_every_kind_of_event_is_in_the_page() -> None:
    page = (ROOT / "docs" / "reference" / "events.md").read_text(encoding="utf-8")
    source = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "src").glob("**/*.py"))
    nouns = "run|task|attempt|operation|gate|budget|provider|planning|plan"
    literals = set(re.findall(rf'"((?:{nouns})\.(?!md|yaml)[a-z_]+)"', source))
    assert literals
    assert {kind for kind in literals if f"`{kind}`" not in page} == set()


def test_every_link_between_pages_leads_somewhere() -> None:
    documents = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("**/*.md")]
    for document in documents:
        for link in re.findall(r"\]\(([^)#:\s]+)(?:#[\w-]*)?\)", document.read_text(encoding="utf-8")):
            assert (document.parent / link).exists(), f"{document.relative_to(ROOT)}: {link}"


def test_the_schema_of_bundles_is_up_to_date() -> None:
    shipped = bundle_document.SCHEMA.read_text(encoding="utf-8")
    assert shipped == bundle_document.json_schema(), "run 'python tests/unit/test_reference.py'"


if __name__ == "__main__":
    bundle_document.SCHEMA.write_text(bundle_document.json_schema(), encoding="utf-8")
    for page in PAGES:
        page.write_text(regenerated(page.read_text(encoding="utf-8")), encoding="utf-8")
