// The dialog before an action: says what will happen and asks for the values that it needs.
// How it looks is in css/confirm.css, which the page names.

import { tell } from "./dom.js";
import { wordsFor } from "./problems.js";
import { _ } from "./words.js";

// Younger than the oldest browsers that are served: they get a box over the page, which Escape closes as well.
const canAsk = typeof HTMLDialogElement === "function" && "showModal" in HTMLDialogElement.prototype;

let asked = 0;

function show(dialog) {
  if (canAsk) return dialog.showModal();
  const before = document.activeElement;
  dialog.addEventListener("close", () => before?.focus());
  dialog.setAttribute("role", "dialog");
  dialog.setAttribute("aria-modal", "true");
  dialog.classList.add("over");
  dialog.addEventListener("keydown", (event) => event.key === "Escape" && close(dialog));
}

function close(dialog) {
  if (canAsk) dialog.close();
  else dialog.dispatchEvent(new Event("close"));
}

function made(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children.filter(Boolean));
  return node;
}

/** A field: `name` and `label`; `options` ([value, words] each) make it a choice, `type: "textarea"` a longer text. */
function fieldOf({ label, hint, options, check, type = "text", ...attributes }, id) {
  const tag = options ? "select" : type === "textarea" ? "textarea" : "input";
  const input = made(tag, tag === "input" ? { type } : {}, ...(options ?? []).map(([value, words]) => new Option(words, value)));
  Object.assign(input, attributes);
  const note = hint && made("small", { className: "faint", id: `${id}-hint`, textContent: hint });
  if (note) input.setAttribute("aria-describedby", note.id);
  input.addEventListener("input", () => input.setCustomValidity(""));
  return { input, check, node: made("label", { className: "field" }, made("span", { textContent: label }), input, note) };
}

function buttonsOf(verb, isDanger) {
  const back = made("button", { type: "button", className: "button plain", textContent: _("Go back") });
  const go = made("button", { type: "submit", className: isDanger ? "button danger" : "button", textContent: verb });
  return { back, go, node: made("div", { className: "confirming-buttons" }, back, go) };
}

function isValid(form, fields) {
  for (const { input, check } of fields) input.setCustomValidity(check?.(input.value) ?? "");
  return form.reportValidity();
}

const paragraphs = (text) => [text].flat().map((words) => made("p", { textContent: words }));

function dialogOf({ title, text, verb, isDanger = false, fields = [] }) {
  const id = `confirming-${(asked += 1)}`;
  const inputs = fields.map((field, index) => fieldOf(field, `${id}-${index}`));
  const buttons = buttonsOf(verb, isDanger);
  const says = made("div", { className: "stack", id: `${id}-text` }, ...paragraphs(text));
  const problem = made("p", { className: "problem", role: "alert", hidden: true });
  const head = made("h2", { id: `${id}-title`, textContent: title });
  const form = made("form", { className: "stack", method: "dialog", noValidate: true }, head, says, ...inputs.map(({ node }) => node), problem, buttons.node);
  const dialog = made(canAsk ? "dialog" : "div", { className: "confirming" }, form);
  dialog.setAttribute("aria-labelledby", head.id);
  dialog.setAttribute("aria-describedby", says.id);
  return { dialog, form, inputs, problem, says, ...buttons, first: inputs[0]?.input ?? (isDanger ? buttons.back : buttons.go) };
}

/** Ask; null where the answer is no, else the fields' values by name.
 *
 * With `act`, which gets the values, the dialog stays until that is done, and says in words why it was not; where the
 * error has a `text`, that is told instead of the dialog's.
 */
export function confirmed({ act, ...question }) {
  const { dialog, form, inputs, problem, says, back, go, first } = dialogOf(question);
  let answer = null;
  let pending = Promise.resolve();
  const perform = async (values) => {
    tell(problem, "");
    back.disabled = go.disabled = true;
    try {
      await act?.(values);
      answer = values;
      close(dialog);
    } catch (error) {
      tell(problem, wordsFor(error));
      if (error.text) says.replaceChildren(...paragraphs(error.text)); // something changed meanwhile
    } finally {
      back.disabled = go.disabled = false;
    }
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (!go.disabled && isValid(form, inputs)) pending = perform(Object.fromEntries(new FormData(form)));
  });
  back.addEventListener("click", () => close(dialog));
  document.body.append(dialog);
  show(dialog);
  first.focus();
  return new Promise((resolve) => {
    dialog.addEventListener("close", async () => {
      await pending; // closed by the keyboard meanwhile: what was begun still counts
      dialog.remove();
      resolve(answer);
    });
  });
}
