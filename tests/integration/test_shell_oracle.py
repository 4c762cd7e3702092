"""Our parser against bash itself and against shfmt, over real-life and generated command lines.

Nothing of them is run: `bash -n` only reads, and what `printf` prints are words without any substitution.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from shell_world import COMMANDS, Generator

from claude_orchestrator.safety.shell import nodes
from claude_orchestrator.safety.shell.nodes import Brace, Lit, Script, ShellSyntaxError, Simple, Word
from claude_orchestrator.safety.shell.parser import parse

BASH = shutil.which("bash")
SHFMT = shutil.which("shfmt") or shutil.which("shfmt", path=str(Path(sys.executable).parent))

pytestmark = pytest.mark.skipif(BASH is None, reason="no bash to compare with")

READ_EACH = """while IFS= read -r -d '' line; do
  if said=$("$BASH" --noprofile --norc -n -c "$line" 2>&1) && [[ $said != *here-document* ]]
  then echo yes; else echo no; fi
done"""
PRINT_EACH = """while IFS= read -r -d '' line; do eval "printf '%s\\0' $line"; printf '\\1\\0'; done"""


def bash(script: str, lines: list[str], folder: Path) -> bytes:
    assert BASH
    return subprocess.run(
        [BASH, "--noprofile", "--norc", "-c", script],
        input="".join(f"{line}\0" for line in lines).encode("utf-8", "surrogateescape"),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env={"LC_ALL": "C.UTF-8"},
        timeout=100,
        check=True,
    ).stdout


def parsed(line: str) -> Script | None:
    try:
        return parse(line)
    except ShellSyntaxError:
        return None


def generated(seed: int, count: int) -> list[str]:
    generator = Generator(seed)
    return [generator.command_line() for _ in range(count)]


def is_doubtful(node: object) -> bool:
    """Whether a tree holds a command on which versions of bash differ: its effects are found, and a human looks."""
    if isinstance(node, tuple):
        return any(map(is_doubtful, node))
    if getattr(node, "doubtful", False):
        return True
    return any(is_doubtful(getattr(node, name)) for name in getattr(node, "__slots__", ()))


def compare_with_bash(lines: list[str], folder: Path) -> tuple[list[str], list[str]]:
    """What we accept and bash does not, and what bash accepts and we do not."""
    answers = bash(READ_EACH, lines, folder).split()
    assert len(answers) == len(lines)
    trees = [parsed(line) for line in lines]
    ours = [tree is not None and not is_doubtful(tree) for tree in trees]
    both = list(zip(lines, ours, [answer == b"yes" for answer in answers], strict=True))
    assert sum(mine and theirs for _, mine, theirs in both) > len(lines) // 2
    assert sum(not theirs for *_, theirs in both) > 20
    return [line for line, mine, theirs in both if mine > theirs], [
        line for line, mine, theirs in both if mine < theirs
    ]


def test_nothing_is_accepted_that_bash_rejects_and_little_else_is_refused(tmp_path: Path) -> None:
    accepted, refused = compare_with_bash(COMMANDS, tmp_path)
    assert accepted == []
    # By design: a test of `[[` without its operand (bash 5.2 takes `[[ a == ]]` and reads on), a lone `!` or `time`,
    # loops over what is no name, `coproc`, and here-documents in odd places.
    assert len(refused) <= 10, refused


def test_generated_lines_are_accepted_only_when_bash_accepts_them(tmp_path: Path) -> None:
    accepted, refused = compare_with_bash(generated(7, 900), tmp_path)
    assert accepted == []
    assert len(refused) <= 30, refused


# Values of words, as bash passes them to a program.


def expansions(parts: tuple[Any, ...]) -> list[tuple[str, bool]]:
    """Each text that literal parts and braces make, and whether some of it was quoted."""
    texts = [("", False)]
    for part in parts:
        if type(part) is Lit:
            texts = [(text + part.text, quoted or part.quoted) for text, quoted in texts]
        else:
            assert type(part) is Brace
            texts = [
                (text + more, quoted or more_quoted)
                for text, quoted in texts
                for alternative in part.alternatives
                for more, more_quoted in expansions(alternative)
            ]
    return texts


def arguments(words: tuple[Word, ...]) -> list[str]:
    return [text for word in words for text, quoted in expansions(word.parts) if text or quoted]


def test_words_have_the_values_that_bash_gives_them(tmp_path: Path) -> None:
    generator = Generator(11)
    lines = [" ".join(generator.literal_words()) for _ in range(3000)]
    lines += [line.removeprefix("echo ") for line in COMMANDS if line.startswith("echo ") and is_plain_text(line)]
    known = [(line, script) for line in lines if (script := parsed(f"x {line}")) is not None and "#" not in line]
    assert len(known) > 2000
    printed = bash(PRINT_EACH, [line for line, _ in known], tmp_path).split(b"\1\0")
    assert len(printed) == len(known) + 1
    wrong = []
    for (line, script), output in zip(known, printed, strict=False):
        simple = script.items[0][0]
        assert type(simple) is Simple
        theirs = [value.decode("utf-8", "surrogateescape") for value in output.split(b"\0")[:-1]]
        ours = arguments(simple.words[1:]) or [""]
        if ours != theirs:
            wrong.append((line, ours, theirs))
        for word in simple.words:
            if word.literal is not None:
                assert arguments((word,)) in ([word.literal], [])
    assert wrong == []
    assert list(tmp_path.iterdir()) == []


def is_plain_text(line: str) -> bool:
    """Whether bash may print it: nothing in it can run, be looked up, match or redirect."""
    script = parsed(line)
    if script is None or len(script.items) != 1:
        return False
    command = script.items[0][0]
    if type(command) is not Simple or command.redirects or any(char in line for char in "*?[~!"):
        return False
    return all(is_literal(part) for word in command.words for part in word.parts)


def is_literal(part: nodes.Part) -> bool:
    if type(part) is Brace:
        return all(is_literal(inner) for alternative in part.alternatives for inner in alternative)
    return type(part) is Lit


# Structure, as shfmt sees it.


def calls_of(node: Any, source: str) -> Iterator[tuple[int, list[str | None]]]:
    """The simple commands of our tree: byte offset and the words' values."""
    stack = [node]
    while stack:
        node = stack.pop()
        if type(node) is tuple:
            stack.extend(node)
        elif hasattr(type(node), "__slots__"):
            if type(node) is Simple and node.words:
                words = [word.literal for word in node.words]
                words += [None for assign in node.assigns if assign.start > node.words[0].start]
                yield len(source[: node.words[0].start].encode()), words
            stack.extend(getattr(node, slot) for slot in type(node).__slots__)


