"""File locks: what a pattern stands for, and that two patterns with a common path always collide."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from claude_orchestrator.errors import PlanError
from claude_orchestrator.workspace import locks
from claude_orchestrator.workspace.locks import canonical, is_case_sensitive, matches, overlap


@pytest.mark.parametrize(
    ("pattern", "path", "expected"),
    [
        ("src", "src", True),
        ("src", "src/a.py", True),
        ("src/", "src/a/b.py", True),
        ("./src//a/../b", "src/b/c", True),
        ("src", "srcs/a.py", False),
        (".", "anything/at/all", True),
        ("**", "anything/at/all", True),
        ("src/**", "src/a/b.py", True),
        ("src/**", "src", True),
        ("src/*.py", "src/a.py", True),
        ("src/*.py", "src/.hidden.py", True),
        ("src/*.py", "src/a/b.py", False),
        ("src/*", "src/a/b.py", False),
        ("src/*/", "src/a/b.py", True),
        ("src/*/", "src/a", True),
        ("src/*/.", "src/a/b.py", True),
        ("**/x.py", "x.py", True),
        ("**/x.py", "a/b/x.py", True),
        ("**/x.py", "a/b/yx.py", False),
        ("**/tests", "a/tests/b/c.py", True),
        ("a/**/b/**/c.py", "a/b/c.py", True),
        ("a/**/b/**/c.py", "a/1/b/2/3/c.py", True),
        ("a/**/b/**/c.py", "a/1/2/c.py", False),
        ("a**b/c", "axxb/c", True),
        ("a**b/c", "ax/xb/c", False),
        ("a?.py", "ab.py", True),
        ("a?.py", "a.py", False),
        ("a?b", "a/b", False),
        ("[a-c].py", "b.py", True),
        ("[a-c].py", "d.py", False),
        ("[!a-c].py", "d.py", True),
        ("[^a-c].py", "b.py", False),
        ("[]x].py", "].py", True),
        ("[a-].py", "-.py", True),
        ("[z-a].py", "m.py", False),
        ("[!z-a].py", "m.py", True),
        ("[+-9]x", "a/x", False),
        ("a[", "a[", True),
        ("a[b", "a[b/c", True),
        ("app/[id]/page.tsx", "app/[id]/page.tsx", True),
        ("app/[id]/page.tsx", "app/i/page.tsx", True),
        ("app/[[...slug]]", "app/[[...slug]]/page.tsx", True),
        ("app/[id]", "app/[id]/page.tsx", True),
        ("{a,b}.py", "{a,b}.py", True),
        ("{a,b}.py", "a.py", False),
        ("*a*b*", "xxbxaxbx", True),
        ("*a*b*", "xxbxax", False),
        ("a\\b", "a\\b", True),
        ("*.py", "line\nbreak.py", True),
    ],
)
def test_matches(pattern: str, path: str, expected: bool) -> None:
    assert matches(pattern, path) is expected


@pytest.mark.parametrize(
    ("a", "b", "expected"),
    [
        ("src/a.py", "src/a.py", True),
        ("src/a.py", "src/b.py", False),
        ("src", "src/a/b.py", True),
        ("src", "src2/a.py", False),
        ("src/**", "src", True),
        (".", "x", True),
        ("**", "x/y", True),
        ("src/*.py", "src/x.py", True),
        ("src/*.py", "src", True),
        ("src/*.py", "docs/*.md", False),
        ("src/*.py", "src/*.md", False),
        ("src/**/*.py", "src/pkg/test_*.py", True),
        ("src/**/*.py", "**/test_*.py", True),
        ("a*", "*b", True),
        ("a*b", "ab*", True),
        ("a*c", "b*c", False),
        ("a?c", "abc", True),
        ("a?c", "a*d", False),
        ("???", "*a", True),
        ("??", "abc*", False),
        ("[a-f]x", "[d-k]x", True),
        ("[a-c]x", "[d-k]x", False),
        ("[!a-c]x", "[a-b]x", False),
        ("[!a]x", "[!b]x", True),
        ("[z-a]", "?", False),
        ("**/x.py", "src/*/y.py", True),  # y.py may be a folder
        ("**/x.*", "src/*/y.p?", False),
        ("**/x.py", "src/*/?.py", True),
        ("packages/*/src", "packages/core/src/a.py", True),
        ("packages/*", "packages/core/src/a.py", False),
        ("packages/*/", "packages/core/src/a.py", True),
        ("app/[id]/page.tsx", "app/[id]/**", True),
        ("x[ab]", "x?ab?", True),
        ("a/**/*z", "a/b/?c", False),
    ],
)
def test_overlap(a: str, b: str, expected: bool) -> None:
    assert overlap(a, b) is expected
    assert overlap(b, a) is expected


# -- hypothesis: patterns and paths from a small alphabet, so that they meet often --------------

NAMES = st.text("ab.-[]!^é", min_size=1, max_size=4).filter(lambda name: name not in (".", ".."))
PATHS = st.lists(NAMES, min_size=1, max_size=4).map("/".join)
PIECES = st.sampled_from(
    [
        "a",
        "b",
        ".",
        "*",
        "**",
        "?",
        "[ab]",
        "[!a]",
        "[a-b]",
        "[^b]",
        "[",
        "]",
        "[]a]",
        "[b-a]",
        "[a-]",
        "{a,b}",
        "é",
        "-",
    ]
)
SEGMENTS = st.lists(PIECES, min_size=1, max_size=4).map("".join).filter(lambda segment: segment not in (".", ".."))
PATTERNS = st.builds(
    lambda segments, start, end: start + "/".join(segments) + end,
    st.lists(st.one_of(SEGMENTS, st.just("**"), NAMES), min_size=1, max_size=4),
    st.sampled_from(["", "./", "x/../"]),
    st.sampled_from(["", "/", "//", "/."]),
)


@st.composite
def widened(draw: st.DrawFn, path: str) -> str:
    """A pattern that stands for ``path``: parts of the path replaced by wildcards that cover them."""
    names = path.split("/")
    segments: list[str] = []
    at = 0
    while at < len(names):
        way = 9 - draw(st.integers(0, 9))
        if way == 0:
            segments.append("**")
            at += draw(st.integers(1, len(names) - at))
            continue
        if way == 1 and segments and "*" not in segments[-1] and "?" not in segments[-1]:
            break  # a folder stands for what is below
        segments.append("".join(draw(st.sampled_from(covers(character))) for character in names[at]))
        at += 1
    if draw(st.booleans()):
        segments.insert(draw(st.integers(0, len(segments))), "**")
    return "/".join(segments) or "."


def covers(character: str) -> list[str]:
    """Ways to stand for one character; brackets stay brackets only where they cannot open a class."""
    ways = ["?", "*", f"{'*'}?", "[!q]", "[^q-r]"]
    if character in "ab.é":
        ways += [character, character, f"[{character}]", f"[{character}-{character}x]", "[.-é]"]
    return ways


@given(st.data(), PATHS)
@settings(max_examples=300)
def test_patterns_of_one_path_overlap(data: st.DataObject, path: str) -> None:
    a, b = data.draw(widened(path)), data.draw(widened(path))
    assert matches(a, path), (a, path)
    assert matches(b, path), (b, path)
    assert overlap(a, b), (a, b, path)
    assert overlap(b, a)
    assert overlap(a, path) or "[" in path


@given(PATTERNS, PATTERNS, st.lists(PATHS, min_size=1, max_size=8))
@settings(max_examples=300)
@example("[ab]*/", "[ab]/[a]", ["[ab]/a"])
@example("**/**", "a", ["a"])
def test_overlap_never_misses_and_is_symmetric(a: str, b: str, paths: list[str]) -> None:
    met = overlap(a, b)
    assert overlap(b, a) is met
    if any(matches(a, path) and matches(b, path) for path in paths):
        assert met
    assert overlap(a, a) or not any(matches(a, path) for path in paths)


@given(
    st.lists(st.sampled_from("ab*?"), min_size=1, max_size=5), st.lists(st.sampled_from("ab*?"), min_size=1, max_size=5)
)
@settings(max_examples=300)
def test_overlap_of_names_is_exact(one: list[str], other: list[str]) -> None:
    """No false yes either: a common name of two short patterns is never longer than both together."""
    a, b = "".join(one), "".join(other)
    if a == "**" or b == "**":
        return
    names = [""]
    found = False
    for _ in range(len(a) + len(b)):
        names = [name + character for name in names for character in "ab"]
        found = found or any(matches(a, name) and matches(b, name) for name in names)
        if found or len(names) > 500:
            break
    if len(names) <= 500 or found:
        assert overlap(a, b) is found


@given(PATTERNS, PATHS)
@settings(max_examples=300)
def test_matches_agrees_with_a_plain_reading(pattern: str, path: str) -> None:
    """Against one regular expression over the whole path, for patterns without brackets in them."""
    if "[" in pattern:
        return
    segments = [segment for segment in os.path.normpath(pattern).split("/") if segment != "."]
    below = pattern.endswith(("/", "/.")) or not segments or not re.search(r"[*?]", segments[-1])
    expression = "(?:/[^/]+)*".join(
        "".join(
            "/" + "".join({"*": "[^/]*", "?": "[^/]"}.get(character, re.escape(character)) for character in segment)
            for segment in group
        )
        for group in split_at_depth(segments + (["**"] if below else []))
    )
    assert matches(pattern, path) is bool(re.fullmatch(expression, "/" + path))


def split_at_depth(segments: list[str]) -> list[list[str]]:
    groups: list[list[str]] = [[]]
    for segment in segments:
        if segment == "**":
            groups.append([])
        else:
            groups[-1].append(segment)
    return groups


# -- canonical -----------------------------------------------------------------------------------


def test_canonical_folds_and_follows_links(tmp_path: Path) -> None:
    root = tmp_path / "project"
    (root / "lib" / "deep").mkdir(parents=True)
    (root / "link").symlink_to("lib")
    (root / "lib" / "up").symlink_to("..")
    expected = {
        "lib": "lib",
        "./lib//deep/": "lib/deep",
        "lib/x/../deep": "lib/deep",
        "link/new/file.py": "lib/new/file.py",
        "link/*.py": "lib/*.py",
        "link/up/link/deep": "lib/deep",
        "link/../x": "x",
        ".": "**",
        "lib/up": "**",
        "lib/up/*": "*",
        "src/*/": "src/*/**",
        "src/**": "src/**",
        "app/[id]/x": "app/[id]/x",
    }
    assert {pattern: canonical(pattern, root, True) for pattern in expected} == expected
    assert canonical("LIB/Ä*", root, True) == "LIB/Ä*"


def test_canonical_where_case_does_not_count(tmp_path: Path) -> None:
    expected = {
        "SRC/App.py": "src/app.py",
        "Stra\u00dfe": "strasse",
        "E\u0301t\u00e9": "e\u0301te\u0301",
        "*.PY": "*.py",
        "Test_?.py": "test_*.py",
        "[A-Z]*.py": "[a-z]*.py",
        "b[!a]": "b*/**",
        "[A-z]": "*/**",
        "caf\u00e9*.md": "caf*.md",
        "SRC/**/X": "src/**/x",
    }
    assert {pattern: canonical(pattern, tmp_path, False) for pattern in expected} == expected


def test_canonical_is_one_for_accents_in_any_order(tmp_path: Path) -> None:
    name = "a\u0345\u0301"
    assert (
        len(
            {canonical(unicodedata.normalize(form, name), tmp_path, False) for form in ("NFC", "NFD")}
            | {canonical(name, tmp_path, False)}
        )
        == 1
    )


def test_canonical_is_the_same_through_a_linked_root(tmp_path: Path) -> None:
    (tmp_path / "real" / "lib").mkdir(parents=True)
    (tmp_path / "alias").symlink_to("real")
    assert canonical("lib/a", tmp_path / "alias", True) == "lib/a"


@pytest.mark.parametrize(
    "pattern",
    [
        "..",
        "../x",
        "a/../../x",
        "/etc",
        "~/x",
        "away/x",
        "away",
        ".git/config",
        "a/.GIT/x",
        "hidden",
        "a/*/../x",
        "*/../..",
    ],
)
def test_canonical_refuses_what_leaves(tmp_path: Path, pattern: str) -> None:
    root = tmp_path / "project"
    (root / ".git").mkdir(parents=True)
    (root / "away").symlink_to(tmp_path)
    (root / "hidden").symlink_to(".git")
    with pytest.raises(PlanError):
        canonical(pattern, root, True)


def test_canonical_of_a_link_that_never_ends(tmp_path: Path) -> None:
    (tmp_path / "a").symlink_to("b")
    (tmp_path / "b").symlink_to("a")
    assert canonical("a/x", tmp_path, True).endswith("/x")


@given(st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=6))
@settings(max_examples=300)
def test_case_insensitive_spelling_is_one_for_all_forms(name: str) -> None:
    if name in (".", "..") or name.startswith("~") or re.search(r"[*?\[]", name):
        return
    forms = {name, name.upper(), name.lower(), *(unicodedata.normalize(form, name) for form in ("NFC", "NFD"))}
    folded = {locks._fold_segment(form) for form in forms if unicodedata.normalize("NFD", form.casefold())}
    same = {unicodedata.normalize("NFD", unicodedata.normalize("NFD", form).casefold()) for form in forms}
    assert folded == same
    assert {locks._fold_segment(form) for form in folded} == folded


ALPHABET = st.sampled_from(
    [
        "a",
        "A",
        "e",
        "s",
        "S",
        "ß",
        "k",
        "\u212a",
        "é",
        "É",
        "e\u0301",
        "a\u0323\u0301",
        "a\u0301\u0323",
        "\u0345",
        "ﬁ",
        "İ",
        "가",
        "1",
        ".",
    ]
)


@given(
    st.data(), st.lists(ALPHABET, min_size=1, max_size=4).map("".join), st.sampled_from(["NFC", "NFD"]), st.booleans()
)
@settings(max_examples=300)
def test_case_insensitive_patterns_never_miss(data: st.DataObject, name: str, form: str, upper: bool) -> None:
    """A glob that stands for a name, and the same name in another spelling, collide once both are canonical."""
    if name in (".", ".."):
        return
    glob = "".join(data.draw(st.sampled_from([*covers(character), character])) for character in name)
    assert matches(glob, name)
    other = unicodedata.normalize(form, name)
    other = other.swapcase() if upper and other.swapcase().casefold() == other.casefold() else other
    root = Path("/")
    assert overlap(canonical(f"x/{glob}", root, False), canonical(f"X/{other}", root, False)), (glob, name, other)


@given(PATTERNS, PATTERNS, st.lists(PATHS, min_size=1, max_size=6))
@settings(max_examples=300)
def test_canonical_keeps_every_collision(a: str, b: str, paths: list[str]) -> None:
    common = any(matches(a, path) and matches(b, path) for path in paths)
    for case_sensitive in (True, False):
        try:
            one, other = (canonical(pattern, Path("/nowhere"), case_sensitive) for pattern in (a, b))
        except PlanError:
            return
        assert not common or overlap(one, other)
        assert not overlap(a, b) or overlap(one, other)


def test_case_sensitivity_is_seen_on_the_disk(tmp_path: Path) -> None:
    assert is_case_sensitive(tmp_path / ".") is False  # empty: nothing can say, so names are taken for one
    root = tmp_path / "root"
    root.mkdir()
    (root / "Name").touch()
    assert is_case_sensitive(root) is not (root / "nAME").exists()


def test_no_pattern_is_slow() -> None:
    """Many wildcards: the work stays a product of the lengths (a backtracking matcher would never end)."""
    assert not matches("*a" * 60 + "c", "a" * 5000 + "b")
    assert not matches("**/a/" * 60 + "z", "a/" * 400 + "b")
    assert not overlap("**/a/" * 60 + "?z", "**/b/" * 60 + "*y")
    assert overlap("[ab]*" * 20, "*[bc]" * 20)
    assert not overlap("x" + "*a" * 100, "y" + "*b" * 100)
