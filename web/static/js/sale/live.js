// The WebSocket: connects by cookie, reconnects by itself, subscribes again, and says how it is.
// Events: `up` and `down`, and each message under its own type with the message as `detail`.

import { learn, forget } from "../common/clock.js";
import { isRenewable, isStale, loginMark, renew, Unreachable } from "../common/session.js";
import { know } from "../common/person.js";
import { keepFresh } from "../common/renewal.js";

const FIRST_WAIT_MS = 500;
const LONGEST_WAIT_MS = 30_000;
const QUIET_MS = 20_000; // after so long without a message the server is pinged
const ANSWER_MS = 8_000; // and has this long to answer
const LONGEST_ANSWER_MS = 30_000; // for one message, while the server says other things
const MOST_NAMED = 16; // sales that are watched from the first moment, being named in the socket's address
const IDENTITY_LOST = ["token_expired", "unauthenticated"];

export class Live extends EventTarget {
  #socket = null;
  #sales = new Map(); // each with whether the shopper's standing in it is asked for
  #named = []; // those of them in the socket's address
  #failures = 0;
  #reconnect = 0;
  #watch = 0;
  #isConnecting = false;
  #isKnown = false; // the server said whose socket this is
  #mustRenew = false; // it did not know us although we are logged in
  #invitedInMs = null; // the server is leaving, and said when to come back
  #mark = ""; // of the log-in with which the socket was opened
  #asked = new Map(); // a message's id → how its answer is told
  #serial = 0;

  /** `opensInMs` tells how long it is until something opens here, for which the log-in must be fresh. */
  constructor(opensInMs) {
    super();
    keepFresh(this, opensInMs);
    addEventListener("online", () => this.#hurry());
    addEventListener("offline", () => this.#socket?.close());
    document.addEventListener("visibilitychange", () => document.hidden || this.#hurry());
  }

  get isUp() {
    return this.#socket?.readyState === WebSocket.OPEN;
  }

  /** Whether a press may go this way: the server said whose socket it is, and the browser is still logged in. */
  get isKnown() {
    return this.isUp && this.#isKnown && isRenewable();
  }

  /** Send a message; returns its answer. Raises Unreachable without one: nobody knows then whether it was taken. */
  ask(message) {
    const id = `${(this.#serial += 1)}`;
    const answer = new Promise((resolve, reject) => {
      const timer = setTimeout(() => this.#answer(id)?.reject(unanswered()), LONGEST_ANSWER_MS);
      this.#asked.set(id, { resolve, reject, timer });
    });
    this.#send({ ...message, id });
    this.#expect(ANSWER_MS);
    return answer;
  }

  /** The log-in was renewed: by the word that came with it, this socket goes on as long as that. */
  prolong(renewal) {
    this.#mark = loginMark();
    if (this.isKnown) this.ask({ type: "auth", renewal }).catch(() => {});
  }

  /** Take out how an answer is told; undefined where nobody waits for it. */
  #answer(id) {
    const asked = this.#asked.get(id);
    clearTimeout(asked?.timer);
    this.#asked.delete(id);
    return asked;
  }

  /** Watch a sale from now on, also after every reconnect; `standing`: and be told whether the shopper has something in it. */
  subscribe(saleId, { standing = false } = {}) {
    this.#sales.set(saleId, standing);
    if (this.isUp) this.#send({ type: "subscribe", sale_id: saleId, standing });
    else this.#connect();
  }

  async #connect() {
    if (this.#isConnecting || this.#socket) return;
    this.#isConnecting = true;
    clearTimeout(this.#reconnect);
    try {
      await null; // all that is subscribed to in one go is named in one address
      if (isStale() || this.#mustRenew) await renew();
      this.#mustRenew = false;
    } catch {
      this.#isConnecting = false;
      this.#retry();
      return;
    }
    this.#mark = loginMark();
    this.#named = [...this.#sales.keys()].slice(0, MOST_NAMED);
    const isAsked = this.#named.some((saleId) => this.#sales.get(saleId));
    const query = this.#named.map((saleId) => `sale=${saleId}`).join("&") + (isAsked ? "&standing=1" : "");
    const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/ws?${query}`);
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
    const others = [...this.#sales].filter(([saleId]) => !this.#named.includes(saleId));
    for (const [saleId, standing] of others) this.#send({ type: "subscribe", sale_id: saleId, standing });
    this.dispatchEvent(new Event("up"));
    this.#listen();
  }

  #heard(data) {
    this.#listen();
    const message = JSON.parse(data);
    if (message.type === "ready") this.#becomeKnown(message);
    if (message.type === "bye") this.#invitedInMs = message.retry_after_ms;
    this.#answer(message.reply_to)?.resolve(message);
    if (this.#isStranger(message)) return this.#comeBackKnown();
    this.#failures = 0;
    if (message.server_time) learn(message.server_time, { live: true });
    this.dispatchEvent(new CustomEvent(message.type, { detail: message }));
  }

  #becomeKnown({ user_id: userId }) {
    this.#isKnown = true;
    know(userId, this.#mark);
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
    this.#isKnown = false;
    clearTimeout(this.#watch);
    for (const id of [...this.#asked.keys()]) this.#answer(id).reject(unanswered());
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
    if (this.#asked.size) return this.#expect(ANSWER_MS);
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

const unanswered = () => new Unreachable("The socket gave no answer.");
