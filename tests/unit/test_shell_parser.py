"""The tree of a command line, construct by construct; where nodes stand; what is refused; how long it takes."""

from __future__ import annotations

import contextlib
import time
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_orchestrator.safety.shell import nodes
from claude_orchestrator.safety.shell.nodes import (
    Arith,
    ArithCommand,
    ArithFor,
    Brace,
    Case,
    CommandSub,
    Compound,
    For,
    Function,
    If,
    Lit,
    Param,
    Pipeline,
    ProcessSub,
    Script,
    ShellSyntaxError,
    Simple,
    While,
    Word,
)
from claude_orchestrator.safety.shell.parser import parse

# Trees are compared as plain data: a literal is its text (with ' in front when quoted), a word is its value when it has
# one and the list of its parts otherwise, a command is a tuple that begins with what it is.


def plain_part(part: nodes.Part) -> Any:
    match part:
        case Lit():
            return ("'" if part.quoted else "") + part.text
        case Param():
            flags = ('"' if part.quoted else "") + ("#" if part.length else "") + ("!" if part.indirect else "")
            more = [plain(word) for word in (part.word, part.replacement) if word is not None]
            index = [("[]", plain(part.index))] if part.index is not None else []
            return (f"{flags}${part.name}", *index, *([part.op] if part.op else []), *more)
        case CommandSub():
            return (('"' if part.quoted else "") + "$()", *plain_script(part.script))
        case ProcessSub():
            return (part.direction + "()", *plain_script(part.script))
        case Arith():
            return (('"' if part.quoted else "") + "$(())", part.text, *map(plain_part, part.word.parts))
        case Brace():
            return ("{}", *[[plain_part(inner) for inner in alternative] for alternative in part.alternatives])
    raise AssertionError(part)


def plain(word: Word) -> Any:
    if word.literal is not None:
        assert "".join(part.text for part in word.parts if type(part) is Lit) == word.literal
        return word.literal
    return [plain_part(part) for part in word.parts]


def plain_redirects(command: Any) -> list[Any]:
    return [(redirect.fd + redirect.op, plain(redirect.target)) for redirect in command.redirects]


def plain_assign(assign: nodes.Assign) -> Any:
    name = assign.name + ("" if assign.index is None else f"[{plain(assign.index)}]") + ("+=" if assign.append else "=")
    if assign.array is not None:
        return (name, [plain(word) for word in assign.array])
    assert assign.value is not None
    return (name, plain(assign.value))


def plain_command(command: nodes.Command) -> Any:
    match command:
        case Simple():
            prefix = [plain_assign(assign) for assign in command.assigns]
            return (*prefix, *map(plain, command.words), *plain_redirects(command))
        case Pipeline():
            words = ["!"] * command.negated + ["time"] * command.timed + ["|&" if any(command.stderr) else "|"]
            return (" ".join(words), *map(plain_command, command.commands))
        case Compound():
            return (command.kind, *plain_script(command.body), *plain_redirects(command))
        case If():
            branches = [[plain_script(condition), plain_script(body)] for condition, body in command.branches]
            otherwise = [] if command.otherwise is None else ["else", plain_script(command.otherwise)]
            return ("if", *branches, *otherwise, *plain_redirects(command))
        case While():
            return (
                command.kind,
                plain_script(command.condition),
                plain_script(command.body),
                *plain_redirects(command),
            )
        case For():
            words = None if command.words is None else [plain(word) for word in command.words]
            return (command.kind, command.name, words, plain_script(command.body), *plain_redirects(command))
        case ArithFor():
            return ("for((", [expression.text for expression in command.expressions], plain_script(command.body))
        case Case():
            clauses = [[[plain(word) for word in patterns], plain_script(body)] for patterns, body in command.clauses]
            return ("case", plain(command.word), *clauses, *plain_redirects(command))
        case Function():
            return ("function", command.name, plain_command(command.body))
        case nodes.Test():
            return ("[[", *map(plain, command.words), *plain_redirects(command))
        case ArithCommand():
            return ("((", command.expression.text, *plain_redirects(command))
    raise AssertionError(command)


def plain_script(script: Script) -> list[Any]:
    items: list[Any] = []
    for command, separator in script.items:
        items.append(plain_command(command))
        if separator:
            items.append(separator)
    return items


