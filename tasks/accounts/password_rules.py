"""Judges whether a password would be found by trying, with zxcvbn's lists, matchers and arithmetic.

The library as it comes tries every combination of signs that stand for letters (`4`, `@`), which takes
seconds for a hostile password, and keeps the words that it is given for the next one. So its parts are put
together here: such signs are read in two ways only, and of a long password the beginning or the end has to be
strong. What that costs, and what the lists take, docs/accounts.md says; they are loaded when first needed.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from importlib import import_module
from typing import Any, Final, NamedTuple

LEAST_GUESSES: Final = 10**7
JUDGED: Final = 24  # characters at either end: where these are strong, the whole is
_PLAIN: Final = str.maketrans("4@8({[<369|1!$5+7%20", "aabcccceggiiisstlxzo")
_PLAIN_TOO: Final = _PLAIN | str.maketrans("1|!7", "lllt")
_MATCHERS: Final = ("dictionary", "reverse_dictionary", "spatial", "repeat", "sequence", "regex", "date")
_PARTS: Final = re.compile(r"[\W_]+").split
_LEAST_WORD: Final = 3  # characters
_LEAST_BESIDES: Final = 4  # characters that are left of a password without its owner's words

COMMON: Final = "This is among the passwords that are tried first."
OWN: Final = "This is made of your name or your e-mail address."
GUESSABLE: Final = "This is too easy to guess; take several words that do not belong together."


class _Judged(NamedTuple):
    guesses: float
    lists: Sequence[str]  # that its parts were found in


def why_weak(password: str, *own: str) -> str:
    """Say why a password is too weak; empty where it is not. `own`: what is known of whose it is."""
    words = dict.fromkeys(_words(own))
    if _is_made_of(password, words):
        return OWN
    reasons = [_why_weak(end, words) for end in dict.fromkeys((password[:JUDGED], password[-JUDGED:]))]
    return reasons[0] if all(reasons) else ""


def _why_weak(text: str, words: Iterable[str]) -> str:
    lists = {**_matching().RANKED_DICTIONARIES, "own": {word: rank for rank, word in enumerate(words, 1)}}
    for reading in dict.fromkeys((text, text.translate(_PLAIN), text.translate(_PLAIN_TOO))):
        judged = _judge(reading, lists)
        if judged.guesses < LEAST_GUESSES:
            return OWN if "own" in judged.lists else COMMON if judged.lists == ["passwords"] else GUESSABLE
    return ""


def _judge(text: str, lists: dict[str, dict[str, int]]) -> _Judged:
    found = [
        match
        for name in _MATCHERS
        for match in getattr(_matching(), f"{name}_match")(text, _ranked_dictionaries=lists)
    ]
    found.sort(key=lambda match: (match["i"], match["j"]))
    best = _scoring().most_guessable_match_sequence(text, found)
    return _Judged(best["guesses"], [match.get("dictionary_name", "") for match in best["sequence"]])


def _words(own: Sequence[str]) -> Iterator[str]:
    """The words that somebody is known by, each alone and all of a text together."""
    for text in own:
        parts = [part for part in _PARTS(text.lower()) if part]
        yield from (word for word in (*parts, "".join(parts)) if len(word) >= _LEAST_WORD)


def _is_made_of(text: str, words: Iterable[str]) -> bool:
    """Whether little is left of a text without somebody's words, and without signs between them."""
    left = whole = text.lower()
    for word in sorted(words, key=len, reverse=True):
        left = left.replace(word, "")
    return left != whole and len("".join(_PARTS(left))) < _LEAST_BESIDES


@cache
def _matching() -> Any:
    return import_module("zxcvbn.matching")


@cache
def _scoring() -> Any:
    return import_module("zxcvbn.scoring")
