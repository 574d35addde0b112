"""Which languages the pages speak, and which one a visitor gets; reads the .po files directly.

Words are marked where they stand: `_("…")` in templates and scripts, `N_("…")` in Python's constants, which
are translated when they are shown. `make words` gathers them into the catalogues of `translations/`.
"""

import re
from functools import cache, lru_cache
from itertools import takewhile
from typing import Any, Final

from babel import Locale
from babel.core import get_global
from babel.messages.catalog import Message
from babel.support import NullTranslations
from flask import Flask, current_app, request
from flask_babel import Babel, Domain, get_locale, gettext, pgettext
from werkzeug.datastructures import LanguageAccept
from werkzeug.http import parse_accept_header
from werkzeug.sansio.http import parse_cookie
from werkzeug.wrappers import Response

from models.languages import SOURCE, catalogue, translations
from web.reads.asked import Variant

LANGUAGES: Final = {SOURCE: "English", "de": "Deutsch", "fr": "Français"}  # each by its own name
COOKIE: Final = "fs_language"
BY_ADDRESS: Final = "language="  # the query by which a page is had in a language, whatever the cookie says
_COOKIE_NAME: Final = "LANGUAGE_COOKIE"  # in the app's configuration
COOKIE_S: Final = 365 * 86_400

# Each costs a process a tenth of a MB for good, so that they are few and no visitor adds to them. Every other
# variant is written as the one that it comes nearest to: the English of Singapore as the world's.
VARIANTS: Final = frozenset(
    {*LANGUAGES, "en_001", "en_150", "en_AU", "en_CA", "en_GB", "en_IE", "en_IN", "en_NZ", "en_ZA"}
    | {"de_AT", "de_CH", "fr_BE", "fr_CA", "fr_CH"}
)

_CONTEXT_ENDS: Final = "\x04"  # as in gettext's own files
_REMEMBERED: Final = 1_000  # choices by what browsers say, of which few differ
_LONGEST: Final = 200  # characters of what a browser says that is remembered
_TERRITORY: Final = re.compile(r"[A-Za-z]{2}|[0-9]{3}", re.ASCII).fullmatch
_SCRIPTS: Final = "web/static/js/"
_ADMINS_SCRIPTS: Final = "web/static/js/admin/"


def N_(words: str) -> str:  # noqa: N802 - gettext's own name, by which the words are found
    """Mark words that are translated later, by `said`."""
    return words


def NP_(context: str, words: str) -> str:  # noqa: N802 - like gettext's own names
    """Mark words that other languages say otherwise where they are said of something else, as of an order."""
    return context + _CONTEXT_ENDS + words


def said(marked: str) -> str:
    """Say marked words in the visitor's language."""
    context, _ends, words = marked.rpartition(_CONTEXT_ENDS)
    spoken: str = pgettext(context, words) if context else gettext(words)
    return spoken


class _Words(Domain):  # type: ignore[misc]  # flask-babel has no types
    """The catalogues as they are written, without a compiled copy that could be older."""

    def get_translations(self) -> NullTranslations:
        """Find the catalogue of the page's language."""
        locale = get_locale()
        return translations(locale.language) if locale is not None else NullTranslations()


class Languages(Babel):  # type: ignore[misc]  # flask-babel has no types
    """Flask-Babel over these catalogues."""

    domain_instance = _Words()


def register(app: Flask, *, cookie_prefix: str = "") -> None:
    """Translate the app's templates."""
    app.config[_COOKIE_NAME] = cookie_prefix + COOKIE
    Languages(app, default_locale=SOURCE, locale_selector=chosen)


def cookie() -> str:
    """Name the cookie that remembers what was picked, as browsers know it here."""
    name: str = current_app.config[_COOKIE_NAME]
    return name


def remember(answer: Response, picked: str, *, secure: bool) -> None:
    """Have a browser remember the language that was picked in it."""
    answer.set_cookie(
        cookie(),
        picked,
        max_age=COOKIE_S,
        secure=secure,
        httponly=False,  # by which a page from a cache is known to speak another language
        samesite="Lax",
    )


