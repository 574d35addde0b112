"""Where a crowd's accounts come from: in bulk by the shop's command line, else by registering."""

import asyncio
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import config
from benchmarks.client.http import HttpPool, NoAnswer, ShopClient, Tries
from benchmarks.client.http_wire import Target
from benchmarks.harness.failures import CannotMeasure, NoBulkTokens
from benchmarks.harness.settings import RushSettings

REGISTERING_AT_ONCE: Final = 16
PASSWORD: Final = "a long enough pass phrase for a crowd"  # noqa: S105 - throw-away accounts of a load test

Shopper = tuple[str, str]  # user id, access token


def get_crowd(
    settings: RushSettings, on_progress: Callable[[int], None], say: Callable[[str], None]
) -> list[Shopper]:
    """Accounts with valid access tokens for every shopper.

    Raises:
        CannotMeasure: neither way works in time.
    """
    if settings.is_local:
        try:
            crowd = make_crowd_in_bulk(settings.shoppers, settings.deadline_s)
        except NoBulkTokens as error:
            say(f"No tokens in bulk ({error}); registering over HTTP instead.")
        else:
            if asyncio.run(is_known(settings, crowd[0][1])):
                on_progress(len(crowd))
                return crowd
            say(f"{settings.url} does not know accounts made in bulk here; registering over HTTP instead.")
    return asyncio.run(register_crowd(settings, on_progress))


async def is_known(settings: RushSettings, token: str) -> bool:
    """Whether the shop accepts a token: the command line may have served another database than the shop's.

    Raises:
        CannotMeasure: the shop does not answer.
    """
    pool = HttpPool(Target.of(settings.url), 1)
    try:
        answer = await ShopClient(pool, token).get(
            "/api/v1/me", deadline=time.monotonic() + settings.deadline_s
        )
    except NoAnswer as error:
        raise CannotMeasure(str(error)) from error
    finally:
        pool.close()
    return answer.status == 200


def make_crowd_in_bulk(
    count: int, timeout_s: float, *options: str, environment: Mapping[str, str] | None = None
) -> list[Shopper]:
    """Have `flask users crowd` insert the accounts, of the shop that an environment leads to.

    Raises:
        NoBulkTokens: the command fails.
    """
    with tempfile.TemporaryDirectory() as folder:
        tokens = Path(folder) / "tokens"
        command = [sys.executable, "-m", "flask", "--app", "web", "users", "crowd"]
        command += ["--count", str(count), "--tokens", str(tokens), *options]
        try:
            done = subprocess.run(
                command,
                cwd=config.ROOT,
                env=environment,
                capture_output=True,
                text=True,
                timeout=timeout_s,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            raise NoBulkTokens(f"not done after {timeout_s:.0f} s") from error
        if done.returncode != 0:
            lines = (done.stderr or done.stdout).strip().splitlines()
            raise NoBulkTokens(lines[-1] if lines else f"exit {done.returncode}")
        return read_tokens(tokens.read_text(), count)


def read_tokens(text: str, count: int) -> list[Shopper]:
    """Read lines of `user_id token`.

    Raises:
        NoBulkTokens: there are fewer than asked for, or a line is no such pair.
    """
    pairs = [tuple(line.split()) for line in text.splitlines() if line.strip()]
    crowd = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
    if len(crowd) < count or len(crowd) != len(pairs):
        raise NoBulkTokens(f"{len(crowd)} tokens for {count} shoppers")
    return crowd[:count]


async def register_crowd(settings: RushSettings, on_progress: Callable[[int], None]) -> list[Shopper]:
    """Register and log in every shopper over HTTP, some at once, waiting where the shop says so.

    Raises:
        CannotMeasure: the shop refuses somebody, or time is up.
    """
    pool = HttpPool(Target.of(settings.url), REGISTERING_AT_ONCE)
    deadline = time.monotonic() + settings.deadline_s
    slots = asyncio.Semaphore(REGISTERING_AT_ONCE)
    crowd: list[Shopper] = []

    async def join(number: int) -> None:
        async with slots:
            crowd.append(await register(pool, f"rush-{uuid.uuid4().hex}-{number}@example.com", deadline))
        on_progress(len(crowd))

    try:
        await asyncio.gather(*(join(number) for number in range(settings.shoppers)))
    except NoAnswer as error:
        raise CannotMeasure(
            f"Only {len(crowd)} of {settings.shoppers} shoppers could register: {error}"
        ) from error
    pool.close()
    return crowd


async def register(pool: HttpPool, email: str, deadline: float) -> Shopper:
    """Make one account and log it in.

    Raises:
        CannotMeasure: the shop refuses.
        NoAnswer: time is up.
    """
    client = ShopClient(pool, None)
    credentials = {"email": email, "password": PASSWORD}
    tries = Tries()
    made = await client.post("/api/v1/auth/register", credentials, key=None, tries=tries, deadline=deadline)
    was_made_before = made.status == 409 and tries.resent > 0  # the first answer got lost
    if made.status != 201 and not was_made_before:
        raise CannotMeasure(f"Registering answered {made.status}: {made.body[:300]!r}")
    come = await client.post("/api/v1/auth/login", credentials, key=None, tries=Tries(), deadline=deadline)
    if come.status != 200:
        raise CannotMeasure(f"Logging in answered {come.status}: {come.body[:300]!r}")
    said = come.json()
    return str(said["user"]["id"]), str(said["access_token"])
