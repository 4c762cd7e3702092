"""Values that look like keys: their shapes, and texts without them.

What is written to a journal, shown to people or sent to an agent goes through :func:`redact`. It errs on the side of
leaving text alone: a hash, a uuid or a word is no key.
"""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

KEY_SHAPES: Final = {
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
}
"""Name → pattern of keys that their beginning gives away."""

PRIVATE_KEY: Final = r"-----BEGIN (?:[A-Z]+ )?PRIVATE KEY(?: BLOCK)?-----"
"""The first line of a private key."""

WEB_TOKEN: Final = r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"  # noqa: S105
"""A JSON web token."""

ADDRESS_PASSWORD: Final = r"\b[a-z][a-z0-9+.-]*://[^\s:/@'\"{}<>$%]+:(?P<value>[^\s@/'\"{}<>$%]{8,})@[\w.-]+"  # noqa: S105
"""A password in an address; ``value`` is the password."""

_NAME: Final = (
    r"(?:password|passwd|passphrase|secret|token|api[_-]?key|access[_-]?key|private[_-]?key|auth[_-]?key|credential)s?"
)
_HINT: Final = re.compile(
    r"AKIA|ASIA|gh[pousr]_|github_pat|glpat|xox|k_live_|AIza|sk-|npm_|pypi-|hf_|SG\.|:AA|PRIVATE KEY|eyJ|://"
    r"|pass|secret|token|key|credential|authorization|bearer",
    re.IGNORECASE,
)
_PEM: Final = re.compile(PRIVATE_KEY + r".*?(?:-----END [A-Z ]+-----|\Z)", re.DOTALL)
_CERTAIN: Final = re.compile("|".join(KEY_SHAPES.values()))
_WEB_TOKEN: Final = re.compile(WEB_TOKEN)
_ADDRESS: Final = re.compile(r"(?i)\b[a-z][a-z0-9+.-]*://[^\s:/@'\"<>]*:(?P<value>[^\s@/'\"<>]+)@")
_HEADER: Final = re.compile(
    r"(?i)\b(?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?(?:(?:bearer|basic|token|digest)\s+)?(?P<value>[^\s'\",;]{6,})"
    r"|\bbearer\s+(?P<bearer>[A-Za-z0-9._~+/-]{16,}=*)"
)
_ASSIGNMENT: Final = re.compile(
    r"(?i)(?<![A-Za-z0-9])(?P<name>[\w.-]{0,60}?" + _NAME + r"[\w-]{0,20})(?P<closed>['\"]?)\s*(?:=>|[:=])\s*"
    r"(?:[bru]{0,2}(?P<quote>['\"])(?P<quoted>[^\n]{1,4000}?)(?P=quote)|(?P<bare>[^\s'\"`,;&|<>(){}\[\]]{4,}))"
)
_OPTION: Final = re.compile(r"(?i)(?<![\w-])--?" + _NAME + r"(?:\s+|=)['\"]?(?P<value>[^\s'\"=-][^\s'\"]{5,})")
_HARMLESS: Final = re.compile(
    r"(?i)[0-9]+(?:\.[0-9]+)?|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|true|false|none|null|nil"
    r"|\$\{?\w+\}?.*|\$\(.*|%\w+%|<.*|\*+|x{3,}|\.{3,}.*|\[redacted.*|https?://[^:@]*|[\w.]+\(.*|(?:os\.)?environ\b.*"
    r"|(?:self|os|env|process|config|settings|args|request|secrets|vars)\.[\w.\[\]'\"]+"
)
_WORDLIKE: Final = re.compile(r"(?i)[a-z]{1,30}(?:[-_. /:][a-z]{0,30})*")
_NAME_IN_CODE: Final = re.compile(r"[A-Za-z_][\w.]*(?:\[.*)?")
_SHORT_HASH: Final = re.compile(r"[0-9a-f]{7,12}")
_FILE: Final = re.compile(r"[\w.~/-]*/[\w./-]+\.\w{1,5}|[\w./-]+\.(?:py|ts|js|go|rs|json|ya?ml|toml|md|txt|pem|key)")
_MOST_TURNS: Final = 8
_LEAST_ENTROPY: Final = 3.0


def redact(text: str) -> str:
    """``text`` with every value that looks like a key replaced by ``[redacted: what it was]``.

    What is redacted once stays as it is: ``redact(redact(text)) == redact(text)``.
    """
    if not _HINT.search(text):
        return text
    text = _PEM.sub("[redacted: private key]", text)
    for _ in range(_MOST_TURNS):  # what stands beside a redacted value may be seen only then
        before, text = text, _once(text)
        if text == before:
            break
    return text


def _once(text: str) -> str:
    pieces = []
    position = 0
    for start, end, what in _spans(text):
        if start < position:
            continue
        pieces += [text[position:start], f"[redacted: {what}]"]
        position = end
    return "".join([*pieces, text[position:]])


def holds_known_key(text: str) -> bool:
    """Whether the text holds a private key, or a key that its beginning gives away; a mere password is neither."""
    if not _HINT.search(text):
        return False
    return _PEM.search(text) is not None or any(
        entropy(match[0]) >= _LEAST_ENTROPY for match in _CERTAIN.finditer(text)
    )


def entropy(text: str) -> float:
    """Bits for each character."""
    if not text:
        return 0.0
    counts: dict[str, int] = {}
    for character in text:
        counts[character] = counts.get(character, 0) + 1
    return -sum(count / len(text) * math.log2(count / len(text)) for count in counts.values())


def _spans(text: str) -> list[tuple[int, int, str]]:
    """Begin, end and name of everything to be redacted, in order; of two that overlap the one that begins first."""
    return sorted(_found(text), key=lambda span: (span[0], -span[1]))


def _found(text: str) -> Iterator[tuple[int, int, str]]:
    for match in _CERTAIN.finditer(text):
        if entropy(match[0]) >= _LEAST_ENTROPY:
            yield *match.span(), "key"
    for match in _WEB_TOKEN.finditer(text):
        yield *match.span(), "token"
    yield from _plausible(text)


def _plausible(text: str) -> Iterator[tuple[int, int, str]]:
    """What only its surroundings make a secret."""
    for match in _ADDRESS.finditer(text):
        if not _HARMLESS.fullmatch(match["value"]):
            yield *match.span("value"), "password"
    for match in _HEADER.finditer(text):
        group = "value" if match["value"] else "bearer"
        if not _HARMLESS.fullmatch(match[group]) and not match[group].casefold().startswith(("bearer", "basic")):
            yield *match.span(group), "credentials"
    for match in _ASSIGNMENT.finditer(text):
        group = "quoted" if match["quoted"] else "bare"
        if _is_secret(match["name"], match[group], quoted=group == "quoted"):
            yield *match.span(group), "secret"
    for match in _OPTION.finditer(text):
        if _is_secret("", match["value"], quoted=False):
            yield *match.span("value"), "secret"


def _is_secret(name: str, value: str, *, quoted: bool) -> bool:
    """Whether the value of a name that promises a secret is one: no code, no reference, no word, no placeholder."""
    if value.startswith("[redacted") or _HARMLESS.fullmatch(value) or _WORDLIKE.fullmatch(value):
        return False
    if len(value) >= 4 and name.isupper():
        return True
    if _SHORT_HASH.fullmatch(value):
        return False
    is_code = not quoted and _NAME_IN_CODE.fullmatch(value) and not any(character.isdigit() for character in value)
    return len(value) >= 8 and " " not in value and not (is_code or _FILE.fullmatch(value)) and entropy(value) >= 2.5
