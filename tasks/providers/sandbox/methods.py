"""The sandbox's payment methods, its test cards: one table of what each of them does."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from tasks.providers.port import State

LONGEST_S: Final = 3600
_SPELLING: Final = re.compile(r"([a-z_]+)(?::([1-9][0-9]{0,3}))?")


class Silence(StrEnum):
    """Which of the shop's calls get no answer."""

    NEVER = "never"
    FIRST_CALL = "first_call"
    WHILE_PENDING = "while_pending"


class When(StrEnum):
    """When a webhook is due."""

    AT_ONCE = "at_once"
    A_SECOND_LATER = "a_second_later"
    SETTLED = "settled"


class Refunding(StrEnum):
    """How a charge is refunded."""

    AT_ONCE = "at_once"
    SLOWLY = "slowly"
    REFUSED = "refused"


Webhooks = tuple[tuple[State, When], ...]


@dataclass(frozen=True, slots=True)
class Method:
    """What the sandbox does with a charge by this method.

    `begins` is what its books say at once, `ends` what they say when it settles. Until then the shop is told
    that it is pending, whatever the books say. `cancel_code` is None where a pending charge cannot be ended.
    """

    name: str
    says: str
    begins: State = State.SUCCEEDED
    ends: State = State.SUCCEEDED
    code: str | None = None
    cancel_code: str | None = "cancelled"
    takes_seconds: bool = False
    seconds: int = 0
    webhooks: Webhooks = ((State.SUCCEEDED, When.AT_ONCE),)
    is_mute: bool = False  # no webhook is ever sent, of refunds and cancelling neither
    silence: Silence = Silence.NEVER
    refunding: Refunding = Refunding.AT_ONCE
    too_much_minor: int = 0  # is charged on top of what was requested

    @property
    def spelling(self) -> str:
        """How it is written; N is a number of seconds."""
        return f"{self.name}:N" if self.takes_seconds else self.name


@dataclass(frozen=True, slots=True)
class Terms:
    """A method as it was requested, with its seconds."""

    method: Method
    seconds: int

    @property
    def charge_s(self) -> int:
        """How long the shop is told that the charge is pending; 0 where it does not settle by itself."""
        return 0 if self.method.refunding == Refunding.SLOWLY else self.seconds

    def is_silent(self, calls: int, told: State) -> bool:
        """Return whether the shop gets no answer to its call with this number, counted from 1."""
        if self.method.silence == Silence.FIRST_CALL:
            return calls == 1
        return self.method.silence == Silence.WHILE_PENDING and told == State.PENDING


_DECLINED: Final[Webhooks] = ((State.DECLINED, When.AT_ONCE),)
_SLOW: Final[Webhooks] = ((State.PENDING, When.AT_ONCE), (State.SUCCEEDED, When.SETTLED))
_SLOW_DECLINE: Final[Webhooks] = ((State.PENDING, When.AT_ONCE), (State.DECLINED, When.SETTLED))
_DISORDER: Final[Webhooks] = ((State.SUCCEEDED, When.AT_ONCE), (State.PENDING, When.A_SECOND_LATER))


def _declines(name: str, says: str, code: str) -> Method:
    return Method(name, says, begins=State.DECLINED, code=code, webhooks=_DECLINED)


METHODS: Final = (
    Method("sandbox_ok", "Succeeds at once."),
    _declines("sandbox_decline", "Is declined: the card is refused.", "card_declined"),
    _declines("sandbox_insufficient_funds", "Is declined: there is not enough money.", "insufficient_funds"),
    _declines("sandbox_expired_card", "Is declined: the card has expired.", "expired_card"),
    Method(
        "sandbox_timeout",
        "Never answers and never charges; giving up ends it.",
        begins=State.PENDING,
        cancel_code="payment_timeout",
        webhooks=(),
        silence=Silence.WHILE_PENDING,
    ),
    Method(
        "sandbox_timeout_charged",
        "Charges, but the answer is lost; asking again tells.",
        silence=Silence.FIRST_CALL,
    ),
    Method(
        "sandbox_slow",
        "Is pending and succeeds after N seconds, like a bank transfer; it cannot be cancelled.",
        begins=State.PENDING,
        cancel_code=None,
        takes_seconds=True,
        webhooks=_SLOW,
    ),
    Method(
        "sandbox_slow_decline",
        "Is pending and is declined after N seconds; it cannot be cancelled.",
        begins=State.PENDING,
        ends=State.DECLINED,
        code="card_declined",
        cancel_code=None,
        takes_seconds=True,
        webhooks=_SLOW_DECLINE,
    ),
    Method(
        "sandbox_duplicate",
        "Succeeds at once, and its webhook comes three times.",
        webhooks=((State.SUCCEEDED, When.AT_ONCE),) * 3,
    ),
    Method(
        "sandbox_disorder",
        "Succeeds at once; the webhook that it is pending comes after the one that it succeeded.",
        webhooks=_DISORDER,
    ),
    Method(
        "sandbox_late_webhook",
        "Succeeds at once, but says so only after N seconds, as does its webhook; it cannot be cancelled.",
        cancel_code=None,
        takes_seconds=True,
        webhooks=((State.SUCCEEDED, When.SETTLED),),
    ),
    Method(
        "sandbox_no_webhook",
        "Is pending and succeeds after a second; no webhook comes, only asking tells.",
        begins=State.PENDING,
        seconds=1,
        webhooks=(),
        is_mute=True,
    ),
    Method(
        "sandbox_refund_fails",
        "Succeeds at once, but cannot be refunded.",
        refunding=Refunding.REFUSED,
    ),
    Method(
        "sandbox_refund_slow",
        "Succeeds at once; its refund takes N seconds.",
        takes_seconds=True,
        refunding=Refunding.SLOWLY,
    ),
    Method(
        "sandbox_wrong_amount",
        "Succeeds at once, but charges one more than it was asked for; that never pays, and goes back.",
        too_much_minor=1,
    ),
)

_BY_NAME: Final = {method.name: method for method in METHODS}


def terms_of(asked: str) -> Terms | None:
    """Parse a method, e.g. `sandbox_slow:5`; None if there is no such."""
    spelled = _SPELLING.fullmatch(asked)
    method = _BY_NAME.get(spelled[1]) if spelled else None
    if spelled is None or method is None or method.takes_seconds != (spelled[2] is not None):
        return None
    seconds = int(spelled[2] or method.seconds)
    return Terms(method, seconds) if seconds <= LONGEST_S else None
