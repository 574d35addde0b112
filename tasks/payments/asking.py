"""Asks providers about payments, outside of any transaction: together where they can, else side by side."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from models.errors import IdempotencyKeyReused, Unavailable
from tasks.context import Context
from tasks.payments.outcomes import Told
from tasks.providers.port import Charge, ChargesTogether, Outcome, Provider, ProviderUnavailable, State

log: Final = structlog.get_logger()

SIDE_BY_SIDE: Final = 16  # questions at a time

Question = Callable[[], Sequence[Told]]


@dataclass(frozen=True, slots=True)
class Begun:
    """A payment of which the provider is to be asked."""

    charge: Charge
    provider: str
    status: str
    is_out_of_patience: bool


def ask(context: Context, begun: Sequence[Begun]) -> Iterator[Sequence[Told]]:
    """Ask about payments; yields outcomes as they come, several at a time.

    A provider that gives no answer has said that a charge is pending. One question that fails stops no other.

    Raises:
        Unavailable: a store is unavailable, or all questions failed.
    """
    questions = _questions(context, begun)
    if len(questions) == 1:
        yield questions[0]()
        return
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="asking") as threads:
        asked = {threads.submit(question) for question in questions}
        while asked:
            answered, asked = wait(asked, return_when=FIRST_COMPLETED)
            yield [told for one in answered for told in _answer_of(one)]


def _answer_of(asked: "Future[Sequence[Told]]") -> Sequence[Told]:
    try:
        return asked.result()
    except Unavailable:
        raise
    except Exception:
        log.exception("payment_not_asked")
        return ()


def _questions(context: Context, begun: Sequence[Begun]) -> list[Question]:
    questions: list[Question] = []
    together: dict[str, list[Charge]] = defaultdict(list)
    for one in begun:
        if one.charge.amount_minor == 0:  # a free order needs no provider
            questions.append(partial(_say, one, Outcome(State.SUCCEEDED)))
        elif not one.is_out_of_patience and can_together(context, one.provider):
            together[one.provider].append(one.charge)
        else:
            questions.append(partial(_ask_one, context, one))
    for name, charges in together.items():
        questions.append(partial(_ask_together, context.providers.named(name), charges))
    return questions


def can_together(context: Context, provider: str) -> bool:
    """Return whether a provider charges several at once."""
    return provider in context.providers and isinstance(context.providers.named(provider), ChargesTogether)


def _say(begun: Begun, outcome: Outcome) -> Sequence[Told]:
    return [(begun.charge.payment_id, outcome)]


def _ask_together(provider: Provider, charges: Sequence[Charge]) -> Sequence[Told]:
    if not isinstance(provider, ChargesTogether):
        raise TypeError(f"{provider.name} is asked one by one.")
    answers = zip(charges, provider.charge_all(charges), strict=True)
    return [
        (one.payment_id, answer if isinstance(answer, Outcome) else _no_answer(one, answer))
        for one, answer in answers
    ]


def _ask_one(context: Context, begun: Begun) -> Sequence[Told]:
    try:
        return _say(begun, _put(context.providers.named(begun.provider), begun))
    except (ProviderUnavailable, IdempotencyKeyReused) as error:
        return _say(begun, _no_answer(begun.charge, error))


def _no_answer(charge: Charge, error: Exception) -> Outcome:
    if isinstance(
        error, IdempotencyKeyReused
    ):  # its books have something else under this id: that pays nothing
        log.error("provider_knows_another_charge", payment_id=str(charge.payment_id), error=str(error))
    else:
        log.warning("provider_silent", payment_id=str(charge.payment_id), error=str(error))
    return Outcome(State.PENDING)


def _put(provider: Provider, begun: Begun) -> Outcome:
    return provider.cancel(begun.charge) if begun.is_out_of_patience else provider.charge(begun.charge)
