"""Posts a push to its service: encrypted for the browser (RFC 8291), signed by our key (RFC 8292).

Imported only where there are keys. Every post ends in time however slowly a service answers, follows no
redirect, and goes to no address that is not in the world.
"""

import base64
import hashlib
import socket
import time
from typing import Final

import aiohttp
import structlog
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import ThreadedResolver
from py_vapid import Vapid02
from pywebpush import WebPusher

from config import ConfigurationError, PushSettings
from models.enums import MailKind
from tasks.push.endpoints import is_endpoint, may_be_sent_to, origin_of
from tasks.push.outbox import Taken, Tried
from tasks.push.words import write_push

TIMEOUT_S: Final = 10.0  # for a whole post
SIGNED_FOR_S: Final = 12 * 3600  # services take no signature that is good for more than a day
log: Final = structlog.get_logger()

_HALF: Final = 2
_GONE: Final = (404, 410)
_BUSY: Final = 429


class Signer:
    """Signs for each push service, and keeps the signatures for half the time that they are good for."""

    def __init__(self, settings: PushSettings) -> None:
        """Read the keys.

        Raises:
            ConfigurationError: they do not belong together.
        """
        self._key = Vapid02.from_raw(settings.private_key.encode())
        self._subject = settings.subject
        self._kept: dict[str, tuple[float, str]] = {}
        if not self.sign("https://push.example").endswith(f"k={settings.public_key}"):
            raise ConfigurationError("VAPID_PUBLIC_KEY is not the one of VAPID_PRIVATE_KEY.")

    def sign(self, origin: str) -> str:
        """The `Authorization` header for a service."""
        now = time.time()
        until, signed = self._kept.get(origin, (0.0, ""))
        if now >= until:
            claims = {"aud": origin, "exp": int(now) + SIGNED_FOR_S, "sub": self._subject}
            signed = self._key.sign(claims)["Authorization"]
            self._kept[origin] = now + SIGNED_FOR_S / _HALF, signed
        return signed


class PublicResolver(AbstractResolver):
    """Resolves names, and knows of those addresses only that may be sent to."""

    def __init__(self, *, spares_loopback: bool) -> None:
        self._inner = ThreadedResolver()
        self._spares_loopback = spares_loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Resolve a name.

        Raises:
            OSError: none of its addresses is in the world.
        """
        found = await self._inner.resolve(host, port, family)
        public = [one for one in found if may_be_sent_to(one["host"], spares_loopback=self._spares_loopback)]
        if not public:
            raise OSError(f"{host} leads to no public address")
        return public

    async def close(self) -> None:
        """Nothing is kept."""


class Posts:
    """A session of posts, over connections that are kept for it."""

    def __init__(
        self, signer: Signer, *, at_once: int, spares_loopback: bool, timeout_s: float = TIMEOUT_S
    ) -> None:
        resolver = PublicResolver(spares_loopback=spares_loopback)
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=at_once, resolver=resolver),
            timeout=aiohttp.ClientTimeout(total=timeout_s),
            cookie_jar=aiohttp.DummyCookieJar(),
        )
        self._signer = signer
        self._spares_loopback = spares_loopback

    async def close(self) -> None:
        """Close the connections."""
        await self._session.close()

    async def post(self, taken: Taken) -> Tried:
        """Post one push; whatever goes wrong is told and not raised."""
        message = taken.message
        if taken.lives_s <= 0:
            return Tried(message, "too late", is_final=True)
        if not is_endpoint(taken.browser.endpoint, spares_loopback=self._spares_loopback):
            return Tried(message, "its address is not one of a push service", is_final=True)
        try:
            return await self._post(taken)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            return Tried(message, f"{type(error).__name__}: {error}")
        except Exception as error:  # its words or keys are at fault, which no second try mends
            log.exception("push_not_written", push_id=str(message.id), kind=message.kind)
            return Tried(message, repr(error), is_final=True)

    async def _post(self, taken: Taken) -> Tried:
        endpoint = taken.browser.endpoint
        headers = self._headers(taken) | {"Authorization": self._signer.sign(origin_of(endpoint))}
        sending = self._session.post(endpoint, data=_encrypt(taken), headers=headers, allow_redirects=False)
        async with sending as answer:
            return _tried(taken, answer.status, answer.headers.get("Retry-After", ""))

    def _headers(self, taken: Taken) -> dict[str, str]:
        """One that is still waiting at the service is replaced by another of the same kind and name."""
        named = hashlib.sha256(f"{taken.message.kind}.{taken.message.name}".encode()).digest()[:24]
        return {
            "TTL": str(int(taken.lives_s)),
            "Urgency": "high",
            "Topic": base64.urlsafe_b64encode(named).decode(),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
        }


def _encrypt(taken: Taken) -> bytes:
    message, browser = taken.message, taken.browser
    said = write_push(MailKind(message.kind), message.name, message.contents, message.language)
    keys = {"p256dh": browser.p256dh, "auth": browser.auth}
    body: bytes = WebPusher({"endpoint": browser.endpoint, "keys": keys}).encode(said)["body"]
    return body


def _tried(taken: Taken, status: int, retry_after: str) -> Tried:
    message = taken.message
    if 200 <= status < 300:
        return Tried(message)
    if status in _GONE:
        return Tried(message, f"answered {status}", is_gone=True)
    is_passing = status == _BUSY or status >= 500
    pause_s = int(retry_after) if retry_after.isdigit() else 0
    return Tried(message, f"answered {status}", is_final=not is_passing, pause_s=pause_s)
