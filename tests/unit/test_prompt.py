"""The prompt of an attempt: what is in it, in which order, and that it never has too many tokens."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from claude_orchestrator.models import tokens
from claude_orchestrator.orchestrator.context_builder import BUDGET, Advice, Context, Finished, Material, build

KEY = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"
TASK = {"id": "t", "prompt": "Do it."}


def of(**parts: Any) -> Context:
    return build(Material(**{"definition": TASK, **parts}))


def test_no_key_gets_into_a_prompt() -> None:
    task = {"id": "t", "prompt": f"Use {KEY} for once.", "success_criteria": [f"{KEY} works"]}
    context = of(definition=task, feedback=f"it printed {KEY}", documents=[Advice("CLAUDE.md", f"key: {KEY}")])
    assert context.prompt.startswith("Use ")
    assert "it printed " in context.prompt
    assert KEY not in context.prompt


def test_the_prompt_comes_first_word_for_word_and_alone_where_there_is_nothing_else() -> None:
    words = "  Do it:\n\n\t1. well\n\n\n2. now  "
    assert of(definition={"id": "t", "prompt": words}).prompt == words + "\n\n"
    assert of().left_out == []


def test_each_thing_stands_under_its_heading_in_order() -> None:
    context = of(
        definition={**TASK, "files": ["a.py"], "success_criteria": ["It works."]},
        feedback="test_a failed",
        decisions=[{"question": "Which way?", "answer": "This one.", "reason": "It is shorter."}],
        skills=[Advice("small-changes", "Keep it small.")],
        documents=[Advice("CLAUDE.md", "Use tabs.")],
        finished=[Finished("s", "The first step", ["b.py"], "I wrote b.")],
    )
    headings = [line for line in context.prompt.splitlines() if line.startswith("## ")]
    assert headings == [
        "## Files you may change",
        "## Success criteria",
        "## What has been decided",
        "## How it is done here",
        "## What the project says",
        "## What is finished already",
        "## Why the previous attempt was refused",
    ]
    for said in ("- a.py", "- It works.", "Which way? This one. (It is shorter.)", "### small-changes", "Use tabs.",
                 "### s: The first step", "changed b.py", "I wrote b.", "test_a failed"):  # fmt: skip
        assert said in context.prompt


def test_files_that_are_to_be_created_are_told_apart() -> None:
    prompt = of(definition={**TASK, "files": ["src", "src/new.py"], "creates": ["src/new.py"]}).prompt
    assert "- src\n- src/new.py (it is not there yet: make it)\n" in prompt
    everything = of(definition={**TASK, "creates": ["src/new.py"]}).prompt
    assert "Files you may change" not in everything, "it may change all of them"


def test_what_is_too_long_is_cut_in_the_middle_and_the_report_says_so() -> None:
    context = of(feedback="begin " + "x" * 200_000 + " end", documents=[Advice("CLAUDE.md", "short")])
    (cut,) = context.left_out
    assert (cut.name, cut.left_out > 100_000) == ("feedback", True)
    assert "begin" in context.prompt
    assert " end" in context.prompt
    assert "characters are left out]" in context.prompt
    assert "short" in context.prompt
    assert {part["name"]: part["left_out"] for part in json.loads(context.report())["parts"]}[
        "feedback"
    ] == cut.left_out


def test_one_section_leaves_room_for_the_others() -> None:
    everything = [Advice("CLAUDE.md", "d" * 1_000_000)]
    context = of(documents=everything, skills=[Advice("s", "s" * 1_000_000)], feedback="f" * 1_000_000)
    sizes = {part.name: part.tokens for part in context.parts}
    assert context.tokens <= BUDGET
    assert all(sizes[name] > 20_000 for name in ("documents", "skills", "feedback"))


def test_of_a_flood_everything_is_counted_that_is_left_out() -> None:
    context = of(feedback="x" * 5_000_000)
    (cut,) = context.left_out
    assert cut.left_out + context.prompt.count("x") >= 5_000_000


def test_a_prompt_that_is_itself_too_long_is_cut_visibly() -> None:
    context = of(definition={"id": "t", "prompt": "word " * 400_000})
    assert context.tokens <= BUDGET
    assert context.left_out[0].name == "task"
    assert "characters are left out]" in context.prompt


_TEXT = st.one_of(
    st.text(max_size=300),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=20), st.integers(1, 2_000)),
)
_ADVICE = st.lists(st.builds(Advice, _TEXT, _TEXT), max_size=4)
_MATERIAL = st.builds(
    lambda prompt, files, feedback, decisions, skills, documents, finished: Material(
        {"id": "t", "prompt": prompt, "files": files, "success_criteria": files},
        feedback,
        [{"question": text, "answer": text, "reason": text} for text in decisions],
        skills,
        documents,
        [Finished(text, text, [text] * 50, text) for text in finished],
    ),
    *(_TEXT, st.lists(_TEXT, max_size=5), _TEXT, st.lists(_TEXT, max_size=3)),
    *(_ADVICE, _ADVICE, st.lists(_TEXT, max_size=3)),
)  # fmt: skip


def by_pairs(text: str) -> int:
    """An encoding in which two texts can have more tokens together than apart."""
    return (len(text.encode()) + 1) // 2 if len(text) % 2 else len(text.encode())


@settings(max_examples=60, deadline=None)
@given(_MATERIAL, st.integers(0, 20_000), st.sampled_from([tokens.at_most, tokens.counter(), by_pairs]))
def test_no_input_gets_past_the_budget(material: Material, budget: int, count: tokens.Count) -> None:
    context = build(material, budget, count)
    assert context.tokens <= budget
    assert context.prompt == context.prompt.encode().decode()


# -- tokens -----------------------------------------------------------------------------------------------------


@given(st.text(max_size=500))
def test_the_estimate_is_never_below_what_tiktoken_counts(text: str) -> None:
    tiktoken = pytest.importorskip("tiktoken")
    encoding = tiktoken.Encoding(
        "bytes", pat_str=r"\S+|\s+", mergeable_ranks={bytes([n]): n for n in range(256)}, special_tokens={}
    )
    assert tokens.at_most(text) >= len(encoding.encode_ordinary(text))


def test_an_encoding_that_is_not_at_hand_is_not_waited_for(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import socket

    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    tokens._encoding.cache_clear()
    try:
        assert tokens.counter("openai") is tokens.at_most
    finally:
        tokens._encoding.cache_clear()
