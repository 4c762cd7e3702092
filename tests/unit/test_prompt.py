"""The prompt of an attempt."""

from claude_orchestrator.orchestrator import context_builder

KEY = "ghp_" + "0123456789abcdefghijklmnopqrstuvwxyz"


def test_no_key_gets_into_a_prompt() -> None:
    task = {"id": "t", "prompt": f"Use {KEY} for once.", "success_criteria": [f"{KEY} works"]}
    prompt = context_builder.build(task, f"it printed {KEY}")
    assert prompt.startswith("Use ")
    assert "it printed " in prompt
    assert KEY not in prompt
