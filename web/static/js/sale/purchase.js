// Asks to buy, pays, and leaves the line. A request keeps its key until it is answered, so that it counts once.

import { api, Problem, Unreachable } from "../common/session.js";
import { beSure } from "../common/person.js";

const TRIES = 5;
const FIRST_WAIT_MS = 800;
const UNTOLD = ["unauthenticated", "token_expired", "internal_error"]; // of a socket: the POST renews the log-in, or knows more
const PASSING = ["line_unavailable", "ledger_unavailable", "unavailable", "busy"];

/** Ask to buy, by the socket `live` while it is up and else by POST; returns the intent. `onWait(ms)` comes before each new try. */
export async function submit(live, saleId, request, onWait) {
  const key = keyOf(saleId, request);
  for (let attempt = 1; ; attempt += 1) {
    try {
      await beSure();
      const intent = (await bySocket(live, saleId, request, key)) ?? (await byPost(saleId, request, key));
      forgetKey(saleId);
      return intent;
    } catch (error) {
      if (error.code === "already_in_line" && error.body.intent) {
        forgetKey(saleId);
        return error.body.intent;
      }
      if (attempt === TRIES || !isPassing(error)) {
        if (error instanceof Problem && error.status < 500) forgetKey(saleId);
        throw error;
      }
      const ms = Math.max(FIRST_WAIT_MS * 2 ** (attempt - 1), error.retryAfterMs ?? 0) * (0.75 + Math.random() / 2);
      onWait(ms);
      await new Promise((resolve) => setTimeout(resolve, ms));
    }
  }
}

const byPost = (saleId, request, key) =>
  api(`/api/v1/sales/${saleId}/intents`, { method: "POST", body: request, headers: { "Idempotency-Key": key } });

/** The intent, or null where only the POST can tell: it has the same key, so that both count once. Raises Problem, as the POST. */
async function bySocket(live, saleId, request, key) {
  if (!live.isKnown) return null;
  let answer;
  try {
    answer = await live.ask({ ...request, type: "intent", sale_id: saleId, key });
  } catch {
    return null; // the socket went before the answer came
  }
  if (UNTOLD.includes(answer.code)) return null;
  if (answer.type === "error") throw new Problem(PASSING.includes(answer.code) ? 503 : 409, answer, answer.retry_after);
  const { type, reply_to, ...intent } = answer;
  return intent;
}

/** Leave the line; returns the intent as it is now. */
export async function leave(intentId) {
  try {
    return await api(`/api/v1/intents/${intentId}`, { method: "DELETE" });
  } catch (error) {
    if (error.code !== "already_decided") throw error;
    return api(`/api/v1/intents/${intentId}`);
  }
}

/** Pay a held order; returns the order. The key is kept until it is answered, so that it is paid once. */
export async function pay(orderId, method) {
  const key = keyOf(orderId, { method });
  try {
    const order = await api(`/api/v1/orders/${orderId}/payments`, { method: "POST", body: { method }, headers: { "Idempotency-Key": key } });
    forgetKey(orderId);
    return order;
  } catch (error) {
    if (!isPassing(error)) forgetKey(orderId); // without an answer the same press must stay the same payment
    throw error;
  }
}

/** Give a held order back; returns the order as it is now. */
export function cancel(orderId) {
  return api(`/api/v1/orders/${orderId}/cancel`, { method: "POST" });
}

const isPassing = (error) => error instanceof Unreachable || error.status === 503;
const storage = keys();
const place = (saleId) => `request:${saleId}`;

/** Where keys are kept: in the tab, or where the browser refuses that, in the page. */
function keys() {
  try {
    return sessionStorage;
  } catch {
    const kept = new Map();
    return {
      getItem: (name) => kept.get(name) ?? null,
      setItem: (name, value) => kept.set(name, value),
      removeItem: (name) => kept.delete(name),
    };
  }
}

function keyOf(saleId, request) {
  const body = JSON.stringify(request);
  const kept = JSON.parse(storage.getItem(place(saleId)) ?? "null");
  if (kept?.body === body) return kept.key;
  const key = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
  storage.setItem(place(saleId), JSON.stringify({ body, key }));
  return key;
}

function forgetKey(saleId) {
  storage.removeItem(place(saleId));
}
