"""The domain's exceptions. HTTP codes and messages for people are in `web/http/errors.py`.

Being sold out is a verdict and not an error. The drivers' errors are translated to these inside `models/`.
"""

from typing import Any

from models.enums import SaleStatus


class FlashSaleError(Exception):
    """Base of everything that the domain raises on purpose."""


class Unavailable(FlashSaleError):
    """A store cannot be reached or cannot answer now; trying again later may help.

    Whatever asks a store may raise it: docstrings name it where there is more to say, as who tries again.
    """


class LineUnavailable(Unavailable):
    """Redis did not answer, so nothing is known to be durable, and nothing was promised."""


class LineRefused(LineUnavailable):
    """Redis answered that it accepts no writes now (full, read-only, loading …): nothing was done."""


class TooFewReplicas(LineRefused):
    """Fewer replicas answer than an answer needs: nothing was done."""


class NotKept(LineUnavailable):
    """It was done, and is not as safe as it has to be: it might be forgotten, so it must not be told."""


class NotReplicated(NotKept):
    """Too few replicas have it."""


class NotJournalled(NotKept):
    """The journal does not have it."""


class LateSubmission(LineUnavailable):
    """The line got the intents after their sender's deadline; none of them stands in line."""


class ForeignLine(LineUnavailable):
    """The Redis belongs to another ledger: nothing of ours is in it, and nothing is to be done there."""


class LedgerUnavailable(Unavailable):
    """PostgreSQL did not answer, or cannot do its work now; the query is not at fault."""


class LedgerSilent(LedgerUnavailable):
    """PostgreSQL did not answer in time, as when it is stopped or cut off."""


class LedgerBusy(LedgerUnavailable):
    """PostgreSQL is healthy but busy: a lock, a slow statement, no free connection."""


class Fenced(FlashSaleError):
    """The caller's epoch is not the present one: it is from before a rebuild."""


class LineDiverged(FlashSaleError):
    """The live line and the ledger disagree about the same tickets."""


class NotFound(FlashSaleError):
    """No such thing, or not for this caller."""


class NoSuchSale(NotFound):
    """No sale has this id."""


class SaleNotOpen(FlashSaleError):
    """The sale does not accept intents yet, or not at the moment."""


class SaleOver(FlashSaleError):
    """The sale has ended or was cancelled."""


class AlreadyInLine(FlashSaleError):
    """The shopper stands in this sale's line already; `intent` tells where."""

    def __init__(self, intent: dict[str, Any]) -> None:
        super().__init__("You stand in line already.")
        self.intent = intent


class CameTooOften(FlashSaleError):
    """The shopper left this sale's line again and again, and has to wait so long before coming again."""

    def __init__(self, wait_ms: int) -> None:
        super().__init__("You left this sale's line several times; wait a little before you come again.")
        self.wait_s = -(-wait_ms // 1_000)


class LimitReached(FlashSaleError):
    """The shopper's units, held, paid and waiting, would exceed the sale's limit for one shopper."""


class IdempotencyKeyReused(FlashSaleError):
    """The same key came with another body."""


class AlreadyDecided(FlashSaleError):
    """The intent has its verdict, so that it can no longer leave."""


class OrderNotHeld(FlashSaleError):
    """The order is not a hold (any more), so that it cannot be cancelled or paid."""


class PaymentInProgress(FlashSaleError):
    """A payment of this order is under way, or its outcome is not known yet."""


class AlreadyPaid(FlashSaleError):
    """The order is paid already."""


class UnknownPaymentMethod(FlashSaleError):
    """The payment provider does not know this method."""


class NotRefundable(FlashSaleError):
    """The order is not paid (any more), so that there is nothing to give back."""


class IllegalTransition(FlashSaleError):
    """The sale's present status does not lead to the requested one."""

    def __init__(self, present: SaleStatus, requested: SaleStatus) -> None:
        super().__init__(f"A sale that is {present} cannot become {requested}.")
        self.present = present
        self.requested = requested


class BadSale(FlashSaleError):
    """The requested settings contradict each other; `field` names the first that does."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class AllocationTooSmall(FlashSaleError):
    """The requested allocation is below what is held, sold or already decided."""


class PreconditionFailed(FlashSaleError):
    """What was to be changed is no longer what the caller has seen; `present` is its tag now."""

    def __init__(self, present: str) -> None:
        super().__init__(f"It is {present} by now.")
        self.present = present


class LinkSpent(FlashSaleError):
    """A link that was mailed is good for nothing: used, expired, or none at all."""


class EmailNotVerified(FlashSaleError):
    """The sale asks for a confirmed e-mail address, and the shopper's is not."""


class AskedTooOften(FlashSaleError):
    """A link was mailed to the account a moment ago, or too many today."""


class EmailTaken(FlashSaleError):
    """An account with this e-mail address exists."""


class BadCredentials(FlashSaleError):
    """E-mail address and password do not match."""


class BadCode(BadCredentials):
    """A code of the second factor, or a recovery code, is wrong or was used before."""


class SecondFactorRequired(FlashSaleError):
    """The password is right; the account's second factor is asked for as well."""


class SecondFactorOn(FlashSaleError):
    """The account has a second factor already."""


class NoSecondFactor(FlashSaleError):
    """The account has none, or none is waiting for its first code."""


class ConfirmationRequired(FlashSaleError):
    """What is asked for needs the password or a code again: the last time is too long ago."""


class SecondFactorMissing(FlashSaleError):
    """Staff need a log-in with a second factor here."""


class OwnSecondFactor(FlashSaleError):
    """One's own second factor is switched off with its code, and not reset."""


class TokenReused(FlashSaleError):
    """A spent refresh token was shown again; its family is revoked."""


class ProductInUse(FlashSaleError):
    """A sale that is not over sells this product."""


class Banned(FlashSaleError):
    """The account may not log in."""


class AlreadyStaff(FlashSaleError):
    """An account that is to be invited to the staff is there already."""


class LastOwner(FlashSaleError):
    """Nobody would be an owner any more."""


class CannotBan(FlashSaleError):
    """The account is an admin's."""


class TermsNotAccepted(FlashSaleError):
    """The shop's terms, in their version of now, have to be accepted first."""


class TooManyCopies(FlashSaleError):
    """As many copies were asked for today as may be; `wait_s` says in how many seconds there may be more."""

    def __init__(self, wait_s: float) -> None:
        super().__init__("You asked for as many as there may be in a day.")
        self.wait_s = max(int(wait_s) + 1, 1)


class CannotErase(FlashSaleError):
    """The account is one of the staff's that may not go now."""


class NotDone(FlashSaleError):
    """A background task did what it could for now, and goes on by the next bell.

    `progress` is its result so far.
    """

    def __init__(self, progress: dict[str, Any]) -> None:
        super().__init__("It is not done yet.")
        self.progress = progress


class NotFailed(FlashSaleError):
    """The task did not fail, so that there is nothing to try again."""
