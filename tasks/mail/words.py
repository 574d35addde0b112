"""Writes a letter's words, in the language and time zone of who reads it.

A kind of letter is a template that says everything once: its `subject`, the paragraphs `words`, and where it
has them `rows` (names and values), a `button` (words and address) and the paragraphs `after`. Both forms,
text and HTML, are made of these. What others have written is put on one line first and escaped where needed,
so that no name can become a header, a line or an element of its own.
"""

from collections.abc import Mapping
from datetime import datetime, tzinfo
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from babel.core import Locale
from babel.dates import format_date, format_datetime, format_time, get_timezone
from babel.numbers import format_decimal
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context

from models.languages import SOURCE, has_catalogue, translations
from models.money import write_amount
from tasks.mail.writing import one_line

_ZONE: Final = "time_zone"
_OPTIONAL: Final = ("rows", "button", "after")


class Written(NamedTuple):
    """A letter in words."""

    subject: str
    text: str
    page: str


def write(kind: str, contents: Mapping[str, Any], language: str, time_zone: str) -> Written:
    """Write a letter; in English where there are no words in the language.

    Contents are texts and numbers, times in RFC 3339, and amounts (`{amount_minor, currency}`).
    """
    spoken = language if has_catalogue(language) else SOURCE
    said = {name: one_line(value) if isinstance(value, str) else value for name, value in contents.items()}
    environment = _environment(spoken)
    module: Any = environment.get_template(f"{kind}.jinja").make_module({**said, _ZONE: _zone(time_zone)})
    words = {"language": spoken, "subject": module.subject, "words": module.words}
    words |= {name: getattr(module, name, ()) for name in _OPTIONAL}
    words["unsubscribe"] = contents.get("unsubscribe", "")
    named = translations(spoken).gettext("%(name)s:")
    words["lines"] = [(named % {"name": name}, value) for name, value in words["rows"]]
    words["width"] = max((len(name) for name, _ in words["lines"]), default=0)
    text, page = (environment.get_template(f"letter.{form}").render(words) for form in ("txt", "html"))
    return Written(words["subject"], text, page)


@cache
def _environment(language: str) -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=select_autoescape(["html"], default=False),
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    locale = Locale.parse(language)
    environment.install_gettext_translations(translations(language), newstyle=True)  # type: ignore[attr-defined]
    environment.filters["money"] = lambda one: write_amount(one["amount_minor"], one["currency"], locale)
    environment.filters["count"] = lambda one: format_decimal(one, locale=locale)
    environment.filters["moment"] = pass_context(lambda said, at: _moment(said, at, locale))
    return environment


def _moment(said: Context, at: str, locale: Locale) -> str:
    """Write a time as the reader's clock has it, and which clock that is: `Mar 14, 2026, 12:00 PM UTC`."""
    local = datetime.fromisoformat(at).astimezone(said[_ZONE])
    day, hour = format_date(local, "medium", locale=locale), format_time(local, "short", locale=locale)
    return f"{day}, {hour} {_clock(local, locale)}"


def _clock(local: datetime, locale: Locale) -> str:
    """Name a clock as the language does, e.g. `MEZ`; where it has no word for it, by its distance to UTC."""
    if not local.utcoffset():
        return "UTC"
    name: str = format_datetime(local, "z", locale=locale)
    return name if name[0].isalpha() else format_datetime(local, "OOOO", locale=locale)


def _zone(name: str) -> tzinfo:
    try:
        return get_timezone(name)
    except LookupError:  # of an account that names one which this machine does not know any more
        return get_timezone("UTC")
