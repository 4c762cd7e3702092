"""HTTP requests: always the network, and worse when they carry a secret or ask a cloud for its credentials."""

from __future__ import annotations

import re
import unicodedata
from typing import TYPE_CHECKING, Final

from claude_orchestrator.safety import zones
from claude_orchestrator.safety.operations import Effect
from claude_orchestrator.safety.redaction import holds_known_key, redact

if TYPE_CHECKING:
    from claude_orchestrator.safety.policy import Policy
    from claude_orchestrator.safety.zones import Place

_METADATA_HOSTS: Final = frozenset(
    {
        *("169.254.169.254", "169.254.170.2", "169.254.170.23", "100.100.100.200", "168.63.129.16", "fd00:ec2::254"),
        *("fd20:ce::254", "metadata.google.internal", "metadata.goog", "metadata", "metadata.azure.com"),
        *("metadata.azure.internal", "instance-data", "instance-data.ec2.internal"),
    }
)
_CARRIERS: Final = frozenset({0, 0xFFFF, 0xFFFF << 16, 0x64FF9B << 64})
"""What stands in front of an IPv4 address in an IPv6 one: ``::``, ``::ffff:``, ``::ffff:0:``, ``64:ff9b::``."""
_IN_HOST: Final = re.compile(r"169[.-]254[.-]169[.-]254\.(?:nip|sslip|xip)\.io$")
"""Public names that stand for the address in them."""
_HANDED_ON: Final = re.compile(
    r"(?i)(?::|%3a)(?:/|%2f){2}(?:169\.254\.169\.254|metadata\.google\.internal)(?!\.?[\w-])"
)
_SECRET_VARIABLE: Final = re.compile(
    r"(?i)\$\{?\w*(?:token|secret|password|passwd|api_key|access_key|private_key|credential)\w*"
)
_DOTENV: Final = re.compile(
    r"(?m)(?:^|[\s'\"\\n&?{,])[A-Z][A-Z0-9_]*(?:TOKEN|SECRET|PASSWORD|PASSWD|API_KEY|ACCESS_KEY|PRIVATE_KEY|CREDENTIAL)"
    r"[A-Z0-9_]*['\"]?\s*[=:]\s*['\"]?[^\s'\"&,}$<]{4,}"
)
_FILE: Final = re.compile(r"@([~/.\w][^\s'\"&;,]*)")


def request_effects(method: str, url: str, body: str, place: Place, policy: Policy) -> list[Effect]:
    """The effects of a request: A2, and B6 where it hands out a secret or asks for a cloud's credentials."""
    shown = redact(f"{method.upper()} {url}".strip())
    found = []
    if url[:5].casefold() == "file:":
        found.append(zones.read_effect(url[5:].removeprefix("//").removeprefix("localhost") or "/", place, policy))
    if asks_metadata(url):
        found.append(Effect("B6", f"asks a cloud's metadata service for credentials: {shown}"))
    if sends_secret(f"{url}\n{body}", place, policy):
        found.append(Effect("B6", f"sends a secret over the network: {shown}"))
    return [*found, Effect("A2", f"requests {shown}")]


def asks_metadata(url: str) -> bool:
    """Whether the host of a URL is a cloud's metadata service, however its address is written."""
    if not url.isascii():
        # Other digits and full stops stand for the ordinary ones.
        url = unicodedata.normalize("NFKC", url).replace("\N{IDEOGRAPHIC FULL STOP}", ".")
    rest = url.partition("://")[2] or re.sub(r"(?i)^https?:", "", url)
    if _HANDED_ON.search(rest):
        return True
    rest = re.sub(r"[\t\r\n]", "", _unquoted(rest.lstrip("/\\")))
    # Whether a backslash ends the host depends on who reads it.
    return any(_hands_out(re.split(ends, rest, maxsplit=1)[0]) for ends in (r"[/?#\\\s]", r"[/?#\s]"))


def _hands_out(authority: str) -> bool:
    authority = authority.rpartition("@")[2]
    host = authority[1:].partition("]")[0] if authority.startswith("[") else authority.partition(":")[0]
    host = host.casefold().rstrip(".")
    return host in _METADATA_HOSTS or _IN_HOST.search(host) is not None or _as_address(host) in _METADATA_HOSTS


def sends_secret(text: str, place: Place, policy: Policy) -> bool:
    """Whether a text that goes out holds a key, names a secret variable or refers to a secret file (``@.env``)."""
    if holds_known_key(text) or _SECRET_VARIABLE.search(text) or _DOTENV.search(text):
        return True
    return any(
        zones.read_effect(match[1], place, policy).rule == "A5" and _is_secret_path(match[1], place, policy)
        for match in _FILE.finditer(text)
    )


def _is_secret_path(path: str, place: Place, policy: Policy) -> bool:
    """Whether a path is secret in itself: it may not be read even inside the workspace."""
    inside = f"{place.workspace}/{path.rpartition('/')[2]}"
    return path.startswith("~") or zones.read_effect(inside, place, policy).rule == "A5"


def _unquoted(text: str) -> str:
    return re.sub("%([0-9A-Fa-f]{2})", lambda match: chr(int(match[1], 16)), text)


def _as_address(host: str) -> str:
    """A numeric IPv4 address (``0xA9FEA9FE``, ``2852039166``, ``0251.0376.43518``) with four decimal numbers."""
    if ":" in host:
        import ipaddress

        try:
            address = ipaddress.IPv6Address(host.partition("%")[0])
        except ValueError:
            return host
        # An IPv4 address stands at the end of one of these.
        high = int(address) >> 32
        return str(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)) if high in _CARRIERS else str(address)
    parts = host.split(".")
    if len(parts) > 4 or not all(re.fullmatch(r"0x[0-9a-f]{1,8}|0[0-7]{0,11}|[1-9][0-9]{0,9}", part) for part in parts):
        return host
    values = [
        int(part, 16) if part.startswith("0x") else int(part, 8) if part[0] == "0" else int(part) for part in parts
    ]
    number = values[-1]
    for position, value in enumerate(values[:-1]):
        number += value << (24 - 8 * position)
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
