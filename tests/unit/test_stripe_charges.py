"""Stripe's charges, over HTTP: what each answer means, and one charge a payment whatever is lost."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from structlog.testing import capture_logs

from config import StripeSettings
from tasks.providers.port import Charge, Outcome, ProviderUnavailable, State, Step
from tasks.providers.stripe import StripeProvider, client
from tests.support.fake_stripe import FakeStripe, faults
from tests.support.polling import eventually
from tests.support.stripe_play import CANCEL, CONFIRM, CREATE, RETRIEVE, SEARCH, StripePlay, stripe_settings
from tests.support.threads import at_once

PENDING, SUCCEEDED, DECLINED = State.PENDING, State.SUCCEEDED, State.DECLINED
CROWD = 16  # threads of a worker


@pytest.fixture
def play() -> Iterator[StripePlay]:
    with FakeStripe() as fake:
        yield StripePlay(fake)


def state_of(outcome: Outcome | None) -> State | None:
    return outcome.state if outcome else None


@pytest.mark.parametrize("method", ["pm_card_ok", "ctoken_card_ok"])
def test_a_charge_is_made_confirmed_and_written_with_our_ids(play: StripePlay, method: str) -> None:
    charge = play.new_charge(method)
    told = play.provider.charge(charge)
    assert (told.state, told.code, told.client_secret) == (SUCCEEDED, None, None)
    [intent] = play.intents_of(charge)
    assert intent["id"] == told.ref
    assert (intent["amount"], intent["currency"], intent["payment_method"]) == (1999, "usd", method)
    assert intent["metadata"] == {"payment_id": str(charge.payment_id), "order_id": str(charge.order_id)}
    assert play.fake.requests == [CREATE, CONFIRM]
    keys = [headers["idempotency-key"] for headers in play.fake.headers]
    assert keys == [str(charge.payment_id), f"{charge.payment_id}-confirm"]


def test_nothing_is_told_of_this_machine_and_no_key_is_global(play: StripePlay) -> None:
    import stripe

    play.charged()
    play.charged()
    assert stripe.api_key is None
    for headers in play.fake.headers:
        assert "x-stripe-client-telemetry" not in headers
        assert "platform" not in headers["x-stripe-client-user-agent"]
        assert headers["stripe-version"] == stripe.api_version


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("pm_card_declined", "card_declined"),
        ("pm_card_insufficient", "insufficient_funds"),
        ("ctoken_card_expired", "expired_card"),
        ("pm_card_stolen", "card_declined"),  # the card's holder is not told
        ("pm_of_nobody", "resource_missing"),
    ],
)
def test_a_declined_charge_says_why_and_can_never_succeed(play: StripePlay, method: str, code: str) -> None:
    charge = play.new_charge(method)
    told = play.provider.charge(charge)
    assert (told.state, told.code) == (DECLINED, code)
    assert [one["status"] for one in play.intents_of(charge)] == ["canceled"]
    assert play.provider.charge(replace(charge, ref=told.ref)).state == DECLINED
    assert play.fake.books.charges == []


def test_a_shopper_who_has_to_act_gets_a_secret_and_is_waited_for(play: StripePlay) -> None:
    charge = play.new_charge("pm_card_3ds")
    told = play.provider.charge(charge)
    assert told.state == PENDING
    assert told.client_secret == f"{told.ref}_secret_x"
    known = replace(charge, ref=told.ref)
    assert play.provider.charge(known) == told
    play.fake.books.go_on(told.ref or "")
    assert play.provider.charge(known) == Outcome(SUCCEEDED, told.ref)
    assert play.fake.asked(CONFIRM) == 1


def test_a_shopper_who_fails_at_the_bank_is_declined_and_the_attempt_is_over(play: StripePlay) -> None:
    charge = play.charged("ctoken_card_3ds")
    play.fake.books.go_on(charge.ref or "", is_fine=False)
    told = play.provider.charge(charge)
    assert (told.state, told.code) == (DECLINED, "payment_intent_authentication_failure")
    assert [one["status"] for one in play.intents_of(charge)] == ["canceled"]


def test_a_browser_that_confirms_gets_a_secret_first(play: StripePlay) -> None:
    charge = play.new_charge("payment_element")
    told = play.provider.charge(charge)
    assert (told.state, told.client_secret) == (PENDING, f"{told.ref}_secret_x")
    assert play.fake.asked(CONFIRM) == 0
    known = replace(charge, ref=told.ref)
    assert play.provider.charge(known) == told
    play.fake.books.enter(told.ref or "", "pm_card_ok")
    assert play.provider.charge(known).state == SUCCEEDED


def test_a_browser_that_was_declined_gets_no_second_try_on_the_same_payment(play: StripePlay) -> None:
    charge = play.charged("payment_element")
    play.fake.books.enter(charge.ref or "", "pm_card_insufficient")
    told = play.provider.charge(charge)
    assert (told.state, told.code) == (DECLINED, "insufficient_funds")
    assert [one["status"] for one in play.intents_of(charge)] == ["canceled"]


def test_a_browser_that_tried_again_before_it_could_be_stopped_has_paid(
    play: StripePlay, monkeypatch: pytest.MonkeyPatch
) -> None:
    charge = play.charged("payment_element")
    books = play.fake.books
    books.enter(charge.ref or "", "pm_card_declined")
    cancel = books.cancel

    def slower(name: str, reason: str | None) -> dict[str, object]:
        books.enter(name, "pm_card_ok")
        return cancel(name, reason)

    monkeypatch.setattr(books, "cancel", slower)
    assert play.provider.charge(charge) == Outcome(SUCCEEDED, charge.ref)
    assert books.charges == [charge.ref]


def test_a_bank_that_takes_days_is_waited_for_and_cannot_be_stopped(play: StripePlay) -> None:
    charge = play.charged("pm_bank")
    assert play.provider.charge(charge) == Outcome(PENDING, charge.ref)
    assert play.provider.cancel(charge) == Outcome(PENDING, charge.ref)
    play.fake.books.go_on(charge.ref or "")
    assert play.provider.cancel(charge) == Outcome(SUCCEEDED, charge.ref)


@pytest.mark.parametrize("method", ["pm_card_ok", "pm_card_3ds", "pm_card_declined", "payment_element"])
@pytest.mark.parametrize("fault", faults.EVERY)
@pytest.mark.parametrize("at", [CREATE, CONFIRM, RETRIEVE, CANCEL])
def test_whatever_gets_lost_a_payment_is_charged_once_and_its_end_is_told(
    play: StripePlay, method: str, fault: str, at: str
) -> None:
    charge = play.new_charge(method)
    play.goes_wrong(fault, fault, at=at)
    told = [play.ask(charge) for _ in range(4)]
    if (told[-1] is None) or told[-1].state == PENDING:
        told.append(play.end(charge))
    for _ in range(3):
        told.append(told[-1] or play.end(charge))
    statuses = [one["status"] for one in play.intents_of(charge)]
    is_paid = state_of(told[-1]) == SUCCEEDED
    assert set(statuses) == {"succeeded" if is_paid else "canceled"}
    assert len(play.fake.books.charges) == int(is_paid)
    states = [one.state for one in told if one and one.state != PENDING]
    assert len(set(states)) == 1  # what is final stays final


def test_a_charge_whose_making_was_never_answered_is_ended_by_its_key(play: StripePlay) -> None:
    charge = play.new_charge("pm_card_ok")
    play.goes_wrong(faults.CUT_AFTER, at=CREATE)
    assert play.ask(charge) is None
    assert play.provider.cancel(charge).state == DECLINED
    assert [one["status"] for one in play.intents_of(charge)] == ["canceled"]
    assert play.fake.asked(SEARCH) == 0
    assert play.ask(charge) == Outcome(DECLINED, play.intents_of(charge)[0]["id"], "payment_timeout")
    assert play.fake.books.charges == []


def test_a_charge_that_never_came_is_ended_before_it_comes(play: StripePlay) -> None:
    charge = play.new_charge("pm_card_ok")
    assert play.provider.cancel(charge).state == DECLINED
    assert play.ask(charge) == Outcome(DECLINED, play.intents_of(charge)[0]["id"], "payment_timeout")
    assert play.fake.books.charges == []


def test_ending_never_charges(play: StripePlay) -> None:
    for method in ("pm_card_ok", "ctoken_card_ok", "payment_element"):
        play.provider.cancel(play.new_charge(method))
    assert play.fake.asked(CONFIRM) == 0


def test_a_charge_that_came_before_it_could_be_ended_is_told_of(play: StripePlay) -> None:
    charge = play.new_charge()
    play.goes_wrong(faults.CUT_AFTER, at=CONFIRM)
    assert play.ask(charge) is None
    told = play.provider.cancel(charge)
    assert (told.state, told.ref) == (SUCCEEDED, play.fake.books.charges[0])


def test_after_the_keys_are_forgotten_what_was_made_is_found_by_what_we_wrote_on_it(play: StripePlay) -> None:
    charge = play.new_charge()
    play.goes_wrong(faults.CUT_AFTER, at=CONFIRM)
    assert play.ask(charge) is None
    play.fake.keys.forget()
    told = play.provider.cancel(charge)
    assert (told.state, told.ref) == (SUCCEEDED, play.fake.books.charges[0])
    assert sorted(one["status"] for one in play.intents_of(charge)) == ["canceled", "succeeded"]


def test_an_account_without_search_ends_what_it_can_and_says_so(play: StripePlay) -> None:
    play.fake.has_search = False
    with capture_logs() as logs:
        assert play.provider.cancel(play.new_charge()).state == DECLINED
    assert [(one["event"], one["what"], one["log_level"]) for one in logs] == [
        ("stripe_refused", "search", "error")
    ]


def test_a_saved_error_is_not_asked_for_for_ever(play: StripePlay) -> None:
    charge = play.new_charge()
    play.goes_wrong(faults.BROKEN_AFTER, at=CREATE)
    assert play.ask(charge) is None
    assert state_of(play.ask(charge)) == SUCCEEDED  # found by what we wrote on it
    assert play.fake.books.charges == [play.intents_of(charge)[0]["id"]]


@pytest.mark.parametrize("fault", [faults.BROKEN, faults.BROKEN_AFTER])
def test_a_charge_of_which_no_key_tells_is_ended_where_it_is_found(play: StripePlay, fault: str) -> None:
    charge = play.new_charge()
    play.fake.faults.chance = lambda request: fault if request == CREATE else ""
    play.fake.has_search = False
    assert [play.ask(charge) for _ in range(3)] == [None] * 3
    play.fake.has_search = True
    assert state_of(play.end(charge)) == DECLINED
    assert {one["status"] for one in play.intents_of(charge)} <= {"canceled"}
    assert play.fake.books.charges == []


def test_of_two_that_were_made_for_one_payment_one_is_confirmed(play: StripePlay) -> None:
    charge = play.new_charge()
    play.goes_wrong(faults.BROKEN_AFTER, at=CREATE)
    assert play.ask(charge) is None
    play.fake.has_search = False  # or is behind: another one is made
    play.goes_wrong(faults.CUT_AFTER, at=CONFIRM)
    assert play.ask(charge) is None
    play.fake.has_search = True
    books = play.fake.books
    hidden = books.intents.pop(books.charges[0])  # the search is still behind
    assert play.ask(charge) is None
    books.intents[hidden["id"]] = hidden
    assert play.ask(charge) == Outcome(SUCCEEDED, hidden["id"])
    assert sorted(one["status"] for one in play.intents_of(charge)) == [
        "requires_payment_method",
        "succeeded",
    ]
    assert books.charges == [hidden["id"]]


def test_a_key_that_belongs_to_other_parameters_finds_what_was_made_and_is_cried_out(
    play: StripePlay,
) -> None:
    charge = play.charged("pm_card_3ds")
    other = replace(charge, amount_minor=2500, ref=None)
    with capture_logs() as logs:
        told = play.ask(other)
    assert told == Outcome(PENDING, charge.ref, client_secret=f"{charge.ref}_secret_x")
    assert [(one["event"], one["log_level"]) for one in logs] == [("stripe_key_reused", "error")]
    assert len(play.intents_of(charge)) == 1


def test_a_key_that_is_worked_on_is_asked_about_later(play: StripePlay) -> None:
    charge = play.new_charge()
    play.goes_wrong(faults.SLOW, at=CREATE)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(play.ask, charge)
        eventually(lambda: play.fake.keys.is_busy(str(charge.payment_id)))
        with pytest.raises(ProviderUnavailable, match="409"):
            play.provider.charge(charge)
        play.fake.go_on.set()
        assert state_of(first.result()) == SUCCEEDED
    assert state_of(play.ask(charge)) == SUCCEEDED
    assert len(play.fake.books.charges) == 1


def test_who_hangs_is_hung_up_on(play: StripePlay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client, "READ_S", 0.2)
    charge = play.new_charge()
    play.goes_wrong(faults.HANG, at=CREATE)
    with pytest.raises(ProviderUnavailable, match="APIConnectionError"):
        play.provider.charge(charge)
    play.fake.go_on.set()
    assert state_of(play.ask(charge)) == SUCCEEDED
    assert len(play.fake.books.charges) == 1


@pytest.mark.parametrize(
    ("fault", "at"), [(faults.LIMITED, CREATE), (faults.LOCKED, CONFIRM), (faults.NONSENSE, CREATE)]
)
def test_nothing_is_sent_again_by_itself(play: StripePlay, fault: str, at: str) -> None:
    play.goes_wrong(fault, at=at)
    assert play.ask(play.new_charge()) is None
    assert play.fake.asked(at) == 1


def test_a_refused_key_leaves_everything_open_and_is_cried_out(play: StripePlay) -> None:
    charge = play.charged("pm_card_3ds")
    play.fake.secret_key = "sk_test_another"
    with capture_logs() as logs:
        assert play.ask(charge) is None
        assert play.end(charge) is None
        assert play.ask(play.new_charge()) is None
    assert {(one["event"], one["log_level"]) for one in logs} == {("stripe_refuses_the_key", "error")}
    assert SECRET not in repr(logs)


SECRET = "sk_test_fake"


def test_a_charge_of_another_account_is_not_called_declined(play: StripePlay) -> None:
    charge = play.new_charge(ref="pi_999999")
    with capture_logs() as logs:
        assert play.ask(charge) is None
        assert play.end(charge) is None
    assert [(one["event"], one["log_level"]) for one in logs] == [("stripe_does_not_know", "error")] * 2


def test_what_stripe_will_not_make_is_declined_and_cried_out(play: StripePlay) -> None:
    with capture_logs() as logs:
        told = play.provider.charge(play.new_charge(amount_minor=7))
    assert told == Outcome(DECLINED, code="amount_too_small")
    assert [(one["event"], one["param"]) for one in logs] == [("stripe_refused", "amount")]


def test_an_amount_that_stripe_cannot_write_is_not_rounded(play: StripePlay) -> None:
    with capture_logs() as logs:
        told = play.provider.charge(play.new_charge(amount_minor=12_345, currency="KWD"))
    assert told == Outcome(DECLINED, code="amount_not_payable")
    assert [one["event"] for one in logs] == ["stripe_cannot_charge"]
    assert play.fake.requests == []


def test_many_who_ask_for_one_charge_make_one(play: StripePlay) -> None:
    charge = play.new_charge()
    told = at_once(*[lambda: play.ask(charge)] * CROWD)
    assert {state_of(one) for one in told} <= {SUCCEEDED, None}
    assert state_of(play.ask(charge)) == SUCCEEDED
    assert len(play.fake.books.charges) == len(play.intents_of(charge)) == 1


@pytest.mark.parametrize("turn", range(3))
def test_of_those_who_charge_and_those_who_end_one_wins(play: StripePlay, turn: int) -> None:
    charge = play.new_charge(("pm_card_ok", "pm_card_3ds", "payment_element")[turn])
    told = at_once(*[lambda: play.ask(charge), lambda: play.end(charge)] * (CROWD // 2))
    told.append(play.end(charge))
    finals = {one.state for one in told if one and one.state != PENDING}
    assert len(finals) == 1
    assert len(play.fake.books.charges) == (1 if finals == {SUCCEEDED} else 0)


def test_threads_share_a_client_and_not_a_connection(play: StripePlay) -> None:
    charges = [play.new_charge() for _ in range(CROWD)]
    told = at_once(*(partial(play.provider.charge, charge) for charge in charges))
    assert [state_of(one) for one in told] == [SUCCEEDED] * CROWD
    assert sorted(one.ref or "" for one in told if one) == sorted(play.fake.books.charges)


@pytest.mark.parametrize(
    "method",
    [
        "",
        "pm",
        "pm_",
        "pm_a b",
        "pm_a/../b",
        "card",
        "ctoken_",
        "sandbox_ok",
        "payment_elements",
        "pm_" * 22,
    ],
)
def test_what_is_no_method_is_not_accepted(play: StripePlay, method: str) -> None:
    assert not play.provider.accepts(method)


def test_methods_say_what_the_shopper_does_with_a_secret(play: StripePlay) -> None:
    steps = {"payment_element": Step.CONFIRM, "pm_x": Step.AUTHENTICATE, "ctoken_x": Step.AUTHENTICATE}
    for method, step in steps.items():
        assert play.provider.accepts(method)
        assert play.provider.next_step(method) == step


def test_without_an_address_of_ours_the_library_has_its_own() -> None:
    settings = StripeSettings("sk_test_x", "pk_test_x", ("whsec_x",))
    made = client.connect(settings)
    assert made._requestor.base_addresses["api"] == "https://api.stripe.com"
    assert made._requestor._options.max_network_retries == 0


def test_a_provider_loads_nothing_before_it_is_asked(play: StripePlay) -> None:
    provider = StripeProvider(stripe_settings(play.fake))
    assert "_client" not in vars(provider)
    provider.charge(
        Charge(play.new_charge().payment_id, play.new_charge().order_id, 1999, "USD", "pm_card_ok", None)
    )
    assert "_client" in vars(provider)
