"""Plain requests answered at the connection: as gunicorn and Flask answer them, to the byte."""

import random
from collections.abc import Iterator

import pytest

from tests.integration.two_ways import Way, both_ways, counted, differences
from tests.support.raw_requests import Request, Script, make_script

SHORT, LONG = 120, 5000  # scripts, of two requests each


# Whose headers are believed is read by what reads them for Flask too: with none, before a release.
@pytest.fixture(
    scope="module",
    params=[pytest.param("0", marks=pytest.mark.release, id="no proxies"), pytest.param("1", id="a proxy")],
)
def ways(
    request: pytest.FixtureRequest, database_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Way, Way]]:
    place = tmp_path_factory.mktemp("ways")
    with both_ways(place, database_url, TRUSTED_PROXIES=request.param) as stage:
        yield stage


@pytest.mark.parametrize("count", [SHORT, pytest.param(LONG, marks=pytest.mark.release)])
def test_whatever_is_said_is_answered_alike(ways: tuple[Way, Way], count: int) -> None:
    chance = random.Random(count)
    found = differences(ways, [make_script(chance) for _ in range(count)])
    assert not found, f"{len(found)} differ:\n" + "\n\n".join(found[:3])
    reference, connection = map(counted, ways)
    assert connection == reference


def test_a_failure_at_the_connection_is_told_and_logged_as_flasks(ways: tuple[Way, Way]) -> None:
    """While Redis is away: the same answer, and the same line with the request's id."""
    for way in ways:
        way.shop.redis.stop()
    script = Script(Request().written_with(b"X-Request-ID", b"store-away"))
    try:
        assert not differences(ways, [script])
    finally:
        for way in ways:
            way.shop.redis.start()
    for way in ways:
        lines = [line for line in way.shop.log.splitlines() if "store-away" in line]
        assert any("LineUnavailable" in line for line in lines), way.shop.log[-3000:]
