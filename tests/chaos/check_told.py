"""Checks what shoppers were told over time: it is one story, and nothing is taken back."""

from collections.abc import Iterator
from itertools import pairwise

from benchmarks.verify.testimony import FINAL, Finding
from tests.chaos.history import INVOKE
from tests.chaos.order_ways import leads_to
from tests.chaos.story import Story, Word
from tests.chaos.truth import Row, Truth


def find_verdicts_taken_back(story: Story, _truth: Truth) -> Iterator[Finding]:
    """Who asks after a final verdict is told no other status."""
    for intent, words in story.words.items():
        first = min((word.at_ns for word in words if word.status in FINAL), default=None)
        for word in words:
            is_later = first is not None and word.asked_ns is not None and word.asked_ns > first
            if is_later and word.status not in FINAL:
                yield Finding("verdicts", f"{word.status} after a final verdict", f"{intent} {word}")


def find_orders_told_otherwise(story: Story, truth: Truth) -> Iterator[Finding]:
    """What was told of an order was so at some time."""
    orders = {row["id"]: row for sale in truth.sales.values() for row in sale.orders}
    for order, words in story.order_words.items():
        for word in words:
            yield from _compare_order(word, order, orders.get(order))


def _compare_order(word: Word, order: str, row: Row | None) -> Iterator[Finding]:
    if row is None:
        yield Finding("told_not_stored", "an order was told that is not stored", f"{order} {word}")
        return
    once = {step["status"] for step in row["history"]}
    if word.status not in once or not leads_to(word.status, row["status"]):
        yield Finding("told_not_stored", f"order: told {word.status}", f"{word} {row}")


def find_taken_back(story: Story, _truth: Truth) -> Iterator[Finding]:
    """What is told of an order later may follow what was told before: `paid` is not `held` again.

    Later is what was asked for after the answer, and on a socket what comes after.
    """
    for order, words in story.order_words.items():
        asked = sorted((word for word in words if word.asked_ns is not None), key=lambda word: word.at_ns)
        heard = [word for word in words if word.asked_ns is None]
        later = [(one, other) for one in asked for other in asked if one.at_ns < (other.asked_ns or 0)]
        for before, after in (*later, *pairwise(heard)):
            if not leads_to(before.status, after.status):
                detail = f"told {before.status}, and then {after.status}"
                yield Finding("taken_back", detail, f"{order} {before} {after}")
                break


def find_bad_answers(story: Story, _truth: Truth) -> Iterator[Finding]:
    """A fault may cost an answer, or bring a 503; it never brings an error that nobody foresaw."""
    for event in story.events:
        answer = event.value.get("answer", 0)
        if event.type != INVOKE and answer >= 500 and answer != 503:
            yield Finding("bad_answers", f"{event.what} answered {answer}", str(event))
