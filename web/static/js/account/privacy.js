// Accepting new terms, a copy of one's data, and the end of the account.

import { confirmed } from "../common/confirm.js";
import { tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";
import { api } from "../common/session.js";
import { _ } from "../common/words.js";

const LOOK_EVERY_MS = 1500;
const TRIES = 80; // two minutes of them

const problem = document.getElementById("problem");
const making = document.getElementById("making");

/** Do something by a button, which rests meanwhile; what is refused is told. */
function by(id, work) {
  const button = document.getElementById(id);
  button?.addEventListener("click", async () => {
    tell(problem, "");
    button.disabled = true;
    try {
      await work(button);
    } catch (error) {
      tell(problem, wordsFor(error));
    }
    button.disabled = false;
  });
}

by("accept", async ({ dataset }) => {
  await api("/api/v1/me/terms", { method: "POST", body: { version: dataset.version } });
  location.assign(dataset.then); // checked by the server: a path of our own
});

by("copy", async () => {
  let { task_id: task } = await api("/api/v1/me/export");
  for (let tries = 0; task && tries < TRIES; tries += 1) {
    tell(making, _("Your copy is being made…"));
    await new Promise((resolve) => setTimeout(resolve, LOOK_EVERY_MS));
    ({ task_id: task } = await api("/api/v1/me/export"));
  }
  tell(making, task ? _("It takes longer than usual. Come back in a few minutes.") : _("Your copy is ready."));
  if (!task) location.assign("/api/v1/me/export");
});

by("erase", async ({ dataset }) => {
  const fields = [{ name: "password", label: _("Password"), type: "password", required: true, autocomplete: "current-password" }];
  if ("hasFactor" in dataset) fields.push({ name: "code", label: _("Code of your second factor"), required: true, autocomplete: "one-time-code" });
  const answer = await confirmed({
    title: _("Erase your account for good?"),
    text: _("Name and address are forgotten, and nobody can bring them back. Places in line and holds that are not paid are lost. What you have paid for stays paid."),
    verb: _("Erase my account"),
    isDanger: true,
    fields,
    act: (said) => api("/api/v1/me", { method: "DELETE", body: said }),
  });
  if (answer) location.assign("/");
});

wake("page");
