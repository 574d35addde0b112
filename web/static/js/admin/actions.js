// Buttons by which an admin does something: confirmed in a dialog, sent to the API, refusals told in words.

import { api } from "../common/session.js";
import { confirmed } from "../common/confirm.js";
import { refusal } from "./refusals.js";
import { _ } from "../common/words.js";

const MOST_REASON = 200; // characters

function fieldsOf({ reason }) {
  return reason ? [{ name: "reason", label: reason, hint: _("Optional. It stands in the log."), maxLength: MOST_REASON }] : [];
}

function bodyOf({ reason }, values) {
  return reason ? { reason: values.reason.trim() || null } : undefined;
}

async function act(button, done) {
  const { action, title, text, verb } = button.dataset;
  const [method, path] = action.split(" ");
  let answer;
  const perform = async (values) => {
    try {
      answer = await api(path, { method, body: bodyOf(button.dataset, values) });
    } catch (error) {
      throw new Error(refusal(error), { cause: error });
    }
  };
  const isDanger = "isDanger" in button.dataset;
  const question = { title, text, verb, isDanger, fields: fieldsOf(button.dataset), act: perform };
  if ((await confirmed(question)) !== null) done(answer, button);
}

/** Where an action leads: to the page that it names, or to this one as it is now. */
function goOn(_answer, button) {
  if (button.dataset.then) location.assign(button.dataset.then);
  else location.reload();
}

/** Make the page's buttons work; `done` gets the API's answer and the button. */
export function listenToActions(done = goOn) {
  for (const button of document.querySelectorAll("[data-action]")) button.addEventListener("click", () => act(button, done));
}
