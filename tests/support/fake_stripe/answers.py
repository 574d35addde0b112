"""How the fake answers: a status, a body, and whether it is kept under the idempotency key."""

from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What is sent back. Stripe keeps it under the key unless nothing was begun."""

    status: int
    body: Object
    is_kept: bool = True


@dataclass(eq=False)
class Refused(Exception):
    """The request ends with an error."""

    status: int
    kind: str
    code: str
    param: str | None = None
    is_kept: bool = True
    more: Object = field(default_factory=dict)

    def answer(self) -> Answer:
        error = {"type": self.kind, "code": self.code, "message": f"The fake says {self.code}.", **self.more}
        if self.param:
            error["param"] = self.param
        return Answer(self.status, {"error": error}, self.is_kept)


def invalid(code: str, param: str | None = None, *, is_kept: bool = True, **more: Any) -> Refused:
    """A 400: what was asked cannot be."""
    return Refused(400, "invalid_request_error", code, param, is_kept, more)


def missing(param: str) -> Refused:
    """A 404: the address names nothing."""
    return Refused(404, "invalid_request_error", "resource_missing", param, is_kept=False)
