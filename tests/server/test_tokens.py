"""Who says which tokens count: the secret, where it may come from, published keys, and where one may listen."""

from __future__ import annotations

import asyncio
import base64
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from claude_orchestrator.config import Settings
from claude_orchestrator.errors import ConfigError
from claude_orchestrator.server import http, tokens
from claude_orchestrator.server.tokens import PublishedKeys, TokenError

URL = "https://orchestrator.example/mcp"
ISSUER = "https://login.example"
SECRET = "x" * 32


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path / "home")


def keep(folder: Path, **keys: str) -> None:
    """A ``.secrets.json`` with those keys."""
    folder.mkdir(exist_ok=True)
    place = folder / ".secrets.json"
    place.touch(mode=0o600)
    place.write_text(json.dumps({"keys": keys}))


# -- the secret ------------------------------------------------------------------------------------


@pytest.mark.parametrize("secret", ["", "x", "x" * 31, "é" * 15])
def test_a_short_secret_is_refused_in_one_line(settings: Settings, secret: str) -> None:
    with pytest.raises(ConfigError) as caught:
        tokens.authority(settings, {"JWT_SECRET_KEY": secret}, URL)
    assert "openssl rand -hex 32" in str(caught.value)
    assert "\n" not in str(caught.value)
    assert len(secret) < 10 or secret not in str(caught.value)


@pytest.mark.parametrize("secret", ["x" * 32, "é" * 16])
def test_a_secret_has_as_many_bytes_as_the_signature(settings: Settings, secret: str) -> None:
    assert tokens.secret_of(settings, {"JWT_SECRET_KEY": secret}) == secret


def test_what_others_know_is_no_secret(settings: Settings, rsa_signer: Signer) -> None:
    public = rsa_signer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    with pytest.raises(ConfigError, match="JWT_SECRET_KEY cannot be used"):
        tokens.authority(settings, {"JWT_SECRET_KEY": public.decode()}, URL)


