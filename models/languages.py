"""The catalogues of words in other languages, as pages and letters read them: from their sources.

Words are written in English where they stand; `make words` gathers them into `translations/`.
"""

import io
from functools import cache
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations

from config import ROOT

SOURCE: Final = "en"  # the language that the words are written in
_CATALOGUES: Final = ROOT / "translations"


def has_catalogue(language: str) -> bool:
    """Whether there are words in a language."""
    return language == SOURCE or (language.isalpha() and _path(language).is_file())


def catalogue(language: str) -> Catalog:
    """Read a language's catalogue from its source."""
    with _path(language).open("rb") as source:
        return read_po(source, locale=language)


@cache
def translations(language: str) -> NullTranslations:
    """Find a language's words; without a catalogue everything is said as it is written."""
    if language == SOURCE or not has_catalogue(language):
        return NullTranslations()
    compiled = io.BytesIO()
    write_mo(compiled, catalogue(language))
    compiled.seek(0)
    return Translations(compiled)


def _path(language: str) -> Path:
    return _CATALOGUES / language / "LC_MESSAGES" / "messages.po"
