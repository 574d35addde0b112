"""docs/payments.md is held to the code: methods, states, figures, settings, and the example that verifies."""

import re
from typing import Any

import pytest

from config import ROOT
from models.enums import PaymentStatus
from tasks.providers.sandbox import METHODS
from tasks.providers.sandbox.signature import TOLERANCE_S, sign, webhook_secret
from tasks.runtime.tallies import MAILS, PAYMENTS_BEGUN, REFUNDS
from tests.integration.sandbox_play import SETTINGS
from web.metrics.money import OUTCOMES

PAGE = (ROOT / "docs" / "payments.md").read_text()
SECRET_KEY = "0f3b8e5d9c7a4162b8d0e6f1a2c39485"
BODY = b'{"id":"sbx_evt_1"}'
NOW = 1_764_000_000


def section(name: str, page: str = PAGE) -> str:
    return page.split(f"\n## {name}\n", 1)[1].split("\n## ", 1)[0]


def rows(text: str) -> list[tuple[str, str]]:
    """The first two cells of each row whose first is one word of code."""
    return re.findall(r"^\| `([^`|]+)` \| (.+?) \|", text, re.MULTILINE)


@pytest.fixture(scope="module")
def example() -> dict[str, Any]:
    """What the example defines, run as it stands."""
    [code] = re.findall(r"^```python\n(.*?)^```", section("Webhooks"), re.MULTILINE | re.DOTALL)
    defined: dict[str, Any] = {}
    exec(code, defined)  # noqa: S102 - our own document
    return defined


def test_the_table_of_methods_is_the_sandboxs_own() -> None:
    assert rows(section("The sandbox")) == [(method.spelling, method.says) for method in METHODS]


def test_every_status_of_a_payment_is_explained() -> None:
    told = [name for name, _ in rows(section("The life of a payment"))]
    assert sorted(told) == sorted(status.value for status in PaymentStatus)


def test_every_figure_is_explained() -> None:
    text = section("Watching it")
    shown = [f"{name}_total" for name in (PAYMENTS_BEGUN, REFUNDS, MAILS)]
    shown += [
        f"{what}{gauge}"
        for what in ("payments", "refunds", "mails")
        for gauge in ("_open", "_oldest_open_seconds")
    ]
    shown += ["payment_outcome_seconds", "payment_webhooks_total", "money_figures_readable", *OUTCOMES]
    assert not [name for name in shown if f"`{name}`" not in text]


def test_the_example_accepts_what_the_sandbox_signs(example: dict[str, Any]) -> None:
    verify, secret = example["verify"], example["secret_of"](SECRET_KEY)
    assert secret == webhook_secret(SETTINGS, SECRET_KEY)
    header = sign(secret, BODY, NOW)
    other = sign(b"another", BODY, NOW).partition(",")[2]
    for at in (NOW - TOLERANCE_S, NOW, NOW + TOLERANCE_S):
        assert verify(secret, header, BODY, at)
    assert verify(secret, f"{header},{other}", BODY, NOW)


def test_the_example_refuses_what_the_sandbox_did_not_sign(example: dict[str, Any]) -> None:
    verify, secret = example["verify"], example["secret_of"](SECRET_KEY)
    header = sign(secret, BODY, NOW)
    for bad in ("", "t=1", f"t=x,{header.partition(',')[2]}", f"t={NOW},v1=", f"t={NOW},{header}"):
        assert not verify(secret, bad, BODY, NOW)
    assert not verify(secret, header, BODY + b" ", NOW)
    assert not verify(b"another", header, BODY, NOW)
    assert not verify(secret, header, BODY, NOW + TOLERANCE_S + 1)
    assert not verify(secret, header, BODY, NOW - TOLERANCE_S - 1)


def test_the_settings_of_mail_are_those_that_are_read() -> None:
    config = (ROOT / "config.py").read_text()
    named = {name for name, _ in rows(section("Settings", (ROOT / "docs" / "mail.md").read_text()))}
    assert named == {"SMTP_URL", "MAIL_FROM"}
    assert all(f'"{name}"' in config for name in named)
