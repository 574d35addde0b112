"""Makes a process's traces: the SDK is imported only where they are on."""

from config import Settings
from tasks.tracing.traces import OFF, Traces


def start_traces(settings: Settings, process: str) -> Traces:
    """Begin to trace, where that is configured."""
    if settings.traces is None:
        return OFF
    from tasks.tracing.exporting import exporter

    return Traces(settings.traces, exporter(settings.traces, process))
