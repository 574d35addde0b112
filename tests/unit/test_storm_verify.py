"""Each check of a storm is shown its fault; an honest storm yields nothing."""

import itertools
import random
from collections.abc import Callable
from dataclasses import replace

import orjson
import pytest

from benchmarks.storm.letters import FORGED, PATH, REFUSED, TAKEN, Kind, Letter, Writer
from benchmarks.storm.plan import DECLINED, MARGIN_S, plan_storm
from benchmarks.storm.post_office import NO_ANSWER, Posted
from benchmarks.storm.report import count_storm
from benchmarks.storm.storm_books import StoredOutcome
from benchmarks.verify.storm_checks import STORM_CHECKS, StormEvidence, verify_storm
from benchmarks.verify.testimony import Evidence, StoredOrder, StoredSale
from tasks.providers.port import BadSignature
from tasks.providers.sandbox.events import read_payload
from tasks.providers.sandbox.signature import HEADER, verify

SECRET = b"the provider's"
NOW = 1_800_000_000


def payload(number: int, state: str = "succeeded", *, event_id: str | None = None) -> dict[str, object]:
    return {
        "id": event_id or f"e{number}_{state}",
        "type": f"charge.{state}",
        "created": NOW,
        "data": {
            "payment_id": f"00000000-0000-4000-8000-{number:012}",
            "order_id": f"00000000-0000-4000-9000-{number:012}",
            "ref": f"sbx_ch_{number}",
            "amount_minor": 1999,
            "currency": "USD",
            "state": state,
            "code": None,
        },
    }


def posted(kind: Kind, number: int, status: int, expected: frozenset[int], at: int = 0) -> Posted:
    said = payload(number, event_id=f"forged{number}" if kind in FORGED else None)
    letter = Letter(kind, PATH, dict, orjson.dumps(said), expected, str(said["id"]))
    return Posted(letter, status, at, at + 1, 0)


def honest() -> StormEvidence:
    """Paid, declined, late and held again, late and refunded; and a forgery, refused."""
    outcomes = (
        StoredOutcome("p1", "o1", "succeeded", "sandbox_slow:5", "succeeded"),
        StoredOutcome("p2", "o2", "declined", "sandbox_decline", "declined"),
        StoredOutcome("p3", "o3", "succeeded", "sandbox_slow:60", "succeeded"),
        StoredOutcome("p4", "o4", "refunded", "sandbox_slow:60", "succeeded"),
    )
    ended: list[tuple[str, str | None]] = [("held", None), ("paying", None), ("held", "payment_unanswered")]
    late = [*ended, ("expired", "deadline_passed"), ("expired", "paid_too_late")]
    histories: dict[str, list[tuple[str, str | None]]] = {
        "o1": [("held", None), ("paying", None), ("paid", None)],
        "o2": [("held", None), ("paying", None), ("held", "card_declined"), ("expired", "deadline_passed")],
        "o3": [*late, ("paid", "held_again")],
        "o4": [*late, ("expired", "late_payment_refunded")],
    }
    letters = [posted(Kind.FIRST, number, 200, TAKEN) for number in range(1, 5)]
    letters += [posted(Kind.REPEAT, 1, 200, TAKEN), posted(Kind.UNSIGNED, 9, 400, REFUSED)]
    events = frozenset(f"e{number}_succeeded" for number in range(1, 5))
    return StormEvidence(tuple(letters), events, events, outcomes, histories, (outcomes, histories))


def broken(evidence: StormEvidence) -> set[str]:
    return {check for check, found in verify_storm(evidence).items() if found}


def answer(evidence: StormEvidence, at: int, status: int) -> StormEvidence:
    letters = list(evidence.posted)
    letters[at] = replace(letters[at], status=status)
    return replace(evidence, posted=tuple(letters))


def become(evidence: StormEvidence, at: int, **changes: str | None) -> StormEvidence:
    """Let a payment be something else, and have been so before the last burst."""
    outcomes = list(evidence.outcomes)
    outcomes[at] = replace(outcomes[at], **changes)  # type: ignore[arg-type]
    settled = tuple(outcomes)
    return replace(evidence, outcomes=settled, before_burst=(settled, evidence.histories))


def happen(evidence: StormEvidence, order_id: str, *more: tuple[str, str | None]) -> StormEvidence:
    """Let an order have a longer history, and have had it before the last burst."""
    histories = evidence.histories | {order_id: [*evidence.histories[order_id], *more]}
    return replace(evidence, histories=histories, before_burst=(evidence.outcomes, histories))


def test_an_honest_storm_yields_no_finding() -> None:
    assert broken(honest()) == set()
    assert verify_storm(honest()).keys() == STORM_CHECKS.keys()


Plant = Callable[[StormEvidence], StormEvidence]

