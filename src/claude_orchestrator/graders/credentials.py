"""Strings in added lines that look like keys and passwords; what is found is never shown whole."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity

_PRIVATE_KEY: Final = "a private key"
_IN_ADDRESS: Final = "a password in an address"
_CERTAIN: Final = {
    "an AWS access key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{60,})\b",
    "a GitLab token": r"\bglpat-[A-Za-z0-9_-]{20,}",
    "a Slack token": r"\bxox[abprs]-[A-Za-z0-9-]{20,}",
    "a Stripe key": r"\b[sr]k_live_[A-Za-z0-9]{20,}\b",
    "a Google key": r"\bAIza[0-9A-Za-z_-]{35}\b",
    "an Anthropic key": r"\bsk-ant-[A-Za-z0-9_-]{24,}",
    "an OpenAI key": r"\bsk-(?:proj-|svcacct-)?[A-Za-z0-9_-]{32,}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a PyPI token": r"\bpypi-[A-Za-z0-9_-]{50,}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{30,}\b",
    "a SendGrid key": r"\bSG\.[A-Za-z0-9_-]{20,}\.[A-Za-z0-9_-]{30,}",
    "a Telegram bot token": r"\b\d{8,10}:AA[A-Za-z0-9_-]{33}\b",
    _PRIVATE_KEY: r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----",
}  # fmt: skip
_PLAUSIBLE: Final = {
    "a JSON web token": r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}",
    _IN_ADDRESS: r"\b[a-z][a-z0-9+.-]*://[^\s:/@'\"{}<>$%]+:(?P<value>[^\s@/'\"{}<>$%]{8,})@[\w.-]+",
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


def entropy(text: str) -> float:
    """Bits for each character."""
    counts = Counter(text)
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values()) if text else 0.0


def redacted(value: str) -> str:
    """Enough of a secret to find it, and not enough to use it."""
    return f"{value[:4]}… ({len(value)} characters)"


def _is_document(path: str) -> bool:
    return path.lower().endswith((".md", ".rst", ".txt", ".adoc")) or path.startswith(("docs/", "doc/", "examples/"))
