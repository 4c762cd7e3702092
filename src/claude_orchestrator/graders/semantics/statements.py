"""What a report claims: sentences, bullets, headings and table cells that say what was done and how it went.

Only what is said plainly is a claim. What is hoped for, asked of the reader, or said not to have been done is none.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal[
    "tests_pass", "tests_run", "lint", "types", "tests_added", "tests_changed", "tests_unchanged", "api_unchanged"
]  # fmt: skip


@dataclass(frozen=True)
class Claim:
    """One claim. ``count`` is the number of tests that it names, ``names`` the tests; ``text`` is what was written."""

    kind: Kind
    text: str
    count: int | None = None
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Statement:
    """One sentence, bullet, heading or row. ``heading`` is what it stands under."""

    text: str
    heading: str = ""
    is_output: bool = False


_FENCE: Final = re.compile(r"^\s*(```|~~~)")
_BULLET: Final = re.compile(r"^\s*(?:[-*+•‣▪]|\d{1,3}[.)])\s+|^\s*>\s?")
_SENTENCE: Final = re.compile(r"(?<=[.!?;])\s+(?=[A-Z`*\"'(✅✓✔0-9])|(?<=[.!?])(?=[A-Z][a-z])|\s+(?=[✅✔✓☑]\s*\w)")
_CODE: Final = re.compile(r"`+([^`\n]+)`+")
_RUNNER: Final = re.compile(
    r"\b(py\.?test|unittest|tox|nox|make (test|check)s?|(npm|yarn|pnpm)( run)? test|cargo test|go test|manage\.py test|"
    r"run_?tests?(\.py|\.sh)?|just test|ctest|hatch (run )?test)\b"
)
_LINTER: Final = re.compile(r"\b(ruff|flake8|pylint|eslint|lint(er|ers|ing|s)?|pre-commit|black|style checks?)\b")
_TYPES: Final = re.compile(r"\b(mypy|pyright|type[- ]?check(er|ers|ing|s)?|type checks?|ty check)\b")
_TESTS: Final = re.compile(
    r"\b(tests?|test[- ]?suites?|suites?|test[- ]?cases?|specs|unit[- ]?tests?|RUNNER|regressions?|tested)\b"
)
_GENERIC: Final = re.compile(r"\b(everything|all (the )?checks|checks|all green|ci|the build|the full run)\b")
_GOOD: Final = re.compile(
    r"\b(pass|passes|passed|passing|succeed|succeeds|succeeded|successful|successfully|green|ok|okay|clean|cleanly|"
    r"allgood|exit(s|ed)? (with )?(code |status )?0)\b|\btests? works?\b|[✅✔✓☑]|\[x\]|💚|🟢"
)
_RAN: Final = re.compile(
    r"\b(ran|re-?ran|rerun|executed|verified|validated|confirmed|checked|tested|exercised|running|executing|"
    r"(have|has|been|was|were) run|i run|we run)\b"
)
_HEDGE: Final = re.compile(
    r"\b(should|would|could|might|may|will|shall|hopefully|presumably|probably|likely|expect(ed|s)?|believe|think|"
    r"assum\w+|"
    r"if|unless|until|once|when you|please|you can|you may|can be|to be run|needs? to|need|todo|next steps?|remaining|"
    r"ensure|ensures|ensuring|make sure|makes sure|so that|in order to|goal|want(s|ed)?|plan(s|ned)?|try|trying|"
    r"requires?|required|before (my|the|this|these|any)|on main|at (the )?base|originally|pending|recommend\w*|"
    r"suggest\w*|"
    r"criteria|criterion|acceptance)\b|\?$"
)
_NOT: Final = re.compile(
    r"\b(not|no|never|none|neither|nor|cannot|can't|unable|without|isn't|aren't|wasn't|weren't|don't|doesn't|didn't|"
    r"haven't|hasn't|couldn't|won't|wouldn't|fail|fails|failed|failing|failures?|broken|breaks?|errors?|errored|except|"
    r"excluding|apart from|other than|aside from|but|however|skipped|unrelated|some|most|partially|blocked|timed out|"
    r"hang)\b|[❌✗✘⚠]"
)
_HARMLESS: Final = (
    (r"\b(no|0|zero|without( any)?) test (failures?|errors?|regressions?)\b", "tests allgood"),
    ((r"\b(no|0|zero|without( any)?|free of)\s+(new\s+|test\s+|lint\s+|type\s+|other\s+)*"
     r"(failures?|failed|errors?|failing|warnings?|issues?|problems?|regressions?|violations?|complaints?|findings?)"
     r"( tests?)?(\s*(,|and|or|/)\s*(no |0 )?(failures?|failed|errors?|warnings?|issues?|skipped))*"), "allgood"),
    (r"\bnothing (is |was |else )?(broke|broken|breaks|fails|failed|failing)\b", "all tests allgood"),
    (r"\b(previously|formerly|once|originally|earlier)[- ](failing|broken|failed)\b", ""),
    (r"\b(the|that|this|these|those) (failing|broken|failed|flaky)\b", "the"),
    (r"\bnot only\b", ""), (r"\bno longer (fails?|breaks?|errors?)\b", "allgood"),
    (r"\b(still|continue[sd]? to|continuing to|now|all|also) (pass)", r"\2"),
    (r"\bdid(n't| not) (break|affect) (any|the|existing|other)( of the)?( existing)? tests?\b", "tests allgood"),
    (r"\b\d+ (skipped|deselected|xfailed|xpassed|warnings?)\b", ""), (r"\band nothing else\b", ""),
    ((r"\b(also|both|the)? ?(unit|integration|regression|end-to-end|e2e|smoke|existing|new|full|whole|entire|relevant|"
      r"related|affected|other|remaining|project'?s?)( and (unit|integration|new|existing|regression))? "
      r"(tests?|test suite|suite)\b"), " tests "),
    (r"\ball of the\b", "all the"),
)  # fmt: skip
_HANDED_ON: Final = re.compile(
    r"\bpass(es|ed|ing)?\s+(?=(a|an|its|it|them|along|through|down|by|to|as|over|none|true|false|x|code|str|self|in "
    r"(?=the|an?)|on (?=the|an?|to)|"
    r"the (?!full|whole|entire|existing|new|tests?|suite|unit|regression|RUNNER|checks|acceptance|provided|given|"
    r"updated)|"
    r"arguments?|args|values?|parameters?|options?|flags?|data|\w+ (to|into|through|as))\b"
    r"(?! (all |the |every )?(tests?|checks|suite|\d)))"
)
_ABOUT_A_TEST: Final = re.compile(
    r"\b(add(ed|s)?|new|wrote|writ(es|ten)|creat(ed|es)|introduc(ed|es)|extend(ed|s)?|includ(ed|es)|updat(ed|es)?|"
    r"cover(s|ed)?)"
    r"\b.*\btests?\b.*\b(that|which|to|for|where|when|verif\w+|check\w*|assert\w*|cover\w*|ensur\w+|confirm\w*)\b"
)
_AND_IT_PASSES: Final = re.compile(
    r"\b(they|it|all|both|these|tests|which|now|suite)( of (them|these|which))?( now| all)? pass(es|ed|ing)?\b|"
    r"\bpass(es|ed|ing)?\W*$"
)
_FAILURES: Final = re.compile(
    r"\b([1-9]\d*|one|two|three|some|several) (\w+ )?(failed|failures?|failing|errors?|fails?)\b"
)
_PASSED: Final = re.compile(
    r"\b(\d+)\s*(?:(?:/|of|out of)\s*(\d+)\s*)?(?:[\w-]+\s+){0,2}?(?:tests?\s+)?(?:all\s+)?(?:now\s+)?pass(?:ed|es|"
    r"ing)?\b"
)
_COUNTED: Final = re.compile(r"\ball (\d+) (?:[\w-]+ ){0,2}?(?:tests?|specs|cases)\b|\b(\d+)/(\d+)\b|\b(\d+) tests?\b")
_DISCLAIMER: Final = re.compile(
    r"\b(not|n't|never|unable to|cannot|without|no)\b[^.]{0,40}\b(run|ran|running|execut\w+|verif\w+|tested|testing|"
    r"validat\w+)\b"
    r"|\btests? (were|was|are|is|have been)( \w+)? (not|un)[ -]?(run|executed|tested)\b|\buntested\b|\bunverified\b"
)
_ABOUT_RUNNING: Final = re.compile(r"\b(tests?|suite|RUNNER|pytest|environment|locally|here|anything|code|it|this)\b")
_IMPERATIVE: Final = re.compile(
    r"^\W*(please |then |next,? |first,? )?(run|execute|verify|make sure|ensure|check|confirm|test|validate|re-?run|"
    r"use|consider)\b"
    r"(?!\s*:)(?! (suites?|cases?|results?|passes|passed|passing|is|was|are|were|suite pass|suite is|suite green|"
    r"cases? pass|results?|status))"
)

_NUMBERS: Final = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7,
                   "eight": 8, "nine": 9, "ten": 10, "twelve": 12, "several": 2, "some": 1}  # fmt: skip
_ADDS: Final = (
    r"(?:add(?:ed|s|ing)?|wrote|writes|created?s?|introduced?s?|implemented|included?|new|contributed|extended)"
)
_ADDED_TESTS: Final = re.compile(
    rf"\b{_ADDS}\b(?P<between>(?:\W+(?!and\b|to\b|in\b|for\b|from\b|so\b|with\b|that\b|which\b|handling\b|support\b|"
    r"fixtures?\b|helpers?\b|dependenc\w+\b|docs?\b|documentation\b|comments?\b|changelog\b)[\w'-]+){0,6}?)\W+"
    r"(?P<what>test coverage|test cases?|test functions?|unit tests?|tests?)\b(?! (suites?|files?|folders?|"
    r"director\w+|data|"
    r"helpers?|fixtures?|runner|dependenc\w+|extra|job|target|command|config\w*|utilit\w+|plan|id|ids|markers?))"
)
_WITH_TESTS: Final = re.compile(
    r"\b(?:along with|together with|with|including|plus|and) (?:(?P<count>\d+|a|an|one|two|three|four|five|six) )?"
    r"(?:new |regression |unit |accompanying |corresponding |matching |extra )+(?:regression |unit )?tests?\b"
)
_TEST_NAME: Final = re.compile(r"\b(?:[\w/.-]+::)*(test_\w+|test[A-Z0-9]\w*|Test[A-Z]\w+)\b(?!\.py|/)(?:\[[^\]]*\])?")
_TESTS_WERE_ADDED: Final = re.compile(
    r"\btests? (?:\w+ ){0,2}?(?:were |was |have been |has been |are |is )?(?:added|written|created|introduced)\b"
    rf"|\b{_ADDS}\b.*\band (?P<count>an?|\d+|two|three|four|five|several) (?:new |regression |unit )*tests?\b(?! "
    rf"\w*(helper|fixture|file))"
)
_TESTS_WERE_CHANGED: Final = re.compile(
    r"\b(?:updated|adjusted|adapted|changed|modified|rewrote|extended) "
    r"(?:the |existing |all |affected |relevant |unit |corresponding |related )*tests?\b(?! (suite|data|helper|"
    r"fixture|runner|config))"
)
_NAMED_TEST: Final = re.compile(
    rf"^\W*(?:(?:i|we|also|have|has)\W+)*{_ADDS}\W+(?:(?:the|an?|new|regression|unit|tests?|cases?|functions?|named|"
    rf"called)\W+)*"
    r"(?:[\w/.-]+::)*(?:test_\w|test[A-Z0-9]|Test[A-Z])",
    re.IGNORECASE,
)
_AND_A_TEST: Final = re.compile(
    rf"^\W*(?:(?:i|we|also|have|has)\W+)*{_ADDS}\b(?P<between>[^.:;]*?),?\s(?:and|plus|as well as)\s+"
    r"(?:(?:the|an?|new|regression|unit)\s+)*tests?\s+(?:(?:called|named)\s+)?`?(?P<name>test_\w+)`?"
    r"(?=\W*$|,|\s+(?:that|which|for|to|in)\s)",
    re.IGNORECASE,
)
_ASIDE: Final = re.compile(
    r"\s(?:to|in|into|for|from|so|that|which|based|like|using|after|before|beside|next|and then)\s"
)
_NO_TEST_CHANGE: Final = re.compile(
    r"\b(no|without|zero)( any)? ((?:changes?|modifications?|edits?) (?:were |was )?(?:made )?(?:to|in)|changing|"
    r"modifying|touching|editing|altering) "
    r"(?:any |the |of |existing |our |other )*tests?\b"
    r"|\b(?:did(?:n't| not)|have(?:n't| not)|has not|never|not) (?:change|changed|modify|modified|touch|touched|edit|"
    r"edited|alter|altered) "
    r"(?:any |the |of |existing |our )*tests?\b"
    r"|\b(?:existing |all |the |any )*tests?(?: files?| cases?| suite)? (?:were |was |are |is |remain |remains |"
    r"remained |left |have been |stay )+(?:all |completely )?(?:unchanged|untouched|unmodified|intact|not (?:changed|"
    r"modified|touched|edited))\b"
    r"|\bno (?:existing )?tests? (?:files? )?(?:were|was|have been|are) (?:changed|modified|touched|edited|altered|"
    r"removed|deleted|weakened)\b"
    r"|\bleft (?:all |the |existing )*tests? (?:unchanged|untouched|alone|as they (?:are|were))\b"
)
_NO_API_CHANGE: Final = re.compile(
    r"\b(?:no|without)(?: any)? (?:breaking changes?|(?:changes?|modifications?) (?:to|in) (?:the |our |any "
    r")?(?:public )?(?:api|interface|signatures?)|"
    r"(?:public )?(?:api|interface|signature) changes?|changing (?:the |any )?(?:public )?(?:api|interface|"
    r"signatures?))\b"
    r"|\b(?:public )?(?:api|interface|signatures?)(?: \w+)? (?:is|are|was|were|remains?|stays?|remained|stayed) "
    r"(?:completely |fully )?(?:unchanged|untouched|the same|intact|stable)\b"
    r"|\bdid(?:n't| not) (?:change|touch|modify|alter) (?:the |any )?(?:public )?(?:api|interface|signatures?)\b"
)


def statements(report: str) -> Iterator[Statement]:
    """The report cut into statements; of pasted output only the lines that sum up a run of tests."""
    heading, in_fence = "", False
    for line in report.splitlines():
        if _FENCE.match(line):
            in_fence = not in_fence
            continue
        if in_fence:
            if re.search(r"\b\d+ passed\b|^OK$|^Ran \d+ tests?", line):
                yield Statement(line.strip(), heading, is_output=True)
            continue
        plain = _BULLET.sub("", line).strip()
        if line.lstrip().startswith("#"):
            heading = plain.strip("#* ")
            yield Statement(heading)
            continue
        if re.fullmatch(r"\*\*[^*]+\*\*:?|[^.`|]{3,60}:", plain):
            heading = plain.strip("*: ")
            yield Statement(heading)
            continue
        plain = plain.strip("| ")
        for part in _SENTENCE.split(plain):
            if part and part.strip(" |-:"):
                yield Statement(part.strip(" |"), heading)


def claims(report: str) -> list[Claim]:
    """The claims about tests, checks and what was left alone. See :mod:`mentions` for files."""
    every = list(statements(report))
    found = [claim for statement in every for claim in _claims_in(statement)]
    if any(_is_disclaimer(statement) for statement in every):
        found = [claim for claim in found if claim.kind not in ("tests_pass", "tests_run")]
    return list(dict.fromkeys(found))


def _is_disclaimer(statement: Statement) -> bool:
    said = _plain(statement.text)
    match = None if statement.is_output else _DISCLAIMER.search(said)
    return bool(match and _ABOUT_RUNNING.search(said) and not re.search(r"\bwithout (errors|failures|issues)", said)
                and not _GOOD.search(said[match.end() :]) and not re.search(r"\bno longer\b", said))  # fmt: skip


def _claims_in(statement: Statement) -> Iterator[Claim]:
    text, said = statement.text, _plain(statement.text)
    if statement.is_output:
        if not _FAILURES.search(said):
            passed = re.search(r"(\d+) passed|ran (\d+) tests?", said)
            yield Claim("tests_pass", text, int(next(filter(None, passed.groups()))) if passed else None)
        return
    if said.endswith("?"):
        return
    if _NO_TEST_CHANGE.search(said):
        yield Claim("tests_unchanged", text)
    elif _NO_API_CHANGE.search(said):
        yield Claim("api_unchanged", text)
    yield from _about_new_tests(statement, said)
    yield from _about_checks(text, said)


def _about_checks(text: str, said: str) -> Iterator[Claim]:
    said = re.sub(_NO_TEST_CHANGE, " ", said)
    for pattern, instead in _HARMLESS:
        said = re.sub(pattern, instead, said)
    said = _HANDED_ON.sub(" ", said)
    if _FAILURES.search(said) or _IMPERATIVE.search(said):
        return
    is_hedged = bool(_HEDGE.search(said))
    is_negative = bool(_NOT.search(said))
    is_good = bool(_GOOD.search(said))
    if not is_hedged and not is_negative and is_good and _is_about_outcome(said):
        if _LINTER.search(said):
            yield Claim("lint", text)
        if _TYPES.search(said):
            yield Claim("types", text)
    about_tests = bool(_TESTS.search(said)) or bool(
        _GENERIC.search(said) and not _LINTER.search(said) and not _TYPES.search(said)
    )
    counted = _PASSED.search(said)
    if is_hedged or is_negative or not (about_tests or counted):
        return
    if counted or (is_good and _is_about_outcome(said)):
        yield Claim("tests_pass", text, _count(said))
    elif _RAN.search(said) and re.search(r"\b(tests?|suite|RUNNER)\b", said) and not _ABOUT_A_TEST.search(said):
        yield Claim("tests_run", text, _count(said))


def _is_about_outcome(said: str) -> bool:
    return not _ABOUT_A_TEST.search(said) or bool(_AND_IT_PASSES.search(said))


def _count(said: str) -> int | None:
    if match := _PASSED.search(said):
        return int(match[1])
    if match := _COUNTED.search(said):
        return int(next(filter(None, match.groups())))
    return None


def _about_new_tests(statement: Statement, said: str) -> Iterator[Claim]:
    plainly = re.split(r" (?:that|to|which|for) ", said)[0]
    if _HEDGE.search(plainly) or re.search(r"\b(no|not|without|never)\b|n't\b", plainly):
        return
    text = statement.text
    names: tuple[str, ...] = ()
    if _NAMED_TEST.search(text):
        plain_names = (match[1] for match in _TEST_NAME.finditer(_ASIDE.split(text, maxsplit=1)[0]))
        names = tuple(dict.fromkeys(plain_names))
    elif (beside := _AND_A_TEST.search(text)) and not _ASIDE.search(f" {beside['between']} "):
        names = (beside["name"],)
    match = _ADDED_TESTS.search(said)
    if match and (counted := _counted_tests(match, is_named=bool(names))):
        yield Claim("tests_added", text, counted if counted > 0 else None, names)
    elif names:
        yield Claim("tests_added", text, None, names)
    elif other := _WITH_TESTS.search(said) or _TESTS_WERE_ADDED.search(said):
        yield Claim("tests_added", text, _number(other["count"] or ""))
    elif _TESTS_WERE_CHANGED.search(said):
        yield Claim("tests_changed", text)


def _counted_tests(match: re.Match[str], *, is_named: bool) -> int:
    """How many tests ``added … tests`` means: -1 for some, 0 when the word only describes another (test data)."""
    number = re.search(r"\b(\d+|one|two|three|four|five|six|seven|eight|nine|ten|twelve|an?)\b", match["between"])
    is_single = match["what"] in ("test", "test case", "unit test", "test function")
    if is_single and not (number or is_named or re.search(r"\b(the|this|regression|new|missing)\b", match[0])):
        return 0
    return (_number(number[1]) if number else None) or -1


def _number(word: str) -> int | None:
    return int(word) if word.isdigit() else _NUMBERS.get(word)


def _plain(text: str) -> str:
    """In small letters, without paths and code; commands that run tests become one word."""

    def code(match: re.Match[str]) -> str:
        inside = match[1].lower()
        if _RUNNER.search(inside) or (inside.startswith("python") and "test" in inside):
            return " RUNNER "
        if _LINTER.search(inside) or _TYPES.search(inside):
            return f" {' '.join(word for word in inside.split() if _LINTER.search(word) or _TYPES.search(word))} "
        return " passed " if inside in ("ok", "passed", "pass") else " x "

    said = _CODE.sub(code, text.replace("\u2019", "'").replace("**", "").replace("__", "")).replace("RUNNER", "\0")
    said = _RUNNER.sub(" \0 ", said.lower())
    said = re.sub(r"(?<![\w/])[\w.-]*/[\w./-]+|\b[\w-]+\.(py|md|toml|cfg|txt|json|ya?ml|js|ts)\b", _kept_ratio, said)
    said = re.sub(r"\btest_\w+", " x ", said)
    return re.sub(r"[ \t]+", " ", said.replace("\0", "RUNNER")).strip()


def _kept_ratio(match: re.Match[str]) -> str:
    return match[0] if re.fullmatch(r"\d+/\d+\.?", match[0]) else " x "
