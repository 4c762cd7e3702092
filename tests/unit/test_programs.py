"""The tables of programs: how rows are read, and what each family does with options and operands."""

from __future__ import annotations

from importlib import import_module

import pytest

from claude_orchestrator.safety import programs
from claude_orchestrator.safety.effects import Walk, command_effects
from claude_orchestrator.safety.policy import Policy
from claude_orchestrator.safety.programs.framework import Program, row
from claude_orchestrator.safety.zones import Place

PLACE = Place("/home/dev/project")
POLICY = Policy()


def found(program: Program, *argv: str) -> list[str]:
    walk = Walk(PLACE, POLICY)
    program.run(walk, ["prog", *argv], None)
    return [effect.rule for effect in walk.effects]


def letter(source: str) -> str:
    letters = {effect.rule[0] for effect in command_effects(source, PLACE, POLICY)}
    return next((letter for letter in "BAS" if letter in letters), "S")


def test_every_name_of_the_index_has_a_row_and_every_row_is_in_the_index() -> None:
    names = programs.names()
    for family in set(names.values()):
        rows = import_module(f"claude_orchestrator.safety.programs.{family}").ROWS
        listed = {name for name, its in names.items() if its == family}
        assert listed == set(rows), family


@pytest.mark.parametrize("name", sorted(programs.names()))
def test_every_row_can_be_read(name: str) -> None:
    program = programs.lookup(name)
    assert program is not None
    program.compile(name)
    for source in (name, f"{name} --version", f"{name} --no-such-option-at-all x y z"):
        assert command_effects(source, PLACE, POLICY), source


SORT = row("S1", "-br -# -k,--key= -o,--output=write --output-separator= -c,--color? --delete!A1", "text read*")


@pytest.mark.parametrize(
    ("argv", "rules"),
    [
        (("x", "a"), ["S1"]),
        (("-br", "x", "a"), ["S1"]),
        (("-5", "x"), ["S1"]),
        (("-k", "1", "x"), ["S1"]),
        (("-k1", "-rk", "1", "x"), ["S1"]),
        (("-c", "x"), ["S1"]),
        (("--color=auto", "x"), ["S1"]),
        (("--colo", "x"), ["S1"]),
        (("-ro", "/etc/x", "x"), ["A4", "S1"]),
        (("-o/etc/x", "x"), ["A4", "S1"]),
        (("--output=/etc/x", "x"), ["A4", "S1"]),
        (("--output", "/etc/x", "x"), ["A4", "S1"]),
        (("x", "a", "--output", "/etc/x"), ["A4", "S1"]),
        (("--outp=/etc/x", "x"), ["A0", "S1"]),
        (("--del", "x"), ["A1", "S1"]),
        (("-z", "x"), ["A0", "S1"]),
        (("--unknown", "x"), ["A0", "S1"]),
        (("-k",), ["A0", "S1"]),
        (("x", ".env"), ["A5", "S1"]),
        (("--", "-z", "--unknown"), ["S1"]),
        (("x", "--", "../y"), ["A5", "S1"]),
    ],
)
def test_options_are_read_as_getopt_reads_them(argv: tuple[str, ...], rules: list[str]) -> None:
    assert found(SORT, *argv) == rules


def test_operand_roles() -> None:
    copy = row("S4", "", "read* write")
    assert found(copy, "a", "b", "/etc/x") == ["A4", "S4"]
    assert found(copy, "/home/other/a", "b") == ["A5", "S4", "S4"]
    assert found(row("S7", "", "text"), "a", "b") == ["A0", "S7"]


def test_styles() -> None:
    assert found(row("S3", "-run= -v -exec=!A8", "text*", style="go"), "-v", "-run", "x", "--run=y", "z") == ["S3"]
    assert found(row("S3", "-run= -exec=!A8", "text*", style="go"), "-exec=x") == ["A8", "S3"]
    assert found(row("S7", "-a", "text*", style="posix"), "-a", "x", "--anything") == ["S7"]


