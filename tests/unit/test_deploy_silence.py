"""Which connections are of one network."""

import pytest

from deploy.server.silent_connections import network_of


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("203.0.113.7", "203.0.113.8", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("2001:db8::1", "2001:db8::ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
    ],
)
def test_a_network_is_an_address_or_a_64(one: str, other: str, same: bool) -> None:
    assert (network_of((one, 1)) == network_of((other, 2))) == same


def test_a_unix_socket_has_none() -> None:
    assert network_of("") == network_of(b"") == b""