FAULTS: dict[str, tuple[str, Plant]] = {
    "a genuine one is refused": ("genuine_refused", lambda e: answer(e, 0, 400)),
    "a repeat is refused": ("genuine_refused", lambda e: answer(e, 4, 409)),
    "a forgery is taken": ("forgeries_not_refused", lambda e: answer(e, 5, 200)),
    "a forgery breaks the shop": ("unanswered", lambda e: answer(e, 5, 500)),
    "a genuine one breaks the shop": ("unanswered", lambda e: answer(e, 1, 500)),
    "nobody answers": ("unanswered", lambda e: answer(e, 1, NO_ANSWER)),
    "a forgery is stored": (
        "forgeries_stored",
        lambda e: replace(e, stored=e.stored | {"forged9"}),
    ),
    "a true event is not stored": (
        "not_stored",
        lambda e: replace(e, stored=e.stored - {"e1_succeeded"}),
    ),
    "charged, and held for declined": ("outcomes", lambda e: become(e, 0, status="declined")),
    "declined, and held for charged": ("outcomes", lambda e: become(e, 1, status="succeeded")),
    "still pending": ("outcomes", lambda e: become(e, 0, status="pending")),
    "pending at the provider": ("outcomes", lambda e: become(e, 0, booked="pending")),
    "unknown to the provider": ("outcomes", lambda e: become(e, 0, booked=None)),
    "late, and nothing came of it": (
        "late",
        lambda e: happen(e, "o1", ("expired", "paid_too_late")),
    ),
    "late, held again and refunded": (
        "late",
        lambda e: happen(e, "o3", ("paid", "late_payment_refunded")),
    ),
    "late, held again twice": ("late", lambda e: happen(e, "o3", ("paid", "held_again"))),
    "late twice": (
        "late",
        lambda e: happen(e, "o4", ("expired", "paid_too_late"), ("expired", "late_payment_refunded")),
    ),
    "refunded without being late": ("late", lambda e: happen(e, "o1", ("paid", "late_payment_refunded"))),
    "refunded, and the charge kept": ("late", lambda e: become(e, 3, status="succeeded")),
    "held again, and no charge kept": ("late", lambda e: become(e, 2, status="refunded")),
    "paid twice": ("late", lambda e: happen(e, "o1", ("paid", "paid_twice"))),
    "the last burst changed a payment": (
        "unsteady",
        lambda e: replace(e, before_burst=(become(e, 0, status="late").outcomes, e.histories)),
    ),
    "the last burst made a payment": (
        "unsteady",
        lambda e: replace(e, before_burst=(e.outcomes[:-1], e.histories)),
    ),
    "the last burst changed an order": (
        "unsteady",
        lambda e: replace(e, before_burst=(e.outcomes, e.histories | {"o1": []})),
    ),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_planted_fault_of_a_storm_is_caught(name: str) -> None:
    check, plant = FAULTS[name]
    assert check in broken(plant(honest()))


def test_news_that_came_after_the_end_is_counted_as_out_of_order() -> None:
    letters = [
        Posted(
            Letter(Kind.FIRST, PATH, dict, orjson.dumps(payload(number, state)), TAKEN), 200, at, at + 1, 0
        )
        for number, state, at in (
            (1, "pending", 1),
            (1, "succeeded", 2),
            (2, "succeeded", 1),
            (2, "pending", 2),
            (3, "pending", 5),
        )
    ]
    evidence = Evidence(1, (), (), (StoredOrder("o", "i", 1, "paid"),), StoredSale(1, 0, 0, 1))
    storm = replace(honest(), posted=tuple(letters))
    figures = count_storm(evidence, storm, connections=1, seed=1, busy_s=1.0, in_burst=0)
    assert figures.disordered == 1
    assert (figures.late, figures.held_again, figures.late_refunded) == (2, 1, 1)


def read(letter: Letter) -> None:
    """Read a letter as the sandbox's adapter does."""
    header = letter.sign().get(HEADER, "")
    verify(SECRET, header, letter.body, NOW)
    read_payload(letter.body)


@pytest.fixture
def writer(monkeypatch: pytest.MonkeyPatch) -> Writer:
    monkeypatch.setattr("benchmarks.storm.letters.time.time", lambda: NOW)
    return Writer(SECRET, random.Random(7))


def test_what_is_genuine_can_be_read(writer: Writer) -> None:
    read(writer.genuine(Kind.FIRST, payload(1)))
    read(writer.unknown())
    reused = writer.reused_id(payload(1), payload(2, "declined"))
    read(reused)
    assert reused.event_id == payload(1)["id"]
    assert orjson.loads(reused.body)["type"] == "charge.succeeded"


@pytest.mark.parametrize("kind", [kind for kind in FORGED if kind != Kind.OTHER_PROVIDER])
def test_no_forgery_can_be_read(kind: Kind, writer: Writer) -> None:
    true = [payload(number, state) for number in (1, 2) for state in ("pending", "succeeded", "declined")]
    for about, other in itertools.product(true, repeat=2):
        for _ in range(5):
            forged = writer.forged(kind, about, other)
            assert forged.expected == REFUSED
            with pytest.raises(BadSignature):
                read(forged)


def test_a_letter_to_another_provider_is_good_but_for_its_address(writer: Writer) -> None:
    letter = writer.forged(Kind.OTHER_PROVIDER, payload(1), payload(2))
    read(letter)
    assert letter.path != PATH
    assert letter.expected == {404}


def test_no_garbage_can_be_read(writer: Writer) -> None:
    for _ in range(200):
        letter = writer.garbage()
        if letter.expected == REFUSED:
            with pytest.raises(BadSignature):
                read(letter)


@pytest.mark.parametrize("webhooks", [200, 10_000])
def test_a_plan_leaves_units_for_some_of_the_late_and_not_for_all(webhooks: int) -> None:
    plan = plan_storm(webhooks, hold_s=20, patience_s=30)
    late = sum(plan.is_late(method) for method in plan.methods)
    declined = sum(method in DECLINED for method in plan.methods)
    assert late == plan.late
    assert plan.late_s == 30 + MARGIN_S
    assert 0 < plan.spare < late
    assert late + declined - plan.standbys == plan.spare
    assert plan.method_of(plan.units + 1) == "sandbox_ok"
