// What an admin can do to a sale: each verb first says what it does to shoppers, and asks for confirmation.

import { fill, tell } from "../common/dom.js";
import { count, editable, money, parseMoney } from "../common/format.js";
import { flat } from "../sale/figures.js";
import { api, tagged } from "../common/session.js";
import { wordsFor } from "../common/problems.js";
import { _, ngettext } from "../common/words.js";
import { confirmed } from "../common/confirm.js";
import { moneyFault } from "./values.js";

const MOST_UNITS = 10_000_000;
const MOST = 2_147_483_647;

/** Read «+10», «-5» or «−5»; NaN where it is no whole number. */
function numberOf(text) {
  const plain = text.replace(/\s/g, "").replace("−", "-");
  return /^[+-]?\d+$/.test(plain) ? Number(plain) : Number.NaN;
}

const inLine = (n) => ngettext("{n} shopper in line", "{n} shoppers in line", n, { n: count(n) });
const onStandby = (n) => ngettext("{n} on standby", "{n} on standby", n, { n: count(n) });
const who = (sale) => `${inLine(sale.waiting)}, ${onStandby(sale.standby)}.`;

const MOVES = {
  open: () => ({
    title: _("Open the sale now?"),
    text: _("It does not wait for its time: who stands in the lobby is served at once, and everybody can join the line."),
    verb: _("Open"),
    done: _("The sale is open."),
  }),
  pause: (sale) => ({
    title: _("Pause the sale?"),
    text: [
      _("Everybody keeps the place in line, but nothing is decided and nobody can join until you resume."),
      _("Holds go on: they can be paid, and they expire."),
      who(sale),
    ],
    verb: _("Pause"),
    done: _("The sale is paused."),
  }),
  resume: (sale) => ({
    title: _("Go on with the sale?"),
    text: [_("The line goes on where it stopped, and shoppers can join again."), who(sale)],
    verb: _("Resume"),
    done: _("The sale goes on."),
  }),
  end: (sale) => ({
    title: _("End the sale for good?"),
    text: [
      _("Everybody who still waits hears «sold out». Holds that were given can still be paid until they expire."),
      who(sale),
      _("It cannot be opened again."),
    ],
    verb: _("End for good"),
    isDanger: true,
    done: _("The sale has ended."),
  }),
  cancel: (sale) => ({
    title: _("Cancel the sale and give all money back?"),
    text: [
      _("Everybody who waits is refused, every hold ends, and every paid order is refunded."),
      who(sale),
      _("Held: {held}. Sold: {sold}.", { held: count(sale.held), sold: count(sale.sold) }),
      _("It cannot be undone."),
    ],
    verb: _("Cancel and refund"),
    isDanger: true,
    done: _("The sale is cancelled."),
  }),
};

