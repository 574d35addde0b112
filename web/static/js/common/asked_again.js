// Asks for the password or a code before something dangerous, wherever the API wants it, and lets what was pressed go on.

import { confirmed } from "./confirm.js";
import { tell } from "./dom.js";
import { wordsFor } from "./problems.js";
import { api, askAgainBy } from "./session.js";
import { _ } from "./words.js";

const PATH = "/api/v1/auth/confirm";

const QUESTIONS = {
  password: {
    text: _("This needs your password once more."),
    fields: [{ name: "password", label: _("Password"), type: "password", autocomplete: "current-password", maxLength: 1000, required: true }],
  },
  code: {
    text: _("This needs a code of your authenticator app, or a recovery code."),
    fields: [{ name: "code", label: _("Code"), autocomplete: "one-time-code", maxLength: 64, required: true }],
  },
};

let asking = null; // the answer to the question that stands on the page

async function confirmIt(body) {
  try {
    await api(PATH, { method: "POST", body });
  } catch (error) {
    throw error.code === "bad_credentials" ? new Error(_("The password is wrong."), { cause: error }) : error;
  }
}

async function question() {
  const { by } = await api(PATH);
  return (await confirmed({ title: _("Is it you?"), ...QUESTIONS[by], verb: _("Confirm"), act: confirmIt })) !== null;
}

/** Ask; true where it was confirmed. Who asks meanwhile gets the same answer. */
function ask() {
  asking ??= question().finally(() => (asking = null));
  return asking;
}

/** A file that is dangerous to hand out comes by a link, whose refusal no script would see. */
async function follow(link) {
  try {
    const { confirmed: isGood } = await api(PATH);
    if (isGood || (await ask())) location.assign(link.href);
  } catch (error) {
    tell(document.getElementById("notice"), wordsFor(error));
  }
}

askAgainBy(ask);
for (const link of document.querySelectorAll("a[data-asks-again]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    follow(link);
  });
}
