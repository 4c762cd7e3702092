"""What a report says of files: created, changed, removed, renamed, left alone."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

from claude_orchestrator.graders.semantics.statements import Statement, statements

Deed = Literal["created", "changed", "removed", "renamed", "unchanged"]

_ENDINGS: Final = (
    r"py|pyi|pyx|md|rst|txt|toml|cfg|ini|json|ya?ml|js|jsx|ts|tsx|html|css|scss|sql|sh|c|h|cpp|hpp|rs|go|java|rb|php|"
    r"lock|"
    r"csv|xml|svg|j2|jinja2|ipynb|proto|in|env|mk|bat|ps1|kt|swift|vue|tf|conf|service|po|pot"
)
_PATH: Final = re.compile(
    rf"(?<![\w/.@:-])(?:\./)?((?:[\w.+-]+/)+[\w.+-]*\w/?|[\w+-][\w.+-]*\.(?:{_ENDINGS})|"
    r"(?:Makefile|Dockerfile|LICENSE|README|CHANGELOG|NEWS|AUTHORS|MANIFEST\.in|Jenkinsfile|Pipfile)(?![\w.]))"
    r"(?![\w(*{<])(?::\d+(?:[-:]\d+)?)?(?:::[\w:\[\]-]+)?"
)
_URL: Final = re.compile(
    r"\b(?:https?|ftp|git|ssh)://\S+|\bwww\.\S+|\S+@\S+|[\w.-]+\.(?:com|org|io|dev|net)(?:/\S*)?\b"
)
_NOT_PATHS: Final = re.compile(
    r"^(?:\d+(?:\.\d+)?/\d+|and/or|or/and|n/a|i/o|tcp/ip|client/server|read/write|input/output|true/false|yes/no|"
    r"pass/fail|and/\w+|either/or|\w+/\w+/?|.*\.\.\..*|e\.g|i\.e|etc)$",
    re.IGNORECASE,
)
_LIBRARIES: Final = re.compile(
    r"^(?:node|vue|next|nuxt|react|three|d3|chart|express|socket)\.(?:js|io)$", re.IGNORECASE
)
_PLACEHOLDER: Final = re.compile(r"[*?<>{}$%~]|\bpath/to\b|\bfoo/bar\b|^/|^\.|/\.|\bXXX?\b|your[-_]", re.IGNORECASE)

_CREATED: Final = r"created?s?|creating|added|adds?|adding|wrote|written|writes|introduced?s?|introducing|generated|new"
_CHANGED: Final = (
    r"updated?s?|updating|changed?s?|changing|modif(?:ied|ies|y|ying)|edit(?:ed|s|ing)?|fix(?:ed|es|ing)?|"
    r"refactor(?:ed|s|ing)?|"
    r"extended|extends|rewrote|rewritten|adjust(?:ed|s)?|patched|simplif(?:ied|ies)|improved?s?|corrected|reworked|"
    r"touched|"
    r"implemented|bumped|formatted|reformatted|documented|cleaned up|tightened|replaced|hardened"
)
_REMOVED: Final = r"removed?s?|removing|deleted?s?|deleting|dropped"
_RENAMED: Final = r"renamed?s?|renaming|moved?s?|moving|relocated"
_DEEDS: Final[dict[Deed, str]] = {
    "created": _CREATED, "changed": _CHANGED, "removed": _REMOVED, "renamed": _RENAMED,
}  # fmt: skip
_VERB: Final = re.compile(
    "|".join(rf"(?P<{deed}>(?<![\w-])(?:{words})(?![\w-]))" for deed, words in _DEEDS.items()), re.IGNORECASE
)
_FILLER: Final = (
    r"(?:\s|`|\*|\"|'|\(|:|,|—|\u2013|-|(?<![\w])(?:the|a|an|new|file|files|module|modules|script|scripts|tests?|test "
    r"file|config|"
    r"configuration|existing|following|both|and|package|helper|document|documentation|docs|entry|changelog|section|"
    r"also|"
    r"page|class|function|suite|unit|regression|example|migration|template|readme|only|as well as|plus|&|src|source|"
    r"main|"
    r"fixture|fixtures|workflow|schema)(?![\w]))*"
)
_DIRECT: Final = re.compile(rf"^{_FILLER}$", re.IGNORECASE)
_AND_IN: Final = re.compile(r"^[`*\"']*,?\s*(?:and|as well as)(?: also)? in [`*\"']*$", re.IGNORECASE)
_INTO: Final = re.compile(
    r"^(?P<what>[^.;|]{0,70}?)\s(?:in|into|inside|within|of|at|to|from|under)\s"
    + _FILLER
    + r"$|^(?P<aside>[^.;|(]{0,70}?)\s\(`*$",
    re.IGNORECASE,
)
_BREAKS: Final = re.compile(
    r"(?<![\w-])(?:described|see|seen|per|according|like|based|following|using|uses?|via|because|which|that|when|"
    r"where|matching|"
    r"consistent|mirrors?|similar|same|reported|found|mentioned|documented|calls?|called|imports?|imported|reads?|"
    r"read|from|"
    r"exists?|already|so|as|by|with|compared?|than|for|against|after|before|while|whose|copied|copy|output|listed|"
    r"defined)(?![\w-])",
    re.IGNORECASE,
)
_AFTERWARDS: Final = re.compile(
    r"^[`*\"')\]]*\s*(?:\((?P<tag>[^)]{2,40})\)|(?:was|were|is now|has been|have been|is|got)\s+(?:now |also |newly "
    r")?(?P<verb>[\w -]{4,24}))",
    re.IGNORECASE,
)
_LISTED: Final = re.compile(r"^[`*\"'\[(]*$")
_THEN: Final = re.compile(r"^[`*\"')\]]*\s*(?:\([^)]*\))?\s*(?::|—|\u2013|-|\||→|\u2192|=>)\s*(?P<rest>.+)$")
_HEADING: Final = re.compile(
    r"^(?:(?P<created>(?:new|added|created) files?|files? (?:added|created))|"
    r"(?P<changed>(?:changed|modified|updated|edited|touched) files?|files? (?:changed|modified|updated|edited|"
    r"touched|i changed)|"
    r"changes made|what (?:i )?changed|changes)|(?P<removed>(?:removed|deleted) files?|files? (?:removed|"
    r"deleted)))\b[^.]{0,20}$",
    re.IGNORECASE,
)
_LEFT_ALONE: Final = re.compile(
    r"\b(?:did(?:n't| not)|have(?:n't| not)|has not|without|never|not|no) (?:been )?(?:need(?:ed)? to )?"
    r"(?:change[ds]?|changing|modif(?:y|ied|ying)|touch(?:ed|ing)?|edit(?:ed|ing)?|alter(?:ed|ing)?|changes? (?:were "
    r"made )?to|modifications? to)"
    r"(?:\s|`|the|file|any|of)*$|\bleft(?:\s|`|the|file)*$",
    re.IGNORECASE,
)
_IS_ALONE: Final = re.compile(
    r"^[`*\"')]*\s*(?:is|was|remains?|remained|stays?|were|are|has been)?\s*(?:left\s+)?(?:completely\s+)?"
    r"(?:unchanged|untouched|unmodified|not (?:changed|modified|touched|edited)|as it (?:is|was)|alone)\b",
    re.IGNORECASE,
)
_HEDGE: Final = re.compile(
    r"\b(?:should|would|could|might|may|will|todo|needs? to|need|next|consider|if|recommend\w*|suggest\w*|plan(?:s|"
    r"ned)?|"
    r"did(?:n't| not)|not|never|no|without|cannot|can't|unable|unless|instead of|rather than|please|you can|example|"
    r"e\.g\.|"
    r"previously|originally|temporar\w+|scratch|then removed|and removed|and deleted|reverted|restored|put back|"
    r"failed)\b|\?$",
    re.IGNORECASE,
)


_ALMOST: Final = re.compile(r"\b(?:except|apart|other than|beyond|besides|much|only|until|yet)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Mention:
    """A file of which the report says that something was done to it. ``is_direct``: the verb stands right beside it."""

    deed: Deed
    path: str
    text: str
    is_direct: bool = True
    target: str = ""
    """Where a renamed file is now."""


def mentions(report: str) -> list[Mention]:
    """What the report says was done to which files."""
    found = dict.fromkeys(mention for statement in statements(report) for mention in _in(statement))
    return list(found)


def paths_in(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and path of what looks like a path of the repository in a text."""
    blanked = _URL.sub(lambda match: " " * len(match[0]), text)
    for match in _PATH.finditer(blanked):
        path = match[1].removesuffix("/") if not match[1].endswith("//") else match[1]
        is_named_file = bool(re.search(rf"\.(?:{_ENDINGS})$", path)) or "/" not in path
        quoted = text[max(0, match.start() - 1) : match.start()] in ("`", "(", '"')
        if _PLACEHOLDER.search(match[1]) or (not is_named_file and not match[1].endswith("/") and not quoted):
            continue
        if _LIBRARIES.match(path) or (_NOT_PATHS.match(path) and not is_named_file and not quoted):
            continue
        yield match.start(), match.end(), path


