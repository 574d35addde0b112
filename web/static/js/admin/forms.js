// Owns the control room's forms: read, sent by the API, and each fault told at its field.

import { tell } from "../dom.js";
import { api } from "../session.js";
import { fieldRefusal, refusal } from "./refusals.js";
import { currencyOf, faultOf, putTimes, valueOf, written } from "./values.js";

const OTHER_NAMES = { admission_order: "admission.order", currency: "price" }; // by which the API may call a field

const controls = (form) => [...form.querySelectorAll("[data-kind]")];

function tellFault(input, words) {
  const place = document.getElementById(`${input.id}-problem`);
  tell(place, words);
  if (words) input.setAttribute("aria-invalid", "true");
  else input.removeAttribute("aria-invalid");
}

/** Put a value where its dotted name says. */
function put(body, name, value) {
  const path = name.split(".");
  const last = path.pop();
  let place = body;
  for (const step of path) place = place[step] ??= {};
  place[last] = value;
}

/** Gather what is sent: everything, or with PATCH what was changed. */
function bodyOf(form, before) {
  const body = {};
  for (const input of controls(form)) {
    const isSent = input.dataset.kind !== "none" && !input.disabled;
    if (isSent && (!before || before.get(input) !== written(input))) put(body, input.name, valueOf(input));
  }
  return body;
}

/** The field that a fault is of: by its whole name, or by the name of what it is a part of. */
function fieldOf(form, name) {
  const exact = form.querySelector(`[data-also="${CSS.escape(name)}"]`) ?? form.elements[OTHER_NAMES[name] ?? name];
  if (exact?.dataset?.kind) return exact;
  const parent = name.slice(0, Math.max(0, name.lastIndexOf(".")));
  return parent ? fieldOf(form, parent) : null;
}

/** Tell faults at their fields and go to the first; what is of no field here is told at the end. */
function tellRefusal(form, error) {
  const others = [];
  const faulty = new Set();
  for (const [name, messages] of Object.entries(error.errors ?? {})) {
    const input = fieldOf(form, name);
    if (!input || input.disabled) others.push(`${name}: ${fieldRefusal(messages)}`);
    else {
      tellFault(input, fieldRefusal(messages));
      faulty.add(input);
    }
  }
  if (!faulty.size) tell(form.querySelector(".problem"), others.join(" ") || refusal(error));
  else if (others.length) tell(form.querySelector(".problem"), others.join(" "));
  controls(form).find((input) => faulty.has(input))?.focus();
}

/** Look at every field; true where all may be sent. */
function isGood(form) {
  const faulty = controls(form).filter((input) => {
    const words = input.disabled ? "" : faultOf(input);
    tellFault(input, words);
    return words !== "";
  });
  faulty[0]?.focus();
  return faulty.length === 0;
}

async function send(form, before) {
  const [method, path] = form.dataset.send.split(" ");
  tell(form.querySelector(".problem"), "");
  if (!isGood(form)) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const body = bodyOf(form, method === "PATCH" ? before : null);
    if (method !== "PATCH" || Object.keys(body).length) await api(path, { method, body });
    location.assign(form.dataset.then);
  } catch (error) {
    tellRefusal(form, error);
    button.disabled = false;
  }
}

/** Name the currency beside every amount whose currency another field says. */
function nameCurrencies(form) {
  for (const node of form.querySelectorAll("[data-names-currency-of]")) {
    node.textContent = currencyOf(form.elements[node.dataset.namesCurrencyOf]);
  }
}

/** Let the page's forms be sent. */
export function listenToForms() {
  for (const form of document.querySelectorAll("form[data-send]")) {
    putTimes(form);
    nameCurrencies(form);
    const before = new Map(controls(form).map((input) => [input, written(input)]));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, before);
    });
    form.addEventListener("input", ({ target }) => target.dataset.kind && tellFault(target, ""));
    form.addEventListener("change", () => nameCurrencies(form));
  }
}