def shfmt_calls(node: Any) -> Iterator[tuple[int, list[str | None]]]:
    stack = [node]
    while stack:
        node = stack.pop()
        if isinstance(node, list):
            stack.extend(node)
        elif isinstance(node, dict):
            if node.get("Type") == "CallExpr" and node.get("Args"):
                yield node["Args"][0]["Pos"]["Offset"], [shfmt_value(word) for word in node["Args"]]
            elif node.get("Type") == "DeclClause":
                yield node["Pos"]["Offset"], [node["Variant"]["Value"], *[None for _ in node.get("Args", [])]]
            stack.extend(node.values())


def shfmt_value(word: dict[str, Any]) -> str | None:
    value = ""
    for part in word["Parts"]:
        kind = part["Type"]
        if kind == "Lit":
            value += unescaped(part["Value"], None)
        elif kind == "SglQuoted" and not part.get("Dollar"):
            value += part.get("Value", "")
        elif kind == "DblQuoted" and all(inner["Type"] == "Lit" for inner in part.get("Parts", [])):
            value += "".join(unescaped(inner["Value"], '$`"\\') for inner in part.get("Parts", []))
        else:
            return None
    return value


def unescaped(text: str, only: str | None) -> str:
    result = ""
    characters = iter(text)
    for char in characters:
        if char == "\\":
            follower = next(characters, "")
            if follower != "\n":
                result += follower if only is None or follower in only else char + follower
        else:
            result += char
    return result


def shfmt_tree(text: str) -> Any | None:
    assert SHFMT
    done = subprocess.run(
        [SHFMT, "-ln", "bash", "--to-json"], input=text.encode(), capture_output=True, timeout=30, check=False
    )
    return json.loads(done.stdout) if done.returncode == 0 else None


def differences(text: str) -> tuple[list[Any], list[Any]] | None:
    """The calls that only one of the two sees; None when shfmt does not read the text."""
    tree = shfmt_tree(text)
    script = parsed(text)
    if tree is None or script is None:
        return None
    ours = sorted(calls_of(script, text), key=lambda call: call[0])
    theirs = sorted(shfmt_calls(tree), key=lambda call: call[0])
    if len(ours) == len(theirs) and all(
        mine[0] == other[0]
        and len(mine[1]) == len(other[1])
        and all(a is None or b is None or a == b for a, b in zip(mine[1], other[1], strict=True))
        for mine, other in zip(ours, theirs, strict=True)
    ):
        return [], []
    return ours, theirs


# Where shfmt is the one that differs from bash: it keeps `let` apart, drops carriage returns, takes `time` behind a
# pipe for a keyword, and does not join `$` and `(` over a line continuation.
SHFMT_DIFFERS = {
    "let i=i+1",
    'let "x = 5"',
    "ls | time wc",
    'echo "$\\\n(ls)" $\\\n{x} "${x\\\n}" a\\\n b',
    "a\r\nb",
    "ls\r",
}


def test_commands_and_their_words_are_those_that_shfmt_sees() -> None:
    if SHFMT is None or shfmt_tree("ls") is None:
        pytest.skip("shfmt does not run here")
    lines = [line for line in [*COMMANDS, *generated(23, 400)] if parsed(line) is not None]
    compared = 0
    different = []
    for line in lines:
        found = differences(line)
        if found is not None and line not in SHFMT_DIFFERS:
            compared += 1
            if found != ([], []):
                different.append((line, *found))
    assert compared > 700
    assert different == []
