"""Suppressions: what is new, what only moved, and how bad each is."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.base import Finding
from claude_orchestrator.graders.integrity.suppressions import compare_suppressions

BASE = "import os\n\n\ndef load(path):\n    value = read(path)\n    return value\n"


def compare(before: str, after: str, path: str = "src/a.py", old_path: str | None = None) -> list[Finding]:
    base = {old_path or path: before.encode()}
    names = {path: old_path} if old_path else {}
    return compare_suppressions(base, {path: after.encode()}, names, lambda one: one.startswith("tests/"))


def severities(before: str, after: str, path: str = "src/a.py") -> list[str]:
    return [found.severity for found in compare(before, after, path)]


def on_line(comment: str) -> str:
    return BASE.replace("read(path)", f"read(path){comment}")


@pytest.mark.parametrize(
    "comment",
    [
        "  # noqa", "  #noqa", "  # NOQA", "  # noqa:F821", "  # noqa: F821, B006", "  # type: ignore",
        "  # type:ignore",
        "  # type: ignore[arg-type]", "  # pyright: ignore", "  # pyright: ignore[reportCallIssue]", "  # ty: ignore",
        "  # pyrefly: ignore", "  # pyre-ignore[16]", "  # pytype: disable=name-error", "  # pylint: disable=all",
        "  # pylint: disable=undefined-variable", "  # nosec", "  # nosec B602", "  # nosec: B602",
        "  # pragma: no cover",
        "  # pragma:nocover", "  # pragma: no-cover", "  # pragma: NO COVER", "  # text # noqa",
        "  # type: ignore # noqa",
        "  # ruff: ignore[F821]", "\n    import os  # noqa: F401",
    ],
)  # fmt: skip
def test_a_new_comment_that_silences_is_a_problem(comment: str) -> None:
    assert "problem" in severities(BASE, on_line(comment))


@pytest.mark.parametrize(
    "comment",
    [
        "# ruff: noqa\n", "# ruff: noqa: F821\n", "# flake8: noqa\n", "# type: ignore\n", "# mypy: ignore-errors\n",
        '# mypy: disable-error-code="arg-type"\n', "# mypy: allow-untyped-defs\n", "# pyright: basic\n",
        "# pyright: reportCallIssue=false\n", "# pylint: skip-file\n", "# pylint: disable=all\n",
        "# ruff: disable[F821]\n",
    ],
)  # fmt: skip
def test_a_new_switch_for_the_whole_file_is_a_problem(comment: str) -> None:
    assert severities(BASE, comment + BASE) == ["problem"]


@pytest.mark.parametrize(
    "after",
    [
        on_line("  # noqa: F821 - the name comes from the template engine"),
        on_line("  # type: ignore[attr-defined]"), BASE + "\nlimit: int  # type: ignore[no-redef]\n",
        BASE + "\n\ntry:\n    x = y()\nexcept KeyError:  # pragma: no cover\n    x = 0\n",
        on_line("  # type: ignore[arg-type]  # the stubs are wrong here"),
        on_line("  # pragma: no cover - only on machines without a clock"),
        on_line("  # nosec B602 - the command is a constant of ours"),
        on_line("  # nosec B101"), on_line("  # noqa: N806"), on_line("  # pragma: no branch"),
        on_line("  # fmt: skip"),
        on_line("  # NOSONAR"), BASE.replace("import os\n", "from os import path  # noqa: F401\n"),
        BASE + "# fmt: off\nx = [1,\n 2]\n# fmt: on\n", 'import warnings\nwarnings.simplefilter("ignore")\n' + BASE,
        'import warnings\nwarnings.filterwarnings("ignore", category=DeprecationWarning)\n' + BASE,
    ],
)  # fmt: skip
def test_what_is_limited_and_explained_goes_to_a_human(after: str) -> None:
    assert severities(BASE, after) == ["review"]


@pytest.mark.parametrize(
    "after",
    [
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:  # pragma: no cover\n    import x\n" + BASE,
        "try:\n    import x\nexcept ImportError:  # pragma: no cover\n    raise missing  # pragma: no cover\n" + BASE,
        "try:\n    import x\nexcept ImportError:  # pragma: no cover\n    x = None  # type: ignore[assignment]\n"
        + BASE,
        BASE + "\n\ndef f():\n    raise NotImplementedError  # pragma: no cover\n",
        BASE + '\n\nif __name__ == "__main__":  # pragma: no cover\n    load("x")\n',
        BASE + "\n\nclass P:\n    def f(self):\n        ...  # pragma: no cover\n",
        BASE + "\n\n@overload  # pragma: no cover\ndef f():\n    ...\n",
        BASE + '\n\nif sys.platform == "win32":  # pragma: no cover\n    x = 1\n',
        BASE + "\n\ndef f(x):\n    assert_never(x)  # pragma: no cover\n",
        "import yaml  # type: ignore[import-untyped]\n" + BASE,
        "import sys\nsys.path.append('x')\nimport yaml  # noqa: E402\n" + BASE,
        "try:\n    import yaml  # noqa: F401\nexcept ImportError:\n    pass\n" + BASE,
        on_line("  # noqa: E501 - an address that cannot be split"),
        on_line("  # codespell:ignore"),
        BASE + 'import warnings\nwith warnings.catch_warnings():\n    warnings.simplefilter("ignore")\n    load(1)\n',
    ],
)
def test_what_everybody_does_there_is_a_note(after: str) -> None:
    assert set(severities(BASE, after)) == {"note"}


@pytest.mark.parametrize(
    "after",
    [
        BASE.replace("value = read(path)", 'value = "# noqa"'),
        BASE.replace("value = read(path)", 'value = """\n# type: ignore\n# nosec\n"""'),
        BASE + "# See the chapter on noqa comments and type: ignore in the manual.\n",
        BASE + "# mypy: strict\n",
        BASE + "# pyright: strict\n",
        BASE + "# pylint: enable=all\n",
        BASE + "# fmt: on\n",
        BASE + "# pragma: once upon a time\n",
        BASE + "# pyright: reportCallIssue=true\n",
        BASE + 'import warnings\nwarnings.filterwarnings("error")\n',
        "",
        "def f(:\n",
    ],
)
def test_what_silences_nothing(after: str) -> None:
    assert compare(BASE, after) == []


