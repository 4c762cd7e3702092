"""What a call costs, by its client, by the table, and where nobody knows."""

from __future__ import annotations

import subprocess
import sys

import pytest

from claude_orchestrator.models import prices
from claude_orchestrator.models.prices import Price, price_of
from claude_orchestrator.models.usage import Usage


def test_what_the_client_says_counts() -> None:
    assert price_of(Usage("anthropic", "claude-opus-4-5", input_tokens=10**9, usd=0.0123456)) == Price(12_346, "client")


def test_the_table_reckons_with_caches() -> None:
    usage = Usage("anthropic", "claude-opus-4-5", 400, 100, cache_read_tokens=500, cache_write_tokens=100)
    price = price_of(usage)
    assert price.micro_usd == 400 * 5 + 500 * 0.5 + 100 * 6.25 + 100 * 25
    assert price.table.startswith("genai-prices ")


def test_an_account_that_the_table_does_not_know_may_sell_a_model_that_it_knows() -> None:
    assert price_of(Usage("claude-agent-acp", "claude-opus-4-5", 1_000_000)).micro_usd == 5_000_000


@pytest.mark.parametrize("usage", [Usage("anthropic", "no-such-model", 100), Usage("gemini", "", 100)])
def test_what_nobody_knows_is_unknown_and_not_free(usage: Usage) -> None:
    assert price_of(usage) == Price(None, "")


def test_a_server_of_ones_own_is_free() -> None:
    assert price_of(Usage("ollama", "llama", 100)) == Price(0, "free")


def test_without_the_table_prices_are_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "genai_prices", None)
    assert price_of(Usage("anthropic", "claude-opus-4-5", 100)) == prices.UNKNOWN


def test_the_table_is_read_only_when_it_is_needed() -> None:
    look = (
        "import sys; from claude_orchestrator.agents import journal;"
        "from claude_orchestrator.models import prices, usage;"
        "prices.price_of(usage.Usage('anthropic', 'x', usd=1.0)); print('genai_prices' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", look], capture_output=True, text=True, check=True).stdout == "False\n"
