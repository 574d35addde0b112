"""Makes the pair of keys by which push services know the shop (VAPID)."""

from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid.utils import b64urlencode

_BYTES = 32


class Keys(NamedTuple):
    """A pair in URL-safe Base64: the point, which browsers are told, and the secret number."""

    public: str
    private: str


def make_keys() -> Keys:
    """Make a new pair."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    secret = key.private_numbers().private_value.to_bytes(_BYTES, "big")
    return Keys(b64urlencode(point), b64urlencode(secret))
