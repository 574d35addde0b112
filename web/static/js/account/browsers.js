// The account's page of browsers that are told: this one is let or not, the others can be taken away.

import { tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";
import { isOn, isPossible, remove, turnOff, turnOn } from "./push.js";
import { _ } from "../common/words.js";

const panel = document.getElementById("push");
const problem = document.getElementById("problem");
const { user, key } = panel.dataset;

async function show() {
  const isForbidden = isPossible() && Notification.permission === "denied";
  const state = !isPossible() ? "impossible" : isForbidden ? "forbidden" : (await isOn(user)) ? "on" : "off";
  for (const node of panel.querySelectorAll("[data-when-push]")) node.hidden = node.dataset.whenPush !== state;
}

function say(error) {
  const isOfBrowser = error instanceof DOMException; // its push service is away, or it has none
  tell(problem, isOfBrowser ? _("The browser could not be reached by its push service. Please try again later.") : wordsFor(error));
}

async function act(button, perform) {
  button.disabled = true;
  tell(problem, "");
  try {
    await perform();
  } catch (error) {
    say(error);
  }
  button.disabled = false;
  await show();
}

document.getElementById("push-on").addEventListener("click", (event) => act(event.currentTarget, () => turnOn(user, key)));
document.getElementById("push-off").addEventListener("click", (event) => act(event.currentTarget, turnOff));
for (const button of document.querySelectorAll("[data-remove]")) {
  button.addEventListener("click", () => act(button, async () => {
    await remove(button.dataset.remove);
    button.closest("li").remove();
  }));
}
await show();
wake("page");