def _in(statement: Statement) -> Iterator[Mention]:
    text = statement.text
    if statement.is_output:
        return
    places = list(paths_in(text))
    heading = _HEADING.match(statement.heading)
    last: Mention | None = None
    for number, (start, end, path) in enumerate(places):
        before, after = text[:start], text[end:]
        if _LEFT_ALONE.search(before) or _IS_ALONE.match(after):
            if not _ALMOST.search(after):
                yield Mention("unchanged", path, text)
            continue
        between = text[places[number - 1][1] : start] if number else ""
        is_another = _DIRECT.match(between) or (last is not None and last.deed == "changed" and _AND_IN.match(between))
        if last is not None and number and is_another:
            if last.deed == "renamed":
                continue
            last = Mention(last.deed, path, text, last.is_direct)
            yield last
            continue
        renamed = _renamed(text, places, number)
        mention = renamed or _of(before, after, path, text)
        if mention is None and heading and _LISTED.match(before) and not _HEDGE.search(statement.heading):
            deed = next(deed for deed, said in heading.groupdict().items() if said)
            mention = Mention(deed, path, text)  # type: ignore[arg-type]
        last = mention
        if mention is not None:
            yield mention


def _renamed(text: str, places: list[tuple[int, int, str]], number: int) -> Mention | None:
    start, end, path = places[number]
    verb = _last_verb(text[:start])
    if verb is None or verb[0] != "renamed" or not _DIRECT.match(verb[2]) or number + 1 >= len(places):
        return None
    between = text[end : places[number + 1][0]]
    if not re.fullmatch(r"[`*\"']*\s*(?:to|into|as|→|->|=>)\s*[`*\"']*", between) or _HEDGE.search(text[: verb[1]]):
        return None
    return Mention("renamed", path, text, target=places[number + 1][2])


