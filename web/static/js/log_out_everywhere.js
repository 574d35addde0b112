// The account's page: logging out on every device.

import { tell, wake } from "./dom.js";
import { logOutEverywhere } from "./session.js";
import { wordsFor } from "./problems.js";
import { _ } from "./words.js";

const button = document.getElementById("log-out-everywhere");

button.addEventListener("click", async () => {
  if (!confirm(_("Log out on every device?"))) return;
  button.disabled = true;
  try {
    await logOutEverywhere();
    location.assign("/");
  } catch (error) {
    tell(document.getElementById("problem"), wordsFor(error));
    button.disabled = false;
  }
});
wake("page");
