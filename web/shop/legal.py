"""`/terms` and `/privacy`: the shop's own texts; beside `terms.txt` stands `terms.de.txt` in German."""

from functools import lru_cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from flask import Blueprint, render_template
from flask_babel import gettext

from models.errors import NotFound
from web.http.services import services
from web.shop.languages import N_, chosen

blueprint: Final = Blueprint("legal", __name__)

TITLES: Final = {"terms": N_("Terms"), "privacy": N_("Privacy")}


class Paragraph(NamedTuple):
    """A paragraph of a text; `level` 1 to 3 makes it a heading, 0 does not."""

    level: int
    words: str


@blueprint.app_context_processor
def links() -> dict[str, Any]:
    """Which of the texts there are, for the footer and the form to register; and the terms' version."""
    legal = services().settings.legal
    there = {"terms": legal.terms_file, "privacy": legal.privacy_file}
    return {"legal": [name for name, file in there.items() if file], "terms_version": legal.terms_version}


@blueprint.get("/terms")
def terms() -> str:
    """The shop's terms."""
    return _show("terms", services().settings.legal.terms_file)


@blueprint.get("/privacy")
def privacy() -> str:
    """What the shop says on privacy."""
    return _show("privacy", services().settings.legal.privacy_file)


def _show(name: str, file: Path | None) -> str:
    if file is None:
        raise NotFound("This shop has no such text.")
    translated = file.with_name(f"{file.stem}.{chosen()}{file.suffix}")
    shown = translated if translated.exists() else file
    paragraphs = _read(shown, shown.stat().st_mtime_ns)
    return render_template("legal.html", title=gettext(TITLES[name]), paragraphs=paragraphs)


@lru_cache(maxsize=16)
def _read(file: Path, _changed_ns: int) -> tuple[Paragraph, ...]:
    """Read a text's paragraphs, between which lines are empty; a heading begins with up to three #."""
    parts = file.read_text(encoding="utf-8").replace("\r\n", "\n").split("\n\n")
    return tuple(_paragraph(part.strip()) for part in parts if part.strip())


def _paragraph(text: str) -> Paragraph:
    words = text.lstrip("#")
    level = len(text) - len(words)
    return Paragraph(level, words.strip()) if 1 <= level <= 3 else Paragraph(0, text)
