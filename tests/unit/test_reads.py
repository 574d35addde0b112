"""Answers that are kept: when they are served, when they are made again, and by how many."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID, uuid4

import pytest

from models.errors import LedgerUnavailable
from tests.support.clocks import Clock
from tests.support.polling import eventually
from web.reads.answer_cache import AWAY_S, GRACE_S, LONGEST_S, MERGE_S, REST, Reads
from web.reads.asked import Asked, Variant, asked, rule_of
from web.reads.rendered import Made

SALE = UUID("00000000-0000-4000-8000-000000000001")  # the same in every process: it stands in names of tests
PATH = f"/api/v1/sales/{SALE}"
ASKED = Asked(PATH, "", "", takes_gzip=False, if_none_match="")
LIST = ASKED._replace(path="/api/v1/sales")


class Kitchen:
    """Makes answers, counts them, and can be closed."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.reads = Reads(clock)
        self.reads.on_gap()
        self.made = 0
        self.takes_s = 0.0
        self.is_closed = False
        self.body: Callable[[int], bytes] = lambda made: b'{"made":%d}' % made

    def make(self, of: UUID | None = SALE) -> Made:
        if self.is_closed:
            raise LedgerUnavailable("away")
        self.clock.now += self.takes_s
        self.made += 1
        return Made(self.body(self.made), "application/json", of)

    def ask(self, wanted: Asked = ASKED, of: UUID | None = SALE) -> bytes:
        return self.reads.answer(wanted, lambda: self.make(of)).body


@pytest.fixture
def kitchen() -> Kitchen:
    return Kitchen(Clock())


def test_an_answer_is_made_once_and_looked_at_again_after_a_second(kitchen: Kitchen) -> None:
    assert {kitchen.ask() for _ in range(5)} == {b'{"made":1}'}
    kitchen.clock.now += LONGEST_S
    assert kitchen.reads.lookup(ASKED) is None
    assert kitchen.ask() == b'{"made":2}'


def test_a_word_of_its_sale_makes_it_old_at_the_sockets_cadence_and_no_sooner(kitchen: Kitchen) -> None:
    kitchen.ask()
    kitchen.reads.on_word(uuid4(), "settled")
    kitchen.reads.on_word(SALE, "settled")
    kitchen.clock.now += MERGE_S - 0.01
    assert kitchen.ask() == b'{"made":1}'
    kitchen.clock.now += 0.02
    assert kitchen.ask() == b'{"made":2}'


def test_a_word_of_any_sale_makes_a_list_old(kitchen: Kitchen) -> None:
    kitchen.ask(LIST, None)
    kitchen.reads.on_word(uuid4(), "settled")
    kitchen.clock.now += MERGE_S
    assert kitchen.ask(LIST, None) == b'{"made":2}'


def test_what_is_dear_to_make_is_made_less_often(kitchen: Kitchen) -> None:
    kitchen.takes_s = MERGE_S / 5
    kitchen.ask()
    kitchen.reads.on_word(SALE, "settled")
    kitchen.clock.now += kitchen.takes_s * (REST - 1) - 0.01
    assert kitchen.ask() == b'{"made":1}'


@pytest.mark.parametrize("word", ["configured", "adjusted"])
def test_settings_that_changed_are_seen_at_once(kitchen: Kitchen, word: str) -> None:
    kitchen.ask()
    kitchen.reads.on_word(SALE, word)
    assert kitchen.ask() == b'{"made":2}'


def test_what_was_begun_before_a_change_is_not_served_after_it(kitchen: Kitchen) -> None:
    def make() -> Made:
        kitchen.reads.forget()  # while it is being made
        return kitchen.make()

    assert kitchen.reads.answer(ASKED, make).body == b'{"made":1}'
    assert kitchen.ask() == b'{"made":2}'


def test_a_word_that_comes_while_it_is_made_counts(kitchen: Kitchen) -> None:
    def make() -> Made:
        kitchen.reads.on_word(SALE, "settled")
        return kitchen.make()

    kitchen.reads.answer(ASKED, make)
    kitchen.clock.now += MERGE_S
    assert kitchen.ask() == b'{"made":2}'


def test_nothing_is_kept_before_the_words_are_heard() -> None:
    kitchen = Kitchen(Clock())
    kitchen.reads = Reads(kitchen.clock)
    assert [kitchen.ask(), kitchen.ask()] == [b'{"made":1}', b'{"made":2}']
    assert len(kitchen.reads) == 0


def test_a_gap_makes_everything_old(kitchen: Kitchen) -> None:
    kitchen.ask()
    kitchen.reads.on_gap()
    assert kitchen.ask() == b'{"made":2}'