def chosen() -> str:
    """Choose the visitor's language: what was picked here before, else what the browser prefers."""
    return _chosen_variant().partition("_")[0]


def visitors_locale() -> Locale:
    """Find the visitor's locale for numbers and times: their variant of the page's language, if any."""
    return _locale(_chosen_variant())


def variant_for(cookie_name: str, cookies: str, accept_language: str, query: str) -> Variant:
    """Choose the variant of a language for a request by its words: the address goes before the cookie."""
    named = query.removeprefix(BY_ADDRESS) if query.startswith(BY_ADDRESS) else ""
    is_named, picked = named in LANGUAGES, named
    if not is_named:
        picked = parse_cookie(cookies).get(cookie_name, "") if cookie_name in cookies else ""
    choose = _variant_for if len(accept_language) <= _LONGEST else _variant_for.__wrapped__
    name = choose(picked if picked in LANGUAGES else "", accept_language)
    return Variant(name, is_picked=not is_named and picked in LANGUAGES)


def _chosen_variant() -> str:
    said = request.environ
    cookies, accepted = said.get("HTTP_COOKIE", ""), said.get("HTTP_ACCEPT_LANGUAGE", "")
    return variant_for(cookie(), cookies, accepted, said.get("QUERY_STRING", "")).name


@lru_cache(_REMEMBERED)
def _variant_for(picked: str, accept_language: str) -> str:
    """Choose what was picked here before, else what the browser prefers (`q=0` refuses)."""
    accepted = parse_accept_header(accept_language, LanguageAccept)
    tags = [tag for tag, quality in accepted if quality > 0]
    spoken = (language for tag in tags if (language := _language(tag)) in LANGUAGES)
    language = picked or next(spoken, SOURCE)
    return next((_variant(tag) for tag in tags if _language(tag) == language), language)


def words_of_scripts(*, for_admins: bool = False) -> dict[str, Any]:
    """Gather what the page's scripts say, in the page's language: a text, or the forms of a plural.

    Empty in the source's own language, whose words stand in the scripts.
    """
    return _script_words(chosen(), for_admins=for_admins)


def read_all() -> None:
    """Read every catalogue and every variant now, so that the first visitors need not wait."""
    for language in LANGUAGES:
        translations(language)
        for for_admins in (False, True):
            _script_words(language, for_admins=for_admins)
    for variant in VARIANTS:
        _ = _locale(variant).number_symbols  # a locale reads what it is when it is asked


def _language(tag: str) -> str:
    """A tag's language; any text is a tag (RFC 5646), and most are of no use here."""
    return tag.partition("-")[0].lower()


def _variant(tag: str) -> str:
    """The nearest of our variants to a tag of one of our languages."""
    language, *rest = tag.split("-")
    subtags = takewhile(lambda subtag: len(subtag) > 1, rest)  # what follows a single letter is an extension
    territory = next((subtag.upper() for subtag in subtags if _TERRITORY(subtag)), "")
    name = f"{language.lower()}_{territory}" if territory else language.lower()
    while name not in VARIANTS:
        name = get_global("parent_exceptions").get(name) or name.partition("_")[0]
    return name


@cache
def _locale(variant: str) -> Locale:
    return Locale.parse(variant)


@cache
def _script_words(language: str, *, for_admins: bool) -> dict[str, Any]:
    if language == SOURCE:
        return {}
    found = [one for one in catalogue(language) if one.id and _is_said(one, for_admins=for_admins)]
    return {one.id if isinstance(one.id, str) else one.id[0]: one.string for one in found}


def _is_said(message: Message, *, for_admins: bool) -> bool:
    """Whether a script of the page uses it; those of the control room are not sent to shoppers."""
    files = [file for file, _line in message.locations if file.startswith(_SCRIPTS)]
    return any(for_admins or not file.startswith(_ADMINS_SCRIPTS) for file in files)
