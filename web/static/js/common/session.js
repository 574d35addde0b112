// Talks to our own API by cookie: the CSRF header, and one silent renewal when the log-in is stale.

import { _ } from "./words.js";

const PREFIX = document.documentElement.dataset.cookiePrefix ?? ""; // `__Host-` in production
const ACCESS_CSRF = `${PREFIX}fs_csrf`;
const REFRESH_CSRF = `${PREFIX}fs_refresh_csrf`;
const SHOWN_WRONG = ["bad_credentials", "bad_code", "second_factor_required"];
const TIMEOUT_MS = 15_000;

/** What the API refused, in its own code and in words for a person. */
export class Problem extends Error {
  constructor(status, body, retryAfter) {
    super(body.detail ?? _("The shop answered {status}.", { status }));
    this.status = status;
    this.code = body.code ?? "";
    this.errors = body.errors ?? {};
    this.body = body;
    this.retryAfterMs = 1000 * (Number(retryAfter) || 1);
  }
}

/** The shop could not be reached, or did not answer in time. */
export class Unreachable extends Error {}

/** The browser keeps no cookies of this shop, so that nobody stays logged in. */
export class NotKept extends Error {}

function cookie(name) {
  const pair = cookies().find((one) => one.startsWith(`${name}=`));
  return pair ? pair.slice(name.length + 1) : "";
}

/** Where cookies are blocked, some browsers show none and others refuse to be asked. */
function cookies() {
  try {
    return document.cookie.split("; ");
  } catch {
    return [];
  }
}

/** Dispatches `renewed` whenever this tab has renewed the log-in, with the server's answer as `detail`. */
export const renewals = new EventTarget();

/** A word that differs from one log-in, or renewal of it, to the next; empty without one. */
export const loginMark = () => cookie(REFRESH_CSRF);

export const isRenewable = () => loginMark() !== "";

/** A page that is logged in, but whose access cookie has run out: worth a renewal before it is needed. */
export const isStale = () => isRenewable() && cookie(ACCESS_CSRF) === "";

const send = async (path, options) => (await exchange(path, options)).data;

/** Send, and read the answer with its ETag. */
async function exchange(path, { method = "GET", body, headers = {}, csrf = ACCESS_CSRF, keepalive = false } = {}) {
  const all = { Accept: "application/json", ...headers };
  if (method !== "GET" && cookie(csrf)) all["X-CSRF-TOKEN"] = cookie(csrf);
  if (body !== undefined) all["Content-Type"] = "application/json";
  const stopped = new AbortController(); // `AbortSignal.timeout` is younger than the oldest browsers that are served
  const timer = setTimeout(() => stopped.abort(), TIMEOUT_MS);
  const request = {
    method,
    headers: all,
    body: body === undefined ? undefined : JSON.stringify(body),
    credentials: "same-origin",
    keepalive,
    signal: stopped.signal,
  };
  let response;
  let text;
  try {
    response = await fetch(path, request);
    text = await response.text();
  } catch (error) {
    throw new Unreachable("The shop cannot be reached.", { cause: error });
  } finally {
    clearTimeout(timer);
  }
  const data = parse(text);
  if (!response.ok) throw new Problem(response.status, data, response.headers.get("Retry-After"));
  return { data, etag: response.headers.get("ETag") };
}

function parse(text) {
  try {
    return text ? JSON.parse(text) : {};
  } catch {
    return { detail: _("The shop gave an answer that cannot be read.") };
  }
}

/** Renew the log-in; true when it is good again. One tab at a time: a refresh token is good only once. */
export async function renew() {
  const before = cookie(REFRESH_CSRF);
  if (!before) return false;
  const once = async () => {
    if (cookie(REFRESH_CSRF) !== before) return isRenewable(); // another tab was quicker
    try {
      // It outlives the page: a token that is spent without its successor would end the log-in.
      const detail = await send("/session/refresh", { method: "POST", csrf: REFRESH_CSRF, keepalive: true });
      renewals.dispatchEvent(new CustomEvent("renewed", { detail }));
      return true;
    } catch (error) {
      if (!(error instanceof Problem) || ![401, 403].includes(error.status)) throw error;
      document.cookie = `${REFRESH_CSRF}=; Max-Age=0; path=/${PREFIX ? "; Secure" : ""}`; // it is over; do not try again and again
      return false;
    }
  };
  return navigator.locks ? navigator.locks.request("renew-session", once) : once();
}

/** A log-in that is over; a wrong password or code is refused by the same status. */
const isOut = ({ status, code }) => (status === 401 && !SHOWN_WRONG.includes(code)) || code === "csrf_failed";

/** Send, and renew a stale log-in once on the way. */
async function renewed(path, options) {
  try {
    return await exchange(path, options);
  } catch (error) {
    if (!(error instanceof Problem) || !isOut(error) || !(await renew())) throw error;
    return exchange(path, options);
  }
}

let askAgain = async () => false;

/** Say who asks for the password or a code where the API wants it once more; `ask` resolves to whether it was given. */
export const askAgainBy = (ask) => (askAgain = ask);

/** Call the API; returns `{data, etag}`. Raises Problem or Unreachable. A stale log-in is renewed once on the way, and
 * what is dangerous goes on once it was confirmed who asks.
 */
export async function tagged(path, options) {
  try {
    return await renewed(path, options);
  } catch (error) {
    if (error.code !== "confirmation_required" || !(await askAgain())) throw error;
    return renewed(path, options);
  }
}

/** Call the API where the ETag does not matter. */
export const api = async (path, options) => (await tagged(path, options)).data;

/** Log in, and return whose account it is; with a code where the account has a second factor. Raises NotKept as well, where the log-in is good and the browser forgets it at once. */
export async function logIn(email, password, code) {
  requireCookies();
  const { user } = await send("/session", { method: "POST", body: { email, password, code: code || null } });
  if (!isRenewable()) throw new NotKept();
  return user;
}

/** Make an account, unless nobody could log in to it in this browser. */
export async function register(account) {
  requireCookies();
  await send("/api/v1/auth/register", { method: "POST", body: account });
}

function requireCookies() {
  if (navigator.cookieEnabled === false) throw new NotKept();
}

/** Log out. A log-in that is over already only loses its cookies. */
export async function logOut() {
  if (isStale()) await renew();
  return send("/session", { method: "DELETE" });
}

/** Log out on every device. */
export const logOutEverywhere = () => api("/session/everywhere", { method: "DELETE" });

/** Go and log in, and come back here. */
export function goToLogIn() {
  location.assign(`/login?next=${encodeURIComponent(location.pathname + location.search)}`);
}
