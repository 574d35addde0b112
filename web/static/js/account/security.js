// The section about the second factor: set up with a QR code, switched off, and new recovery codes, shown once.

import { confirmed } from "../common/confirm.js";
import { tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";
import { api } from "../common/session.js";
import { _ } from "../common/words.js";

const PATH = "/api/v1/me/second-factor";
const SHORT = 4; // letters of a key together

const part = (id) => document.getElementById(id);
const form = part("first-code");

/** Show a new secret: as a picture, in letters, and as a link for an app on this device. */
function showSecret({ secret, uri, svg }) {
  part("factor").hidden = true;
  form.hidden = false;
  part("qr").replaceChildren(new DOMParser().parseFromString(svg, "text/html").querySelector("svg"));
  part("secret").textContent = secret.match(new RegExp(`.{1,${SHORT}}`, "g")).join(" ");
  part("uri").href = uri;
  form.elements.code.focus();
}

function showCodes({ recovery_codes: codes }) {
  const text = `${codes.join("\n")}\n`;
  part("factor").hidden = form.hidden = true;
  part("code-list").replaceChildren(...codes.map((code) => Object.assign(document.createElement("li"), { textContent: code })));
  part("download").href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  part("copy").onclick = async () => {
    await navigator.clipboard.writeText(text);
    part("copied").hidden = false;
  };
  part("copy").hidden = !navigator.clipboard; // which browsers offer over https alone
  part("print").onclick = () => print();
  part("codes").hidden = false;
  part("codes").focus();
}

/** Do something at the press of a button, and say what went wrong. */
function listen(id, act) {
  part(id)?.addEventListener("click", async ({ currentTarget: button }) => {
    tell(part("problem"), "");
    button.disabled = true;
    try {
      await act();
    } catch (error) {
      tell(part("problem"), wordsFor(error));
    } finally {
      button.disabled = false;
    }
  });
}

async function turnOff() {
  const done = await confirmed({
    title: _("Switch the second factor off?"),
    text: _("The password alone logs in to your account then. You are logged out on all other devices."),
    verb: _("Switch off"),
    isDanger: true,
    fields: [{ name: "code", label: _("A code of your app, or a recovery code"), autocomplete: "one-time-code", maxLength: 64, required: true }],
    act: ({ code }) => api(PATH, { method: "DELETE", body: { code } }),
  });
  if (done) location.reload();
}

listen("begin", async () => showSecret(await api(PATH, { method: "POST" })));
listen("renew", async () => showCodes(await api(`${PATH}/recovery-codes`, { method: "POST" })));
listen("turn-off", turnOff);
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const problem = form.querySelector(".problem");
  tell(problem, "");
  if (!form.reportValidity()) return;
  try {
    showCodes(await api(`${PATH}/confirm`, { method: "POST", body: { code: form.elements.code.value } }));
  } catch (error) {
    tell(problem, wordsFor(error));
    form.elements.code.select();
  }
});
wake("page");
