// What the page knows of a sale and of the shopper in it: told by socket, polled while that is down.
// Events: `change` after anything moved, `link` when the way to the server changes.

import { Live } from "./live.js";
import { learn, now } from "../common/clock.js";
import { api, Problem } from "../common/session.js";
import { flat, newer } from "./figures.js";
import { isDecided, stageOf } from "./phases.js";

const POLL_MS = 2_500;
const SLOWEST_POLL_MS = 20_000;
const TICKET_MS = 1_500; // at the earliest after a lobby opened, its ticket is asked for where no message told it
const SNAPSHOT_MS = 3_000; // in which the socket tells the shopper's intent after a reconnect
const STANDING_MS = 4_000; // in which it tells what the shopper has in this sale, before that is asked for
const VERDICT_MS = 4_000; // in which it tells the verdict of a ticket whose turn has come
const OUTCOME_MS = 6_000; // in which it tells what became of a payment, before the order is asked for

export class Watch extends EventTarget {
  #live = new Live(() => Date.parse(this.sale.opens_at) - now());
  #poll = 0;
  #pollMs = POLL_MS;
  #check = 0;
  #ticket = 0;
  #verdict = 0;
  #outcome = 0;
  #missing = 0;

  constructor(state) {
    super();
    this.sale = flat(state.sale);
    this.intent = null;
    this.order = null;
    this.isSignedIn = document.documentElement.dataset.session === "in";
    this.isKnown = !this.isSignedIn; // whether it is known what the shopper has in this sale
    this.isUnreadable = false; // the server could not tell
    this.link = "starting";
    learn(state.sale.server_time, { live: true });
    this.#live.addEventListener("up", () => this.#up());
    this.#live.addEventListener("down", () => this.#down());
    this.#live.addEventListener("sale", ({ detail }) => this.#tookSale(detail));
    this.#live.addEventListener("intent", ({ detail }) => this.takeIntent(detail));
    this.#live.addEventListener("order", ({ detail }) => this.takeOrder(detail));
    addEventListener("offline", () => this.#say("offline"));
    this.#live.addEventListener("standing", ({ detail }) => this.#tookStanding(detail));
    this.#live.subscribe(this.sale.sale_id, { standing: this.isSignedIn });
    setTimeout(() => this.isKnown || this.#askForStanding(), STANDING_MS * (1 + Math.random()));
  }

  /** The socket, by which one may ask for things as well. */
  get live() {
    return this.#live;
  }

  /** Take an intent from a message or an answer. A verdict is final, and an older ticket never hides a newer one. */
  takeIntent({ type, reply_to, ...intent }) {
    const known = this.intent;
    if (intent.sale_id !== this.sale.sale_id) return;
    if (known && known.id !== intent.id && isOlder(intent, known)) return;
    if (known && known.id === intent.id && stageOf(intent) < stageOf(known)) return; // an answer that was overtaken
    if (known?.id !== intent.id && this.order?.intent_id !== intent.id) this.order = null;
    this.intent = intent;
    this.isKnown = true;
    this.#changed();
    this.#fetchMissingOrder();
    this.#askForTicket();
    this.#askForVerdict();
  }

  /** Take an order from a message or an answer; its history only grows. One without news may be older than what is shown. */
  takeOrder({ type, ...order }, { isNews = true } = {}) {
    if (order.intent_id !== this.intent?.id) return; // of another sale, or of an earlier ticket
    const known = this.order?.id === order.id ? this.order.history.length : 0;
    if (known > order.history.length || (known === order.history.length && !isNews)) return;
    this.order = order;
    this.#changed();
    this.#askForOutcome();
  }

  /** Ask for everything at once, e.g. where the page was rendered while a store was down. */
  async refresh() {
    const sale = this.sale.sale_id;
    const asked = this.intent && !isDecided(this.intent) ? api(`/api/v1/intents/${this.intent.id}`) : null;
    const [figures, intent] = await Promise.all([api(`/api/v1/sales/${sale}`), asked]);
    learn(figures.server_time, { live: true });
    this.#tookSale(figures);
    if (intent) this.takeIntent(intent);
  }

  /** The socket has told all that the shopper has in this sale, which may be nothing. */
  #tookStanding({ sale_id: saleId }) {
    if (saleId !== this.sale.sale_id || this.isKnown) return;
    this.isKnown = true;
    this.isUnreadable = false;
    this.#changed();
  }

  /** What the shopper has in this sale: until it is known, nothing is offered. */
  async #askForStanding() {
    try {
      const { intent, order } = await api(`/api/v1/sales/${this.sale.sale_id}/standing`);
      this.isKnown = true;
      if (intent) this.takeIntent(intent);
      if (order) this.takeOrder(order);
    } catch (error) {
      this.isUnreadable = true;
      if (error.status === 401) this.#loseIdentity();
      else setTimeout(() => this.isKnown || this.#askForStanding(), error.retryAfterMs ?? POLL_MS);
    }
    if (this.isKnown) this.isUnreadable = false;
    this.#changed();
  }

  /** The log-in is over, although the browser has its cookies still. */
  #loseIdentity() {
    this.isKnown = true;
    this.isSignedIn = false;
    document.documentElement.dataset.session = "out";
  }

