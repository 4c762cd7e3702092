import pytest

from claude_orchestrator.models import accounts, choosing
from claude_orchestrator.models.choosing import MODELS, candidates

ALL = ("anthropic", "google", "openai", "ollama")


@pytest.mark.parametrize(
    ("difficulty", "size"), [("easy", "small"), ("medium", "medium"), ("hard", "large"), (None, "medium")]
)
def test_the_difficulty_chooses_the_size(difficulty, size):
    for provider in MODELS:
        assert candidates({"difficulty": difficulty}, [provider])[0] == (provider, MODELS[provider][size].model)


def test_the_other_providers_come_next_and_smaller_models_last():
    found = candidates({"difficulty": "hard"}, ALL)
    assert [provider for provider, _ in found] == ["anthropic", "openai", "google"] * 3
    assert found[0] == ("anthropic", MODELS["anthropic"]["large"].model)
    assert found[3] == ("anthropic", MODELS["anthropic"]["medium"].model)
    assert len(set(found)) == 9


def test_only_providers_with_an_account_are_candidates():
    assert {provider for provider, _ in candidates({"difficulty": "easy"}, ["google"])} == {"google"}
    assert candidates({}, []) == []
    assert candidates({}, ["ollama", "house"]) == []


def test_too_little_money_leaves_the_large_ones_out():
    least = MODELS["anthropic"]["large"].least_usd
    enough = candidates({"difficulty": "hard"}, ["anthropic"], {"anthropic": least})
    less = candidates({"difficulty": "hard"}, ["anthropic"], {"anthropic": least * 0.99})
    assert enough[0] == ("anthropic", MODELS["anthropic"]["large"].model)
    assert less[0] == ("anthropic", MODELS["anthropic"]["medium"].model)


def test_a_provider_with_money_comes_before_one_without():
    found = candidates({"difficulty": "hard"}, ALL, {"anthropic": 0.1, "google": None})
    assert found[0] == ("openai", MODELS["openai"]["large"].model)
    assert ("anthropic", MODELS["anthropic"]["small"].model) in found
    assert ("anthropic", MODELS["anthropic"]["medium"].model) not in found


def test_without_any_money_the_smallest_are_left_for_others_to_refuse():
    found = candidates({"difficulty": "hard"}, ["anthropic", "openai"], {"anthropic": 0.0, "openai": 0.0})
    assert found == [(name, MODELS[name]["small"].model) for name in ("anthropic", "openai")]


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("google:gemini-x", [("google", "gemini-x")]),
        ("ollama:qwen3:8b", [("ollama", "qwen3:8b")]),
        ("house: our-model", [("house", "our-model")]),
        ("claude-whatever-9", [("anthropic", "claude-whatever-9")]),
        ("gemini-9-pro", [("google", "gemini-9-pro")]),
        ("gpt-9", [("openai", "gpt-9")]),
        ("o9-mini", [("openai", "o9-mini")]),
        ("llama9", [("ollama", "llama9")]),
        ("openai:gpt-9, claude-x-1", [("openai", "gpt-9"), ("anthropic", "claude-x-1")]),
    ],
)
def test_a_named_model_is_the_only_choice(model, expected):
    assert candidates({"model": model, "difficulty": "easy"}, ALL, dict.fromkeys(ALL, 0.0)) == expected


def test_a_name_that_nobody_can_tell_has_no_provider():
    assert candidates({"model": "llama9"}, ["anthropic"]) == [("", "llama9")]
    assert candidates({"model": "claude-x"}, []) == [("anthropic", "claude-x")]


def test_every_size_of_the_table_is_dearer_than_the_one_below():
    for sizes in choosing.MODELS.values():
        assert list(sizes) == ["small", "medium", "large"]
        prices = [named.least_usd for named in sizes.values()]
        assert prices == sorted(set(prices))


def test_a_key_or_the_address_of_a_keyless_server_is_an_account():
    assert accounts.available({}) == ()
    assert accounts.available({"GOOGLE_API_KEY": "k", "ANTHROPIC_API_KEY": ""}) == ("google",)
    assert accounts.available({"OLLAMA_BASE_URL": "http://localhost:11434/v1"}) == ("ollama",)
    assert accounts.available({"OPENAI_BASE_URL": "http://localhost:1/v1"}) == ("openai-chat",)
    assert accounts.available({"OPENAI_API_KEY": "k"}) == ("openai", "openai-chat")
