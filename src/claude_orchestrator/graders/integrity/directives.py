"""The comments and decorators by which code silences a tool, read from one file."""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from claude_orchestrator.graders.integrity.marks import Mark, Symbols
from claude_orchestrator.graders.parsing import parsed

_CODES: Final = r"[A-Za-z]+[0-9]+(?:[,\s]+[A-Za-z]+[0-9]+)*"
_BRACKETS: Final = r"(?:\[(?P<codes>[^\]]*)\])?"
_LOOSER: Final = re.compile(r"ignore|disable-error|follow-imports|implicit|allow|=\s*false|^no-", re.IGNORECASE)
_PATTERNS: Final = {
    "noqa of the file": rf"#\s*(?:ruff|flake8)\s*[:=]\s*noqa(?:\s*:\s*(?P<codes>{_CODES}))?",
    "ruff switch": r"#\s*ruff:\s*(?:disable|ignore|file-ignore)(?:\s*\[(?P<codes>[^\]]*)\])?",
    "noqa": rf"#\s*noqa\b(?:\s*:\s*(?P<codes>{_CODES}))?",
    "type: ignore": r"#\s*type:\s*ignore\b" + _BRACKETS,
    "pyright: ignore": r"#\s*pyright:\s*ignore\b" + _BRACKETS,
    "pyright switch": r"#\s*pyright:\s*(?P<codes>basic|off|(?:report)?\w+\s*=\s*(?:false|none|warning|information))",
    "mypy switch": r"#\s*mypy:\s*(?P<codes>[^#]+)",
    "type checker switch": (
        r"#\s*(?:ty|pyrefly|pytype|pyre)\s*(?::|-)\s*(?:ignore|disable|fixme|unsafe)[-\w]*" + _BRACKETS
    ),
    "pylint switch": r"#\s*pylint:\s*(?:skip-file|disable[-\w]*)(?:\s*=\s*(?P<codes>[\w,\s-]+?)(?=$|#|;))?",
    "nosec": r"#\s*nosec\b:?\s*(?P<codes>B\d{3}(?:[,\s]+B\d{3})*)?",
    "no cover": r"#\s*pragma[:\s]\s*(?:[\w.<>= ]*\s)?no\s*-?cover\b",
    "no branch": r"#\s*pragma[:\s]\s*(?:[\w.<>= ]*\s)?no\s*-?branch\b",
    "no mutate": r"#\s*pragma[:\s]\s*no\s*mutate\b",
    "other scanner": r"#\s*(?:nosemgrep|NOSONAR|skipcq|lgtm|pragma:\s*allowlist\s+secret)\b",
    "formatting": r"#\s*(?:fmt:\s*(?:off|skip)|yapf:\s*disable|autopep8:\s*off|(?:ruff:\s*)?isort:\s*(?:skip|off)\w*)",
    "spelling": r"#\s*(?:codespell:ignore|noinspection|spell-?checker:)",
}  # fmt: skip
"""Kind → how its comment reads; a comment may hold several."""
_COMPILED: Final = {kind: re.compile(pattern, re.IGNORECASE) for kind, pattern in _PATTERNS.items()}
_HINT: Final = re.compile(
    rb"noqa|ignore|pyright:|mypy:|pylint:|nosec|pragma|fmt:|yapf|isort:|ruff:|pyre|pytype|ty:|NOSONAR|skipcq|autopep8|lgtm|spell"
    rb"|no_type_check|filterwarnings|simplefilter|noinspection",
    re.IGNORECASE,
)
_WORDS: Final = re.compile(r"[A-Za-z]{2,}")


@dataclass(frozen=True)
class Suppression(Mark):
    """One place that silences a tool. No ``codes``: everything. ``reason``: it says why, in words.

    ``statement`` is the code that it belongs to, ``indented`` whether that stands below other code.
    """

    codes: frozenset[str] = frozenset()
    reason: bool = False
    statement: str = ""
    indented: bool = False

    def covers(self, other: Suppression) -> bool:
        """Whether it silences whatever ``other`` does."""
        return self.kind == other.kind and (not self.codes or (bool(other.codes) and other.codes <= self.codes))


