// The forms to log in and to register.

import { tell, wake } from "./dom.js";
import { logIn, register } from "./session.js";
import { wordsFor } from "./problems.js";

const form = document.getElementById("account");
const problem = document.getElementById("problem");
const busy = document.getElementById("busy");

async function enter() {
  const { email, password, name } = Object.fromEntries(new FormData(form));
  if (form.dataset.does === "register") await register({ email, password, name });
  await logIn(email, password);
  location.replace(form.dataset.target); // checked by the server: a path of our own
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  tell(problem, "");
  if (!form.reportValidity()) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  busy.hidden = false;
  try {
    await enter();
  } catch (error) {
    tell(problem, wordsFor(error));
    button.disabled = false;
    busy.hidden = true;
  }
});

wake("page");
