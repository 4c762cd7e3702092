"""What kind of files a change adds: programs, archives and other things that nobody can read."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import PurePosixPath
from typing import Final

from claude_orchestrator.graders.base import Finding, Severity
from claude_orchestrator.graders.commands_in_code import command_findings, commands_in
from claude_orchestrator.graders.credentials import credential_findings
from claude_orchestrator.workspace.git import Entry

_EXECUTABLE_MODE: Final = "100755"
_PROGRAMS: Final = {
    b"\x7fELF": "a program (ELF)", b"MZ": "a program (PE)", b"\xcf\xfa\xed\xfe": "a program (Mach-O)",
    b"\xce\xfa\xed\xfe": "a program (Mach-O)", b"\xca\xfe\xba\xbe": "a program (Mach-O or Java)",
    b"\0asm": "a program (WebAssembly)",
}  # fmt: skip
_ASSETS: Final = frozenset(
    {
        ".png", ".jpg", ".jpeg", ".gif", ".ico", ".webp", ".bmp", ".svg", ".tif", ".tiff", ".avif", ".icns", ".woff",
        ".woff2",
        ".ttf", ".otf", ".eot", ".pdf", ".mp3", ".mp4", ".webm", ".wav", ".ogg", ".flac", ".mo", ".gmo", ".inv",
        ".heic", ".mov",
    }
)  # fmt: skip
_FETCHES_AND_RUNS: Final = re.compile(
    rb"\b(?:curl|wget|fetch)\b[^\n#]*\|\s*(?:sudo\s+)?(?:ba|z|da|k)?sh\b|\b(?:curl|wget)\b[^\n#]*\|\s*(?:sudo\s+)?python"
    rb"|\b(?:ba|z)?sh\s+(?:-c\s+)?[\"']?[<$]\((?:curl|wget)\b|\beval\s+[\"']?\$\((?:curl|wget)\b"
)
_PYTHON_START: Final = (b"import ", b"import\t")


def content_findings(
    base: Mapping[str, Entry], head: Mapping[str, Entry], before: Mapping[str, bytes], after: Mapping[str, bytes],
    is_test: Callable[[str], bool],
) -> list[Finding]:  # fmt: skip
    """What the new and changed files are. ``before`` and ``after`` hold the contents of the touched ones."""
    found: list[Finding] = []
    known = {words for path, content in before.items() for _, words in commands_in(path, content)}
    for path, content in sorted(after.items()):
        found += _binary(path, before.get(path), content, is_test=is_test(path))
        found += _executable(path, base.get(path), head[path], content)
        found += _start_file(path, before.get(path), content)
        found += credential_findings(path, before.get(path), content, is_test=is_test(path))
        found += [] if is_test(path) else command_findings(path, known, content)
    return found


def is_binary(content: bytes) -> bool:
    """Whether a file is no text, as git sees it."""
    return b"\0" in content[:8000]


def _binary(path: str, before: bytes | None, content: bytes, *, is_test: bool) -> list[Finding]:
    kind = next((kind for magic, kind in _PROGRAMS.items() if content.startswith(magic)), "")
    if kind and (len(content) > 64 or is_binary(content)):
        if kind.endswith("(PE)") and not is_binary(content):
            return []
        return [Finding("scope/binary", path, 0, f"is {kind}: no check can read what it does")]
    if not is_binary(content):
        return []
    suffix = PurePosixPath(path).suffix.lower()
    harmless = suffix in _ASSETS or (before is not None and is_binary(before)) or path.startswith(("docs/", "doc/"))
    severity: Severity = "note" if harmless else "review"
    where = " of the tests" if is_test else ""
    return [
        Finding(
            "scope/binary", path, 0, f"is a binary file{where} ({len(content)} bytes): no check can read it", severity
        )
    ]


def _executable(path: str, base: Entry | None, head: Entry, content: bytes) -> list[Finding]:
    if head.mode != _EXECUTABLE_MODE or (base is not None and base.mode == _EXECUTABLE_MODE) or is_binary(content):
        return []
    if content.startswith(b"#!") and _FETCHES_AND_RUNS.search(content):
        return [
            Finding("scope/executable", path, 0, "is a new script that runs what it fetches from elsewhere", "review")
        ]
    if content.startswith(b"#!"):
        return [Finding("scope/executable", path, 0, "is a new executable script", "note")]
    severity: Severity = "note" if not content.strip() else "review"
    return [Finding("scope/executable", path, 0, "is executable and says not by which program", severity)]


def _start_file(path: str, before: bytes | None, content: bytes) -> list[Finding]:
    if not path.endswith(".pth") or is_binary(content):
        return []
    old = set((before or b"").splitlines())
    runs = any(line.startswith(_PYTHON_START) for line in content.splitlines() if line not in old)
    message = (
        "runs code whenever a Python starts that finds it" if runs else "lengthens the path that Python imports from"
    )
    return [Finding("scope/path-file", path, 0, message, "problem" if runs else "review")]
