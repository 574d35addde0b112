// The purchase panel: which face it shows, and what its slots say. Knows no network.

import { count, money, wait } from "../common/format.js";
import { fill, putMoney, showWhen, tell, tellWhy, tickCountdowns } from "../common/dom.js";
import { last } from "../common/lists.js";
import { isDecided, phaseOf } from "./phases.js";
import { outlookOf, placeOf } from "./place.js";
import { _ } from "../common/words.js";

const ANNOUNCE_MS = 5_000; // a screen reader is told of a moving place at most this often
const LINK = { live: _("Live"), starting: _("Connecting…"), reconnecting: _("Reconnecting…"), polling: _("Updating slowly"), offline: _("You are offline. Last known figures.") };

export class Panel {
  #root;
  #notes; // why an order changed, in words: by its reason, or else by its status
  #first = new Map(); // intent's id → the first place in line that was seen, for the way's length
  #announced = { scene: "", at: 0 };

  constructor(root, notes) {
    this.#root = root;
    this.#notes = { reasons: new Map(Object.entries(notes.reasons)), others: notes.others };
    this.announce = root.querySelector("#announce");
    this.title = document.title;
  }

  /** Show the state: `{sale, intent, order, isSending, wantsMore, isSignedIn, isKnown}`. */
  show(state) {
    const focused = this.#root.contains(document.activeElement) ? document.activeElement : null;
    const phase = phaseOf(state);
    this.#switch(phase);
    this.#root.dataset.known = "";
    if (state.intent) this.#showIntent(state);
    if (state.order) this.#showOrder(state.order);
    this.#showEntry(state);
    for (const node of this.#root.querySelectorAll("[data-has-order]")) node.hidden = !state.order;
    for (const node of this.#root.querySelectorAll("[data-has-no-order]")) node.hidden = Boolean(state.order);
    showWhen(this.#root, "order", state.order?.status ?? "held");
    if (focused) this.keepFocus(focused);
    this.#speak(phase, state);
    tickCountdowns();
  }

  /** Leave the focus where it was, or take it to the heading of what is shown instead. */
  keepFocus(node) {
    if (node.getClientRects().length) return node.focus({ preventScroll: true });
    const heading = this.#heading();
    heading?.setAttribute("tabindex", "-1");
    heading?.focus({ preventScroll: true });
  }

  #heading(phase = this.#root.dataset.phase) {
    return [...this.#root.querySelectorAll(`[data-face="${phase}"] h2`)].find((node) => !node.hidden);
  }

  #switch(phase) {
    if (this.#root.dataset.phase === phase) return;
    this.#root.dataset.phase = phase;
    for (const face of this.#root.querySelectorAll("[data-face]")) face.hidden = face.dataset.face !== phase;
    tell(this.#root.querySelector("#problem"), "");
  }

  #showIntent({ sale, intent }) {
    fill(this.#root, "ticket", intent.ticket ? count(intent.ticket) : "–");
    fill(this.#root, "quantity", count(intent.quantity));
    fill(this.#root, "reason", this.#notes.reasons.get(intent.reason) ?? "");
    for (const node of this.#root.querySelectorAll("[data-has-reason]")) node.hidden = !this.#notes.reasons.get(intent.reason);
    for (const node of this.#root.querySelectorAll("[data-fewer]")) node.hidden = !intent.accept_fewer;
    showWhen(this.#root, "reason", intent.reason === "sale_ended" ? "sale_ended" : "none");
    if (isDecided(intent)) return;
    showWhen(this.#root, "intent", intent.status);
    const { place, isExact } = placeOf(intent, sale);
    const number = isExact ? count(place) : `≈ ${count(place)}`;
    fill(this.#root, "position", place === null ? "–" : place > 0 ? number : _("Now"));
    fill(this.#root, "eta", etaOf(place, sale, intent));
    this.#root.querySelector("#way").hidden = intent.status !== "queued";
    if (intent.status === "queued") this.#showWay(intent, place);
    this.#showOutlook(intent, sale);
  }

  #showOutlook(intent, sale) {
    const outlook = intent.status === "waiting" || sale.status === "paused" ? null : outlookOf(intent, sale);
    showWhen(this.#root, "chance", outlook?.chance ?? "");
    if (!outlook) return;
    showWhen(this.#root, "left", outlook.obtainable ? "some" : "none");
    fill(this.#root, "ahead", count(outlook.ahead));
    fill(this.#root, "obtainable", count(outlook.obtainable));
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
    this.#root.querySelector("[data-receipt-link]").href = `/orders/${order.id}/receipt`;
    tellWhy(this.#root.querySelector("[data-slot='order_note']"), order.status, this.#why(last(order.history)));
    putMoney(this.#root.querySelector(".pay-total"), order.total);
    showWhen(this.#root, "cost", order.total.amount_minor === 0 ? "none" : "some");
    putMoney(this.#root.querySelector(".unit"), order.unit_price);
    putMoney(this.#root.querySelector(".order-total"), order.total);
    for (const node of this.#root.querySelectorAll("[data-slot='expires']")) node.dateTime = order.expires_at;
  }

  #why(change) {
    return change?.reason ? (this.#notes.reasons.get(change.reason) ?? this.#notes.others[change.status]) : "";
  }

  #showEntry({ sale, order }) {
    // A shopper with an order to pay, or with all they may have, is offered no other ticket: it would hide the order.
    const hasAll = ["held", "paying"].includes(order?.status) || (order?.status === "paid" && order.quantity >= sale.per_shopper_limit);
    for (const node of this.#root.querySelectorAll("[data-again]")) {
      const isLacking = node.dataset.again === "stock" && sale.available === 0;
      node.hidden = sale.status !== "open" || hasAll || isLacking;
    }
    for (const node of this.#root.querySelectorAll("[data-when-taken]")) node.hidden = sale.available > 0;
    const quantity = Number(this.#root.querySelector("[name=quantity]")?.value) || 1;
    const total = { amount_minor: sale.price.amount_minor * quantity, currency: sale.price.currency };
    putMoney(this.#root.querySelector("[data-slot='request_total']"), total);
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
    if (phase === "line") return placeInWords(intent, placeOf(intent, sale).place);
    if (phase === "held" && order?.status === "held") return _("It is yours! Total {total}", { total: money(order.total.amount_minor, order.total.currency) });
    return this.#heading(phase)?.textContent ?? "";
  }
}

/** Say in words how the page gets its updates. */
export function showLink(node, link) {
  node.dataset.link = link;
  fill(node, "link", LINK[link]);
}

function placeInWords(intent, position) {
  if (!intent.ticket) return _("Lots are being drawn for the order of the lobby");
  const values = { ticket: count(intent.ticket), place: count(position ?? 0) };
  if (intent.status === "standby" && !position) return _("Standing by, ticket {ticket}", values);
  if (intent.status === "standby") return _("Standing by, ticket {ticket}, place {place}", values);
  return position > 0 ? _("Ticket {ticket}, place {place}", values) : _("Ticket {ticket}, it is your turn", values);
}

function etaOf(position, sale, intent) {
  if (position === 0) return _("It is your turn. The verdict comes any moment.");
  const seconds = sale.pace > 0 ? position / sale.pace : intent.eta_seconds;
  if (!seconds) return _("It goes in ticket order. Your place moves as others are served.");
  return _("About {time} at the present pace.", { time: wait(seconds) });
}
