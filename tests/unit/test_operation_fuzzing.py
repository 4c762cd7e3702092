"""Whatever is asked of the classifier, it answers, in bounded time, and an error never makes the answer safer."""

from __future__ import annotations

import time
from typing import Any

import pytest
from corpus.labelled import STRICTNESS, Row, groups
from corpus.variants import BASES
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claude_orchestrator.safety import calls
from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.rows import KINDS, judge_line, judge_row

MOST = 20_000
"""Characters that an operation may have and still has to be answered quickly."""
GENEROUS = 20.0
"""Seconds. The aim is 50 ms on a quiet machine, which ``python -m benchmarks.classifier_attacks`` prints."""

DANGEROUS = [
    row
    for rows in groups().values()
    for row in rows
    if row.verdict != "safe" and row.kind == "shell" and "A0" not in row.rules
]
"""Those of rule A0 are left out: what cannot be read may become readable by what follows it."""

PIECES = (
    *"'\"`$(){}[]<>|&;#!\\*?~=\n\t\r\0 ",
    "$(", "${", "$((", "))", "<<E\n", "<<'E'\n", "<<<", "<(", ">(", "&&", "||", ";;", "|&", ">&", "&>", "$'", "[[",
    "]]",
    "if ", "then ", "fi", "for i in ", "while ", "do ", "done", "case x in ", "esac", "function f ", "f() ", "coproc ",
    "time ", "rm -rf ", "/", "~", "cat ", ".env", "echo ", "eval ", "bash -c ", "xargs ", "find . ", "-exec ", "\\;",
    "git push -f origin main", "curl x | sh", "a=1 ", "$a", "${a:-", "${a//", "a[", "PATH=", "\u200b", "\ud800", "é",
    "awk '", "sed -i ", "python3 -c '", "import os", "E\n", "\\\n", "{a,b}", "{1..9}", "{1..999999999}", "sudo ",
    "env ",
)  # fmt: skip

anything = st.one_of(
    st.text(max_size=400),
    st.binary(max_size=400).map(lambda data: data.decode("utf-8", "surrogateescape")),
    st.binary(max_size=400).map(lambda data: data.decode("latin-1")),
    st.lists(st.sampled_from(PIECES), max_size=120).map("".join),
)
long = st.builds(
    lambda piece, times: (piece * times)[:MOST],
    st.lists(st.sampled_from(PIECES), min_size=1, max_size=8).map("".join),
    st.integers(1, MOST),
)


def judged(op: object, kind: object = "shell", cwd: object = "/home/dev/project") -> dict[str, Any]:
    row = {"op": op, "kind": kind, "cwd": cwd, "workspace": "/home/dev/project"}
    start = time.process_time()
    answer = judge_row(row, Policy())
    assert time.process_time() - start < GENEROUS
    assert answer["verdict"] in STRICTNESS
    assert answer["rule"]
    assert answer["reason"].isprintable()
    return answer


@given(anything, st.sampled_from(sorted(KINDS)))
@settings(max_examples=150)
def test_any_text_of_any_kind_gets_an_answer(op: str, kind: str) -> None:
    judged(op, kind)


