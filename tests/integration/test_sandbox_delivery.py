"""The sandbox's webhooks on their way: to those who fail, hang or die, until they are taken."""

import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from sqlalchemy import text
from structlog.testing import capture_logs

from models.database import Database
from models.tables.sandbox import SandboxEvent
from tasks.providers.port import Charge, Event, State
from tasks.providers.sandbox import delivery
from tasks.providers.sandbox.delivery import deliver_due, has_due
from tests.integration.sandbox_play import SETTINGS, Play, crowd_does
from tests.support.contexts import SECRET_KEY

NAME = "sandbox-tests"


@dataclass
class Receiver:
    """A shop's end of the webhooks, that answers as it is told and then takes everything."""

    play: Play
    statuses: list[int | str] = field(default_factory=list)
    taken: list[Event] = field(default_factory=list)
    requests: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    port: int = 0

    def deliver(self, path: str = "/hook?from=sandbox", **options: Any) -> int:
        settings = replace(SETTINGS, webhook_url=f"http://127.0.0.1:{self.port}{path}")
        return deliver_due(self.play.database, settings, SECRET_KEY, **options)

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        body = request.rfile.read(int(request.headers["Content-Length"]))
        headers = dict(request.headers.items())
        self.requests.append((request.path, headers, body))
        status = self.statuses.pop(0) if self.statuses else 204
        if status == "hang":
            self.go_on.wait(30)
        elif status == "nonsense":
            request.wfile.write(b"\x00\x01 no HTTP at all\r\n\r\n")
        elif isinstance(status, int):
            if 200 <= status < 300:
                self.taken.append(self.play.provider.read_event(body, headers))
            request.send_response(status)
            request.send_header("Location", f"http://127.0.0.1:{self.port}/elsewhere")
            request.end_headers()


@pytest.fixture
def play(database_url: str, clean: None) -> Iterator[Play]:  # noqa: ARG001
    database = Database(database_url, pool_size=10, application_name=NAME)
    yield Play(database)
    database.dispose()


@pytest.fixture
def receiver(play: Play) -> Iterator[Receiver]:
    shop = Receiver(play)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            with suppress(ConnectionError):
                shop.answer(self)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        shop.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield shop
        shop.go_on.set()
        server.shutdown()
        thread.join()


def ask_and_hear(play: Play, charges: list[Charge]) -> None:
    """Half of the crowd asks for a charge each, the other half takes webhooks."""

    def do(number: int) -> None:
        if number < len(charges):
            play.provider.charge(charges[number])
        else:
            play.hear()

    crowd_does(do, 2 * len(charges))


def only_event(play: Play) -> SandboxEvent:
    (event,) = play.events()
    return event


def pause_s(play: Play) -> float:
    """In how many seconds the only webhook is due."""
    with play.database.connection() as connection:
        pause: float = connection.scalar(
            text("SELECT EXTRACT(epoch FROM due_at - now()) FROM sandbox_events")
        )
    return float(pause)


def answering(status: int | Exception) -> delivery.Post:
    """A way of sending that always ends like this."""

    def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> int:
        del url, body, headers, timeout_s
        if isinstance(status, Exception):
            raise status
        return status

    return post


def counting(into: Counter[str], then: Callable[[], int] = lambda: 200) -> delivery.Post:
    """A way of sending that counts what comes, by the event's id."""

    def post(url: str, body: bytes, headers: Mapping[str, str], timeout_s: float) -> int:
        del url, timeout_s
        into[SANDBOX.read_event(body, headers).event_id] += 1
        return then()

    return post


SANDBOX = Play(Database("postgresql+psycopg://nowhere/")).provider  # reads what it is sent, and asks nobody