def test_one_makes_it_while_the_others_get_the_old_one_or_wait(kitchen: Kitchen) -> None:
    kitchen.ask()
    kitchen.clock.now += LONGEST_S
    go_on, begun = threading.Event(), threading.Event()

    def make() -> Made:
        begun.set()
        go_on.wait()
        return kitchen.make()

    with ThreadPoolExecutor(9) as pool:
        maker = pool.submit(kitchen.reads.answer, ASKED, make)
        begun.wait()
        assert kitchen.ask() == b'{"made":1}'
        kitchen.clock.now += GRACE_S
        waiting = [pool.submit(kitchen.reads.answer, ASKED, make) for _ in range(8)]
        eventually(lambda: all(one.running() for one in waiting))
        go_on.set()
        assert {one.result().body for one in (maker, *waiting)} == {b'{"made":2}'}
    assert kitchen.made == 2


def test_while_the_stores_are_away_the_last_answer_is_served_with_its_age(kitchen: Kitchen) -> None:
    kitchen.ask()
    kitchen.is_closed = True
    kitchen.clock.now += 37
    served = kitchen.reads.answer(ASKED, kitchen.make)
    assert served.body == b'{"made":1}'
    assert ("Age", "37") in served.headers
    again = kitchen.reads.lookup(ASKED)
    assert again is not None, "the stores are not asked for each"
    assert ("Age", "37") in again.headers
    kitchen.clock.now += AWAY_S
    assert kitchen.reads.lookup(ASKED) is None
    kitchen.is_closed = False
    served = kitchen.reads.answer(ASKED, kitchen.make)
    assert served.body == b'{"made":2}'
    assert "Age" not in dict(served.headers)


def test_what_was_never_known_is_told_as_away_or_made_otherwise_and_not_kept(kitchen: Kitchen) -> None:
    kitchen.is_closed = True
    with pytest.raises(LedgerUnavailable):
        kitchen.ask()
    made = kitchen.reads.answer(ASKED, kitchen.make, lambda: Made(b"{}", "application/json", SALE))
    assert made.body == b"{}"
    assert len(kitchen.reads) == 0


def test_a_page_shows_its_notice_only_while_the_stores_are_away(kitchen: Kitchen) -> None:
    kitchen.body = lambda _made: b'<p id="age" hidden>old</p>'
    assert b"hidden" in kitchen.ask()
    kitchen.is_closed = True
    kitchen.clock.now += LONGEST_S
    old = kitchen.reads.answer(ASKED, kitchen.make)
    assert old.body == b'<p id="age">old</p>'
    assert dict(old.headers)["Content-Length"] == str(len(old.body))


def test_memory_is_bounded_and_what_is_used_stays(kitchen: Kitchen) -> None:
    kitchen.reads = Reads(kitchen.clock, most_bytes=20_000)
    kitchen.reads.on_gap()
    for number in range(100):
        kitchen.ask()
        kitchen.ask(ASKED._replace(variant=str(number)))
    assert 5 < len(kitchen.reads) < 20
    assert kitchen.ask() == b'{"made":1}'


def test_a_client_that_has_it_hears_just_that(kitchen: Kitchen) -> None:
    tag = dict(kitchen.reads.answer(ASKED, kitchen.make).headers)["ETag"]
    for said in (tag, f"W/{tag}", f'"other", {tag}', "*"):
        served = kitchen.reads.lookup(ASKED._replace(if_none_match=said))
        assert served is not None
        assert (served.status, served.body) == (304, b"")
        assert dict(served.headers)["ETag"] == tag
    other = kitchen.reads.lookup(ASKED._replace(if_none_match='"other"'))
    assert other is not None
    assert other.status == 200


def test_each_form_is_packed_once_and_named_apart(kitchen: Kitchen) -> None:
    kitchen.body = lambda _made: b"x" * 5_000
    packed = kitchen.reads.answer(ASKED._replace(takes_gzip=True), kitchen.make)
    plain = kitchen.reads.answer(ASKED, kitchen.make)
    assert dict(packed.headers)["Content-Encoding"] == "gzip"
    assert len(packed.body) < 100 < len(plain.body)
    assert dict(packed.headers)["ETag"] != dict(plain.headers)["ETag"]
    assert dict(packed.headers)["Vary"] == dict(plain.headers)["Vary"] == "Accept-Encoding"


@pytest.mark.parametrize(
    ("path", "query", "kept_as"),
    [
        ("/", "x=1", ("/", "", "de")),
        (PATH, "x=1", (PATH, "", "")),
        ("/api/v1/sales", "status=open", ("/api/v1/sales", "status=open", "")),
        ("/api/v1/sales", "cursor=abc", None),
        ("/api/v1/sales", "x" * 61, None),
        (f"{PATH}/intents", "", None),
        ("/orders", "", None),
        ("/account", "", None),
        (f"/sales/{SALE}", "", (f"/sales/{SALE}", "", "de")),
    ],
)
def test_what_is_not_for_everybody_or_without_end_is_not_kept(
    path: str, query: str, kept_as: tuple[str, str, str] | None
) -> None:
    wanted = asked(path, query, lambda _cookies, _accepted, _query: Variant("de"))
    assert (wanted and wanted.key) == kept_as
    assert (rule_of(path) is None) is (path in {"/orders", "/account", f"{PATH}/intents"})
