"""Addresses: one form for each, the networks around them, and what a proxy tells of them."""

from typing import TYPE_CHECKING, Any

import pytest

from web.limits.networks import behind_proxies, is_loopback, networks_of, read_address

if TYPE_CHECKING:
    from collections.abc import Iterable


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7 ", "203.0.113.7"),
        ("203.0.113.7:51234", "203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("::FFFF:CB00:7107", "203.0.113.7"),
        ("[::ffff:203.0.113.7]:443", "203.0.113.7"),
        ("::ffff:0:203.0.113.7", "203.0.113.7"),
        ("64:ff9b::203.0.113.7", "203.0.113.7"),
        ("2001:DB8:0:0::1", "2001:db8::1"),
        ("[2001:db8::1]", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("2001:db8:0:0:0:0:0:1:443", "2001:db8::1"),
        ("fe80::1%eth0", "fe80::1"),
        ("[fe80::1%25eth0]:80", "fe80::1"),
        ("::1", "::1"),
        ("::ffff:127.0.0.1", "127.0.0.1"),
    ],
)
def test_an_address_has_one_form(written: str, read: str) -> None:
    assert read_address(written) == read


GARBAGE = (
    *("", " ", "unknown", "_hidden", "a" * 500, "-1", "1.2.3.4, 5.6.7.8"),
    *("203.0.113", "203.0.113.7:port", "203.0.113.7:1:2", "010.0.0.1", "٢.0.0.1"),
    *("[::1", "::1]", "[203.0.113.7"),
)


@pytest.mark.parametrize("garbage", GARBAGE)
def test_what_is_none_is_none(garbage: str) -> None:
    assert read_address(garbage) is None


@pytest.mark.parametrize(
    ("address", "networks"),
    [
        ("203.0.113.7", {"203.0.113.7": 1, "203.0.113.0/24": 8}),
        ("::ffff:203.0.113.7", {"203.0.113.7": 1, "203.0.113.0/24": 8}),
        ("2001:db8:1:2ff::1", {"2001:db8:1:2ff::/64": 1, "2001:db8:1:200::/56": 4, "2001:db8:1::/48": 8}),
        ("x", {"x": 1}),
    ],
)
def test_an_address_counts_in_its_networks(address: str, networks: dict[str, int]) -> None:
    assert {one.name: one.share for one in networks_of(address)} == networks


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "127.9.9.9", "::1", "", "::ffff:127.0.0.1", "127.0.0.1:80", "[::1]:80"]
)
def test_loopback_is_loopback_however_it_is_written(address: str) -> None:
    assert is_loopback(address)
    assert not is_loopback("10.0.0.1")
    assert not is_loopback("x")


@pytest.mark.parametrize(
    ("forwarded", "seen"),
    [
        ("198.51.100.1, 203.0.113.9:4711", "203.0.113.9"),
        ('"[2001:db8::1]:443"', "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("198.51.100.1, unknown", "10.0.0.1"),
        ("", "10.0.0.1"),
        (None, "10.0.0.1"),
    ],
)
def test_behind_a_proxy_garbage_is_the_proxys_own_address(forwarded: str | None, seen: str) -> None:
    found: list[str] = []

    def app(environ: dict[str, Any], _start: Any) -> "Iterable[bytes]":
        found.append(environ["REMOTE_ADDR"])
        return ()

    environ = {"REMOTE_ADDR": "::ffff:10.0.0.1"}
    if forwarded is not None:
        environ["HTTP_X_FORWARDED_FOR"] = forwarded
    behind_proxies(app, 1)(environ, lambda *_: lambda _: None)
    assert found == [seen]