def test_a_webhook_comes_by_http_with_its_raw_body_signed(receiver: Receiver, play: Play) -> None:
    charge = play.charged("sandbox_ok")
    assert has_due(play.database)
    assert receiver.deliver() == 1
    ((path, headers, body),) = receiver.requests
    assert path == "/hook?from=sandbox"
    assert headers["Content-Type"] == "application/json"
    assert headers["Sandbox-Signature"].startswith("t=")
    assert body.startswith(b"{")
    assert [event.payment_id for event in receiver.taken] == [charge.payment_id]
    assert not has_due(play.database)
    assert only_event(play).due_at is None
    assert receiver.deliver() == 0


def test_a_webhook_that_is_refused_comes_again_until_it_is_taken(receiver: Receiver, play: Play) -> None:
    play.charged("sandbox_ok")
    receiver.statuses = [500, 404, 200]
    assert receiver.deliver() == 0
    assert receiver.deliver() == 0
    assert len(receiver.requests) == 1
    play.pass_time(1)
    assert receiver.deliver() == 0
    play.pass_time(1)
    assert receiver.deliver() == 0
    assert len(receiver.requests) == 2
    play.pass_time(1)
    assert receiver.deliver() == 1
    assert only_event(play).tries == 3
    bodies = {body for _, _, body in receiver.requests}
    assert len(bodies) == 1


@pytest.mark.parametrize("status", [301, 302, 307, 400, 401, 429, 503, "nonsense", "close"])
def test_only_a_2xx_takes_a_webhook_and_nothing_is_followed(
    receiver: Receiver, play: Play, status: int | str
) -> None:
    play.charged("sandbox_ok")
    receiver.statuses = [status]
    assert receiver.deliver() == 0
    assert len(receiver.requests) == 1
    assert 0 < pause_s(play) <= 1
    play.pass_time(1)
    assert receiver.deliver() == 1


def test_who_hangs_is_hung_up_on_and_the_rest_is_handed_back(receiver: Receiver, play: Play) -> None:
    for _ in range(5):
        play.charged("sandbox_ok")
    receiver.statuses = ["hang"] * 5
    assert receiver.deliver(timeout_s=0.2, slice_s=0.3) == 0
    tried = sum(event.tries for event in play.events())
    assert tried in {1, 2}, "as many as begin within the slice"
    assert has_due(play.database)
    receiver.go_on.set()
    receiver.statuses = []
    assert receiver.deliver() == 5 - tried
    play.pass_time(1)
    assert receiver.deliver() == tried


def test_nobody_at_the_other_end_is_a_failure_like_others(play: Play) -> None:
    play.charged("sandbox_ok")
    with socket.socket() as bound:  # and does not listen
        bound.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{bound.getsockname()[1]}/"
        assert deliver_due(play.database, replace(SETTINGS, webhook_url=url), SECRET_KEY) == 0
    assert 0 < pause_s(play) <= 1


@pytest.mark.parametrize(
    "url", ["", "nowhere", "file:///etc/hosts", "http://", "http://127.0.0.1:port/", "http://a b/"]
)
def test_an_address_that_is_none_loses_no_webhook(play: Play, url: str) -> None:
    play.charged("sandbox_ok")
    with capture_logs() as logs:
        assert deliver_due(play.database, replace(SETTINGS, webhook_url=url), SECRET_KEY) == 0
    assert [line["event"] for line in logs] == ["sandbox_webhook_unanswered"]
    assert 0 < pause_s(play) <= 1


def test_pauses_double_up_to_ten_minutes(play: Play) -> None:
    play.charged("sandbox_ok")
    pauses = []
    for _ in range(13):
        deliver_due(play.database, SETTINGS, SECRET_KEY, answering(OSError("away")))
        pauses.append(round(pause_s(play)))
        play.pass_time(pauses[-1])
    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600]


