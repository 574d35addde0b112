// Writes money, counts, times and waits in the visitor's locale, and reads money that they type.

import { _, known, language } from "./words.js";

const locales = [...known(navigator.languages ?? []), language];
const counts = new Intl.NumberFormat(locales);
const shares = new Intl.NumberFormat(locales, { style: "percent" });
const spoken = [...locales.filter((tag) => tag.split("-")[0] === language), language]; // a date has words in it
const moments = new Intl.DateTimeFormat(spoken, { dateStyle: "medium", timeStyle: "short" });
const clocks = new Intl.DateTimeFormat(locales, { timeStyle: "medium" });
const moneys = new Map();
// ISO 4217, as `models/money.py` has it. Intl is not asked: it counts the digits that are customary, not the minor unit's.
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
export const share = (percent) => shares.format(percent / 100);
export const moment = (value) => moments.format(new Date(value));
export const clock = (value) => clocks.format(new Date(value));

/** A length of time in words, e.g. «10 minutes»: rounded up to one unit, in the language of the page around it. */
export function wait(seconds) {
  const [size, unit] = UNITS.find(([, , below]) => seconds < below);
  const format = new Intl.NumberFormat(language, { style: "unit", unit, unitDisplay: "long" });
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

/** An amount as a field has it: in the visitor's way, without thousands, with all digits of the minor unit. */
export function editable(minor, currency) {
  const digits = minorDigits(currency);
  const options = { minimumFractionDigits: digits, maximumFractionDigits: digits, useGrouping: false };
  return new Intl.NumberFormat(locales, options).format(minor / 10 ** digits);
}

export const MOST_MINOR = 100_000_000_000; // what the API takes at most
const INVISIBLE = /[\u200e\u200f\u061c\u202a-\u202e\u2066-\u2069]/g;
const SAME = { "’": "'", "‘": "'", "ʼ": "'", "′": "'", "．": ".", "，": "," };

/** The digits of all scripts, each with the one that it means. */
function foreignDigits() {
  const systems = Intl.supportedValuesOf?.("numberingSystem") ?? ["arab", "arabext", "beng", "deva", "fullwide"];
  return new Map(
    systems.flatMap((system) => {
      const signs = [...new Intl.NumberFormat(`en-u-nu-${system}`, { useGrouping: false }).format(9_876_543_210)];
      return signs.length === 10 ? signs.map((sign, place) => [sign, String(9 - place)]) : [];
    }),
  );
}

/** A locale's separators of thousands and decimals; some locales write money otherwise than numbers. */
function marksOf(locale, currency) {
  const parts = [{}, { style: "currency", currency }].flatMap((options) => new Intl.NumberFormat(locale, { ...options, minimumFractionDigits: 1 }).formatToParts(1_234_567.5));
  const values = (kind) => new Set(parts.filter(({ type }) => type === kind).map(({ value }) => value));
  return { groups: values("group"), decimals: values("decimal") };
}

/** Take the currency's own sign away; another's stays, and is no part of an amount. */
function withoutSign(text, currency, locale) {
  const shown = ["symbol", "narrowSymbol", "code"].flatMap((currencyDisplay) =>
    [locale, "en"].flatMap((one) => new Intl.NumberFormat(one, { style: "currency", currency, currencyDisplay }).formatToParts(1)),
  );
  const signs = new Set(shown.filter(({ type }) => type === "currency").map(({ value }) => value.replace(INVISIBLE, "").trim()));
  for (const sign of [...signs].sort((one, other) => other.length - one.length)) {
    if (text.startsWith(sign)) return text.slice(sign.length).trim();
    if (text.endsWith(sign)) return text.slice(0, -sign.length).trim();
  }
  return text;
}

function plainOf(text, currency, locale) {
  const bare = withoutSign(text.replace(INVISIBLE, "").trim(), currency, locale);
  const foreign = /[^\p{ASCII}\s]/u.test(bare) ? foreignDigits() : new Map();
  return [...bare].map((sign) => SAME[sign] ?? foreign.get(sign) ?? (/\s/.test(sign) ? " " : sign)).join("");
}

/** Whether the parts are groups of a number: of three digits, or of two and a last one of three. */
function areGroups(parts, signs) {
  if (parts.length === 1) return true;
  const [first, ...rest] = parts;
  const last = rest.pop();
  const isWestern = /^[1-9]\d{0,2}$/.test(first) && rest.every((part) => part.length === 3);
  const isIndian = /^[1-9]\d?$/.test(first) && rest.every((part) => part.length === 2);
  return new Set(signs).size === 1 && last.length === 3 && (isWestern || isIndian);
}

/** Of the only separator of an amount, say whether it parts decimals; null where that cannot be known. */
function partsDecimals(sign, whole, rest, digits, { groups, decimals }) {
  const mayGroup = rest.length === 3 && /^[1-9]\d{0,2}$/.test(whole);
  if (!mayGroup) return true;
  const isGroup = groups.has(sign) && !decimals.has(sign);
  if (rest.length <= digits) return decimals.has(sign) && !groups.has(sign) ? true : null;
  if (digits === 0) return isGroup ? false : null;
  return isGroup && sign !== "." ? false : null; // half of the world, and every program, begins decimals with a dot
}

/** Read an amount as people write it, in the way of a locale; never guessing between thousands and decimals.
 *
 * Answers `{minor}`, or `{fault}`: `shape` (it is none), `unclear` (it can be read in two ways; `minor` is the larger),
 * `digits` (more than the minor unit has), `too_much`.
 */
export function readMoney(text, currency, locale = locales) {
  const digits = minorDigits(currency);
  const plain = plainOf(text, currency, locale);
  if (!/^\d+(?:[ '_٬.,٫]\d+)*$/.test(plain)) return { fault: "shape" };
  const parts = plain.split(/\D/);
  const signs = [...plain].filter((sign) => !/\d/.test(sign));
  const [last] = signs.slice(-1);
  const isOnce = signs.filter((sign) => sign === last).length === 1;
  let hasDecimals = last === "٫" || ((last === "." || last === ",") && isOnce);
  if (hasDecimals && last !== "٫" && signs.length === 1) {
    hasDecimals = partsDecimals(last, parts[0], parts[1], digits, marksOf(locale, currency));
    if (hasDecimals === null) return { fault: "unclear", minor: Number(parts.join("")) * 10 ** digits };
  }
  const fraction = hasDecimals ? parts.pop() : "";
  if (!areGroups(parts, hasDecimals ? signs.slice(0, -1) : signs)) return { fault: "shape" };
  if (fraction.length > digits) return { fault: "digits" };
  const minor = Number(parts.join("") + fraction.padEnd(digits, "0"));
  return minor > MOST_MINOR ? { fault: "too_much" } : { minor };
}

/** Read an amount as an integer of minor units; null where it is none, or cannot be known. */
export function parseMoney(text, currency, locale = locales) {
  const { minor, fault } = readMoney(text, currency, locale);
  return fault ? null : minor;
}
