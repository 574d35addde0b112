"""Normalizes a client's address, and names the networks around it, by which limits count.

One customer may have a whole /64, /56 or /48 of IPv6, and one who rents servers a /24 of IPv4: what is
counted by single addresses alone is not bounded at all.
"""

import ipaddress
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from werkzeug.middleware.proxy_fix import ProxyFix

LONGEST: Final = 128  # characters that are looked at

_V4_WIDTHS: Final = ((32, 1), (24, 8))  # bits, and how many times the budget of the narrowest
_V6_WIDTHS: Final = ((64, 1), (56, 4), (48, 8))
# Networks of IPv6 that end in an address of IPv4: mapped, translated (RFC 2765), NAT64 (RFC 6052).
_HOLDS_V4: Final = tuple(
    ipaddress.IPv6Network(net) for net in ("::ffff:0:0/96", "::ffff:0:0:0/96", "64:ff9b::/96")
)
_BRACKETED: Final = re.compile(r"\[([^\[\]]*)\](?::[0-9]{1,5})?", re.ASCII).fullmatch
_WITH_PORT: Final = re.compile(r"(.*):[0-9]{1,5}", re.ASCII).fullmatch


@dataclass(frozen=True, slots=True)
class Network:
    """A network that is counted; `share` is how many times the narrowest one's budget it has."""

    name: str
    share: int


def read_address(text: str) -> str | None:
    """Write an address in its one form; None where it is none.

    A port, brackets and a zone are dropped, and an address of IPv4 inside one of IPv6 is taken out of it.
    """
    text = text.strip()
    if not text or len(text) > LONGEST:
        return None
    bracketed = _BRACKETED(text)
    found = _parse(bracketed[1] if bracketed else text)
    if found is None and not bracketed and (with_port := _WITH_PORT(text)):
        found = _parse(with_port[1])
    return None if found is None else str(_plain(found))


def networks_of(address: str) -> tuple[Network, ...]:
    """The networks that an address is counted in, the narrowest first; what is no address is its own."""
    known = _parse(read_address(address) or "")
    if known is None:
        return (Network(address[:LONGEST], 1),)
    widths = _V4_WIDTHS if known.version == 4 else _V6_WIDTHS
    return tuple(Network(_name(known, bits), share) for bits, share in widths)


@lru_cache(maxsize=4096)
def narrowest_network(address: str) -> str:
    """The network that one customer has alone."""
    return networks_of(address)[0].name


def is_loopback(address: str) -> bool:
    """Whether an address is this machine's own."""
    known = _parse(read_address(address) or "")
    return address == "" if known is None else known.is_loopback  # a Unix socket has none


def behind_proxies(app: WSGIApplication, hops: int) -> ProxyFix:
    """Believe as many proxies about who asks; an address that cannot be read is the nearest proxy's own."""

    def with_plain_address(environ: WSGIEnvironment, start: StartResponse) -> Iterable[bytes]:
        told = read_address(environ.get("REMOTE_ADDR") or "")
        environ["REMOTE_ADDR"] = told if told is not None else _peer(environ)
        return app(environ, start)

    return ProxyFix(with_plain_address, x_for=hops, x_proto=hops, x_host=hops)


def believing(hops: int) -> Callable[[WSGIEnvironment], object]:
    """Make what writes into a request that does not come to the app whom so many proxies name."""
    if not hops:
        return lambda _environ: None
    proxied = behind_proxies(lambda _environ, _start: (), hops)
    return lambda environ: proxied(environ, lambda *_: lambda _body: None)


def _peer(environ: WSGIEnvironment) -> str:
    before: dict[str, Any] = environ.get("werkzeug.proxy_fix.orig") or {}
    peer: str = before.get("REMOTE_ADDR") or ""
    return read_address(peer) or peer


def _parse(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None


def _plain(
    address: ipaddress.IPv4Address | ipaddress.IPv6Address,
) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    if address.version == 6 and any(address in network for network in _HOLDS_V4):
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address


def _name(address: ipaddress.IPv4Address | ipaddress.IPv6Address, bits: int) -> str:
    return str(address) if bits == 32 else str(ipaddress.ip_network((address, bits), strict=False))
