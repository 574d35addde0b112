"""The judgement of order: tickets are dense, given in order of acceptance, and served in order."""

from collections import Counter
from collections.abc import Iterator

from benchmarks.verify.testimony import REFUSED, Evidence, Finding, StoredIntent, Told

Decided = tuple[int, int, str]  # ticket, quantity, verdict


def find_fifo_inversions(evidence: Evidence) -> Iterator[Finding]:
    """Everything that an honest line would not show, on both sides."""
    yield from find_bad_numbering(evidence.intents)
    yield from find_shared_tickets(evidence.told)
    told = [(t.ticket, t.quantity, t.verdict) for t in evidence.told if t.ticket and t.verdict]
    stored = [(i.ticket, i.quantity, i.status) for i in evidence.intents if i.ticket]
    yield from find_overtaken("told", told)
    yield from find_overtaken("stored", stored)
    yield from find_late_tickets(evidence.told)


def find_bad_numbering(intents: tuple[StoredIntent, ...]) -> Iterator[Finding]:
    """Tickets are 1..N: each once, none left out."""
    counts = Counter(intent.ticket for intent in intents)
    for intent in intents:
        if intent.ticket is None:
            yield Finding("fifo", "stored without a ticket", str(intent))
        elif counts[intent.ticket] > 1:
            yield Finding(
                "fifo", f"ticket {intent.ticket} is given {counts[intent.ticket]} times", str(intent)
            )
        elif not 1 <= intent.ticket <= len(intents):
            yield Finding(
                "fifo", f"ticket {intent.ticket} of {len(intents)}: a number was left out", str(intent)
            )


def find_shared_tickets(told: tuple[Told, ...]) -> Iterator[Finding]:
    """No two clients are told the same number."""
    counts = Counter(t.ticket for t in told if t.ticket is not None)
    for shopper in told:
        if shopper.ticket is not None and counts[shopper.ticket] > 1:
            yield Finding(
                "fifo", f"ticket {shopper.ticket} was told to {counts[shopper.ticket]}", str(shopper)
            )


def find_overtaken(side: str, decided: list[Decided]) -> Iterator[Finding]:
    """A refused ticket whose units a later ticket got: the later one asked for at least as many."""
    largest_later, winner = 0, 0
    for ticket, quantity, verdict in sorted(decided, reverse=True):
        if verdict == "held" and quantity > largest_later:
            largest_later, winner = quantity, ticket
        elif verdict in REFUSED and quantity <= largest_later:
            detail = f"{side}: ticket {ticket} is {verdict}, ticket {winner} behind it is held"
            yield Finding("fifo", detail, f"ticket {ticket} quantity {quantity}")


def find_late_tickets(told: tuple[Told, ...]) -> Iterator[Finding]:
    """In real time: what was accepted before another was even sent has the smaller ticket."""
    sent = sorted((t for t in told if t.sent_ns is not None and t.ticket), key=_sent)
    accepted = sorted((t for t in sent if t.is_accepted and t.answered_ns is not None), key=_answered)
    earlier, before = 0, None
    position = 0
    for shopper in sent:
        while position < len(accepted) and _answered(accepted[position]) < _sent(shopper):
            candidate = accepted[position]
            if (candidate.ticket or 0) > earlier:
                earlier, before = candidate.ticket or 0, candidate
            position += 1
        if before is not None and (shopper.ticket or 0) < earlier:
            detail = f"ticket {shopper.ticket} was sent after ticket {earlier} had been accepted"
            yield Finding("fifo", detail, f"{shopper} after {before}")


def _sent(told: Told) -> int:
    return told.sent_ns or 0


def _answered(told: Told) -> int:
    return told.answered_ns or 0
