// Shows a sale's figures, on cards and on the sale's own page alike.

import { count, share } from "../common/format.js";
import { fill, putMoney, showWhen, tickCountdowns } from "../common/dom.js";
import { _ } from "../common/words.js";

const STATUS = { open: _("Open now"), paused: _("Paused"), scheduled: _("Coming"), ended: _("Over"), cancelled: _("Cancelled") };
const FIGURES = ["available", "held", "sold", "allocation", "now_serving", "in_line"];

/** Bring the API's sale into the flat form of the socket's messages. */
export function flat(sale) {
  const { queue = {}, id, ...rest } = sale;
  return { ...rest, ...queue, sale_id: sale.sale_id ?? id };
}

/** Put newer figures over older ones; what is older than what is shown changes nothing. */
export function newer(shown, message) {
  const update = flat(message);
  if (shown.server_time && update.server_time && Date.parse(update.server_time) < Date.parse(shown.server_time)) return shown;
  return { ...shown, ...update };
}

/** Show a sale's figures within an element. */
export function showFigures(root, sale) {
  const values = { ...sale, in_line: (sale.waiting ?? 0) + (sale.standby ?? 0) };
  values.allocation ??= sale.available + sale.held + sale.sold;
  for (const name of FIGURES) if (values[name] !== undefined) fill(root, name, count(values[name]));
  showStatus(root, sale, values.allocation);
  showPrice(root, sale);
  showStock(root.querySelector("[data-stock]"), values);
  tickCountdowns();
}

function showStatus(root, sale, allocation) {
  const isTaken = sale.status === "open" && sale.available === 0 && allocation > 0;
  fill(root, "status", isTaken ? _("All taken") : STATUS[sale.status]);
  for (const pill of root.querySelectorAll("[data-slot='status']")) pill.dataset.status = isTaken ? "taken" : sale.status;
  root.dataset.status = sale.status;
  showWhen(root, "status", sale.status);
}

function showPrice(root, sale) {
  const price = root.querySelector(".price .now") ?? root.querySelector(".now");
  putMoney(price, sale.price);
  const was = root.querySelector("[data-off]");
  const list = was?.querySelector("data.money")?.dataset;
  if (!list || !sale.price) return;
  const isCheaper = list.currency === sale.price.currency && Number(list.minor) > sale.price.amount_minor;
  const off = isCheaper ? Math.floor(((list.minor - sale.price.amount_minor) * 100) / list.minor) : 0;
  was.hidden = off < 1;
  fill(was, "off", `−${share(off)}`);
}

function showStock(bar, { available, held, sold, allocation }) {
  if (!bar) return;
  let x = 0;
  for (const [name, units] of [["left", available], ["held", held], ["sold", sold]]) {
    const rect = bar.querySelector(`.stock-${name}`);
    const width = allocation > 0 ? (units * 100) / allocation : 0;
    rect.setAttribute("x", x);
    rect.setAttribute("width", width);
    x += width;
  }
  const figures = { left: count(available), all: count(allocation), held: count(held), sold: count(sold) };
  bar.setAttribute("aria-label", _("{left} of {all} left, {held} held, {sold} sold", figures));
}
