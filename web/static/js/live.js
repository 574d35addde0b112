// The WebSocket: connects by cookie, reconnects by itself, subscribes again, and says how it is.
// Events: `up` and `down`, and each message under its own type with the message as `detail`.

import { learn, forget } from "./clock.js";
import { isRenewable, isStale, renew } from "./session.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const QUIET_MS = 20_000; // after so long without a message the server is pinged
const ANSWER_MS = 8_000; // and has this long to answer
const IDENTITY_LOST = ["token_expired", "unauthenticated"];

export class Live extends EventTarget {
  #socket = null;
  #sales = new Set();
  #failures = 0;
  #reconnect = 0;
  #watch = 0;
  #isConnecting = false;
  #isKnown = false; // the server said whose socket this is
  #mustRenew = false; // it did not know us although we are logged in
  #invitedInMs = null; // the server is leaving, and said when to come back

  constructor() {
    super();
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  get isUp() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Watch a sale from now on, also after every reconnect. */
  subscribe(saleId) {
    this.#sales.add(saleId);
    if (this.isUp) this.#send({ type: "subscribe", sale_id: saleId });
    else this.#connect();
  }

  async #connect() {
    if (this.#isConnecting || this.#socket) return;
    this.#isConnecting = true;
    clearTimeout(this.#reconnect);
    try {
      if (isStale() || this.#mustRenew) await renew();
      this.#mustRenew = false;
    } catch {
      this.#isConnecting = false;
      this.#retry();
      return;
    }
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws`);
    this.#socket = socket;
    this.#isConnecting = false;
    this.#expect(ANSWER_MS);
    socket.addEventListener("open", () => this.#opened());
    socket.addEventListener("message", (event) => this.#socket === socket && this.#heard(event.data));
    socket.addEventListener("close", () => this.#closed(socket));
  }

  #opened() {
    forget();
    this.#isKnown = false;
    for (const saleId of this.#sales) this.#send({ type: "subscribe", sale_id: saleId });
    this.dispatchEvent(new Event("up"));
    this.#listen();
  }

  #heard(data) {
    this.#listen();
    const message = JSON.parse(data);
    if (message.type === "ready") this.#isKnown = true;
    if (message.type === "bye") this.#invitedInMs = message.retry_after_ms;
    if (this.#isStranger(message)) return this.#comeBackKnown();
    this.#failures = 0;
    if (message.server_time) learn(message.server_time, { live: true });
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  /** The log-in ran out before the socket was made or since: it would get sales' messages and never the shopper's own. */
  #isStranger(message) {
    if (message.type === "error" && IDENTITY_LOST.includes(message.code)) return isRenewable();
    return message.type === "sale" && !this.#isKnown && isRenewable();
  }

  #comeBackKnown() {
    this.#mustRenew = true;
    const socket = this.#socket;
    socket.close();
    this.#closed(socket);
  }

  #closed(socket) {
    if (this.#socket !== socket) return;
    this.#socket = null;
    clearTimeout(this.#watch);
    this.dispatchEvent(new Event("down"));
    this.#retry();
  }

  /** Wait as long as the server asked for; else exponential backoff with jitter. */
  #retry() {
    const longest = Math.min(LONGEST_WAIT_MS, FIRST_WAIT_MS * 2 ** this.#failures);
    const wait = this.#invitedInMs ?? longest * (0.5 + Math.random() / 2);
    this.#invitedInMs = null;
    this.#failures += 1;
    clearTimeout(this.#reconnect);
    this.#reconnect = setTimeout(() => this.#connect(), wait);
  }

  #hurry() {
    if (this.#socket || this.#sales.size === 0) return;
    this.#failures = 0;
    this.#connect();
  }

  #listen() {
    clearTimeout(this.#watch);
    this.#watch = setTimeout(() => {
      this.#send({ type: "ping" });
      this.#expect(ANSWER_MS);
    }, QUIET_MS);
  }

  /** A connection may be dead without saying so; then it is closed and opened again. */
  #expect(ms) {
    clearTimeout(this.#watch);
    const socket = this.#socket;
    this.#watch = setTimeout(() => {
      socket.close();
      this.#closed(socket);
    }, ms);
  }

  #send(message) {
    if (this.isUp) this.#socket.send(JSON.stringify(message));
  }
}