def tree(source: str) -> list[Any]:
    return plain_script(parse(source))


def words(source: str) -> Any:
    """The words behind the command's name."""
    (command,) = tree("x " + source)
    return list(command[1:])


def nodes_below(root: Any) -> list[Any]:
    found = []
    stack = [root]
    while stack:
        node = stack.pop()
        if type(node) is tuple:
            stack.extend(node)
        elif hasattr(type(node), "__slots__"):
            found.append(node)
            stack.extend(getattr(node, slot) for slot in type(node).__slots__)
    return found


def slices(source: str, kind: type) -> list[str]:
    """The source of each node of one kind, in the order of the text."""
    below = [node for node in nodes_below(parse(source)) if type(node) is kind]
    return [source[node.start : node.end] for node in sorted(below, key=lambda node: (node.start, -node.end))]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("git status", [("git", "status")]),
        ("  ls   -l\t.  ", [("ls", "-l", ".")]),
        ("", []),
        ("# only a comment", []),
        ("\n\n", []),
        ("ls # c", [("ls",)]),
        ("ls a#b", [("ls", "a#b")]),
        ("ls 'a b' \"c d\" e\\ f", [("ls", "a b", "c d", "e f")]),
        ("r'm' -r\"f\" \\x", [("rm", "-rf", "x")]),
        ("a; b & c && d || e", [("a",), ";", ("b",), "&", ("c",), "&&", ("d",), "||", ("e",)]),
        ("a;b\nc;", [("a",), ";", ("b",), ";", ("c",), ";"]),
        ("a &&\n\nb ||\nc", [("a",), "&&", ("b",), "||", ("c",)]),
        ("a | b |& c", [("|&", ("a",), ("b",), ("c",))]),
        ("a |\nb", [("|", ("a",), ("b",))]),
        ("! a | b", [("! |", ("a",), ("b",))]),
        ("! ! a", [("a",)]),
        ("time -p a", [("time |", ("a",))]),
        ("a | time b", [("|", ("a",), ("time", "b"))]),
        ("echo if then ! { } time", [("echo", "if", "then", "!", "{", "}", "time")]),
        ("'if' x", [("if", "x")]),
        ("a=1 b", [(("a=", "1"), "b")]),
        ("a= b=$x", [(("a=", ""), ("b=", [("$x",)]))]),
        ("a+=1 b c=d", [(("a+=", "1"), "b", "c=d")]),
        ("a[1]=2", [(("a[1]=", "2"),)]),
        ("a[$i+1]+=x y", [(("a[" + str([('"$i',), "'+1"]) + "]+=", "x"), "y")]),
        ("a=(b 'c d' $e)", [(("a=", ["b", "c d", [("$e",)]]),)]),
        ("a+=(\n b # c\n\n d)", [(("a+=", ["b", "d"]),)]),
        ("declare -a x=(1 2) y=3", [(("x=", ["1", "2"]), "declare", "-a", "y=3")]),
        ("a={b,c} d", [(("a=", "{b,c}"), "d")]),
        ("( a; b ) >c", [("subshell", ("a",), ";", ("b",), (">", "c"))]),
        ("{ a; } 2>&1 | b", [("|", ("group", ("a",), ";", ("2>&", "1")), ("b",))]),
        ("{ (a) }", [("group", ("subshell", ("a",)))]),
        ("if a; then b; fi", [("if", [[("a",), ";"], [("b",), ";"]])]),
        (
            "if a\nthen b\nelif c; then d; else e; fi <f",
            [("if", [[("a",), ";"], [("b",), ";"]], [[("c",), ";"], [("d",), ";"]], "else", [("e",), ";"], ("<", "f"))],
        ),
        ("while a; do b; done", [("while", [("a",), ";"], [("b",), ";"])]),
        ("until a\ndo b & done >c", [("until", [("a",), ";"], [("b",), "&"], (">", "c"))]),
        ("for x in a $b; do c; done", [("for", "x", ["a", [("$b",)]], [("c",), ";"])]),
        ("for x do c; done", [("for", "x", None, [("c",), ";"])]),
        ("for x in; do c; done", [("for", "x", [], [("c",), ";"])]),
        ("for x in a; { c; }", [("for", "x", ["a"], [("c",), ";"])]),
        ("select x in a; do c; done", [("select", "x", ["a"], [("c",), ";"])]),
        ("for ((i=0; i<3; i++)); do a; done", [("for((", ["i=0", " i<3", " i++"], [("a",), ";"])]),
        ("for ((;;)) { a; }", [("for((", ["", "", ""], [("a",), ";"])]),
        (
            "case $x in a|'b') c;; (d*) ;& *) e; esac",
            [("case", [("$x",)], [["a", "b"], [("c",)]], [[["d*"]], []], [[["*"]], [("e",), ";"]])],
        ),
        ("f() { a; }", [("function", "f", ("group", ("a",), ";"))]),
        ("f ()\n( a ) >b", [("function", "f", ("subshell", ("a",), (">", "b")))]),
        ("function f { a; }; f", [("function", "f", ("group", ("a",), ";")), ";", ("f",)]),
        ("function f() { a; }", [("function", "f", ("group", ("a",), ";"))]),
        (
            "[[ -f a && ! ( $b == c* || d < e ) ]]",
            [("[[", *["-f", "a", "&&", "!", "("], [("$b",)], "==", ["c*"], *["||", "d", "<", "e", ")"])],
        ),
        ("[[ $a =~ ^(b|c d)+$ ]]", [("[[", [("$a",)], "=~", "^(b|c d)+$")]),
        ("[[ a == @(b|c) ]] >d", [("[[", "a", "==", "@(b|c)", (">", "d"))]),
        ("(( i++ > 2 ))", [("((", " i++ > 2 ")]),
        ("if (( a )) then b; fi", [("if", [[("((", " a ")], [("b",), ";"]])]),
    ],
)
def test_commands(source: str, expected: list[Any]) -> None:
    assert tree(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("''", [""]),
        ("a'b'\"c\"\\d", ["abcd"]),
        ('"a \\$b \\` \\" \\\\ \\c"', ['a $b ` " \\ \\c']),
        ("'a\\b'", ["a\\b"]),
        ("$'a\\n\\x41\\101\\u00e9\\'\\q\\e'", ["a\nAAé'\\q\x1b"]),
        ("$'\\xc3\\xa9'", ["é"]),
        ("$'\\xff'", ["\udcff"]),
        ('$"a b"', ["a b"]),
        ("a\\\nb c", ["ab", "c"]),
        ("'a\\\nb'", ["a\\\nb"]),
        ('"a\\\nb"', ["ab"]),
        ("a^b HEAD~1 a=b --c=d~ % @ + ]", ["a^b", "HEAD~1", "a=b", "--c=d~", "%", "@", "+", "]"]),
        ('a$ $ "b$"', ["a$", "$", "b$"]),
        ("a\rb\u00a0c", ["a\rb\u00a0c"]),
        ("*.py '*' \\* a? [ab] [ ]", [["*.py"], "*", "*", ["a?"], ["[ab]"], "[", "]"]),
        ("a[1 '[a]' [a", ["a[1", "[a]", "[a"]),
        ("~ ~/a '~' a~ a=~ --b=~ a=b:~", [["~"], ["~/a"], "~", "a~", ["a=~"], "--b=~", ["a=b:~"]]),
        ('$a ${b}c "$d"', [[("$a",)], [("$b",), "c"], [('"$d',)]]),
        (
            '$1 $@ "$*" $# $? ${10} $10',
            [[("$1",)], [("$@",)], [('"$*',)], [("$#",)], [("$?",)], [("$10",)], [("$1",), "0"]],
        ),
        (
            "${#a} ${!a} ${#} ${a[1]} ${#a[@]}",
            [[("#$a",)], [("!$a",)], [("$#",)], [("$a", ("[]", "1"))], [("#$a", ("[]", "@"))]],
        ),
        ("${a:-b c} ${a-} ${a:=$b}", [[("$a", ":-", "b c")], [("$a", "-", "")], [("$a", ":=", [("$b",)])]]),
        ("${a#*.} ${a%%'x'}", [[("$a", "#", ["*."])], [("$a", "%%", "x")]]),
        (
            "${a/b/c} ${a//\\//-} ${a/#b} ${a/%b/$c}",
            [
                [("$a", "/", "b", "c")],
                [("$a", "//", "/", "-")],
                [("$a", "/#", "b")],
                [("$a", "/%", "b", [("$c",)])],
            ],
        ),
        (
            "${a:1:2} ${a: -1} ${a^^} ${a@Q} ${!a*}",
            [
                [("$a", ":", "1:2")],
                [("$a", ":", " -1")],
                [("$a", "^^", "")],
                [("$a", "@", "Q")],
                [("!$a", "*")],
            ],
        ),
        ('"${a:-b "c"}" "${a:-\'d\'}"', [[('"$a', ":-", "b c")], [('"$a', ":-", "'d'")]]),
        ('$(a; b) "$(c "d")" $()', [[("$()", ("a",), ";", ("b",))], [('"$()', ("c", "d"))], [("$()",)]]),
        ('`a \\`b\\`` "`c \\"d\\"`"', [[("$()", ("a", [("$()", ("b",))]))], [('"$()', ("c", "d"))]]),
        ("<(a) b>(c)", [[("<()", ("a",))], ["b", (">()", ("c",))]]),
        (
            '$((1+$a)) $[2] "$((b))"',
            [[("$(())", "1+$a", "'1+", ('"$a',))], [("$(())", "2", "'2")], [('"$(())', "b", "'b")]],
        ),
        ("$(( (1+2)*$(a) ))", [[("$(())", " (1+2)*$(a) ", "' (1+2)*", ('"$()', ("a",)), "' ")]]),
        ("{a,b}c", [[("{}", ["a"], ["b"]), "c"]]),
        (
            "{1..3} {c..a} {01..3} {1..9..4}",
            [
                [("{}", ["1"], ["2"], ["3"])],
                [("{}", ["c"], ["b"], ["a"])],
                [("{}", ["01"], ["02"], ["03"])],
                [("{}", ["1"], ["5"], ["9"])],
            ],
        ),
        (
            "{a,{b,c}d} {,x} {'a,b',$c}",
            [
                [("{}", ["a"], [("{}", ["b"], ["c"]), "d"])],
                [("{}", [], ["x"])],
                [("{}", ["'a,b"], [("$c",)])],
            ],
        ),
        (
            "{} {a} {a b{ '{a,b}' \\{a,b} {a\\,b} a{b,c x}",
            ["{}", "{a}", "{a", "b{", "{a,b}", "{a,b}", "{a,b}", "a{b,c", "x}"],
        ),
        (
            "{a},b} ${x}{a,b} stash@{0} {a..1}",
            [[("{}", ["a}"], ["b"])], [("$x",), ("{}", ["a"], ["b"])], "stash@{0}", "{a..1}"],
        ),
        ('"{a,b}" a=(b' + "\\)", None),
    ],
)
def test_words(source: str, expected: list[Any] | None) -> None:
    if expected is None:
        with pytest.raises(ShellSyntaxError):
            words(source)
    else:
        assert words(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("a >b c 2>>d <e f", [("a", "c", "f", (">", "b"), ("2>>", "d"), ("<", "e"))]),
        (">a", [((">", "a"),)]),
        ("a>b<c&>d", [("a", (">", "b"), ("<", "c"), ("&>", "d"))]),
        (
            "a 2>&1 >&- 3<&4- &>>b >|c <>d",
            [("a", ("2>&", "1"), (">&", "-"), ("3<&", "4-"), ("&>>", "b"), (">|", "c"), ("<>", "d"))],
        ),
        ("a 2 >b x2>c", [("a", "2", "x2", (">", "b"), (">", "c"))]),
        ("exec {fd}>a {b}<c", [("exec", ("{fd}>", "a"), ("{b}<", "c"))]),
        ('a <<< "b $c" d', [("a", "d", ("<<<", ["'b ", ('"$c',)]))]),
        ("a > $b", [("a", (">", [("$b",)]))]),
        ("done>a", None),
        ("while a; do b; done<c", [("while", [("a",), ";"], [("b",), ";"], ("<", "c"))]),
        ("cat <<E\na $b \\$c\nE\n", [("cat", ("<<", ["'a ", ('"$b',), "' ", "'$", "'c\n"])), ";"]),
        ("cat <<'E' >f\na $b\nE", [("cat", ("<<", "a $b\n"), (">", "f")), ";"]),
        ("cat <<\\E\n`a\nE", [("cat", ("<<", "`a\n")), ";"]),
        ("cat <<-E | x\n\ta\n\t\tb\n\tE\ny", [("|", ("cat", ("<<-", "a\nb\n")), ("x",)), ";", ("y",)]),
        ("a <<A; b <<B\n1\nA\n2\nB\nc", [("a", ("<<", "1\n")), ";", ("b", ("<<", "2\n")), ";", ("c",)]),
        ("x \"$(cat <<'E'\n)'\"\nE\n)\"", [("x", [('"$()', ("cat", ("<<", ")'\"\n")), ";")])]),
        ("cat <<E\na \\\nb\nE", [("cat", ("<<", "a b\n")), ";"]),
        (
            'cat <<E\n$(a `b`) ${c:-d} "\nE',
            [
                ("cat", ("<<", [('"$()', ("a", [("$()", ("b",))])), "' ", ('"$c', ":-", "d"), "' \"\n"])),
                ";",
            ],
        ),
    ],
)
def test_redirections(source: str, expected: list[Any] | None) -> None:
    if expected is None:
        with pytest.raises(ShellSyntaxError):
            tree(source)
    else:
        assert tree(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("l\\\ns -\\\nl", [("ls", "-l")]),
        ("ls \\\n -l \\\n", [("ls", "-l")]),
        ("a &\\\n& b |\\\n| c", [("a",), "&&", ("b",), "||", ("c",)]),
        ("a &&\\\nb", [("a",), "&&", ("b",)]),
        ('x "$\\\n(ls)"', [("x", [('"$()', ("ls",))])]),
        ("x $\\\n{a} ${a\\\nb} $a\\\nb", [("x", [("$a",)], [("$ab",)], [("$ab",)])]),
        ("i\\\nf a; then b; f\\\ni", [("if", [[("a",), ";"], [("b",), ";"]])]),
        ("if\\\n a; then b; fi", [("if", [[("a",), ";"], [("b",), ";"]])]),
        ("a\\\n=b c", [(("a=", "b"), "c")]),
        ("a 2\\\n>b", [("a", ("2>", "b"))]),
        ("a <\\\n<E\\\nF\nx\nEF\n", [("a", ("<<", "x\n")), ";"]),
        ("a\\\nb 'c\\\nd' e\\\nf #g\\\nh", [("ab", "c\\\nd", "ef"), ";", ("h",)]),
        ("a `b\\\nc`", [("a", [("$()", ("bc",))])]),
        ("$\\\n((1\\\n+2))", [([("$(())", "1+2", "'1+2")],)]),
    ],
)
def test_line_continuations(source: str, expected: list[Any]) -> None:
    assert tree(source) == expected


