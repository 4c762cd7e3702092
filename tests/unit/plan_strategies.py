"""Valid plans of every kind, with texts as odd as they may be."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from claude_orchestrator.plans.fields import KNOWN_DIFFICULTIES, KNOWN_KINDS
from claude_orchestrator.plans.models import Plan, Task
from claude_orchestrator.plans.paths import path_fault

_PIECES = st.sampled_from(
    [
        *(
            "```",
            "````text",
            "~~~",
            "# Plan",
            "## Phase `a`: b",
            "### Task x",
            "- **Files:** `a`",
            "**Prompt:**",
            "---",
        ),
        *("...", "| a | b |\n|---|---|", "<b>", "<!-- x -->", "é", "日本", "👩‍👧", "\u202e", "\ufeff", "\x00", "\x85"),
        *("\u2028", "\r", "\r\n", "\t", " ", "\n", "\n\n", ": ", " #", "'", '"', '`"a"`', "`", "\\", "none", "no"),
        *("1.50", "{a}", "&x", "*x", "!t", "%Y", "word", "Decision", "Plan", "> q", "  - item", ""),
    ]
)
TEXTS = st.lists(_PIECES | st.text(max_size=8), max_size=4).map("".join)
"""Any text."""

SAID = TEXTS.filter(str.strip)
"""Any text that says something."""

_IDS = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,8}", fullmatch=True)
_PLACES = st.text(
    st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\\/~:*?[\x7f"), min_size=1, max_size=8
).filter(lambda path: path_fault(path) is None)
_PATTERNS = _PLACES | st.sampled_from(["src/**/*.py", ".", "a b/", "a,b", "`x`", '"q"', "none", "[ab].py"])
_MONEY = st.floats(min_value=1e-9, max_value=1e12)
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=5,
)
_CONDITIONS = st.one_of(
    st.fixed_dictionaries({"contains": st.fixed_dictionaries({"in": _PLACES, "text": SAID})}),
    st.fixed_dictionaries({"length": st.fixed_dictionaries({"in": st.just("report"), "max": st.integers(0, 10**9)})}),
    st.fixed_dictionaries(
        {"json_schema": st.fixed_dictionaries({"in": _PLACES, "schema": st.fixed_dictionaries({"const": _JSON})})}
    ),
)
_CHECKS = st.lists(st.sampled_from(["pytest", "ruff", "mypy", "bandit"]) | _CONDITIONS, max_size=3)
_PROGRAM = SAID.filter(lambda text: "\0" not in text)
_OPERATIONS = st.lists(
    st.one_of(
        st.fixed_dictionaries({"write": _PLACES, "content": TEXTS}),
        st.fixed_dictionaries({"replace": _PLACES, "old": SAID, "new": TEXTS, "count": st.integers(1, 9)}),
        st.fixed_dictionaries({"delete": _PLACES, "may_be_refused": st.booleans()}),
        st.fixed_dictionaries(
            {"run": _PROGRAM | st.lists(_PROGRAM, min_size=1, max_size=3), "may_fail": st.booleans()}
        ),
        st.fixed_dictionaries({"report": SAID}),
    ),
    max_size=3,
)
_WORK = st.one_of(
    st.fixed_dictionaries({"prompt": SAID}),
    st.fixed_dictionaries({"prompt": TEXTS, "operations": _OPERATIONS}),
    st.fixed_dictionaries({"attempts": st.fixed_dictionaries({1: _OPERATIONS}, optional={3: _OPERATIONS})}),
    st.fixed_dictionaries({"command": st.lists(_PROGRAM, min_size=1, max_size=3), "prompt": SAID}),
)


@st.composite
def _tasks(draw: st.DrawFn, name: str, before: list[str]) -> dict[str, Any]:
    optional: dict[str, st.SearchStrategy[Any]] = {
        "title": TEXTS,
        "kind": st.sampled_from(KNOWN_KINDS),
        "files": st.lists(_PATTERNS, max_size=3),
        "success_criteria": st.lists(SAID, max_size=3),
        "checks": _CHECKS,
        "max_attempts": st.integers(3, 100),
        "timeout": st.floats(min_value=1e-9, max_value=1e12) | st.integers(1, 100_000),
        "model": SAID,
        "difficulty": st.sampled_from(KNOWN_DIFFICULTIES),
        "budget": _MONEY,
        "max_turns": st.integers(1, 10**6),
    }
    if "creates" in Task.model_fields:
        optional["creates"] = st.lists(_PLACES, max_size=2)
    if before:
        optional["depends_on"] = st.lists(st.sampled_from(before), max_size=2, unique=True)
    task = {"id": name, **draw(_WORK), **draw(st.fixed_dictionaries({}, optional=optional))}
    if task.get("files") or task.get("creates"):
        task["files"] = [*task.get("files", ()), *task.get("creates", ())]
    return task


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Any valid plan."""
    names = draw(st.lists(_IDS, min_size=1, max_size=3, unique_by=str.casefold))
    decision = st.fixed_dictionaries(
        {"question": SAID, "answer": SAID}, optional={"reason": TEXTS, "alternatives": st.lists(SAID, max_size=3)}
    )
    choice = {"agent": st.sampled_from(["claude", "model", "acp"]), "model": SAID}
    phases: list[dict[str, Any]] = []
    for number, name in enumerate(names):
        if number == 0 or draw(st.booleans()):
            optional: dict[str, st.SearchStrategy[Any]] = {"title": TEXTS, **choice}
            earlier = [phase["id"] for phase in phases]
            optional["depends_on"] = (
                st.lists(st.sampled_from(earlier), max_size=2, unique=True) if earlier else st.just([])
            )
            phases.append({"id": f"{name}", "tasks": [], **draw(st.fixed_dictionaries({}, optional=optional))})
        tasks = phases[-1]["tasks"]
        tasks.append(draw(_tasks(f"t-{name}", [task["id"] for task in tasks])))
    head = draw(
        st.fixed_dictionaries(
            {"goal": SAID},
            optional={
                "id": _IDS,
                "version": st.integers(1, 10**6),
                "budget": _MONEY,
                "decisions": st.lists(decision, max_size=3),
                "command": st.lists(_PROGRAM, min_size=1, max_size=3),
                **choice,
            },
        )
    )
    return Plan.model_validate({**head, "phases": phases})
