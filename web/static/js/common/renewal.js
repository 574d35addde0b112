// Renews the log-in ahead of its end: each browser at a moment of its own, one tab for all, and not around an opening.

import { know } from "./person.js";
import { loginMark, renew, renewals } from "./session.js";

const AROUND_MS = 180_000; // before and after an opening, in which nobody renews
const EARLIER_MS = 300_000; // before that, in which those do who would have then
const LAST_MS = 60_000; // before an opening: who comes so late with a log-in that ends in it renews by then

const tabs = "BroadcastChannel" in window ? new BroadcastChannel("log-in") : null;

/** In how many ms to renew a log-in that is good for `leftMs` more; `opensInMs` is negative once it has opened. */
export function momentOf(leftMs, opensInMs = Infinity, chance = Math.random()) {
  const [from, to] = windowOf(leftMs, opensInMs);
  return from + (to - from) * chance;
}

function windowOf(leftMs, opensInMs) {
  const usual = [leftMs * 0.5, leftMs * 0.85];
  const [closed, free] = [opensInMs - AROUND_MS, opensInMs + AROUND_MS];
  if (!(closed <= usual[1] && free >= usual[0])) return usual;
  if (closed > 0) return [Math.max(0, closed - EARLIER_MS), closed];
  if (free < leftMs * 0.95) return [free, leftMs * 0.95];
  return opensInMs > LAST_MS ? [0, opensInMs - LAST_MS] : usual;
}

/** Keep the log-in fresh as long as a socket is known by it, and the socket as long as the log-in. */
export function keepFresh(live, opensInMs = () => Infinity) {
  let timer = 0;
  const expect = (leftMs) => {
    const mark = loginMark();
    const isDone = () => loginMark() !== mark; // by another tab
    clearTimeout(timer);
    timer = setTimeout(() => isDone() || renew().catch(() => {}), momentOf(leftMs, opensInMs()));
  };
  const take = ({ user, socket_renewal: renewal }) => {
    know(user.id);
    live.prolong(renewal);
  };
  live.addEventListener("ready", ({ detail }) => detail.expires_in && expect(detail.expires_in * 1000));
  live.addEventListener("down", () => clearTimeout(timer));
  renewals.addEventListener("renewed", ({ detail }) => take(detail));
  tabs?.addEventListener("message", ({ data }) => take(data));
}

renewals.addEventListener("renewed", ({ detail }) => tabs?.postMessage({ user: { id: detail.user.id }, socket_renewal: detail.socket_renewal }));
