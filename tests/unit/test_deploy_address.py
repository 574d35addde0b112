"""The address that the shop is served at."""

import socket

import pytest

from deploy import address
from deploy.address import Address, AddressTaken


@pytest.mark.parametrize(
    ("host", "url", "bind"),
    [
        ("127.0.0.1", "http://127.0.0.1:80", "127.0.0.1:80"),
        ("0.0.0.0", "http://127.0.0.1:80", "0.0.0.0:80"),  # noqa: S104 - nothing is bound
        ("::", "http://[::1]:80", "[::]:80"),
        ("0::0", "http://[::1]:80", "[0::0]:80"),
        ("::1", "http://[::1]:80", "[::1]:80"),
        ("fe80::1%eth0", "http://[fe80::1%25eth0]:80", "[fe80::1%eth0]:80"),
        ("", "http://127.0.0.1:80", ":80"),
        ("shop.example", "http://shop.example:80", "shop.example:80"),
    ],
)
def test_what_is_bound_is_not_always_what_is_shown(host: str, url: str, bind: str) -> None:
    assert (Address(host, 80).url, Address(host, 80).bind) == (url, bind)


def test_a_port_in_use_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(address, "FREE_WITHIN_S", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(AddressTaken, match=f"Port {port} is in use"):
            Address("127.0.0.1", port).require_free()
    Address("127.0.0.1", port).require_free()


def test_an_address_of_another_machine_is_refused_at_once() -> None:
    with pytest.raises(AddressTaken, match=r"Cannot listen on 192\.0\.2\.1:80"):
        Address("192.0.2.1", 80).require_free()