def test_after_three_days_a_webhook_is_given_up_aloud(play: Play) -> None:
    play.charged("sandbox_ok")
    play.pass_time(3 * 86_400 - 60)
    assert deliver_due(play.database, SETTINGS, SECRET_KEY, answering(500)) == 0
    assert only_event(play).due_at is not None
    play.pass_time(120)
    with capture_logs() as logs:
        assert deliver_due(play.database, SETTINGS, SECRET_KEY, answering(500)) == 0
    (line,) = [line for line in logs if line["log_level"] == "error"]
    assert (line["event"], line["event_id"]) == ("sandbox_webhook_given_up", only_event(play).event_id)
    assert only_event(play).due_at is None
    play.pass_time(86_400)
    assert play.hear() == []


def test_a_webhook_whose_sender_died_comes_again_after_its_lease(play: Play) -> None:
    charge = play.charged("sandbox_ok")
    with pytest.raises(RuntimeError):
        deliver_due(play.database, SETTINGS, SECRET_KEY, answering(RuntimeError("killed")))
    assert play.hear() == []
    play.pass_time(30)
    assert [event.payment_id for event in play.hear()] == [charge.payment_id]


def test_a_sender_who_lost_the_lease_puts_nothing_off(play: Play) -> None:
    play.charged("sandbox_ok")

    def wake_late(*_: Any) -> int:
        play.pass_time(30)
        assert len(play.hear()) == 1
        raise OSError("too late")

    assert deliver_due(play.database, SETTINGS, SECRET_KEY, wake_late) == 0
    assert only_event(play).due_at is None
    assert only_event(play).tries == 2


def test_any_number_of_senders_share_the_webhooks_without_doubling_one(play: Play) -> None:
    for _ in range(60):
        play.charged("sandbox_ok")
    came: Counter[str] = Counter()
    delivered = crowd_does(
        lambda _: deliver_due(play.database, SETTINGS, SECRET_KEY, counting(came), slice_s=30)
    )
    assert sum(delivered) == 60
    assert sum(count > 0 for count in delivered) > 1
    assert set(came.values()) == {1}
    assert came.keys() == {event.event_id for event in play.events()}
    assert not has_due(play.database)


def test_no_transaction_is_open_while_the_shop_is_called(play: Play, database_url: str) -> None:
    looking = Database(database_url)
    open_ones: list[int] = []
    query = text("SELECT count(*) FROM pg_stat_activity WHERE application_name = :name AND state <> 'idle'")

    def look() -> int:
        with looking.connection() as connection:
            open_ones.append(connection.execute(query, {"name": NAME}).scalar_one())
        return 200

    play.charged("sandbox_duplicate")
    deliver_due(play.database, SETTINGS, SECRET_KEY, counting(Counter(), look))
    looking.dispose()
    assert open_ones == [0, 0, 0]


def test_duplicates_and_disorder_arrive_so(receiver: Receiver, play: Play) -> None:
    twice, crossed = play.charged("sandbox_duplicate"), play.charged("sandbox_disorder")
    assert receiver.deliver() == 4
    play.pass_time(1)
    assert receiver.deliver() == 1
    told = [(event.payment_id, event.kind) for event in receiver.taken]
    assert told == [
        (twice.payment_id, "charge.succeeded"),
        (twice.payment_id, "charge.succeeded"),
        (twice.payment_id, "charge.succeeded"),
        (crossed.payment_id, "charge.succeeded"),
        (crossed.payment_id, "charge.pending"),
    ]
    assert len({event.event_id for event in receiver.taken}) == 3


def test_what_lies_in_the_future_is_not_due(play: Play) -> None:
    play.charged("sandbox_late_webhook:60")
    with play.database.transaction() as session:
        assert not has_due(session)
    play.pass_time(60)
    with play.database.transaction() as session:
        assert has_due(session)


def test_asking_and_delivering_at_once_settle_a_charge_once(play: Play) -> None:
    for _ in range(3):
        charges = [play.charged("sandbox_slow:60") for _ in range(4)]
        play.pass_time(60)
        ask_and_hear(play, charges)
        assert {play.row(charge).state for charge in charges} == {State.SUCCEEDED}
    assert Counter(play.kinds()) == {"charge.pending": 12, "charge.succeeded": 12}
    assert not has_due(play.database)
