"""Owns the judgement of words: what shoppers were told is one story, and the stored one."""

from collections import Counter
from collections.abc import Iterator
from itertools import pairwise

from benchmarks.verify.testimony import FINAL, Finding
from tests.chaos.history import INVOKE
from tests.chaos.order_ways import leads_to
from tests.chaos.story import Story, Word
from tests.chaos.truth import Row, StoredSale, Truth


def find_doubled_verdicts(story: Story, _truth: Truth) -> Iterator[Finding]:
    """An intent has one final verdict, whoever tells it, and it is not taken back."""
    for intent, words in story.words.items():
        verdicts = {word.status for word in words if word.status in FINAL}
        if len(verdicts) > 1:
            yield Finding("verdicts", f"told {sorted(verdicts)}", intent)
        first = min((word.at_ns for word in words if word.status in FINAL), default=None)
        for word in words:
            is_later = first is not None and word.asked_ns is not None and word.asked_ns > first
            if is_later and word.status not in FINAL:
                yield Finding("verdicts", f"{word.status} after a final verdict", f"{intent} {word}")


def find_told_not_stored(story: Story, truth: Truth) -> Iterator[Finding]:
    """What was told of an intent or an order is what is stored."""
    intents = {row["id"]: row for sale in truth.sales.values() for row in sale.intents}
    for intent, words in story.words.items():
        row = intents.get(intent)
        if row is not None:  # else it is lost, which is another check's
            for word in words:
                yield from _compare(word, row)
    orders = {row["id"]: row for sale in truth.sales.values() for row in sale.orders}
    for order, words in story.order_words.items():
        for word in words:
            yield from _compare_order(word, order, orders.get(order))


def _compare(word: Word, row: Row) -> Iterator[Finding]:
    pairs: list[tuple[str, object, object]] = [("ticket", word.ticket, row["ticket"])]
    if word.status in FINAL:
        pairs += [("verdict", word.status, row["status"]), ("order", word.order, row["order_id"])]
    for what, told, kept in pairs:
        if told != kept:
            yield Finding("told_not_stored", f"{what}: told {told}, stored {kept}", f"{word} {row}")


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


def find_orders_astray(_story: Story, truth: Truth) -> Iterator[Finding]:
    """Every held intent has one order of its own, and nobody else has any."""
    for sale in truth.sales.values():
        yield from _match_orders(sale)


def _match_orders(sale: StoredSale) -> Iterator[Finding]:
    intents = {row["id"]: row for row in sale.intents}
    counts = Counter(order["intent_id"] for order in sale.orders)
    for intent, row in intents.items():
        wanted = 1 if row["status"] == "held" else 0
        if counts[intent] != wanted:
            yield Finding("orders", f"{row['status']}, with {counts[intent]} orders", str(row))
    for order in sale.orders:
        row = intents.get(order["intent_id"], {})
        fits = 1 <= order["quantity"] <= row.get("quantity", 0)
        is_whole = row.get("accept_fewer") or order["quantity"] == row.get("quantity")
        if not (fits and is_whole) or row.get("order_id") != order["id"]:
            yield Finding("orders", "an order that its intent does not carry", f"{order} {row}")


def find_bad_answers(story: Story, _truth: Truth) -> Iterator[Finding]:
    """A fault may cost an answer, or bring a 503; it never brings an error that nobody foresaw."""
    for event in story.events:
        answer = event.value.get("answer", 0)
        if event.type != INVOKE and answer >= 500 and answer != 503:
            yield Finding("bad_answers", f"{event.what} answered {answer}", str(event))