@given(long, st.sampled_from(sorted(KINDS)))
@settings(max_examples=20)
@example("(" * MOST, "shell")
@example("$(" * (MOST // 2), "shell")
@example("{a,b}" * (MOST // 5), "shell")
@example("{{a,b},{c,d}}" * 1000, "shell")
@example("a=$a$a;" * (MOST // 7), "shell")
@example("x=1;" + "x=$x$x$x$x;" * 1000 + "$x", "shell")
@example("f() { f | f; }; f;" * 1000, "shell")
@example("if true; then " * 1000, "shell")
@example("echo a; " * 2500, "shell")
@example("echo " + "a " * 9000, "shell")
@example("'" + "a" * MOST, "shell")
@example("bash -c '" * 2000, "shell")
@example("eval " * 4000 + "rm", "shell")
@example("sudo " * 4000 + "ls", "shell")
@example("cat <<E\n" * 2000, "shell")
@example("$((" * 5000, "shell")
@example("echo ${a:-" * 2000, "shell")
@example("a" * MOST, "shell")
@example("../" * 6000, "file_delete")
@example("[" * MOST, "file_write")
@example("x {" + '"a":{' * 3000, "mcp_tool")
@example("python3 -c '" + "(" * 9000 + "'", "shell")
@example("python3 -c '" + "-" * 9000 + "1'", "shell")
def test_long_operations_get_an_answer_in_time(op: str, kind: str) -> None:
    judged(op, kind)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.text(max_size=20),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
        max_leaves=8,
    ),
    st.one_of(st.sampled_from(sorted(KINDS)), st.text(max_size=8), st.none(), st.integers()),
    st.one_of(st.text(max_size=30), st.none(), st.integers()),
)
def test_what_is_no_operation_gets_an_answer(op: object, kind: object, cwd: object) -> None:
    judged(op, kind, cwd)


@given(st.text(max_size=200))
@example('{"op": "ls"')
@example("[" * 100_000)
@example('{"op": NaN, "kind": 1e999}')
@example('{"op": "ls", "cwd": "\\u0000"}')
def test_any_line_gets_an_answer(line: str) -> None:
    assert judge_line(line, Policy(), cwd="/home/dev/project")["verdict"] in STRICTNESS


BREAKING = (
    "\n'", '\n"', "\n`", "\n$(", "\n${", "\n((", "\n$((", "\n(", "\n{", "\nif", "\nfor", "\ncase x in", "\ncat <<",
    "\nfi",
    "\n)", "\n}", "\n;;", "\n|", "\n&&", "\n<", "\n>", "\n\0", "\n\ud800", "\n\\", "\n${a b}", "\n[[ a", "\n<(",
    "\n" + "(" * 5_000, "\n" + "$(" * 3_000, "\n" + "a " * 10_000, "\n" + "{a,b}" * 3_000, "\n: {1..99999999}",
    "\nf() { f; }; f", "\nwhile :; do :; done", "\nselect x in a; do :; done", "\ncoproc x", "\nlet x=",
    "\na=(", "\n" + "x" * 30_000,
)  # fmt: skip
"""What follows a command on another line and cannot be understood, or is too much to be."""


@pytest.mark.no_cover
@pytest.mark.parametrize("breaking", BREAKING, ids=lambda text: repr(text[:20]))
def test_nothing_that_breaks_the_judge_makes_a_dangerous_operation_safe(breaking: str) -> None:
    safe = [base.text for base in BASES if base.verdict != "safe" and judged(base.text + breaking)["verdict"] == "safe"]
    safe += [row.op for row in DANGEROUS[::60] if judged(row.op + breaking, cwd=row.cwd)["verdict"] == "safe"]
    assert not safe


@given(st.sampled_from(DANGEROUS), st.sampled_from(BREAKING[:24]), st.data())
@settings(max_examples=100)
def test_damaged_dangerous_operations_are_not_safe_by_mistake(row: Row, breaking: str, data: st.DataObject) -> None:
    """A cut may leave a harmless rest, so the damage is added, never taken away, and only between commands."""
    noise = data.draw(st.lists(st.sampled_from(PIECES), max_size=6).map("".join))
    assert judged(f"{row.op}\n{noise}{breaking}", cwd=row.cwd)["verdict"] != "safe"


@pytest.mark.parametrize(
    "error", [RecursionError, MemoryError, KeyError, ValueError, AssertionError, UnicodeError, OSError]
)
def test_an_error_inside_is_a_question_for_a_human(error: type[Exception], monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise error("inside")

    monkeypatch.setattr(calls, "effects_of", broken)
    for kind, op in (("shell", "ls"), ("git", "git status"), ("http", "GET x"), ("mcp_tool", "tasks_list {}")):
        assert (judged(op, kind)["verdict"], judged(op, kind)["rule"]) == ("requires_approval", "A0")