@pytest.mark.parametrize(
    ("source", "kind", "expected"),
    [
        ("git  log 'a b'", Word, ["git", "log", "'a b'"]),
        ("a; b=1 c >d\n e", Simple, ["a", "b=1 c >d", "e"]),
        ('x ${a:-$b} "$c"', Param, ["${a:-$b}", "$b", "$c"]),
        ("x $(a `b c`)", CommandSub, ["$(a `b c`)", "`b c`"]),
        (
            "x `a \\`b \\\\\\$c\\` d`e",
            Word,
            ["x", "`a \\`b \\\\\\$c\\` d`e", "a", "`b \\\\\\$c\\`", "b", "$c", "d"],
        ),
        ("x <(a) $((b))", ProcessSub, ["<(a)"]),
        ("x <(a) $((b)) $[c]", Arith, ["$((b))", "$[c]"]),
        ("a=1 b[2]=c d", nodes.Assign, ["a=1", "b[2]=c"]),
        ("a 2>&1 >b c <<E\nE\n", nodes.Redirect, ["2>&1", ">b", "<<E"]),
        ("cat <<-E\n\ta $b\n\t$(c d)\n\tE\n", CommandSub, ["$(c d)"]),
        ("cat <<-E\n\ta $b\n\t$(c d)\n\tE\n", Param, ["$b"]),
        ("cat <<E\na\\\nb $c\nE\n", Param, ["$c"]),
        ("a\\\nb 'c\\\nd' e\\\nf", Word, ["a\\\nb", "'c\\\nd'", "e\\\nf"]),
        ("f() { a; } >b; c", Function, ["f() { a; } >b"]),
        ("function f { a; }\n", Function, ["function f { a; }"]),
        ("(( a + 1 ))", Arith, ["(( a + 1 ))"]),
    ],
)
def test_offsets(source: str, kind: type, expected: list[str]) -> None:
    assert slices(source, kind) == expected


