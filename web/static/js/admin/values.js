// Owns what is written in a form's fields: as the visitor has it on the one side, as the API on the other.

import { minorDigits, moment, parseMoney } from "../format.js";
import { _ } from "../words.js";

/** A time as `datetime-local` has it: the visitor's own, to the minute. */
export function local(at) {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The visitor's zone, e.g. «Europe/Berlin (GMT+2)». */
export function zone() {
  const { timeZone } = new Intl.DateTimeFormat().resolvedOptions();
  const parts = new Intl.DateTimeFormat("en", { timeZoneName: "shortOffset" }).formatToParts();
  return `${timeZone} (${parts.find(({ type }) => type === "timeZoneName").value})`;
}

/** The currency of an amount: what its control says, or the product that is chosen in it. */
export function currencyOf(input) {
  const control = input.form.elements[input.dataset.currencyOf];
  return control.selectedOptions ? (control.selectedOptions[0]?.dataset.currency ?? "") : control.value.trim().toUpperCase();
}

const READERS = {
  text: (input) => input.value.trim(),
  whole: (input) => Number(input.value),
  moment: (input) => new Date(input.value).toISOString(),
  money: (input) => ({ amount_minor: parseMoney(input.value, currencyOf(input)), currency: currencyOf(input) }),
};

/** Read a field as the API wants it; empty is null where the field says that it may be. */
export function valueOf(input) {
  const { kind, empty } = input.dataset;
  return input.value.trim() === "" && empty === "null" ? null : READERS[kind](input);
}

/** What is compared to know whether a field was changed. */
export const written = (input) => (input.dataset.kind === "money" ? `${input.value} ${currencyOf(input)}` : input.value);

/** An amount as the page's language writes it, with the digits that the currency has. */
function example(currency) {
  const digits = minorDigits(currency);
  const format = new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: digits, useGrouping: false });
  return format.format(1999 / 10 ** digits);
}

/** Say what is wrong with a field before anything is sent; empty where nothing is. */
export function faultOf(input) {
  if (!input.validity.valid) return input.validationMessage;
  if (input.dataset.kind !== "money" || input.value.trim() === "") return "";
  const currency = currencyOf(input);
  if (!/^[A-Z]{3}$/.test(currency) || parseMoney(input.value, currency) !== null) return "";
  return _("Write an amount of {currency}, e.g. {example}.", { currency, example: example(currency) });
}

/** Put a form's times into the visitor's zone, and say which it is. */
export function putTimes(form) {
  for (const input of form.querySelectorAll("[data-at]")) {
    input.value = local(input.dataset.at);
    input.title = moment(input.dataset.at);
  }
  for (const node of form.querySelectorAll("[data-zone]")) node.textContent = node.dataset.zone.replace("{zone}", zone());
}
