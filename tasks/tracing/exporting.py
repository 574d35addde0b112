"""Sends stages to a collector by OTLP over HTTP, in batches, from a thread of its own.

The SDK is imported here alone, and this module only where traces are on. The standard variables of
OpenTelemetry (headers, certificates, compression, sizes and times of batches) are read by the SDK itself.
"""

import atexit
import os
import random
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, SpanProcessor
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace import Link, SpanContext, SpanKind, Status, StatusCode, TraceFlags

from config import TraceSettings
from tasks.tracing import traces
from tasks.tracing.traces import Stage

ANSWER_S: Final = 3.0  # for the collector; retries are within it
END_S: Final = 2.0  # after which a process that ends gives up what was not sent
_SAMPLED: Final = TraceFlags(TraceFlags.SAMPLED)
_SCOPE: Final = InstrumentationScope("flash-sale")
_FIRST: Final = (traces.POST, traces.BY_SOCKET)
_KINDS: Final[Mapping[str, SpanKind]] = {
    **dict.fromkeys(_FIRST, SpanKind.SERVER),
    traces.LINE: SpanKind.CLIENT,
    traces.BELL: SpanKind.PRODUCER,
    traces.CLAIM: SpanKind.CONSUMER,
    traces.COMMIT: SpanKind.CLIENT,
    traces.SETTLE: SpanKind.CLIENT,
    traces.SOCKET: SpanKind.PRODUCER,
}


class BoundedExporter(OTLPSpanExporter):
    """One that gives up soon after its process was told to end: nobody waits for a dead collector."""

    _ends_at = float("inf")

    def end_soon(self) -> None:
        """Send for a little while yet."""
        self._ends_at = time.monotonic() + END_S

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send a batch, and wait for the answer."""
        if time.monotonic() >= self._ends_at:
            return SpanExportResult.FAILURE
        return super().export(spans)


def exporter(settings: TraceSettings, process: str) -> Callable[[Stage], None]:
    """Begin to export the stages of this process. Starts a thread, so never before a fork."""
    sender = BoundedExporter(settings.url, timeout=ANSWER_S)
    batches = BatchSpanProcessor(sender)
    atexit.register(_end, sender, batches)
    about = {
        "service.namespace": "flash-sale",
        "service.name": process.partition(".")[0],
        "service.instance.id": f"{process}:{os.getpid()}",
    }
    resource = Resource.create(about)
    return lambda stage: batches.on_end(span_of(stage, resource))


def span_of(stage: Stage, resource: Resource) -> ReadableSpan:
    """Write a stage as a span; what is found of it on its parent, every process works out alike."""
    trace_id = int(traces.trace_of(stage.intent_id), 16)
    first = _context(trace_id, _first_span_of(trace_id))
    is_first = stage.name in _FIRST
    return ReadableSpan(
        stage.name,
        context=first if is_first else _context(trace_id, random.getrandbits(64) or 1),
        parent=None if is_first else first,
        resource=resource,
        attributes=stage.facts,
        links=(Link(_caller(stage.caller)),) if stage.caller else (),
        kind=_KINDS[stage.name],
        status=Status(StatusCode.ERROR, stage.error) if stage.error else Status(StatusCode.UNSET),
        start_time=stage.began_ns,
        end_time=stage.ended_ns,
        instrumentation_scope=_SCOPE,
    )


def _end(sender: BoundedExporter, batches: SpanProcessor) -> None:
    sender.end_soon()
    batches.shutdown()


def _first_span_of(trace_id: int) -> int:
    """The id of the first span: the trace's lower half, which the id's variant keeps from being zero."""
    return trace_id & ((1 << 64) - 1)


def _context(trace_id: int, span_id: int, *, is_remote: bool = False) -> SpanContext:
    return SpanContext(trace_id, span_id, is_remote=is_remote, trace_flags=_SAMPLED)


def _caller(traceparent: str) -> SpanContext:
    _, trace_id, span_id, *_ = traceparent.split("-")
    return _context(int(trace_id, 16), int(span_id, 16), is_remote=True)
