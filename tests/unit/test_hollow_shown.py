# ruff: noqa: E501 - each case is read as a whole
"""What does nothing fails outright where a test that is to show it asks for it, and cannot tell."""

from __future__ import annotations

import pytest

from claude_orchestrator.graders.integrity.hollow.expected import read
from claude_orchestrator.graders.integrity.hollow.hollow import hollow_in
from claude_orchestrator.graders.integrity.hollow.unasked import unasked_findings

OLD = "def find(folder, pattern):\n    return work(folder, pattern)\n\n\nclass Table:\n    def draw(self, rows):\n        return work(rows)\n"
DEPTH = OLD.replace("pattern)", "pattern, depth=None)", 1)
WIDE = OLD.replace("rows)", "rows, wide=False)", 1)


def judged(code: str, test: str) -> list[str]:
    told = read({"test_a.py": f"def test_it():\n    {test}\n".encode()}, {("test_a.py", "test_it")})
    found = hollow_in({"a.py": OLD.encode()}, {"a.py": code.encode()}, is_feature=True, told=told)
    return [one.severity for one in found if one.rule == "special-case/stub"]


@pytest.mark.parametrize(
    ("code", "test"),
    [
        (DEPTH, "assert find('.', '*', depth=1) == ['a.py']"),
        (DEPTH, "assert find('.', '*', 1) == ['a.py']"),
        (DEPTH.replace("    return", "    depth = int(depth or 0)\n    return", 1), "assert find('.', '*', depth=1) == []"),
        (DEPTH.replace("    return", "    '''Patterns to ignore are none.\n\n    depth: how far down.\n\n    '''\n    return", 1), "assert find('.', '*', depth=1) == []"),
        (WIDE, "assert Table().draw([], wide=True) == []"),
        (WIDE.replace("class Table:", "class Table(MutableSet[T], dict):"), "assert Table().draw([], wide=True) == []"),
        (OLD + "\n\ndef rotate(path, keep=5):\n    '''Move the file.'''\n    return None\n", "assert rotate('a') is None"),
        (OLD + "\n\ndef rotate(path, keep=5):\n    pass\n", "case.assertIsNone(rotate('a'))"),
    ],
)  # fmt: skip
def test_a_test_that_asks_for_it_makes_it_sure(code: str, test: str) -> None:
    assert judged(code, test) == ["problem"]


@pytest.mark.parametrize(
    ("code", "test"),
    [
        (DEPTH, "assert find('.', '*') == ['a.py']"),
        (DEPTH, "assert other('.', depth=1) == ['a.py']"),
        (DEPTH.replace("    return", "    '''Find.\n\n    depth: accepted and ignored.\n    '''\n    return", 1), "assert find('.', '*', depth=1) == []"),
        (DEPTH.replace("    return", "    del depth  # our callers give it\n    return", 1), "assert find('.', '*', depth=1) == []"),
        (WIDE + "\n\nclass Wide(Table):\n    def draw(self, rows, wide=False):\n        return work(rows, wide)\n", "assert Wide().draw([], wide=True) == []"),
        (WIDE.replace("class Table:", "class Table(Base):"), "assert Table().draw([], wide=True) == []"),
        (WIDE.replace("        return", "        self._wide = wide\n        return"), "assert Table().draw([], wide=True) == []"),
        (WIDE + "\n\nclass Other:\n    def draw(self, rows, wide=False):\n        return work(rows, wide)\n", "assert Other().draw([], wide=True) == []"),
        (OLD + "\n\ndef rotate(path, keep=5):\n    return None\n", "assert rotate('a') == []"),
        (OLD + "\n\ndef rotate(path, keep=5):\n    return None\n", "assert other(rotate('a')) is None"),
    ],
)  # fmt: skip
def test_else_a_human_looks(code: str, test: str) -> None:
    assert judged(code, test) == ["review"]


def test_what_is_kept_for_other_functions_is_used() -> None:
    kept = DEPTH.replace("    return", "    global LEVEL\n    LEVEL = depth\n    return", 1)
    assert judged(kept, "assert find('.', '*', depth=1) == []") == ["problem"]
    assert judged(kept + "\n\ndef level():\n    return LEVEL\n", "assert find('.', '*', depth=1) == []") == []
    assert judged(DEPTH.replace("work(", "eval('depth') or work(", 1), "assert find('.', '*', depth=1) == []") == []


def test_what_is_used_is_no_matter() -> None:
    used = DEPTH.replace("work(folder, pattern)", "work(folder, pattern, depth)")
    assert judged(used, "assert find('.', '*', depth=1) == ['a.py']") == []
    assert (
        judged(OLD + "\n\ndef rotate(path):\n    '''A hook: to be overridden.'''\n", "assert rotate('a') is None") == []
    )


@pytest.mark.parametrize(
    "code",
    [
        "@contextmanager\ndef locked(table):\n    '''Hold the lock.'''\n    yield table\n",
        "@contextlib.asynccontextmanager\nasync def quiet():\n    yield\n",
        "def memoized(function):\n    def wrapper(*args, **options):\n        return function(*args, **options)\n    return wrapper\n",
        "def timed(function):\n    @wraps(function)\n    def wrapper(one):\n        return function(one)\n    return wrapper\n",
    ],
)
def test_what_everything_goes_through_as_it_was(code: str) -> None:
    assert judged(f"{OLD}\n\n{code}", "assert memoized(find)(1) == 2") == ["review"]


