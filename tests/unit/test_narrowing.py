"""The command line is built for the command that is asked for, and for all of them where none is."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from functools import partial

import pytest
import typer

from claude_orchestrator.cli import run, show, stop
from claude_orchestrator.cli.main import _PLAIN, _narrowed, _plainly, app


def names(of: typer.Typer) -> list[str]:
    commands = [info.name or getattr(info.callback, "__name__", "") for info in of.registered_commands]
    return commands + [info.name for info in of.registered_groups if isinstance(info.name, str)]


def paths(of: typer.Typer) -> Iterator[list[str]]:
    groups = {info.name: info.typer_instance for info in of.registered_groups}
    for name in names(of):
        yield from ([name, *rest] for rest in paths(groups[name])) if groups.get(name) else [[name]]


WHOLE = list(paths(app))


@pytest.mark.parametrize("words", WHOLE, ids=" ".join)
def test_a_command_is_all_there_is_of_its_own(words: list[str]) -> None:
    assert list(paths(_narrowed(app, [*words, "an argument", "--option"]))) == [words]


@pytest.mark.parametrize("words", [[], ["--help"], ["--version"], ["stats"], ["--json", "status"]], ids=" ".join)
def test_without_a_command_all_are_there(words: list[str]) -> None:
    assert _narrowed(app, words) is app


@pytest.mark.parametrize("words", [["plan"], ["plan", "--help"], ["plan", "chekc"]], ids=" ".join)
def test_without_a_command_of_a_group_all_of_it_are_there(words: list[str]) -> None:
    assert list(paths(_narrowed(app, words))) == [path for path in WHOLE if path[0] == "plan"]


def test_the_whole_is_left_as_it_was() -> None:
    _narrowed(app, ["plan", "check"])
    assert list(paths(app)) == WHOLE
    assert len(WHOLE) > 40


@pytest.mark.parametrize(
    ("words", "function", "arguments", "options"),
    [
        (["status"], show.status, (), {}),
        (["status", "r1"], show.status, ("r1",), {}),
        (["status", "r1", "--json"], show.status, ("r1",), {"as_json": True}),
        (["status", "--json"], show.status, (), {"as_json": True}),
        (["evidence", "r1", "t1"], show.evidence, ("r1", "t1"), {}),
        (["resume", "r1"], run.resume, ("r1",), {}),
        (["cancel", "r1"], stop.cancel, ("r1",), {}),
    ],
)
def test_common_commands_are_called_with_what_was_said(
    words: list[str], function: object, arguments: tuple[str, ...], options: dict[str, bool]
) -> None:
    call = _plainly(words)
    assert isinstance(call, partial)
    assert (call.func, call.args, call.keywords) == (function, arguments, options)


@pytest.mark.parametrize(
    "words",
    [
        [], ["status", "--help"], ["status", "r1", "r2"], ["status", ""], ["status", "--json", "r1"],
        ["--json", "status"], ["evidence", "r1"], ["evidence", "r1", "--json"], ["pause"], ["pause", "r1", "--json"],
        ["resume", "--", "r1"], ["approve", "g1", "--always"], ["deny", "g1"], ["run", "p1"],
    ],
    ids=" ".join,
)  # fmt: skip
def test_what_is_not_plain_is_read_by_the_library(words: list[str]) -> None:
    assert _plainly(words) is None


@pytest.mark.parametrize("name", _PLAIN)
def test_the_table_says_what_the_commands_take(name: str) -> None:
    """Arguments of texts first, the needed ones without a default; everything behind them has one."""
    function, count, has_json = _PLAIN[name]
    (registered,) = [info.callback for info in app.registered_commands if info.callback is function]
    assert registered is not None
    assert registered.__name__ == name
    parameters = inspect.signature(function).parameters
    assert ("as_json" in parameters) == has_json
    required = [one for one in parameters.values() if one.default is inspect.Parameter.empty]
    assert len(required) == count.start
    first = list(parameters.values())[: count.stop - 1]
    assert all("typer.Argument" in str(one.annotation) or one.annotation in ("RunId", "GateId") for one in first)