def test_the_secret_may_be_in_the_home_and_never_in_a_project(
    settings: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = tmp_path / "project"
    keep(project, JWT_SECRET_KEY="p" * 32)
    monkeypatch.chdir(project)
    with pytest.raises(ConfigError, match="is not set"):
        tokens.secret_of(settings, {})
    keep(settings.home, JWT_SECRET_KEY="h" * 32)
    assert tokens.secret_of(settings, {}) == "h" * 32
    assert tokens.secret_of(settings, {"JWT_SECRET_KEY": SECRET}) == SECRET


def test_a_secret_that_others_can_read_is_not_used(settings: Settings) -> None:
    keep(settings.home, JWT_SECRET_KEY="h" * 32)
    (settings.home / ".secrets.json").chmod(0o644)
    with pytest.raises(ConfigError, match="can be read by others"):
        tokens.secret_of(settings, {})


# -- published keys --------------------------------------------------------------------------------


class Signer:
    """Somebody who signs tokens, with a key of their own."""

    def __init__(self, algorithm: str, name: str) -> None:
        self.algorithm = algorithm
        self.name = name
        self.key: Any = (
            rsa.generate_private_key(65537, 2048) if algorithm == "RS256" else ec.generate_private_key(ec.SECP256R1())
        )

    @property
    def published(self) -> dict[str, Any]:
        """The public key, as it is published."""
        made: Any = jwt.algorithms.RSAAlgorithm if self.algorithm == "RS256" else jwt.algorithms.ECAlgorithm
        key = json.loads(made.to_jwk(self.key.public_key()))
        return {**key, "kid": self.name, "use": "sig", "alg": self.algorithm}

    def token(self, kid: str | None = None, **other: Any) -> str:
        """A token; ``kid`` names another key."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": URL, "sub": "ada", "iat": now, "exp": now + 60, "scope": "read", **other}
        return jwt.encode(claims, self.key, self.algorithm, headers={"kid": kid or self.name})


@pytest.fixture(scope="module")
def rsa_signer() -> Signer:
    return Signer("RS256", "one")


@pytest.fixture(scope="module")
def ec_signer() -> Signer:
    return Signer("ES256", "two")


def publish(place: Path, *signers: Signer, more: tuple[dict[str, Any], ...] = ()) -> Path:
    place.write_text(json.dumps({"keys": [*(signer.published for signer in signers), *more]}))
    return place


def holder(keys: PublishedKeys, token: str) -> tokens.Holder:
    return asyncio.run(keys.holder(token))


def refused(keys: PublishedKeys, token: str) -> str:
    with pytest.raises(TokenError) as caught:
        holder(keys, token)
    return str(caught.value)


def test_tokens_of_published_keys_count(rsa_signer: Signer, ec_signer: Signer, tmp_path: Path) -> None:
    place = publish(tmp_path / "keys.json", rsa_signer, ec_signer)
    settings = Settings(home=tmp_path, jwks=str(place), jwt_issuer=ISSUER)
    keys = tokens.authority(settings, {"JWT_SECRET_KEY": SECRET}, URL)
    assert isinstance(keys, PublishedKeys)
    for signer in (rsa_signer, ec_signer):
        found = holder(keys, signer.token())
        assert (found.subject, found.issuer, found.scopes) == ("ada", ISSUER, {"read"})


def test_with_published_keys_no_secret_counts(rsa_signer: Signer, tmp_path: Path) -> None:
    public = rsa_signer.key.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    shared = {"kty": "oct", "kid": "shared", "k": "eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHh4eHg", "alg": "HS256"}
    keys = PublishedKeys(str(publish(tmp_path / "keys.json", rsa_signer, more=(shared,))), ISSUER, URL)
    for kid, secret in (("one", public), ("shared", b"x" * 32), ("one", b"x" * 32)):
        assert "signed" in refused(keys, by_hand(rsa_signer.token(), kid, secret)) or kid == "shared"


def by_hand(token: str, kid: str, secret: bytes) -> str:
    """The same claims signed with HS256, which the library refuses to do with a public key."""
    header = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "typ": "JWT", "kid": kid}).encode()).rstrip(b"=")
    signed = header + b"." + token.split(".")[1].encode()
    signature = base64.urlsafe_b64encode(hmac.digest(secret, signed, "sha256")).rstrip(b"=")
    return (signed + b"." + signature).decode()


def test_tokens_of_others_do_not_count(rsa_signer: Signer, ec_signer: Signer, tmp_path: Path) -> None:
    keys = PublishedKeys(str(publish(tmp_path / "keys.json", rsa_signer)), ISSUER, URL)
    assert "names no key" in refused(keys, ec_signer.token())
    assert "not signed" in refused(keys, ec_signer.token(kid="one"))
    assert "not signed" in refused(keys, Signer("RS256", "one").token())
    assert "is not from" in refused(keys, rsa_signer.token(iss="https://orchestrator.example"))
    assert "is not for" in refused(keys, rsa_signer.token(aud="https://elsewhere.example/mcp"))
    assert "expired" in refused(keys, rsa_signer.token(exp=int(time.time()) - 60))
    assert "no signed token" in refused(keys, "garbage")


def test_a_new_key_counts_without_a_restart(
    rsa_signer: Signer, ec_signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = publish(tmp_path / "keys.json", rsa_signer)
    keys = PublishedKeys(str(place), ISSUER, URL)
    publish(place, ec_signer)
    assert "names no key" in refused(keys, ec_signer.token())  # just looked up: who asks too often waits
    monkeypatch.setattr(tokens, "_KEYS_REST_S", 0.0)
    assert holder(keys, ec_signer.token()).subject == "ada"
    assert "names no key" in refused(keys, rsa_signer.token())


def test_keys_that_cannot_be_fetched_for_a_while_go_on_counting(
    rsa_signer: Signer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = publish(tmp_path / "keys.json", rsa_signer)
    keys = PublishedKeys(str(place), ISSUER, URL)
    place.unlink()
    monkeypatch.setattr(tokens, "_KEYS_LAST_S", 0.0)
    assert holder(keys, rsa_signer.token()).subject == "ada"
    monkeypatch.setattr(tokens, "_KEYS_REST_S", 0.0)
    assert "cannot be fetched" in refused(keys, rsa_signer.token(kid="other"))


@pytest.mark.parametrize("content", ["", "{}", '{"keys": []}', "[]", '{"keys": [{"kty": "oct", "k": "eA"}]}', "null"])
def test_a_file_without_keys_is_refused_at_the_start(tmp_path: Path, content: str) -> None:
    place = tmp_path / "keys.json"
    place.write_text(content)
    with pytest.raises(ConfigError, match=r"keys\.json"):
        PublishedKeys(str(place), ISSUER, URL)
    with pytest.raises(ConfigError, match="cannot be read"):
        PublishedKeys(str(tmp_path / "missing.json"), ISSUER, URL)


def test_whose_tokens_count_has_to_be_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="JWT_ISSUER"):
        tokens.authority(Settings(home=tmp_path, jwks="keys.json"), {}, URL)


@pytest.fixture
def publisher() -> Iterator[tuple[str, list[str], Callable[[bytes], None]]]:
    """A web server with keys: its URL, the paths that were asked for, and how to change what it says."""
    asked: list[str] = []
    body = [b"{}"]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200)
            self.send_header("Content-Length", str(len(body[0])))
            self.end_headers()
            self.wfile.write(body[0])

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/keys", asked, lambda new: body.__setitem__(0, new)
    server.shutdown()
    thread.join()
    server.server_close()


def test_keys_are_fetched_once_whatever_tokens_name(
    publisher: tuple[str, list[str], Callable[[bytes], None]], rsa_signer: Signer
) -> None:
    url, asked, say = publisher
    say(json.dumps({"keys": [rsa_signer.published]}).encode())
    keys = PublishedKeys(url, ISSUER, URL)
    for number in range(20):
        assert holder(keys, rsa_signer.token()).subject == "ada"
        assert "names no key" in refused(keys, rsa_signer.token(kid=f"made-up-{number}"))
    assert asked == ["/keys"]


@pytest.mark.parametrize(
    "place", ["http://login.example/keys", "ftp://login.example/keys", "http://127.0.0.1.evil/keys"]
)
def test_keys_are_not_fetched_where_others_could_change_them(place: str) -> None:
    with pytest.raises(ConfigError, match="by https"):
        PublishedKeys(place, ISSUER, URL)


# -- where one may listen --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "netloc"),
    [
        ("", "127.0.0.1:8577"),
        ("9000", "127.0.0.1:9000"),
        (":9000", "127.0.0.1:9000"),
        ("127.0.0.1", "127.0.0.1:8577"),
        ("127.0.0.1:9000", "127.0.0.1:9000"),
        ("[::1]:9000", "[::1]:9000"),
        ("[::1]", "[::1]:8577"),
        ("0.0.0.0:1", "0.0.0.0:1"),
    ],
)
def test_an_address_in_words(text: str, netloc: str) -> None:
    assert http.address_of(text).netloc == netloc


@pytest.mark.parametrize("text", ["127.0.0.1:x", "127.0.0.1:70000", "no such host.invalid:1", "::1:x", "a b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="address"):
        http.address_of(text)


def serve(settings: Settings, address: str, *, auth: bool) -> None:
    def never(*_: object) -> Any:
        raise AssertionError("it must not come so far")

    asyncio.run(http.serve(settings, http.address_of(address), never, tokens=auth, told=never))


@pytest.mark.parametrize("address", ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"])
def test_nobody_else_may_call_without_a_token(settings: Settings, address: str) -> None:
    with pytest.raises(ConfigError, match="needs tokens"):
        serve(settings, address, auth=False)


def test_every_address_needs_one_url(settings: Settings) -> None:
    with pytest.raises(ConfigError, match="CLAUDE_ORCHESTRATOR_HTTP_URL"):
        serve(settings, "0.0.0.0:0", auth=True)


def test_without_a_secret_nothing_is_served(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("JWT_SECRET_KEY", raising=False)
    with pytest.raises(ConfigError, match="JWT_SECRET_KEY is not set"):
        serve(settings, "127.0.0.1:0", auth=True)
    monkeypatch.setenv("JWT_SECRET_KEY", "short")
    with pytest.raises(ConfigError, match="has 5 bytes"):
        serve(settings, "127.0.0.1:0", auth=True)


def test_an_address_that_is_taken_is_said(settings: Settings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(ConfigError, match="cannot be listened on"):
        serve(settings, f"127.0.0.1:{taken.getsockname()[1]}", auth=True)


def test_answers_are_sent_at_once() -> None:
    with http.listening(http.address_of("0")) as listener:
        assert listener.proto == socket.IPPROTO_TCP  # what asyncio looks at before it turns the delay off


@pytest.mark.parametrize(
    "url", ["orchestrator.example", "ftp://a/mcp", "https://", "https://a/mcp?x", "https://u:p@a/mcp", "http://a:x/"]
)
def test_what_is_no_url_of_a_server_is_refused(tmp_path: Path, url: str) -> None:
    with pytest.raises(ConfigError, match="HTTP_URL"):
        http.url_of(Settings(home=tmp_path, http_url=url), http.address_of(""))


def test_behind_a_proxy_its_address_and_page_are_ours() -> None:
    hosts, origins = http.addresses("https://orchestrator.example/mcp", 8577)
    assert hosts >= {"orchestrator.example", "127.0.0.1:8577"}
    assert "https://orchestrator.example" in origins
    hosts, origins = http.addresses("https://orchestrator.example:443/mcp", 8577)
    assert {"orchestrator.example", "orchestrator.example:443"} <= hosts
    assert "https://evil.example" not in origins
