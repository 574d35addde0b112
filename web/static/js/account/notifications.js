// Which mails one wants: each box is kept as soon as it is changed.

import { tell, wake } from "../common/dom.js";
import { wordsFor } from "../common/problems.js";
import { api } from "../common/session.js";
import { _ } from "../common/words.js";

const problem = document.getElementById("problem");
const kept = document.getElementById("kept");

document.getElementById("notifications").addEventListener("change", async ({ target }) => {
  tell(problem, "");
  tell(kept, "");
  target.disabled = true;
  try {
    await api("/api/v1/me/notifications", { method: "PATCH", body: { [target.name]: target.checked } });
    tell(kept, _("Saved."));
  } catch (error) {
    target.checked = !target.checked;
    tell(problem, wordsFor(error));
  } finally {
    target.disabled = false;
    target.focus();
  }
});
wake("page");
