"""Which intents are followed: by their ids alone, everywhere alike; and what it costs where nobody is."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from socket import create_server
from uuid import UUID

import pytest
import structlog

from config import ROOT, ConfigurationError, TraceSettings, load_settings
from models.ids import write_new_intent_id
from models.live.records import Answer, AnswerCode, Submission
from tasks.tracing.exporting import exporter
from tasks.tracing.traces import OFF, POST, Stage, Traces

URL = "http://127.0.0.1:1/v1/traces"
SAMPLED = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
SALE = UUID(int=1)


def traces(ratio: float, *, follows_callers: bool = False) -> tuple[Traces, list[Stage]]:
    seen: list[Stage] = []
    return Traces(TraceSettings(URL, ratio, follows_callers), seen.append), seen


def asking() -> Submission:
    return Submission(write_new_intent_id(7), "somebody", 1, False)


@pytest.mark.parametrize(("ratio", "least", "most"), [(1.0, 4000, 4000), (0.25, 800, 1200), (1e-12, 0, 0)])
def test_the_share_is_followed_that_is_asked_for(ratio: float, least: int, most: int) -> None:
    made, _ = traces(ratio)
    followed = sum(made.takes(write_new_intent_id(7)) for _ in range(4000))
    assert least <= followed <= most


def test_who_is_followed_with_a_small_share_is_followed_with_a_larger_one() -> None:
    few, many = traces(0.1)[0], traces(0.5)[0]
    assert all(many.takes(one) for one in (write_new_intent_id(7) for _ in range(500)) if few.takes(one))


@pytest.mark.parametrize(
    ("caller", "follows", "expected"),
    [
        (SAMPLED, True, True),
        (SAMPLED, False, False),
        (SAMPLED[:-1] + "0", True, False),
        ("00-nothing", True, False),
        ("", True, False),
    ],
)
def test_a_caller_who_is_traced_has_an_intent_followed_where_that_is_allowed(
    caller: str, follows: bool, expected: bool
) -> None:
    made, seen = traces(1e-9, follows_callers=follows)
    before = asking()
    after = made.let_follow(before, caller)
    assert made.takes(after.intent_id) is expected
    assert UUID(after.intent_id).version == 8
    assert after.intent_id[:23] == before.intent_id[:23]  # the sale's number and the time
    made.asked(POST, SALE, after, RuntimeError("no"), began_ns=1, caller=caller)
    assert [one.caller for one in seen] == ([SAMPLED] if expected else [])


def test_what_is_written_names_no_shopper() -> None:
    made, seen = traces(1.0)
    one = asking()
    answer = Answer(AnswerCode.LIMIT_REACHED, "", None, 0, 0, 0, "open")
    with structlog.testing.capture_logs() as lines:
        made.asked(POST, SALE, one, answer, began_ns=1)
    assert "somebody" not in str(seen) + str(lines)
    assert seen[0].facts["intent.outcome"] == "limit_reached"


def test_where_it_is_off_nothing_of_the_sdk_is_imported_and_nothing_is_followed() -> None:
    assert not OFF.is_on
    assert not OFF.takes("ffffffff-ffff-8fff-bfff-ffffffffffff")
    code = "import sys, workers.app, web.app; sys.exit('opentelemetry.sdk.trace' in sys.modules)"
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OTEL_")}
    stores = {"DATABASE_URL": "postgresql://nobody@127.0.0.1:1/nothing", "REDIS_URL": "redis://127.0.0.1:1"}
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=kept | stores, check=True, timeout=60)


@pytest.fixture
def silent() -> Iterator[str]:
    """A collector that takes connections and says nothing."""
    with closing(create_server(("127.0.0.1", 0))) as listening:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/v1/traces"


def test_nobody_waits_for_a_collector_that_is_silent(silent: str) -> None:
    """The process writes more than the queue holds, and ends; nothing of it was ever answered."""
    code = (
        "import sys\n"
        "from config import TraceSettings\n"
        "from tests.unit.test_tracing import write_much\n"
        f"write_much(TraceSettings({silent!r}, 1.0))\n"
        "print('done')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, timeout=60, capture_output=True, text=True
    )
    assert ended.stdout == "done\n"


def write_much(settings: TraceSettings) -> None:
    export = exporter(settings, "web")
    for _ in range(5000):
        export(Stage(POST, write_new_intent_id(7), time.time_ns(), time.time_ns(), {"sale.id": "x"}))


@pytest.mark.parametrize("url", ["collector:4318", "grpc://collector:4317", "http://"])
def test_an_endpoint_that_is_no_url_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", url)
    with pytest.raises(ConfigurationError, match="OTEL_EXPORTER_OTLP_ENDPOINT"):
        load_settings()


def test_it_is_off_without_an_endpoint_or_with_a_share_of_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OTEL_EXPORTER_OTLP_ENDPOINT", raising=False)
    assert load_settings().traces is None
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318/")
    assert load_settings().traces == TraceSettings("http://collector:4318/v1/traces", 0.01)
    monkeypatch.setenv("TRACES_SAMPLE_RATIO", "0")
    assert load_settings().traces is None