def test_subcommands() -> None:
    table = {"list": row("S2", "-a"), "drop": row("A11", "", "text*")}
    tool = row("S2", "-v --config=load", subcommands=table)
    assert found(tool, "list", "-a") == ["S2"]
    assert found(tool, "--config", "x", "list") == ["S2"]
    assert found(tool, "--config=/etc/x", "list") == ["A8", "S2"]
    assert found(tool, "drop", "x") == ["A11"]
    assert found(tool, "unknown") == ["A0"]


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("cp a b", "S"),
        ("cp -r src /tmp/x", "S"),
        ("cp a ~/b", "A"),
        ("cp -t ~ a", "A"),
        ("cp ~/a b", "A"),
        ("cp .env.example .env", "A"),
        ("mv a b", "S"),
        ("mv a /tmp", "S"),
        ("mv ~/a .", "A"),
        ("mv hooks .git/", "A"),
        ("ln -s a b", "S"),
        ("ln -s /etc/passwd b", "A"),
        ("ln -s ../../x src/b", "A"),
        ("chmod +x a.sh", "S"),
        ("chmod 644 a", "S"),
        ("chmod 666 a", "A"),
        ("chmod -R 755 src", "A"),
        ("chmod 4755 a", "B"),
        ("touch a", "S"),
        ("mkdir -p a/b", "S"),
        ("mkdir -m 777 a", "A"),
        ("dd if=a of=b", "S"),
        ("dd if=a of=~/b", "A"),
        ("mktemp -d", "S"),
        ("rsync -a src/ out/", "S"),
        ("rsync -a src/ x.example:out/", "A"),
        ("rsync -a --delete src/ out/", "A"),
        ("mkdir empty; rsync -a --delete empty/ ./", "B"),
        ("patch a.py < x.patch", "S"),
        ("patch -p1 < x.patch", "A"),
        ("tar tzf x.tgz", "S"),
        ("tar czf x.tgz src", "S"),
        ("tar xzf x.tgz", "A"),
        ("tar czf ~/x.tgz src", "A"),
        ("tar cf x.tar --use-compress-program=./x src", "A"),
        ("unzip -l x.zip", "S"),
        ("unzip x.zip", "A"),
        ("gzip -c a > a.gz", "S"),
        ("gzip a", "A"),
        ("find . -name '*.py' -exec grep -l x {} +", "S"),
        ("find . -fprint ~/x", "A"),
        ("find . -unknown", "A"),
        ("sed 's/a/b/g; /x/d; 3q' a", "S"),
        ("sed -e 's|a|b|' -e '/[/]/p' a", "S"),
        ("sed 's/a/b/e' a", "A"),
        ("sed 'w x' a", "A"),
        ("sed -n '/a/,/b/{s/x/y/;p}' a", "S"),
        ("sed 's/a' a", "A"),
        ("awk '/a\\/b/ { n++ } END { print n / 2 }' a", "S"),
        ("awk '{ print $1 > $2 }' a", "A"),
        ("awk '{ print ($1 > 2) }' a", "S"),
        ("awk '{ getline x < \".env\" }' a", "A"),
        ("awk 'BEGIN { \"date\" | getline d }'", "A"),
        ("jq '.env' a.json", "S"),
        ("jq -n env", "A"),
        ("xargs -n 1 wc -l", "A"),
        ("git ls-files | xargs -n 1 wc -l", "S"),
        ("git ls-files | xargs sed -i s/a/b/", "A"),
        ("less README.md", "S"),
        ("less '+!rm x' README.md", "A"),
        ("uniq a b", "S"),
        ("uniq a ~/b", "A"),
        ("openssl dgst -sha256 a", "S"),
        ("sleep 600", "S"),
        ("sleep 11m", "A"),
        ("env", "A"),
        ("env LANG=C ls", "S"),
        ("env -u LANG ls", "S"),
        ("timeout 5 ls", "S"),
        ("python3 -m json.tool a.json", "S"),
        ("python3 -m http.server", "A"),
        ("python3 app.py", "A"),
        ("node -e 'console.log(1)'", "A"),
        ("node --version", "S"),
        ("psql -c 'SELECT 1'", "A"),
        ("dmesg -T", "S"),
        ("dmesg -C", "A"),
        ("kill 123", "A"),
    ],
)
def test_families(source: str, expected: str) -> None:
    assert letter(source) == expected


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("git log -p -3 --stat --format=%H -- src", "S"),
        ("git diff main...HEAD --name-only", "S"),
        ("git show HEAD~1:src/a.py", "S"),
        ("git show HEAD:.env", "A"),
        ("git diff --no-index a ~/b", "A"),
        ("git log --outpu=x", "A"),
        ("git --no-pager log", "S"),
        ("git -p log", "A"),
        ("git -C src status", "S"),
        ("git -C /srv/x status", "A"),
        ("git -c core.fsmonitor=./x status", "A"),
        ("git -c alias.x='!rm -rf /' x", "B"),
        ("git branch topic", "S"),
        ("git branch -vv --merged", "S"),
        ("git branch -d topic", "A"),
        ("git tag v1 -m 'x'", "S"),
        ("git tag -d v1", "A"),
        ("git stash list", "S"),
        ("git stash", "A"),
        ("git stash pop", "A"),
        ("git remote -v", "S"),
        ("git remote show origin", "A"),
        ("git config --get user.name", "S"),
        ("git config user.name", "S"),
        ("git config user.name x", "A"),
        ("git commit -m x", "S"),
        ("git commit --amend", "A"),
        ("git commit --ame", "A"),
        ("git commit -anm x", "A"),
        ("git switch -c topic", "S"),
        ("git switch topic", "A"),
        ("git checkout -b topic main", "S"),
        ("git checkout main", "A"),
        ("git mv a b", "S"),
        ("git mv a .github/workflows/b.yml", "A"),
        ("git rm a", "A"),
        ("git reflog", "S"),
        ("git reflog expire --all", "A"),
        ("git cat-file -p HEAD", "S"),
        ("git cat-file --textconv HEAD:a", "A"),
        ("git for-each-ref", "A"),
        ("git fetch", "A"),
        ("git clone ext::sh%20-c%20x", "A"),
        ("git unknown-alias", "A"),
        ("git rebase --exec 'rm -rf /' main", "B"),
    ],
)
def test_git(source: str, expected: str) -> None:
    assert letter(source) == expected


def test_paths_that_git_can_bring_back_are_named() -> None:
    effects = command_effects("git checkout -- src/a.py b", PLACE, POLICY)
    assert [(effect.rule, effect.paths) for effect in effects] == [
        ("A6", ("/home/dev/project/src/a.py", "/home/dev/project/b"))
    ]
    assert command_effects("git checkout main", PLACE, POLICY)[0].paths == ()
