// The forms to log in and to register. When many do so at once, one waits here, and is tried again by itself.

import { tell, wake } from "./dom.js";
import { wait } from "./format.js";
import { wordsFor } from "./problems.js";
import { logIn, Problem, register } from "./session.js";
import { _ } from "./words.js";

const LONG_MS = 2000; // after which somebody wants to know why it takes so long
const STEP_MS = 5000;

const form = document.getElementById("account");
const problem = document.getElementById("problem");
const busy = document.getElementById("busy");
const moment = busy.textContent;

async function enter() {
  const { email, password, name } = Object.fromEntries(new FormData(form));
  if (form.dataset.does === "register") await patiently(() => register({ email, password, name }));
  await patiently(() => logIn(email, password));
  location.replace(form.dataset.target); // checked by the server: a path of our own
}

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
    tell(problem, wordsFor(error));
    button.disabled = false;
    busy.hidden = true;
  }
});

wake("page");
