// Following sales: the buttons that ask to be told before one opens. What is followed is asked for once a log-in and kept.

import { api, goToLogIn, isRenewable, loginMark } from "../common/session.js";
import { tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";
import { _ } from "../common/words.js";

const KEPT = "follows"; // of `localStorage`: which log-in, and the ids of what it follows
const MOST = 200;

function readKept() {
  try {
    const kept = JSON.parse(localStorage.getItem(KEPT));
    return kept?.mark === loginMark() ? kept.ids : null;
  } catch {
    return null; // nothing is kept here, or nothing that we wrote
  }
}

function keep(ids) {
  try {
    localStorage.setItem(KEPT, JSON.stringify({ mark: loginMark(), ids: [...ids] }));
  } catch {
    // a browser that keeps nothing: the shop is asked again
  }
}

async function load() {
  const kept = readKept();
  if (kept) return new Set(kept);
  const { items } = await api(`/api/v1/me/follows?limit=${MOST}`);
  const ids = new Set(items.map((item) => item.sale_id));
  keep(ids);
  return ids;
}

function show(button, isFollowed) {
  button.setAttribute("aria-pressed", String(isFollowed));
  button.querySelector("[data-follow-words]").textContent = isFollowed ? _("You will be told") : _("Tell me before it opens");
}

async function press(button) {
  if (!isRenewable()) return goToLogIn();
  const { follow } = button.dataset;
  const isFollowed = button.getAttribute("aria-pressed") !== "true";
  const problem = document.getElementById("problem") ?? document.getElementById("notice");
  button.disabled = true;
  tell(problem, "");
  try {
    await api(`/api/v1/sales/${follow}/follow`, { method: isFollowed ? "PUT" : "DELETE" });
    const ids = new Set(readKept() ?? []);
    ids[isFollowed ? "add" : "delete"](follow);
    keep(ids);
    show(button, isFollowed);
  } catch (error) {
    if (error.status === 401) goToLogIn();
    tell(problem, wordsFor(error));
  } finally {
    button.disabled = false;
    button.focus();
  }
}

/** Bring the buttons of a page to life; the shop is asked only where one can be seen. */
export async function startFollows() {
  const buttons = [...document.querySelectorAll("button[data-follow]")];
  for (const button of buttons) button.addEventListener("click", () => press(button));
  if (isRenewable() && buttons.some((button) => !button.closest("[hidden]"))) {
    const ids = await load().catch(() => new Set()); // a press still says what is wanted
    for (const button of buttons) show(button, ids.has(button.dataset.follow));
  }
  wake("follow");
}
