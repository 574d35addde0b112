// Owns how money, counts, times and waits are written, in the visitor's own way.

import { _ } from "./words.js";
const locales = navigator.languages?.length ? [...navigator.languages] : undefined;
const counts = new Intl.NumberFormat(locales);
const moments = new Intl.DateTimeFormat(locales, { dateStyle: "medium", timeStyle: "short" });
const clocks = new Intl.DateTimeFormat(locales, { timeStyle: "medium" });
const moneys = new Map();
// ISO 4217, as `models/currencies.py` has it. Intl is not asked: it counts the digits that are customary, not the minor unit's.
const DIGITS = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
};
const UNITS = [[1, "second", 60], [60, "minute", 5400], [3600, "hour", 172_800], [86_400, "day", Infinity]]; // unit up to that many seconds

function moneyFormat(currency) {
  if (!moneys.has(currency)) {
    const digits = minorDigits(currency);
    const options = { style: "currency", currency, minimumFractionDigits: digits, maximumFractionDigits: digits };
    moneys.set(currency, new Intl.NumberFormat(locales, options));
  }
  return moneys.get(currency);
}

/** How many digits the currency's minor unit has. */
export function minorDigits(currency) {
  const found = Object.entries(DIGITS).find(([, currencies]) => currencies.split(" ").includes(currency));
  return found ? Number(found[0]) : 2;
}

export function money(minor, currency) {
  return moneyFormat(currency).format(minor / 10 ** minorDigits(currency));
}

export const count = (value) => counts.format(value);
export const moment = (value) => moments.format(new Date(value));
export const clock = (value) => clocks.format(new Date(value));

/** A length of time in words, e.g. «10 minutes»: rounded up to one unit, in the language of the page around it. */
export function wait(seconds) {
  const [size, unit] = UNITS.find(([, , below]) => seconds < below);
  const format = new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, unitDisplay: "long" });
  return format.format(Math.max(1, Math.ceil(seconds / size)));
}

/** A countdown, e.g. `2 d 03:04:05` or `04:05`. */
export function countdown(ms) {
  const seconds = Math.max(0, Math.ceil(ms / 1000));
  const two = (value) => String(value).padStart(2, "0");
  const days = Math.floor(seconds / 86_400);
  const hours = Math.floor(seconds / 3600) % 24;
  const rest = `${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  if (days) return _("{days} d {time}", { days: count(days), time: `${two(hours)}:${rest}` });
  return hours ? `${hours}:${rest}` : rest;
}

/** Read «1 234,50» or «1,234.50» as an integer of minor units; null where it is no amount. */
export function parseMoney(text, currency) {
  const digits = minorDigits(currency);
  const fraction = digits ? `(?:[.,](\\d{1,${digits}}))?` : "()";
  const amount = new RegExp(`^(\\d+|\\d{1,3}(?:[.,]\\d{3})+)${fraction}$`);
  const match = amount.exec(text.replace(/[\s'’_]/g, ""));
  if (!match) return null;
  const minor = Number(match[1].replace(/[.,]/g, "") + (match[2] ?? "").padEnd(digits, "0"));
  return Number.isSafeInteger(minor) ? minor : null;
}