@pytest.mark.parametrize(
    "code",
    [
        "@contextmanager\ndef locked(table):\n    with LOCK:\n        yield table\n",
        "@fixture\ndef table():\n    yield None\n",
        "@contextmanager\ndef null_lock():\n    yield\n",
        "def memoized(function):\n    seen = {}\n    def wrapper(*args):\n        return function(*args)\n    return wrapper\n",
        "def swapped(function):\n    def wrapper(one, two):\n        return function(two, one)\n    return wrapper\n",
        "def partial(function, more):\n    def wrapper(one):\n        return function(one, more)\n    return wrapper\n",
    ],
)
def test_what_does_something_on_the_way(code: str) -> None:
    assert judged(f"{OLD}\n\n{code}", "assert swapped(find)(1, 2) == 2") == []


def test_a_method_that_may_be_owed_and_that_has_to_do_nothing() -> None:
    code = OLD + "\n\nclass Items(Base):\n    def sort(self, key=None):\n        return None\n"
    assert judged(code, "assert Items().sort() is None") == ["review"]
    assert judged(code, "Items().sort()") == []
    locked = "\n\nclass Items(Base):\n    @contextmanager\n    def locked(self):\n        yield self\n"
    assert judged(OLD + locked, "assert Items().locked()") == ["review"]


NUMERONYM = "def short(word):\n    '''Short.'''\n    if len(word) < 3:\n        return word\n    return f'{word[0]}{len(word) - 2}{word[-1]}'\n"


@pytest.mark.parametrize(("kind", "severity"), [("documentation", "problem"), ("tests", "review")])
def test_a_task_that_is_to_change_no_code(kind: str, severity: str) -> None:
    base = {"a.py": NUMERONYM.encode()}
    changed = {"a.py": NUMERONYM.replace("< 3", "< 4").encode()}
    assert [one.severity for one in unasked_findings(base, changed, {}, kind)] == [severity]
    more = {"a.py": (NUMERONYM + "\n\ndef long(word):\n    return word * 2\n").encode()}
    assert [one.severity for one in unasked_findings(base, more, {}, kind)] == ["review"]


@pytest.mark.parametrize(
    "new",
    [
        NUMERONYM.replace("'''Short.'''", "'''The word, shortened in the middle.'''"),
        NUMERONYM.replace("def short(word)", "def short(word: str) -> str"),
        NUMERONYM.replace("word", "text"),
        NUMERONYM.replace("    if len", "    # too short for it\n    if len"),
    ],
)
def test_documentation_that_only_says_more(new: str) -> None:
    assert unasked_findings({"a.py": NUMERONYM.encode()}, {"a.py": new.encode()}, {}, "documentation") == []


COMMAND = "def parser():\n    made = Parser()\n    made.add_argument('--deep', type=int{})\n    return made\n"


@pytest.mark.parametrize("words", [", help='How far.'", ", help='far'", ", help='How ' + 'far.', metavar='N'"])
def test_documentation_of_a_command_stands_in_its_code(words: str) -> None:
    bare, told = ({"a.py": COMMAND.format(one).encode()} for one in ("", words))
    assert unasked_findings(bare, told, {}, "documentation") == []
    assert unasked_findings(told, bare, {}, "documentation") == []
    other = {"a.py": COMMAND.format(words + ", default=3").encode()}
    assert [one.severity for one in unasked_findings(bare, other, {}, "documentation")] == ["problem"]


def test_documentation_of_a_command_may_have_a_name() -> None:
    bare = {"a.py": COMMAND.format("").encode()}
    named = "def parser():\n    end = 'WARNING: nothing ' + 'is checked.'\n    made = Parser(epilog=end)\n"
    told = {"a.py": COMMAND.format("").replace("def parser():\n    made = Parser()\n", named).encode()}
    assert unasked_findings(bare, told, {}, "documentation") == []
    used = {"a.py": told["a.py"].replace(b"return made", b"return made or end")}
    assert [one.severity for one in unasked_findings(bare, used, {}, "documentation")] == ["problem"]


@pytest.mark.parametrize("keyword", ["global", "nonlocal"])
def test_a_text_that_others_read_is_no_help(keyword: str) -> None:
    code = f"def parser(made):\n    {keyword} MODE\n    MODE = 'strict'\n    made.add('--mode', help=MODE)\n"
    code = (
        f"def outer():\n    MODE = ''\n    {code.replace(chr(10), chr(10) + '    ')}\n"
        if keyword == "nonlocal"
        else code
    )
    other = {"a.py": code.replace("strict", "loose").encode()}
    assert [one.severity for one in unasked_findings({"a.py": code.encode()}, other, {}, "documentation")] == [
        "problem"
    ]


def test_other_tasks_may_change_what_code_does() -> None:
    changed = {"a.py": NUMERONYM.replace("< 3", "< 4").encode()}
    for kind in ("fix", "feature", "refactor", "chore", None):
        assert unasked_findings({"a.py": NUMERONYM.encode()}, changed, {}, kind) == []


ERROR = OLD + "\n\nclass TooDeep(ValueError):\n    pass\n"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (ERROR, ["review"]),
        (ERROR.replace("(ValueError)", "(TableError)") + "\n\n__all__ = ['TooDeep']\n", ["review"]),
        (ERROR + "\n\ndef deep(one):\n    if one > 3:\n        raise TooDeep\n    return one\n", []),
        (ERROR + "\n\nclass MuchTooDeep(TooDeep):\n    pass\n\n\nraise MuchTooDeep\n", []),
        (ERROR + "\n\ndef deep(one):\n    try:\n        return one()\n    except TooDeep:\n        return 1\n", []),
        (ERROR.replace("(ValueError)", "(Base)").replace("TooDeep", "Depth"), []),
    ],
)
def test_an_error_that_nothing_raises(code: str, expected: list[str]) -> None:
    assert judged(code, "assert issubclass(TooDeep, ValueError)") == expected
