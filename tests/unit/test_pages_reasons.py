"""Every reason that an order's history can have is told in a sentence, others in general words."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config import ROOT
from models.enums import OrderStatus, RefundCause
from tasks.providers.sandbox import METHODS
from web.shop.paying import CARDS, NOTES, OTHERS, words_of

WRITERS = {"note", "move_order", "_end"}  # who write history
REFUND_CODES = {"refunds.py"}  # codes of refunds stay in the refunds' rows


def trees() -> Iterator[tuple[Path, ast.Module]]:
    for path in sorted((ROOT / "tasks").rglob("*.py")):
        yield path, ast.parse(path.read_text())


def constants_in(value: ast.AST) -> set[str]:
    """The words that an expression can come to; not what it compares with."""
    if isinstance(value, ast.Constant):
        return {value.value} if isinstance(value.value, str) else set()
    if isinstance(value, ast.IfExp):
        return constants_in(value.body) | constants_in(value.orelse)
    if isinstance(value, ast.BoolOp):
        return {word for one in value.values for word in constants_in(one)}
    return set()


def named(node: ast.AST, name: str) -> Iterator[ast.expr]:
    """What is assigned to a variable or an attribute of this name, or handed on as an argument of it."""
    if isinstance(node, ast.Assign):
        for target in node.targets:
            both = isinstance(target, ast.Tuple) and isinstance(node.value, ast.Tuple)
            pairs = zip(target.elts, node.value.elts, strict=True) if both else [(target, node.value)]  # type: ignore[attr-defined]
            yield from (value for one, value in pairs if getattr(one, "id", getattr(one, "attr", "")) == name)
    elif isinstance(node, ast.Call):
        yield from (keyword.value for keyword in node.keywords if keyword.arg == name)


def reasons_in_code() -> set[str]:
    found: set[str] = set()
    for _, tree in trees():
        calls = {getattr(node.func, "id", "") for node in ast.walk(tree) if isinstance(node, ast.Call)}
        if not calls & WRITERS:
            continue
        for node in ast.walk(tree):
            if not isinstance(node, ast.Call) or getattr(node.func, "id", "") in WRITERS:
                found |= {word for value in named(node, "reason") for word in constants_in(value)}
    return found


def codes_of_charges() -> set[str]:
    found = {code for method in METHODS for code in (method.code, method.cancel_code) if code}
    for path, tree in trees():
        if path.is_relative_to(ROOT / "tasks") and path.name not in REFUND_CODES:
            for node in ast.walk(tree):
                found |= {word for value in named(node, "code") for word in constants_in(value)}
    return found


def test_every_reason_that_the_code_writes_has_a_sentence() -> None:
    reasons = reasons_in_code()
    assert {
        "deadline_passed",
        "paid_twice",
        "paid_too_late",
        "second_payment_refunded",
        "held_again",
    } <= reasons
    assert not reasons - set(NOTES)


def test_every_code_of_a_declined_charge_has_a_sentence() -> None:
    codes = codes_of_charges()
    assert {"card_declined", "payment_timeout", "cancelled", "declined", "unknown_method"} <= codes
    assert not codes - set(NOTES)


def test_every_cause_of_a_refund_has_a_sentence() -> None:
    assert not {cause.value for cause in RefundCause} - set(NOTES)


@pytest.mark.parametrize("status", OrderStatus)
def test_an_unknown_reason_has_general_words_for_every_status(status: OrderStatus) -> None:
    assert OTHERS[status] == words_of({"status": str(status), "reason": "do_not_honor"})
    assert words_of({"status": str(status), "reason": None}) == ""


def test_every_sentence_is_one() -> None:
    for words in (*NOTES.values(), *OTHERS.values()):
        assert words[0].isupper()
        assert words.endswith(".")


def test_every_method_of_the_sandbox_is_a_test_card_in_words() -> None:
    assert set(CARDS) == {method.name for method in METHODS}
    assert {name for name, says in CARDS.items() if "%(seconds)s" in says} == {
        method.name for method in METHODS if method.takes_seconds
    }