OLD = on_line("  # type: ignore[arg-type, call-arg]") + "\n\ndef other():\n    return nothing  # noqa: F821\n"


@pytest.mark.parametrize(
    "after",
    [
        OLD,
        "# a comment\n\n" + OLD,
        OLD.replace("[arg-type, call-arg]", "[call-arg,arg-type]"),
        OLD.replace("[arg-type, call-arg]", "[arg-type]"),
        OLD.replace("value = read(path)", "value = read(path, 1)"),
        OLD.replace("value = read(path)", "value  =  read( path )"),
        OLD.replace("def load", "def load_all"),
        OLD.replace("def load", "async def load"),
        OLD.replace("  # noqa: F821", "  # noqa: F821 - comes from outside"),
        "class A:\n" + "".join(f"    {line}\n" if line else "\n" for line in OLD.splitlines()),
        OLD.split("\n\n\ndef other")[0],
        OLD.replace("# noqa: F821", "#noqa:F821"),
    ],
)
def test_what_moved_was_reformatted_or_narrowed_is_not_new(after: str) -> None:
    assert compare(OLD, after) == []


@pytest.mark.parametrize(
    "after",
    [
        OLD.replace("[arg-type, call-arg]", ""),
        OLD.replace("[arg-type, call-arg]", "[arg-type, call-arg, misc]"),
        OLD.replace(": F821", ""),
        OLD.replace("F821", "F821,B006"),
        OLD + "\n\ndef third():\n    return nothing  # noqa: F821\n",
        OLD.replace("    return value\n", "    return value  # type: ignore[arg-type, call-arg]\n"),
    ],
)
def test_what_silences_more_than_before_is_new(after: str) -> None:
    assert "problem" in severities(OLD, after)


def test_moved_between_files_and_renamed_files() -> None:
    assert compare(OLD, OLD, "src/b.py", "src/a.py") == []
    files = {"src/a.py": OLD.encode(), "src/b.py": b"x = 1\n"}
    kept, moved = OLD.split("\n\n\ndef other")
    after = {"src/a.py": kept.encode(), "src/b.py": f"x = 1\n\n\ndef other{moved}".encode()}
    assert compare_suppressions(files, after, {}, lambda _: False) == []
    copied = {"src/a.py": OLD.encode(), "src/b.py": after["src/b.py"]}
    assert [found.severity for found in compare_suppressions(files, copied, {}, lambda _: False)] == ["problem"]


def test_tests_may_be_wrong_on_purpose() -> None:
    path = "tests/test_a.py"
    assert severities(BASE, on_line("  # type: ignore[arg-type]"), path) == ["note"]
    assert severities(BASE, on_line("  # nosec"), path) == ["note"]
    assert severities(BASE, on_line("  # pragma: no cover"), path) == ["note"]
    assert severities(BASE, on_line("  # noqa: B018"), path) == ["note"]
    assert severities(BASE, on_line("  # pragma: no cover"), "testing/conftest.py") == ["note"]
    assert severities(BASE, on_line("  # noqa: F821"), path) == ["review"]
    assert severities(BASE, on_line("  # noqa"), path) == ["review"]
    assert severities(BASE, on_line("  # type: ignore"), path) == ["review"]
    assert severities(BASE, f"# ruff: noqa\n{BASE}", path) == ["problem"]


def test_in_a_test_that_the_task_may_change_types_may_be_silenced() -> None:
    path, code = "tests/test_a.py", on_line("  # type: ignore")
    allowed = compare_suppressions({path: BASE.encode()}, {path: code.encode()}, {}, lambda _: True, path.__eq__)
    assert [found.severity for found in allowed] == ["note"]


def test_where_types_are_not_judged_a_named_rule_may_be_silenced_by_a_human() -> None:
    def found(comment: str) -> list[str]:
        head = {"a.py": on_line(comment).encode()}
        said = compare_suppressions({"a.py": BASE.encode()}, head, {}, lambda _: False, types_are_judged=False)
        return [finding.severity for finding in said]

    assert found("  # type: ignore[arg-type]") == ["review"]
    assert found("  # type: ignore") == found("  # noqa: F821") == ["problem"]


def test_decorators_and_messages() -> None:
    after = BASE.replace("def load", "from typing import no_type_check\n\n\n@no_type_check\ndef load")
    found = compare(BASE, after)
    assert [(one.rule, one.severity, one.symbol) for one in found] == [
        ("integrity/silenced-no_type_check", "problem", "load")
    ]
    bare = compare(BASE, on_line("  # noqa"))[0]
    assert bare.message == "new `noqa` in load silences linters on its line, whatever they find"
    assert (bare.line, bare.text) == (5, "value = read(path)")
    assert "else" in "".join(
        one.text for one in compare(BASE, BASE + "if x:\n    y = 1\nelse:  # pragma: no cover\n    y = 2\n")
    )
