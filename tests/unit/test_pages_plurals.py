"""The scripts choose a plural's form as the catalogue has it, whatever order the browser names forms in."""

import json
import subprocess

import pytest
from playwright._impl._driver import compute_driver_executable

from config import ROOT

SAY = """
const catalogue = { textContent: JSON.stringify({ unit: ["one form", "other form"] }) };
globalThis.document = { documentElement: { lang: %(lang)s }, getElementById: () => catalogue };
const told = Intl.PluralRules.prototype.resolvedOptions;
Intl.PluralRules.prototype.resolvedOptions = function () {
  const options = told.call(this);
  return { ...options, pluralCategories: options.pluralCategories.toSorted() }; // by the alphabet, as some do
};
const { ngettext } = await import(%(module)s);
process.stdout.write(JSON.stringify([0, 1, 2, 1_000_000].map((number) => ngettext("unit", "units", number))));
"""


@pytest.mark.parametrize(("language", "of_none"), [("de", "other form"), ("fr", "one form")])
def test_one_has_the_first_form_and_many_the_last(language: str, of_none: str) -> None:
    module = (ROOT / "web" / "static" / "js" / "common" / "words.js").as_uri()
    script = SAY % {"lang": json.dumps(language), "module": json.dumps(module)}
    words = [compute_driver_executable()[0], "--input-type=module", "-e", script]
    done = subprocess.run(words, capture_output=True, timeout=60, check=True)
    assert json.loads(done.stdout) == [of_none, "one form", "other form", "other form"]
