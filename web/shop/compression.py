"""Compresses pages as far as the browser can read them.

A page holds no secret that could be guessed from its compressed size: session and CSRF tokens are in cookies
and headers alone.
"""

import gzip
from typing import Final

from flask import Response, request

LEAST_BYTES: Final = 1_000
LEVEL: Final = 5  # of 9; a page of 100 KB takes a millisecond


def compress(response: Response) -> Response:
    """Compress a page for a browser that accepts it."""
    if response.mimetype != "text/html" or response.is_streamed or response.content_encoding:
        return response
    response.vary.add("Accept-Encoding")
    page = response.get_data()
    if len(page) >= LEAST_BYTES and request.accept_encodings["gzip"] > 0:
        response.set_data(gzip.compress(page, LEVEL, mtime=0))
        response.content_encoding = "gzip"
    return response
