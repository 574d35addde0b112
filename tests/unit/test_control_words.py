"""Every state, kind and deed that the control room can meet has words, and the log tells changes readably."""

from typing import Any

import pytest

from models import enums
from models.enums import AdminAction
from models.queries.payment_tasks import WORK
from models.tables.catalogue import Product
from tasks.background.queue import KINDS
from tasks.sales.lifecycle import NewSale
from web.control_room.log_words import ACTIONS, FIELDS, Detail, Value, action_words, details_of
from web.control_room.words import QUIET, STATES, Said, say_state
from web.shop.words import write_breakable


@pytest.mark.parametrize(
    ("of", "states"),
    [
        ("sale", enums.SaleStatus),
        ("order", enums.OrderStatus),
        ("intent", enums.IntentStatus),
        ("payment", enums.PaymentStatus),
        ("refund", enums.RefundStatus),
        ("cause", enums.RefundCause),
        ("task", enums.TaskState),
        ("mail", enums.MailStatus),
        ("letter", enums.MailKind),
        ("subject", enums.SubjectKind),
        ("role", enums.Role),
        ("staff_role", enums.StaffRole),
        ("kind", ["intent", *WORK, *KINDS]),
    ],
)
def test_every_state_has_words(of: str, states: Any) -> None:
    assert {str(state) for state in states} - {str(state) for state in STATES[of]} == set()


def test_what_is_not_known_is_called_by_its_own_name() -> None:
    assert say_state("kind", "novelty") == Said("novelty", QUIET)
    assert action_words("novelty") == "novelty"


def test_every_admin_action_has_words() -> None:
    assert {str(deed) for deed in AdminAction} == {str(deed) for deed in ACTIONS}


def test_every_setting_that_the_log_may_tell_of_has_words() -> None:
    settings = set(NewSale.__slots__)
    columns = set(Product.__table__.columns.keys()) - {"id", "archived_at", "created_at"}
    assert (settings | columns | {"reason", "model_id", "kind", "dropped"}) - set(FIELDS) == set()


def test_a_switch_is_told_in_words() -> None:
    [told] = details_of({"details": {"requires_verified_email": [False, True]}}, "USD")
    assert (told.before, told.now) == (Value("text", "no"), Value("text", "yes"))


def test_a_change_is_told_with_before_and_after_in_a_fixed_order() -> None:
    entry = {"details": {"allocation": [5, 7], "price_minor": [1999, 999], "lobby_opens_at": [None, "2030"]}}
    assert details_of(entry, "USD") == [
        Detail(
            "Price",
            Value("money", {"amount_minor": 1999, "currency": "USD"}),
            Value("money", {"amount_minor": 999, "currency": "USD"}),
        ),
        Detail("Units", Value("count", 5), Value("count", 7)),
        Detail("Lobby opens", Value("moment", None), Value("moment", "2030")),
    ]


def test_amounts_before_and_after_a_change_of_currency_have_their_own() -> None:
    entry = {"details": {"list_price_minor": [500, 700], "currency": ["USD", "EUR"]}}
    [price, currency] = details_of(entry, "EUR")
    assert price.before is not None
    assert (price.before.value["currency"], price.now.value["currency"]) == ("USD", "EUR")
    assert (currency.before, currency.now) == (Value("text", "USD"), Value("text", "EUR"))


def test_what_was_never_set_is_not_told_and_what_is_unknown_is() -> None:
    entry = {"details": {"rate_per_second": None, "description": "", "currency": "USD", "novelty": 3}}
    assert details_of(entry, "USD") == [Detail("novelty", None, Value("text", 3))]


def test_words_that_only_the_code_knows_are_translated() -> None:
    entry = {"details": {"admission_order": ["fifo", "draw"], "kind": "mail"}}
    order, kind = details_of(entry, "")
    assert order.before == Value("text", "First come, first served")
    assert order.now == Value("text", "Drawn by lot")
    assert kind.now == Value("text", "Mail")


def test_an_address_breaks_before_its_signs_and_stays_text() -> None:
    assert write_breakable("a.da@shop.example") == "a<wbr>.da<wbr>@shop<wbr>.example"
    assert write_breakable("<b>@x. Y") == "&lt;b&gt;@x. Y"