def suppressions_in(path: str, content: bytes) -> list[Suppression]:
    """All suppressions of a Python file; none when it cannot be read as Python."""
    if not _HINT.search(content):
        return []
    tree = parsed(content)
    symbols = Symbols(tree)
    lines = content.decode(errors="replace").splitlines()
    first = _first_statement(tree)
    found = []
    for line, column, comment in _comments(content):
        source = lines[line - 1] if line <= len(lines) else ""
        code = source[:column] if column <= len(source) else source
        above = lines[line - 2].strip() if line > 1 else ""
        for kind, codes, rest in _directives(comment):
            whole = kind == "type: ignore" and not code.strip() and line < first
            found.append(
                Suppression(
                    "type: ignore of the file" if whole else kind,
                    " ".join(sorted(codes)), path, line, symbols.at(line), "".join(code.split()), frozenset(codes),
                    _is_reason(rest) or (above.startswith("#") and _is_reason(above)),
                    code.strip() or _next_code(lines, line), code[:1].isspace(),
                )
            )  # fmt: skip
    return [*found, *_in_code(path, tree, symbols, lines)]


def _directives(comment: str) -> Iterator[tuple[str, set[str], str]]:
    """Kind, codes and what else the comment says, for each directive of a comment."""
    rest = comment
    matches: list[tuple[int, int, str, set[str]]] = []
    for kind, pattern in _COMPILED.items():
        for match in pattern.finditer(comment):
            if any(match.start() >= start and match.start() < end for start, end, *_ in matches):
                continue
            listed = (match.groupdict().get("codes") or "").strip()
            if kind == "mypy switch" and not _LOOSER.search(listed):
                continue
            split = r"," if kind == "mypy switch" else r"[,\s]+"
            codes = {re.sub(r"\s", "", code) for code in re.split(split, listed) if code.strip()}
            matches.append((match.start(), match.end(), kind, codes))
            rest = rest.replace(match.group(), " ")
    yield from ((kind, codes, rest) for _, _, kind, codes in matches)


def _comments(content: bytes) -> Iterator[tuple[int, int, str]]:
    try:
        for token in tokenize.tokenize(io.BytesIO(content).readline):
            if token.type == tokenize.COMMENT and _HINT.search(token.string.encode(errors="replace")):
                yield *token.start, token.string
    except (tokenize.TokenError, SyntaxError, ValueError):
        return


def _is_reason(text: str) -> bool:
    return len(_WORDS.findall(text)) >= 2


def _first_statement(tree: ast.Module | None) -> int:
    return tree.body[0].lineno if tree is not None and tree.body else 1


def _next_code(lines: list[str], line: int) -> str:
    return next((text.strip() for text in lines[line : line + 3] if text.strip()), "")


def _in_code(path: str, tree: ast.Module | None, symbols: Symbols, lines: list[str]) -> Iterator[Suppression]:
    """Decorators and calls that do what such comments do."""

    def mark(kind: str, text: str, node: ast.AST) -> Suppression:
        line: int = getattr(node, "lineno", 0)
        code = "".join(lines[line - 1].split()) if 0 < line <= len(lines) else ""
        return Suppression(kind, text, path, line, symbols.at(line), code)

    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            for decorator in node.decorator_list:
                name = ast.unparse(decorator).rsplit(".", 1)[-1]
                if name in ("no_type_check", "no_type_check_decorator"):
                    yield mark("no_type_check", name, decorator)
        elif isinstance(node, ast.Call) and (text := _silenced_warnings(node)):
            scoped = _inside_catch(tree, node)
            yield mark("warnings in a block" if scoped else "warnings", text, node)


def _silenced_warnings(call: ast.Call) -> str:
    name = ast.unparse(call.func)
    if name.rsplit(".", 1)[-1] not in ("filterwarnings", "simplefilter") or "mark" in name or not call.args:
        return ""
    first = call.args[0]
    return ast.unparse(call) if isinstance(first, ast.Constant) and first.value == "ignore" else ""


def _inside_catch(tree: ast.Module | None, call: ast.Call) -> bool:
    return any(
        isinstance(node, ast.With | ast.AsyncWith)
        and node.lineno <= call.lineno <= (node.end_lineno or node.lineno)
        and any("catch_warnings" in ast.unparse(item.context_expr) for item in node.items)
        for node in (ast.walk(tree) if tree is not None else ())
    )