@pytest.mark.parametrize(
    "source",
    [
        *[
            "'a",
            '"a',
            "`a",
            "$(a",
            "${a",
            "$((1",
            "<(a",
            "$'a",
            "a\\",
            "a \0",
            "${a",
            "${}",
            "${a b}",
            "${a!}",
            "${#a:-b}",
        ],
        *[
            "a ||",
            "a |",
            "| a",
            "&& a",
            ";",
            "a ;; b",
            "a & ; b",
            "! ",
            "time",
            "a | ! b",
            "(",
            "( )",
            "a )",
            "{ a",
            "{ }",
        ],
        *[
            "{ a }",
            "} a",
            "do a",
            "fi",
            "in",
            "]]",
            "if a; fi",
            "if a; then fi",
            "while a; done",
            "for 1 in a; do b; done",
        ],
        *[
            "for a in b; c",
            "for ((a;b;c;)); do d; done",
            "for ((a;b)); do d; done",
            "<((a) | b)",
            "case a in b",
            "case a b) c; esac",
            "f() a",
            "a b() { c; }",
            "a=1 f() { b; }",
            "(a) (b)",
            "(a) b",
        ],
        *[
            "[[ a",
            "[[ ]]",
            "[[ -f ]]",
            "[[ a == ]]",
            "[[ a b ]]",
            "[[ a && ]]",
            "[[ ( a ]]",
            "((1)",
            "$((1)",
            "$(( (1) )",
        ],
        *[
            "a >",
            "a > ;",
            "a <",
            "a <<",
            "cat <<E",
            "cat <<E\na",
            "cat <<E\n E\n",
            "a >& ",
            "a=(b",
            "a=(b;)",
            "a=(>b)",
            "a=(b)c",
        ],
        # Bash reads these; we refuse them rather than guess.
        *["coproc a", "x +(a)", "$((a) | b)", "((a); b)", "$(cat <<E\na\nE)", "cat <<$x\na\n$x\n", "x[1]", "a [[ ]] ("],
        *[
            "x $'\\0a'",
            "x $'\\cA'",
            "{1..2000}",
            "x {1..900}{1..900}",
            'x {"${a:-"b,c"}",d}',
            "${a:-<(b)}",
        ],
        *["cat <<E $(a\nb)\nE\n", "function a=b { c; }", "a 1234567890>b", "a {b[1]}>c", "cat <<E\n${a:-'b'}\nE\n"],
    ],
)
def test_refused(source: str) -> None:
    with pytest.raises(ShellSyntaxError) as caught:
        parse(source)
    assert 0 <= caught.value.position <= len(source)
    assert str(caught.value)