  #tookSale(message) {
    if ((message.sale_id ?? message.id) !== this.sale.sale_id) return;
    const { type, ...figures } = message;
    const before = this.sale;
    this.sale = newer(before, figures);
    this.#changed();
    if (this.sale.status !== before.status) this.#askForTicket();
    this.#askForVerdict();
  }

  /** The turn has come and no message came: should it be lost, the intent is asked for. */
  #askForVerdict() {
    const { intent, sale } = this;
    const isServed = intent?.status === "queued" && intent.ticket && intent.ticket <= sale.now_serving;
    if (!isServed || this.#verdict) return;
    const ask = async () => {
      if (this.intent?.id === intent.id && !isDecided(this.intent)) await this.#ask();
      this.#verdict = 0;
    };
    this.#verdict = setTimeout(ask, VERDICT_MS * (1 + Math.random()));
  }

  /** A lobby that opened gave everybody in it a ticket of the line. Should the message be lost, a crowd must not ask at once. */
  #askForTicket() {
    if (this.intent?.status !== "waiting" || this.sale.status === "scheduled") return;
    clearTimeout(this.#ticket);
    const crowd = Math.min(20_000, (this.sale.standby + this.sale.waiting) * 10);
    this.#ticket = setTimeout(() => this.intent?.status === "waiting" && this.#ask(), TICKET_MS + Math.random() * crowd);
  }

  /** A payment is under way: should the message of its outcome be lost, the order itself tells. */
  #askForOutcome() {
    clearTimeout(this.#outcome);
    const order = this.order;
    if (order?.status !== "paying") return;
    const ask = async () => {
      if (this.order?.id !== order.id || this.order.status !== "paying") return;
      try {
        this.takeOrder(await api(`/api/v1/orders/${order.id}`));
      } catch {
        this.#askForOutcome(); // the server cannot be reached, which the link shows
      }
    };
    this.#outcome = setTimeout(ask, OUTCOME_MS * (1 + Math.random() / 2));
  }

  /** A hold without its order: the socket tells it in the next message, and else it is asked for. */
  #fetchMissingOrder(waitMs = this.#live.isUp ? SNAPSHOT_MS : 0) {
    clearTimeout(this.#missing);
    const wanted = this.intent?.status === "held" && this.intent.order_id;
    if (!wanted || this.order?.id === wanted) return;
    this.#missing = setTimeout(async () => {
      if (this.order?.id === wanted) return;
      try {
        this.takeOrder(await api(`/api/v1/orders/${wanted}`));
      } catch {
        this.#fetchMissingOrder(POLL_MS);
      }
    }, waitMs);
  }

  #up() {
    clearTimeout(this.#poll);
    this.#pollMs = POLL_MS;
    this.#say("live");
    clearTimeout(this.#check);
    const waiting = this.intent;
    if (waiting && !isDecided(waiting)) {
      this.#check = setTimeout(() => this.intent === waiting && this.#ask(), SNAPSHOT_MS);
    }
  }

  #down() {
    this.#say(navigator.onLine ? "reconnecting" : "offline");
    this.#schedule();
  }

  #schedule() {
    clearTimeout(this.#poll);
    this.#poll = setTimeout(async () => {
      if (this.#live.isUp) return;
      if (!document.hidden || (this.intent && !isDecided(this.intent))) await this.#ask();
      this.#schedule();
    }, this.#pollMs * (0.75 + Math.random() / 2));
  }

  async #ask() {
    try {
      await this.refresh();
      this.#pollMs = POLL_MS;
      if (!this.#live.isUp) this.#say("polling");
    } catch (error) {
      const wait = error instanceof Problem ? error.retryAfterMs : 0;
      this.#pollMs = Math.min(SLOWEST_POLL_MS, Math.max(this.#pollMs * 2, wait));
      if (!this.#live.isUp) this.#say(navigator.onLine ? "reconnecting" : "offline");
    }
  }

  #say(link) {
    if (this.link === link) return;
    this.link = link;
    this.dispatchEvent(new Event("link"));
  }

  #changed() {
    this.dispatchEvent(new Event("change"));
  }
}

/** Whether an intent was asked for before another. In the lobby a ticket is a place only, and who left it has none. */
function isOlder(intent, known) {
  return intent.submitted_at === known.submitted_at ? known.ticket > intent.ticket : known.submitted_at > intent.submitted_at;
}
