"""The sandbox's methods: what each does with a charge from its beginning to its end, and who races for it."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from models.database import Database
from models.errors import IdempotencyKeyReused, LedgerUnavailable
from tasks.providers.port import Charge, Outcome, ProviderUnavailable, State
from tasks.providers.sandbox import METHODS, SandboxProvider
from tests.integration.sandbox_play import SETTINGS, Play, crowd_does
from tests.support.contexts import SECRET_KEY
from tests.support.servers import Stores

ROUNDS = 2  # of a crowd
PENDING, SUCCEEDED, DECLINED = State.PENDING, State.SUCCEEDED, State.DECLINED


def ask(play: Play, charge: Charge) -> Outcome | None:
    """Ask for a charge; None where no answer comes."""
    try:
        return play.provider.charge(charge)
    except ProviderUnavailable:
        return None


def charge_from_all(play: Play, charge: Charge) -> list[Outcome | None]:
    return crowd_does(lambda _: ask(play, charge))


def charge_and_cancel(play: Play, charge: Charge) -> list[Outcome | None]:
    """Half of the crowd charges, the other half cancels."""
    return crowd_does(lambda number: play.provider.cancel(charge) if number % 2 else ask(play, charge))


def state_of(outcome: Outcome | None) -> State | None:
    return outcome.state if outcome else None


def test_ok_succeeds_at_once_and_tells_so_by_one_webhook(play: Play) -> None:
    charge = play.new_charge("sandbox_ok")
    told = play.provider.charge(charge)
    assert told.state == SUCCEEDED
    assert told.ref is not None
    assert told.ref.startswith("sbx_ch_")
    assert (told.code, told.client_secret) == (None, None)
    (event,) = play.hear()
    assert (event.kind, event.payment_id, event.refund_id) == ("charge.succeeded", charge.payment_id, None)
    assert event.outcome == Outcome(SUCCEEDED, ref=told.ref)
    assert play.hear() == []


@pytest.mark.parametrize(
    ("method", "code"),
    [
        ("sandbox_decline", "card_declined"),
        ("sandbox_insufficient_funds", "insufficient_funds"),
        ("sandbox_expired_card", "expired_card"),
    ],
)
def test_a_refused_card_is_declined_with_its_code_for_good(play: Play, method: str, code: str) -> None:
    charge = play.new_charge(method)
    told = play.provider.charge(charge)
    assert (told.state, told.code) == (DECLINED, code)
    assert play.provider.charge(charge) == told
    assert play.provider.cancel(charge) == told
    (event,) = play.hear()
    assert event.kind == "charge.declined"
    assert event.outcome == told


def test_asking_again_tells_the_same_and_sends_nothing_new(play: Play) -> None:
    charge = play.new_charge("sandbox_ok")
    told = [play.provider.charge(charge) for _ in range(5)]
    assert len(set(told)) == 1
    assert play.row(charge).calls == 5
    assert play.kinds() == ["charge.succeeded"]


def test_a_timeout_never_answers_and_charges_nothing(play: Play) -> None:
    charge = play.new_charge("sandbox_timeout")
    assert [ask(play, charge) for _ in range(3)] == [None] * 3
    play.pass_time(86_400)
    assert ask(play, charge) is None
    assert play.row(charge).state == PENDING
    assert play.events() == []


def test_giving_up_on_a_timeout_ends_it_for_good(play: Play) -> None:
    charge = play.new_charge("sandbox_timeout")
    ask(play, charge)
    told = play.provider.cancel(charge)
    assert (told.state, told.code) == (DECLINED, "payment_timeout")
    assert play.provider.cancel(charge) == told
    assert play.provider.charge(charge) == told
    (event,) = play.hear()
    assert (event.kind, event.outcome) == ("charge.declined", told)


def test_a_lost_answer_of_a_charge_is_told_when_it_is_asked_for_again(play: Play) -> None:
    charge = play.new_charge("sandbox_timeout_charged")
    assert ask(play, charge) is None
    assert play.row(charge).state == SUCCEEDED
    assert play.heard(charge) == ["charge.succeeded"]
    assert state_of(ask(play, charge)) == SUCCEEDED
    assert play.provider.cancel(charge).state == SUCCEEDED


@pytest.mark.parametrize(
    ("method", "end", "code"),
    [("sandbox_slow:60", SUCCEEDED, None), ("sandbox_slow_decline:60", DECLINED, "card_declined")],
)
def test_a_slow_charge_settles_by_itself_in_its_time(
    play: Play, method: str, end: State, code: str | None
) -> None:
    charge = play.new_charge(method)
    assert play.provider.charge(charge).state == PENDING
    assert play.heard(charge) == ["charge.pending"]
    play.pass_time(58)
    assert play.provider.charge(charge).state == PENDING
    assert play.provider.cancel(charge).state == PENDING
    assert play.heard() == []
    play.pass_time(2)
    told = play.provider.charge(charge)
    assert (told.state, told.code) == (end, code)
    assert play.provider.cancel(charge) == told
    (event,) = play.hear()
    assert (event.kind, event.outcome) == (f"charge.{end}", told)


def test_a_webhook_of_a_settlement_is_true_in_the_books_before_it_is_sent(play: Play) -> None:
    charge = play.new_charge("sandbox_slow:60")
    play.provider.charge(charge)
    play.pass_time(60)
    assert play.row(charge).state == PENDING
    assert play.heard(charge) == ["charge.pending", "charge.succeeded"]
    assert play.row(charge).state == SUCCEEDED


def test_the_webhook_of_a_duplicate_comes_three_times_under_one_id(play: Play) -> None:
    charge = play.new_charge("sandbox_duplicate")
    assert play.provider.charge(charge).state == SUCCEEDED
    heard = play.hear()
    assert [event.kind for event in heard] == ["charge.succeeded"] * 3
    assert len({event.event_id for event in heard}) == 1


def test_disorder_tells_of_pending_after_it_told_of_success(play: Play) -> None:
    charge = play.new_charge("sandbox_disorder")
    assert play.provider.charge(charge).state == SUCCEEDED
    assert play.heard(charge) == ["charge.succeeded"]
    play.pass_time(1)
    (late,) = play.hear()
    assert late.kind == "charge.pending"
    assert late.outcome is not None
    assert late.outcome.state == PENDING


def test_disorder_keeps_its_order_when_nobody_delivered_in_time(play: Play) -> None:
    charge = play.charged("sandbox_disorder")
    play.pass_time(10)
    assert play.heard(charge) == ["charge.succeeded", "charge.pending"]


def test_a_late_webhook_is_the_first_word_of_a_charge_that_the_books_have(play: Play) -> None:
    charge = play.new_charge("sandbox_late_webhook:60")
    assert play.provider.charge(charge).state == PENDING
    assert play.row(charge).state == SUCCEEDED
    assert play.provider.cancel(charge).state == PENDING
    assert play.heard() == []
    play.pass_time(60)
    assert play.heard(charge) == ["charge.succeeded"]
    assert play.provider.charge(charge).state == SUCCEEDED
    assert play.provider.cancel(charge).state == SUCCEEDED


def test_without_webhooks_only_asking_tells(play: Play) -> None:
    charge = play.new_charge("sandbox_no_webhook")
    assert play.provider.charge(charge).state == PENDING
    play.pass_time(1)
    assert play.row(charge).state == PENDING
    assert play.provider.charge(charge).state == SUCCEEDED
    play.provider.refund(play.refund_of(charge))
    assert play.events() == []


def test_without_webhooks_even_an_ended_charge_is_not_told(play: Play) -> None:
    charge = play.charged("sandbox_no_webhook")
    told = play.provider.cancel(charge)
    assert (told.state, told.code) == (DECLINED, "cancelled")
    play.pass_time(10)
    assert play.provider.charge(charge).state == DECLINED
    assert play.events() == []


@pytest.mark.parametrize("method", [method.spelling.replace(":N", ":60") for method in METHODS])
def test_a_charge_that_was_ended_before_it_came_is_never_charged(play: Play, method: str) -> None:
    charge = play.new_charge(method)
    told = play.provider.cancel(charge)
    assert told.state == DECLINED
    ask(play, charge)
    play.pass_time(3600)
    assert play.provider.charge(charge) == told
    assert play.provider.cancel(charge) == told
    assert play.row(charge).state == DECLINED
    assert set(play.kinds()) <= {"charge.declined"}


@pytest.mark.parametrize("method", [method.spelling.replace(":N", ":60") for method in METHODS])
def test_what_was_final_once_stays_so_whatever_is_asked(play: Play, method: str) -> None:
    charge = play.new_charge(method)
    said: list[Outcome | None] = []
    for _ in range(3):
        said += [ask(play, charge), ask(play, charge)]
        play.pass_time(31)
    said += [play.provider.cancel(charge), ask(play, charge), play.provider.cancel(charge)]
    final = [outcome for outcome in said if outcome and outcome.state != PENDING]
    assert len(set(final)) == 1
    assert all(outcome in (None, final[0]) for outcome in said[said.index(final[0]) :])


@pytest.mark.parametrize("change", ["amount_minor", "currency", "order_id", "method"])
def test_another_charge_under_the_same_id_is_refused(play: Play, change: str) -> None:
    charge = play.charged("sandbox_ok")
    other: dict[str, Any] = {
        "amount_minor": 1,
        "currency": "EUR",
        "order_id": uuid.uuid4(),
        "method": "sandbox_decline",
    }
    changed = replace(charge, **{change: other[change]})
    for ask_for in (play.provider.charge, play.provider.cancel):
        with pytest.raises(IdempotencyKeyReused):
            ask_for(changed)
    assert play.row(charge).state == SUCCEEDED


def test_an_unknown_method_is_declined_and_enters_no_books(play: Play) -> None:
    charge = play.new_charge("sandbox_gold")
    assert play.provider.charge(charge) == Outcome(DECLINED, code="unknown_method")
    assert play.provider.cancel(charge) == Outcome(DECLINED, code="unknown_method")
    assert play.rows() == []


@pytest.mark.parametrize("method", ["sandbox_ok", "sandbox_decline", "sandbox_slow:60", "sandbox_duplicate"])
def test_those_who_charge_at_once_charge_once(play: Play, method: str) -> None:
    alone = play.charged(method)
    play.hear()
    webhooks = len(play.events())
    for _ in range(ROUNDS):
        charge = play.new_charge(method)
        told = charge_from_all(play, charge)
        assert len(set(told)) == 1
        assert play.row(charge).calls == len(told)
        assert state_of(told[0]) == play.provider.charge(alone).state
    assert len(play.rows()) == 1 + ROUNDS
    assert len(play.events()) == (1 + ROUNDS) * webhooks


def test_of_those_who_charge_at_once_exactly_one_loses_the_answer(play: Play) -> None:
    for _ in range(ROUNDS):
        charge = play.new_charge("sandbox_timeout_charged")
        told = charge_from_all(play, charge)
        assert sorted(str(state_of(one)) for one in told) == ["None"] + ["succeeded"] * 7
    assert play.kinds() == ["charge.succeeded"] * ROUNDS


@pytest.mark.parametrize("method", ["sandbox_ok", "sandbox_timeout_charged", "sandbox_no_webhook"])
def test_charging_and_cancelling_at_once_agree_on_one_end(play: Play, method: str) -> None:
    for _ in range(2 * ROUNDS):
        charge = play.new_charge(method)
        told = charge_and_cancel(play, charge)
        final = {outcome for outcome in told if outcome and outcome.state != PENDING}
        assert len(final) == 1
        assert play.row(charge).state == final.pop().state
        sent = [event for event in play.events() if event.payload["data"]["ref"] == play.row(charge).ref]
        assert len(sent) == (method != "sandbox_no_webhook")


def test_settling_and_cancelling_at_once_agree_on_one_end(play: Play) -> None:
    for _ in range(2 * ROUNDS):
        charge = play.charged("sandbox_no_webhook")
        play.pass_time(0.995)
        told = charge_and_cancel(play, charge)
        final = {outcome for outcome in told if outcome and outcome.state != PENDING}
        assert len(final) == 1
        assert play.provider.charge(charge) in final


def test_without_postgres_the_sandbox_says_that_it_cannot_answer(fragile_stores: Stores) -> None:
    database = Database(fragile_stores.postgres.url)
    sandbox = SandboxProvider(database, SETTINGS, SECRET_KEY)
    charge = Play(database).new_charge("sandbox_ok")
    fragile_stores.postgres.stop()
    try:
        for ask_for in (sandbox.charge, sandbox.cancel):
            with pytest.raises(LedgerUnavailable):
                ask_for(charge)
    finally:
        fragile_stores.start()
    assert sandbox.charge(charge).state == SUCCEEDED
    database.dispose()
