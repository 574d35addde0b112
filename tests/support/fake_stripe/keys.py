"""Idempotency keys: an answer is kept with the request's parameters, and given again as it was."""

import threading
from dataclasses import dataclass
from typing import Any

from tests.support.fake_stripe.answers import Answer, Refused


@dataclass
class _Kept:
    request: Any
    answer: Answer | None = None  # none while it is worked on


class Keys:
    """What was answered by which key."""

    def __init__(self) -> None:
        self._kept: dict[str, _Kept] = {}
        self._lock = threading.Lock()

    def begin(self, key: str, request: Any) -> Answer | None:
        """Take a key for a request, or give its kept answer again.

        Raises:
            Refused: it belongs to another request, or to one that is worked on.
        """
        with self._lock:
            kept = self._kept.setdefault(key, _Kept(None))
            if kept.request is None:
                kept.request = request
                return None
            if kept.request != request:
                raise Refused(400, "idempotency_error", "idempotency_key_mismatch", is_kept=False)
            if kept.answer is None:
                raise Refused(409, "idempotency_error", "idempotency_key_in_use", is_kept=False)
            return kept.answer

    def end(self, key: str, answer: Answer) -> None:
        """Keep an answer, or let the key go where nothing was begun."""
        with self._lock:
            if answer.is_kept:
                self._kept[key].answer = answer
            else:
                self._kept.pop(key, None)

    def is_busy(self, key: str) -> bool:
        """Whether a request with this key is worked on."""
        with self._lock:
            kept = self._kept.get(key)
            return kept is not None and kept.answer is None

    def forget(self) -> None:
        """Let a day pass."""
        with self._lock:
            self._kept.clear()
