"""Amounts are read as people write them, by the pages' own script, in the node that Playwright brings."""

import json
import subprocess
from itertools import cycle, product
from typing import Any

import pytest
from playwright._impl._driver import compute_driver_executable

from config import ROOT
from models.tables.catalogue import MAX_PRICE_MINOR

NBSP, THIN, NARROW, RLM = "\u00a0", "\u2009", "\u202f", "\u200f"
LOCALES = """
    en-US en-GB en-IN en-ZA de-DE de-CH de-AT de-LI fr-FR fr-CH fr-CA it-CH it-IT es-ES es-MX es-UY
    pt-BR pt-PT nl-NL pl-PL ru-RU uk-UA cs-CZ sv-SE nb-NO da-DK fi-FI hu-HU bg-BG ro-RO el-GR tr-TR
    he-IL ar-EG ar-KW ar-AE fa-IR ur-PK hi-IN hi-IN-u-nu-deva mr-IN bn-BD ta-IN ne-NP my-MM
    th-TH-u-nu-thai vi-VN id-ID ms-MY ja-JP ko-KR zh-CN zh-TW sw-KE af-ZA is-IS lv-LV lt-LT et-EE sl-SI
    hr-HR
""".split()  # noqa: SIM905
CURRENCIES = "USD EUR INR GBP CHF JPY KRW KWD BHD TND CLF".split()  # noqa: SIM905
AMOUNTS = (0, 1, 99, 999, 1_000, 1_500, 123_456, 1_500_000, 12_345_678, 10**11)
SOME = (
    99,
    1_500,
    123_456,
    10**11,
)  # cents alone, what could be a group or decimals, both, the most

STUB = """
globalThis.document = { documentElement: { lang: "en" }, getElementById: () => null };
Object.defineProperty(globalThis, "navigator", { value: { languages: ["en-US"] }, configurable: true });
const format = await import(%(module)s);
const asked = JSON.parse((await import("node:fs")).readFileSync(0, "utf8"));
"""
READ = "process.stdout.write(JSON.stringify(asked.map((one) => format.readMoney(...one))));"
ROUND = """
const lost = [];
const ways = ["symbol", "narrowSymbol", "code"];
const each = ([locale, currency]) => {
  const digits = format.minorDigits(currency);
  const exact = { minimumFractionDigits: digits, maximumFractionDigits: digits };
  const styled = ways.map((currencyDisplay) => ({ style: "currency", currency, currencyDisplay }));
  for (const options of [{}, { useGrouping: false }, ...styled]) {
    const written = new Intl.NumberFormat(locale, { ...exact, ...options });
    for (const minor of asked.amounts) {
      const text = written.format(minor / 10 ** digits);
      const read = format.readMoney(text, currency, locale);
      if (read.fault || read.minor !== minor) lost.push([locale, currency, minor, text, read]);
    }
  }
};
asked.pairs.forEach(each);
process.stdout.write(JSON.stringify(lost));
"""


