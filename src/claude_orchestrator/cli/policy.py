"""``policy``: check the layers of the policy, explain a verdict, show what holds."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Annotated

import typer

from claude_orchestrator.cli import output

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy import Policy

app = typer.Typer(help="Look after the policy that operations are judged by.", no_args_is_help=True)

PolicyFile = Annotated[
    str,
    typer.Option("--policy", metavar="FILE", help="A file in place of the user's layer.", show_default="the user's"),
]
Preset = Annotated[str, typer.Option(help="A preset in place of all files.", show_default="standard")]
AsJson = Annotated[bool, typer.Option("--json", help="One JSON document.")]
Folder = Annotated[
    str, typer.Option("--cwd", metavar="DIR", help="Where; the project is the git repository around it.")
]


@app.command()
def check(
    files: Annotated[
        list[str] | None,
        typer.Argument(metavar="[FILE]...", help="Policy files.", show_default="the user's and the project's"),
    ] = None,
    cwd: Folder = ".",
) -> None:
    """Check policy files, with the examples of their rules. Exit code 1: the project's has lines that are ignored."""
    from claude_orchestrator.cli.policies import project_of
    from claude_orchestrator.safety.policy import load_policy
    from claude_orchestrator.safety.policy_file import PROJECT_FILE, read_layer, user_file

    if files:
        for file in files:
            layer = read_layer(file, must_exist=True)
            assert layer is not None
            output.say(f"{file}: fine; {_counted(len(layer.rules))}")
        return
    project_file = f"{project_of(os.path.abspath(cwd))}/{PROJECT_FILE}"  # noqa: PTH100
    user, project = read_layer(user_file()), read_layer(project_file)
    for path, layer in ((user_file(), user), (project_file, project)):
        output.say(f"{path}: fine; {_counted(len(layer.rules))}" if layer else f"{path}: not there")
    ignored = load_policy(user=user, project=project).ignored
    for line in ignored:
        output.warn(line)
    raise typer.Exit(output.NOT_COMPLETED if ignored else output.COMPLETED)


@app.command()
def explain(
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="What is wanted, in the form of its kind.")],
    kind: Annotated[str, typer.Option(help="As for 'classify'.")] = "shell",
    cwd: Folder = ".",
    policy: PolicyFile = "",
    preset: Preset = "",
    as_json: AsJson = False,
) -> None:
    """Say effect by effect what is found in an operation, by which rule it is judged, and who has said so.

    As before a real call, the project's layer counts and symbolic links are looked at.
    """
    from claude_orchestrator.safety.classifier import classify, decided
    from claude_orchestrator.safety.rows import RowError, effect_row, operation_of, verdict_row
    from claude_orchestrator.safety.rulebook import RULEBOOK

    folder = os.path.abspath(cwd)  # noqa: PTH100
    workspace, rules = _live(folder, policy, preset)
    try:
        wanted = operation_of({"op": operation, "kind": kind, "cwd": folder, "workspace": workspace})
    except RowError as error:
        raise typer.BadParameter(str(error)) from None
    verdict = classify(wanted, rules)
    judged = [(effect, *decided(effect, wanted, rules)) for effect in verdict.effects]
    if as_json:
        effects = [
            {**effect_row(effect), "decision": decision.lower(), "because": because.strip(" ()")}
            for effect, decision, because in judged
        ]
        output.say_json({"op": operation, "kind": kind, **verdict_row(verdict), "effects": effects})
        return
    output.say(f"{verdict.decision.lower()}  {verdict.reason}")
    for effect, decision, because in judged:
        name, _ = RULEBOOK[effect.rule]
        where = f"  [{operation[slice(*effect.span)]}]" if effect.span and kind == "shell" else ""
        output.say(f"  {effect.rule:<4} {decision.lower():<18} {name}: {effect.what}{because}{where}")
        if effect.argv:
            output.say(f"       runs {list(effect.argv)}")


@app.command()
def show(
    cwd: Folder = ".",
    policy: PolicyFile = "",
    preset: Preset = "",
    as_json: AsJson = False,
) -> None:
    """Show the policy that holds in a folder: the decision of every rule, and what the layers add."""
    from claude_orchestrator.safety.rulebook import RULEBOOK

    workspace, rules = _live(os.path.abspath(cwd), policy, preset)  # noqa: PTH100
    if as_json:
        output.say_json(_document(rules, workspace))
        return
    output.say(f"preset {rules.preset}" + (", nobody is asked" if rules.nobody else "") + f", in {workspace}")
    for rule, decision in rules.table.items():
        output.say(f"  {rule:<4} {decision.lower():<18} {RULEBOOK[rule][0]}")
    for title, items in (
        ("protected branches", rules.protected_branches),
        ("secret paths", rules.secret_paths),
        ("protected paths", rules.protected_paths),
        ("trusted servers", tuple(sorted(rules.trusted_servers))),
        ("rules", tuple(f"{rule.describe()} ({rule.source})" for rule in rules.rules)),
    ):
        if items:
            output.say(f"{title}: {', '.join(items)}")
    output.say(f"gates: {f'denied after {rules.expire_after_s:g} s' if rules.expire_after_s else 'never expire'}")
    for line in rules.ignored:
        output.warn(line)


def _live(folder: str, file: str, preset: str) -> tuple[str, Policy]:
    """The workspace around a folder and the policy that holds there."""
    from claude_orchestrator.cli.policies import live_policy, project_of
    from claude_orchestrator.safety.policy import PRESETS

    if preset and preset not in PRESETS:
        raise typer.BadParameter(f"there is no preset '{preset}': choose from {', '.join(PRESETS)}")
    workspace = project_of(folder)
    return workspace, live_policy(workspace, file, preset)


def _document(rules: Policy, workspace: str) -> dict[str, object]:
    return {
        "preset": rules.preset,
        "workspace": workspace,
        "nobody": rules.nobody,
        "decisions": {rule: decision.lower() for rule, decision in rules.table.items()},
        "protected_branches": rules.protected_branches,
        "secret_paths": rules.secret_paths,
        "protected_paths": rules.protected_paths,
        "trusted_servers": sorted(rules.trusted_servers),
        "rules": [{"says": rule.describe(), "source": rule.source} for rule in rules.rules],
        "expire_after_s": rules.expire_after_s,
        "ignored": rules.ignored,
        "digest": rules.digest,
    }


def _counted(rules: int) -> str:
    return "1 rule" if rules == 1 else f"{rules} rules"
