// Small helpers for the page: fill a slot, show or hide by state, write money. Knows no network.

import * as format from "./format.js";
import { now } from "./clock.js";

/** Write text into every slot of a name, touching only what changed. */
export function fill(root, slot, text) {
  for (const node of root.querySelectorAll(`[data-slot="${slot}"]`)) {
    if (node.textContent !== text) node.textContent = text;
  }
}

/** Show the elements of `data-when-<name>` that list the value, and hide the others. */
export function showWhen(root, name, value) {
  for (const node of root.querySelectorAll(`[data-when-${name}]`)) {
    node.hidden = !node.getAttribute(`data-when-${name}`).split(" ").includes(value);
  }
}

/** Put an amount into a `data.money` element. */
export function putMoney(node, amount) {
  if (!node || !amount) return;
  const text = format.money(amount.amount_minor, amount.currency);
  Object.assign(node.dataset, { minor: amount.amount_minor, currency: amount.currency });
  node.value = String(amount.amount_minor);
  if (node.textContent !== text) node.textContent = text;
}

/** Format all money and times of a document in the visitor's locale. */
export function formatAll(root) {
  for (const node of root.querySelectorAll("data.money[data-minor]")) {
    node.textContent = format.money(Number(node.dataset.minor), node.dataset.currency);
  }
  for (const node of root.querySelectorAll("time[data-moment]")) node.textContent = format.moment(node.dateTime);
  for (const node of root.querySelectorAll("[data-duration]")) node.textContent = format.wait(Number(node.dataset.duration));
}

/** Bring every countdown of the page to the server's time. */
export function tickCountdowns() {
  for (const node of document.querySelectorAll("time[data-countdown]")) {
    const end = Date.parse(node.dateTime);
    if (Number.isNaN(end)) continue;
    const left = end - now();
    const text = left > 0 ? format.countdown(left) : node.dataset.countdown;
    node.classList.toggle("is-short", left > 0 && left < 60_000);
    if (node.textContent !== text) node.textContent = text;
  }
}

/** Enable the buttons that waited for their script: a press before would be lost. */
export function wake(who) {
  for (const button of document.querySelectorAll(`[data-waits="${who}"]`)) {
    button.disabled = false;
    delete button.dataset.waits;
  }
}

/** Say something in a place of its own; without words the place is hidden. */
export function tell(node, words) {
  node.textContent = words ?? "";
  node.hidden = !words;
}

/** Tell why an order came to its status; a hold that has something to tell is one whose payment came to nothing. */
export function tellWhy(node, status, words) {
  node.className = status === "held" ? "problem" : "hint";
  tell(node, words);
}
