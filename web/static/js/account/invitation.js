// An invitation to the staff, by the token of a mailed link. The token stays in this tab while somebody logs in;
// it is used up by a press, since mail scanners open links.

import { fill, tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";
import { api } from "../common/session.js";
import { _ } from "../common/words.js";

const PLACE = "invitation";
const ROUTES = "/api/v1/auth/invitations";
const WORDS = {
  other_account: _("You are logged in to another account than the one that was invited. Log out, and open the link again."),
  already_staff: _("This account is among the staff already."),
};

const root = document.getElementById("invitation");
const form = document.getElementById("join");
const problem = document.getElementById("problem");
const token = location.hash.slice(1) || remembered();

function remembered() {
  try {
    return sessionStorage.getItem(PLACE) ?? "";
  } catch {
    return "";
  }
}

function remember(value) {
  try {
    if (value) sessionStorage.setItem(PLACE, value);
    else sessionStorage.removeItem(PLACE);
  } catch {
    // then the link has to be opened once more after logging in
  }
}

function showPart(name) {
  for (const part of root.querySelectorAll("[data-part]")) part.hidden = part.dataset.part !== name;
}

function show(invitation) {
  fill(root, "email", invitation.email);
  root.querySelector(`[data-role-words="${CSS.escape(invitation.staff_role)}"]`).hidden = false;
  const isNew = !invitation.has_password;
  root.querySelector("[data-when=new]").hidden = !isNew;
  form.elements.password.required = isNew;
  form.elements.password.disabled = !isNew;
  showPart(isNew || document.documentElement.dataset.session !== "out" ? "open" : "log-in");
}

async function look() {
  try {
    show(await api(`${ROUTES}/look`, { method: "POST", body: { token } }));
  } catch (error) {
    if (error.code !== "link_spent" && !error.errors?.token) throw error;
    remember("");
    showPart("spent");
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  tell(problem, "");
  if (!form.reportValidity()) return;
  const button = form.querySelector("[type=submit]");
  button.disabled = true;
  try {
    await api(`${ROUTES}/accept`, { method: "POST", body: { token, password: form.elements.password.value || null } });
    remember("");
    showPart("joined");
  } catch (error) {
    if (error.code === "unauthenticated") showPart("log-in");
    else tell(problem, WORDS[error.code] ?? wordsFor(error));
  }
  button.disabled = false;
});

remember(token);
history.replaceState(null, "", location.pathname);
try {
  await look();
} catch (error) {
  showPart("open");
  tell(problem, wordsFor(error));
}
wake("page");