@pytest.mark.parametrize("source", ["$(time A=1 a)", "$( time (a))", "<(time { a; })", ">(time A=1 a)"])
def test_time_at_the_beginning_of_a_substitution_may_be_a_program(source: str) -> None:
    assert _substituted(source).doubtful


@pytest.mark.parametrize("source", ["$(time a)", "$(time -p a | A=1 b)", "$(! time A=1 a)"])
def test_time_is_no_doubt_where_both_readings_run_the_same(source: str) -> None:
    assert not _substituted(source).doubtful


def _substituted(source: str) -> Pipeline:
    command = parse("x " + source).items[0][0]
    assert isinstance(command, Simple)
    part = command.words[1].parts[0]
    assert isinstance(part, (CommandSub, ProcessSub))
    pipeline = part.script.items[0][0]
    assert isinstance(pipeline, Pipeline)
    return pipeline


N = 20_000
ADVERSARIAL = {
    **{
        text: text * (N // len(text))
        for text in ["(", "( ", "$(", "{", "{,", "`", '"', "'", "\\", ";", "a;", "a|", "\n", "#\n"]
    },
    **{
        text: text * (N // len(text))
        for text in ["${", "${a:-", '"$(', "$((", "[[ ", "if ", "case a in ", "f() ", "! ", "a=("]
    },
    **{
        text: text * (N // len(text))
        for text in ["a ", "a=b ", "''", "a'b'", "\\a", "$a", '"$a"', ">a ", "a 2>&1 ", "&>b ", "`a`"]
    },
    **{
        text: text * (N // len(text))
        for text in ["a[", "$[", "<(", "for ((", "*", "~:", "\udc80", "$'\\n'", "x=~:", "a\\\n", "\\\n"]
    },
    **{
        text: text * (N // len(text))
        for text in ["$\\\na#", "a|\\\n| ", "a\\\nb 'x' ", '"`a`', "a b=c~ ", "$(cat <<E\n", "{1..900}"]
    },
    "braces": "x {a," + "{" * 100 + "," * 100 + "}" * 100,
    "many braces": "x " + "{a,b}" * (N // 5),
    "wide braces": "x {" + "a," * (N // 2) + "}",
    "test of parentheses": "[[ " + "( " * (N // 2),
    "arithmetic": "$((" + "(" * (N // 2) + ")" * (N // 2),
    "long sum": "$((" + "1+" * (N // 2) + "1))",
    "here-documents": "cat " + "<<E " * (N // 8) + "\n" + "a\n" * (N // 4),
    "open here-document": "cat <<E\n" + "a\n" * (N // 2),
    "joined here-document": "cat <<E\n" + "a\\\n" * (N // 3) + "\nE\n",
    "plain but for the end": "a b=c " * (N // 6) + "$",
    "fives": ";" * 5000,
}


@pytest.mark.parametrize("source", ADVERSARIAL.values(), ids=[ascii(key) for key in ADVERSARIAL])
def test_twenty_kilobytes_of_anything_end_soon(source: str) -> None:
    spent = []
    for _ in range(3):
        start = time.process_time()
        with contextlib.suppress(ShellSyntaxError):
            parse(source)
        spent.append(time.process_time() - start)
    # The goal is 40 ms on a quiet machine; what grows with the square would take minutes.
    assert min(spent) < 2


def test_depth_is_limited_without_a_recursion_error() -> None:
    assert tree("x " + "$(x " * 30 + ")" * 30)
    for opening in [
        "$(a ",
        "( ",
        "{ ",
        "if ",
        "${a:-",
        '"$(',
        "$((",
        "<(",
        "f() { ",
        "while ",
        "a=$(",
        "case $(",
        "x `",
        "! { ",
    ]:
        with pytest.raises(ShellSyntaxError):
            parse(opening * 2000)


def test_a_long_harmless_line_is_read() -> None:
    assert len(words("file.txt " * 1999 + "end")) == 2000
    (command,) = tree("cat <<'E' >f\n" + "print('$x') # (a) `b`\n" * 5000 + "E")[:1]
    assert command[0] == "cat"


PIECES = r"""a if then fi do done case in esac [[ ]] (( )) ${ $( $(( f() ! time 2> 1 -f x= a[ + @ / :- % == =~
' " ` $ ( )
{ } [ ] < > & | ; \ # = ~
* , .."""
BLANKS = [" ", " ", "\n", "\\\n", "<<E\n", "\nE\n", "\udcff", "\r", "\t", "\0"]
FRAGMENTS = st.sampled_from([*PIECES.split(), *BLANKS])


@settings(max_examples=600, deadline=None)
@given(st.one_of(st.text(max_size=200), st.lists(FRAGMENTS, max_size=60).map("".join)))
def test_nothing_but_a_syntax_error_is_ever_raised(source: str) -> None:
    start = time.process_time()
    script = Script(())
    with contextlib.suppress(ShellSyntaxError):
        script = parse(source)
    for node in nodes_below(script):
        if hasattr(node, "start"):
            assert 0 <= node.start <= node.end <= len(source)
    assert time.process_time() - start < 10
