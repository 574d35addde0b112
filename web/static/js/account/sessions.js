// The page of one's log-ins: ends one of them, or all others.

import { tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";
import { api } from "../common/session.js";

for (const button of document.querySelectorAll("[data-end]")) {
  button.addEventListener("click", async () => {
    button.disabled = true;
    try {
      await api(`/api/v1/me/sessions${button.dataset.end ? `/${button.dataset.end}` : ""}`, { method: "DELETE" });
      location.reload();
    } catch (error) {
      tell(document.getElementById("problem"), wordsFor(error));
      button.disabled = false;
    }
  });
}
wake("page");
