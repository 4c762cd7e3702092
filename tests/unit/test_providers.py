"""What is said when a model cannot be reached as things stand; the extra need not be installed."""

from __future__ import annotations

import sys
import types
from importlib.metadata import EntryPoint
from typing import Any

import pytest

from claude_orchestrator.errors import AgentError
from claude_orchestrator.models import accounts, providers
from claude_orchestrator.models.faults import Fault
from claude_orchestrator.models.providers import Account, ProviderError


def fault_of(provider: str, model: str = "some", **environment: str) -> Fault:
    with pytest.raises(ProviderError) as caught:
        providers.model_of(provider, model, environment)
    assert str(caught.value) == caught.value.fault.detail
    return caught.value.fault


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> types.ModuleType:
    """A module with providers of one's own: ``house`` is its class ``House``."""
    module = types.ModuleType("house_models")
    monkeypatch.setitem(sys.modules, "house_models", module)
    found = EntryPoint("house", "house_models:House", accounts.OWN)
    monkeypatch.setattr(accounts, "own_providers", lambda: {"house": found})
    return module


@pytest.mark.parametrize(
    ("provider", "package"),
    [("anthropic", "anthropic"), ("google", "google"), ("openai", "openai"), ("ollama", "ollama")],
)
def test_a_missing_extra_is_named_with_the_command_that_installs_it(
    provider: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pydantic_ai", None)
    monkeypatch.setitem(sys.modules, f"pydantic_ai.models.{package}", None)
    fault = fault_of(provider, **dict.fromkeys(accounts.keys_of(provider), "k"))
    assert fault.kind == "setup"
    assert "pip install 'claude-orchestrator[models]'" in fault.detail


def test_a_missing_key_is_named() -> None:
    fault = fault_of("google", GOOGLE_GEMINI_BASE_URL="http://localhost:1")
    assert fault.kind == "authentication"
    assert "set GEMINI_API_KEY or GOOGLE_API_KEY" in fault.detail
    assert fault_of("openai-chat").kind == "authentication"


def test_an_unknown_provider_is_told_from_those_that_there_are(own: types.ModuleType) -> None:
    fault = fault_of("qwen3", "8b")
    assert fault.kind == "setup"
    assert "there is no provider 'qwen3'" in fault.detail
    assert all(name in fault.detail for name in ("anthropic", "openai-chat", "house", "ollama:qwen3:8b"))


def test_a_provider_of_ones_own_gets_its_account(own: types.ModuleType) -> None:
    class House:
        def model(self, name: str, account: Account) -> Any:
            return (name, account)

    own.House = House  # type: ignore[attr-defined]
    found: Any = providers.model_of("house", "small", {"HOUSE_API_KEY": "k", "HOUSE_BASE_URL": "http://house"})
    assert found == ("small", Account("house", "k", "http://house"))


def test_a_provider_of_ones_own_that_cannot_be_loaded_is_named(own: types.ModuleType) -> None:
    fault = fault_of("house")
    assert fault.kind == "setup"
    assert "house_models:House" in fault.detail


def test_a_provider_of_ones_own_may_say_what_it_lacks(own: types.ModuleType) -> None:
    class House:
        def model(self, name: str, account: Account) -> Any:
            raise AgentError("switch the machine on first")

    own.House = House  # type: ignore[attr-defined]
    assert fault_of("house") == Fault("setup", "house", "switch the machine on first")


def test_the_runner_gets_the_variables_of_all_providers(own: types.ModuleType) -> None:
    given = {"ANTHROPIC_API_KEY": "a", "OLLAMA_BASE_URL": "o", "HOUSE_API_KEY": "h", "OTHER_API_KEY": "x"}
    assert accounts.environment_of("model", given) == {k: v for k, v in given.items() if k != "OTHER_API_KEY"}
    assert accounts.environment_of("command", given) == {}
