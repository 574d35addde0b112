"""The rows of a report's time series for a spreadsheet, each with the time of day."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, Final

from models.messages import Message, rfc3339
from models.report.series import COLUMNS, Series

HEADER: Final = (*COLUMNS[:1], "at", "bucket_seconds", *COLUMNS[1:])


def rows_of(report: Message) -> Iterator[tuple[Any, ...]]:
    """Yield the rows under `HEADER`, in order of time."""
    series = Series.read(report["series"])
    began = datetime.fromisoformat(report["times"]["counted_from"])
    for second, *values in series.rows:
        yield second, rfc3339(began + timedelta(seconds=second)), series.bucket_seconds, *values
