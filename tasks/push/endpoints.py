"""Where the shop sends pushes: to services in the world, and to nothing of its own.

Anybody with an account can name an endpoint, so that it must not lead into the shop's own network. A name is
looked at again when it is resolved, since it may lead elsewhere by then.
"""

from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Final
from urllib.parse import SplitResult, urlsplit

from models.tables.notices.pushes import MAX_ENDPOINT

_TRANSLATED: Final = (IPv6Network("64:ff9b::/96"), IPv6Network("64:ff9b:1::/48"))  # to addresses of version 4
_HTTPS: Final = 443


def is_endpoint(url: str, *, spares_loopback: bool) -> bool:
    """Whether pushes may be sent there: by https into the world, or to this machine if spared."""
    parts = _split(url)
    if parts is None or not parts.hostname or parts.username is not None or parts.fragment:
        return False
    if spares_loopback and parts.hostname in ("localhost", "127.0.0.1", "::1"):
        return parts.scheme in ("http", "https")
    return parts.scheme == "https" and parts.port in (None, _HTTPS) and _may_be_public(parts.hostname)


def may_be_sent_to(address: str, *, spares_loopback: bool) -> bool:
    """Whether an IP address is in the world, or this machine's if that is spared."""
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return _is_public(found) or (spares_loopback and found.is_loopback)


def origin_of(endpoint: str) -> str:
    """Scheme, host and port of an endpoint: whom a signature is for, and what logs may say of it."""
    parts = urlsplit(endpoint)
    return f"{parts.scheme}://{parts.netloc}"


def _split(url: str) -> SplitResult | None:
    if len(url) > MAX_ENDPOINT or not url.isascii() or not url.isprintable() or " " in url or "\\" in url:
        return None
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    return parts


def _may_be_public(host: str) -> bool:
    """A name of several parts may be; a number is an address, in whichever way it is written."""
    last = host.rstrip(".").rpartition(".")[2]
    if ":" in host or last.isdigit() or last.startswith("0x"):
        return may_be_sent_to(host, spares_loopback=False)
    return "." in host.rstrip(".")


def _is_public(address: IPv4Address | IPv6Address) -> bool:
    if isinstance(address, IPv6Address):
        if (mapped := address.ipv4_mapped or address.sixtofour) is not None:
            return _is_public(mapped)
        if address.teredo is not None or any(address in network for network in _TRANSLATED):
            return False
    return address.is_global and not address.is_multicast
