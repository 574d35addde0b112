"""Routes a request to the fake's PaymentIntents, refunds or search."""

import re
from typing import Final

from tests.support.fake_stripe.answers import Object, Refused, invalid, missing
from tests.support.fake_stripe.books import Books

QUERY: Final = re.compile(r"metadata\[\"payment_id\"\]:\"([0-9a-f-]{36})\"")


def answer_to(books: Books, verb: str, path: str, params: Object, *, has_search: bool) -> Object:
    """Do what is asked; the caller holds the books' lock."""
    kind, *words = path.removeprefix("/v1/").split("/")
    if kind == "refunds":
        return _refunds(books, verb, words, params)
    if (verb, kind, words) == ("GET", "payment_intents", ["search"]):
        return _search(books, params, has_search=has_search)
    return _intents(books, verb, words, params)


def _intents(books: Books, verb: str, words: list[str], params: Object) -> Object:
    match verb, words:
        case "POST", []:
            return books.create(params)
        case "GET", [name]:
            return books.retrieve(name)
        case "POST", [name, "confirm"]:
            return books.confirm(name, params)
        case "POST", [name, "cancel"]:
            return books.cancel(name, params.get("cancellation_reason"))
    raise Refused(404, "invalid_request_error", "unknown_url")


def _refunds(books: Books, verb: str, words: list[str], params: Object) -> Object:
    match verb, words:
        case "POST", []:
            return books.refund(params)
        case "GET", []:
            return {"object": "list", "data": books.refunds_of(params["payment_intent"]), "has_more": False}
        case "GET", [name] if name in books.refunds:
            return books.refunds[name]
    raise missing("refund")


def _search(books: Books, params: Object, *, has_search: bool) -> Object:
    asked = QUERY.fullmatch(params.get("query", ""))
    if not has_search or asked is None:
        raise invalid("search_not_available")
    return {"object": "search_result", "data": books.search(asked[1]), "has_more": False, "next_page": None}
