"""Code that reaches for frames under a name that it does not say, heard through audit events."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from claude_orchestrator.graders.suite.runs import PLUGIN

sys.path.append(str(PLUGIN.parent))
from claude_orchestrator_hidden import Hidden

Audit = Callable[[str, Any], None]


def heard(folder: Path, text: str, event: str = "sys._getframe", arguments: tuple[Any, ...] = ()) -> list[str]:
    """What is told of a file whose function ``cause`` causes an event."""
    said: list[str] = []
    file = folder / "calc.py"
    file.write_text(text + "\n\ndef cause(audit, event, arguments):\n    audit(event, arguments)\n")
    space: dict[str, Any] = {}
    exec(compile(file.read_text(), str(file), "exec"), space)
    hidden = Hidden(str(folder), said.append)
    space["cause"](hidden.audit, event, arguments)
    space["cause"](hidden.audit, event, arguments)
    return said


def test_a_name_that_is_put_together(tmp_path: Path) -> None:
    for text in ("NAME = '_get' + 'frame'", "# sys._getframe", "def get(one): return getattr(one, 'x')"):
        assert heard(tmp_path, text) == ["calc.py reaches for _getframe under a name that it does not say"]
    (told,) = heard(tmp_path, "", "object.__getattr__", (None, "tb_frame"))
    assert "tb_frame" in told
    assert len(heard(tmp_path, "", "object.__setattr__", (None, "__code__"))) == 1


@pytest.mark.parametrize("name", ["<string>", "<made>", "elsewhere.py", "/usr/lib/none/there.py"])
def test_code_that_is_made_belongs_to_who_made_it(tmp_path: Path, name: str) -> None:
    made = f"exec(compile('audit(event, arguments)', {name!r}, 'exec'), dict(globals(), **given))"
    text = f"def through(**given):\n    {made}\n"
    file = tmp_path / "calc.py"
    file.write_text(text)
    space: dict[str, Any] = {}
    exec(compile(text, str(file), "exec"), space)
    said: list[str] = []
    space["through"](audit=Hidden(str(tmp_path), said.append).audit, event="sys._getframe", arguments=())
    assert said == ["calc.py reaches for _getframe under a name that it does not say"]


@pytest.mark.parametrize(
    ("text", "event", "arguments"),
    [
        ("import sys\nX = sys._getframe", "sys._getframe", ()),
        ("from sys import _getframe as frame_of", "sys._getframe", ()),
        ("X = getattr(sys, '_getframe', None) if False else 1", "sys._getframe", ()),
        ("import gc\nX = gc.get_objects", "gc.get_objects", ()),
        ("", "object.__getattr__", (None, "__code__")),
        ("", "open", ("a.txt", "r", 0)),
        ("X = lambda error: error.__traceback__.tb_frame", "object.__getattr__", (None, "tb_frame")),
    ],
)
def test_what_is_said_or_leads_nowhere(tmp_path: Path, text: str, event: str, arguments: tuple[Any, ...]) -> None:
    assert heard(tmp_path, text, event, arguments) == []


def test_code_that_lies_elsewhere(tmp_path: Path) -> None:
    said: list[str] = []
    Hidden(str(tmp_path / "checkout"), said.append).audit("sys._getframe", ())
    assert said == []


def test_nobody_looks_into_what_is_guarded(tmp_path: Path) -> None:
    guarded = (one for one in ())
    hidden = Hidden(str(tmp_path), [].append)
    hidden.guarded = guarded
    with pytest.raises(RuntimeError):
        hidden.audit("object.__getattr__", (guarded, "gi_frame"))
    with pytest.raises(RuntimeError):
        hidden.audit("gc.get_referents", ((guarded,),))
    hidden.audit("object.__getattr__", ((one for one in ()), "gi_frame"))