def run(script: str, asked: Any) -> Any:
    node = compute_driver_executable()[0]
    module = json.dumps((ROOT / "web" / "static" / "js" / "common" / "format.js").as_uri())
    words = [node, "--input-type=module", "-e", STUB % {"module": module} + script]
    done = subprocess.run(
        words, input=json.dumps(asked), capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_whatever_a_locale_writes_is_read_as_that_amount() -> None:
    by_locale = zip(LOCALES, cycle(("USD", "JPY", "KWD")), strict=False)  # of two, no and three digits
    by_currency = product(("en-US", "de-DE", "hi-IN", "ar-EG"), CURRENCIES)
    pairs = sorted({*by_locale, *by_currency})
    assert run(ROUND, {"pairs": pairs, "amounts": SOME}) == []


@pytest.mark.release
def test_whatever_any_locale_writes_of_any_currency_is_read_as_that_amount() -> None:
    pairs = list(product(LOCALES, CURRENCIES))
    assert run(ROUND, {"pairs": pairs, "amounts": AMOUNTS}) == []


READABLE = [
    ("1,234.500", "KWD", "en-US", 1_234_500),
    ("1.234,500", "KWD", "de-DE", 1_234_500),
    ("1.500", "KWD", "en-US", 1_500),
    ("1,500", "KWD", "de-DE", 1_500),
    ("0.500", "KWD", "de-DE", 500),
    ("1234.500", "BHD", "de-DE", 1_234_500),
    ("1,00,000.00", "USD", "en-US", 10_000_000),
    ("1,00,000.00", "INR", "en-IN", 10_000_000),
    ("12,34,56,789", "INR", "en-IN", 12_345_678_900),
    ("12,345,678.90", "USD", "de-DE", 1_234_567_890),
    ("1,234.50", "USD", "en-US", 123_450),
    ("1.234,50", "EUR", "en-US", 123_450),
    ("1,234", "USD", "en-US", 123_400),
    ("1,234", "JPY", "en-US", 1_234),
    ("1.234", "JPY", "de-DE", 1_234),
    ("19,99", "USD", "en-US", 1_999),
    ("19.9", "EUR", "de-DE", 1_990),
    ("999", "USD", "en-US", 99_900),
    ("0", "USD", "en-US", 0),
    ("1 234,50", "EUR", "fr-FR", 123_450),
    (f"1{NBSP}234,50", "EUR", "fr-FR", 123_450),
    (f"1{THIN}234{THIN}567.89", "USD", "en-US", 123_456_789),
    (f"1{NARROW}234", "USD", "en-US", 123_400),
    ("1'234.50", "CHF", "de-CH", 123_450),
    ("1’234’567.50", "CHF", "de-CH", 123_456_750),
    ("1_000.00", "USD", "en-US", 100_000),
    ("١٬٢٣٤٫٥٠", "USD", "en-US", 123_450),
    ("١٢٣٤٫٥٠٠", "KWD", "ar-KW", 1_234_500),
    ("१,००,०००.५०", "INR", "hi-IN", 10_000_050),
    ("１，２３４．５０", "USD", "en-US", 123_450),
    (f"{RLM}12.50", "USD", "en-US", 1_250),
    ("$1,234.50", "USD", "en-US", 123_450),
    ("12,50 €", "EUR", "de-DE", 1_250),
    ("USD 12.50", "USD", "de-DE", 1_250),
    ("1,000,000,000.00", "USD", "en-US", MAX_PRICE_MINOR),
]


def test_what_people_write_is_read() -> None:
    told = run(READ, [[text, currency, locale] for text, currency, locale, _ in READABLE])
    assert [
        (one, said.get("minor"), said.get("fault")) for one, said in zip(READABLE, told, strict=True)
    ] == [(one, one[3], None) for one in READABLE]


UNREADABLE = [
    ("1.500", "USD", "en-US", "unclear"),
    ("1.500", "USD", "de-DE", "unclear"),
    ("1,500", "USD", "de-DE", "unclear"),
    ("2.999", "EUR", "fr-FR", "unclear"),
    ("1,500", "KWD", "en-US", "unclear"),
    ("1.500", "KWD", "de-DE", "unclear"),
    ("1.500", "JPY", "en-US", "unclear"),
    ("1.5000", "USD", "en-US", "digits"),
    ("0.500", "USD", "en-US", "digits"),
    ("1,234.567", "USD", "en-US", "digits"),
    ("1.234,567", "EUR", "de-DE", "digits"),
    ("1,234.5000", "KWD", "en-US", "digits"),
    ("1.00", "JPY", "en-US", "digits"),
    ("1,234.00", "JPY", "en-US", "digits"),
    ("12.3", "JPY", "de-DE", "digits"),
    ("1234.567", "USD", "en-US", "digits"),
    ("1,23,4.00", "USD", "en-US", "shape"),
    ("1,2345.00", "USD", "en-US", "shape"),
    ("1 5", "USD", "en-US", "shape"),
    ("12 34", "USD", "en-US", "shape"),
    ("1 234,567.00", "USD", "en-US", "shape"),
    ("1.234.56", "USD", "en-US", "shape"),
    ("1,234.56.78", "USD", "en-US", "shape"),
    ("0,123.00", "USD", "en-US", "shape"),
    ("1..5", "USD", "en-US", "shape"),
    ("1,.5", "USD", "en-US", "shape"),
    ("-5", "USD", "en-US", "shape"),
    ("1e3", "USD", "en-US", "shape"),
    ("5²", "USD", "en-US", "shape"),
    ("€5", "USD", "en-US", "shape"),
    ("£5.00", "USD", "en-US", "shape"),
    ("much", "USD", "en-US", "shape"),
    ("", "USD", "en-US", "shape"),
    ("1,000,000,000.01", "USD", "en-US", "too_much"),
    ("100000001", "KWD", "en-US", "too_much"),
    ("9" * 400, "JPY", "en-US", "too_much"),
]


def test_what_could_be_read_wrongly_is_refused_and_it_says_why() -> None:
    told = run(READ, [[text, currency, locale] for text, currency, locale, _ in UNREADABLE])
    assert [(one, said.get("fault")) for one, said in zip(UNREADABLE, told, strict=True)] == [
        (one, one[3]) for one in UNREADABLE
    ]


def test_the_most_is_what_the_api_takes() -> None:
    assert run("process.stdout.write(String(format.MOST_MINOR));", []) == MAX_PRICE_MINOR
