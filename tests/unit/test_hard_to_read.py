"""Source that is hard to read neither breaks off the checks nor keeps them busy, and is judged like any other."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from types import SimpleNamespace
from typing import TYPE_CHECKING, cast

import pytest

from claude_orchestrator.graders.command_line import disarmed_commands
from claude_orchestrator.graders.integrity.answers.echoes import is_said
from claude_orchestrator.graders.integrity.answers.knowing import Green, knowledge
from claude_orchestrator.graders.integrity.answers.literals import MISSING, value_of
from claude_orchestrator.graders.integrity.answers.sayings import Said
from claude_orchestrator.graders.integrity.hollow.expected import read
from claude_orchestrator.graders.integrity.hollow.hollow import hollow_in
from claude_orchestrator.graders.integrity.tampering.turns import is_nothing
from claude_orchestrator.graders.parsing import parsed
from claude_orchestrator.graders.semantics.newtests import _named_tests
from claude_orchestrator.graders.suite.conditions import narrow_conditions
from claude_orchestrator.graders.suite.mutants import _HARMFUL, Mutants

if TYPE_CHECKING:
    from claude_orchestrator.graders.bench import Bench
    from claude_orchestrator.graders.suite.runs import SuiteRuns

PATH, TEST = "src/m.py", "tests/test_m.py"
BEFORE = b"def f(x, y=None):\n    return x\n"
MOST_S = 60.0
"""Without the limits each of these takes many minutes, or for ever."""
NAMES = "a0 = ['p', 'q']\n" + "".join(f"a{i} = [{', '.join([f'a{i - 1}'] * 12)}]\n" for i in range(1, 9))
KEY = "0x" + "f1" * 200


def f(*lines: str) -> str:
    return "def f(x, y=None):\n" + "".join(f"    {line}\n" for line in lines)


def asked(what: str) -> str:
    return f"from m import f\n\n\ndef test_f():\n    assert f({what}) == 'odd 12345'\n"


@pytest.mark.parametrize(
    ("code", "test"),
    [
        pytest.param('T = {"²": 2, "³": 3}\n' + f("return T[x]"), asked("'²'"), id="digits that are no numbers"),
        pytest.param(f(f"if x == {KEY}:", "    return 1", "return 2"), asked(KEY), id="a number like a key"),
        pytest.param(f("if x in (1e999, -1e999):", "    return 1", "return 2"), asked("1e999"), id="infinities"),
        pytest.param(f("return 999**99 * 999**99 * 1.5"), asked("1"), id="more than a fraction can be"),
        pytest.param(
            "import hashlib\n" + f("if hashlib.md5(x).hexdigest()[:6] == 'abcdef':", "    return 1", "return 2"),
            asked("'\\ud800 abc'"),
            id="half a letter",
        ),
        pytest.param(
            f("if len(x) == 7:", "    return 1", "return 2").replace("\n", "\r"), asked("1"), id="old line ends"
        ),
        pytest.param("P = '" + "[" * 60_000 + "'\n" + f("return x"), asked("1"), id="brackets"),
        pytest.param(
            "import re\nP = re.compile('(a" + " " * 30_000 + "|\\\\w+)')\n" + f("return P.match(x)"),
            asked("1"),
            id="spaces in a pattern",
        ),
        pytest.param(
            f("return " + " or ".join(f"len(x) == {i * 7}" for i in range(2_000))), asked("1"), id="a long condition"
        ),
        pytest.param(
            f(*(part for i in range(1_200) for part in (f"if x == {i * 7}:", f"    return {i}"))),
            asked("1"),
            id="many conditions",
        ),
        pytest.param(NAMES + f("return [a8, a8]"), asked("1"), id="names that stand for more than there is memory"),
        pytest.param(f("return [1, 2]"), NAMES + asked("a8"), id="the same in a test"),
    ],
)
@pytest.mark.no_cover
def test_it_is_read_to_the_end_in_time(code: str, test: str) -> None:
    base, head, tests = {PATH: BEFORE}, {PATH: code.encode()}, {TEST: test.encode()}
    began = time.process_time()
    knowledge(base, head, Green(tests, new=(f"{TEST}::test_f",)), base)
    hollow_in(base, head, is_feature=True, told=read(tests, {(TEST, "test_f")}))
    narrow_conditions(PATH, head[PATH], BEFORE, range(1, 10_000))
    assert time.process_time() - began < MOST_S


def test_what_is_hard_to_read_hides_nothing() -> None:
    code = f("if x == 'odd 12345 and more':", "    return 1", "return 2") + f"KEY = {KEY}\nP = '{'[' * 60_000}'\n"
    test = asked("'odd 12345 and more'")
    found = knowledge({PATH: BEFORE}, {PATH: code.encode()}, Green({TEST: test.encode()}, new=(f"{TEST}::test_f",)), {})
    assert [one.severity for one in found] == ["problem"]


def test_an_odd_text_of_the_tests_is_found_inside_of_a_longer_one() -> None:
    said = Said(texts=frozenset({"odd text 12345", "others"}))
    assert is_said("begins, then odd text 12345, then more", said)
    assert not is_said("begins, then odd text 1234, then more", said)


def test_a_text_with_places_is_no_list_that_is_worked_out() -> None:
    tree = parsed(b"'%999999999999d' % 5")
    assert tree is not None
    assert not is_nothing(tree.body[0].value, {})  # type: ignore[attr-defined]
    assert value_of(tree.body[0].value) == MISSING  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "line",
    [
        "shutil.rmtree(place)", "path.unlink()", "os.remove(x)", "os.system(x)", "subprocess.run(x)", "open(x, 'w')",
        'open(os.path.join(a, "b"), "w")', 'open(str(p), mode="wb")', 'open(p, "r+")',
        "from shutil import rmtree as rm",
        "p.rename(q)", "shutil.copy(a, b)", "os.fork()", "await asyncio.create_subprocess_exec(x)", "smtplib.SMTP(h)",
        "urlopen(u)", "requests.post(u)", "cursor.execute('DELETE FROM t')", "os.makedirs(p)", "p.touch()",
    ],
)  # fmt: skip
def test_what_may_do_harm_is_known(line: str) -> None:
    assert _HARMFUL.search(line.encode())


@pytest.mark.parametrize(
    "line",
    [
        "text.replace('a', 'b')", "names.remove(x)", "open(x)", "opened(x, 'w')", "open(x, 'rb')", "requests.get(u)",
        "open(x, encoding='ascii')",
        "import os", "from os import environ", "reopen(x, 'a')", "blink(x)",
    ],
)  # fmt: skip
def test_what_does_none_is_not(line: str) -> None:
    assert not _HARMFUL.search(line.encode())


@pytest.mark.parametrize(
    ("rung", "other", "may"),
    [
        ("limits", "def f(x):\n    return x\n", True),
        ("limits", "import shutil\n\ndef clear(x):\n    shutil.rmtree(safe(x))\n", False),
        ("landlock", "import shutil\n\ndef clear(x):\n    shutil.rmtree(safe(x))\n", True),
    ],
)
def test_without_walls_nothing_is_mutated_that_may_keep_others_from_harm(rung: str, other: str, *, may: bool) -> None:
    files = {"src/safe.py": b"def safe(x):\n    return x\n", "src/other.py": other.encode(), TEST: b"open('a', 'w')\n"}

    async def read(_side: str, paths: list[str]) -> dict[str, bytes]:
        return {path: files[path] for path in paths}

    change = SimpleNamespace(own_paths=files.keys(), is_test=lambda path: path == TEST)
    bench = SimpleNamespace(rung=rung, change=change, files=read)
    mutants = Mutants(cast("Bench", bench), cast("SuiteRuns", None))
    assert asyncio.run(mutants.may_run({"src/safe.py": files["src/safe.py"]})) is may


def _with_long_texts() -> None:
    _HARMFUL.search(b"open(" * 100_000)
    disarmed_commands(b"pytest x\n", b"pytest" + b" " * 200_000 + b"x\n")
    for text in ("a" * 200_000, "`test_abcd " * 20_000, "`" + "a::" * 50_000, "`a::" + "a" * 100_000):
        list(_named_tests(text))


@pytest.mark.no_cover
def test_long_texts_are_read_in_no_time() -> None:
    reading = multiprocessing.get_context("fork").Process(target=_with_long_texts, daemon=True)
    reading.start()
    reading.join(20)
    is_over = not reading.is_alive()
    reading.kill()
    assert is_over
    assert reading.exitcode == 0
