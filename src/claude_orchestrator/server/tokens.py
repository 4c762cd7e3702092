"""Bearer tokens: signed statements of who calls over HTTP, for which server, until when, and what they may do.

Two kinds of signature, never both. With ``JWT_SECRET_KEY`` (HS256) whoever knows the secret can make tokens, so it is
read from the environment and from the home's ``.secrets.json`` only: the file in a project's folder is in agents'
reach. With published keys (JWKS; RS256, ES256) this program has nothing to keep secret.
"""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol
from urllib.parse import urlsplit

import anyio

from claude_orchestrator.config import Settings
from claude_orchestrator.config.keys import SIGNED_WITH, read_keys
from claude_orchestrator.errors import ConfigError
from claude_orchestrator.server.principals import SCOPES, Scope

if TYPE_CHECKING:
    from jwt import PyJWK

MIN_SECRET_BYTES: Final = 32
"""As many as the signature has: a shorter secret is what is guessed."""

LEEWAY_S: Final = 30
"""Seconds by which two clocks may differ."""

_REQUIRED: Final = ["exp", "iat", "sub", "aud", "iss"]
_KEYS_LAST_S: Final = 300.0
"""Seconds after which published keys are looked up again."""
_KEYS_REST_S: Final = 10.0
"""Seconds between two look-ups, however many tokens name keys that nobody has published."""
_FETCH_S: Final = 5.0


class TokenError(Exception):
    """A token that does not count; the text says why, for whoever sent it."""


@dataclass(frozen=True)
class Holder:
    """What a token that counts says."""

    subject: str
    issuer: str
    scopes: frozenset[Scope]
    expires_at: int
    """Seconds since 1970; it counts for :data:`LEEWAY_S` more."""


class Authority(Protocol):
    """Who says which tokens count."""

    issuer: str

    async def holder(self, token: str) -> Holder:
        """Whose token it is. Raises TokenError when it does not count."""


class SharedSecret:
    """Tokens of our own, for one server."""

    def __init__(self, secret: str, audience: str) -> None:
        """Raises ConfigError when the secret is something else, such as a public key."""
        import jwt

        try:
            jwt.get_algorithm_by_name("HS256").prepare_key(secret)
        except jwt.PyJWTError as error:
            raise ConfigError(f"{SIGNED_WITH} cannot be used: {error}") from error
        self._secret = secret
        self._audience = audience
        self.issuer = issuer_of(audience)

    async def holder(self, token: str) -> Holder:
        """Whose token it is. Raises TokenError when it does not count."""
        return _holder(token, self._secret, ["HS256"], self._audience, self.issuer)

    def issue(self, subject: str, scopes: frozenset[Scope], ttl_s: float) -> str:
        """A new token."""
        import jwt

        now = int(time.time())
        claims = {
            "iss": self.issuer,
            "aud": self._audience,
            "sub": subject,
            "iat": now,
            "exp": now + int(ttl_s),
            "jti": uuid.uuid4().hex,
            "scope": " ".join(scope for scope in SCOPES if scope in scopes),
        }
        return jwt.encode(claims, self._secret, algorithm="HS256")


class PublishedKeys:
    """Tokens that somebody else signs, who publishes the keys to check them with."""

    def __init__(self, place: str, issuer: str, audience: str) -> None:
        """``place`` is a file or a URL. Raises ConfigError when there are no keys, or the way to them is not safe."""
        self.issuer = issuer
        self._place = place
        self._audience = audience
        self._turn = threading.Lock()
        self._keys = self._fetched()
        self._fetched_at = time.monotonic()

    async def holder(self, token: str) -> Holder:
        """Whose token it is. Raises TokenError when it does not count."""
        key = await anyio.to_thread.run_sync(self._key_of, token)
        return _holder(token, key, ["RS256", "ES256"], self._audience, self.issuer)

    def _key_of(self, token: str) -> PyJWK:
        import jwt

        try:
            name = str(jwt.get_unverified_header(token).get("kid", ""))
        except jwt.PyJWTError:
            raise TokenError("it is no signed token") from None
        with self._turn:
            age = time.monotonic() - self._fetched_at
            if age > _KEYS_LAST_S or (name not in self._keys and age > _KEYS_REST_S):
                self._fetched_at = time.monotonic()
                try:
                    self._keys = self._fetched()
                except ConfigError as error:
                    if name not in self._keys:
                        raise TokenError("the keys cannot be fetched now") from error
            if name not in self._keys:
                raise TokenError("it names no key that is published")
            return self._keys[name]

    def _fetched(self) -> dict[str, PyJWK]:
        import jwt

        try:
            published = _published(self._place)
            keys = {str(key.key_id or ""): key for key in published.keys if key.key_type in {"RSA", "EC"}}
        except (OSError, ValueError, AttributeError, jwt.PyJWTError) as error:
            raise ConfigError(f"the keys of {self._place} cannot be read: {error}") from error
        if not keys:
            raise ConfigError(f"{self._place} has no RSA or EC key: tokens are checked with those")
        return keys


