// The control room's forms: read, sent to the API, each fault shown at its field.

import { tell } from "../common/dom.js";
import { api, tagged } from "../common/session.js";
import { fieldRefusal, refusal } from "./refusals.js";
import { currencyOf, faultOf, proposeTimes, putAmounts, putTimes, shown, valueOf, written } from "./values.js";
import { now } from "../common/clock.js";
import { _ } from "../common/words.js";

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
    if (!input || input.disabled) others.push(_("{name}: {what}", { name, what: fieldRefusal(messages) }));
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

const CHANGED = "precondition_failed";

/** Show what somebody else changed meanwhile: in untouched fields, and beside the others. */
async function showChanged(form, before, path) {
  const { data, etag } = await tagged(path);
  form.dataset.ifMatch = etag;
  const seen = controls(form).map((input) => ({ input, typed: input.value, isTouched: before.get(input) !== written(input) }));
  for (const { input } of seen) input.value = shown(input, data);
  for (const one of seen) {
    one.is = (one.input.selectedOptions?.[0]?.textContent ?? one.input.value).trim() || "–";
    one.isNews = before.get(one.input) !== written(one.input);
    before.set(one.input, written(one.input));
    if (one.input.dataset.at) one.input.dataset.at = "";
  }
  for (const { input, typed, isTouched, is, isNews } of seen) {
    if (isTouched) input.value = typed;
    tellFault(input, isTouched && isNews ? _("Somebody changed this meanwhile. It is now: {value}", { value: is }) : "");
  }
  nameCurrencies(form);
  tell(form.querySelector(".problem"), _("Somebody else changed this meanwhile, so that nothing was saved. What you typed is still here, all else is as it is now. Look through it and save again."));
}

async function fail(form, before, path, error) {
  try {
    if (error.code !== CHANGED) throw error;
    await showChanged(form, before, path);
  } catch (last) {
    tellRefusal(form, last);
  }
}

/** Show what an answer tells this once, in the form's place: the field that `data-shows` names, if it is there. */
function showOnce(form, answer) {
  const told = answer[form.dataset.shows];
  if (!told) return false;
  const place = document.querySelector("[data-shown]");
  const input = place.querySelector("input");
  input.value = told;
  form.hidden = true;
  place.hidden = false;
  input.select();
  return true;
}

async function send(form, before) {
  const [method, path] = form.dataset.send.split(" ");
  tell(form.querySelector(".problem"), "");
  if (!isGood(form)) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    const body = bodyOf(form, method === "PATCH" ? before : null);
    const headers = form.dataset.ifMatch ? { "If-Match": form.dataset.ifMatch } : {};
    const answer = method !== "PATCH" || Object.keys(body).length ? await api(path, { method, body, headers }) : {};
    if (!showOnce(form, answer)) location.assign(form.dataset.then);
  } catch (error) {
    await fail(form, before, path, error);
    button.disabled = false;
  }
}

/** Name the currency beside every amount whose currency another field says. */
function nameCurrencies(form) {
  for (const node of form.querySelectorAll("[data-names-currency-of]")) {
    node.textContent = currencyOf(form.elements[node.dataset.namesCurrencyOf]);
  }
}

const defaultOf = (input) => (input.options ? ([...input.options].find((one) => one.defaultSelected) ?? input.options[0])?.value : input.defaultValue);

/** The fields' values when the page was loaded; something may be typed by now, or restored by the browser. */
function asLoaded(form) {
  const typed = controls(form).map((input) => [input, input.value]);
  for (const [input] of typed) input.value = defaultOf(input);
  const before = new Map(typed.map(([input]) => [input, written(input)]));
  for (const [input, value] of typed) input.value = value;
  return before;
}

/** Let the page's forms be sent. */
export function listenToForms() {
  for (const form of document.querySelectorAll("form[data-send]")) {
    proposeTimes(form, now());
    putTimes(form);
    putAmounts(form);
    nameCurrencies(form);
    const before = asLoaded(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      send(form, before);
    });
    form.addEventListener("input", ({ target }) => target.dataset.kind && tellFault(target, ""));
    form.addEventListener("change", () => nameCurrencies(form));
  }
}
