"""The pages' languages: every catalogue says everything, and each visitor gets the right one."""

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from itertools import product
from string import ascii_uppercase
from typing import Any

import pytest
from babel.messages.catalog import Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from flask import Flask
from flask_babel import gettext
from jinja2 import Environment

from config import ROOT
from models.languages import SOURCE, catalogue
from web.shop import languages
from web.shop.languages import COOKIE, LANGUAGES, visitors_locale, words_of_scripts

OTHERS = sorted(set(LANGUAGES) - {SOURCE})
BREAKABLE = re.compile(r"[^\n\d\s]*(?: [;!?:»]|« |\w[!?»]|'|\.\.\.)[^\n\s]*").findall
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}").findall


@cache
def marked() -> frozenset[tuple[str | None, str]]:
    """Every text that is marked as words in the sources, with its context, as `make words` finds them."""
    mappings = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["babel"]["mappings"]
    methods = [(one["pattern"], one["method"]) for one in mappings]
    rest = {"pattern", "method"}
    options = {one["pattern"]: {k: v for k, v in one.items() if k not in rest} for one in mappings}
    keywords = {**DEFAULT_KEYWORDS, "NP_": DEFAULT_KEYWORDS["pgettext"]}
    found = extract_from_dir(ROOT, methods, options, keywords)
    return frozenset((context, one if isinstance(one, str) else one[0]) for _, _, one, _, context in found)


def messages(language: str) -> Iterator[Message]:
    return (one for one in catalogue(language) if one.id)


def forms(said: object) -> list[str]:
    """A text, or the forms of a plural."""
    return [said] if isinstance(said, str) else [str(form) for form in said]  # type: ignore[attr-defined]


def key(message: Message) -> tuple[str | None, str]:
    return message.context, message.id if isinstance(message.id, str) else str(message.id[0])


@pytest.fixture
def app() -> Flask:
    app = Flask("speaking")
    languages.register(app)
    return app


@pytest.mark.parametrize("language", OTHERS)
def test_a_catalogue_has_all_words_and_no_others(language: str) -> None:
    assert len(marked()) > 5
    assert {key(one) for one in messages(language)} == marked(), "run `make words` and translate what is new"


@pytest.mark.parametrize("language", OTHERS)
def test_every_word_is_translated_and_none_by_guess(language: str) -> None:
    assert [key(one) for one in messages(language) if one.fuzzy or not all(forms(one.string))] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_translation_names_the_same_values(language: str) -> None:
    for message in messages(language):
        wanted = set(PLACEHOLDER(forms(message.id)[-1]))
        assert all(set(PLACEHOLDER(form)) == wanted for form in forms(message.string)), message.id


def test_french_parts_its_marks_from_words_by_spaces_that_do_not_break() -> None:
    said = "\n".join(form for message in messages("fr") for form in forms(message.string))
    assert BREAKABLE(said) == []


@pytest.mark.parametrize(
    ("accepted", "cookie", "spoken"),
    [
        ("", "", "en"),
        ("de", "", "de"),
        ("de-CH,fr;q=0.9", "", "de"),
        ("it-IT,de;q=0.4,en;q=0.2", "", "de"),
        ("it", "", "en"),
        ("fr-BE", "", "fr"),
        ("de", "en", "en"),
        ("en", "de", "de"),
        ("de", "xx", "de"),
        ("x" * 500 + ",*", "../de", "en"),
    ],
)
def test_a_visitor_is_spoken_to_in_the_language_picked_or_liked_best(
    app: Flask, accepted: str, cookie: str, spoken: str
) -> None:
    headers = {"Accept-Language": accepted, "Cookie": f"{COOKIE}={cookie}"}
    with app.test_request_context(headers=headers):
        assert languages.chosen() == spoken


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [("de-CH", "de_CH"), ("en-GB,de", "en_GB"), ("it", "en"), ("de-AT;q=0.1", "de_AT")],
)
def test_numbers_are_written_in_the_visitors_variant_of_the_language(
    app: Flask, accepted: str, locale: str
) -> None:
    with app.test_request_context(headers={"Accept-Language": accepted}):
        assert str(visitors_locale()) == locale


def test_templates_and_python_speak_the_chosen_language(app: Flask) -> None:
    template = '{{ _("Log in") }}'
    with app.test_request_context(headers={"Accept-Language": "de"}):
        assert gettext("Log in") == "Anmelden"
        assert _render(app.jinja_env, template) == "Anmelden"
    with app.test_request_context():
        assert _render(app.jinja_env, template) == "Log in"


def test_scripts_get_their_own_words_and_shoppers_none_of_the_admins(app: Flask) -> None:
    with app.test_request_context(headers={"Accept-Language": "de"}):
        said: dict[str, Any] = words_of_scripts()
        assert said["Logging out…"] == "Du wirst abgemeldet …"
        assert "Skip to the content" not in said
        assert said.items() <= words_of_scripts(for_admins=True).items()
    with app.test_request_context():
        assert words_of_scripts() == {}


def _render(environment: Environment, template: str) -> str:
    return environment.from_string(template).render()


@pytest.mark.parametrize(
    "accepted",
    [
        *(
            "sm",
            "fj",
            "xx",
            "x-default",
            "en-XX",
            "en--US",
            "en_GB",
            "-",
            "*",
            "i-klingon",
            "und",
            ";",
            "a" * 5000,
        ),
        *(
            "it;q=nan",
            "it;q=1e999",
            "\xff\xfe",
            "zh-Hant-TW-u-ca-chinese",
            "en-Latn-US-x-private",
            "de;q=0",
            "EN",
        ),
    ],
)
def test_whatever_a_browser_asks_for_is_a_language(app: Flask, accepted: str) -> None:
    with app.test_request_context(headers={"Accept-Language": accepted}):
        assert languages.chosen() == "en"
        assert str(visitors_locale()) == "en"


@pytest.mark.parametrize(
    ("accepted", "locale"),
    [
        ("en-SG", "en_001"),  # as the world writes it
        ("en-DK", "en_150"),  # as Europe does
        ("en-Latn-GB", "en_GB"),
        ("DE-at", "de_AT"),
        ("fr-CA", "fr_CA"),
        ("fr-FR", "fr"),
        ("de-u-co-phonebk", "de"),
        ("en-u-ca-gregory", "en"),  # a calendar, not Canada
        ("de-CH;q=0,de-AT;q=0.1", "de_AT"),
    ],
)
def test_other_variants_are_written_as_the_nearest(app: Flask, accepted: str, locale: str) -> None:
    with app.test_request_context(headers={"Accept-Language": accepted}):
        assert str(visitors_locale()) == locale


def test_no_visitor_adds_to_what_a_process_keeps(app: Flask) -> None:
    territories = ("".join(pair) for pair in product(ascii_uppercase, repeat=2))
    for tag in (f"{language}-{territory}" for territory in territories for language in (*LANGUAGES, "sm")):
        with app.test_request_context(headers={"Accept-Language": tag}):
            assert str(visitors_locale()) in languages.VARIANTS
