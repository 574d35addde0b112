"""Checks the line as a queue: nothing out of reach or out of nowhere (Jepsen's total-queue)."""

from collections.abc import Iterator

from benchmarks.verify.testimony import Finding
from tests.chaos.history import FAIL
from tests.chaos.story import Request, Story
from tests.chaos.truth import StoredSale, Truth


def find_unfindable(story: Story, _truth: Truth) -> Iterator[Finding]:
    """Accepted, and then not to be found by its owner at some later moment."""
    accepted = {intent for request in story.requests for intent in request.intents}
    for event in story.events:
        is_missing = event.type == FAIL and event.value.get("answer") == 404
        if is_missing and event.value.get("intent") in accepted:
            yield Finding("lost", f"accepted, but {event.what} answered 404", str(event))


def find_unexpected(story: Story, truth: Truth) -> Iterator[Finding]:
    """Stored, and no try explains it; also a request that stands in line although every try was refused."""
    for sale_id, sale in truth.sales.items():
        requests = [request for request in story.requests if request.sale == sale_id]
        untold = _untold(requests, sale)
        owned = {intent for own in sale.owners.values() for intent in own}
        for intent in untold - owned:
            yield Finding("unexpected", "stored, but asked for by nobody whose request is open", intent)
        statuses = {row["id"]: row["status"] for row in sale.intents}
        for who, own in sale.owners.items():
            extra = [(intent, statuses[intent]) for intent in sorted(untold.intersection(own))]
            yield from _explain([request for request in requests if request.who == who], extra)


def _explain(theirs: list[Request], extra: list[tuple[str, str]]) -> Iterator[Finding]:
    """Explain a shopper's intents of which nobody was told, by requests whose answer never came.

    A refused request may have left one too, if it was taken out of the line again: it has left.
    """
    possible = sum(1 for request in theirs if not request.accepted and request.unsure)
    refused = [request for request in theirs if request.is_refused and "line_unavailable" in request.refusals]
    withdrawn = min(len(refused), sum(1 for _, status in extra if status == "left"))
    if len(extra) > possible + withdrawn:
        check = "refused_in_line" if refused else "unexpected"
        yield Finding(check, f"{len(extra)} stored, {possible} possible", f"{extra} {theirs}")


def count_recovered(story: Story, truth: Truth) -> int:
    """Count requests whose answer never came and that stood in line all the same."""
    found = 0
    for sale_id, sale in truth.sales.items():
        found += len(_untold([request for request in story.requests if request.sale == sale_id], sale))
    return found


def _untold(requests: list[Request], sale: StoredSale) -> set[str]:
    return {row["id"] for row in sale.intents} - {
        intent for request in requests for intent in request.intents
    }
