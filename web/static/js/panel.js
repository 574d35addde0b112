// Owns what the purchase panel shows: which face, and what stands in its slots. Knows no network.

import { count, money, wait } from "./format.js";
import { fill, putMoney, showWhen, tell, tickCountdowns } from "./dom.js";
import { isDecided, phaseOf } from "./phases.js";

const ANNOUNCE_MS = 5_000; // a screen reader is told of a moving place at most this often
const LINK = { live: "Live", starting: "Connecting…", reconnecting: "Reconnecting…", polling: "Updating slowly", offline: "You are offline. Last known figures." };

export class Panel {
  #root;
  #notes; // an order's last reason → words
  #first = new Map(); // intent's id → the first place in line that was seen, for the way's length
  #announced = { scene: "", at: 0 };

  constructor(root, notes) {
    this.#root = root;
    this.#notes = notes;
    this.announce = root.querySelector("#announce");
    this.title = document.title;
  }

  /** Show the state: `{sale, intent, order, isSending, wantsMore, isSignedIn}`. */
  show(state) {
    const phase = phaseOf(state);
    this.#switch(phase);
    if (state.intent) this.#showIntent(state);
    if (state.order) this.#showOrder(state.order);
    this.#showEntry(state);
    for (const node of this.#root.querySelectorAll("[data-has-order]")) node.hidden = !state.order;
    for (const node of this.#root.querySelectorAll("[data-has-no-order]")) node.hidden = Boolean(state.order);
    showWhen(this.#root, "order", state.order?.status ?? "held");
    this.#speak(phase, state);
    tickCountdowns();
  }

  #switch(phase) {
    if (this.#root.dataset.phase === phase) return;
    const hadFocus = this.#root.contains(document.activeElement);
    this.#root.dataset.phase = phase;
    for (const face of this.#root.querySelectorAll("[data-face]")) face.hidden = face.dataset.face !== phase;
    tell(this.#root.querySelector("#problem"), "");
    if (!hadFocus) return;
    const face = this.#root.querySelector(`[data-face="${phase}"]`);
    const target = [...face.querySelectorAll("h2")].find((heading) => !heading.hidden);
    target?.setAttribute("tabindex", "-1");
    target?.focus({ preventScroll: true });
  }

  #showIntent({ sale, intent }) {
    fill(this.#root, "ticket", count(intent.ticket));
    fill(this.#root, "quantity", count(intent.quantity));
    fill(this.#root, "reason", (intent.reason ?? "").replaceAll("_", " "));
    for (const node of this.#root.querySelectorAll("[data-has-reason]")) node.hidden = !intent.reason;
    for (const node of this.#root.querySelectorAll("[data-fewer]")) node.hidden = !intent.accept_fewer;
    showWhen(this.#root, "reason", intent.reason === "sale_ended" ? "sale_ended" : "none");
    if (isDecided(intent)) return;
    showWhen(this.#root, "intent", intent.status);
    const position = placeOf(intent, sale);
    fill(this.#root, "position", position === null ? "–" : position > 0 ? count(position) : "Now");
    fill(this.#root, "eta", etaOf(position, sale, intent));
    this.#root.querySelector("#way").hidden = intent.status !== "queued";
    if (intent.status === "queued") this.#showWay(intent, position);
  }

  #showWay(intent, position) {
    const first = Math.max(this.#first.get(intent.id) ?? 0, position);
    this.#first.set(intent.id, first);
    const way = this.#root.querySelector("#way");
    way.max = Math.max(first, 1);
    way.value = first - position;
  }

  #showOrder(order) {
    fill(this.#root, "order_quantity", count(order.quantity));
    fill(this.#root, "order_id", order.id.slice(-8));
    fill(this.#root, "receipt", order.receipt_number ?? "");
    tell(this.#root.querySelector("[data-slot='order_note']"), this.#noteOf(order));
    putMoney(this.#root.querySelector(".pay-total"), order.total);
    putMoney(this.#root.querySelector(".unit"), order.unit_price);
    putMoney(this.#root.querySelector(".order-total"), order.total);
    for (const node of this.#root.querySelectorAll("[data-slot='expires']")) node.dateTime = order.expires_at;
  }

  /** Why the last change happened, in words; `web/pages/paying.py` says the same at first. */
  #noteOf({ status, history }) {
    const reason = history.at(-1)?.reason;
    const isDeclined = reason && status === "held" && history.at(-2)?.status === "paying";
    return this.#notes[reason] ?? (isDeclined ? this.#notes.declined : "");
  }

  #showEntry({ sale, order }) {
    const hasAll = order?.quantity >= sale.per_shopper_limit && ["held", "paying", "paid"].includes(order.status);
    for (const node of this.#root.querySelectorAll("[data-again]")) {
      const isLacking = node.dataset.again === "stock" && sale.available === 0;
      node.hidden = sale.status !== "open" || hasAll || isLacking;
    }
    for (const node of this.#root.querySelectorAll("[data-when-taken]")) node.hidden = sale.available > 0;
    const quantity = Number(this.#root.querySelector("[name=quantity]")?.value) || 1;
    const total = { amount_minor: sale.price.amount_minor * quantity, currency: sale.price.currency };
    putMoney(this.#root.querySelector("[data-slot='wish_total']"), total);
  }

  /** Tell a screen reader, and a tab in the background, what matters; not every step. */
  #speak(phase, { sale, intent, order }) {
    const scene = [phase, phase === "line" && intent.status, phase === "held" && order?.status].join(" ");
    const isNew = scene !== this.#announced.scene;
    if (!isNew && (phase !== "line" || Date.now() - this.#announced.at < ANNOUNCE_MS)) return;
    const words = this.#wordsFor(phase, sale, intent, order);
    if (this.#announced.scene || phase === "line") this.announce.textContent = words;
    this.#announced = { scene, at: Date.now() };
    const isTold = ["line", "held", "sold_out"].includes(phase);
    document.title = isTold && words ? `${words} · ${this.title}` : this.title;
  }

  #wordsFor(phase, sale, intent, order) {
    if (phase === "line") return placeInWords(intent, placeOf(intent, sale));
    if (phase === "held" && order?.status === "held") return `It is yours! Total ${money(order.total.amount_minor, order.total.currency)}`;
    const face = this.#root.querySelector(`[data-face="${phase}"]`);
    const heading = [...face.querySelectorAll("h2")].find((node) => !node.hidden);
    return heading?.textContent ?? "";
  }
}

/** How the page hears of changes, in words. */
export function showLink(node, link) {
  node.dataset.link = link;
  fill(node, "link", LINK[link]);
}

/** The place in line: on standby as it was told, otherwise what is still before the ticket. */
function placeOf(intent, sale) {
  if (intent.status === "standby") return intent.position;
  return Math.max(intent.ticket - (sale.now_serving ?? 0), 0);
}

function placeInWords(intent, position) {
  const ticket = `Ticket ${count(intent.ticket)}`;
  if (intent.status === "standby") return `Standing by, ${ticket.toLowerCase()}${position ? `, place ${count(position)}` : ""}`;
  return position > 0 ? `${ticket}, place ${count(position)}` : `${ticket}, it is your turn`;
}

function etaOf(position, sale, intent) {
  if (position === 0) return "It is your turn. The verdict comes any moment.";
  const seconds = sale.pace > 0 ? position / sale.pace : intent.eta_seconds;
  if (!seconds) return "It goes in ticket order. Your place moves as others are served.";
  return `About ${wait(seconds)} at the present pace.`;
}
