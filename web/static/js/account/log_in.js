// The forms to log in and to register. When many do so at once, one waits here, and is tried again by itself.

import { tell, wake } from "../common/dom.js";
import { wait } from "../common/format.js";
import { wordsFor } from "../common/problems.js";
import { resume } from "./push.js";
import { logIn, Problem, register } from "../common/session.js";
import { _, language } from "../common/words.js";

const LONG_MS = 2000; // after which somebody wants to know why it takes so long
const STEP_MS = 5000;
const KNOWN = _("We have written to this address: it seems to have an account. Log in with its password, or set a new one by the link in the mail.");

const form = document.getElementById("account");
const problem = document.getElementById("problem");
const busy = document.getElementById("busy");
const moment = busy.textContent;

async function enter() {
  const { email, password, name, code, accept_terms } = Object.fromEntries(new FormData(form));
  if (form.dataset.does === "register") await patiently(() => join({ email, password, name, language, accept_terms: accept_terms === "on" }));
  const user = await patiently(() => logIn(email, password, code));
  await resume().catch(() => {}); // the log-in is good without it
  const { target, terms } = form.dataset; // checked by the server: a path of our own
  const isNew = terms !== "" && user.terms_version !== terms;
  location.replace(isNew ? `/account/privacy?next=${encodeURIComponent(target)}` : target);
}

/** Register; the time zone is left out where the shop does not know it. */
async function join(account) {
  try {
    await register({ ...account, time_zone: Intl.DateTimeFormat().resolvedOptions().timeZone });
  } catch (error) {
    if (!error.errors?.time_zone) throw error;
    await register(account);
  }
}

/** The shop answers everybody alike: who has an account already finds out by its password. */
const isKnown = (error) => form.dataset.does === "register" && ["bad_credentials", "second_factor_required"].includes(error.code);

/** Ask, and ask again when the shop says so, as long as there is no room. */
async function patiently(ask) {
  for (;;) {
    const slow = setTimeout(() => tell(busy, _("Many people are logging in right now. You are in the queue…")), LONG_MS);
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof Problem) || error.code !== "busy") throw error;
      clearTimeout(slow);
      await countDown(error.retryAfterMs);
    } finally {
      clearTimeout(slow);
    }
  }
}

/** Say how long it takes, in steps, since every change is read out to those who listen to the page. */
async function countDown(ms) {
  const until = Date.now() + ms;
  for (let left = ms; left > 0; left = until - Date.now()) {
    tell(busy, _("Many people are logging in right now. Trying again by itself in {time}.", { time: wait(left / 1000) }));
    await new Promise((resolve) => setTimeout(resolve, Math.min(left, STEP_MS)));
  }
  tell(busy, moment);
}

/** The account has a second factor: from now on the form asks for its code. True where nothing else is to be said. */
function asksForCode(error) {
  const { code } = form.elements;
  if (!code || !["second_factor_required", "bad_code"].includes(error.code)) return false;
  const isFirst = code.disabled;
  code.closest(".field").hidden = code.disabled = false;
  code.value = "";
  code.focus();
  return isFirst;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  tell(problem, "");
  if (!form.reportValidity()) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  tell(busy, moment);
  try {
    await enter();
  } catch (error) {
    button.disabled = false;
    busy.hidden = true;
    if (!asksForCode(error)) tell(problem, isKnown(error) ? KNOWN : wordsFor(error));
  }
});

wake("page");
