"""Which passwords are refused, and why."""

import pytest

from tasks.accounts.password_rules import COMMON, GUESSABLE, OWN, why_weak

ADA = ("ada.lovelace@example.com", "Ada Lovelace")
MOST = 1_000  # characters


@pytest.mark.parametrize(
    ("password", "reason"),
    [
        ("password", COMMON),
        ("1234567890", COMMON),
        ("P@ssw0rd2024", GUESSABLE),
        ("hunter2hunter2", GUESSABLE),
        ("qwertyuiop[]", GUESSABLE),
        ("19841212", GUESSABLE),
        ("a" * MOST, GUESSABLE),
        ("password" * 100, GUESSABLE),
        ("lovelace1815", OWN),
        ("Ada.Lovelace!", OWN),
        ("ada@example", OWN),
        ("4d4-l0v3l4c3", OWN),
    ],
)
def test_a_password_that_would_be_tried_is_refused_with_the_reason(password: str, reason: str) -> None:
    assert why_weak(password, *ADA) == reason


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "kX9#mQ2$",
        "!!§$%&/()=?`´^°",
        "ein langer Satz von mir",
        "пароль для магазина",
        "correct horse battery staple " * 34,
    ],
)
def test_a_good_password_is_taken_however_long_it_is(password: str) -> None:
    assert why_weak(password[:MOST], *ADA) == ""


def test_a_long_password_is_good_if_its_beginning_or_its_end_is() -> None:
    weak, strong = "password" * 100, "kX9#mQ2$ vTzW 7pL!"
    assert why_weak(strong + weak) == why_weak(weak + strong) == ""


def test_what_is_the_owners_is_forgotten_afterwards() -> None:
    assert why_weak("zanzibarian", "zanzibarian@example.com") == OWN
    assert why_weak("zanzibarian") != OWN