def authority(settings: Settings, environment: Mapping[str, str], audience: str) -> Authority:
    """Who says which tokens count for the server at the URL ``audience``.

    Raises ConfigError when nobody does, or when what is set cannot be trusted.
    """
    if settings.jwks:
        if not settings.jwt_issuer:
            raise ConfigError("CLAUDE_ORCHESTRATOR_JWKS needs CLAUDE_ORCHESTRATOR_JWT_ISSUER: whose tokens count")
        return PublishedKeys(settings.jwks, settings.jwt_issuer, audience)
    return SharedSecret(secret_of(settings, environment), audience)


def secret_of(settings: Settings, environment: Mapping[str, str]) -> str:
    """The secret that our own tokens are signed with. Raises ConfigError when there is none, or a short one."""
    found = read_keys(environment, home=settings.home).get(SIGNED_WITH)
    if found is None:
        raise ConfigError(
            f"{SIGNED_WITH} is not set: tokens are signed with it; make one with"
            f" 'openssl rand -hex 32' and keep it in {settings.home / '.secrets.json'} or in the environment"
        )
    if (size := len(found.value.encode())) < MIN_SECRET_BYTES:
        raise ConfigError(
            f"{SIGNED_WITH} ({found.origin}) has {size} bytes and needs at least {MIN_SECRET_BYTES}:"
            " 'openssl rand -hex 32' makes a good one"
        )
    return found.value


def issuer_of(audience: str) -> str:
    """Who signs our own tokens for the server at that URL: the server, by its scheme and address."""
    parts = urlsplit(audience)
    return f"{parts.scheme}://{parts.netloc}"


def _published(place: str) -> Any:
    import jwt

    if "://" not in place:
        return jwt.PyJWKSet.from_json(Path(place).expanduser().read_text(encoding="utf-8"))
    parts = urlsplit(place)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname in {"127.0.0.1", "localhost", "::1"}):
        raise ConfigError(f"{place} is not fetched: keys come from a file or by https")
    return jwt.PyJWKClient(place, cache_jwk_set=False, timeout=_FETCH_S).get_jwk_set(refresh=True)


def _holder(token: str, key: str | PyJWK, algorithms: list[str], audience: str, issuer: str) -> Holder:
    import jwt

    try:
        claims = jwt.decode(
            token,
            key,
            algorithms=algorithms,
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": _REQUIRED},
        )
        return Holder(_subject(claims), issuer, _scopes(claims), int(claims["exp"]))
    except jwt.ExpiredSignatureError:
        raise TokenError("it has expired") from None
    except jwt.InvalidAudienceError:
        raise TokenError(f"it is not for {audience}") from None
    except jwt.InvalidIssuerError:
        raise TokenError(f"it is not from {issuer}") from None
    except jwt.MissingRequiredClaimError as error:
        raise TokenError(f"it does not say '{error.claim}'") from None
    except jwt.ImmatureSignatureError:
        raise TokenError("it does not count yet") from None
    except (jwt.PyJWTError, ValueError, TypeError):
        raise TokenError("it is not signed as tokens for this server are") from None


def _subject(claims: Mapping[str, Any]) -> str:
    subject = claims["sub"]
    if not isinstance(subject, str) or not subject.strip() or not subject.isprintable():
        raise TokenError("its subject is no name")
    return subject


def _scopes(claims: Mapping[str, Any]) -> frozenset[Scope]:
    """The scopes that we know, from ``scope`` (words in a text) or ``scp`` (a list, or the same)."""
    said = claims.get("scope", claims.get("scp", ""))
    words = said.split() if isinstance(said, str) else said if isinstance(said, list) else []
    return frozenset(scope for scope in SCOPES if scope in words)