def _of(before: str, after: str, path: str, text: str) -> Mention | None:
    if _HEDGE.search(text):
        return None
    afterwards = _AFTERWARDS.match(after)
    if afterwards and (deed := _deed_in(afterwards["tag"] or afterwards["verb"] or "")):
        return Mention(deed, path, text)
    if _LISTED.match(before) and (then := _THEN.match(after)) and (verb := _VERB.match(then["rest"].lstrip("`*( "))):
        # "`x.py`: added a function" changes x.py; "`x.py`: new file" creates it.
        deed = _deed_of(verb)
        is_whole = re.match(r"\W*\w+\W*(?:file|module)?\W*$", then["rest"]) is not None
        return Mention(deed if is_whole and deed != "renamed" else "changed", path, text)
    return _by_verb(before, path, text)


def _by_verb(before: str, path: str, text: str) -> Mention | None:
    """What the last verb before a path says of it."""
    verb_before = _last_verb(before)
    if verb_before is None or verb_before[0] == "renamed":
        return None
    deed, _, between = verb_before
    if _DIRECT.match(between):
        return Mention(deed, path, text)
    into = _INTO.match(between)
    if into and not _BREAKS.search(into["what"] or into["aside"] or ""):
        return Mention("changed", path, text, is_direct=False)
    return None


def _last_verb(before: str) -> tuple[Deed, int, str] | None:
    """The last verb before a path that says what was done, where it starts, and what stands between it and the path."""
    found = list(_VERB.finditer(before))
    # "Added a new file": the verb that begins the phrase counts.
    while (
        len(found) > 1 and _DIRECT.match(before[found[-2].end() : found[-1].start()]) and found[-1][0].lower() == "new"
    ):
        found.pop()
    if not found:
        return None
    if (
        len(found) > 1
        and (_INTO.match(before[found[-1].end() :]) is None)
        and not _DIRECT.match(before[found[-1].end() :])
    ):
        return None
    return _deed_of(found[-1]), found[-1].start(), before[found[-1].end() :]


def _deed_in(words: str) -> Deed | None:
    verb = _VERB.search(words)
    if verb is None:
        return None
    deed = _deed_of(verb)
    return None if deed == "renamed" else deed


def _deed_of(verb: re.Match[str]) -> Deed:
    return next(deed for deed in _DEEDS if verb[deed])