const CHANGES = {
  price(sale) {
    const { amount_minor, currency } = sale.price;
    return {
      title: _("Change the price"),
      text: _("It is {price} now. The new price holds for tickets that are decided from now on; holds and orders keep theirs.", { price: money(amount_minor, currency) }),
      verb: _("Change the price"),
      done: _("The price was changed."),
      fields: [{ name: "amount", label: _("New price in {currency}", { currency }), value: editable(amount_minor, currency), inputMode: "decimal", required: true, check: (value) => moneyFault(value, currency) }],
      body: ({ amount }) => ({ price: { amount_minor: parseMoney(amount, currency), currency } }),
    };
  },
  allocation(sale) {
    const taken = sale.held + sale.sold;
    return {
      title: _("Change the units"),
      text: [
        _("There are {all}: {left} left, {held} held, {sold} sold.", { all: count(sale.allocation), left: count(sale.available), held: count(sale.held), sold: count(sale.sold) }),
        _("More units go to who stands by first, in their order. Fewer than what is held and sold is not possible."),
      ],
      verb: _("Change the units"),
      done: _("The units were changed."),
      fields: [
        { name: "allocation", label: _("Units"), type: "number", value: sale.allocation, min: taken, max: MOST_UNITS, step: 1, required: true },
        { name: "change", label: _("Or so many more or fewer"), hint: _("E.g. +10 or -5. It is counted from what there is then, also where others change it at the same time."), inputMode: "text", autocomplete: "off", check: (value) => (value.trim() === "" || numberOf(value) ? "" : _("Write a whole number, e.g. +10 or -5.")) },
      ],
      body: ({ allocation }) => ({ allocation: Number(allocation) }),
      change: ({ change }) => numberOf(change),
    };
  },
  pace(sale) {
    const { rate_per_second: rate, max_open_holds: holds } = sale.admission;
    const bound = { type: "number", min: 1, max: MOST, step: 1 };
    const number = (value) => (value === "" ? null : Number(value));
    return {
      title: _("Change the pace"),
      text: _("A slower line lets shoppers wait longer and spares checkout; the order in line stays. Empty means without a bound."),
      verb: _("Change the pace"),
      done: _("The pace was changed."),
      fields: [
        { ...bound, name: "rate_per_second", label: _("Decisions a second at most"), value: rate ?? "" },
        { ...bound, name: "max_open_holds", label: _("Unpaid holds at once at most"), value: holds ?? "" },
      ],
      body: (values) => ({ admission: { rate_per_second: number(values.rate_per_second), max_open_holds: number(values.max_open_holds) } }),
    };
  },
};

/** The sale as it is now, with its ETag. */
async function look(path) {
  const { data, etag } = await tagged(path);
  return { sale: flat(data), etag };
}

/** Change a sale as it was seen; where somebody else was quicker, show how it is now and keep what was typed. */
async function change(path, seen, questionOf, values) {
  const { body, change: unitsOf } = questionOf(seen.sale);
  const units = unitsOf?.(values);
  if (units) return api(`${path}/units`, { method: "POST", body: { change: units }, headers: { "Idempotency-Key": seen.keyOf(units) } });
  try {
    return await api(path, { method: "PATCH", body: body(values), headers: { "If-Match": seen.etag } });
  } catch (error) {
    if (error.code !== "precondition_failed") throw error;
    Object.assign(seen, await look(path));
    const words = _("Somebody else changed the sale meanwhile, so that nothing was changed. What you typed is still here: look through it and try again.");
    throw Object.assign(new Error(words), { text: questionOf(seen.sale).text });
  }
}

/** A key for each number that is asked for in a dialog: pressed twice, or again after no answer, it counts once. */
function keys() {
  const known = new Map();
  return (units) => {
    if (!known.has(units)) known.set(units, [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join(""));
    return known.get(units);
  };
}

/** Make the page's buttons work; `took` gets the sale as it is afterwards. */
export function listenToVerbs(root, saleNow, took) {
  const changeIt = async (verb, path) => {
    const seen = { ...(await look(path)), keyOf: keys() };
    const { done, body: _body, change: _change, ...question } = CHANGES[verb](seen.sale);
    const act = async (values) => took(await change(path, seen, CHANGES[verb], values));
    return (await confirmed({ ...question, act })) && done;
  };
  const moveIt = async (verb, path) => {
    const { done, ...question } = MOVES[verb](saleNow());
    const act = async () => took(await api(`${path}/${verb}`, { method: "POST" }));
    return (await confirmed({ ...question, act })) && done;
  };
  const perform = async (button) => {
    const { verb } = button.dataset;
    const path = `/api/v1/sales/${saleNow().sale_id}`;
    const done = await (verb in MOVES ? moveIt : changeIt)(verb, path);
    if (!done) return;
    fill(root, "done", done);
    if (button.hidden) [...root.querySelectorAll("[data-verb]")].find((other) => !other.hidden)?.focus();
  };
  const tryIt = (button) => perform(button).catch((error) => tell(document.getElementById("trouble"), wordsFor(error)));
  for (const button of root.querySelectorAll("[data-verb]")) button.addEventListener("click", () => tryIt(button));
}
