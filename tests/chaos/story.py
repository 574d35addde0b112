"""Groups a history by purchase: requests with their tries, and what was told of an intent."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.chaos.history import FAIL, INFO, INVOKE, OK, Event


@dataclass(slots=True)
class Request:
    """All tries under one Idempotency-Key. Times are monotonic."""

    key: str
    who: str
    sale: str
    quantity: int
    fewer: bool
    began_ns: int
    accepted: list[tuple[int, str, int]] = field(default_factory=list)  # answered at, intent's id, ticket
    refusals: list[str] = field(default_factory=list)  # codes of tries that surely brought nothing
    unsure: int = 0  # tries of which nobody knows

    @property
    def intents(self) -> set[str]:
        """Every intent that this request was told of."""
        return {intent for _, intent, _ in self.accepted}

    @property
    def is_refused(self) -> bool:
        """Every try surely brought nothing."""
        return not self.accepted and self.unsure == 0


@dataclass(frozen=True, slots=True)
class Word:
    """What a shopper was told of an intent or an order, and when it had been asked (None: by socket)."""

    at_ns: int
    asked_ns: int | None
    who: str
    sale: str
    status: str
    ticket: int | None = None
    order: str | None = None


@dataclass(slots=True)
class Story:
    """A history, read. `words` are of intents, `order_words` of orders, by their ids."""

    events: Sequence[Event]
    requests: list[Request]
    words: dict[str, list[Word]]
    order_words: dict[str, list[Word]]


def read_story(events: Iterable[Event]) -> Story:
    """Read a history from beginning to end."""
    kept = list(events)
    begins = {event.op: event for event in kept if event.type == INVOKE}
    words, order_words = _words(kept, begins)
    return Story(kept, _requests(kept), words, order_words)


def _requests(events: Iterable[Event]) -> list[Request]:
    requests: dict[str, Request] = {}
    open_tries: dict[int, Request] = {}
    for event in events:
        if event.what != "submit":
            continue
        value = event.value
        if event.type == INVOKE:
            fresh = Request(
                value["key"], event.who, event.sale, value["quantity"], value["fewer"], event.at_ns
            )
            open_tries[event.op] = requests.setdefault(value["key"], fresh)
            continue
        request = open_tries.pop(event.op)
        if event.type == OK:
            request.accepted.append((event.at_ns, value["intent"], value["ticket"]))
        elif event.type == FAIL:
            request.refusals.append(value["code"])
        elif event.type == INFO:
            request.unsure += 1
    for request in open_tries.values():
        request.unsure += 1
    return list(requests.values())


def _words(
    events: Iterable[Event], begins: dict[int, Event]
) -> tuple[dict[str, list[Word]], dict[str, list[Word]]]:
    words: dict[str, list[Word]] = defaultdict(list)
    order_words: dict[str, list[Word]] = defaultdict(list)
    for event in events:
        value: dict[str, Any] = event.value
        if event.type != OK and event.what != "told":
            continue
        asked = begins[event.op].at_ns if event.op in begins else None
        if "intent" in value and "status" in value:
            words[value["intent"]].append(
                Word(
                    event.at_ns,
                    asked,
                    event.who,
                    event.sale,
                    value["status"],
                    value["ticket"],
                    value["order"],
                )
            )
        elif "order" in value:
            status = value.get("order_status") or value["status"]
            order_words[value["order"]].append(Word(event.at_ns, asked, event.who, event.sale, status))
    return words, order_words
