"""Strings in added lines that look like keys and passwords; what is found is never shown whole."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.safety.redaction import ADDRESS_PASSWORD, KEY_SHAPES, PRIVATE_KEY, WEB_TOKEN, entropy

_PRIVATE_KEY: Final = "a private key"
_IN_ADDRESS: Final = "a password in an address"
_CERTAIN: Final = {**KEY_SHAPES, _PRIVATE_KEY: PRIVATE_KEY}
_PLAUSIBLE: Final = {
    "a JSON web token": WEB_TOKEN,
    _IN_ADDRESS: ADDRESS_PASSWORD,
    "a secret": (
        r"(?i)(?:password|passwd|secret|token|api_?key|access_?key|private_?key"
        r"|credential)s?[\w-]{0,20}['\"]?\s*(?:[:=]|=>)\s*"
        r"(?:[bru]{0,2})['\"](?P<value>[^\s'\"]{12,})['\"]"
    ),
}
_RULES: Final[tuple[tuple[Severity, str, re.Pattern[str]], ...]] = (
    *(("problem", name, re.compile(pattern)) for name, pattern in _CERTAIN.items()),
    *(("review", name, re.compile(pattern)) for name, pattern in _PLAUSIBLE.items()),
)
_HINT: Final = re.compile(
    rb"AKIA|ASIA|gh[pousr]_|github_pat|glpat|xox|k_live_|AIza|sk-|npm_|pypi-|hf_|SG\.|:AA|PRIVATE KEY|eyJ|://"
    rb"|pass|secret|token|key|credential",
    re.IGNORECASE,
)
_DUMMY: Final = re.compile(
    r"(?i)example|sample|dummy|fake|placeholder|change_?me|your|xxx|test|foo|bar\b|todo|redacted|\.\.\.|1234567"
    r"|abcdef|<|\{|\$|secret|"
    r"password|token|localhost|lorem|none|null|default|insert|replace|invalid|hunter2|correct.?horse|deadbeef"
)
_CERTAIN_DUMMY: Final = re.compile(
    r"(?i)example|dummy|fake|placeholder|change_?me|your|x{4}|\.\.\.|1234567|abcdef|0{6}|redacted|invalid"
)
_WORDS: Final = re.compile(r"(?:[A-Z]?[a-z]{2,}[-_ ]?|[A-Z]{2,}[-_ ]?)+")
_LEAST_ENTROPY: Final = 3.5
_MOST_LINE: Final = 2000


def credential_findings(path: str, before: bytes | None, after: bytes, *, is_test: bool) -> list[Finding]:
    """The credentials in lines of ``after`` that ``before`` does not have. In tests they are seldom real."""
    if not _HINT.search(after) or b"\0" in after[:8000]:
        return []
    old = set((before or b"").decode(errors="replace").splitlines())
    found = []
    for number, line in enumerate(after.decode(errors="replace").splitlines(), 1):
        if line in old or len(line) > _MOST_LINE:
            continue
        for severity, name, value in _in_line(line):
            mild = is_test or _is_document(path)
            is_mixed = name == _IN_ADDRESS and all(re.search(kind, value) for kind in ("[a-z]", "[A-Z]", r"\d"))
            certain: Severity = "problem" if is_mixed else severity
            weight: Severity = ("review" if certain == "problem" else "note") if mild else certain
            if name == _PRIVATE_KEY:
                weight = "note" if mild else weight
            message = f"looks like {name}" + (f": {redacted(value)}" if name != _PRIVATE_KEY else "")
            found.append(Finding("scope/credential", path, number, message, weight))
    return found


def _in_line(line: str) -> Iterator[tuple[Severity, str, str]]:
    """The credentials of one line; what one rule has matched is not looked at by a later one."""
    taken = False
    for severity, name, pattern in _RULES:
        for match in pattern.finditer(line) if not taken else ():
            value = match.groupdict().get("value") or match.group()
            if _is_real(name, value, certain=severity == "problem"):
                taken = True
                yield severity, name, value


def _is_real(name: str, value: str, *, certain: bool) -> bool:
    if name == _PRIVATE_KEY:
        return True
    if (_CERTAIN_DUMMY if certain else _DUMMY).search(value):
        return False
    body = value.rsplit("_", 1)[-1] if certain else value
    if certain:
        return entropy(body) >= 3.0 and (
            name != "an OpenAI key" or bool(re.search(r"\d", value) and re.search(r"[A-Z]", value))
        )
    mixed = bool(re.search(r"[A-Za-z]", value)) and (
        bool(re.search(r"\d", value)) or (bool(re.search(r"[A-Z]", value)) and not _WORDS.fullmatch(value))
    )
    looks_like_code = re.fullmatch(r"[a-z_]+(?:[.\-/:][\w-]+)+|[\w.]+\(.*", value) is not None
    return mixed and not looks_like_code and entropy(value) >= _LEAST_ENTROPY


def redacted(value: str) -> str:
    """Enough of a secret to find it, and not enough to use it."""
    return f"{value[:4]}… ({len(value)} characters)"


def _is_document(path: str) -> bool:
    is_beside = path.startswith(("docs/", "doc/", "examples/")) and not path.endswith(".py")
    return is_beside or path.lower().endswith((".md", ".rst", ".txt", ".adoc"))
