// The account's page of followed sales: a row goes when its sale is followed no longer.

import { api } from "../common/session.js";
import { tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";

const problem = document.getElementById("problem");

async function unfollow(button) {
  button.disabled = true;
  tell(problem, "");
  try {
    await api(`/api/v1/sales/${button.dataset.unfollow}/follow`, { method: "DELETE" });
    localStorage.removeItem("follows");
    button.closest("li").remove();
    const isEmpty = !document.querySelector("[data-unfollow]");
    document.getElementById("none").hidden = !isEmpty;
    document.getElementById("content").focus();
  } catch (error) {
    tell(problem, wordsFor(error));
    button.disabled = false;
  }
}

for (const button of document.querySelectorAll("[data-unfollow]")) button.addEventListener("click", () => unfollow(button));
wake("page");
