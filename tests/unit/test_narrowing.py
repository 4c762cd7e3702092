"""The command line is built for the command that is asked for, and for all of them where none is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer

from claude_orchestrator.cli.main import _narrowed, app


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
