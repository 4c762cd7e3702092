"""The places at which models are reached, each through pydantic-ai's client for it.

A provider of one's own is a class with the methods of :class:`Provider`, in a package that is installed beside
claude-orchestrator and names it as an entry point::

    [project.entry-points."claude_orchestrator.providers"]
    house = "house_models:House"

A task then says ``model: house:NAME``. What a plan says is never imported: only what the user has installed is.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

from claude_orchestrator.errors import AgentError
from claude_orchestrator.models import accounts
from claude_orchestrator.models.faults import Fault

if TYPE_CHECKING:
    from openai import AsyncOpenAI
    from pydantic_ai.models import Model

OLLAMA: Final = "http://localhost:11434/v1"
"""Where Ollama listens when nobody says otherwise."""

MAX_ANSWER_TOKENS: Final = 32_000
"""What one answer may have at a provider that wants a limit: one that runs wild costs no fortune."""

_INSTALL: Final = "pip install 'claude-orchestrator[models]'"


class ProviderError(AgentError):
    """A model cannot be reached as things stand; ``fault`` says why, and what to do."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.detail)
        self.fault = fault


@dataclass(frozen=True)
class Account:
    """What the environment says of one provider."""

    provider: str
    key: str | None
    """The first of its keys that is set."""
    base_url: str | None
    """Where it is, when it is somewhere else than usual."""


class Provider(Protocol):
    """A place at which models are reached. Made without arguments; nothing may be contacted before a request."""

    def model(self, name: str, account: Account) -> Model:
        """The model of that name.

        ``account`` has what ``<PROVIDER>_API_KEY`` and ``<PROVIDER>_BASE_URL`` hold. Raises AgentError with what to
        do when the model cannot be used.
        """


def model_of(provider: str, model: str, environment: Mapping[str, str]) -> Model:
    """The model, ready for requests; nothing is contacted yet.

    Raises ProviderError when there is no such provider, no key for it, or the extra is not installed.
    """
    make = _MAKERS.get(provider) or _own(provider)
    if not model:
        raise ProviderError(Fault("setup", provider, f"no model is named: write 'model: {provider}:NAME'"))
    account = account_of(provider, environment)
    if provider in _MAKERS and account.key is None and not _needs_no_key(account):
        keys = " or ".join(accounts.keys_of(provider))
        raise ProviderError(Fault("authentication", provider, f"there is no key for {provider}: set {keys}"))
    try:
        return make(model, account)
    except ProviderError:
        raise
    except AgentError as error:
        raise ProviderError(Fault("setup", provider, str(error))) from error
    except ImportError as error:
        missing = f"the client for {provider} is not installed ({error.name or error}): {_INSTALL}"
        raise ProviderError(Fault("setup", provider, missing)) from error


def account_of(provider: str, environment: Mapping[str, str]) -> Account:
    """What the environment says of a provider."""
    key = next((environment[name] for name in accounts.keys_of(provider) if environment.get(name)), None)
    where = next((environment[name] for name in accounts.places_of(provider) if environment.get(name)), None)
    return Account(provider, key, where)


def _needs_no_key(account: Account) -> bool:
    """Whether the account is a server that may be one's own: Ollama, or a Chat Completions server somewhere else."""
    return account.provider == "ollama" or (account.provider in accounts.KEYLESS and account.base_url is not None)


def _own(name: str) -> Callable[[str, Account], Model]:
    """The user's own provider of that name."""
    found = accounts.own_providers().get(name)
    if found is None:
        known = ", ".join([*_MAKERS, *accounts.own_providers()])
        said = f"there is no provider '{name}'" if name else "nothing says whose model it is"
        raise ProviderError(
            Fault("setup", name, f"{said}: write 'model: PROVIDER:NAME' with one of {known}, such as ollama:qwen3:8b")
        )
    try:
        own: Provider = found.load()()
    except Exception as error:
        what = f"the provider '{name}' ({found.value}) cannot be loaded: {type(error).__name__}: {error}"
        raise ProviderError(Fault("setup", name, f"{what}: correct the package that names it")) from error
    return own.model


def _anthropic(name: str, account: Account) -> Model:
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AnthropicProvider(api_key=account.key, base_url=account.base_url)
    return AnthropicModel(name, provider=client, settings={"max_tokens": MAX_ANSWER_TOKENS})


def _google(name: str, account: Account) -> Model:
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    return GoogleModel(name, provider=GoogleProvider(api_key=account.key, base_url=account.base_url))


def _openai(name: str, account: Account) -> Model:
    from pydantic_ai.models.openai import OpenAIResponsesModel
    from pydantic_ai.providers.openai import OpenAIProvider

    return OpenAIResponsesModel(name, provider=OpenAIProvider(api_key=account.key, base_url=account.base_url))


def _openai_chat(name: str, account: Account) -> Model:
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.providers import Provider as Client
    from pydantic_ai.providers.openai import OpenAIProvider
    from pydantic_ai.providers.openai_compatible import OpenAICompatibleProvider

    client: Client[AsyncOpenAI] = OpenAIProvider(api_key=account.key)
    if account.base_url is not None:
        client = OpenAICompatibleProvider("openai-chat", base_url=account.base_url, api_key=account.key)
    return OpenAIChatModel(name, provider=client)


def _ollama(name: str, account: Account) -> Model:
    from pydantic_ai.models.ollama import OllamaModel
    from pydantic_ai.providers.ollama import OllamaProvider

    return OllamaModel(name, provider=OllamaProvider(base_url=account.base_url or OLLAMA, api_key=account.key))


_MAKERS: Final[dict[str, Callable[[str, Account], Model]]] = {
    "anthropic": _anthropic,
    "google": _google,
    "openai": _openai,
    "openai-chat": _openai_chat,
    "ollama": _ollama,
}
