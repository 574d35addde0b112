// Converts form fields between what the visitor reads and what the API takes.

import { count, editable, minorDigits, moment, money, MOST_MINOR, parseMoney, readMoney } from "../common/format.js";
import { _ } from "../common/words.js";

/** A time as `datetime-local` has it: the visitor's own, to the minute. */
export function local(at) {
  const date = new Date(at);
  return new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

/** The visitor's zone, e.g. «Europe/Berlin (GMT+2)». */
export function zone() {
  const { timeZone } = new Intl.DateTimeFormat("en").resolvedOptions();
  return `${timeZone} (${offset(-new Date().getTimezoneOffset())})`;
}

function offset(minutes) {
  if (minutes === 0) return "GMT";
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60];
  return `GMT${minutes < 0 ? "-" : "+"}${hours}${rest ? `:${String(rest).padStart(2, "0")}` : ""}`;
}

/** The currency of an amount: what its control says, or the product that is chosen in it. */
export function currencyOf(input) {
  const control = input.form.elements[input.dataset.currencyOf];
  return control.selectedOptions ? (control.selectedOptions[0]?.dataset.currency ?? "") : control.value.trim().toUpperCase();
}

const READERS = {
  text: (input) => input.value.trim(),
  whole: (input) => Number(input.value),
  flag: (input) => input.checked,
  moment: ({ value, dataset }) => (dataset.at && value === local(dataset.at) ? dataset.at : new Date(value).toISOString()), // with its seconds
  money: (input) => ({ amount_minor: parseMoney(input.value, currencyOf(input)), currency: currencyOf(input) }),
};

/** Read a field as the API wants it; empty is null where the field says that it may be. */
export function valueOf(input) {
  const { kind, empty } = input.dataset;
  return input.value.trim() === "" && empty === "null" ? null : READERS[kind](input);
}

/** What is compared to know whether a field was changed. */
export function written(input) {
  if (input.dataset.kind === "flag") return String(input.checked);
  return input.dataset.kind === "money" ? `${input.value} ${currencyOf(input)}` : input.value;
}

const FAULTS = {
  shape: (currency) => _("Write an amount of {currency}, e.g. {example}.", { currency, example: editable(1999, currency) }),
  unclear: (currency, minor) => _("This can be read in two ways. Write all of its digits, e.g. {example}.", { example: editable(minor, currency) }),
  digits: (currency) => _("{currency} has this many digits after the decimal mark at most: {n}.", { currency, n: count(minorDigits(currency)) }),
  too_much: (currency) => _("That is too much: {most} at most.", { most: money(MOST_MINOR, currency) }),
};

/** Say what is wrong with an amount; empty where nothing is. */
export function moneyFault(text, currency) {
  const { fault, minor } = readMoney(text, currency);
  return fault ? FAULTS[fault](currency, minor) : "";
}

/** Say what is wrong with a field before anything is sent; empty where nothing is. */
export function faultOf(input) {
  if (!input.validity.valid) return input.validationMessage;
  if (input.dataset.kind !== "money" || input.value.trim() === "") return "";
  const currency = currencyOf(input);
  return /^[A-Z]{3}$/.test(currency) ? moneyFault(input.value, currency) : "";
}

const ELSEWHERE = { product_id: (data) => data.product.id, currency: (data) => data.list_price.currency }; // in the API's answer

/** What a field shows where the API tells this. */
export function shown(input, data) {
  const value = ELSEWHERE[input.name]?.(data) ?? input.name.split(".").reduce((place, step) => place?.[step], data);
  if (value === null || value === undefined) return "";
  if (input.dataset.kind === "money") return editable(value.amount_minor, value.currency);
  return input.dataset.kind === "moment" ? local(value) : String(value);
}

/** Put a form's amounts into the visitor's way of writing, which is the one that is read. */
export function putAmounts(form) {
  for (const input of form.querySelectorAll("[data-minor]")) input.value = input.defaultValue = editable(Number(input.dataset.minor), currencyOf(input));
}

/** The same time by the visitor's clock, days later: another instant, where clocks were changed in between. */
function daysLater(at, days) {
  const date = new Date(at);
  date.setDate(date.getDate() + days);
  return date;
}

/** Propose a model's times by the visitor's clock, on the first day on which all are to come, in their order. */
export function proposeTimes(form, now) {
  const inputs = [...form.querySelectorAll("[data-model-at]")].filter((input) => input.dataset.modelAt);
  const on = (days) => inputs.map((input) => daysLater(input.dataset.modelAt, days));
  const ofModel = on(0);
  const isFit = (times) => times.every((time) => time > now) && times.every((time, i) => times.every((other, k) => ofModel[i] >= ofModel[k] || time < other));
  let days = Math.max(0, Math.floor((now - Math.min(...ofModel)) / 86_400_000) - 1);
  while (inputs.length && !isFit(on(days))) days += 1;
  for (const [i, time] of on(days).entries()) inputs[i].dataset.at = time.toISOString();
}

/** Put a form's times into the visitor's zone, and say which it is. */
export function putTimes(form) {
  for (const input of form.querySelectorAll("[data-at]")) {
    input.value = input.defaultValue = local(input.dataset.at);
    input.title = moment(input.dataset.at);
  }
  for (const node of form.querySelectorAll("[data-zone]")) node.textContent = node.dataset.zone.replace("{zone}", zone());
}
