// Forms about one's own account: sent as JSON to `data-path`; what is refused is told at its field.
//
// `data-method` is POST unless it is named. With `data-token` the page's fragment goes along: the token of a link in a
// mail, which no server saw before. Afterwards the page's `[data-done]` takes the form's place, or with `data-then` the page goes there.

import { tell, wake } from "../common/dom.js";
import { messagesOf, wordsFor } from "../common/problems.js";
import { api, Problem } from "../common/session.js";

function body(form) {
  const said = {};
  for (const [name, value] of new FormData(form)) said[name] = value === "" && form.elements[name].dataset?.empty === "null" ? null : value;
  if ("token" in form.dataset) said.token = location.hash.slice(1);
  return said;
}

/** Tell each field's fault at the field, and the rest above the button. */
function blame(form, error) {
  const rest = { ...error.errors };
  for (const field of form.querySelectorAll("[name]")) {
    if (!rest[field.name]) continue;
    const words = document.createElement("small");
    words.className = "wrong";
    words.id = `wrong-${field.name}`;
    words.textContent = messagesOf(rest[field.name]);
    field.after(words);
    field.setAttribute("aria-invalid", "true");
    field.setAttribute("aria-describedby", words.id);
    delete rest[field.name];
  }
  form.querySelector("[aria-invalid]")?.focus();
  const isTold = error instanceof Problem && Object.keys(error.errors).length > 0 && Object.keys(rest).length === 0;
  if (!isTold) tell(form.querySelector("[role=alert]"), wordsFor(error));
}

function forget(form) {
  for (const words of form.querySelectorAll(".wrong")) words.remove();
  for (const field of form.querySelectorAll("[aria-invalid]")) {
    field.removeAttribute("aria-invalid");
    field.removeAttribute("aria-describedby");
  }
  tell(form.querySelector("[role=alert]"), "");
}

function finish(form) {
  if (form.dataset.then) {
    location.assign(form.dataset.then);
    return;
  }
  const done = form.parentElement.querySelector("[data-done]");
  form.hidden = !("stays" in form.dataset);
  form.reset();
  if ("token" in form.dataset) history.replaceState(null, "", location.pathname); // it is used up, and nobody's to see
  done.hidden = false;
  done.querySelector("a")?.focus();
}

async function send(form) {
  forget(form);
  if (!form.reportValidity()) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    await api(form.dataset.path, { method: form.dataset.method ?? "POST", body: body(form) });
    finish(form);
  } catch (error) {
    blame(form, error);
  }
  button.disabled = false;
}

for (const form of document.querySelectorAll("form[data-path]")) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    send(form);
  });
}
wake("page");
