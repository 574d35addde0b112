"""Where pushes may be sent: into the world by https, never into the shop's own network."""

import asyncio

import pytest

from tasks.push.endpoints import is_endpoint, may_be_sent_to
from tasks.push.posting import PublicResolver

ELSEWHERE = [
    "https://fcm.googleapis.com/fcm/send/abc:def",
    "https://updates.push.services.mozilla.com/wpush/v2/abc",
    "https://web.push.apple.com:443/abc?x=1",
    "https://[2606:4700::1111]/abc",
]
NOWHERE = [
    "http://fcm.googleapis.com/abc",
    "https://fcm.googleapis.com:8443/abc",
    "https://user:secret@fcm.googleapis.com/abc",
    "https://fcm.googleapis.com/abc#d",
    "https://redis/abc",
    "https://localhost./abc",
    "https://127.0.0.1/abc",
    "https://127.1/abc",
    "https://2130706433/abc",
    "https://0x7f.0x0.0x0.0x1/abc",
    "https://0x7f000001/abc",
    "https://10.0.0.1/abc",
    "https://169.254.169.254/latest/meta-data",
    "https://100.64.0.1/abc",
    "https://224.0.0.1/abc",
    "https://0.0.0.0/abc",
    "https://[::1]/abc",
    "https://[::ffff:10.0.0.1]/abc",
    "https://[64:ff9b::a00:1]/abc",
    "https://[2002:a00:1::]/abc",
    "https://[fd00::1]/abc",
    "https://[fe80::1%25eth0]/abc",
    "https://fcm.googleapis.com/a b",
    "https://fcm.googleapis.com\\@10.0.0.1/",
    "https://fcm.googleapis.com:99999/abc",
    "https://[::1/abc",
    "https://" + "a" * 2000 + ".example/",
    "https:///abc",
    "file:///etc/passwd",
    "",
]


@pytest.mark.parametrize("url", ELSEWHERE)
def test_push_services_in_the_world_are_sent_to(url: str) -> None:
    assert is_endpoint(url, spares_loopback=False)


@pytest.mark.parametrize("url", NOWHERE)
def test_nothing_of_the_shops_own_is_sent_to(url: str) -> None:
    assert not is_endpoint(url, spares_loopback=False)


def test_development_spares_this_machine_and_nothing_else() -> None:
    assert is_endpoint("http://127.0.0.1:8123/abc", spares_loopback=True)
    assert not is_endpoint("https://10.0.0.1/abc", spares_loopback=True)
    assert may_be_sent_to("::1", spares_loopback=True)
    assert not may_be_sent_to("10.0.0.1", spares_loopback=True)
    assert not may_be_sent_to("no address", spares_loopback=True)


def test_a_name_that_leads_home_is_not_resolved() -> None:
    """A name that was looked at before may lead elsewhere when it is asked."""

    async def resolve(*, spares_loopback: bool) -> int:
        return len(await PublicResolver(spares_loopback=spares_loopback).resolve("localhost", 443))

    assert asyncio.run(resolve(spares_loopback=True)) > 0
    with pytest.raises(OSError, match="no public address"):
        asyncio.run(resolve(spares_loopback=False))
